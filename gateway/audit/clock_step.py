"""Steps of the clock, as the log shows them.

Entries are ordered when they are stored, a little after they were made, and by several nodes; so their times run only
nearly with their order. What goes back further than `SKEW` against an entry before is a clock that was set back - or
somebody who writes entries for a time that is over. A clock that is set forward cannot be seen in the times alone, a
night without messages looks alike: each process watches its own clock against one that nobody sets, and enters a step
of either direction as a `setting` of kind `clock`. A step back that such an entry tells of is a remark, not a fault.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.audit.verify import LogFinding

SKEW: Final = timedelta(minutes=5)
"""As much as signatures on messages may be off: two nodes' clocks, and a commit that waited. Less is no step."""

STEP: Final = timedelta(seconds=30)
"""What one process notices of its own clock: time servers slew smaller errors away without a step."""

CLOCK = "clock"
BACK, FORWARD = "stepped-back", "stepped-forward"

STEPS_MAX: Final = 100

_AT: Final = b'"at":"'
_CLOCK: Final = b'"kind":"clock"'
_BACK: Final = b'"action":"stepped-back"'


@dataclass(frozen=True, slots=True)
class ClockStep:
    """How far the wall clock went against the steady one; negative: it was set back."""

    by: timedelta

    @property
    def action(self) -> str:
        """The word of the log for it."""
        return BACK if self.by < timedelta() else FORWARD


def step_between(walls: tuple[datetime, datetime], steady_seconds: tuple[float, float]) -> ClockStep | None:
    """The step of the wall clock between two looks at both clocks; None when it went as it should."""
    by = (walls[1] - walls[0]) - timedelta(seconds=steady_seconds[1] - steady_seconds[0])
    return ClockStep(by) if abs(by) > STEP else None


def time_of(body: bytes) -> bytes:
    """The moment of an entry, as its canonical text: such texts compare as moments do. b"" when it has none."""
    place = body.find(_AT) + len(_AT)
    return body[place : body.index(b'"', place)] if place >= len(_AT) else b""


def moment_of(text: bytes) -> datetime | None:
    """The moment a canonical text stands for; None when it is none."""
    try:
        return datetime.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


class StepReader:
    """Takes the entries of a log in order and finds where time goes back."""

    def __init__(self) -> None:
        self._latest = b""
        self._open: list[LogFinding] = []
        self._told: list[LogFinding] = []

    def feed(self, start: int, bodies: Iterable[bytes]) -> None:
        """Go on with these, from index `start` on."""
        for index, body in enumerate(bodies, start):
            text = time_of(body)
            if text < self._latest:
                self._look(index, text)
            else:
                self._latest = text
            if _BACK in body and _CLOCK in body:
                self._told += self._open
                self._open = []

    def _look(self, index: int, text: bytes) -> None:
        before, at = moment_of(self._latest), moment_of(text)
        if before is None or at is None or before - at <= SKEW:
            return
        seconds = round((before - at).total_seconds())
        finding = LogFinding(
            code="audit.clock-back", text=f"time goes back by {seconds} s at entry {index}", index=index
        )
        if len(self._open) + len(self._told) < STEPS_MAX:
            self._open.append(finding)
        self._latest = text  # one step is one finding, not one for each entry after it

    def untold(self) -> tuple[LogFinding, ...]:
        """Steps back that no entry of the log tells of."""
        return tuple(self._open)

    def told(self) -> tuple[LogFinding, ...]:
        """Steps back that an entry after them tells of."""
        return tuple(self._told)
