"""Send answers to registered addresses: each with back-off until it has arrived, its time is over, or it is refused.

Like `relay`, and apart from it: what a partner's answers wait for holds up nobody's deliveries. What is known besides
the database may be lost at any moment: leases run out, breakers learn anew.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType, Value
from gateway.audit.entry import AuditEntry, make
from gateway.delivery.after import after, expired, overdue, released
from gateway.delivery.breaker import CLOSED, BreakerRule, Circuit, CircuitBreaker, after_outcome
from gateway.delivery.course import State
from gateway.delivery.outcome import MAY_HAVE_ARRIVED, Outcome, failed, refused
from gateway.delivery.reply import Reply
from gateway.errors import GatewayError, Tampered
from gateway.exchange.attempt import HOLD, SETTLE_PAUSES_SECONDS, WORN_OUT
from gateway.exchange.cut import CUT_OFF, Cut
from gateway.exchange.destination import vouching
from gateway.exchange.gateway import Gateway
from gateway.exchange.reply import registered, said_of
from gateway.exchange.schedules import lease_of, schedule_of
from gateway.exchange.under_way import UnderWay
from gateway.store.interface import StoreUnavailable
from gateway.store.points import AFTER_REPLY, BEFORE_REPLY, reach
from gateway.store.replies import ReplyClaim
from gateway.transport.letter import Letter, SendLetter

IN_FLIGHT_MAX: Final = 16
PER_AGENCY: Final = 4
"""Answers are small, and an agency that is away holds at most this many places."""

NOT_REGISTERED: Final = "reply.not-registered"
"""The address is not registered for the agency any more: nothing goes there."""

ACTION: Final[Mapping[State, str]] = {
    State.WAITING: "failed",
    State.DELIVERED: "delivered",
    State.UNDELIVERABLE: "undeliverable",
    State.EXPIRED: "expired",
}
"""What the log says of a settled reply."""


class ReplyRelay:
    """The one of a worker process. report: hears of what the operator should know."""

    def __init__(self, gateway: Gateway, send: SendLetter, *, report: Callable[[BaseException], None]) -> None:
        self._gateway = gateway
        self._send = send
        self._report = report
        self._rule = BreakerRule()
        self._schedule = schedule_of(gateway.settings)
        self._lease = lease_of(gateway.settings)
        self._breakers: dict[AgencyId, CircuitBreaker] = {}
        self.stirred = asyncio.Event()
        self._under_way = UnderWay(self._gateway, self.stirred, self._report)

    async def fill(self) -> int:
        """Start as many due ones as there is room for; how many. Raises `StoreUnavailable`."""
        await self._gateway.refresh()
        now, started = self._gateway.clock.now(), 0
        for circuit, most in ((Circuit.CLOSED, PER_AGENCY), (Circuit.HALF_OPEN, 1)):
            push = self._agencies(circuit, now)
            room = IN_FLIGHT_MAX - len(self._under_way)
            if not push or room <= 0:
                continue
            for claim in await self._gateway.store.claim_replies(
                now=now, lease_until=now + self._lease, limit=room, per_agency=most, push=push
            ):
                self._under_way.start(partial(self._one, claim), claim.record.reply.agency, name="reply")
                started += 1
        return started

    async def drain(self, grace: timedelta) -> None:
        """Let what is under way finish; the rest falls due by its lease."""
        await self._under_way.drain(grace)

    def cut_off(self) -> int:
        """Break off what is under way to agencies that were shut out meanwhile; how many."""
        return self._under_way.cut_off()

    def _agencies(self, circuit: Circuit, now: datetime) -> frozenset[AgencyId]:
        """Those to whom something may go now. To a suspended one nothing goes: it waits, and its time runs."""
        return frozenset(
            id
            for id, agency in self._gateway.current.agencies.items()
            if not agency.suspended and self._breakers.get(id, CLOSED).circuit(now) is circuit
        )

    async def _one(self, claim: ReplyClaim, cut: Cut) -> None:
        reply, outcome = claim.record.reply, None
        agency = self._gateway.current.agencies.get(reply.agency)
        if overdue(reply, self._gateway.clock.now()):
            settled = expired(reply)
        elif agency is None or agency.suspended or cut.wanted:  # since it was claimed
            settled = released(reply, self._gateway.clock.now() + HOLD)
        else:
            outcome = await self._try(claim, cut)
            settled = self._after(reply, outcome)
        if await self._settle(claim, settled) and outcome is not None and outcome.code != CUT_OFF:
            self._note(reply.agency, outcome)

    async def _try(self, claim: ReplyClaim, cut: Cut) -> Outcome:
        reply = claim.record.reply
        current = self._gateway.current
        endpoint = registered(current.agencies[reply.agency], reply.address)
        if endpoint is None:
            return refused(NOT_REGISTERED)
        if reply.attempts > self._schedule.attempts_max:
            return refused(WORN_OUT)
        try:
            envelope = self._gateway.payloads.open(claim.record.content, aad=reply.id.encode())
        except Tampered as error:  # altered bytes stay altered
            self._report(error)
            return refused(error.code)
        except GatewayError as error:  # a key that is not there may be in a directory that is away
            self._report(error)
            return failed(error.code)
        letter = Letter(
            endpoint=endpoint,
            message_id=reply.message_id,
            envelope=envelope,
            authorities=vouching(current.authorities).get(reply.agency, b""),
        )
        reach(BEFORE_REPLY)
        outcome = await cut.send(self._send.send(letter, deadline=self._schedule.attempt_deadline))
        reach(AFTER_REPLY)
        return outcome

    def _after(self, reply: Reply, outcome: Outcome) -> Reply:
        clock = self._gateway.clock
        chance = int.from_bytes(clock.random(4)) / 0xFFFFFFFF
        # What is known of an earlier try; nothing, when its worker ended before it could write.
        arrived_before = reply.last_error in MAY_HAVE_ARRIVED or (reply.attempts > 1 and not reply.last_error)
        return after(
            reply,
            outcome,
            now=clock.now(),
            schedule=self._schedule,
            chance=chance,
            arrived_before=arrived_before,
        )

    async def _settle(self, claim: ReplyClaim, reply: Reply) -> bool:
        """Write it down; again when the database does not answer."""
        entries = self._entries(claim.record.reply, reply)
        for pause in SETTLE_PAUSES_SECONDS:
            with suppress(StoreUnavailable):
                return await self._gateway.store.settle_reply(claim.lease, reply, entries)
            await asyncio.sleep(pause)
        return await self._gateway.store.settle_reply(claim.lease, reply, entries)

    def _entries(self, before: Reply, reply: Reply) -> tuple[AuditEntry, ...]:
        if reply.state is State.WAITING and reply.attempts < before.attempts:
            return ()  # given back untried
        fields: dict[str, Value | None] = {"attempts": reply.attempts}
        if reply.state is State.DELIVERED:
            fields["evidence"] = reply.evidence
        else:
            fields["code"] = reply.last_error or None
        if reply.state is State.WAITING:
            fields["due_at"] = reply.due_at
        return (entry_of(self._gateway, reply, ACTION[reply.state], **fields),)

    def _note(self, agency: AgencyId, outcome: Outcome) -> None:
        before = self._breakers.get(agency, CLOSED)
        breaker = after_outcome(before, outcome, now=self._gateway.clock.now(), rule=self._rule)
        if breaker == CLOSED:
            self._breakers.pop(agency, None)
        else:
            self._breakers[agency] = breaker


def entry_of(gateway: Gateway, reply: Reply, action: str, **fields: Any) -> AuditEntry:
    """An entry about a reply."""
    now = gateway.clock.now()
    return make(EntryType.REPLY, id=gateway.new_id(now), at=now, **said_of(reply, action), **fields)
