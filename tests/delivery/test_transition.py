import pytest

from gateway.delivery.delivery import State
from gateway.delivery.transition import TRANSITIONS, Event, after_event, knows, printed


def test_nothing_leads_out_of_delivered_or_recalled() -> None:
    assert not [event for state, event in TRANSITIONS if state in (State.DELIVERED, State.RECALLED)]


def test_every_state_is_reached_from_waiting() -> None:
    reached = {State.WAITING}
    for _ in State:
        reached |= {target for (source, _), target in TRANSITIONS.items() if source in reached}
    assert reached == set(State)


def test_every_event_happens_somewhere() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_an_event_that_the_state_does_not_know_is_a_mistake() -> None:
    assert not knows(State.DELIVERED, Event.CLAIMED)
    with pytest.raises(ValueError, match="a delivered delivery cannot be claimed"):
        after_event(State.DELIVERED, Event.CLAIMED)


def test_the_printed_table_names_every_state_and_where_it_goes() -> None:
    lines = printed().splitlines()
    assert [line.split("|")[1].strip(" *") for line in lines[2:]] == list(State)
    assert {line.count("|") for line in lines} == {len(Event) + 2}
    assert "sending" in lines[2]
