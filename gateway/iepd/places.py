"""Places: what a document says of one object at several places, read together.

NIEM says that two elements are one object by structures:id and structures:ref, by structures:uri="#id", or by the same
structures:uri. A fact asked at one of them alone would not know of a birth date that stands at another. So there are
views of the document: copies in which each place of an object holds what all its places say. Where two places say
different things under one name, each is in one of the views; a fact must be the same in all of them.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, cast
from urllib.parse import unquote

from lxml import etree

from gateway.document.names import XSI, join, split, structures_version

VIEWS_MAX = 16
"""More different things said of one object under one name than that are no honest message's."""

GROWTH_MAX, DEPTH_MAX = 4, 300
"""Elements of a view for each of the document, and how deep they are: an object may stand in many others, and they in
more."""


class TooTangled(ValueError):
    """Objects stand in each other so often, or so much is said of one, that no view can be made."""


class Sharing:
    """Finds the objects that stand at several places, by the structures namespaces of one exchange."""

    def __init__(self, structures: tuple[str, ...]) -> None:
        self._prefixes = {f"s{number}": namespace for number, namespace in enumerate(structures)}
        self._ids = tuple(join(namespace, "id") for namespace in structures)
        self._refs = tuple(join(namespace, "ref") for namespace in structures)
        self._uris = tuple(join(namespace, "uri") for namespace in structures)
        self._of_thread = threading.local()

    def objects(self, root: etree._Element) -> tuple[tuple[etree._Element, ...], ...]:
        """The elements of each object that has several. A document without pointers pays one quick look."""
        if not self._prefixes:
            return ()
        pointing, bearers = self._xpaths()
        if not pointing(root):
            return ()
        found = _Classes()
        for element in cast("list[Any]", bearers(root)):
            found.add(element, tuple(self._keys(element)))
        several = (tuple(elements) for elements in found.members() if len(elements) > 1)
        return tuple(elements for elements in several if any(map(_said, elements)))

    def _keys(self, element: etree._Element) -> Iterator[str]:
        for name in (*self._ids, *self._refs):
            if name in element.attrib:
                yield f"#{str(element.attrib[name]).strip()}"
        for name in self._uris:
            if name in element.attrib:
                uri = str(element.attrib[name]).strip()
                yield unquote(uri) if uri.startswith("#") else uri

    def _xpaths(self) -> tuple[etree.XPath, etree.XPath]:
        found: tuple[etree.XPath, etree.XPath] | None = getattr(self._of_thread, "xpaths", None)
        if found is None:
            pointers = [f"@{prefix}:{local}" for prefix in self._prefixes for local in ("ref", "uri")]
            pointing = " or ".join(f"boolean(descendant-or-self::*/{pointer})" for pointer in pointers)
            bearing = " or ".join(f"@{prefix}:*" for prefix in self._prefixes)
            found = self._of_thread.xpaths = (
                etree.XPath(pointing, namespaces=self._prefixes),
                etree.XPath(f"descendant-or-self::*[{bearing}]", namespaces=self._prefixes),
            )
        return found


