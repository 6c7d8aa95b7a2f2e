"""Places: what a document says of one object at several places, read together.

NIEM says that two elements are one object by structures:id and structures:ref, by structures:uri="#id", or by the same
structures:uri, however it is written. A fact asked at one of them alone would not know of a birth date that stands at
another. So there are views of the document: copies in which each place of an object holds what all its places say.
Where two places say different things under one name, each is in one of the views; a fact must be the same in all.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from lxml import etree

from gateway.document.names import XSI, join, split, structures_version
from gateway.document.objects import shared_objects
from gateway.document.uri import uri_key
from gateway.iepd.touched import Touched

VIEWS_MAX = 16
"""More different things said of one object under one name than that are no honest message's."""

ELEMENTS_MAX, DEPTH_MAX = 100_000, 300
"""Elements of all views together, about two seconds' work, and how deep they are: an object may stand in many others,
and they in more."""


class TooTangled(ValueError):
    """Objects stand in each other so often, or so much is said of one, that no view can be made."""


class Sharing:
    """Finds the objects that stand at several places and of which a fact could learn more elsewhere.

    structures  the exchange's namespaces of structures:id
    """

    def __init__(self, structures: tuple[str, ...], touched: Touched) -> None:
        self.touched = touched
        self._prefixes = {f"s{number}": namespace for number, namespace in enumerate(structures)}
        self._ids = tuple(join(namespace, "id") for namespace in structures)
        self._refs = tuple(join(namespace, "ref") for namespace in structures)
        self._uris = tuple(join(namespace, "uri") for namespace in structures)
        self._of_thread = threading.local()

    def objects(self, root: etree._Element) -> tuple["Told", ...]:
        """All that is said of each of them. A document without pointers pays one quick look."""
        if not self._prefixes:
            return ()
        pointing, bearers = self._xpaths()
        if not pointing(root):
            return ()
        keyed = ((element, tuple(self._keys(element))) for element in cast("list[Any]", bearers(root)))
        told = (Told(elements, self.touched) for elements in shared_objects(each for each in keyed if each[1]))
        return tuple(each for each in told if each.matters)

    def _keys(self, element: etree._Element) -> Iterator[str]:
        for name in (*self._ids, *self._refs):
            if name in element.attrib:
                yield f"#{str(element.attrib[name]).strip()}"
        for name in self._uris:
            if name in element.attrib:
                yield uri_key(str(element.attrib[name]))

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


class Told:
    """All that is said of one object: for each name the different things, in document order.

    ways     how many different things are said under one name, of those that facts look at
    matters  at one place that facts look at they would find less than, or something else than, at another
    """

    def __init__(self, elements: tuple[etree._Element, ...], touched: Touched) -> None:
        said = {element: _said(element) for element in elements}
        speakers = Counter(name for each in said.values() for name in each)
        self._different: dict[str, dict[bytes, tuple[etree._Element, ...] | str]] = {name: {} for name in speakers}
        self._digests: dict[etree._Element, dict[str, bytes]] = {}
        for element, each in said.items():
            # What only one place says is compared with nothing.
            digests = {name: _digest(value) if speakers[name] > 1 else b"" for name, value in each.items()}
            self._digests[element] = digests
            for name, digest in digests.items():
                self._different[name].setdefault(digest, each[name])
        self._views: dict[int, dict[str, tuple[bytes, tuple[etree._Element, ...] | str]]] = {}
        self.ways = 1
        self.matters = False
        for element, digests in self._digests.items():
            names = [name for name in speakers if name not in digests or len(self._different[name]) > 1]
            ways = [len(self._different[name]) for name in names if touched.looks_at(element, name)]
            self.matters = self.matters or bool(ways)
            self.ways = max(self.ways, *ways, 1)

    @property
    def elements(self) -> Iterable[etree._Element]:
        """The object's places."""
        return self._digests

    def view(self, number: int, element: etree._Element) -> Mapping[str, tuple[etree._Element, ...] | str]:
        """What is said in one view: in the element's own words where they say the same."""
        own, digests = _said(element), self._digests[element]
        return {
            name: own[name] if digests.get(name) == digest else value
            for name, (digest, value) in self._of_view(number).items()
        }

    def _of_view(self, number: int) -> Mapping[str, tuple[bytes, tuple[etree._Element, ...] | str]]:
        found = self._views.get(number)
        if found is None:
            names = list(self._different)
            found = self._views[number] = {}
            for name in names if number % 2 == 0 else reversed(names):
                different = tuple(self._different[name].items())
                found[name] = different[number % len(different)]
        return found


def views(
    root: etree._Element, objects: tuple[Told, ...], touched: Touched
) -> Iterator[Mapping[etree._Element, etree._Element]]:
    """The views, one at a time: each as the elements of the document that stand in it, with their copies.

    Raises TooTangled.
    """
    # Two at least: the second one is in the opposite order, for facts that read the first of several values.
    count = max(2, *(each.ways for each in objects))
    if count > VIEWS_MAX:
        raise TooTangled
    told_of = {element: told for told in objects for element in told.elements}
    elements_left = ELEMENTS_MAX
    for number in range(count):
        view = _View(told_of, touched, number, elements_left)
        yield view.of(root)
        elements_left = view.elements_left


class _View:
    """One view in the making: of what facts look at."""

    def __init__(
        self, told_of: Mapping[etree._Element, Told], touched: Touched, number: int, elements_left: int
    ) -> None:
        self.elements_left = elements_left
        self._told_of = told_of
        self._touched = touched
        self._number = number
        self._copies: dict[etree._Element, etree._Element] = {}

    def of(self, root: etree._Element) -> Mapping[etree._Element, etree._Element]:
        self._copies[root] = etree.Element(root.tag)
        self._fill(root, self._copies[root], _Way())
        return self._copies

    def _fill(self, source: etree._Element, target: etree._Element, way: "_Way") -> None:
        self.elements_left -= 1
        if self.elements_left < 0 or way.depth > DEPTH_MAX:
            raise TooTangled
        whole = way.whole or self._touched.is_value(source)
        told, inside = self._told_of.get(source), way.inside
        # An object that lies in itself is not filled a second time.
        if told is None or told in inside:
            said = _said(source)
        else:
            said = told.view(self._number, source)
            inside |= {told}
        for name, value in said.items():
            if not (whole or self._touched.is_step(name)):
                continue
            if isinstance(value, tuple):
                for child in value:
                    copy = etree.SubElement(target, name)
                    own = way.own and child.getparent() is source
                    if own:
                        self._copies[child] = copy
                    self._fill(child, copy, _Way(own=own, whole=whole, inside=inside, depth=way.depth + 1))
            elif name:
                target.set(name[1:], value)
            else:
                target.text = value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How an element was come to.

    own     it stands at its own place, not at another one of an object it lies in
    whole   it lies in something whose whole text is looked at
    inside  the objects it lies in
    """

    own: bool = True
    whole: bool = False
    inside: frozenset[Told] = frozenset()
    depth: int = 0


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
