"""Delivery: the getting of one dissemination to its recipient, as a value."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.agency import AgencyId
from gateway.message import DeliveryId, DisseminationId, MessageId


class State(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"  # due at `due_at`; an inbox item stays here until it is acknowledged
    SENDING = "sending"  # claimed by a worker until `lease_until`; falls due again when the lease runs out
    DELIVERED = "delivered"  # 2xx, a SOAP answer without Fault, or an inbox acknowledgement
    UNDELIVERABLE = "undeliverable"  # the budget of tries is used up, or the recipient refused for good
    EXPIRED = "expired"  # its time ran out before it arrived
    RECALLED = "recalled"  # withdrawn before it arrived: corrected, canceled, discarded, or the MOU ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery.

    first        id of the first message of the chain: two of one chain never travel to one recipient at once
    urgent       corrections, cancellations and emergency releases go ahead of the queue, whatever became of an
                 agreement
    attempts     tries so far, the one under way included
    last_error   code of the last failure, "" when there was none; never text from the partner
    evidence     "transport" or "signed" once delivered
    deadline     by when it must arrive, by its clause or by law; None = nothing says
    """

    id: DeliveryId
    dissemination: DisseminationId
    message: MessageId
    first: MessageId
    recipient: AgencyId
    state: State
    urgent: bool
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    last_error: str = ""
    evidence: str = ""
    deadline: datetime | None = None

    def missed(self, now: datetime) -> datetime | None:
        """The deadline, when it is past at this moment or nobody tries to keep it any more."""
        given_up = self.state in {State.UNDELIVERABLE, State.EXPIRED}
        return self.deadline if self.deadline is not None and (given_up or now > self.deadline) else None
