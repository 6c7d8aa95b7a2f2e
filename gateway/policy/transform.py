"""Transforms: a field in a lesser form that its schema still accepts.

A transform is judged against the field's type when the agreement is read, so that none is found impossible
on the day of the message. All but pseudonyms are idempotent: reducing what is reduced changes nothing. A value
that a transform cannot read is withheld, never let through.
"""

import re
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from functools import lru_cache

from lxml import etree

from gateway.document.names import XS, join, split
from gateway.iepd.catalog import Catalog, Field, ValueType
from gateway.policy.mark import Mark, mark_of
from gateway.policy.mou import Grain, How, Transform
from gateway.policy.pseudonym import NO_KEY, PseudonymKey, pseudonymizing, token_length

MASK = "****"
"""Stands for however many characters were there: the length of a number says something of it."""

Change = Callable[[str], str | None]
"""A value to its lesser form; None for a value that cannot be read."""

_FREE_TEXT = re.compile(r"(Text|Narrative|Description|Comment)$")
_AGE = re.compile(r"Age(?![a-z])")
_COORDINATE = re.compile(r"(Latitude|Longitude)(?![a-z])")
_PLACE = re.compile(r"(City|County|State|Country)(?![a-z])")
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_MOMENT = re.compile(rf"(-?[0-9]{{4,}})(?:-([0-9]{{2}})(?:-([0-9]{{2}})(?:T[0-9:.]+)?)?)?{_ZONE}")

_GRAINS = {
    "date": {Grain.YEAR: "{year}-01-01", Grain.MONTH: "{year}-{month}-01"},
    "datetime": {
        Grain.YEAR: "{year}-01-01T00:00:00Z",
        Grain.MONTH: "{year}-{month}-01T00:00:00Z",
        Grain.DAY: "{year}-{month}-{day}T00:00:00Z",
    },
    "year": {Grain.YEAR: "{year}"},
    "year-month": {Grain.YEAR: "{year}-01", Grain.MONTH: "{year}-{month}"},
}
"""How a generalized value is written. What is left out becomes the first of its kind: a schema that asks for a date
takes nothing less. Where the schema also has a plain year or month in that place, that is written instead."""

_COARSER = {
    (Grain.YEAR, "date"): "year",
    (Grain.YEAR, "datetime"): "year",
    (Grain.MONTH, "date"): "year-month",
    (Grain.MONTH, "datetime"): "year-month",
}


_BANDS = {Grain.FIVE_YEARS: 5, Grain.TEN_YEARS: 10}
_GRIDS = {Grain.TENTH_DEGREE: Decimal("0.1"), Grain.HUNDREDTH_DEGREE: Decimal("0.01")}


def misfit(transform: Transform, field: Field) -> str:
    """Why the field's type cannot take the transform, and what to do instead; "" when it can."""
    if transform.how is How.REMOVE or transform.to is Grain.CITY_STATE:
        return ""
    if field.is_attribute and mark_of(field.path[-1][1:]) is Mark.HANDLING:
        return "a handling mark stays as it is: share what it marks, or remove it"
    if field.kind == "binary":
        return "an image or file goes through whole or not at all: share it or remove it"
    if is_free_text(field):
        return "free text goes through whole or not at all: share it or remove it"
    if field.kind in {"identity", "empty"} or field.value.is_list:
        return "there is no lesser form of it: share it or remove it"
    return _FITS[transform.how](transform, field)


def goes_through(transform: Transform, field: Field) -> bool:
    """Whether anything of the field is left: of an address generalized to city and state, its street is not."""
    return transform.to is not Grain.CITY_STATE or is_place(field)


def is_free_text(field: Field) -> bool:
    """A text a person wrote: nobody knows what is in it. NIEM names such elements by their ending."""
    return field.kind == "string" and bool(_FREE_TEXT.search(_last(field)))


def is_place(field: Field) -> bool:
    """A city, county, state or country."""
    return bool(_PLACE.search(_last(field)))


