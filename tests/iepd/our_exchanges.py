"""What the tests of our own message specifications share: where they are, and their schema as a component model."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from lxml import etree
from ruamel.yaml import YAML

from gateway.iepd.package import Iepd, load

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
XSD = ROOT / "xsd"
STRUCTURES = "https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/"
XS = "{http://www.w3.org/2001/XMLSchema}"
IDENTITY = frozenset(f"{{{STRUCTURES}}}{name}" for name in ("id", "ref", "uri"))
NAMES = ("custody-release", "supervision-record", "police-contact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One place of a message that can hold a value."""

    path: str
    optional: bool


def folder(name: str) -> Path:
    return ROOT / "iepd" / name / "1.0"


def shared(*parts: str) -> Path:
    """A place in the data beside the project; the test is skipped where it is absent."""
    place = SHARED.joinpath(*parts)
    if not place.exists():
        pytest.skip(f"needs ../shared/{'/'.join(parts)}, which is not here")
    return place


def samples(name: str) -> list[Path]:
    return sorted((folder(name) / "samples").glob("*.xml"))


def invalid_samples(name: str) -> list[Path]:
    return sorted((folder(name) / "samples" / "invalid").glob("*.xml"))


@cache
def fields(name: str) -> dict[str, Any]:
    """fields.yaml, read strictly: a key written twice is an error."""
    reader = YAML(typ="safe")
    reader.allow_duplicate_keys = False
    return reader.load((folder(name) / "fields.yaml").read_text(encoding="utf-8"))


@cache
def exchange(name: str) -> Iepd:
    """The exchange as the gateway loads it."""
    return load(_tree(folder(name)), _tree(XSD))


def _tree(top: Path) -> dict[str, bytes]:
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def documents(name: str) -> list[Path]:
    """The schema documents that fields.yaml names: its own beside it, the others under xsd/."""
    own = folder(name)
    return [own / item if (own / item).exists() else XSD / item for item in fields(name)["schemas"]]


def driver(name: str) -> str:
    """A schema document that imports every document of the set and declares nothing."""
    places = {etree.parse(path).getroot().get("targetNamespace"): path.as_uri() for path in documents(name)}
    imports = "".join(f'<xs:import namespace="{uri}" schemaLocation="{place}"/>' for uri, place in places.items())
    return f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'


@cache
def libxml2_schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(driver(name)))


@cache
def component_model(name: str) -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(driver(name))


def qualified(name: str, prefixed: str) -> str:
    prefix, _, local = prefixed.partition(":")
    return f"{{{fields(name)['namespaces'][prefix]}}}{local}"


def prefixed(name: str, expanded: str) -> str:
    prefixes = {uri: prefix for prefix, uri in fields(name)["namespaces"].items()}
    uri, _, local = expanded[1:].partition("}")
    return f"{prefixes[uri]}:{local}"


def members(schema: xmlschema.XMLSchema10, element: Any) -> Iterator[Any]:
    """The elements that may stand where this one is named: itself unless abstract, and its substitutes at any depth."""
    if not element.abstract:
        yield element
    for member in sorted(schema.maps.substitution_groups.get(element.name, ()), key=lambda each: each.name):
        yield from members(schema, member)


def leaves(name: str) -> Iterator[Leaf]:
    """Every place below the root that can hold a value, in schema order; attributes too, identity aside."""
    schema = component_model(name)
    root = schema.maps.elements[qualified(name, fields(name)["root"])]
    yield from _below(name, schema, root, (), optional=False, ancestors=())


def _below(
    name: str,
    schema: xmlschema.XMLSchema10,
    element: Any,
    path: tuple[str, ...],
    *,
    optional: bool,
    ancestors: tuple[str, ...],
) -> Iterator[Leaf]:
    kind = element.type
    assert kind.name not in ancestors, f"{'/'.join(path)} holds itself: its leaves have no end"
    for attribute in kind.attributes or ():
        assert attribute is not None, f"{'/'.join(path)} takes any attribute"
        if attribute not in IDENTITY:
            yield Leaf(path="/".join((*path, f"@{attribute}")), optional=True)
    if kind.is_simple() or kind.has_simple_content():
        yield Leaf(path="/".join(path), optional=optional)
        return
    for particle in kind.content.iter_elements():
        for member in members(schema, schema.maps.elements[particle.name]):
            yield from _below(
                name,
                schema,
                member,
                (*path, prefixed(name, member.name)),
                optional=optional or particle.min_occurs == 0,
                ancestors=(*ancestors, kind.name),
            )
