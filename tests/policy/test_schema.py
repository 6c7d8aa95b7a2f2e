"""The JSON Schema and the reader say the same of a file's form; both come from one declaration."""

import json
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document.source import read_source
from gateway.finding import Finding
from gateway.policy.digest import plain
from gateway.policy.format import AGREEMENT
from gateway.policy.reading import Reading
from gateway.policy.schema import agreement_schema, around
from tests.policy import test_agreement, test_read
from tests.policy.examples import agreement_files, exchanges

FORM = {
    f"mou.{code}"
    for code in (
        *("unknown-key", "missing-key", "wrong-type", "empty-list", "named-twice", "half-a-deadline"),
        *("bad-text", "bad-word", "bad-date", "bad-duration", "bad-agency", "unknown-word"),
    )
}
WORDS = {"mou.unknown-field", "mou.unknown-fact"}
"""Findings that an editor can make too: of form, and of an exchange's words."""


@cache
def validator(*, words: bool = True) -> jsonschema.Draft7Validator:
    schema = agreement_schema(exchanges().values() if words else ())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)


def content(data: bytes) -> Any:
    root, findings = read_source(data, "")
    assert root is not None
    assert findings == ()
    return plain(root)


def findings_of_form(data: bytes) -> tuple[Finding, ...]:
    root, findings = read_source(data, "")
    if root is None:
        return findings
    reading = Reading("mou", "")
    AGREEMENT.conform(reading, root)
    return (*findings, *reading.findings)


@pytest.mark.parametrize("file", sorted(agreement_files()))
def test_the_shipped_agreements_are_valid(file: str) -> None:
    validator().validate(content(agreement_files()[file]))


@pytest.mark.parametrize("text", [test_read.GOOD, test_agreement.WHOLE, test_agreement.between_units("sop")])
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    validator().validate(content(text.encode()))


@pytest.mark.parametrize(
    ("good", "old", "new", "code"),
    [
        (good, old, new, code)
        for good, faults in (
            (test_read.GOOD, test_read.FAULTS),
            (test_agreement.WHOLE, test_agreement.FAULTS),
        )
        for old, new, code, _ in faults
        if not code.startswith("yaml.")
    ],
)
def test_of_each_bad_file_reader_and_schema_say_the_same(good: str, old: str, new: str, code: str) -> None:
    value = content(good.replace(old, new, 1).encode())
    offered_only = new == "before: sealed"  # a fact, but no moment: the schema offers moments only
    if offered_only or (code in FORM | WORDS | {"mou.unknown-exchange"} and "categories" not in new):
        assert not validator().is_valid(value)
    else:
        # What it means - dates after dates, words nobody explained - is the reader's alone to judge.
        assert validator().is_valid(value)


PIECES = st.sampled_from(
    [
        0,
        1,
        -3,
        2_000_000,
        True,
        "",
        " ",
        "x",
        "Nobody Else",
        "2026-02-30",
        "0 days",
        "P",
        "a.*",
        [],
        [1],
        {},
        {"x": "y"},
    ]
)


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """The whole agreement with some places deleted, doubled or replaced."""
    value = content(test_agreement.WHOLE.encode())
    for _ in range(draw(st.integers(1, 2))):
        place = value
        for _ in range(draw(st.integers(0, 6))):
            below = [each for each in (place.values() if isinstance(place, dict) else place) if is_place(each)]
            if not below:
                break
            place = draw(st.sampled_from(below))
        spoil(draw, place)
    return value


def spoil(draw: st.DrawFn, place: Any) -> None:
    piece = deepcopy(draw(PIECES))
    keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
    act = draw(st.sampled_from(["delete", "replace", "add"])) if keys else "add"
    if act == "add" and isinstance(place, list):
        place.append(piece)
    elif act == "add":
        place[draw(st.sampled_from(["x", "because", "is", "to", "do", "unless", "leave", "effect"]))] = piece
    elif act == "delete":
        del place[draw(st.sampled_from(keys))]
    else:
        place[draw(st.sampled_from(keys))] = piece


def is_place(value: object) -> bool:
    return isinstance(value, dict | list)


@settings(max_examples=300, deadline=None)
@given(spoiled())
def test_of_any_spoiled_file_reader_and_schema_say_the_same(value: Any) -> None:
    found = findings_of_form(json.dumps(value).encode())
    assert validator(words=False).is_valid(value) == (not found), found


def test_an_editor_is_offered_exactly_the_words_of_the_clauses_exchange() -> None:
    schema = agreement_schema(exchanges().values())
    for id, iepd in exchanges().items():
        clause = schema["definitions"][id.replace("/", "-")]["properties"]  # type: ignore[index]
        share, _ = clause["fields"]["properties"]["share"]["items"]["anyOf"]
        offered = dict(zip(share["enum"], share["enumDescriptions"], strict=True))
        for field in iepd.catalog.fields:
            assert offered[field.name] == field.title or field.name in iepd.catalog.labels()
            assert offered[field.label]
        assert all(iepd.catalog.select(word) for word in offered)
        assert clause["before"].get("enum", []) == list(around(iepd).moments)
        lines = clause["fields"]["properties"]["transform"]["properties"]
        assert lines.keys() == offered.keys()
        assert all(line["description"] for line in lines.values())


def test_every_key_says_what_it_is() -> None:
    def check(schema: Any) -> None:
        if isinstance(schema, dict):
            for name, below in schema.get("properties", {}).items():
                if name != "effect" or "description" in below:
                    assert below.get("description") or "const" in below, name
            for key, below in schema.items():
                check(below) if key != "properties" else [check(each) for each in below.values()]
        if isinstance(schema, list):
            for below in schema:
                check(below)

    check(agreement_schema(()))
