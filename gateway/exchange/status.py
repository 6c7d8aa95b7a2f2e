"""What became of a message: for its sender's system, and nothing of what recipients may see."""

from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.delivery.delivery import Delivery, State
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_asked, record_read
from gateway.keys.payload import KeyGone
from gateway.message import DeliveryId, Message, MessageId
from gateway.policy.emergency import is_release


class MessageUnknown(Refused):
    """No message of this id from this agency; the same answer for one that is somebody else's."""

    code = "message.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """How one delivery of the message stands. `last_error` is a code."""

    delivery: DeliveryId
    recipient: AgencyId
    state: State
    attempts: int
    delivered_at: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyStatus:
    """An emergency release of the message: when, to whom, why, and how it stands. `reason` is a code."""

    at: datetime
    reason: str
    delivery: DeliveryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStatus:
    """A message and its deliveries, by recipient; and its emergency releases, by the same."""

    message: Message
    deliveries: tuple[DeliveryStatus, ...]
    emergencies: tuple[EmergencyStatus, ...] = ()


async def status(gateway: Gateway, agency: AgencyId, id: str, *, channel: str = "rest") -> MessageStatus:
    """How a message of this agency stands; `id` is ours or the sender's own. Raises `MessageUnknown`."""
    message = await _own(gateway, agency, id)
    records = await gateway.store.disseminations(message.id)
    await record_asked(gateway, "status", agency, channel=channel)
    return MessageStatus(
        message=message,
        deliveries=tuple(_stands(record.delivery) for record in records if not is_release(record.dissemination)),
        emergencies=tuple(
            EmergencyStatus(
                at=record.delivery.created_at,
                reason=record.dissemination.clauses[0],
                delivery=_stands(record.delivery),
            )
            for record in records
            if is_release(record.dissemination) and record.delivery.recipient != agency
        ),
    )


def _stands(delivery: Delivery) -> DeliveryStatus:
    return DeliveryStatus(
        delivery=delivery.id,
        recipient=delivery.recipient,
        state=delivery.state,
        attempts=delivery.attempts,
        delivered_at=delivery.delivered_at,
        last_error=delivery.last_error,
    )


async def receipt(gateway: Gateway, agency: AgencyId, id: str) -> str:
    """The signed receipt as it was first answered. That it was asked for is an entry. Raises `MessageUnknown`."""
    message = await _own(gateway, agency, id)
    record = await gateway.store.message(message.id)
    if record is None:
        raise MessageUnknown("there is no such message of this agency")
    await record_read(gateway, "receipt", parties=(agency,), message=message.id, agency=agency, channel="rest")
    if not record.receipt:
        raise KeyGone("the message is destroyed, and with it what tells of its content; the log holds its entry")
    return record.receipt.decode()


async def _own(gateway: Gateway, agency: AgencyId, id: str) -> Message:
    known = await gateway.store.known(agency, id)
    record = await gateway.store.message(known.message if known else MessageId(id))
    if record is None or record.message.sender != agency:
        raise MessageUnknown("there is no such message of this agency")
    return record.message
