"""Tests for gateway/iepd/catalog.py: the fields of an exchange and what the schema says of them."""

import pytest

from gateway.iepd.catalog import Field, show_path, value_type
from gateway.iepd.schema import compile_set

from .invented import CODES, CORE, NOTICE, invented

CATALOG = invented().catalog
N, NC = f"{{{NOTICE}}}", f"{{{CORE}}}"


def field(name: str) -> Field:
    found = CATALOG.named(name)
    assert found is not None
    return found


def test_a_field_is_found_by_its_path() -> None:
    born = CATALOG.find((f"{N}Subject", f"{NC}PersonBirthDate"))
    assert born is field("person.born")
    assert (born.label, born.title, born.text) == ("person.dob", "Date of birth", "n:Subject/nc:PersonBirthDate")
    assert CATALOG.find((f"{N}Subject",)) is None
    assert CATALOG.find(()) is None


def test_an_attribute_is_a_field() -> None:
    version = CATALOG.find(("@version",))
    assert version is field("message.version")
    assert version.is_attribute
    assert version.required
    assert not field("person.born").is_attribute
    assert CATALOG.find((f"{N}ReasonText", f"@{NC}metadataRef")) is field("message.reason.metadata")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("message.action", "code"),
        ("message.as-of", "datetime"),
        ("person.name.full", "string"),
        ("person.born", "date"),
        ("person.race.code", "code"),
        ("person.juvenile", "boolean"),
        ("risk.score", "integer"),
        ("visit.days", "date"),
        ("release.when", "string"),
        ("message.reason.metadata", "identity"),
    ],
)
def test_each_field_has_the_kind_of_its_type(name: str, kind: str) -> None:
    assert field(name).kind == kind


def test_facets_come_from_the_whole_derivation() -> None:
    number = field("person.number").value
    assert (number.patterns, number.length_max) == (("[A-Z]{2}-[0-9]{4}",), 7)
    score = field("risk.score").value
    assert (score.minimum, score.maximum, score.exclusive) == ("1", "9", False)
    assert field("person.race.code").enumeration == ("A", "B")
    assert field("visit.days").value.is_list


def test_what_a_parent_must_have_is_required() -> None:
    assert field("person.number").required
    assert not field("person.born").required
    assert not field("person.race.code").required
    assert field("person.name.full").repeatable
    assert not field("person.born").repeatable
    assert field("person.name.full").nillable
    assert not field("person.born").nillable


def test_a_word_means_a_label_a_group_of_labels_or_one_field() -> None:
    def names(word: str) -> set[str]:
        return {each.name for each in CATALOG.select(word)}

    assert names("person.dob") == {"person.born"}
    assert names("person.born") == {"person.born"}
    assert names("thirdparty.*") == {
        "other.name",
        "other.name.metadata",
        "other.born",
        "other.race",
        "other.race.code",
        "other.race.metadata",
    }
    assert names("release.*") == {"visit.days", "release.when"}
    assert names("risk.*") == {"risk.score"}
    assert names("relea.*") == names("unknown") == names("*") == names("") == set()


def test_a_group_of_labels_ends_at_a_dot() -> None:
    assert "release.when-about" in CATALOG.labels()
    assert CATALOG.select("release.when.*") == ()


def test_names_and_labels_are_sorted_and_complete() -> None:
    assert list(CATALOG.names()) == sorted(each.name for each in CATALOG.fields)
    assert list(CATALOG.labels()) == sorted({each.label for each in CATALOG.fields})


def test_a_path_is_shown_with_the_exchanges_prefixes() -> None:
    assert (
        show_path((f"{N}Subject", f"{{{CODES}}}RaceCode", "@x"), {NOTICE: "n", CODES: "c"}) == "n:Subject/c:RaceCode/@x"
    )


@pytest.mark.parametrize(
    ("definition", "kind", "enumeration"),
    [
        ('<xs:restriction base="xs:token"/>', "string", None),
        ('<xs:restriction base="xs:positiveInteger"/>', "integer", None),
        ('<xs:restriction base="xs:base64Binary"/>', "binary", None),
        ('<xs:restriction base="xs:gYear"/>', "year", None),
        ('<xs:restriction base="xs:gYearMonth"/>', "year-month", None),
        ('<xs:restriction base="xs:double"/>', "decimal", None),
        ('<xs:restriction base="xs:duration"/>', "duration", None),
        ('<xs:restriction base="xs:time"/>', "time", None),
        ('<xs:restriction base="xs:anyURI"/>', "uri", None),
        ('<xs:union memberTypes="a:One a:Two"/>', "code", ("x", "y", "z")),
        ('<xs:union memberTypes="a:One xs:string"/>', "string", None),
        ('<xs:restriction base="xs:gYear"><xs:enumeration value="2026"/></xs:restriction>', "year", ("2026",)),
        ('<xs:restriction base="a:Two"><xs:enumeration value="z"/></xs:restriction>', "code", ("z",)),
    ],
)
def test_every_simple_type_has_a_kind(definition: str, kind: str, enumeration: tuple[str, ...] | None) -> None:
    def codes(name: str, *values: str) -> str:
        listed = "".join(f'<xs:enumeration value="{value}"/>' for value in values)
        return f'<xs:simpleType name="{name}"><xs:restriction base="xs:token">{listed}</xs:restriction></xs:simpleType>'

    body = codes("One", "x") + codes("Two", "y", "z") + f'<xs:simpleType name="T">{definition}</xs:simpleType>'
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a" xmlns:a="urn:a">'
    components = compile_set({"a.xsd": f"{head}{body}</xs:schema>".encode()}).components
    value = value_type(components, "{urn:a}T")
    assert (value.kind, value.enumeration) == (kind, enumeration)
