"""Lesser forms of values, and which fields can take them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iepd.catalog import Catalog, Field, ValueType
from gateway.policy.mou import Grain, How, Transform
from gateway.policy.transform import accepts, change_of, goes_through, misfit


def field(
    kind: str = "string",
    builtin: str = "string",
    last: str = "{urn:x}IdentificationID",
    label: str = "a",
    **more: object,
) -> Field:
    value = ValueType(kind=kind, builtin=builtin, **more)  # type: ignore[arg-type]
    return Field(
        path=("{urn:x}Person", last),
        text="x:Person/x:Y",
        name="a.b",
        label=label,
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


AGE = "{urn:x}PersonAgeValue"
LATITUDE = "{urn:x}LatitudeDegreeValue"


@pytest.mark.parametrize(
    ("of", "grain", "value", "general"),
    [
        (field("integer", "integer", last=AGE), Grain.FIVE_YEARS, "37", "35"),
        (field("integer", "nonNegativeInteger", last=AGE), Grain.TEN_YEARS, " 37 ", "30"),
        (field("decimal", "decimal", last=AGE), Grain.TEN_YEARS, "9.5", "0"),
        (field("integer", "positiveInteger", last=AGE), Grain.TEN_YEARS, "9", None),
        (field("integer", "integer", last=AGE), Grain.TEN_YEARS, "old", None),
        (field("integer", "integer", last=AGE, minimum="18"), Grain.TEN_YEARS, "19", None),
        (field("decimal", "decimal", last=LATITUDE, minimum="-0.05"), Grain.TENTH_DEGREE, "-0.01", None),
        (field("decimal", "decimal", last=LATITUDE), Grain.TENTH_DEGREE, "51.87", "51.8"),
        (field("decimal", "decimal", last=LATITUDE), Grain.TENTH_DEGREE, "-1.28", "-1.3"),
        (field("decimal", "double", last=LATITUDE), Grain.HUNDREDTH_DEGREE, "4.5e1", "45.00"),
        (field("decimal", "double", last=LATITUDE), Grain.HUNDREDTH_DEGREE, "NaN", None),
    ],
)
def test_an_age_becomes_its_band_and_a_place_its_grid(of: Field, grain: Grain, value: str, general: str | None) -> None:
    assert misfit(generalize(grain), of) == ""
    assert reduced(generalize(grain), of, value) == general
    if general is not None:
        assert reduced(generalize(grain), of, general) == general
        assert accepts(of.value, general)


@pytest.mark.parametrize(
    ("transform", "of", "part"),
    [
        (generalize(Grain.FIVE_YEARS), field("integer", "integer", last="{urn:x}ChargeCount"), "only an age"),
        (generalize(Grain.FIVE_YEARS), field(last="{urn:x}PersonAgeText1"), "only a number"),
        (generalize(Grain.FIVE_YEARS), field("integer", "integer", last=AGE, maximum="18"), "every band"),
        (generalize(Grain.TENTH_DEGREE), field("decimal", "decimal", last="{urn:x}Price"), "only a latitude"),
        (
            generalize(Grain.TENTH_DEGREE),
            field("decimal", "decimal", last=LATITUDE, fraction_digits=0),
            "such a degree",
        ),
        (generalize(Grain.YEAR), field("date", "date", minimum="1990-06-15"), "every date"),
        (generalize(Grain.YEAR), field("date", "date", patterns=("....-..-1.",)), "every date"),
        (mask(), field(patterns=("[*]{4}[A-Z]{4}",)), "asterisks"),
        (mask(), field(length_min=6), "asterisks"),
        (mask(), field(is_union=True), "list of values"),
        (replace("x"), field(is_union=True), "as the field's type wants it"),
    ],
)
def test_a_form_that_some_value_of_the_type_could_not_take_is_refused(
    transform: Transform, of: Field, part: str
) -> None:
    assert part in misfit(transform, of)


@pytest.mark.parametrize(
    ("fine", "coarse", "held", "values"),
    [
        (Grain.FIVE_YEARS, Grain.TEN_YEARS, field("integer", "integer", last=AGE), ("0", "4", "17", "35", "99")),
        (
            Grain.HUNDREDTH_DEGREE,
            Grain.TENTH_DEGREE,
            field("decimal", "decimal", last=LATITUDE),
            ("-51.871", "-0.001", "0.099", "1.05", "51.899"),
        ),
    ],
)
def test_the_coarser_of_two_grains_can_be_made_of_the_finer(
    fine: Grain, coarse: Grain, held: Field, values: tuple[str, ...]
) -> None:
    """So a change from the finer to the coarser never shows more."""
    small, large = (change_of(generalize(each), held, Catalog([held]))[0] for each in (fine, coarse))
    assert small is not None
    assert large is not None
    for value in values:
        assert large(small(value) or "") == large(value)
