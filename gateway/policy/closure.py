"""References after a cut: none may point at what went, and none may tell more than that two places are one.

A pointer whose target went goes too; what cannot stand without it goes with it; metadata that nobody points at
any more goes; and so on until nothing changes. Then ids are numbered anew in document order, because an id like
"SSN123456789" is a value, and one that stays the same from message to message links them.
"""

from collections import defaultdict
from itertools import islice
from typing import NamedTuple

from lxml import etree

from gateway.document.names import join, split
from gateway.policy.identity import Identities
from gateway.policy.journal import Journal
from gateway.policy.outcome import CLOSURE
from gateway.policy.rules import Need, Node

PENDING = "pending"
"""Stands in a pointer until the numbers are given."""


def has(container: etree._Element, need: Need, least: int) -> bool:
    """Whether a container has that many of the needed elements. Looks no further than it must."""
    needed = (child for child in container if child.tag in need.names)
    return sum(1 for _ in islice(needed, least)) == least


def may_go(container: etree._Element, node: Node, child: etree._Element) -> bool:
    """Whether a container can stand without this child."""
    return all(child.tag not in need.names or has(container, need, need.least + 1) for need in node.needs)


class _IdList(NamedTuple):
    """An attribute that names ids (IDREF, IDREFS)."""

    twin: etree._Element
    name: str
    keys: tuple[str, ...]
    required: bool


