"""Durations as agreements write them."""

from datetime import timedelta

import pytest

from gateway.policy.duration import in_words, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("48 hours", timedelta(hours=48)),
        ("1 day", timedelta(days=1)),
        ("30 days", timedelta(days=30)),
        ("1 year", timedelta(days=365)),
        ("2 weeks", timedelta(days=14)),
        ("15 minutes", timedelta(minutes=15)),
        ("P30D", timedelta(days=30)),
        ("PT48H", timedelta(hours=48)),
        ("P1Y", timedelta(days=365)),
        ("P1DT12H", timedelta(days=1, hours=12)),
    ],
)
def test_words_and_iso_mean_the_same(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "30", "days", "30days", "-1 days", "0 days", "1.5 years", "200 years", "PT0H", "٣ days"],
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize("text", ["1 year", "2 years", "73 days", "48 hours", "36 hours", "15 minutes", "1 minute"])
def test_a_duration_is_told_as_agreements_write_it(text: str) -> None:
    length = parse_duration(text)
    assert length is not None
    assert in_words(length) == text
