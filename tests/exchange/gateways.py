"""A gateway with a real store and real keys, and the deliveries of a few agencies in it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway.agency import Agency, AgencyId, AgencyKind, Endpoint, EndpointKind
from gateway.config import Settings, settings
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.gateway import Gateway
from gateway.keys.files import KeyStore
from gateway.message import (
    Action,
    DeliveryId,
    Dissemination,
    DisseminationId,
    Message,
    MessageId,
    uuid7,
)
from gateway.policy.mou import Kind, Mou
from gateway.store.configuration import AgencyAuthority, Agreement, AgreementState, Credential
from gateway.store.interface import Store
from gateway.store.log import StoredEntry
from gateway.store.messages import Acceptance, DisseminationRecord, NewDissemination, Stored
from gateway.store.open import migrate, open_store

JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")
PROBATION = AgencyId("harlan-probation")
FUSION = AgencyId("tri-county-fusion")

MOU, VERSION = "JAIL-PD-2026-01", 1
BUCKET = "2027-W05"
NO_DIGEST = "sha-256:" + "0" * 64


class SetClock:
    """A clock that goes when it is told to, and real chance."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self._count = 0

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def random(self, size_bytes: int) -> bytes:
        """Other bytes each time, the same in each run."""
        self._count += 1
        found = b"".join(sha256(f"{self._count}.{part}".encode()).digest() for part in range(size_bytes // 32 + 1))
        return found[:size_bytes]

    def go(self, **by: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**by)


@dataclass
class InForce:
    """What the relay asks of the configuration in force; changed by assignment, its version counted by hand."""

    version: int
    agencies: dict[AgencyId, Agency]
    credentials: dict[str, Credential] = field(default_factory=dict)
    authorities: tuple[AgencyAuthority, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    until: date = date(2026, 12, 31)

    @property
    def mous(self) -> dict[tuple[str, int], Mou]:
        """Every version, with the same days."""
        return {(each.mou, each.version): mou_until(self.until, version=each.version) for each in self.agreements}

    def day(self, moment: datetime) -> date:
        """Days in UTC."""
        return moment.date()


def mou_until(until: date, *, since: date = date(2026, 1, 1), version: int = VERSION) -> Mou:
    """The one agreement as a value, with these days."""
    return Mou(
        id=MOU,
        version=version,
        title="Invented",
        kind=Kind.MOU,
        parties=(JAIL, POLICE),
        since=since,
        until=until,
        exchanges=(),
        digest=NO_DIGEST,
    )


def agreement(state: AgreementState, version: int = VERSION) -> Agreement:
    """The one agreement, in this state."""
    return Agreement(
        mou=MOU,
        version=version,
        digest=NO_DIGEST,
        state=state,
        body=b"mou: invented",
        changed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def agency(id: AgencyId, endpoint: Endpoint | None = None, *, suspended: bool = False) -> Agency:
    """An agency with this endpoint; an inbox when none is given."""
    return Agency(
        id=id,
        name=id.replace("-", " ").title(),
        kind=AgencyKind.POLICE,
        endpoint=endpoint or Endpoint(kind=EndpointKind.INBOX),
        suspended=suspended,
    )


def endpoint(url: str, kind: EndpointKind = EndpointKind.REST) -> Endpoint:
    """An endpoint on this machine."""
    return Endpoint(kind=kind, url=url, private_network=True)


@dataclass
class World:
    """A gateway of a test. Whatever is reported as trouble fails the test at its end."""

    gateway: Gateway
    clock: SetClock
    configured: InForce
    trouble: list[BaseException] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """Its store."""
        return self.gateway.store

    def put(self, *agencies: Agency, agreements: tuple[Agreement, ...] | None = None) -> None:
        """Change what is in force."""
        self.configured.version += 1
        self.configured.agencies |= {each.id: each for each in agencies}
        if agreements is not None:
            self.configured.agreements = agreements

    async def deliver(
        self,
        *recipients: AgencyId,
        first: MessageId | None = None,
        urgent: bool = False,
        payload: bytes = b"<r:Release xmlns:r='urn:r'/>",
        **changes: Any,
    ) -> list[Delivery]:
        """Accept a message, and give its deliveries."""
        now = self.clock.now()
        message = MessageId(self.gateway.new_id(now))
        made = [
            self._dissemination(message, recipient, first or message, urgent, payload, changes)
            for recipient in recipients
        ]
        stored = await self.store.accept(
            Acceptance(
                configuration=await self.store.configuration_version(),
                message=Message(
                    id=message,
                    sender=JAIL,
                    sender_id=message,
                    exchange="custody-release/1.0",
                    action=Action.CANCEL if urgent else Action.NEW,
                    first=first or message,
                    received_at=now,
                    digest=NO_DIGEST,
                ),
                content_digest=sha256(message.encode()).digest(),
                original=self._seal(b"<original/>", message),
                receipt=b"receipt",
                disseminations=tuple(made),
                entries=(),
                chain_size=await self.store.chain_size(first) if first else 0,
            )
        )
        assert stored is Stored.STORED
        return [each.delivery for each in made]

    def _dissemination(
        self,
        message: MessageId,
        recipient: AgencyId,
        first: MessageId,
        urgent: bool,
        payload: bytes,
        changes: Mapping[str, Any],
    ) -> NewDissemination:
        now = self.clock.now()
        id = DisseminationId(uuid7(now, self.clock.random(10)))
        delivery = Delivery(
            id=DeliveryId(uuid7(now, self.clock.random(10))),
            dissemination=id,
            message=message,
            first=first,
            recipient=recipient,
            state=State.WAITING,
            urgent=urgent,
            created_at=now,
            due_at=now,
            expires_at=now + timedelta(hours=72),
        )
        return NewDissemination(
            dissemination=Dissemination(
                id=id,
                message=message,
                recipient=recipient,
                mou=MOU,
                mou_version=VERSION,
                mou_digest=NO_DIGEST,
                clauses=("E1",),
                purpose="victim-notification",
                shared=3,
                redactions=(),
                payload_digest="sha-256:" + sha256(payload).hexdigest(),
            ),
            payload=self._seal(payload, id),
            cover=f"<c:Cover xmlns:c='urn:c' Id='cover-{id}'/>".encode(),
            delivery=replace(delivery, **changes),
        )

    def _seal(self, plaintext: bytes, id: str) -> Any:
        return self.gateway.payloads.seal(plaintext, bucket=BUCKET, aad=id.encode(), random=self.clock.random(17))

    async def record(self, delivery: Delivery) -> DisseminationRecord:
        """The delivery as it is stored now."""
        found = await self.store.delivery(delivery.id)
        assert found is not None
        return found

    async def now_of(self, delivery: Delivery) -> Delivery:
        """The delivery as it stands now."""
        return (await self.record(delivery)).delivery

    async def entries(self, delivery: Delivery) -> tuple[StoredEntry, ...]:
        """What the log says about its message."""
        return await self.store.entries_of(delivery.message)

    async def said(self, delivery: Delivery) -> list[str]:
        """Types of those entries."""
        return [each.entry.type for each in await self.entries(delivery)]


QUICK: Mapping[str, object] = {"wait_seconds_first": 5, "attempt_seconds_max": 2, "lease_seconds": 60}


def quick_settings(directory: Path, **relay: object) -> Settings:
    """Settings with a relay that gives up an attempt soon."""
    return settings({"name": "gateway.test", "relay": {**QUICK, **relay}}, directory, source="test")


@asynccontextmanager
async def world(directory: Path, *agencies: Agency, url: str = "", **relay: object) -> AsyncIterator[World]:
    """A gateway with a store of its own, open for the length of a test."""
    clock = SetClock()
    made = quick_settings(directory, **relay)
    url = url or made.database_url
    migrate(url)
    keys = KeyStore.create(made.keys_directory, name=made.name, clock=clock)
    store = open_store(url)
    await store.open()
    try:
        everyone = {each.id: each for each in (agency(JAIL), *agencies)}
        version = await store.change(list(everyone.values()), ())
        configured = InForce(version=version, agencies=everyone, agreements=(agreement(AgreementState.IN_FORCE),))
        gateway = _Gateway(
            store=store,
            keys=keys,
            payloads=keys.payload_keys(clock),
            clock=clock,
            settings=made,
            current=configured,  # type: ignore[arg-type]
        )
        made_world = World(gateway=gateway, clock=clock, configured=configured)
        yield made_world
        assert made_world.trouble == []
    finally:
        await store.close()


class _Gateway(Gateway):
    """Its configuration is what the test says, not what the database holds."""

    async def refresh(self) -> bool:
        """Nothing to take up."""
        return False
