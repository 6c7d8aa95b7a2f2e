"""Message, Dissemination, ids and buckets."""

import uuid
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import AgencyId
from gateway.message import (
    Dissemination,
    DisseminationId,
    MessageId,
    Redaction,
    bucket_name,
    uuid7,
)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_holds_its_millisecond(now: datetime, entropy: bytes) -> None:
    made = uuid.UUID(uuid7(now, entropy))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == int(now.timestamp() * 1000)


@given(moments, moments, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ids_sort_by_time(one: datetime, two: datetime, first: bytes, second: bytes) -> None:
    if int(one.timestamp() * 1000) < int(two.timestamp() * 1000):
        assert uuid7(one, first) < uuid7(two, second)


@given(moments, moments, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_an_id_sorts_after_the_one_it_follows_whatever_the_clock_says(
    one: datetime, two: datetime, first: bytes, second: bytes
) -> None:
    before = uuid7(one, first)
    made = uuid7(two, second, after=before)
    assert made > before
    assert made == uuid7(two, second) or int(two.timestamp() * 1000) <= int(one.timestamp() * 1000)


def test_two_ids_of_one_millisecond_differ_by_their_chance() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert uuid7(now, bytes(10)) != uuid7(now, bytes([*range(10)]))


@pytest.mark.parametrize("size", [0, 9, 11])
def test_an_id_takes_ten_bytes_of_chance(size: int) -> None:
    with pytest.raises(ValueError, match="ten"):
        uuid7(datetime(2026, 1, 1, tzinfo=UTC), bytes(size))


@pytest.mark.parametrize(
    ("due", "name"),
    [
        (datetime(2027, 2, 3, tzinfo=UTC), "2027-W05"),
        (datetime(2026, 12, 31, tzinfo=UTC), "2026-W53"),
        (datetime(2027, 1, 3, 23, 59, tzinfo=UTC), "2026-W53"),  # the ISO year is not the calendar's
        (datetime(2027, 1, 4, tzinfo=UTC), "2027-W01"),
        (datetime(2027, 1, 3, 20, tzinfo=timezone(timedelta(hours=-5))), "2027-W01"),  # Monday in UTC
    ],
)
def test_a_bucket_is_the_iso_week_in_utc(due: datetime, name: str) -> None:
    assert bucket_name(due) == name


@given(moments, moments)
def test_buckets_sort_by_time(one: datetime, two: datetime) -> None:
    if one <= two:
        assert bucket_name(one) <= bucket_name(two)


def dissemination(*outcomes: str) -> Dissemination:
    return Dissemination(
        id=DisseminationId("d"),
        message=MessageId("m"),
        recipient=AgencyId("millbrook-police"),
        mou="JAIL-PD-2026-01",
        mou_version=1,
        mou_digest="sha-256:" + "0" * 64,
        clauses=("E1",),
        purpose="release-notification",
        shared=5,
        redactions=tuple(
            Redaction(path="/a", field="a", label="a", outcome=outcome, clause="E1") for outcome in outcomes
        ),
        payload_digest="sha-256:" + "0" * 64,
    )


def test_what_was_withheld_and_what_was_reduced_are_counted_apart() -> None:
    made = dissemination("withheld", "mask", "withheld", "generalize")
    assert (made.withheld, made.reduced) == (2, 2)
    assert (dissemination().withheld, dissemination().reduced) == (0, 0)


def test_what_is_decided_is_not_changed_afterwards() -> None:
    with pytest.raises(FrozenInstanceError):
        dissemination().shared = 6  # type: ignore[misc]
