"""What a person may do with a delivery that did not arrive: send it once more, or give it up. Both are audited, and
signed when the person says who they are."""

import re

from gateway.audit.catalog import EntryType, Value
from gateway.delivery.after import discarded, requeued
from gateway.delivery.delivery import Delivery
from gateway.delivery.transition import Event, knows
from gateway.errors import Refused
from gateway.exchange.acting import Acting, Signer, entry_by
from gateway.exchange.chain import superseded
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
    """The message was corrected or canceled since: sending it now would undo that."""

    code = "delivery.superseded"


class BadReason(Refused):
    """A reason for the log is a code word. What a person types freely could name somebody, and the log keeps it."""

    code = "delivery.bad-reason"


REASON = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Lower case words joined by hyphens: obsolete, sent-otherwise, recipient-closed."""

REASON_LENGTH_MAX = 60


async def requeue(gateway: Gateway, id: DeliveryId, *, by: Acting | None = None, actor: str = "cli") -> Delivery:
    """Send it once more, with all its tries and time anew.

    by  who signs it; None = nobody does, and the entry names `actor`

    Raises `NoSuchDelivery`, `NotPossibleNow`, `Superseded`, and what `allowed` raises.
    """
    record = await _record(gateway, id, Event.REQUEUED)
    chain_size = await _check_not_superseded(gateway, record)
    delivery = requeued(record.delivery, now=gateway.clock.now(), schedule=schedule_of(gateway.settings))
    signer = Signer(by=by, actor=actor)
    return await _moved(gateway, record, delivery, EntryType.REQUEUE, signer, chain_size=chain_size)


async def discard(
    gateway: Gateway, id: DeliveryId, *, reason: str, by: Acting | None = None, actor: str = "cli"
) -> Delivery:
    """Give it up. Raises `NoSuchDelivery`, `NotPossibleNow`, `BadReason`, and what `allowed` raises."""
    check_reason(reason)
    record = await _record(gateway, id, Event.DISCARDED)
    return await _moved(
        gateway, record, discarded(record.delivery), EntryType.DISCARD, Signer(by=by, actor=actor), reason=reason
    )


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


async def _check_not_superseded(gateway: Gateway, record: DisseminationRecord) -> int:
    """The size of the chain that was looked at, for the transaction to compare."""
    mine = record.delivery
    chain_size = await gateway.store.chain_size(mine.first)
    message = await gateway.store.message(mine.message)
    assert message is not None  # noqa: S101  (a delivery and its message are written in one transaction)
    # The sender's own copy says that its data was released; that stays true.
    told = mine.recipient == record.sender
    if not told and superseded(message.message, await gateway.store.chain_messages(mine.first)):
        raise Superseded("this message was corrected or canceled since")
    return chain_size


async def _moved(
    gateway: Gateway,
    record: DisseminationRecord,
    delivery: Delivery,
    type: EntryType,
    signer: Signer,
    *,
    chain_size: int | None = None,
    **fields: Value,
) -> Delivery:
    now = gateway.clock.now()
    if type is EntryType.DISCARD and (deadline := record.delivery.missed(now)) is not None:
        fields["deadline"] = deadline
    entry = entry_by(
        gateway,
        type,
        signer,
        at=now,
        parties=(record.sender, delivery.recipient),
        message=delivery.message,
        dissemination=delivery.dissemination,
        delivery=delivery.id,
        recipient=delivery.recipient,
        attempts=record.delivery.attempts,
        **fields,
    )
    expected = record.delivery.state
    if not await gateway.store.move(delivery, expected=expected, entries=(entry,), chain_size=chain_size):
        raise NotPossibleNow("the delivery was changed by somebody else meanwhile; look at it again")
    return delivery
