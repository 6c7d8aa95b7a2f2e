from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.schedule import Schedule, wait

SECOND = timedelta(seconds=1)


def schedules() -> st.SearchStrategy[Schedule]:
    return st.builds(
        lambda first, more, factor, jitter: Schedule(
            wait_first=first, wait_max=first + more, factor=factor, jitter=jitter
        ),
        st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(hours=1)),
        st.timedeltas(min_value=timedelta(), max_value=timedelta(days=2)),
        st.floats(min_value=1, max_value=10),
        st.floats(min_value=0, max_value=0.99),
    )


def test_the_waits_double_from_five_seconds_to_one_hour() -> None:
    waits = [wait(attempts, Schedule(), 0).total_seconds() for attempts in range(1, 13)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_chance_takes_off_at_most_the_share_of_jitter() -> None:
    assert wait(1, Schedule(jitter=0.2), 1) == 4 * SECOND


def test_a_recipient_that_asks_for_more_time_gets_it() -> None:
    assert wait(1, Schedule(), 0.5, asked=timedelta(minutes=20)) == timedelta(minutes=20)


def test_a_recipient_cannot_ask_for_more_than_the_bound() -> None:
    assert wait(1, Schedule(), 0, asked=timedelta(days=400)) == timedelta(hours=6)


def test_a_recipient_that_asks_for_one_second_does_not_use_up_the_tries() -> None:
    assert wait(9, Schedule(), 0, asked=SECOND) == wait(9, Schedule(), 0)


def test_the_default_tries_outlast_the_default_budget() -> None:
    schedule = Schedule()
    total = sum((wait(attempts, schedule, 1) for attempts in range(1, schedule.attempts_max)), timedelta())
    assert total > schedule.budget


@given(schedules(), st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1))
def test_waits_grow_and_are_bounded(schedule: Schedule, attempts: int, chance: float) -> None:
    now, next_one = wait(attempts, schedule, chance), wait(attempts + 1, schedule, chance)
    assert timedelta() < now <= next_one <= schedule.wait_max


@given(schedules(), st.integers(min_value=1, max_value=100), st.timedeltas(min_value=timedelta()))
def test_asking_never_shortens_a_wait_and_stays_in_bounds(schedule: Schedule, attempts: int, asked: timedelta) -> None:
    own = wait(attempts, schedule, 0.5)
    assert own <= wait(attempts, schedule, 0.5, asked=asked) <= max(own, schedule.retry_after_max)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wait_first": timedelta()},
        {"wait_first": timedelta(hours=2)},
        {"factor": 0.5},
        {"jitter": 1.0},
        {"attempts_max": 0},
        {"budget": timedelta()},
        {"attempt_deadline": timedelta()},
    ],
)
def test_a_schedule_that_would_not_end_or_not_wait_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"wait_first|factor|attempts_max"):
        Schedule(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("attempts", "chance"), [(0, 0.5), (1, -0.1), (1, 1.1)])
def test_a_wait_needs_a_try_and_a_share_of_chance(attempts: int, chance: float) -> None:
    with pytest.raises(ValueError, match="at least one try"):
        wait(attempts, Schedule(), chance)
