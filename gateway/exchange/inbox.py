"""The inbox of an agency that polls: what waits for it, the content, and its acknowledgement."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType, Value
from gateway.audit.entry import AuditEntry, make
from gateway.delivery.delivery import Delivery, State
from gateway.errors import Refused, Unavailable
from gateway.exchange.destination import Standing, standing_at, standings
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_asked
from gateway.keys.payload import KeyGone
from gateway.message import DeliveryId, MessageId
from gateway.policy.handling import Handling, handling_notice
from gateway.signing.cover import read_cover
from gateway.store.messages import DisseminationRecord

PAGE_MAX = 200

_TRIES_MAX = 5


class DeliveryUnknown(Refused):
    """No delivery of this id for this agency; the same answer for one that is somebody else's."""

    code = "delivery.unknown"


class DeliveryRecalled(Refused):
    """It was corrected, canceled or withdrawn before it was acknowledged: what was read of it is void."""

    code = "delivery.recalled"


class DeliveryHeld(Refused):
    """The agreement it was decided under is suspended: its content stays here until the agreement is resumed."""

    code = "delivery.held"


class DeliveryBusy(Unavailable):
    """Somebody else is changing this delivery."""

    code = "delivery.busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One waiting delivery, without content. `position` is what `after` takes for the next page."""

    delivery: DeliveryId
    message: MessageId
    exchange: str
    sender: AgencyId
    mou: str
    received_at: datetime
    urgent: bool
    position: int


async def inbox_page(
    gateway: Gateway, agency: AgencyId, *, after: int, limit: int, urgent: bool = False, channel: str = "rest"
) -> tuple[InboxItem, ...]:
    """Waiting deliveries with a position above `after`, oldest first; at most `limit` (1 to 200); with `urgent`, those
    alone: a cancellation is not looked for behind all that waits.

    What cannot be read is not listed. Under a suspended agreement it gets a new position when that is resumed, in the
    same transaction: so a page is good only when what was read of the inbox and what was known of the agreements are
    of one version of the configuration.
    """
    await record_asked(gateway, "inbox", agency, channel=channel)
    for _ in range(_TRIES_MAX):
        current = gateway.current
        withheld = _withheld(gateway, agency)
        most = max(1, min(limit, PAGE_MAX))
        records = await gateway.store.inbox(agency, after, most, withheld=withheld, urgent=urgent)
        await gateway.refresh()
        if gateway.current.version == current.version:
            return _items(records)
    raise DeliveryBusy("agreements are being changed; ask again")


def _items(records: Iterable[DisseminationRecord]) -> tuple[InboxItem, ...]:
    return tuple(
        InboxItem(
            delivery=record.delivery.id,
            message=record.delivery.message,
            exchange=record.exchange,
            sender=record.sender,
            mou=f"{record.dissemination.mou}@{record.dissemination.mou_version}",
            received_at=record.delivery.created_at,
            urgent=record.delivery.urgent,
            position=record.position,
        )
        for record in records
    )


def _withheld(gateway: Gateway, agency: AgencyId) -> frozenset[str]:
    """Versions of this agency's agreements under which nothing is to be had."""
    current = gateway.current
    own = {mou.id for mou in current.mous.values() if agency in mou.parties}
    versions = (one for one in current.agreements if one.mou in own)
    found = standings(versions, current.mous, current.day(gateway.clock.now()))
    own_agency = current.agencies.get(agency)
    return frozenset(
        f"{mou}@{version}"
        for (mou, version), standing in found.items()
        if standing_at(standing, own_agency) is not Standing.SEND
    )


async def inbox_payload(gateway: Gateway, agency: AgencyId, delivery: DeliveryId, *, channel: str = "rest") -> bytes:
    """The payload. Reading it is an audit entry, written before the content leaves.

    Raises `DeliveryUnknown`, `DeliveryRecalled`, `DeliveryHeld`.
    """
    record = await _own(gateway, agency, delivery)
    if _standing(gateway, record) is Standing.HOLD:
        raise DeliveryHeld("the agreement behind this delivery is suspended; it can be read when that is resumed")
    payload = gateway.payloads.open(record.payload, aad=record.dissemination.id.encode())
    await _record_read(gateway, record, "payload", channel)
    return payload


async def inbox_cover(gateway: Gateway, agency: AgencyId, delivery: DeliveryId, *, channel: str = "rest") -> bytes:
    """The signed Cover. It names agreement, clauses and digests, no content; so it can be had while the content is
    held. Reading it is an audit entry too: it says who sent something, and why."""
    record = await _own(gateway, agency, delivery)
    _check_kept(record)
    await _record_read(gateway, record, "cover", channel)
    return record.cover


