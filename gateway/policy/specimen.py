"""Specimen: the smallest message of an exchange that has certain elements in it, its values invented.

A flaw is shown on one: the message is built, and cut by the rules, so that the picture is what would really happen.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from lxml import etree

from gateway.document.names import XSI, split, structures_version
from gateway.document.parse import Document
from gateway.iepd.catalog import Steps, value_type
from gateway.iepd.components import ANY_TYPE, Components, Element
from gateway.iepd.facts import Fact, Facts, FactTests
from gateway.iepd.package import Iepd
from gateway.policy.condition import negation
from gateway.policy.inclusion import Reading, Wanted
from gateway.policy.placeholder import placeholder

DEPTH_MAX = 60
NO_CHILDREN: Mapping[Steps, Sequence[str]] = {}


class Supposed(Facts):
    """Facts as a proof supposes them, whatever the document says."""

    def __init__(self, document: Document, tests: FactTests, holding: frozenset[str]) -> None:
        super().__init__(document, tests)
        self._holding = holding

    def _ask(self, fact: Fact, about: etree._Element) -> bool | str:
        if fact.name in self._holding:
            return True
        return False if negation(fact.name) in self._holding else super()._ask(fact, about)


class CannotBeMade(ValueError):
    """No small message has these elements."""


class Specimens:
    """Makes specimens of one exchange."""

    def __init__(self, iepd: Iepd) -> None:
        self._iepd = iepd
        self._components: Components = iepd.schema.components
        self._number = 0
        self._set: frozenset[Steps] = frozenset()

    def make(
        self,
        to: Steps,
        children: Mapping[Steps, Sequence[str]] = NO_CHILDREN,
        attributes: Collection[Steps] = (),
    ) -> Document:
        """A message in which there is an element or attribute at a path below the root.

        children    of the elements at some paths below the root, in order; everywhere else they are as few as can be
        attributes  paths of further ones to be set
        Raises CannotBeMade.
        """
        root = self._components.elements[self._iepd.root]
        self._set = frozenset(attributes)
        element = etree.Element(root.name, nsmap=dict(self._iepd.namespaces))
        self._fill(element, root, _At((), to, ()), children)
        return Document(element)

    def _fill(
        self, element: etree._Element, declared: Element, at: "_At", children: Mapping[Steps, Sequence[str]]
    ) -> None:
        components = self._components
        type_name = self._concrete(element, declared.type)
        for attribute in components.attributes_of(type_name).values():
            step = "@" + attribute.name
            if attribute.required or at.wanted == step or (*at.path, step) in self._set:
                element.set(attribute.name, self._attribute(attribute.name, attribute.type))
        if components.is_simple(type_name):
            element.text = placeholder(value_type(components, type_name))
            return
        if len(at.path) > DEPTH_MAX:
            raise CannotBeMade
        wanted = "" if at.wanted.startswith("@") else at.wanted
        names = children.get(at.path)
        for name in self._names(type_name, wanted, at.types) if names is None else names:
            child = components.element_in(type_name, name) or Element(name=name, type=ANY_TYPE)
            below = _At((*at.path, name), at.to[1:] if name == wanted else (), (*at.types, type_name))
            self._fill(etree.SubElement(element, name), child, below, children)
            wanted = "" if name == wanted else wanted

    def _concrete(self, element: etree._Element, type_name: str) -> str:
        """The type itself, or when it is abstract one that derives from it, said by xsi:type."""
        found = self._components.types.get(type_name)
        if found is None or not found.abstract:
            return type_name
        for each in self._components.types.values():
            if not each.abstract and self._components.derives(each.name, type_name) and "#" not in each.name:
                namespace, local = split(each.name)
                prefix = next((p for p, uri in element.nsmap.items() if uri == namespace and p), None)
                if prefix is not None:
                    element.set(f"{{{XSI}}}type", f"{prefix}:{local}")
                    return each.name
        raise CannotBeMade

    def _attribute(self, name: str, type_name: str) -> str:
        namespace, local = split(name)
        if structures_version(namespace) is not None and local == "id":
            self._number += 1
            return f"sample{self._number}"
        return placeholder(value_type(self._components, type_name))

    def _names(self, type_name: str, wanted: str, types: tuple[str, ...]) -> tuple[str, ...]:
        """As few children as the type takes, with the wanted one among them."""
        automaton = self._components.automaton(type_name)
        asked = [Wanted(frozenset({wanted}), 1)] if wanted else []
        reading = Reading(automaton, automaton, asked, ())

        def options(name: str) -> Sequence[str]:
            child = self._components.element_in(type_name, name)
            again = child is not None and child.type in {*types, type_name}
            return () if child is None or (again and name != wanted) else (name,)

        steps = reading.shortest(options, reading.enough)
        if steps is None:
            raise CannotBeMade
        return tuple(step.name for step in steps)


class _At(NamedTuple):
    """Where a specimen has come: the path below the root, the way that is still to go, the types above."""

    path: Steps
    to: Steps
    types: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """The next step of the way."""
        return self.to[0] if self.to else ""


def text_of(element: etree._Element, prefixes: Mapping[str, str]) -> tuple[str, ...]:
    """The element as lines of XML, with the exchange's prefixes and without its declarations."""
    return tuple(_lines(element, {uri: prefix for prefix, uri in prefixes.items()}, 0))


def _lines(element: etree._Element, prefixes: Mapping[str, str], depth: int) -> list[str]:
    name = named(str(element.tag), prefixes)
    attributes = "".join(f' {named(str(key), prefixes)}="{value!s}"' for key, value in element.items())
    indent = "  " * depth
    if len(element) == 0:
        text = element.text or ""
        return [f"{indent}<{name}{attributes}>{text}</{name}>" if text else f"{indent}<{name}{attributes}/>"]
    inner = [line for child in element for line in _lines(child, prefixes, depth + 1)]
    return [f"{indent}<{name}{attributes}>", *inner, f"{indent}</{name}>"]


def named(name: str, prefixes: Mapping[str, str]) -> str:
    """A name with the exchange's prefix. prefixes: namespace to prefix."""
    namespace, local = split(name)
    prefix = "xsi" if namespace == XSI else prefixes.get(namespace, "")
    return f"{prefix}:{local}" if prefix else local
