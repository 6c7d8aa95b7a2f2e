"""Schedule: how long to wait between tries, and when to stop."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How hard a delivery is tried.

    The defaults give about ten tries in the first hour and a half, then one an hour: an outage of minutes is mended
    in minutes, and one of a weekend costs a partner that comes back no storm.

    wait_first        after the first try
    factor            each wait is this many times the one before
    wait_max          no wait of ours is longer
    jitter            share of a wait, 0 to 1, that chance may take off, so that deliveries do not march in step
    retry_after_max   a recipient that asks for more time gets this much
    attempts_max      then it is undeliverable; above what fits into the budget, so that time ends a delivery first
    budget            a delivery expires this long after it was made, when its clause sets no earlier deadline
    attempt_deadline  one try, from looking up the address to the last byte of the answer
    """

    wait_first: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    wait_max: timedelta = timedelta(hours=1)
    jitter: float = 0.2
    retry_after_max: timedelta = timedelta(hours=6)
    attempts_max: int = 100
    budget: timedelta = timedelta(hours=72)
    attempt_deadline: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        zero = timedelta()
        if not zero < self.wait_first <= self.wait_max:
            raise ValueError("wait_first is above zero and not above wait_max")
        if self.factor < 1 or not 0 <= self.jitter < 1:
            raise ValueError("factor is at least 1, jitter a share below 1")
        if self.attempts_max < 1 or self.budget <= zero or self.attempt_deadline <= zero or self.retry_after_max < zero:
            raise ValueError("attempts_max, budget and attempt_deadline are above zero")


DOUBLINGS_MAX = 64
"""Far past any wait_max; keeps `factor ** n` a number."""


def wait(attempts: int, schedule: Schedule, chance: float, *, asked: timedelta | None = None) -> timedelta:
    """How long to wait after this many tries (1 = after the first).

    chance  0 to 1, from the clock's random source
    asked   Retry-After. It can make a wait longer, within `retry_after_max`, never shorter: a recipient that always
            asks for one second would otherwise use up the tries within minutes.
    """
    if attempts < 1 or not 0 <= chance <= 1:
        raise ValueError("there was at least one try, and chance is between 0 and 1")
    growth = schedule.factor ** min(attempts - 1, DOUBLINGS_MAX)
    seconds = min(schedule.wait_first.total_seconds() * growth, schedule.wait_max.total_seconds())
    own = timedelta(seconds=seconds * (1 - schedule.jitter * chance))
    return max(own, min(asked, schedule.retry_after_max)) if asked is not None else own
