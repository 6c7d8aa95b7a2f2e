"""Reply: an answer, or a fault, that goes to an address registered for whoever asked, as a message of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NewType

from gateway.agency import AgencyId
from gateway.delivery.course import Course
from gateway.delivery.schedule import Schedule
from gateway.message import MessageId

ReplyId = NewType("ReplyId", str)

KEPT: Final = timedelta(days=7)
"""As long as refused submissions: it holds receipts and findings, no records."""

BUDGET_MAX: Final = timedelta(hours=72)
"""Longer is not tried, whatever the budget of deliveries is: begun once more within this time of its making, it still
ends a day before its content is destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Course):
    """One reply.

    id       a UUIDv7; its wsa:MessageID on every try
    agency   who asked, and whose address it goes to
    message  ours, of what it answers: a submission taken in, or refused; None for an answer to a question
    address  as it is registered, never as the message wrote it
    code     of the refusal that a fault brings; "" for an answer
    """

    id: ReplyId
    agency: AgencyId
    message: MessageId | None
    address: str
    code: str = ""

    @property
    def message_id(self) -> str:
        """Its wsa:MessageID."""
        return message_id_of(self.id)

    def begun_again_until(self, now: datetime, schedule: Schedule) -> datetime:
        """When it expires if it is begun once more now: never after its content is gone."""
        return min(now + budget(schedule), self.created_at + KEPT - timedelta(days=1))


def message_id_of(id: ReplyId) -> str:
    """The wsa:MessageID of a reply."""
    return f"urn:uuid:{id}"


def budget(schedule: Schedule) -> timedelta:
    """How long a reply is tried."""
    return min(schedule.budget, BUDGET_MAX)
