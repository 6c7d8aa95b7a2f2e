"""Every type of entry is described, its schema says what the catalog lets through, and the page is the one of now."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.audit.catalog import FORMS, FRAGMENTS, SHAPES, EntryType, Shape, ShapeError
from gateway.audit.entry import make
from gateway.audit.event import EVENTS, content, page, schema, schemas
from tests import entries_checked

PAGE = Path(__file__).resolve().parents[2] / "docs/events.md"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_every_type_of_entry_is_described() -> None:
    assert set(EVENTS) == set(EntryType)


def test_the_page_is_the_one_of_the_catalog() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: gateway audit schema --page > docs/events.md"


@pytest.mark.parametrize("type", EntryType)
def test_every_type_answers_the_six_questions_of_au_3(type: EntryType) -> None:
    tells = content(type)
    assert tells.what[0] == "type"
    assert tells.when[0] == "at"
    assert all((tells.where, tells.source, tells.outcome, tells.who))


@pytest.mark.parametrize("type", EntryType)
def test_the_schema_is_a_schema_and_asks_for_what_the_catalog_asks_for(type: EntryType) -> None:
    made = schema(type)
    Draft202012Validator.check_schema(made)
    assert set(made["required"]) == {key for key, _, _, must in FORMS[type].rows if must}
    assert set(made["properties"]) == FORMS[type].keys


def test_the_schema_of_all_finds_the_type() -> None:
    Draft202012Validator.check_schema(schemas())
    validator = Draft202012Validator(schemas())
    entry = json.loads(make(EntryType.SIGN_IN, id=ID, at=NOW, actor="dana").body)
    assert validator.is_valid(entry)
    assert not validator.is_valid({**entry, "type": "read"})
    assert not validator.is_valid({**entry, "name": "Dana"})
    assert not validator.is_valid({key: value for key, value in entry.items() if key != "actor"})


def test_every_shape_carries_its_schema() -> None:
    assert {key for key, shape in SHAPES.items() if shape not in FRAGMENTS} == set()


_TEXTS = [key for key, shape in SHAPES.items() if "pattern" in FRAGMENTS[shape] and key != "type"]


@given(st.data())
def test_what_the_schema_lets_through_the_shape_does_and_the_other_way(data: st.DataObject) -> None:
    shape = SHAPES[data.draw(st.sampled_from(_TEXTS))]
    fragment = FRAGMENTS[shape]
    if fragment.get("format") == "date-time":
        moment = data.draw(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
        assert Draft202012Validator(fragment).is_valid(json.loads(shape(moment)))
        return
    text = data.draw(st.from_regex(fragment["pattern"]) | st.text(max_size=80))
    if not text.endswith("\n"):  # a newline before the end is Python's reading of `$`, not ECMA's
        assert Draft202012Validator(fragment).is_valid(text) == _lets_through(shape, text)


@given(st.sampled_from(sorted(SHAPES)), st.integers() | st.lists(st.integers(), max_size=3) | st.booleans())
def test_a_number_is_a_number_to_both(key: str, value: Any) -> None:
    shape = SHAPES[key]
    if isinstance(value, list) and not value:
        return  # an empty list and an empty table look the same to neither, and tell nothing
    assert Draft202012Validator(FRAGMENTS[shape]).is_valid(value) >= _lets_through(shape, value)
    if not isinstance(value, bool):  # True is a whole number to nobody but Python
        assert Draft202012Validator(FRAGMENTS[shape]).is_valid(value) == _lets_through(shape, value)


def _lets_through(shape: Shape, value: Any) -> bool:
    try:
        shape(value)
    except ShapeError:
        return False
    return True


def test_whatever_a_test_writes_is_held_against_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries_checked, "validator", lambda _: Draft202012Validator({"required": ["nothing"]}))
    with pytest.raises(entries_checked.EntryUnfit, match="sign-in"):
        make(EntryType.SIGN_IN, id=ID, at=NOW, actor="dana")
