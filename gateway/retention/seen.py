"""Seen: the clock as the gateway last saw it, so that a clock that jumped does not destroy what is not due."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

JUMP = timedelta(days=1)
"""More than this between two looks is a jump, or a gateway that stood still as long: nobody can tell them apart from
here, so people look. One hour lies between two looks of a worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """at: the last look. jumped_from: where the clock stood before it jumped; None once two people have looked."""

    at: datetime
    jumped_from: datetime | None = None

    @property
    def jumped(self) -> bool:
        """Whether nobody has looked into a jump yet."""
        return self.jumped_from is not None


def look(seen: Seen, now: datetime) -> Seen:
    """The clock after one more look. A jump stays known until `confirmed`, however often it is looked at."""
    if abs(now - seen.at) > JUMP:
        return Seen(at=now, jumped_from=seen.jumped_from or seen.at)
    return replace(seen, at=now)


def confirmed(seen: Seen) -> Seen:
    """The clock after two people have said that it is right."""
    return replace(seen, jumped_from=None)
