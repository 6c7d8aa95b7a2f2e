"""Tests for gateway/iepd/reference.py: identities and what points at them."""

from collections.abc import Sequence

import pytest

from gateway.document.parse import parse
from gateway.finding import Severity
from gateway.iepd.reference import References
from gateway.iepd.schema import compile_set
from gateway.iepd.validate import validate

from .invented import CORE, CORE_XSD, EXTENSION_XSD, STRUCTURES, STRUCTURES_XSD, SUBJECT, XSD, invented, notice

IEPD = invented()
OLD = "http://release.niem.gov/niem/structures/4.0/"


def found(body: str) -> list[tuple[str, str]]:
    return [(each.code, each.path.removeprefix("/n:Notice/")) for each in validate(parse(notice(body)), IEPD)]


def codes(body: str) -> list[str]:
    return [code for code, _ in found(body)]


def old_codes(body: str) -> Sequence[tuple[str, Severity]]:
    """The same exchange over structures of NIEM 4.0."""
    documents = {f"xsd/{name}": data for name, data in XSD.items()}
    documents["iepd/invented-notice/1.0/extension.xsd"] = EXTENSION_XSD.encode()
    documents = {name: data.replace(STRUCTURES.encode(), OLD.encode()) for name, data in documents.items()}
    schema = compile_set(documents)
    root = parse(notice(body).replace(STRUCTURES.encode(), OLD.encode())).root
    assert schema.validator.validate(root)
    references = References(schema)
    assert references.concern(root)
    return [(wording.code, wording.severity) for _, wording in references.findings(root)]


def person(attributes: str, content: str = "") -> str:
    return f"<nc:Person {attributes}>{content}</nc:Person>"


NAME = "<nc:PersonName>Ann</nc:PersonName>"
POINTER = 'xsi:nil="true" s:ref="P1"'


def test_a_reference_to_an_element_that_is_there_is_right() -> None:
    assert codes(SUBJECT + person('s:id="P1"', NAME) + person(POINTER)) == []
    assert codes(SUBJECT + person(POINTER) + person('s:id=" P1 "', NAME)) == []


def test_a_reference_to_nothing_is_found_though_libxml2_accepts_it() -> None:
    body = SUBJECT + person(POINTER)
    assert IEPD.schema.validator.validate(parse(notice(body)).root)
    assert found(body) == [("reference.unresolved", "nc:Person/@ref")]


def test_the_subject_may_stand_where_a_person_is_pointed_at() -> None:
    """SubjectType derives from PersonType; not the other way round."""
    subject = SUBJECT.replace("<n:Subject>", '<n:Subject s:id="P1">')
    assert codes(subject + person(POINTER)) == []
    pointer = '<n:Subject xsi:nil="true" s:ref="P2"/>'
    assert found(subject + pointer + person('s:id="P2"', NAME)) == [("reference.wrong-type", "n:Subject[2]/@ref")]


def test_the_type_that_xsi_type_names_is_the_one_that_counts() -> None:
    full = f'<nc:Person xsi:type="n:SubjectType" s:id="P2">{"<n:SubjectNumber>AB-1234</n:SubjectNumber>"}</nc:Person>'
    assert codes('<n:Subject xsi:nil="true" s:ref="P2"/>' + full) == []


def test_each_of_several_references_must_be_there() -> None:
    body = '<n:Subject><nc:PersonName nc:metadataRef="M1 M2  M3">x</nc:PersonName>{}</n:Subject>'.format(
        "<n:SubjectNumber>AB-1234</n:SubjectNumber>"
    )
    assert found(body + person('s:id="M2"', NAME)) == [
        ("reference.unresolved", "n:Subject/nc:PersonName/@nc:metadataRef"),
        ("reference.unresolved", "n:Subject/nc:PersonName/@nc:metadataRef"),
    ]


@pytest.mark.parametrize(
    "attributes",
    ['s:id="P1" s:uri="#P1"', 's:id="P1" s:ref="P1"', 's:uri="#P2" s:ref="P1"', 's:id="P" s:ref="P1" s:uri="x"'],
)
def test_an_element_has_one_identity(attributes: str) -> None:
    body = SUBJECT + person(attributes, NAME) + person('s:id="P1b"', NAME)
    assert "reference.several-identities" in codes(body)


def test_a_uri_within_the_message_must_mean_something() -> None:
    assert found(SUBJECT + person('s:uri="#P9"')) == [("reference.unresolved", "nc:Person/@uri")]
    assert codes(SUBJECT + person('s:uri="#P9"') + person('s:id="P9"', NAME)) == []


@pytest.mark.parametrize("uri", ["#%50%39", "#P%39", " #P9 "])
def test_a_uri_within_the_message_is_found_however_it_is_written(uri: str) -> None:
    assert codes(SUBJECT + person(f's:uri="{uri}"') + person('s:id="P9"', NAME)) == []


def test_a_letter_of_an_id_may_be_escaped_in_a_uri() -> None:
    assert codes(SUBJECT + person('s:uri="#Nu%C3%B1ez"') + person('s:id="Nuñez"', NAME)) == []


