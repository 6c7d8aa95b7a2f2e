"""The states of a delivery and what moves it from one to the next, as one table that the docs print.

Whoever moves a delivery asks `after_event`; an event that a state does not know is a programmer's mistake.
"""

from enum import StrEnum

from gateway.delivery.delivery import State


class Event(StrEnum):
    """What can happen to a delivery."""

    CLAIMED = "claimed"  # a worker takes it
    ACKNOWLEDGED = "acknowledged"  # the recipient has it
    NOT_YET = "not yet"  # the try failed, was unanswered or put off; there will be another
    RELEASED = "released"  # the worker gave it back untried, or its lease ran out
    REFUSED = "refused"  # the recipient will never take it
    EXHAUSTED = "exhausted"  # the tries are used up
    TIME_OUT = "time ran out"  # its deadline passed
    RECALLED = "recalled"  # corrected or canceled by a later message, or the MOU ended
    REQUEUED = "requeued"  # a person sends it once more
    DISCARDED = "discarded"  # a person gives it up, with a reason


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.WAITING, Event.CLAIMED): State.SENDING,
    (State.WAITING, Event.ACKNOWLEDGED): State.DELIVERED,  # the inbox: its owner acknowledges without a worker
    (State.WAITING, Event.TIME_OUT): State.EXPIRED,
    (State.WAITING, Event.RECALLED): State.RECALLED,
    (State.WAITING, Event.DISCARDED): State.RECALLED,
    (State.SENDING, Event.ACKNOWLEDGED): State.DELIVERED,
    (State.SENDING, Event.NOT_YET): State.WAITING,
    (State.SENDING, Event.RELEASED): State.WAITING,
    (State.SENDING, Event.REFUSED): State.UNDELIVERABLE,
    (State.SENDING, Event.EXHAUSTED): State.UNDELIVERABLE,
    (State.SENDING, Event.TIME_OUT): State.EXPIRED,
    (State.SENDING, Event.RECALLED): State.RECALLED,  # unless this very try delivers it
    (State.UNDELIVERABLE, Event.REQUEUED): State.WAITING,
    (State.UNDELIVERABLE, Event.DISCARDED): State.RECALLED,
    (State.EXPIRED, Event.REQUEUED): State.WAITING,
    (State.EXPIRED, Event.DISCARDED): State.RECALLED,
}


def after_event(state: State, event: Event) -> State:
    """The next state. Raises `ValueError` for an event this state does not know."""
    try:
        return TRANSITIONS[state, event]
    except KeyError as error:
        raise ValueError(f"a {state} delivery cannot be {event}") from error


def knows(state: State, event: Event) -> bool:
    """Whether the event can happen in this state; for a person's act, which may come too late."""
    return (state, event) in TRANSITIONS


def printed() -> str:
    """The table in Markdown, for the docs: a row for each state, a column for each event that some state knows."""
    events = [event for event in Event if any((state, event) in TRANSITIONS for state in State)]
    head = "| | " + " | ".join(events) + " |"
    rule = "|---" * (len(events) + 1) + "|"
    rows = (
        f"| **{state}** | " + " | ".join(TRANSITIONS.get((state, event), "") for event in events) + " |"
        for state in State
    )
    return "\n".join((head, rule, *rows)) + "\n"