def change_of(
    transform: Transform, field: Field, catalog: Catalog, key: PseudonymKey = NO_KEY
) -> tuple[Change | None, str]:
    """How a value is reduced, and the element that holds the lesser form ("" = the same one).

    None when the field goes through as it is: a city, of an address generalized to city and state.
    """
    if transform.how is How.MASK:
        return _masking(transform.keep_last), ""
    if transform.how is How.REPLACE:
        return _replacing(transform.text), ""
    if transform.how is How.PSEUDONYMIZE:
        return pseudonymizing(key, field.label, _token_length(field) or 0), ""
    if transform.to is None or transform.to is Grain.CITY_STATE:
        return None, ""
    coarser = _coarser(transform.to, field, catalog)
    if coarser is not None:
        return _generalizing(coarser.kind, transform.to), coarser.path[-1]
    return in_place(transform, field), ""


def in_place(transform: Transform, field: Field) -> Change:
    """The lesser form in the same element, though another one could hold a plainer one."""
    if transform.to is None:
        raise ValueError("only a generalization has a form in another element")
    if transform.to in _BANDS:
        return _banding(_BANDS[transform.to], field.value)
    if transform.to in _GRIDS:
        return _gridding(_GRIDS[transform.to], field.value)
    return _generalizing(field.kind, transform.to)


def _last(field: Field) -> str:
    return split(field.path[-1].removeprefix("@"))[1]


# --- does it fit -------------------------------------------------------------------------------------------------


def _mask_fits(transform: Transform, field: Field) -> str:
    if field.kind != "string":
        return f"a {field.kind} has no last characters to keep: use generalize, replace or remove"
    if field.enumeration is not None or field.value.is_union:
        return "the field has a list of values: use replace or remove"
    # What stays of a value may be of any kind, and there may be none of it.
    kept = [letter * transform.keep_last for letter in ("X", "x", "7", "-")]
    if not all(accepts(field.value, MASK + each) for each in ("", *kept)):
        return "the type of this field does not take asterisks: use replace or remove"
    return ""


def _generalize_fits(transform: Transform, field: Field) -> str:
    if transform.to in _BANDS:
        return _band_fits(field)
    if transform.to in _GRIDS:
        return _grid_fits(transform, field)
    grains = _GRAINS.get(field.kind)
    if grains is None:
        return f"a {field.kind} cannot be generalized to a {transform.to}: use mask, replace or remove"
    if transform.to not in grains:
        return f"a {field.kind} can be generalized to {' or '.join(grains)}"
    if field.value.minimum is not None or field.value.patterns or field.enumeration is not None:
        return "the type of this field does not take every date: use replace or remove"
    return ""


def _band_fits(field: Field) -> str:
    if not any(_AGE.search(step) for step in field.path):
        return "only an age has bands of years: use replace or remove"
    if field.kind not in {"integer", "decimal"}:
        return f"this age is a {field.kind}, and only a number has a band: use replace or remove"
    if field.enumeration is not None or field.value.patterns or not accepts(field.value, "20"):
        return "the type of this field does not take the first year of every band: use replace or remove"
    return ""


def _grid_fits(transform: Transform, field: Field) -> str:
    if field.kind != "decimal" or not any(_COORDINATE.search(step) for step in field.path):
        return "only a latitude or longitude in decimal degrees has a grid: use replace or remove"
    grid = str(_GRIDS[transform.to]) if transform.to in _GRIDS else ""
    if field.enumeration is not None or field.value.patterns or not accepts(field.value, grid):
        return "the type of this field does not take such a degree: use replace or remove"
    return ""


def _replace_fits(transform: Transform, field: Field) -> str:
    if accepts(field.value, transform.text):
        return ""
    if field.enumeration is not None:
        return f"the value is not one of the field's codes: {', '.join(field.enumeration[:12])}"
    return f"the value is not a {field.kind} as the field's type wants it"


def _pseudonymize_fits(_: Transform, field: Field) -> str:
    if field.label.partition(".")[0] in {"victim", "victim-services"}:
        return "a victim's data is not protected by a token, by law (34 U.S.C. 12291(b)(2)): use remove"
    if field.kind != "string" or not _token_length(field):
        return "the type of this field does not take a token of letters and digits: use mask, replace or remove"
    return ""


