"""Damage: whole inputs, changed in ways that parsers have been broken by.

`FUZZ_EXAMPLES` says how many of them each target gets; `make fuzz` sets it high and lets the inputs be new ones. What
is found is kept below `crashes/<target>/`, and every later run tries those too.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CRASHES = Path(__file__).parent / "crashes"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))

bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
)
"""How long a target is tried."""

WORDS = (
    b"<!DOCTYPE x [<!ENTITY e 'x'>]>",
    b"&e;",
    b"&#0;",
    b"&#xD800;",
    b"<?xml version='1.1'?>",
    b"<?x y?>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b" xmlns=''",
    b" xmlns:x='urn:x'",
    b" xml:id='a'",
    b" Id='a'",
    b" xsi:nil='true' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'",
    b" xsi:type='x:y'",
    b"<a>" * 200,
    b"9" * 400,
    b"-1",
    b"1e999999999",
    b"0000-00-00T00:00:00Z",
    b"2026-02-30",
    b"\r\n",
    b"\r",
    b"--b\r\n",
    b"--b--",
    b"Content-ID: <a>\r\n\r\n",
    b"cid:",
    b"cid:%00",
    b"<xop:Include xmlns:xop='http://www.w3.org/2004/08/xop/include' href='cid:a'/>",
    b"&anchor",
    b"*anchor",
    b"!!python/object",
    b"<<: *a",
    b"? [a, b]\n: c\n",
    b"\t",
    "\N{RIGHT-TO-LEFT OVERRIDE}".encode(),
    b"{" * 300,
    b"[" * 300,
)
"""Pieces that mean something to somebody."""


def damaged(whole: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of these, changed in one to six places."""
    return st.builds(_changed, st.sampled_from(list(whole)), st.lists(_change(), min_size=1, max_size=6))


def _changed(data: bytes, changes: list[Callable[[bytes], bytes]]) -> bytes:
    for change in changes:
        data = change(data)
    return data[:300_000]


def _change() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    where = st.floats(0, 1)
    length = st.integers(1, 200)
    return st.one_of(
        st.builds(_insert, where, st.sampled_from(WORDS)),
        st.builds(_insert, where, st.binary(min_size=1, max_size=4)),
        st.builds(_remove, where, length),
        st.builds(_repeat, where, length, st.integers(1, 30)),
        st.builds(_overwrite, where, st.binary(min_size=1, max_size=2)),
        st.builds(_move, where, where, length),
        st.builds(_cut, where),
    )


def _at(data: bytes, where: float) -> int:
    return int(where * len(data))


def _insert(where: float, piece: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[: _at(data, where)] + piece + data[_at(data, where) :]


def _remove(where: float, length: int) -> Callable[[bytes], bytes]:
    return lambda data: data[: _at(data, where)] + data[_at(data, where) + length :]


def _repeat(where: float, length: int, times: int) -> Callable[[bytes], bytes]:
    return lambda data: (
        data[: _at(data, where)]
        + data[_at(data, where) : _at(data, where) + length] * times
        + data[_at(data, where) + length :]
    )


def _overwrite(where: float, piece: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[: _at(data, where)] + piece + data[_at(data, where) + len(piece) :]


def _move(start: float, end: float, length: int) -> Callable[[bytes], bytes]:
    def moved(data: bytes) -> bytes:
        at = _at(data, start)
        piece, rest = data[at : at + length], data[:at] + data[at + length :]
        return rest[: _at(rest, end)] + piece + rest[_at(rest, end) :]

    return moved


def _cut(where: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: _at(data, where)]


def kept(target: str) -> Iterator[bytes]:
    """Inputs that broke this target once."""
    for file in sorted((CRASHES / target).glob("*")) if (CRASHES / target).is_dir() else ():
        yield file.read_bytes()
