"""The law of `gateway/store/rows.py`: value to row to value gives the same value."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import Agency, AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery
from gateway.message import Dissemination, Message, Sealed
from gateway.store import configuration_rows, rows
from gateway.store.agency_text import agency_of, agency_text
from gateway.store.configuration import Agreement, Approval, Credential, CredentialKind, Exchange
from gateway.user import User, UserId, UserRole

# Fixed offsets: a moment in the hour that a clock change skips is not equal to itself in another zone (PEP 495).
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.tuples(st.integers(-(10**15), 10**16), zones).map(
    lambda drawn: rows.moment(drawn[0]).astimezone(drawn[1])  # the years 1938 to 2286, to the microsecond
)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
agency_ids = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True).map(AgencyId)

for kind, strategy in (
    (datetime, moments),
    (str, texts),
    (bytes, st.binary(max_size=40)),
    (int, st.integers(0, 2**40)),
):
    st.register_type_strategy(kind, strategy)
users = st.builds(
    User,
    id=st.from_regex(r"[a-z][a-z0-9]{0,8}([._-][a-z0-9]{1,8}){0,3}", fullmatch=True).map(UserId),
    agency=agency_ids,
    roles=st.frozensets(st.sampled_from(UserRole), min_size=1),
    public_key=st.binary(min_size=32, max_size=32).map(bytes.hex),
)


def _one_or_the_other(made: Credential) -> Credential:
    """A username has what its password is compared with; all others a certificate, or nothing."""
    by_name = made.kind is CredentialKind.USERNAME
    return replace(made, certificate=b"") if by_name else replace(made, secret=b"")


OF = {User: users, Credential: st.builds(Credential).map(_one_or_the_other)}
"""Values that are not any combination of their fields."""

VALUES: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    Credential: (configuration_rows.credential_row, configuration_rows.credential_of),
    Agreement: (configuration_rows.agreement_row, configuration_rows.agreement_of),
    Exchange: (configuration_rows.exchange_row, configuration_rows.exchange_of),
    User: (configuration_rows.user_row, configuration_rows.user_of),
    Approval: (configuration_rows.approval_row, configuration_rows.approval_of),
    Message: (rows.message_row, rows.message_of),
    Dissemination: (rows.dissemination_row, rows.dissemination_of),
    Delivery: (rows.delivery_row, rows.delivery_of),
    Sealed: (rows.sealed_row, rows.sealed_of),
    AuditEntry: (rows.entry_row, rows.entry_of),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_value_to_row_to_value_is_the_same(kind: type, data: st.DataObject) -> None:
    to_row, of_row = VALUES[kind]
    value = data.draw(OF.get(kind, st.from_type(kind)))
    row = to_row(value)
    assert of_row(row) == value
    assert {type(column) for column in row} <= {str, int, bytes, type(None)}


@given(data=st.data())
def test_an_agency_to_text_and_back_is_the_same(data: st.DataObject) -> None:
    agency = data.draw(st.builds(Agency, id=agency_ids))
    assert agency_of(agency_text(agency)) == agency


@given(st.datetimes(timezones=zones))
def test_a_moment_is_exact_to_the_microsecond(moment: datetime) -> None:
    assert rows.moment(rows.micros(moment)) == moment


@given(moments, moments)
def test_moments_sort_as_their_numbers(one: datetime, other: datetime) -> None:
    assert (one < other) == (rows.micros(one) < rows.micros(other))
