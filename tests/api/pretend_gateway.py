"""A pretended gateway: real settings, clock and ids; the verbs behind it are plain methods that remember."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.agency import Agency, AgencyId, AgencyKind
from gateway.api import rest, soap_acts
from gateway.audit.tree import leaf_hash
from gateway.clock import SystemClock
from gateway.config import Settings
from gateway.delivery.delivery import Delivery, State
from gateway.errors import GatewayError
from gateway.exchange.gateway import AgencySuspended, NotIdentified
from gateway.exchange.health import Health
from gateway.exchange.inbox import DeliveryUnknown, InboxItem
from gateway.exchange.passwords import Passwords
from gateway.exchange.status import DeliveryStatus, EmergencyStatus, MessageStatus, MessageUnknown
from gateway.exchange.submission import Accepted, RecipientOutcome, Submission
from gateway.message import Action, DeliveryId, DisseminationId, Message, MessageId, uuid7
from gateway.store.interface import Counts
from gateway.store.witness import LogTrouble

AT = datetime(2026, 3, 2, 8, 15, 0, 250_000, tzinfo=UTC)
DIGEST = "sha-256:" + "5f" * 32
JAIL = Agency(id=AgencyId("harlan-county-jail"), name="Harlan County Jail", kind=AgencyKind.JAIL)
POLICE = Agency(id=AgencyId("millbrook-police"), name="Millbrook Police", kind=AgencyKind.POLICE)
COVER = b"<?xml version='1.0' encoding='UTF-8'?>\n<c:Cover xmlns:c='urn:example:cover'>signed</c:Cover>"
PAYLOAD = b"<?xml version='1.0' encoding='UTF-8'?>\n<Notice>\n  <Of>a release</Of>\n</Notice>"

NOTICE = "HANDLING NOTICE\nPass nothing on, to nobody.\n"


@dataclass
class PretendStore:
    """Nothing but what an edge reads by itself."""

    fails: GatewayError | None = None
    note: bytes | None = None
    leaves: list[bytes] = field(default_factory=list)
    entries: dict[str, Any] = field(default_factory=dict)
    recorded: list[dict[str, Any]] = field(default_factory=list)
    found: list[LogTrouble] = field(default_factory=list)
    standing: list[Any] = field(default_factory=list)
    waiting: list[Any] = field(default_factory=list)
    oldest_entry: datetime | None = None

    async def configuration_version(self) -> int:
        if self.fails is not None:
            raise self.fails
        return 1

    async def counts(self) -> Counts:
        return Counts(
            messages=3,
            deliveries=((POLICE.id, State.WAITING, 2),),
            oldest=datetime.now(UTC) - timedelta(seconds=30),
            unsequenced=1,
            unsequenced_since=None,
            log_size=7,
            emergencies=2,
        )

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        return self.note if size in (None, len(self.leaves)) else None

    async def cosignatures(self, size: int) -> tuple[Any, ...]:
        return ()

    async def troubles(self) -> tuple[LogTrouble, ...]:
        return tuple(self.found)

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        return tuple(self.leaves[start : start + count]) if level == 0 else ()

    async def entry(self, id: str) -> Any:
        return self.entries.get(id)

    async def entry_by_leaf(self, leaf: bytes) -> Any:
        return next((each for each in self.entries.values() if each.entry.leaf_hash == leaf), None)

    async def alerts(self) -> Any:
        return tuple(self.standing)

    async def notices(self, limit: int) -> Any:
        return tuple(self.waiting)

    async def waiting_since(self) -> datetime | None:
        return self.oldest_entry

    async def record(self, entries: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.recorded += [json.loads(each.body) for each in entries]

    def grow(self, count: int) -> None:
        self.leaves += [leaf_hash(b"%d" % number) for number in range(len(self.leaves), count)]


@dataclass
class PretendGateway:
    """What `gateway.exchange` would do, remembered."""

    settings: Settings = field(default_factory=Settings)
    clock: SystemClock = field(default_factory=SystemClock)
    store: PretendStore = field(default_factory=PretendStore)
    current: Any = field(
        default_factory=lambda: SimpleNamespace(registry=PretendRegistry(), usernames={}, authorities=())
    )
    tokens: dict[str, Agency] = field(default_factory=lambda: {"jail-token": JAIL, "police-token": POLICE})
    certificates: dict[bytes, Agency] = field(default_factory=dict)
    suspended: set[AgencyId] = field(default_factory=set)
    submissions: list[Submission] = field(default_factory=list)
    refusals: list[tuple[AgencyId, str, str]] = field(default_factory=list)
    turned_away: list[tuple[str, str]] = field(default_factory=list)
    acknowledged: list[DeliveryId] = field(default_factory=list)
    noted: dict[AgencyId, bytes] = field(default_factory=dict)
    newest_head: tuple[bytes, float] | None = None
    repeats: bool = False
    fails: Exception | None = None
    health: Health = field(default_factory=Health)
    passwords: Passwords = field(default_factory=Passwords)

    def new_id(self, now: datetime) -> str:
        return uuid7(now, self.clock.random(10))

    def identify_token(self, token: str) -> Agency:
        return self._known(self.tokens.get(token))

    def identify_certificate(self, der: bytes, others: Sequence[bytes] = ()) -> Agency:
        return self._known(self.certificates.get(der))

    def _known(self, agency: Agency | None) -> Agency:
        if agency is None:
            raise NotIdentified("no valid credential")
        if agency.id in self.suspended:
            raise AgencySuspended(agency.id)
        return agency

    # the verbs

    async def accept(self, _: object, submission: Submission) -> Accepted:
        self.submissions.append(submission)
        if self.fails is not None:
            raise self.fails
        return Accepted(
            id=MessageId("019a3c5e-0000-7000-8000-000000000001"),
            sender_id=submission.sender_id or "made-here",
            received_at=AT,
            digest=DIGEST,
            recipients=(
                RecipientOutcome(agency=POLICE.id, outcome="accepted", delivery=DeliveryId("d-1")),
                RecipientOutcome(agency=AgencyId("tri-county-fusion"), outcome="refused", code="policy.not-releasable"),
            ),
            entry="019a3c5e-0000-7000-8000-00000000000e",
            receipt="gateway.local/receipt\nline\n\n— gateway.local signature\n",
            repeated=self.repeats,
        )

    async def record_refusal(self, _: object, submission: Submission, error: GatewayError, now: datetime) -> None:
        self.refusals.append((submission.sender, error.code, submission.channel))

    async def record_access_refused(self, _: object, error: GatewayError, *, channel: str) -> None:
        self.turned_away.append((error.code, channel))

    async def status(self, _: object, agency: AgencyId, id: str, *, channel: str = "") -> MessageStatus:
        if self.fails is not None:
            raise self.fails
        if agency != JAIL.id or id == "unknown":
            raise MessageUnknown("there is no such message of this agency")
        message = Message(
            id=MessageId(id),
            sender=agency,
            sender_id="release-1",
            exchange="custody-release/1.0",
            action=Action.NEW,
            first=MessageId(id),
            received_at=AT,
            digest=DIGEST,
        )
        waiting = DeliveryStatus(
            delivery=DeliveryId("d-1"),
            recipient=POLICE.id,
            state=State.WAITING,
            attempts=2,
            delivered_at=None,
            last_error="delivery.http-503",
        )
        done = DeliveryStatus(
            delivery=DeliveryId("d-2"),
            recipient=AgencyId("harlan-probation"),
            state=State.DELIVERED,
            attempts=1,
            delivered_at=AT,
            last_error="",
        )
        released = EmergencyStatus(at=AT, reason="imminent-danger", delivery=replace(done, delivery=DeliveryId("d-7")))
        return MessageStatus(message=message, deliveries=(waiting, done), emergencies=(released,))

    async def receipt(self, _: object, agency: AgencyId, id: str) -> str:
        await self.status(_, agency, id)
        return "a signed note\n"

    async def inbox_page(
        self, _: object, agency: AgencyId, *, after: int, limit: int, urgent: bool = False, channel: str = ""
    ) -> tuple[InboxItem, ...]:
        items = [self._item(position) for position in (3, 4, 9)] if agency == POLICE.id else []
        return tuple(item for item in items if item.position > after and (item.urgent or not urgent))[:limit]

    def _item(self, position: int) -> InboxItem:
        return InboxItem(
            delivery=DeliveryId(f"d-{position}"),
            message=MessageId(f"m-{position}"),
            exchange="custody-release/1.0",
            sender=JAIL.id,
            mou="JAIL-PD-2026-01@1",
            received_at=AT,
            urgent=position == 9,
            position=position,
        )

    async def inbox_payload(self, _: object, agency: AgencyId, delivery: DeliveryId, *, channel: str = "") -> bytes:
        self._own(agency, delivery)
        return PAYLOAD

    async def inbox_cover(self, _: object, agency: AgencyId, delivery: DeliveryId, *, channel: str = "") -> bytes:
        self._own(agency, delivery)
        return COVER

    async def inbox_notice(self, _: object, agency: AgencyId, delivery: DeliveryId) -> str:
        self._own(agency, delivery)
        return NOTICE

    async def acknowledge(self, _: object, agency: AgencyId, delivery: DeliveryId) -> Delivery:
        self._own(agency, delivery)
        self.acknowledged.append(delivery)
        return Delivery(
            id=delivery,
            dissemination=DisseminationId("x"),
            message=MessageId("m"),
            first=MessageId("m"),
            recipient=agency,
            state=State.DELIVERED,
            urgent=False,
            created_at=AT,
            due_at=AT,
            expires_at=AT,
            delivered_at=AT,
        )

    def _own(self, agency: AgencyId, delivery: DeliveryId) -> None:
        if agency != POLICE.id or delivery not in ("d-3", "d-4", "d-9"):
            raise DeliveryUnknown("there is no such delivery for this agency")

    def put_in_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the edges call these instead of the verbs of the same names."""
        names = (
            "accept",
            "record_refusal",
            "record_access_refused",
            "status",
            "receipt",
            "inbox_page",
            "inbox_payload",
            "inbox_cover",
            "inbox_notice",
            "acknowledge",
        )
        for module in (rest, soap_acts):
            for name in names:
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, getattr(self, name))


class PretendRegistry:
    """One registered exchange."""

    def ids(self) -> tuple[str, ...]:
        return ("custody-release/1.0",)

    def by_id(self, exchange: str) -> Any:
        return SimpleNamespace(
            id=exchange,
            samples={"smallest.xml": b"<Notice/>"},
            files={
                "iepd/extension.xsd": b"<extension/>",
                "iepd/samples/smallest.xml": b"<Notice/>",
                "xsd/niem.xsd": b"<niem/>",
            },
        )
