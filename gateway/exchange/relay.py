"""Relay: take due deliveries and send them, many at once, a few to each recipient, none to an endpoint that is down.

One `Relay` lives as long as its worker process. What it knows besides the database - what is in flight, which circuit
breakers are open - may be lost at any moment: leases run out, breakers learn anew.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from gateway.agency import AgencyId, EndpointKind
from gateway.config import Settings
from gateway.delivery.breaker import CLOSED, BreakerRule, Circuit, CircuitBreaker, after_outcome
from gateway.delivery.delivery import Delivery
from gateway.delivery.outcome import Outcome
from gateway.exchange.attempt import attempt
from gateway.exchange.cut import Cut
from gateway.exchange.destination import Destination, Route, Standing, Version, destinations, standing_at, standings
from gateway.exchange.gateway import Gateway
from gateway.exchange.schedules import lease_of, schedule_of
from gateway.exchange.under_way import UnderWay
from gateway.store.deliveries import Claim
from gateway.store.messages import DisseminationRecord
from gateway.telemetry import Metrics
from gateway.transport.interface import Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much at once, for one worker process.

    lease          longer than one attempt: one that is under way is nobody else's
    per_recipient  under way to one recipient, over all workers
    """

    in_flight_max: int = 64
    per_recipient: int = 16
    lease: timedelta = timedelta(seconds=60)


def pace_of(settings: Settings) -> Pace:
    """The pace that the settings ask for."""
    relay = settings.relay
    return Pace(
        in_flight_max=relay.in_flight_max,
        per_recipient=relay.in_flight_per_recipient_max,
        lease=lease_of(settings),
    )


class Relay:
    """The relay of one worker process.

    sends    a transport for each kind of endpoint that is pushed to
    report   hears of what the operator should know: a payload that does not open, a database that is away
    stirred  set whenever a place becomes free; whoever has something to deliver may set it too
    """

    def __init__(
        self,
        gateway: Gateway,
        sends: Mapping[EndpointKind, Send],
        *,
        report: Callable[[BaseException], None],
        stirred: asyncio.Event | None = None,
        metrics: Metrics | None = None,
        rule: BreakerRule | None = None,
    ) -> None:
        self._gateway = gateway
        self._sends = sends
        self._report = report
        self._metrics = metrics or Metrics()
        self._rule = rule or BreakerRule()
        self._schedule = schedule_of(gateway.settings)
        self._pace = pace_of(gateway.settings)
        self._breakers: dict[str, CircuitBreaker] = {}
        self._destinations: Mapping[AgencyId, Destination] = {}
        self._standings: Mapping[Version, Standing] = {}
        self._version = -1
        self._day: date | None = None
        self.stirred = stirred or asyncio.Event()
        self._under_way = UnderWay(self._gateway, self.stirred, self._report)

    @property
    def in_flight(self) -> int:
        """How many are under way in this process."""
        return len(self._under_way)

    async def fill(self) -> int:
        """Start as many due deliveries as there is room for; how many. Raises `StoreUnavailable`."""
        room = self._pace.in_flight_max - len(self._under_way)
        if room <= 0:
            return 0
        await self._gateway.refresh()
        for claim in await self._claims(room):
            self._under_way.start(partial(self._one, claim), claim.record.delivery.recipient, name="relay")
        return room - (self._pace.in_flight_max - len(self._under_way))

    async def drain(self, grace: timedelta) -> None:
        """Let what is under way finish. What takes longer is given up: whether it arrived is not known, so it is not
        settled but falls due again when its lease runs out."""
        await self._under_way.drain(grace)

    def cut_off(self) -> int:
        """Break off what is under way to agencies that were shut out meanwhile; how many."""
        return self._under_way.cut_off()

    def destinations(self) -> Mapping[AgencyId, Destination]:
        """Whom deliveries are pushed to, by the configuration in force."""
        current = self._gateway.current
        if current.version != self._version:
            self._destinations = destinations(current.agencies.values(), current.authorities)
            self._day = None
            self._version = current.version
            urls = {each.endpoint.url for each in self._destinations.values()}
            self._breakers = {url: breaker for url, breaker in self._breakers.items() if url in urls}
        return self._destinations

    async def _claims(self, room: int) -> tuple[Claim, ...]:
        now = self._gateway.clock.now()
        claims = await self._claim(now, Circuit.CLOSED, room, self._pace.per_recipient)
        if len(claims) < room:
            claims += await self._claim(now, Circuit.HALF_OPEN, room - len(claims), 1)
        return claims

    async def _claim(self, now: datetime, circuit: Circuit, limit: int, per_recipient: int) -> tuple[Claim, ...]:
        push = frozenset(
            agency
            for agency, destination in self.destinations().items()
            if self._breaker(destination).circuit(now) is circuit
        )
        if not push:
            return ()
        return await self._gateway.store.claim(
            now=now,
            lease_until=now + self._pace.lease,
            limit=limit,
            per_recipient=per_recipient,
            push=push,
            held={f"{mou}@{n}" for (mou, n), standing in self._standings_today().items() if standing is Standing.HOLD},
        )

    def _breaker(self, destination: Destination) -> CircuitBreaker:
        return self._breakers.get(destination.endpoint.url, CLOSED)

    def _standing(self, record: DisseminationRecord) -> Standing:
        """A correction or cancellation always goes out, since it mends what the recipient has; so does an emergency
        release, behind which no agreement stands."""
        if record.delivery.urgent:
            return Standing.SEND
        decided = record.dissemination
        found = self._standings_today().get((decided.mou, decided.mou_version), Standing.HOLD)
        return standing_at(found, self._gateway.current.agencies.get(record.delivery.recipient))

    def _standings_today(self) -> Mapping[Version, Standing]:
        current, day = self._gateway.current, self._gateway.current.day(self._gateway.clock.now())
        if day != self._day:
            self._standings, self._day = standings(current.agreements, current.mous, day), day
        return self._standings

    async def _one(self, claim: Claim, cut: Cut) -> None:
        destination = self.destinations().get(claim.record.delivery.recipient)
        route = Route(destination=destination, standing=self._standing(claim.record))
        with self._metrics.attempt_seconds.time():
            made = await attempt(self._gateway, claim, route, self._sends, self._schedule, cut)
        if made.trouble is not None:
            self._report(made.trouble)
        if made.settled:
            self._count(made.delivery)
        if destination is not None and made.outcome is not None:
            self._note(destination.endpoint.url, made.outcome)

    def _note(self, url: str, outcome: Outcome) -> None:
        """Let the endpoint's breaker know."""
        before = self._breakers.get(url, CLOSED)
        breaker = after_outcome(before, outcome, now=self._gateway.clock.now(), rule=self._rule)
        if breaker == CLOSED:
            self._breakers.pop(url, None)
        else:
            self._breakers[url] = breaker

    def _count(self, delivery: Delivery) -> None:
        if delivery.delivered_at is not None:
            self._metrics.delivered.labels(delivery.recipient).inc()
            self._metrics.delivery_seconds.observe((delivery.delivered_at - delivery.created_at).total_seconds())
        elif delivery.last_error:
            self._metrics.failed.labels(delivery.recipient, delivery.last_error).inc()