async def inbox_notice(gateway: Gateway, agency: AgencyId, delivery: DeliveryId) -> str:
    """The handling notice: what the Cover says, and the agreement of all that goes under it, for people. To be had when
    the Cover is; it holds nothing of the content either."""
    record = await _own(gateway, agency, delivery)
    _check_kept(record)
    notice = notice_of(gateway, record)
    await _record_read(gateway, record, "notice", "rest")
    return notice


def _check_kept(record: DisseminationRecord) -> None:
    """A Cover goes with its payload: it names the payload's digest. Raises `KeyGone`."""
    if not record.cover:
        raise KeyGone("what this delivery carried is destroyed, and its Cover with it")


async def _record_read(gateway: Gateway, record: DisseminationRecord, kind: str, channel: str) -> None:
    agency = record.dissemination.recipient
    entry = _entry(gateway, EntryType.READ, record, kind=kind, agency=agency, channel=channel)
    await gateway.store.record([entry])


def notice_of(gateway: Gateway, record: DisseminationRecord) -> str:
    """The handling notice of a delivery, as text."""
    cover, current = read_cover(record.cover), gateway.current
    handling = Handling(
        delivery=record.delivery.id,
        sender=cover.sender,
        recipient=cover.recipient,
        exchange=cover.exchange,
        mou=cover.mou,
        mou_version=cover.mou_version,
        clauses=cover.clauses,
        purpose=cover.purpose,
        role=cover.role,
        keep_until=cover.keep_until,
        onward_sharing=cover.onward_sharing,
        notices=cover.notices,
        fields_withheld=cover.fields_withheld,
        contact=cover.contact,
    )
    mou = current.mous.get((cover.mou, cover.mou_version))
    return "\n".join((*handling_notice(handling, mou, current.agencies, zone=current.zone), ""))


async def acknowledge(gateway: Gateway, agency: AgencyId, delivery: DeliveryId) -> Delivery:
    """The recipient has it. A second acknowledgement is answered like the first."""
    record = await _own(gateway, agency, delivery)
    if record.delivery.state is State.DELIVERED:
        return record.delivery
    now = gateway.clock.now()
    delivered = replace(record.delivery, state=State.DELIVERED, delivered_at=now, evidence="transport")
    late = record.delivery.missed(now)
    entry = _entry(gateway, EntryType.DELIVER, record, evidence="transport", channel="inbox", deadline=late)
    if await gateway.store.move(delivered, expected=record.delivery.state, entries=[entry]):
        return delivered
    again = await _own(gateway, agency, delivery)
    if again.delivery.state is State.DELIVERED:
        return again.delivery
    raise DeliveryBusy("the delivery is being changed; acknowledge again")


async def _own(gateway: Gateway, agency: AgencyId, delivery: DeliveryId) -> DisseminationRecord:
    await gateway.refresh()  # an agreement that another process suspended or ended counts at once
    record = await gateway.store.delivery(delivery)
    if record is None or record.dissemination.recipient != agency:
        raise DeliveryUnknown("there is no such delivery for this agency")
    if record.delivery.state in {State.RECALLED, State.EXPIRED}:
        raise DeliveryRecalled("the delivery was withdrawn before it was acknowledged; do not use it")
    if _standing(gateway, record) is Standing.RECALL and record.delivery.state is not State.DELIVERED:
        raise DeliveryRecalled("the agreement behind this delivery has ended; nothing leaves under it any more")
    return record


def _standing(gateway: Gateway, record: DisseminationRecord) -> Standing:
    """As for what is pushed: a correction, cancellation or emergency release always goes out."""
    if record.delivery.urgent:
        return Standing.SEND
    decided, current = record.dissemination, gateway.current
    versions = (one for one in current.agreements if one.mou == decided.mou)
    found = standings(versions, current.mous, current.day(gateway.clock.now()))
    standing = found.get((decided.mou, decided.mou_version), Standing.HOLD)
    return standing_at(standing, current.agencies.get(decided.recipient))


def _entry(gateway: Gateway, type: EntryType, record: DisseminationRecord, **fields: Value | None) -> AuditEntry:
    now = gateway.clock.now()
    recipient = record.dissemination.recipient
    return make(
        type,
        id=gateway.new_id(now),
        at=now,
        parties=(record.sender, recipient),
        message=record.delivery.message,
        dissemination=record.dissemination.id,
        delivery=record.delivery.id,
        recipient=recipient,
        **fields,
    )
