"""Which elements of a document are one object, and what that means for its fields.

NIEM says that two elements are one object by structures:id and structures:ref, by structures:uri="#id", or by
the same structures:uri, however it is written. What one of them may not show, none of them may: the strictest rule
over all places where the object stands wins, or a name cut at one place would be read at another.

The namespace differs between NIEM versions and is known by its pattern.
"""

import threading
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from lxml import etree

from gateway.document.names import split, structures_version
from gateway.document.objects import shared_objects
from gateway.document.uri import uri_key
from gateway.iepd.facts import Facts
from gateway.policy.rules import Node


class _Expressions(NamedTuple):
    """Compiled for one set of structures namespaces. any: whether one of their attributes is there at all."""

    any: etree.XPath
    bearers: etree.XPath


class _OfThread(threading.local):
    """The compiled expressions of one thread: lxml locks them, and threads would wait for each other."""

    def __init__(self) -> None:
        self._by_namespaces: dict[tuple[str, ...], _Expressions] = {}

    def expressions(self, structures: tuple[str, ...]) -> _Expressions:
        """Those that find elements with attributes of these namespaces."""
        known = self._by_namespaces.get(structures)
        if known is None:
            prefixes = {f"s{number}": namespace for number, namespace in enumerate(structures)}
            # Measured: a path to the attributes takes libxml2 a quarter of the time of a condition on every element.
            any_of = " or ".join(f"boolean(descendant-or-self::*/@{prefix}:*)" for prefix in prefixes)
            with_one = " or ".join(f"@{prefix}:*" for prefix in prefixes)
            known = self._by_namespaces[structures] = _Expressions(
                etree.XPath(any_of, namespaces=prefixes),
                etree.XPath(f"descendant-or-self::*[{with_one}]", namespaces=prefixes),
            )
        return known


_of_thread = _OfThread()

Standing = tuple[Node | None, frozenset[str]]
"""A place in the rules, with the facts that hold there. None = a place the rules know nothing of: share nothing."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What one element says of its object.

    keys     "#x" for id x, ref x and uri "#x"; any other uri in its normal form
    holds    the element carries the id that others point at
    """

    id: str | None
    pointer: str | None
    attribute: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of the element."""
        return tuple(key for key in (self.id, self.pointer) if key is not None)


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities of one document.

    of       what each element says, in document order
    classes  the elements of each object that stands in more than one place
    structures  the namespace of structures:id
    """

    of: dict[etree._Element, Identity]
    classes: tuple[tuple[etree._Element, ...], ...]
    structures: str


def find_identities(
    root: etree._Element, structures: tuple[str, ...], other_ids: frozenset[str] = frozenset()
) -> Identities | None:
    """All identities; None when the document has none, of another sort neither: it pays one quick look for that.

    structures  the exchange's namespaces of structures:id
    other_ids   attributes that are ids, too
    """
    expressions = _of_thread.expressions(structures) if structures else None
    found: list[etree._Element] = []
    if expressions is not None and expressions.any(root):
        found = cast("list[Any]", expressions.bearers(root))
    if not found:
        others = other_ids and any(not other_ids.isdisjoint(each.keys()) for each in root.iter(etree.Element))
        return Identities({}, (), "") if others else None
    of: dict[etree._Element, Identity] = {}
    used = ""
    for element in found:
        identity, namespace = _identity(element)
        if identity is not None:
            of[element] = identity
            used = used or namespace
    if not of:
        return None
    return Identities(of, tuple(shared_objects((element, identity.keys) for element, identity in of.items())), used)


def _identity(element: etree._Element) -> tuple[Identity | None, str]:
    name_of: str | None = None
    pointer: str | None = None
    attribute: str | None = None
    structures = ""
    for name, value in cast("list[tuple[str, str]]", element.items()):
        namespace, local = split(name)
        if local not in {"id", "ref", "uri"} or structures_version(namespace) is None:
            continue
        structures = namespace
        text = value.strip()
        if local == "id":
            name_of = f"#{text}"
        else:
            pointer = f"#{text}" if local == "ref" else uri_key(text)
            attribute = name
    return (Identity(name_of, pointer, attribute) if structures else None), structures


def step(standings: Iterable[Standing], element: etree._Element, facts: Facts) -> tuple[Standing, ...]:
    """The standings one element further down.

    A place whose schema has no such element has no opinion on it and falls out; an unknown place stays unknown.
    """
    tag = element.tag
    below: list[Standing] = []
    for node, active in standings:
        if node is None:
            below.append((None, active))
            continue
        child = node.children.get(tag)
        if child is not None:
            below.append((child, child.hold(element, active, facts) if child.anchored else active))
    return tuple(below)


class Alone:
    """The standings of a document in which every object stands in one place only."""

    objects: Container[etree._Element] = ()

    def of(self, _element: etree._Element) -> tuple[Standing, ...]:
        """None besides its own."""
        return ()


class Standings:
    """Every place in the rules where each object stands, its own and those of the objects it lies in.

    Objects lie in objects, so this is a fixpoint: when an object gains a place, the objects below it may too.
    Places and sets of facts are few, so it ends soon.
    """

    def __init__(self, identities: Identities, start: Standing, facts: Facts, root: etree._Element) -> None:
        self._facts = facts
        self._root = root
        self._class: dict[etree._Element, int] = {}
        self._places: list[dict[Standing, None]] = []
        for number, elements in enumerate(identities.classes):
            self._places.append({})
            for element in elements:
                self._class[element] = number
        self._start = start
        self._settle(identities)

    def of(self, element: etree._Element) -> tuple[Standing, ...]:
        """All places of the object this element is of; () when it stands in one place only."""
        number = self._class.get(element)
        return () if number is None else tuple(self._places[number])

    @property
    def objects(self) -> Container[etree._Element]:
        """The elements that stand in several places."""
        return self._class

    def _settle(self, identities: Identities) -> None:
        below: dict[int, set[int]] = defaultdict(set)
        waiting = list(range(len(self._places)))
        queued = set(waiting)
        while waiting:
            number = waiting.pop()
            queued.discard(number)
            places = self._places[number]
            before = len(places)
            for element in identities.classes[number]:
                above, standings = self._standings(element)
                if above is not None:
                    below[above].add(number)
                places.update(dict.fromkeys(standings))
            if len(places) > before:
                more = below[number] - queued
                waiting.extend(more)
                queued |= more

    def _standings(self, element: etree._Element) -> tuple[int | None, tuple[Standing, ...]]:
        """Where one element stands by its own position, and the object it lies in, if any."""
        path: list[etree._Element] = []
        at: etree._Element | None = element
        above: int | None = None
        standings: tuple[Standing, ...] = (self._start,)
        while at is not None and at is not self._root:
            path.append(at)
            at = at.getparent()
            if at is not None and at in self._class:
                above = self._class[at]
                standings = tuple(self._places[above]) or standings
                break
        # The object above may have no places yet: it will be looked at again when it gains them.
        if above is not None and not self._places[above]:
            return above, ()
        for below in reversed(path):
            stepped = step(standings, below, self._facts)
            standings = stepped or ((None, frozenset()),)
        return above, standings
