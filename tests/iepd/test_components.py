"""Tests for gateway/iepd/components.py and declarations.py: xmlschema gives the second opinion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from gateway.iepd.catalog import leaves, value_type
from gateway.iepd.components import Components, Particle
from gateway.iepd.schema import compile_set

from .invented import CODES, CORE, EXTENSION_XSD, NOTICE, STRUCTURES, XSD

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "niem" / "samples"
XS = "http://www.w3.org/2001/XMLSchema"


def ours() -> Components:
    documents = {f"xsd/{name}": data for name, data in XSD.items()}
    documents["iepd/invented-notice/1.0/extension.xsd"] = EXTENSION_XSD.encode()
    return compile_set(documents).components


def small(body: str) -> Components:
    data = f'<xs:schema xmlns:xs="{XS}" targetNamespace="urn:a" xmlns:a="urn:a">{body}</xs:schema>'
    return compile_set({"a.xsd": data.encode()}).components


def test_children_are_inherited_ones_first() -> None:
    names = [name.rpartition("}")[2] for name in ours().children(f"{{{NOTICE}}}SubjectType")]
    assert names == [
        "PersonName",
        "PersonBirthDate",
        "PersonRaceAbstract",
        "PersonAugmentationPoint",
        "SubjectNumber",
        "JuvenileIndicator",
        "RiskScore",
    ]


def test_an_abstract_head_is_replaced_by_its_members() -> None:
    head = f"{{{CORE}}}PersonRaceAbstract"
    assert ours().substitutes(head) == (f"{{{CORE}}}PersonRaceText", f"{{{CODES}}}RaceCode")
    assert ours().substitutes(f"{{{CORE}}}PersonAugmentationPoint") == ()


def test_types_derive_from_what_they_extend_and_from_themselves() -> None:
    components = ours()
    subject, person = f"{{{NOTICE}}}SubjectType", f"{{{CORE}}}PersonType"
    assert components.derives(subject, person)
    assert components.derives(subject, f"{{{STRUCTURES}}}ObjectType")
    assert components.derives(person, person)
    assert not components.derives(person, subject)
    assert not components.derives(subject, f"{{{CORE}}}TextType")


def test_a_choice_requires_none_of_its_branches_and_a_repeated_group_multiplies() -> None:
    components = small(
        '<xs:group name="G"><xs:sequence><xs:element name="g" maxOccurs="2"/></xs:sequence></xs:group>'
        '<xs:complexType name="T"><xs:sequence>'
        '<xs:choice><xs:element name="x"/><xs:element name="y"/></xs:choice>'
        '<xs:group ref="a:G" minOccurs="2" maxOccurs="3"/>'
        '<xs:sequence maxOccurs="unbounded"><xs:element name="z"/></xs:sequence>'
        '<xs:element name="w" minOccurs="0" maxOccurs="0"/>'
        "</xs:sequence></xs:complexType>"
    )
    assert dict(components.children("{urn:a}T")) == {
        "x": Particle(name="x", least=0, most=1),
        "y": Particle(name="y", least=0, most=1),
        "g": Particle(name="g", least=2, most=6),
        "z": Particle(name="z", least=1, most=None),
    }


def test_a_restriction_replaces_the_children_of_its_base() -> None:
    components = small(
        '<xs:complexType name="B"><xs:sequence><xs:element name="x" minOccurs="0"/><xs:element name="y" minOccurs="0"/>'
        '</xs:sequence><xs:attribute name="k"/><xs:attribute name="l"/></xs:complexType>'
        '<xs:complexType name="R"><xs:complexContent><xs:restriction base="a:B"><xs:sequence><xs:element name="x"/>'
        '</xs:sequence><xs:attribute name="l" use="prohibited"/></xs:restriction></xs:complexContent></xs:complexType>'
    )
    assert list(components.children("{urn:a}R")) == ["x"]
    assert list(components.attributes_of("{urn:a}R")) == ["k"]


def test_an_element_without_type_takes_its_heads() -> None:
    components = small(
        '<xs:element name="m" substitutionGroup="a:h"/><xs:element name="h" type="xs:date" abstract="true"/>'
    )
    assert components.elements["{urn:a}m"].type == f"{{{XS}}}date"


def test_anonymous_types_have_names_of_their_own() -> None:
    components = small(
        '<xs:element name="r"><xs:complexType><xs:sequence><xs:element name="d"><xs:simpleType>'
        '<xs:restriction base="xs:token"><xs:enumeration value="a"/></xs:restriction></xs:simpleType></xs:element>'
        "</xs:sequence></xs:complexType></xs:element>"
    )
    (leaf,) = leaves(components, "{urn:a}r")
    assert (leaf.path, leaf.value.enumeration, leaf.required) == (("d",), ("a",), True)


def _second_opinion(components: Components, schema: xmlschema.XMLSchema) -> list[str]:
    """Where xmlschema's component model says something else, for every global element of the set."""
    # What xmlschema knows beyond the set: the XSD's own elements and those it brings along.
    shared = [name for name in schema.maps.elements if name in components.elements]
    assert len(shared) > 10
    return [
        f"{name}: {what}: {mine} / {theirs}"
        for name in shared
        for what, mine, theirs in _both(components, name, schema.maps.elements[name])
        if mine != theirs and theirs is not None
    ]


