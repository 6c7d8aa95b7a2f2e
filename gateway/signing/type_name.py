"""Types named in values (xsi:type="nc:TextType"), and whether a signature covers what their prefixes stand for.

Exclusive canonicalization writes a namespace declaration only where an element or attribute is named by its prefix. A
prefix that stands in a value alone may be bound to another namespace after signing, and nothing that was signed has
changed: so it must be used by a name at that place, or stand in the PrefixList. xsi:type is the only such value: NIEM
has no elements or attributes whose content is a qualified name (NDR, rules against xs:QName and xs:NOTATION).
Source: Exclusive XML Canonicalization 1.0, sections 1.3 and 3.
"""

import threading
from collections.abc import Callable, Collection
from typing import Any

from lxml import etree

from gateway.document.names import XSI, split

TYPE = f"{{{XSI}}}type"
DEFAULT = "#default"
"""How a PrefixList names the namespace of names without a prefix."""

NAMED_MAX = 20
"""Prefixes that are told apart. Of a document that names its types by more, each must be listed."""

NOTHING = ""
"""In the place of a namespace: none was written. No namespace has this name."""


class _OfThread(threading.local):
    """XPath objects of one thread: lxml locks them."""

    def __init__(self) -> None:
        self.names_types = etree.XPath("boolean(/descendant::*/@xsi:type)", namespaces={"xsi": XSI})
        self.has_attribute = etree.XPath("boolean(@*[starts-with(name(), $start)])")
        self._typed = etree.XPath("descendant-or-self::*[@xsi:type]", namespaces={"xsi": XSI})

    def typed(self, apex: etree._Element) -> list[etree._Element]:
        """The elements whose type is named."""
        found: list[etree._Element] = self._typed(apex)  # type: ignore[assignment]  # a path to elements gives elements
        return found


_of_thread = _OfThread()


def names_types(element: etree._Element) -> bool:
    """Whether the document that this element is in names a type anywhere. Few messages do, and it is quickly told."""
    return bool(_of_thread.names_types(element))


def prefixes_in_values(apex: etree._Element) -> tuple[str, ...]:
    """The prefixes that a PrefixList must name, so that a signature of this element covers its types' names; sorted."""
    return tuple(sorted(prefix or DEFAULT for prefix in _unwritten(apex, _named(apex))))


def are_covered(apex: etree._Element, listed: Collection[str]) -> bool:
    """Whether what stands for the prefixes of every type named in this element is signed with it.

    listed  the PrefixList of the transform that canonicalizes it
    """
    return not _unwritten(apex, {prefix for prefix in _named(apex) if (prefix or DEFAULT) not in listed})


def _named(apex: etree._Element) -> set[str]:
    """The prefixes by which types are named; "" for none. Not xml, which is bound for good."""
    return {_prefix_of(element.get(TYPE, "")) for element in _of_thread.typed(apex)} - {"xml"}


def _prefix_of(name: str) -> str:
    name = name.strip()
    return name.partition(":")[0] if ":" in name else ""


def _unwritten(apex: etree._Element, named: Collection[str]) -> Collection[str]:
    """Those of these prefixes of which the canonical form of `apex` does not say, at each type named by them, what
    they stand for, and says what is so; all, when they are more than are told apart.

    The nearest element that is named with the prefix, or has an attribute that is, decides what is written; a binding
    that came in between is not written at all. One walk, whatever the number of types: a document can name as many as
    it has elements, each as deep as may be.
    """
    if not named or len(named) > NAMED_MAX:
        return named
    scopes = _Scopes(apex, named)
    for event, at in etree.iterwalk(apex, events=("start-ns", "end-ns", "start", "end")):
        scopes.take[event](at)
    return scopes.missing


class _Scopes:
    """What some prefixes stand for, and what was written of that, at one place of a walk."""

    def __init__(self, apex: etree._Element, named: Collection[str]) -> None:
        self.missing: set[str] = set()
        self.take: dict[str, Callable[[Any], None]] = {
            "start-ns": self._bind,
            "end-ns": self._unbind,
            "start": self._enter,
            "end": self._leave,
        }
        self._bound: dict[str, list[str | None]] = {each: [apex.nsmap.get(each or None) or None] for each in named}
        self._written: dict[str, list[str | None]] = {each: [NOTHING] for each in named}
        self._bindings: list[str] = []
        self._writes: list[list[str]] = []

    def _bind(self, binding: tuple[str, str]) -> None:
        prefix, namespace = binding
        self._bindings.append(prefix)
        if prefix in self._bound:
            self._bound[prefix].append(namespace or None)

    def _unbind(self, _: None) -> None:
        prefix = self._bindings.pop()
        if prefix in self._bound:
            self._bound[prefix].pop()

    def _enter(self, element: etree._Element) -> None:
        writes = self._written_by(element)
        self._writes.append(writes)
        for prefix in writes:
            self._written[prefix].append(self._bound[prefix][-1])
        name = element.get(TYPE)
        if name is None:
            return
        prefix = _prefix_of(name)
        if prefix in self._bound and self._written[prefix][-1] != self._bound[prefix][-1]:
            self.missing.add(prefix)

    def _leave(self, _: etree._Element) -> None:
        for prefix in self._writes.pop():
            self._written[prefix].pop()

    def _written_by(self, element: etree._Element) -> list[str]:
        own = element.prefix or ""
        writes = [own] if own in self._bound else []
        namespaces = {split(str(name))[0] for name in element.keys() if name[:1] == "{"}  # noqa: SIM118  (lxml)
        if not namespaces:
            return writes
        # An attribute's name tells its namespace, not its prefix: that is asked where it matters.
        for prefix, bound in self._bound.items():
            new = prefix and prefix != own and bound[-1] in namespaces and self._written[prefix][-1] != bound[-1]
            if new and _of_thread.has_attribute(element, start=f"{prefix}:"):
                writes.append(prefix)
        return writes
