"""Tests for gateway/document/source.py: YAML read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.source import DEPTH_MAX, FINDINGS_MAX, SIZE_BYTES_MAX, Items, Table, Value, read_source


def codes(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [finding.code for finding in read_source(data, "x.yaml")[1]]


def read(text: str) -> Table:
    table, findings = read_source(text.encode(), "x.yaml")
    assert findings == ()
    assert table is not None
    return table


def test_values_carry_their_place_and_path() -> None:
    table = read("a: one\nb:\n  - x\n  - {c: 2}\n")
    assert table.entries["a"] == Value(path="a", line=1, column=4, value="one")
    items = table.entries["b"]
    assert isinstance(items, Items)
    inner = items.items[1]
    assert isinstance(inner, Table)
    assert inner.entries["c"] == Value(path="b[1].c", line=4, column=9, value=2)
    assert inner.places["c"] == (4, 6)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("2026-01-31", "2026-01-31"),
        ("12", 12),
        ("-3", -3),
        ("'12'", "12"),
        ("012", None),
        ("1.5", None),
        ("1e3", None),
        (".nan", None),
        ("0x1F", None),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ('""', ""),
        ("", None),
        ("~", None),
        ("null", None),
        ("<<", "<<"),
    ],
)
def test_only_texts_whole_numbers_and_truth_values_are_understood(written: str, value: object) -> None:
    table, findings = read_source(f"k: {written}\n".encode(), "x.yaml")
    assert table is not None
    if value is None:
        assert [finding.code for finding in findings] in (["yaml.number"], ["yaml.empty"])
        assert (findings[0].line, findings[0].file) == (1, "x.yaml")
    else:
        assert findings == ()
        entry = table.entries["k"]
        assert isinstance(entry, Value)
        assert (entry.value, type(entry.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\na: 2\n", "yaml.duplicate-key"),
        ("a: &x 1\n", "yaml.anchor"),
        ("a: &x {b: 1}\n", "yaml.anchor"),
        ("a: [&x 1]\n", "yaml.anchor"),
        ("a: !!str 1\n", "yaml.tag"),
        ("a: !python/object 1\n", "yaml.tag"),
        ("1: a\n", "yaml.key"),
        ("[a]: b\n", "yaml.key"),
        ("a: [\n", "yaml.syntax"),
        ("a: b: c\n", "yaml.syntax"),
        ("\ta: b\n", "yaml.syntax"),
        ("- a\n", "yaml.not-a-table"),
        ("text\n", "yaml.not-a-table"),
        ("", "yaml.not-a-table"),
        ("a: 1\n---\nb: 2\n", "yaml.several-documents"),
        (b"a: \xff\n", "yaml.not-text"),
        (b"a: " + b"x" * SIZE_BYTES_MAX, "yaml.too-large"),
        ("a: " + "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1), "yaml.too-deep"),
    ],
)
def test_what_surprises_people_is_a_finding(text: str | bytes, code: str) -> None:
    assert code in codes(text)


def test_an_alias_is_never_followed() -> None:
    assert codes("a: &x 1\nb: *x\n") == ["yaml.anchor", "yaml.alias"]


def test_a_billion_laughs_in_yaml_cost_nothing() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    assert codes("\n".join(lines)).count("yaml.alias") == 118


def test_everything_wrong_is_told_at_once() -> None:
    assert codes("a: 1\na: 2\nb: 1.5\nc:\n") == ["yaml.duplicate-key", "yaml.number", "yaml.empty"]


def test_after_very_many_findings_nothing_is_read_on() -> None:
    text = "".join(f"key{number}:\n" for number in range(FINDINGS_MAX + 500))
    assert codes(text) == ["yaml.empty"] * FINDINGS_MAX


def test_a_key_that_is_given_twice_keeps_its_first_value() -> None:
    table, findings = read_source(b"a: one\na: two\n", "x.yaml")
    assert table is not None
    assert isinstance(table.entries["a"], Value)
    assert table.entries["a"].value == "one"
    assert findings[0].line == 2


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_findings(data: bytes) -> None:
    table, findings = read_source(data, "x.yaml")
    assert table is not None or findings
