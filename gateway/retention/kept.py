"""Kept: one payload that the gateway keeps, and until when. Fixed at intake; only ever moved forward."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway.agency import AgencyId
from gateway.message import MessageId

NOBODY = AgencyId("")
"""In the place of a recipient, where there is none."""


class Kind(StrEnum):
    """What of a message it is."""

    ORIGINAL = "original"  # as it was received
    DISSEMINATION = "dissemination"  # as one recipient gets it
    REFUSED = "refused"  # a submission that was not accepted
    BECAUSE = "because"  # what a person wrote of an emergency release
    REPLY = "reply"  # an answer that goes to a registered address


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One payload.

    id           of the message, dissemination, refusal or reply; for a `BECAUSE` that of its release and "/because"
    recipient    of a dissemination; "" else
    mou          id@version that a dissemination was decided under; "" else
    clause       its clause; "" else
    at           when it was received: what the periods of legal holds speak of
    counts_from  the last moment at which it can still be delivered, from which the time of an agreement counts
    due_at       when it is to be destroyed
    bucket, index  where its key grows
    """

    id: str
    kind: Kind
    message: MessageId
    sender: AgencyId
    exchange: str
    at: datetime
    counts_from: datetime
    due_at: datetime
    bucket: str
    index: int
    recipient: AgencyId = NOBODY
    mou: str = ""
    clause: str = ""

    @property
    def key_id(self) -> str:
        """How certificates name its key: bucket and address in it."""
        return f"{self.bucket}/{self.index:010x}"


def bucket_over(bucket: str) -> datetime:
    """The end of the week that names a bucket, "2027-W05": from then on nothing that is new is due in it."""
    year, _, week = bucket.partition("-W")
    return datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC) + timedelta(weeks=1)


def shortened(kept: Kept, period: timedelta, *, not_before: datetime) -> Kept:
    """As a later version of its agreement has it: a shorter time moves it forward, a longer one does not hold for what
    is here already.

    not_before  nothing becomes due sooner by this: a version that is shorter by mistake is to be noticed in time
    """
    return replace(kept, due_at=min(kept.due_at, max(kept.counts_from + period, not_before)))


def original_due(original: Kept, made_of_it: Iterable[Kept]) -> Kept:
    """The original, when what was made of it was moved forward: it takes the latest of them, and never later than it
    was."""
    latest = max((each.due_at for each in made_of_it), default=original.due_at)
    return replace(original, due_at=min(original.due_at, latest))
