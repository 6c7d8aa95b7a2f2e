"""Whatever any test writes into a log is held against the JSON Schema of its type."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from gateway.audit import entry
from gateway.audit.catalog import EntryType
from gateway.audit.event import schema

EACH_MAX = 300
"""Entries of one kind of one test that are held against their schema; a load test writes thousands alike."""


class EntryUnfit(AssertionError):
    """An entry was written that its schema does not allow."""


@cache
def validator(type: EntryType) -> Draft202012Validator:
    """Of entries of this type."""
    return Draft202012Validator(schema(type))


def check(type: EntryType, body: Mapping[str, Any]) -> None:
    """Raises `EntryUnfit` with what is wrong."""
    wrong = [f"{'/'.join(map(str, each.path))}: {each.message}" for each in validator(type).iter_errors(body)]
    if wrong:
        raise EntryUnfit(f"an entry of type {type} does not fit its schema: {wrong}")


@contextmanager
def entries_checked() -> Iterator[None]:
    """While this is open, every entry that is made in this process is checked."""
    write = entry._body
    seen: dict[tuple[EntryType, frozenset[str]], int] = {}

    def checked(type: EntryType, fields: dict[str, Any]) -> str:
        body = write(type, fields)
        form = (type, frozenset(key for key, value in fields.items() if value is not None))
        count = seen[form] = seen.get(form, 0) + 1
        if count <= EACH_MAX:
            check(type, json.loads(body))
        return body

    entry._body = checked
    try:
        yield
    finally:
        entry._body = write
