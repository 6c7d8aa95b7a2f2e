"""Course: where something stands on its way to somebody, however often it is tried: a delivery, or a reply."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where it stands."""

    WAITING = "waiting"  # due at `due_at`; an inbox item stays here until it is acknowledged
    SENDING = "sending"  # claimed by a worker until `lease_until`; falls due again when the lease runs out
    DELIVERED = "delivered"  # 2xx, a SOAP answer without Fault, or an inbox acknowledgement
    UNDELIVERABLE = "undeliverable"  # the budget of tries is used up, or the recipient refused for good
    EXPIRED = "expired"  # its time ran out before it arrived
    RECALLED = "recalled"  # withdrawn before it arrived: corrected, canceled, discarded, or the MOU ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How far it is.

    due_at       of the next try; expires_at: then it is not tried any more
    attempts     tries so far, the one under way included
    last_error   code of the last failure, "" when there was none; never text from the partner
    evidence     "transport" or "signed" once delivered
    """

    state: State
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    last_error: str = ""
    evidence: str = ""
