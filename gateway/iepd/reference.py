"""The reference pass: what NIEM asks of identities and neither libxml2 nor xmlschema checks.

libxml2 does not check IDREF; nobody checks structures:uri="#x". Rules: each reference names an element of the message
that is there; a uri is absolute or "#id"; at most one of structures:id, ref and uri on an element (NDR5 12-3, NDR6
12-7); an element that points has the type of its target or one that the target's derives from (NDR5 12-6, NDR6 12-10;
a warning before 6.0, where real messages break it); in NIEM 6.0 an element is nil only when it points (NDR6 12-14).
Which attributes are identities comes from the schema set: no NIEM version is built in. Duplicate ids are libxml2's to
find.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from lxml import etree

from gateway.document.names import XS, XSI, join, split, structures_version
from gateway.document.uri import names_one, uri_key
from gateway.finding import Severity
from gateway.iepd.schema import Schema
from gateway.iepd.wording import Wording, Words, nothing_but_space

_IDS = frozenset({join(XS, "ID")})
_REFERENCES = frozenset({join(XS, "IDREF"), join(XS, "IDREFS")})
_NIL = join(XSI, "nil")

LARGE_ELEMENTS = 5_000
"""From here on `validate` looks whether libxml2's error paths would be slow."""


@dataclass(slots=True)
class _Seen:
    """Identities of one document, in document order."""

    ids: dict[str, etree._Element] = field(default_factory=dict)
    uris: dict[str, list[etree._Element]] = field(default_factory=dict)
    pointers: list[tuple[etree._Element, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _XPaths:
    """Compiled for one thread. bearers: the elements with identities, in document order."""

    concern: etree.XPath
    bearers: etree.XPath


IDENTITIES, LARGE = 1, 2
"""What `concern` answers: the document has identities or references; it has LARGE_ELEMENTS or more. Plain numbers:
an enum's arithmetic would cost as much as the XPath."""


class References:
    """The pass for one schema set; made once, when the set is loaded."""

    def __init__(self, schema: Schema) -> None:
        components = schema.components
        every = [*components.attributes.values(), *(a for t in components.types.values() for a in t.attributes)]
        self._words = Words(components, {})
        self._components = components
        self._ids = {each.name for each in every if components.derived_from(each.type, _IDS)}
        self._references = {each.name for each in every if components.derived_from(each.type, _REFERENCES)}
        self._elements = {
            each.name for each in components.elements.values() if components.derived_from(each.type, _REFERENCES)
        }
        self._structures = tuple(schema.structures)
        self._refs = {join(namespace, "ref") for namespace in self._structures}
        self._uris = {join(namespace, "uri") for namespace in self._structures}
        self._identities = [
            tuple(join(namespace, local) for local in ("id", "ref", "uri")) for namespace in self._structures
        ]
        self._strict = any(version >= 6 for version in schema.structures.values())
        # NIEM 2.x points with elements of a type of their own, which may name anything.
        self._any_target = {join(namespace, "ReferenceType") for namespace in self._structures}
        self._of_thread = threading.local()

    def concern(self, root: etree._Element) -> int:
        """What there is to look at beyond libxml2's work: IDENTITIES + LARGE. One XPath."""
        return int(cast("float", self._xpaths().concern(root)))

    def _xpaths(self) -> "_XPaths":
        found: _XPaths | None = getattr(self._of_thread, "xpaths", None)
        if found is None:
            found = self._of_thread.xpaths = self._compile()
        return found

    def _compile(self) -> "_XPaths":
        namespaces: dict[str, str] = {}

        def prefixed(name: str) -> str:
            namespace, local = split(name)
            if not namespace:
                return local
            prefix = f"n{len(namespaces)}"
            namespaces[prefix] = namespace
            return f"{prefix}:{local}"

        others = {name for name in self._references | self._ids if structures_version(split(name)[0]) is None}
        if self._strict:
            others.add(_NIL)
        asked = [f"@{prefixed(join(namespace, '*'))}" for namespace in self._structures]
        asked += [f"@{prefixed(name)}" for name in sorted(others)]
        elements = [prefixed(name) for name in sorted(self._elements)]
        paths = [*(f"descendant-or-self::*/{path}" for path in asked), *(f"descendant-or-self::{e}" for e in elements)]
        identities = " or ".join(f"boolean({path})" for path in paths) or "false()"
        concern = f"number({identities}) + 2 * number(boolean(descendant::*[{LARGE_ELEMENTS}]))"
        # One walk with a condition: libxml2 takes the square of the time to unite sets and to leave out what is double.
        conditions = " or ".join((*asked, *(f"self::{element}" for element in elements))) or "false()"
        # Most elements have no attributes at all: one cheap question less than halves the walk.
        worth = "" if elements else "[@*]"
        bearers = f"descendant-or-self::*{worth}[{conditions}]"
        return _XPaths(
            concern=etree.XPath(concern, namespaces=namespaces, smart_strings=False),
            bearers=etree.XPath(bearers, namespaces=namespaces, smart_strings=False),
        )

    def findings(self, root: etree._Element) -> Iterator[tuple[etree._Element, Wording]]:
        """What is wrong, in document order but for unresolved references, which come last."""
        seen = _Seen()
        for element in cast("list[Any]", self._xpaths().bearers(root)):
            attributes = cast("dict[str, str]", dict(element.items()))
            self._note(element, attributes, seen)
            if len(attributes) > 1 or _NIL in attributes:
                yield from self._contradictions(element, attributes)
        for element, attribute, token in seen.pointers:
            yield from self._resolve(element, attribute, token, seen)
        for uri, elements in seen.uris.items():
            text = _why_unresolved(uri, elements, seen)
            for element in elements if text else ():
                attribute = next(name for name in self._uris if name in element.attrib)
                yield element, Wording(code="reference.unresolved", text=text, attribute=attribute)

    def _note(self, element: etree._Element, attributes: dict[str, str], seen: _Seen) -> None:
        """What the element is called and what it points at."""
        for name, value in attributes.items():
            if name in self._ids:
                seen.ids.setdefault(value.strip(), element)
            elif name in self._uris:
                seen.uris.setdefault(uri_key(value), []).append(element)
            elif name in self._references:
                seen.pointers.extend((element, name, token) for token in value.split())
        if str(element.tag) in self._elements:
            seen.pointers.extend((element, "", token) for token in (element.text or "").split())

    def _contradictions(
        self, element: etree._Element, attributes: dict[str, str]
    ) -> Iterator[tuple[etree._Element, Wording]]:
        """What the element's own attributes say against each other; it takes two of them, or nil."""
        for names in self._identities:
            present = [name for name in names if name in attributes]
            if len(present) > 1:
                text = "an element has at most one of structures:id, structures:ref and structures:uri"
                yield element, Wording(code="reference.several-identities", text=text, attribute=present[1])
        if self._strict and attributes.get(_NIL, "").strip() in {"true", "1"}:
            pointing = self._refs | self._uris
            if pointing.isdisjoint(attributes):
                text = "an element may be nil only when it points at another one (structures:ref or structures:uri)"
                yield element, Wording(code="reference.nil-without-reference", text=text, attribute=_NIL)

    def _resolve(
        self, element: etree._Element, attribute: str, token: str, seen: _Seen
    ) -> Iterator[tuple[etree._Element, Wording]]:
        target = seen.ids.get(token)
        if target is None:
            text = "the reference names no element of this message"
            yield element, Wording(code="reference.unresolved", text=text, attribute=attribute)
        elif attribute in self._refs:
            pointing, pointed = self._words.type_of(element), self._words.type_of(target)
            if pointing not in self._any_target and not self._components.derives(pointed, pointing):
                text = "the element that is pointed at has another type than the one that points"
                severity = Severity.ERROR if self._strict else Severity.WARNING
                yield element, Wording(code="reference.wrong-type", text=text, attribute=attribute, severity=severity)


def _why_unresolved(uri: str, elements: list[etree._Element], seen: _Seen) -> str:
    """Why these elements' uri is none that says what they are; "" when it is one."""
    if not names_one(uri):
        # Whoever reads it somewhere else may take it for an element of the message; the gateway could not tell which.
        return 'a structures:uri is absolute or "#id": a message has no address that it could be relative to'
    if uri.startswith("#") and uri[1:] not in seen.ids and all(map(nothing_but_space, elements)):
        return "the uri names no element of this message"
    return ""
