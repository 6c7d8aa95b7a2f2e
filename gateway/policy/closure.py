"""References after a cut: none may point at what went, and none may tell more than that two places are one.

A pointer whose target went goes too; what cannot stand without it goes with it; metadata that nobody points at
any more goes; and so on until nothing changes. Then ids are numbered anew in document order, because an id like
"SSN123456789" is a value, and one that stays the same from message to message links them.
"""

from collections import Counter, defaultdict, deque
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple, cast

from lxml import etree

from gateway.document.names import XSI, join, split, structures_version
from gateway.policy.identity import Identities
from gateway.policy.journal import Journal
from gateway.policy.outcome import CLOSURE
from gateway.policy.rules import Need, Node

_TYPE = join(XSI, "type")

PENDING = "pending"
"""Stands in a pointer until the numbers are given."""


def has(container: etree._Element, need: Need, least: int) -> bool:
    """Whether a container has that many of the needed elements. Looks no further than it must."""
    found = 0
    for child in container:
        if child.tag in need.names:
            found += 1
            if found == least:
                return True
    return found >= least


def may_go(node: Node, child: etree._Element) -> bool:
    """Whether the container of this child, which is of this node, can stand without it."""
    return all(child.tag not in need.names or _others(child, need) for need in node.needs)


def _others(child: etree._Element, need: Need) -> bool:
    """Whether there is enough of the needed elements besides this one. What has one name stands together, so the
    nearest are looked at first: from the front it would be a walk over all siblings for each that goes."""
    siblings = chain(child.itersiblings(), child.itersiblings(preceding=True))
    needed = (sibling for sibling in siblings if sibling.tag in need.names)
    return sum(1 for _ in islice(needed, need.least)) == need.least


class _IdList(NamedTuple):
    """An attribute that names ids (IDREF, IDREFS)."""

    twin: etree._Element
    name: str
    keys: tuple[str, ...]
    required: bool


