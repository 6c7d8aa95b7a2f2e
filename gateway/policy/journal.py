"""Journal: what a cut left out or reduced, noted while it is made and told when it is asked for.

A branch that goes as a whole is one note; its leaves are looked up in the original only when somebody wants to
read them. Notes hold places, never values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, cast

from lxml import etree

from gateway.document.names import split, structures_version
from gateway.document.path import Locator
from gateway.iepd.catalog import Field
from gateway.message import Redaction
from gateway.policy.outcome import DEFAULT, WITHHELD
from gateway.policy.rules import Node

REFERENCE = "reference"
"""Field and label of an element that only points at another."""

UNKNOWN, UNCLASSIFIED = "unknown", "unclassified"
"""Field and label of what the catalog does not have."""


_UNKNOWN: Mapping[str, Node] = {}


def counts(redactions: Iterable[Redaction]) -> tuple[dict[str, int], dict[str, int]]:
    """Per label, how many places were taken out, and how many were let through in a lesser form."""
    withheld, reduced = Counter[str](), Counter[str]()
    for _, _, label, outcome, _ in redactions:
        (withheld if outcome == WITHHELD else reduced)[label] += 1
    return withheld, reduced


class Point(NamedTuple):
    """One leaf; `attribute` is the attribute's name, "" for the element's text."""

    element: etree._Element
    field: Field | None
    attribute: str
    how: str
    clause: str


class Branch(NamedTuple):
    """An element withheld with all below it. `clause` is the reason for leaves that would have gone through."""

    element: etree._Element
    node: Node | None
    clause: str


class Journal:
    """The notes of one cut, in document order but for those of its closure."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self.notes: list[Point | Branch] = []
        self.gone: set[etree._Element] = set()
        self._prefixes = {namespace: prefix for prefix, namespace in prefixes.items() if prefix}

    def gone_with(self, element: etree._Element, node: Node | None, clause: str) -> None:
        """What was built of this element after all went; notes on what lies in it are superseded."""
        self.notes.append(Branch(element, node, clause))
        self.gone.add(element)

    def redactions(self) -> tuple[Redaction, ...]:
        """Every leaf withheld or reduced, in document order."""
        if not self.notes:
            return ()
        telling = _Telling(self._prefixes)
        notes = list(self._standing())
        if self.gone:
            order = {element: place for place, element in enumerate(notes[0].element.getroottree().iter())}
            notes.sort(key=lambda note: order[note.element])
        for note in notes:
            telling.tell(note)
        return tuple(telling.told)

    def _standing(self) -> Iterator[Point | Branch]:
        """Notes that no later one superseded."""
        if not self.gone:
            yield from self.notes
            return
        for note in self.notes:
            itself = isinstance(note, Branch) and note.element in self.gone
            above = note.element.iterancestors()
            if any(element in self.gone for element in above) or (note.element in self.gone and not itself):
                continue
            yield note


class _Telling:
    """Notes into redactions. Within a branch paths are put together on the way down, which is cheaper than asking."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self.told: list[Redaction] = []
        self._prefixes = prefixes
        self._locator = Locator(prefixes)

    def tell(self, note: Point | Branch) -> None:
        """Add what the note says."""
        path = self._locator.locate(note.element)
        if isinstance(note, Branch):
            self._branch(note.element, note.node, note.clause, path)
        elif note.attribute:
            self._add(f"{path}/@{self._name(note.attribute)}", note.field, note.how, note.clause)
        else:
            self._add(path, note.field, note.how, note.clause)

    def _add(self, path: str, field: Field | None, how: str, clause: str) -> None:
        name, label = (UNKNOWN, UNCLASSIFIED) if field is None else (field.name, field.label)
        self.told.append(Redaction(path, name, label, how, clause))

    def _branch(self, element: etree._Element, node: Node | None, clause: str, path: str) -> None:
        """Every leaf at and below an element that went as a whole."""
        children = list(element.iterchildren("*"))
        if node is not None and node.leaf is not None:
            # The reason is the leaf's own when it would not have gone through anyway.
            self._add(path, node.field, WITHHELD, clause if node.leaf.released else node.leaf.clause)
        points = bool(element.keys()) and self._attributes(element, node, clause, path)
        if children:
            self._below(children, node.children if node is not None else _UNKNOWN, clause, path)
        elif points and (node is None or node.leaf is None):
            self.told.append(Redaction(path, REFERENCE, REFERENCE, WITHHELD, clause))
        elif node is None:
            self._add(path, None, WITHHELD, DEFAULT)

    def _below(self, children: list[etree._Element], known: Mapping[str, Node], clause: str, path: str) -> None:
        tags = [child.tag for child in children]
        family = Counter(tags) if len(set(tags)) < len(tags) else None
        places: dict[str, int] = {}
        for child, tag in zip(children, tags, strict=True):
            below = known.get(tag)
            at = f"{path}/{self._name(tag) if below is None else below.step}"
            if family is not None and family[tag] > 1:
                place = places[tag] = places.get(tag, 0) + 1
                at = f"{at}[{place}]"
            if below is not None and below.gone is not None and not len(child) and not child.keys():
                self.told.append(Redaction(at, *below.gone))  # most: no call of their own for them
            else:
                self._branch(child, below, clause, at)

    def _attributes(self, element: etree._Element, node: Node | None, clause: str, path: str) -> bool:
        """Attributes of an element that went. Whether it points at another."""
        points = False
        for name in cast("list[str]", element.keys()):
            attribute = node.attributes.get(name) if node is not None else None
            namespace, local = split(name)
            if attribute is not None:
                own = clause if attribute.outcome.released else attribute.outcome.clause
                self._add(f"{path}/@{self._name(name)}", attribute.field, WITHHELD, own)
            elif local in {"ref", "uri"} and structures_version(namespace) is not None:
                points = True
        return points

    def _name(self, tag: str) -> str:
        """The name with the exchange's prefix; without one when the exchange has none for the namespace."""
        namespace, local = split(tag)
        prefix = self._prefixes.get(namespace, "")
        return f"{prefix}:{local}" if prefix else local
