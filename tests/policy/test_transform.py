"""Lesser forms of values, and which fields can take them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iepd.catalog import Catalog, Field, ValueType
from gateway.policy.mou import Grain, How, Transform
from gateway.policy.transform import accepts, change_of, goes_through, misfit


def field(
    kind: str = "string", builtin: str = "string", last: str = "{urn:x}IdentificationID", **more: object
) -> Field:
    value = ValueType(kind=kind, builtin=builtin, **more)  # type: ignore[arg-type]
    return Field(
        path=("{urn:x}Person", last),
        text="x:Person/x:Y",
        name="a.b",
        label="a",
        title="A",
        value=value,
        required=False,
        repeatable=False,
        nillable=False,
    )


def mask(keep_last: int = 4) -> Transform:
    return Transform(what="a", how=How.MASK, keep_last=keep_last)


def generalize(to: Grain) -> Transform:
    return Transform(what="a", how=How.GENERALIZE, to=to)


def replace(text: str) -> Transform:
    return Transform(what="a", how=How.REPLACE, text=text)


def reduced(transform: Transform, of: Field, value: str) -> str | None:
    change, _ = change_of(transform, of, Catalog([of]))
    assert change is not None
    return change(value)


@pytest.mark.parametrize(
    ("keep_last", "value", "masked"),
    [
        (4, "123-45-6789", "****6789"),
        (4, "12345", "****2345"),
        (4, "1234", "****"),
        (4, "1", "****"),
        (0, "123456", "****"),
        (2, "  AB12  ", "****12"),
    ],
)
def test_a_mask_keeps_the_last_characters_and_not_the_length(keep_last: int, value: str, masked: str) -> None:
    assert reduced(mask(keep_last), field(), value) == masked


@given(st.text(min_size=1), st.integers(0, 8))
def test_masking_what_is_masked_changes_nothing(value: str, keep_last: int) -> None:
    once = reduced(mask(keep_last), field(), value)
    assert once is not None
    assert reduced(mask(keep_last), field(), once) == once


@pytest.mark.parametrize(
    ("kind", "grain", "value", "general"),
    [
        ("date", Grain.YEAR, "1991-03-17", "1991-01-01"),
        ("date", Grain.YEAR, " 1991-03-17Z ", "1991-01-01"),
        ("date", Grain.MONTH, "1991-03-17-05:00", "1991-03-01"),
        ("datetime", Grain.YEAR, "1991-03-17T08:15:00.5-05:00", "1991-01-01T00:00:00Z"),
        ("datetime", Grain.DAY, "1991-03-17T08:15:00", "1991-03-17T00:00:00Z"),
        ("year", Grain.YEAR, "1991", "1991"),
        ("year-month", Grain.YEAR, "1991-03", "1991-01"),
    ],
)
def test_a_date_is_generalized_to_the_first_of_its_kind(kind: str, grain: Grain, value: str, general: str) -> None:
    assert reduced(generalize(grain), field(kind), value) == general
    assert reduced(generalize(grain), field(kind), general) == general


def test_a_value_that_is_no_date_is_withheld_and_not_let_through() -> None:
    assert reduced(generalize(Grain.YEAR), field("date", "date"), "next spring") is None


@pytest.mark.parametrize(
    ("transform", "of", "part"),
    [
        (mask(), field("date", "date"), "generalize"),
        (mask(), field("code", enumeration=("A", "B")), "replace"),
        (mask(), field(patterns=("[0-9]+",)), "asterisks"),
        (mask(), field(length_max=6), "asterisks"),
        (mask(), field("binary", "base64Binary"), "whole or not at all"),
        (mask(), field(last="{urn:x}NarrativeText"), "whole or not at all"),
        (replace("x"), field(last="{urn:x}NarrativeText"), "whole or not at all"),
        (replace("C"), field("code", enumeration=("A", "B")), "A, B"),
        (replace("x"), field("date", "date"), "date"),
        (replace("abc"), field(patterns=("[0-9]{3}",)), "as the field's type wants it"),
        (generalize(Grain.YEAR), field(), "cannot be generalized"),
        (generalize(Grain.DAY), field("date", "date"), "year or month"),
        (mask(), field("identity", "IDREFS", is_list=True), "no lesser form"),
    ],
)
def test_a_transform_that_the_type_cannot_take_is_refused_with_a_hint(
    transform: Transform, of: Field, part: str
) -> None:
    assert part in misfit(transform, of)


@pytest.mark.parametrize(
    ("transform", "of"),
    [
        (mask(), field()),
        (mask(), field(length_max=8)),
        (replace("B"), field("code", enumeration=("A", "B"))),
        (replace("123"), field(patterns=("[0-9]{3}", "1.*"))),
        (replace("2026-01-01"), field("date", "date")),
        (generalize(Grain.MONTH), field("date", "date")),
        (Transform(what="a", how=How.REMOVE, because="x"), field("binary", "base64Binary")),
    ],
)
def test_a_transform_that_fits_is_taken(transform: Transform, of: Field) -> None:
    assert misfit(transform, of) == ""


@pytest.mark.parametrize(
    ("value", "text", "taken"),
    [
        (ValueType(kind="integer", builtin="integer", minimum="0", maximum="9"), "9", True),
        (ValueType(kind="integer", builtin="integer", minimum="0", maximum="9"), "10", False),
        (ValueType(kind="decimal", builtin="decimal", exclusive=True, maximum="9"), "9", False),
        (ValueType(kind="string", length_min=3), "ab", False),
        (ValueType(kind="boolean", builtin="boolean"), "yes", False),
        (ValueType(kind="empty", builtin=""), "", False),
    ],
)
def test_a_value_is_judged_as_the_schema_would(value: ValueType, text: str, taken: bool) -> None:
    assert accepts(value, text) is taken


@pytest.mark.parametrize(
    ("last", "through"),
    [("AddressCityName", True), ("StateName", True), ("StreetFullText", False), ("StatementText", False)],
)
def test_of_an_address_generalized_to_city_and_state_the_street_does_not_go_through(last: str, through: bool) -> None:
    assert goes_through(generalize(Grain.CITY_STATE), field(last=f"{{urn:x}}{last}")) is through