class _OwnId(NamedTuple):
    """An attribute that is an id, and not structures:id. `key`: what it was."""

    name: str
    key: str
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
        self._required_of: dict[etree._Element, list[_IdList]] = defaultdict(list)
        self._own_ids: dict[etree._Element, _OwnId] = {}
        self._required: dict[str, list[etree._Element]] = defaultdict(list)
        self._keys: dict[etree._Element, list[str]] = defaultdict(list)
        self._kept: set[etree._Element] = set()
        self._homes: dict[str, etree._Element] = {}
        self._pointing: dict[str, list[etree._Element]] = defaultdict(list)
        self._heirs: dict[str, deque[etree._Element]] = {}
        self._points: dict[etree._Element, list[str]] = defaultdict(list)
        self._pointed: Counter[str] = Counter()
        self._unpointed: list[str] = []
        self._waiting: list[etree._Element] = []
        self._loosened: list[etree._Element] = []

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

    def note_bare(self, source: etree._Element, twin: etree._Element, node: Node) -> None:
        """This stands empty for that: it may be pointed at, but does not point."""
        self._origin[twin] = (source, node)
        identity = self._identities.of.get(source)
        if identity is not None and identity.id is not None:
            self._twins[source] = twin

    def note_plain(self, source: etree._Element, twin: etree._Element, node: Node) -> None:
        """This leaf without attributes was built of that, as it was."""
        self._origin[twin] = (source, node)
        self._leaves[twin] = True

    def note_leaf(self, twin: etree._Element, *, whole: bool) -> None:
        """This is a leaf; `whole` when it is released as it was."""
        self._leaves[twin] = whole

    def note_list(self, twin: etree._Element, name: str, value: str, *, required: bool) -> None:
        """This attribute, or for "" this element's text, names ids (IDREF, IDREFS)."""
        self._lists.append(_IdList(twin, name, tuple(f"#{token}" for token in value.split()), required))
        if name:
            twin.set(name, PENDING)
        else:
            twin.text = PENDING

    def note_id(self, twin: etree._Element, name: str, value: str, *, required: bool) -> None:
        """This attribute is the element's id, though it is not structures:id."""
        self._own_ids[twin] = _OwnId(name, f"#{value.strip()}", required)

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
        self._sweep(root)
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
        for twin, own in self._own_ids.items():
            if twin in self._kept and own.key not in self._homes:
                self._settle(own.key, twin)
        self._find_dangling()
        self._find_lists()
        self._count_pointers()

    def _find_dangling(self) -> None:
        """What points at nothing that is there, or at what it may not."""
        for key, twins in self._pointing.items():
            if key not in self._homes:
                self._waiting.extend(twins)
            elif self._origin[self._homes[key]][0].get(_TYPE) is not None:
                self._drop_mistyped(key, twins)

    def _count_pointers(self) -> None:
        """How many elements point at each key. Kept by number from here on: looking through all of them again for each
        that goes would take the square of the time where one piece of metadata points at the next."""
        for key, twins in self._pointing.items():
            for twin in twins:
                self._points[twin].append(key)
        for each in self._lists:
            self._points[each.twin].extend(each.keys)
        self._pointed.update(key for keys in self._points.values() for key in keys)
        self._unpointed = [key for key in self._homes if not self._pointed[key]]

    def _drop_mistyped(self, key: str, twins: list[etree._Element]) -> None:
        """An object that named its type (xsi:type) is of its element's type now, which a pointer to it may be too
        narrow for."""
        home = self._homes[key]
        narrow = [twin for twin in twins if twin is not home and twin.tag != home.tag]
        self._waiting.extend(narrow)
        twins[:] = [twin for twin in twins if twin not in narrow]

    def _find_lists(self) -> None:
        """Attributes that name ids, and those among them whose element cannot stand without."""
        self._lists = [each for each in self._lists if each.twin in self._kept]
        for each in self._lists:
            if each.required:
                self._required_of[each.twin].append(each)
                for key in each.keys:
                    self._required[key].append(each.twin)
                if self._points_nowhere(each.twin):
                    self._waiting.append(each.twin)

    def _settle(self, key: str, home: etree._Element) -> None:
        self._homes[key] = home
        self._keys[home].append(key)

    def _points_nowhere(self, twin: etree._Element) -> bool:
        """Whether a required list of ids on this element has none left that is there."""
        required = self._required_of.get(twin, ())
        return any(not any(key in self._homes for key in each.keys) for each in required)

    def _drop_pointer(self, twin: etree._Element, root: etree._Element) -> bool:
        """A pointer to nothing: it goes, or if it has content of its own, only its pointing goes."""
        if twin not in self._kept:
            return True
        source, _ = self._origin[twin]
        identity = self._identities.of.get(source)
        if identity is not None and identity.attribute is not None and _has_content(twin):
            self._unset(twin, identity.attribute)
            return True
        return self._remove(twin, root)

    def _remove(self, twin: etree._Element, root: etree._Element) -> bool:
        """Remove an element, and upward what cannot stand without it or is left empty. False at the root."""
        while True:
            parent = twin.getparent()
            if parent is None or twin is root:
                return False
            _, above = self._origin[parent]
            if not may_go(above, twin):
                twin = parent
                continue
            self._take(twin, parent)
            if parent is root or len(parent) or parent.keys() or parent.text:
                return True
            grandparent = parent.getparent()
            if grandparent is None or not may_go(self._origin[grandparent][1], parent):
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
            for key in self._points.get(each, ()):
                self._pointed[key] -= 1
                if not self._pointed[key]:
                    self._unpointed.append(key)
        for key in lost:
            del self._homes[key]
            home = None if key.startswith("#") else self._heir(key)
            if home is not None:
                self._settle(key, home)
            else:
                self._waiting.extend(pointer for pointer in self._pointing[key] if pointer in self._kept)
                self._waiting.extend(each for each in self._required[key] if self._points_nowhere(each))

    def _heir(self, key: str) -> etree._Element | None:
        """The next place of an object that has content. What went or lost its content is not looked at again."""
        heirs = self._heirs.get(key)
        if heirs is None:
            heirs = self._heirs[key] = deque(self._pointing[key])
        while heirs and not (heirs[0] in self._kept and _has_content(heirs[0])):
            heirs.popleft()
        return heirs[0] if heirs else None

    def _orphans(self, root: etree._Element) -> list[etree._Element]:
        """Metadata that somebody pointed at, and nobody does any more. What nobody ever pointed at is about its parent
        (NIEM 6.0), and stays."""
        keys, self._unpointed = self._unpointed, []
        homes = ((key, self._homes.get(key)) for key in keys)
        alone = [
            (key, home) for key, home in homes if home is not None and home is not root and self._is_nothing_alone(home)
        ]
        return [home for key, home in alone if key in self._pointed_at] if alone else []

    @cached_property
    def _pointed_at(self) -> set[str]:
        """Keys that other elements of the message as received point at, by whichever attribute."""
        identities = self._identities.of
        uris = Counter(each.pointer for each in identities.values() if each.pointer is not None)
        found = {key for key, times in uris.items() if key.startswith("#") or times > 1}
        first = next(iter(identities), None)
        for element in () if first is None else first.getroottree().iter(etree.Element):
            for name, value in cast("list[tuple[str, str]]", element.items()):
                if not _is_own(name):
                    found.update(f"#{token}" for token in value.split())
        return found

    def _is_nothing_alone(self, twin: etree._Element) -> bool:
        """Whether it is there to be pointed at: metadata, and what says that it does not belong where it stands."""
        if self._origin[twin][1].metadata:
            return True
        return twin.get(join(self._identities.structures, "appliesToParent")) in {"false", "0"}

    def _number(self, root: etree._Element) -> None:
        """Give new ids to what is pointed at, and to nothing else: a lone id says that a pointer was taken out."""
        homes = {
            self._homes[key]
            for key, twins in self._pointing.items()
            if key in self._homes and any(twin in self._kept and twin is not self._homes[key] for twin in twins)
        }
        listed = (key for each in self._lists if each.twin in self._kept for key in each.keys)
        homes |= {self._homes[key] for key in listed if key in self._homes}
        homes |= {self._twins[source] for source in self._twins if self._must_have_id(source)}
        homes |= {twin for twin, own in self._own_ids.items() if own.required}
        numbers: dict[etree._Element, str] = {}
        for element in root.iter(etree.Element):
            if element in homes:
                numbers[element] = f"id{len(numbers) + 1}"
        for twins in self._pointing.values():
            for twin in twins:
                self._point(twin, numbers)
        for twin, number in numbers.items():
            own = self._own_ids.get(twin)
            twin.set(own.name if own is not None else join(self._identities.structures, "id"), number)
        for each in self._lists:
            if each.twin not in self._kept:
                continue
            targets = [numbers[self._homes[key]] for key in each.keys if key in self._homes]
            if not each.name:
                each.twin.text = " ".join(targets)
            elif targets:
                each.twin.set(each.name, " ".join(targets))
            else:
                self._unset(each.twin, each.name)

    def _unset(self, twin: etree._Element, name: str) -> None:
        if name in twin.attrib:
            del twin.attrib[name]
            self._loosened.append(twin)

    def _sweep(self, root: etree._Element) -> None:
        """Remove what is left empty by a pointer that went, and upward: an empty element tells that something was
        there. Nobody points at it, or it would have an id."""
        for twin in self._loosened:
            at = twin
            while at in self._kept and at is not root and not (len(at) or at.keys() or at.text):
                parent = at.getparent()
                if parent is None or not may_go(self._origin[parent][1], at):
                    break
                self._take(at, parent)
                at = parent

    def _must_have_id(self, source: etree._Element) -> bool:
        """Whether it had an id, and the schema requires one."""
        twin = self._twins[source]
        return self._identities.of[source].id is not None and self._origin[twin][1].needs_id

    def _point(self, twin: etree._Element, numbers: dict[etree._Element, str]) -> None:
        source, _ = self._origin[twin]
        identity = self._identities.of[source]
        name = identity.attribute
        if twin not in self._kept or name is None or identity.pointer is None or name not in twin.attrib:
            return
        home = self._homes.get(identity.pointer)
        if home is None or home is twin:
            self._unset(twin, name)
        else:
            twin.set(name, numbers[home] if name.endswith("}ref") else f"#{numbers[home]}")


def _is_own(name: str) -> bool:
    """Whether an attribute is the element's own identity, and so points at nothing else."""
    namespace, local = split(name)
    return local in {"id", "ref", "uri"} and structures_version(namespace) is not None


def _has_content(twin: etree._Element) -> bool:
    return len(twin) > 0 or bool(twin.text)
