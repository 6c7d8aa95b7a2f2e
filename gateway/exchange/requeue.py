"""What a person may do with a delivery that did not arrive: send it once more, or give it up. Both are audited."""

import re

from gateway.audit.catalog import EntryType, Value
from gateway.audit.entry import make
from gateway.delivery.after import discarded, requeued
from gateway.delivery.delivery import Delivery
from gateway.delivery.transition import Event, knows
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.exchange.schedules import schedule_of
from gateway.message import DeliveryId
from gateway.store.messages import DisseminationRecord


class NoSuchDelivery(Refused):
    """No delivery has this id."""

    code = "delivery.not-found"


class NotPossibleNow(Refused):
    """The delivery stands in a state in which this cannot be done."""

    code = "delivery.wrong-state"


class Superseded(Refused):
    """A later correction or cancellation went to the recipient: sending the older message after it would undo it."""

    code = "delivery.superseded"


class BadReason(Refused):
    """A reason for the log is a code word. What a person types freely could name somebody, and the log keeps it."""

    code = "delivery.bad-reason"


REASON = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Lower case words joined by hyphens: obsolete, sent-otherwise, recipient-closed."""

REASON_LENGTH_MAX = 60


async def requeue(gateway: Gateway, id: DeliveryId, *, by: str) -> Delivery:
    """Send it once more, with all its tries and time anew. Raises `NoSuchDelivery`, `NotPossibleNow`, `Superseded`.

    by  account of the person
    """
    record = await _record(gateway, id, Event.REQUEUED)
    await _check_not_superseded(gateway, record)
    delivery = requeued(record.delivery, now=gateway.clock.now(), schedule=schedule_of(gateway.settings))
    return await _moved(gateway, record, delivery, EntryType.REQUEUE, actor=by)


async def discard(gateway: Gateway, id: DeliveryId, *, by: str, reason: str) -> Delivery:
    """Give it up. Raises `NoSuchDelivery`, `NotPossibleNow`, `BadReason`."""
    check_reason(reason)
    record = await _record(gateway, id, Event.DISCARDED)
    return await _moved(gateway, record, discarded(record.delivery), EntryType.DISCARD, actor=by, reason=reason)


def check_reason(reason: str) -> None:
    """Raises `BadReason`."""
    if len(reason) > REASON_LENGTH_MAX or not REASON.fullmatch(reason):
        raise BadReason(f"a reason is lower case words joined by hyphens, at most {REASON_LENGTH_MAX} characters")


async def _record(gateway: Gateway, id: DeliveryId, event: Event) -> DisseminationRecord:
    record = await gateway.store.delivery(id)
    if record is None:
        raise NoSuchDelivery("no delivery has this id")
    if not knows(record.delivery.state, event):
        raise NotPossibleNow(f"a {record.delivery.state} delivery cannot be {event}")
    return record


async def _check_not_superseded(gateway: Gateway, record: DisseminationRecord) -> None:
    """Our ids sort by time, so a later message of the chain has a greater id."""
    mine = record.delivery
    for other in await gateway.store.chain(mine.first):
        later = other.delivery
        if later.recipient == mine.recipient and later.urgent and later.message > mine.message:
            raise Superseded("a later correction or cancellation of this message went to the recipient")


async def _moved(
    gateway: Gateway, record: DisseminationRecord, delivery: Delivery, type: EntryType, **fields: Value
) -> Delivery:
    now = gateway.clock.now()
    if type is EntryType.DISCARD and (deadline := record.delivery.missed(now)) is not None:
        fields["deadline"] = deadline
    entry = make(
        type,
        id=gateway.new_id(now),
        at=now,
        parties=(record.sender, delivery.recipient),
        message=delivery.message,
        dissemination=delivery.dissemination,
        delivery=delivery.id,
        recipient=delivery.recipient,
        attempts=record.delivery.attempts,
        **fields,
    )
    if not await gateway.store.move(delivery, expected=record.delivery.state, entries=(entry,)):
        raise NotPossibleNow("the delivery was changed by somebody else meanwhile; look at it again")
    return delivery