def _token_length(field: Field) -> int | None:
    """How many characters a pseudonym of this field has; None when its type takes none that is long enough."""
    return token_length(lambda text: accepts(field.value, text))


_FITS = {
    How.MASK: _mask_fits,
    How.GENERALIZE: _generalize_fits,
    How.REPLACE: _replace_fits,
    How.PSEUDONYMIZE: _pseudonymize_fits,
}


@lru_cache(maxsize=4096)
def accepts(value: ValueType, text: str) -> bool:
    """Whether a text is a value of this type. Asked of the schema processor, by a schema made for the question."""
    if not value.builtin or value.is_list or value.is_union:
        return False
    bounds = {
        "minLength": value.length_min,
        "maxLength": value.length_max,
        "minExclusive" if value.exclusive else "minInclusive": value.minimum,
        "maxExclusive" if value.exclusive else "maxInclusive": value.maximum,
        "totalDigits": value.digits,
        "fractionDigits": value.fraction_digits,
    }
    facets = [("enumeration", code) for code in value.enumeration or ()]
    facets += [(name, str(bound)) for name, bound in bounds.items() if bound is not None]
    kind = _simple_type(facets)
    kind[0].set("base", f"xs:{value.builtin}")
    for pattern in value.patterns:
        step = _simple_type([("pattern", pattern)])
        step[0].insert(0, kind)
        kind = step
    schema = etree.Element(join(XS, "schema"), nsmap={"xs": XS})
    etree.SubElement(schema, join(XS, "element"), name="value").append(kind)
    element = etree.Element("value")
    element.text = text
    try:
        return etree.XMLSchema(schema).validate(element)
    except etree.XMLSchemaParseError:
        return False


def _simple_type(facets: list[tuple[str, str]]) -> etree._Element:
    """A simple type with one restriction, still without its base."""
    kind = etree.Element(join(XS, "simpleType"), nsmap={"xs": XS})
    restriction = etree.SubElement(kind, join(XS, "restriction"))
    for name, facet in facets:
        etree.SubElement(restriction, join(XS, name), value=facet)
    return kind


# --- doing it ----------------------------------------------------------------------------------------------------


def _masking(keep_last: int) -> Change:
    def mask(value: str) -> str:
        text = value.strip()
        kept = text[len(text) - keep_last :] if len(text) > keep_last else ""
        return MASK + kept if kept.strip("*") else MASK

    return mask


def _replacing(text: str) -> Change:
    def replace(_: str) -> str:
        return text

    return replace


def _generalizing(kind: str, grain: Grain) -> Change:
    form = _GRAINS[kind][grain]

    def generalize(value: str) -> str | None:
        moment = _MOMENT.fullmatch(value.strip())
        if moment is None:
            return None
        return form.format(year=moment[1], month=moment[2] or "01", day=moment[3] or "01")

    return generalize


def _banding(years: int, value: ValueType) -> Change:
    def band(text: str) -> str | None:
        age = _number(text)
        if age is None:
            return None
        first = str(int(age // years) * years)
        # The youngest of a band may be younger than the type lets anybody be.
        return first if accepts(value, first) else None

    return band


def _gridding(grid: Decimal, value: ValueType) -> Change:
    least = None if value.minimum is None else _number(value.minimum)

    def to_grid(text: str) -> str | None:
        degrees = _number(text)
        corner = None if degrees is None else degrees.quantize(grid, rounding=ROUND_FLOOR)
        if corner is None or (least is not None and (corner < least or (corner == least and value.exclusive))):
            return None
        return str(corner)

    return to_grid


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < _NUMBER_MAX else None


_NUMBER_MAX = 1_000_000


def _coarser(grain: Grain, field: Field, catalog: Catalog) -> Field | None:
    """The plain year or month the schema has beside this date, if any."""
    kind = _COARSER.get((grain, field.kind))
    if kind is None or field.path[-1].startswith("@"):
        return None
    beside = (other for other in catalog.fields if other.kind == kind and other.path[:-1] == field.path[:-1])
    return next(beside, None)
