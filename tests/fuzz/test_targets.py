"""Whatever reads bytes of strangers gives an answer or one of our own refusals, whatever the bytes are."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from tests.fuzz.mutations import bounded, damaged, kept
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_whole_inputs_are_read(name: str) -> None:
    """Else damage would only show that nothing is."""
    target = TARGETS[name]
    if name not in {"media-type", "content-digest"}:
        for whole in target.whole():
            target.read(whole)


@pytest.mark.parametrize("name", TARGETS)
def test_what_broke_it_once_is_refused(name: str) -> None:
    for data in kept(name):
        read(name, data)


@pytest.mark.parametrize("name", TARGETS)
@bounded
@given(st.data())
def test_damaged_inputs_are_read_or_refused(name: str, data: st.DataObject) -> None:
    read(name, data.draw(damaged(TARGETS[name].whole())))


@pytest.mark.parametrize("name", TARGETS)
@bounded
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    read(name, data)


def read(name: str, data: bytes) -> None:
    """Nothing but our own errors leaves it; any other exception fails the test."""
    with suppress(GatewayError):
        TARGETS[name].read(data)