class Closure:
    """Identities of one new tree while it is built, and their closing afterwards."""

    def __init__(self, identities: Identities, journal: Journal) -> None:
        self._identities = identities
        self._journal = journal
        self._origin: dict[etree._Element, tuple[etree._Element, Node]] = {}
        self._leaves: dict[etree._Element, bool] = {}
        self._lost = 0
        self._twins: dict[etree._Element, etree._Element] = {}
        self._lists: list[_IdList] = []
        self._required: dict[str, list[etree._Element]] = defaultdict(list)
        self._keys: dict[etree._Element, list[str]] = defaultdict(list)
        self._kept: set[etree._Element] = set()
        self._homes: dict[str, etree._Element] = {}
        self._pointing: dict[str, list[etree._Element]] = defaultdict(list)
        self._waiting: list[etree._Element] = []

    # --- while the tree is built ---

    def note(self, source: etree._Element, twin: etree._Element, node: Node) -> None:
        """This was built of that."""
        self._origin[twin] = (source, node)
        identity = self._identities.of.get(source)
        if identity is None:
            return
        self._twins[source] = twin
        if identity.attribute is not None and identity.id is None:
            twin.set(identity.attribute, PENDING)

    def note_plain(self, source: etree._Element, twin: etree._Element, node: Node) -> None:
        """This leaf without attributes was built of that, as it was."""
        self._origin[twin] = (source, node)
        self._leaves[twin] = True

    def note_leaf(self, twin: etree._Element, *, whole: bool) -> None:
        """This is a leaf; `whole` when it is released as it was."""
        self._leaves[twin] = whole

    def note_list(self, twin: etree._Element, name: str, value: str, *, required: bool) -> None:
        """This attribute names ids (IDREF, IDREFS)."""
        self._lists.append(_IdList(twin, name, tuple(f"#{token}" for token in value.split()), required))
        twin.set(name, PENDING)

    # --- when it is built ---

    def close(self, root: etree._Element) -> tuple[bool, int]:
        """Close the references of the tree. Whether it still stands, and how many whole leaves went."""
        self._kept = set(root.iter(etree.Element))
        self._find_homes()
        while True:
            while self._waiting:
                if not self._drop_pointer(self._waiting.pop(), root):
                    return False, 0
            orphans = self._orphans(root)
            if not orphans:
                break
            for orphan in orphans:
                if orphan in self._kept and not self._remove(orphan, root):
                    return False, 0
        self._number(root)
        return True, self._lost

    def has_leaf(self) -> bool:
        """Whether anything at all is left to read."""
        return any(twin in self._kept for twin in self._leaves)

    def _find_homes(self) -> None:
        """Where the object of each key lives: at its id; for an outer uri, at its first place with content."""
        named = {identity.id for identity in self._identities.of.values() if identity.id is not None}
        for source, identity in self._identities.of.items():
            twin = self._twins.get(source)
            if twin is None or twin not in self._kept:
                continue
            if identity.id is not None:
                self._settle(identity.id, twin)
            elif identity.pointer is not None:
                self._pointing[identity.pointer].append(twin)
                if identity.pointer not in named and identity.pointer not in self._homes and _has_content(twin):
                    self._settle(identity.pointer, twin)
        for key, twins in self._pointing.items():
            if key not in self._homes:
                self._waiting.extend(twins)
        self._find_lists()

    def _find_lists(self) -> None:
        """Attributes that name ids, and those among them whose element cannot stand without."""
        self._lists = [each for each in self._lists if each.twin in self._kept]
        for each in self._lists:
            if each.required:
                for key in each.keys:
                    self._required[key].append(each.twin)
                if self._points_nowhere(each.twin):
                    self._waiting.append(each.twin)

    def _settle(self, key: str, home: etree._Element) -> None:
        self._homes[key] = home
        self._keys[home].append(key)

    def _points_nowhere(self, twin: etree._Element) -> bool:
        """Whether a required list of ids on this element has none left that is there."""
        return any(
            each.required and each.twin is twin and not any(key in self._homes for key in each.keys)
            for each in self._lists
        )

    def _drop_pointer(self, twin: etree._Element, root: etree._Element) -> bool:
        """A pointer to nothing: it goes, or if it has content of its own, only its pointing goes."""
        if twin not in self._kept:
            return True
        source, _ = self._origin[twin]
        identity = self._identities.of.get(source)
        if identity is not None and identity.attribute is not None and _has_content(twin):
            _unset(twin, identity.attribute)
            return True
        return self._remove(twin, root)

    def _remove(self, twin: etree._Element, root: etree._Element) -> bool:
        """Remove an element, and upward what cannot stand without it or is left empty. False at the root."""
        while True:
            parent = twin.getparent()
            if parent is None or twin is root:
                return False
            _, above = self._origin[parent]
            if not may_go(parent, above, twin):
                twin = parent
                continue
            self._take(twin, parent)
            if parent is root or len(parent) or parent.keys() or parent.text:
                return True
            grandparent = parent.getparent()
            if grandparent is None or not may_go(grandparent, self._origin[grandparent][1], parent):
                return True  # left empty, but its own parent needs it
            twin = parent

    def _take(self, twin: etree._Element, parent: etree._Element) -> None:
        source, node = self._origin[twin]
        parent.remove(twin)
        self._journal.gone_with(source, node, CLOSURE)
        lost: list[str] = []
        for each in twin.iter(etree.Element):
            self._kept.discard(each)
            self._lost += self._leaves.get(each, False)
            lost.extend(self._keys.pop(each, ()))
        for key in lost:
            del self._homes[key]
            left = [pointer for pointer in self._pointing[key] if pointer in self._kept]
            home = None if key.startswith("#") else next(filter(_has_content, left), None)
            if home is not None:
                self._settle(key, home)
            else:
                self._waiting.extend(left)
                self._waiting.extend(each for each in self._required[key] if self._points_nowhere(each))

    def _orphans(self, root: etree._Element) -> list[etree._Element]:
        """Metadata that nobody points at."""
        pointed = {key for key, twins in self._pointing.items() if any(twin in self._kept for twin in twins)}
        pointed.update(key for each in self._lists if each.twin in self._kept for key in each.keys)
        return [
            home
            for key, home in self._homes.items()
            if key not in pointed and home is not root and split(str(home.tag))[1].endswith("Metadata")
        ]

    def _number(self, root: etree._Element) -> None:
        """Give new ids to what is pointed at, and to nothing else: a lone id says that a pointer was taken out."""
        homes = {
            self._homes[key]
            for key, twins in self._pointing.items()
            if key in self._homes and any(twin in self._kept and twin is not self._homes[key] for twin in twins)
        }
        listed = (key for each in self._lists if each.twin in self._kept for key in each.keys)
        homes |= {self._homes[key] for key in listed if key in self._homes}
        numbers: dict[etree._Element, str] = {}
        for element in root.iter(etree.Element):
            if element in homes:
                numbers[element] = f"id{len(numbers) + 1}"
        for twins in self._pointing.values():
            for twin in twins:
                self._point(twin, numbers)
        for twin, number in numbers.items():
            twin.set(join(self._identities.structures, "id"), number)
        for each in self._lists:
            if each.twin not in self._kept:
                continue
            targets = [numbers[self._homes[key]] for key in each.keys if key in self._homes]
            if targets:
                each.twin.set(each.name, " ".join(targets))
            else:
                _unset(each.twin, each.name)

    def _point(self, twin: etree._Element, numbers: dict[etree._Element, str]) -> None:
        source, _ = self._origin[twin]
        identity = self._identities.of[source]
        name = identity.attribute
        if twin not in self._kept or name is None or identity.pointer is None or name not in twin.attrib:
            return
        home = self._homes.get(identity.pointer)
        if home is None or home is twin:
            del twin.attrib[name]
        else:
            twin.set(name, numbers[home] if name.endswith("}ref") else f"#{numbers[home]}")


def _unset(twin: etree._Element, name: str) -> None:
    if name in twin.attrib:
        del twin.attrib[name]


def _has_content(twin: etree._Element) -> bool:
    return len(twin) > 0 or bool(twin.text)
