"""The decision after each try, and the few other moves of a delivery: functions of values."""

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from gateway.delivery.course import Course
from gateway.delivery.outcome import Outcome, OutcomeKind
from gateway.delivery.schedule import Schedule, wait
from gateway.delivery.transition import Event, after_event

Under = TypeVar("Under", bound=Course)
"""A delivery or a reply."""

EXPIRED = "delivery.expired"
"""`last_error` of a delivery whose time ran out before it was ever tried."""


def after(
    delivery: Under,
    outcome: Outcome,
    *,
    now: datetime,
    schedule: Schedule,
    chance: float,
    arrived_before: bool = False,
) -> Under:
    """The delivery as it stands after one try; `attempts` counts that try already, `claim` did so.

    chance          0 to 1; see `schedule.wait`
    arrived_before  whether an earlier try may have arrived; see `earlier`
    """
    # "I have it already", when no earlier try can have arrived, speaks of something else: believing it would lose the
    # message.
    had = outcome.kind is OutcomeKind.DUPLICATE and arrived_before
    if outcome.kind is OutcomeKind.ACKNOWLEDGED or had:
        return replace(
            delivery,
            state=after_event(delivery.state, Event.ACKNOWLEDGED),
            delivered_at=now,
            evidence=outcome.evidence or "",
        )
    delivery = replace(delivery, last_error=outcome.code)
    if outcome.kind is OutcomeKind.REFUSED:
        return replace(delivery, state=after_event(delivery.state, Event.REFUSED))
    # No answer counts as failed: receivers drop duplicates by message id, so sending twice is harmless,
    # while losing a warrant is not.
    if delivery.attempts >= schedule.attempts_max:
        return replace(delivery, state=after_event(delivery.state, Event.EXHAUSTED))
    due_at = _next_try(delivery, outcome, now=now, schedule=schedule, chance=chance)
    if due_at is None:
        return replace(delivery, state=after_event(delivery.state, Event.TIME_OUT))
    return replace(delivery, state=after_event(delivery.state, Event.NOT_YET), due_at=due_at)


def _next_try(
    delivery: Course, outcome: Outcome, *, now: datetime, schedule: Schedule, chance: float
) -> datetime | None:
    due_at = now + wait(delivery.attempts, schedule, chance, asked=outcome.retry_after)
    if due_at < delivery.expires_at:
        return due_at
    # The wait would outlast the delivery: one last try shortly before its time runs out, if that is far enough away.
    last = delivery.expires_at - schedule.attempt_deadline
    return last if last - now >= schedule.wait_first else None


def overdue(delivery: Course, now: datetime) -> bool:
    """Whether its time has run out; such a delivery is not tried again."""
    return now >= delivery.expires_at


def expired(delivery: Under) -> Under:
    """It did not arrive in time."""
    return replace(
        delivery, state=after_event(delivery.state, Event.TIME_OUT), last_error=delivery.last_error or EXPIRED
    )


def released(delivery: Under, due_at: datetime | None = None) -> Under:
    """Given back untried: the try that `claim` counted did not take place."""
    return replace(
        delivery,
        state=after_event(delivery.state, Event.RELEASED),
        attempts=max(delivery.attempts - 1, 0),
        due_at=due_at or delivery.due_at,
    )


def recalled(delivery: Under) -> Under:
    """Withdrawn before it arrived."""
    return replace(delivery, state=after_event(delivery.state, Event.RECALLED))


def requeued(delivery: Under, *, now: datetime, schedule: Schedule) -> Under:
    """Once more from the beginning: tries and time anew. Raises `ValueError` in a state that does not know it."""
    return replace(
        delivery,
        state=after_event(delivery.state, Event.REQUEUED),
        attempts=0,
        due_at=now,
        expires_at=now + schedule.budget,
    )


def discarded(delivery: Under) -> Under:
    """Given up by a person. Raises `ValueError` in a state that does not know it."""
    return replace(delivery, state=after_event(delivery.state, Event.DISCARDED))
