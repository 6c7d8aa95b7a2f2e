"""Tests for gateway/iepd/header.py: what a message says of itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.parse import parse
from gateway.finding import Finding
from gateway.iepd.header import Header, find_impossible, moment, naming, read
from gateway.message import Action

from .invented import FIELDS_YAML, invented, notice

IEPD = invented()
CORRECTION = (
    "<n:ActionCode> correct </n:ActionCode><n:EarlierID>M-1</n:EarlierID><n:ReasonText>wrong\nday</n:ReasonText>"
    "<n:AsOfDateTime>2026-01-31T08:15:00-05:00</n:AsOfDateTime>"
)


def test_all_four_are_read() -> None:
    assert read(parse(notice(head=CORRECTION)), IEPD) == Header(
        action=Action.CORRECT,
        earlier="M-1",
        reason="wrong\nday",
        as_of=datetime(2026, 1, 31, 13, 15, tzinfo=UTC),
    )


def test_what_is_not_there_is_none() -> None:
    assert read(parse(notice()), IEPD) == Header(action=Action.NEW)
    assert read(parse(notice(head="<n:ActionCode>new</n:ActionCode><n:EarlierID/>")), IEPD).earlier is None


def test_an_exchange_without_an_action_has_new_messages_only() -> None:
    line = next(each for each in FIELDS_YAML.splitlines(keepends=True) if each.startswith("message:"))
    plain = invented(FIELDS_YAML.replace(line, ""))
    assert read(parse(notice(head=CORRECTION)), plain) == Header()


def test_a_copy_names_another_earlier_message_and_the_message_itself_does_not() -> None:
    document = parse(notice(head=CORRECTION.replace("M-1", "M<!-- one -->-1")))
    twin = naming(document, IEPD, "M-0")
    assert read(twin, IEPD) == replace(read(document, IEPD), earlier="M-0")
    assert read(document, IEPD).earlier == "M-1"
    silent = parse(notice(head="<n:ActionCode>new</n:ActionCode><n:EarlierID/>"))
    assert read(naming(silent, IEPD, "M-0"), IEPD).earlier is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31T08:15:00Z", datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
        ("2026-01-31T08:15:00", datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
        ("2026-01-31T08:15:00.123456789+02:00", datetime(2026, 1, 31, 6, 15, 0, 123456, tzinfo=UTC)),
        ("2026-01-31T24:00:00Z", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31-05:00", datetime(2026, 1, 31, 5, tzinfo=UTC)),
        ("9999-12-31T24:00:00Z", None),
        ("12026-01-31", None),
        ("-0044-03-15", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-01-31T08:15:00+99:00", None),
        ("2026-02-30", None),
        ("2026-01-31T08:15", None),
        ("", None),
        ("now", None),
    ],
)
def test_moments_are_read_as_xsd_writes_them(value: str, expected: datetime | None) -> None:
    assert moment(value) == expected


NOW = datetime(2026, 1, 30, 13, 15, tzinfo=UTC)


def impossible(as_of: str, now: datetime = NOW) -> tuple[Finding, ...]:
    document = parse(notice(head=f"<n:AsOfDateTime>{as_of}</n:AsOfDateTime>"))
    return find_impossible(document, IEPD, read(document, IEPD), now=now)


@pytest.mark.parametrize(
    ("as_of", "code"),
    [
        ("2026-01-31T08:15:00-05:00", None),
        ("2026-01-31T08:15:01-05:00", "message.as-of-ahead"),
        ("2044-01-31T08:15:00-05:00", "message.as-of-ahead"),
        ("9999-12-31T00:00:00Z", "message.as-of-ahead"),
        ("12026-01-31T08:15:00Z", "message.as-of-impossible"),
        ("-2026-01-31T08:15:00Z", "message.as-of-impossible"),
        ("2019-01-31T08:15:00Z", None),
        ("", None),
    ],
)
def test_an_as_of_time_that_cannot_be_is_a_finding_with_its_place(as_of: str, code: str | None) -> None:
    found = impossible(as_of)
    line = notice(head="<n:AsOfDateTime/>").decode().partition("<n:AsOf")[0].count("\n") + 1
    assert [each.code for each in found] == ([code] if code else [])
    for each in found:
        assert (each.path, each.line) == ("/n:Notice/n:AsOfDateTime", line)
        assert as_of[:4] not in each.text


def test_a_message_without_an_as_of_time_has_none_that_cannot_be() -> None:
    document = parse(notice())
    assert find_impossible(document, IEPD, read(document, IEPD), now=NOW) == ()


@given(st.datetimes(timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_a_moment_written_is_the_moment_read(value: datetime) -> None:
    assert moment(value.isoformat(timespec="microseconds")) == value