@pytest.mark.parametrize("uri", ["", "#", "./#P9", "?#P9", "P9", "//r.example/9", "#element(P9)"])
@pytest.mark.parametrize("content", ["", NAME])
def test_a_relative_uri_names_nothing_whatever_stands_there(uri: str, content: str) -> None:
    body = SUBJECT + person(f's:uri="{uri}"', content) + person('s:id="P9"', NAME)
    assert found(body) == [("reference.unresolved", "nc:Person[1]/@uri")]


def test_elements_with_the_same_uri_are_one_object_and_need_no_id() -> None:
    subject = SUBJECT.replace("<n:Subject>", '<n:Subject s:uri="#P1">')
    assert codes(subject + person('s:uri="#P1"', NAME)) == []
    assert codes(subject + person('s:uri="#P1" xsi:nil="true"')) == []


def test_two_empty_elements_that_name_each_other_mean_nothing() -> None:
    assert codes(SUBJECT + person('s:uri="#P1"') * 2) == ["reference.unresolved"] * 2


def test_a_uri_elsewhere_is_not_ours_to_check() -> None:
    assert codes(SUBJECT + person('s:uri="urn:uuid:1" xsi:nil="true"')) == []


def test_from_niem_6_on_only_what_points_is_nil() -> None:
    assert found(SUBJECT + person('xsi:nil="true"')) == [("reference.nil-without-reference", "nc:Person/@xsi:nil")]
    assert found(SUBJECT + person('xsi:nil=" 1 " s:id="P1"')) == [
        ("reference.nil-without-reference", "nc:Person/@xsi:nil")
    ]
    assert codes(SUBJECT + person('xsi:nil="false"')) == []


def test_before_niem_6_nil_needs_no_reference_and_a_wrong_type_is_a_warning() -> None:
    assert old_codes(SUBJECT + person('xsi:nil="true"') + person('s:id="P3"')) == []
    pointer = '<n:Subject xsi:nil="true" s:ref="P2"/>'
    assert old_codes(pointer + person('s:id="P2"', NAME)) == [("reference.wrong-type", Severity.WARNING)]
    assert old_codes(SUBJECT + person('xsi:nil="true" s:ref="gone"')) == [("reference.unresolved", Severity.ERROR)]


def test_pointers_of_niem_2_may_name_anything() -> None:
    structures = STRUCTURES_XSD.replace(
        "</xs:schema>",
        '<xs:complexType name="ReferenceType"><xs:attribute ref="s:id"/><xs:attribute ref="s:ref"/></xs:complexType>'
        "</xs:schema>",
    )
    core = CORE_XSD.replace(
        '<xs:element name="Person" type="nc:PersonType"', '<xs:element name="Person" type="s:ReferenceType"'
    )
    documents = {
        name: data.replace(STRUCTURES, "http://niem.gov/niem/structures/2.0").encode()
        for name, data in {
            "xsd/core/structures.xsd": structures,
            "xsd/core/core.xsd": core,
            "iepd/a/1.0/extension.xsd": EXTENSION_XSD,
        }.items()
    }
    schema = compile_set(documents)
    body = SUBJECT.replace("<n:Subject>", '<n:Subject s:id="P1">') + '<nc:Person s:ref="P1"/>'
    root = parse(notice(body).replace(STRUCTURES.encode(), b"http://niem.gov/niem/structures/2.0")).root
    assert schema.validator.validate(root)
    assert list(References(schema).findings(root)) == []


def test_a_message_without_identities_is_not_walked() -> None:
    assert not IEPD.references.concern(parse(notice()).root)
    assert IEPD.references.concern(parse(notice(SUBJECT + person('s:id="P1"'))).root)
    assert IEPD.references.concern(parse(notice(SUBJECT + person('xsi:nil="true"'))).root)
    assert IEPD.references.concern(parse(notice(SUBJECT.replace("<n:Subject>", '<n:Subject s:id="x">'))).root)


def test_an_identity_on_the_root_is_seen() -> None:
    document = parse(notice(SUBJECT + person(POINTER), attributes='s:id="P1"'))
    assert [each.code for each in validate(document, IEPD)] == ["reference.wrong-type"]


def test_an_element_whose_value_is_a_reference_is_checked() -> None:
    data = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a" xmlns:a="urn:a">
      <xs:element name="r"><xs:complexType><xs:sequence maxOccurs="9">
        <xs:element ref="a:i" minOccurs="0"/><xs:element ref="a:p" minOccurs="0"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="i"><xs:complexType><xs:attribute name="k" type="xs:ID"/></xs:complexType></xs:element>
      <xs:element name="p" type="xs:IDREFS"/></xs:schema>{""}""".encode()
    references = References(compile_set({"a.xsd": data}))
    root = parse(b'<a:r xmlns:a="urn:a"><a:i k="x"/><a:p>x</a:p><a:p>x y</a:p></a:r>').root
    assert references.concern(root)
    assert [(element.tag, each.code) for element, each in references.findings(root)] == [
        ("{urn:a}p", "reference.unresolved")
    ]


def test_a_set_without_any_structures_needs_no_pass() -> None:
    head = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">'
    data = head + b'<xs:element name="r"/></xs:schema>'
    references = References(compile_set({"a.xsd": data}))
    root = parse(f'<r xmlns="urn:a" xmlns:nc="{CORE}"/>'.encode()).root
    assert not references.concern(root)
    assert list(references.findings(root)) == []