def _both(components: Components, name: str, theirs: Any) -> Iterator[tuple[str, object, object]]:
    """What we say and what xmlschema says; its None means that there is nothing to compare."""
    mine, type_ = components.elements[name], theirs.type
    has_value = type_.is_simple() or type_.has_simple_content()
    yield "abstract", mine.abstract, theirs.abstract
    yield "nillable", mine.nillable, theirs.nillable
    yield "type", mine.type, type_.name
    yield "simple", components.is_simple(mine.type), has_value
    if type_.has_complex_content():
        children = {each.name for each in type_.content.iter_elements() if each.name is not None}
        yield "children", set(components.children(mine.type)), children
    if type_.is_complex():
        attributes = {each for each in type_.attributes if each is not None}
        yield "attributes", set(components.attributes_of(mine.type)), attributes
    codes = (type_ if type_.is_simple() else type_.content).enumeration if has_value else None
    if codes is not None:
        yield "codes", list(value_type(components, mine.type).enumeration or ()), list(map(str, codes))


@pytest.mark.parametrize("name", ["custody-release", "supervision-record", "police-contact"])
def test_our_own_exchanges_have_the_components_that_xmlschema_finds(name: str) -> None:
    folder = ROOT / "iepd" / name / "1.0"
    documents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (ROOT / "xsd").rglob("*.xsd")}
    own = f"iepd/{name}/1.0/extension.xsd"
    documents[own] = (folder / "extension.xsd").read_bytes()
    components = compile_set(documents, [own]).components
    assert _second_opinion(components, xmlschema.XMLSchema(str(folder / "extension.xsd"))) == []
    assert len(components.elements) > 100


@pytest.mark.parametrize(
    ("case", "root"),
    [
        ("crash-driver-6.0", "model.xsd/CrashDriver.xsd"),
        ("crash-driver-4.0", "extension/CrashDriver.xsd"),
        ("fbi-nibrs-4.2", "base-xsd/nibrs/4.2/nibrs.xsd"),
        ("superhero-ism", "base-xsd/extension/SuperHero-extension.xsd"),
        ("ojbc-custody-query-results", "IEPD/xsd/exchange.xsd"),
        ("ojbc-incident-search-results", "IEPD/xsd/exchange_schema.xsd"),
    ],
)
def test_published_sets_have_the_components_that_xmlschema_finds(case: str, root: str) -> None:
    folder = SAMPLES / case
    if not folder.exists():
        pytest.skip("needs ../shared/niem/samples")
    documents = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.xsd") if path.is_file()
    }
    components = compile_set(documents, [root]).components
    assert _second_opinion(components, xmlschema.XMLSchema(str(folder / root))) == []
