"""What became of a message: for its sender's system, and nothing of what recipients may see."""

from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.delivery.delivery import State
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.message import DeliveryId, Message, MessageId


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
class MessageStatus:
    """A message and its deliveries, by recipient."""

    message: Message
    deliveries: tuple[DeliveryStatus, ...]


async def status(gateway: Gateway, agency: AgencyId, id: str) -> MessageStatus:
    """How a message of this agency stands; `id` is ours or the sender's own. Raises `MessageUnknown`."""
    message = await _own(gateway, agency, id)
    records = await gateway.store.disseminations(message.id)
    return MessageStatus(
        message=message,
        deliveries=tuple(
            DeliveryStatus(
                delivery=record.delivery.id,
                recipient=record.delivery.recipient,
                state=record.delivery.state,
                attempts=record.delivery.attempts,
                delivered_at=record.delivery.delivered_at,
                last_error=record.delivery.last_error,
            )
            for record in records
        ),
    )


async def receipt(gateway: Gateway, agency: AgencyId, id: str) -> str:
    """The signed receipt as it was first answered. Raises `MessageUnknown`."""
    message = await _own(gateway, agency, id)
    record = await gateway.store.message(message.id)
    if record is None:
        raise MessageUnknown("there is no such message of this agency")
    return record.receipt.decode()


async def _own(gateway: Gateway, agency: AgencyId, id: str) -> Message:
    known = await gateway.store.known(agency, id)
    record = await gateway.store.message(known.message if known else MessageId(id))
    if record is None or record.message.sender != agency:
        raise MessageUnknown("there is no such message of this agency")
    return record.message
