from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.breaker import CLOSED, BreakerRule, Circuit, CircuitBreaker, after_outcome
from gateway.delivery.outcome import Outcome, acknowledged, failed, refused, retry_later, unknown
from tests.delivery.deliveries import NOON

RULE = BreakerRule(failures_max=3, hold_first=timedelta(seconds=10), hold_max=timedelta(minutes=1))
DOWN = failed("delivery.connect")


def fed(*outcomes: Outcome, breaker: CircuitBreaker = CLOSED, now: datetime = NOON) -> CircuitBreaker:
    for outcome in outcomes:
        breaker = after_outcome(breaker, outcome, now=now, rule=RULE)
    return breaker


def test_a_few_failures_leave_it_closed() -> None:
    assert fed(DOWN, DOWN).circuit(NOON) is Circuit.CLOSED


def test_the_last_allowed_failure_in_a_row_opens_it() -> None:
    assert fed(DOWN, unknown("delivery.no-answer"), DOWN).circuit(NOON) is Circuit.OPEN


def test_an_answer_between_failures_starts_the_count_anew() -> None:
    assert fed(DOWN, DOWN, acknowledged(), DOWN, DOWN).circuit(NOON) is Circuit.CLOSED


def test_a_refused_message_says_that_the_endpoint_works() -> None:
    assert fed(DOWN, DOWN, refused("delivery.http-422"), DOWN).circuit(NOON) is Circuit.CLOSED


def test_after_the_hold_one_message_may_try() -> None:
    opened = fed(DOWN, DOWN, DOWN)
    assert opened.circuit(NOON + timedelta(seconds=9)) is Circuit.OPEN
    assert opened.circuit(NOON + timedelta(seconds=10)) is Circuit.HALF_OPEN


def test_a_good_trial_closes_it() -> None:
    later = NOON + timedelta(seconds=10)
    assert fed(acknowledged(), breaker=fed(DOWN, DOWN, DOWN), now=later) == CLOSED


def test_each_failed_trial_doubles_the_hold_up_to_its_bound() -> None:
    breaker, now, holds = fed(DOWN, DOWN, DOWN), NOON, []
    for _ in range(5):
        assert breaker.held_until is not None
        holds.append((breaker.held_until - now).total_seconds())
        now = breaker.held_until
        breaker = fed(DOWN, breaker=breaker, now=now)
    assert holds == [10, 20, 40, 60, 60]


def test_late_failures_of_messages_already_under_way_do_not_lengthen_the_hold() -> None:
    assert fed(DOWN, DOWN, DOWN, DOWN, DOWN, DOWN).held_until == NOON + timedelta(seconds=10)


def test_an_endpoint_that_asks_for_time_is_left_alone_at_once_within_the_bound() -> None:
    assert fed(retry_later("delivery.http-503", timedelta(seconds=30))).held_until == NOON + timedelta(seconds=30)
    assert fed(retry_later("delivery.http-503", timedelta(days=30))).held_until == NOON + timedelta(minutes=1)


@given(st.lists(st.sampled_from([DOWN, acknowledged(), refused("x.y"), retry_later("x.y", timedelta(hours=9))])))
def test_it_is_never_held_longer_than_the_bound(outcomes: list[Outcome]) -> None:
    breaker, now = CLOSED, NOON
    for outcome in outcomes:
        breaker = fed(outcome, breaker=breaker, now=now)
        assert breaker.held_until is None or breaker.held_until <= now + RULE.hold_max
        now += timedelta(seconds=7)