class _Classes:
    """Elements put together by the keys they share."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._keyed: list[tuple[etree._Element, str]] = []

    def add(self, element: etree._Element, keys: tuple[str, ...]) -> None:
        if not keys:
            return
        for key in keys:
            self._parent[self._find(key)] = self._find(keys[0])
        self._keyed.append((element, keys[0]))

    def members(self) -> tuple[list[etree._Element], ...]:
        members: dict[str, list[etree._Element]] = defaultdict(list)
        for element, key in self._keyed:
            members[self._find(key)].append(element)
        return tuple(members.values())

    def _find(self, key: str) -> str:
        while self._parent.setdefault(key, key) != key:
            self._parent[key] = key = self._parent[self._parent[key]]
        return key


def views(
    root: etree._Element, objects: tuple[tuple[etree._Element, ...], ...]
) -> Iterator[Mapping[etree._Element, etree._Element]]:
    """The views, one at a time: each as the elements of the document that stand in it, with their copies.

    Raises TooTangled.
    """
    told = [_Told(elements) for elements in objects]
    class_of = {element: number for number, elements in enumerate(objects) for element in elements}
    # Two at least: the second one is in the opposite order, for facts that read the first of several values.
    count = max(2, *(each.ways for each in told))
    if count > VIEWS_MAX:
        raise TooTangled
    elements_max = GROWTH_MAX * (1000 + sum(1 for _ in root.iter()))
    for number in range(count):
        yield _View(told, class_of, number, elements_max).of(root)


class _Told:
    """All that is said of one object: for each name the different things, in document order."""

    def __init__(self, elements: tuple[etree._Element, ...]) -> None:
        self._different: dict[str, dict[bytes, tuple[etree._Element, ...] | str]] = defaultdict(dict)
        self._digests: dict[etree._Element, dict[str, bytes]] = {}
        for element in elements:
            digests = self._digests[element] = {}
            for name, value in _said(element).items():
                digests[name] = _digest(value)
                self._different[name].setdefault(digests[name], value)
        self.ways = max(map(len, self._different.values()))

    def view(self, number: int, element: etree._Element) -> Mapping[str, tuple[etree._Element, ...] | str]:
        """What is said in one view: in the element's own words where they say the same."""
        own, digests = _said(element), self._digests[element]
        names = list(self._different)
        chosen: dict[str, tuple[etree._Element, ...] | str] = {}
        for name in names if number % 2 == 0 else reversed(names):
            different = list(self._different[name].items())
            digest, value = different[number % len(different)]
            chosen[name] = own[name] if digests.get(name) == digest else value
        return chosen


class _View:
    """One view in the making."""

    def __init__(
        self, told: list[_Told], class_of: Mapping[etree._Element, int], number: int, elements_max: int
    ) -> None:
        self._told = told
        self._class_of = class_of
        self._number = number
        self._left = elements_max
        self._copies: dict[etree._Element, etree._Element] = {}

    def of(self, root: etree._Element) -> Mapping[etree._Element, etree._Element]:
        self._fill(root, etree.Element(root.tag), True, frozenset(), 0)
        return self._copies

    def _fill(
        self, source: etree._Element, target: etree._Element, own: bool, inside: frozenset[int], depth: int
    ) -> None:
        """own: the source stands at its own place, not at another one of an object it lies in."""
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            raise TooTangled
        if own:
            self._copies[source] = target
        number = self._class_of.get(source)
        # An object that lies in itself is not filled a second time.
        if number is None or number in inside:
            said = _said(source)
        else:
            said = self._told[number].view(self._number, source)
            inside |= {number}
        for name, value in said.items():
            if isinstance(value, tuple):
                for child in value:
                    stays = own and child.getparent() is source
                    self._fill(child, etree.SubElement(target, name), stays, inside, depth + 1)
            elif name:
                target.set(name[1:], value)
            else:
                target.text = value


def _said(element: etree._Element) -> Mapping[str, tuple[etree._Element, ...] | str]:
    """What one place says: children by tag, values of attributes by "@name", its text by "".

    Which object it is, and that it is nil, says nothing of the object.
    """
    said: dict[str, tuple[etree._Element, ...] | str] = {}
    for name, value in cast("list[tuple[str, str]]", element.items()):
        namespace, _ = split(name)
        if namespace != XSI and structures_version(namespace) is None:
            said[f"@{name}"] = value
    # A processing instruction may cut a text in two.
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    if text.strip():
        said[""] = text
    children: dict[str, list[etree._Element]] = defaultdict(list)
    for child in element.iterchildren(etree.Element):
        children[str(child.tag)].append(child)
    said.update((tag, tuple(each)) for tag, each in children.items())
    return said


def _digest(value: tuple[etree._Element, ...] | str) -> bytes:
    """The same for two values that say the same, however they are indented."""
    digest = sha256()
    for each in (value,) if isinstance(value, str) else (part for child in value for part in _parts(child)):
        digest.update(each.strip().encode() + b"\0")
    return digest.digest()


def _parts(element: etree._Element) -> Iterator[str]:
    for each in element.iter(etree.Element):
        yield str(each.tag)
        yield (each.text or "") + "".join(child.tail or "" for child in each)
        yield from (f"{name}={value}" for name, value in sorted(cast("list[tuple[str, str]]", each.items())))
    # Where one ends and the next begins.
    yield "/"
