from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.after import EXPIRED, after, discarded, expired, overdue, released, requeued
from gateway.delivery.delivery import Delivery, State
from gateway.delivery.outcome import (
    Evidence,
    Outcome,
    OutcomeKind,
    acknowledged,
    duplicate,
    failed,
    refused,
    retry_later,
    unknown,
)
from gateway.delivery.schedule import Schedule
from tests.delivery.deliveries import NOON, delivery

SCHEDULE = Schedule()
NOT_DELIVERED = [failed("delivery.connect"), unknown("delivery.no-answer"), retry_later("x.busy", timedelta(0))]


def decide(before: Delivery, outcome: Outcome) -> Delivery:
    return after(before, outcome, now=NOON, schedule=SCHEDULE, chance=0)


def test_an_acknowledged_delivery_is_delivered_with_its_evidence() -> None:
    made = decide(delivery(), acknowledged())
    assert (made.state, made.delivered_at, made.evidence) == (State.DELIVERED, NOON, "transport")


def test_a_signed_receipt_is_kept_as_signed_evidence() -> None:
    assert decide(delivery(), acknowledged(Evidence.SIGNED)).evidence == "signed"


def test_a_recipient_that_has_it_from_an_earlier_try_has_it() -> None:
    made = after(delivery(attempts=2), duplicate("x.had"), now=NOON, schedule=SCHEDULE, chance=0, arrived_before=True)
    assert (made.state, made.evidence) == (State.DELIVERED, "transport")


def test_a_recipient_that_claims_to_have_what_cannot_have_arrived_is_not_believed() -> None:
    made = decide(delivery(attempts=2), duplicate("delivery.http-409"))
    assert (made.state, made.last_error) == (State.WAITING, "delivery.http-409")


def test_a_refusal_for_good_ends_it_at_once() -> None:
    made = decide(delivery(), refused("delivery.http-422"))
    assert (made.state, made.last_error, made.attempts) == (State.UNDELIVERABLE, "delivery.http-422", 1)


@pytest.mark.parametrize("outcome", NOT_DELIVERED, ids=lambda outcome: outcome.kind)
def test_what_did_not_surely_arrive_is_sent_again(outcome: Outcome) -> None:
    made = decide(delivery(), outcome)
    assert (made.state, made.due_at, made.last_error) == (State.WAITING, NOON + timedelta(seconds=5), outcome.code)


def test_a_recipient_that_asks_for_time_is_given_it() -> None:
    made = decide(delivery(), retry_later("delivery.http-503", timedelta(minutes=9)))
    assert made.due_at == NOON + timedelta(minutes=9)


@pytest.mark.parametrize("outcome", NOT_DELIVERED, ids=lambda outcome: outcome.kind)
def test_the_last_try_of_the_budget_makes_it_undeliverable(outcome: Outcome) -> None:
    made = decide(delivery(attempts=SCHEDULE.attempts_max), outcome)
    assert (made.state, made.last_error) == (State.UNDELIVERABLE, outcome.code)


def test_a_wait_past_the_deadline_leaves_one_last_try_just_before_it() -> None:
    before = delivery(attempts=20, expires_at=NOON + timedelta(minutes=10))
    assert decide(before, failed("delivery.connect")).due_at == NOON + timedelta(minutes=10, seconds=-30)


def test_a_delivery_whose_time_is_up_expires_and_keeps_the_reason() -> None:
    made = decide(delivery(expires_at=NOON + timedelta(seconds=3)), failed("delivery.connect"))
    assert (made.state, made.last_error) == (State.EXPIRED, "delivery.connect")


def test_it_is_overdue_from_the_very_moment_of_its_deadline() -> None:
    assert overdue(delivery(expires_at=NOON), NOON)
    assert not overdue(delivery(expires_at=NOON), NOON - timedelta(microseconds=1))


def test_one_that_was_never_tried_expires_by_its_own_name() -> None:
    made = expired(delivery(state=State.WAITING, attempts=0))
    assert (made.state, made.last_error) == (State.EXPIRED, EXPIRED)


def test_a_delivery_given_back_untried_does_not_lose_a_try() -> None:
    made = released(delivery(attempts=3))
    assert (made.state, made.attempts, made.due_at) == (State.WAITING, 2, NOON)


def test_a_requeued_delivery_has_all_its_tries_and_time_again() -> None:
    later = NOON + timedelta(days=5)
    made = requeued(delivery(state=State.UNDELIVERABLE, attempts=100), now=later, schedule=SCHEDULE)
    assert (made.state, made.attempts, made.due_at, made.expires_at) == (
        State.WAITING,
        0,
        later,
        later + SCHEDULE.budget,
    )


def test_what_was_delivered_can_be_neither_requeued_nor_discarded() -> None:
    done = delivery(state=State.DELIVERED)
    with pytest.raises(ValueError, match="cannot be requeued"):
        requeued(done, now=NOON, schedule=SCHEDULE)
    with pytest.raises(ValueError, match="cannot be discarded"):
        discarded(done)


def test_a_discarded_delivery_is_recalled() -> None:
    assert discarded(delivery(state=State.EXPIRED)).state is State.RECALLED


outcomes = st.sampled_from([*NOT_DELIVERED, duplicate("delivery.http-409")]).flatmap(
    lambda outcome: (
        st.timedeltas(timedelta(), timedelta(days=30)).map(lambda asked: replace(outcome, retry_after=asked))
        if outcome.kind is OutcomeKind.RETRY_LATER
        else st.just(outcome)
    )
)


@given(
    st.lists(outcomes, min_size=200, max_size=200),
    st.floats(min_value=0, max_value=1),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=9)),
)
def test_tries_end_whatever_the_recipient_does(outcomes: list[Outcome], chance: float, budget: timedelta) -> None:
    made = delivery(attempts=0, state=State.WAITING, expires_at=NOON + budget)
    now = NOON
    for outcome in outcomes:
        made = replace(made, state=State.SENDING, attempts=made.attempts + 1)
        made = after(made, outcome, now=now, schedule=SCHEDULE, chance=chance)
        if made.state is not State.WAITING:
            break
        assert now < made.due_at < made.expires_at
        now = made.due_at
    assert made.state in (State.UNDELIVERABLE, State.EXPIRED, State.DELIVERED)
    assert made.attempts <= SCHEDULE.attempts_max
