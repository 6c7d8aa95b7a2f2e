"""The clock, and how a moment is written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.clock import SystemClock, timestamp


def test_now_is_aware_and_in_utc() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta()
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


def test_random_bytes_are_as_many_as_asked_for_and_others_each_time() -> None:
    clock = SystemClock()
    assert len(clock.random(17)) == 17
    assert clock.random(0) == b""
    assert clock.random(16) != clock.random(16)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 31, 8, 15, 0, 250_000, tzinfo=UTC), "2026-01-31T08:15:00.25Z"),
        (datetime(2026, 1, 31, 8, 15, tzinfo=UTC), "2026-01-31T08:15:00.00Z"),
        (datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026-01-31T23:59:59.99Z"),  # never into the next day
        (datetime(2026, 1, 31, 3, 15, tzinfo=timezone(timedelta(hours=-5))), "2026-01-31T08:15:00.00Z"),
        (datetime(2026, 12, 31, 20, 0, tzinfo=timezone(timedelta(hours=-5))), "2027-01-01T01:00:00.00Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_hundredths(moment: datetime, text: str) -> None:
    assert timestamp(moment) == text
    assert datetime.fromisoformat(text) <= moment


def test_a_moment_without_a_zone_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2026, 1, 31))  # noqa: DTZ001
