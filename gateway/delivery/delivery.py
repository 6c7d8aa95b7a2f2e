"""Delivery: the getting of one dissemination to its recipient, as a value."""

from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.delivery.course import Course, State
from gateway.message import DeliveryId, DisseminationId, MessageId

__all__ = ["Delivery", "State"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Course):
    """One delivery.

    first        id of the first message of the chain: two of one chain never travel to one recipient at once
    urgent       corrections, cancellations and emergency releases go ahead of the queue, whatever became of an
                 agreement
    deadline     by when it must arrive, by its clause or by law; None = nothing says
    """

    id: DeliveryId
    dissemination: DisseminationId
    message: MessageId
    first: MessageId
    recipient: AgencyId
    urgent: bool
    deadline: datetime | None = None

    def missed(self, now: datetime) -> datetime | None:
        """The deadline, when it is past at this moment or nobody tries to keep it any more."""
        given_up = self.state in {State.UNDELIVERABLE, State.EXPIRED}
        return self.deadline if self.deadline is not None and (given_up or now > self.deadline) else None
