"""xsd/niem-6.0 is a true subset of the published NIEM 6.0 release."""

import re
import zipfile
from functools import cache

import pytest
from lxml import etree

from .our_exchanges import XS, XSD, shared
from .subset_of_release import differences

RELEASED = {
    "structures.xsd": "xsd/utility/structures.xsd",
    "niem-xs.xsd": "xsd/adapters/niem-xs.xsd",
    "niem-core.xsd": "xsd/niem-core.xsd",
    "justice.xsd": "xsd/domains/justice.xsd",
}
"""Our document to its place in the release."""


@cache
def _release(name: str) -> etree._Element:
    archive = shared("niem", "releases", "6.0", "niem-6.0-xsd.zip")
    with zipfile.ZipFile(archive) as opened:
        return etree.fromstring(opened.read(RELEASED[name]))


def _subset(name: str) -> etree._Element:
    return etree.parse(XSD / "niem-6.0" / name).getroot()


def test_every_subset_document_has_its_release_document() -> None:
    assert {path.name for path in (XSD / "niem-6.0").glob("*.xsd")} == set(RELEASED)


@pytest.mark.parametrize("name", RELEASED)
def test_a_subset_document_says_nothing_the_release_does_not_allow(name: str) -> None:
    assert differences(_subset(name), _release(name)) == []


@pytest.mark.parametrize("name", ["niem-core.xsd", "justice.xsd"])
def test_a_subset_is_a_small_part_of_its_release(name: str) -> None:
    assert len(list(_subset(name).iter())) < len(list(_release(name).iter())) / 5


@pytest.mark.parametrize("name", ["niem-xs.xsd", "niem-core.xsd", "justice.xsd"])
def test_a_subset_document_says_that_it_is_one(name: str) -> None:
    targets = "{https://docs.oasis-open.org/niemopen/ns/specification/conformanceTargets/6.0/}conformanceTargets"
    assert str(_subset(name).get(targets)).endswith("/NDR/6.0/#SubsetSchemaDocument")


def test_every_component_of_the_subset_is_used_by_an_exchange() -> None:
    files = [*XSD.rglob("*.xsd"), *(XSD.parent / "iepd").glob("*/*/extension.xsd")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    used = set(re.findall(r'(?:ref|type|base)="(?:nc|j|niem-xs):(\w+)"', text))
    heads = set(re.findall(r'substitutionGroup="(?:nc|j):(\w+)"', text))
    for name in RELEASED:
        for child in _subset(name).iterchildren(f"{XS}element", f"{XS}complexType", f"{XS}simpleType"):
            known = child.get("name") in used | heads or child.get("substitutionGroup") or name == "structures.xsd"
            assert known, f"{name}: {child.get('name')}"


CHANGES = {
    "an invented element": ("<xs:element name='PersonSurName'", "<xs:element name='PersonSecondSurName'"),
    "an invented child": ("ref='nc:PersonMiddleName'", "ref='nc:PersonSex'"),
    "children in another order": (
        "<xs:element ref='nc:PersonSurName' minOccurs='0'/>",
        "<xs:element ref='nc:PersonGivenName' minOccurs='0'/>",
    ),
    "another type": (
        "name='PersonSurName' type='nc:PersonNameTextType'",
        "name='PersonSurName' type='nc:TextType'",
    ),
    "another substitution group": (
        "substitutionGroup='nc:PersonSexAbstract'",
        "substitutionGroup='nc:StateRepresentation'",
    ),
    "another base": (
        "<xs:extension base='nc:ProperNameTextType'/>",
        "<xs:extension base='nc:TextType'/>",
    ),
    "fewer than required": (
        "<xs:element ref='nc:GeographicCoordinateLatitude'/>",
        "<xs:element ref='nc:GeographicCoordinateLatitude' minOccurs='0'/>",
    ),
    "a required child left out": ("<xs:element ref='nc:GeographicCoordinateLongitude'/>", ""),
    "nillable where the release is not": (
        "<xs:element name='DateRepresentation' abstract='true'",
        "<xs:element name='DateRepresentation' abstract='true' nillable='true'",
    ),
    "concrete where the release is abstract": (
        "<xs:element name='DateRepresentation' abstract='true'",
        "<xs:element name='DateRepresentation'",
    ),
    "a facet dropped": ("<xs:maxInclusive value='90'/>", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_subset_that_allows_more_is_found_out(change: str) -> None:
    before, after = CHANGES[change]
    text = etree.tostring(_subset("niem-core.xsd"), encoding="unicode").replace('"', "'")
    assert before in text
    assert differences(etree.fromstring(text.replace(before, after, 1)), _release("niem-core.xsd")) != []


def test_a_value_that_the_release_does_not_know_is_found_out() -> None:
    text = etree.tostring(_subset("justice.xsd"), encoding="unicode").replace('value="X"', 'value="Z"')
    assert differences(etree.fromstring(text), _release("justice.xsd")) == [
        "PersonSexCodeSimpleType: value Z is not in the release"
    ]
