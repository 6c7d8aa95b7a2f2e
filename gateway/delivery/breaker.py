"""CircuitBreaker: an endpoint that fails again and again is left alone for a while, then tried with one message.

A value, kept by the worker for each endpoint. It saves the tries of the deliveries behind it and the partner's
servers; what it forgets when the process ends it learns again from the next few failures.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.delivery.outcome import Outcome


class Circuit(StrEnum):
    """What may be sent."""

    CLOSED = "closed"  # everything
    OPEN = "open"  # nothing until the hold is over
    HALF_OPEN = "half-open"  # one message, to see


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRule:
    """When to open, and for how long.

    failures_max  that many failures in a row open it
    hold_first    the first hold; each one after a failed trial is twice as long
    hold_max      also bounds what a recipient may ask for by Retry-After
    """

    failures_max: int = 5
    hold_first: timedelta = timedelta(seconds=10)
    hold_max: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """One endpoint's breaker.

    failures    in a row
    holds       how often in a row it has been opened
    held_until  None while it is closed
    """

    failures: int = 0
    holds: int = 0
    held_until: datetime | None = None

    def circuit(self, now: datetime) -> Circuit:
        """What may be sent now."""
        if self.held_until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if now < self.held_until else Circuit.HALF_OPEN


CLOSED = CircuitBreaker()


def after_outcome(breaker: CircuitBreaker, outcome: Outcome, *, now: datetime, rule: BreakerRule) -> CircuitBreaker:
    """The breaker after one try. A refusal counts as an answer: the endpoint works, it judged the message."""
    if outcome.answered:
        return CLOSED
    breaker = replace(breaker, failures=breaker.failures + 1)
    circuit = breaker.circuit(now)
    if circuit is Circuit.OPEN:
        return breaker  # one that was under way when it opened: nothing new
    if circuit is Circuit.CLOSED and breaker.failures < rule.failures_max and outcome.retry_after is None:
        return breaker
    hold = min(rule.hold_first * 2 ** min(breaker.holds, 16), rule.hold_max)
    asked = min(outcome.retry_after or timedelta(), rule.hold_max)
    return replace(breaker, holds=breaker.holds + 1, held_until=now + max(hold, asked))
