"""Random valid messages of any exchange, from the components of its schema set; the same seed gives the same message.

Grown from the root: each child as often as it may stand, a random member of its substitution group, now and then a
derived type by xsi:type, required content alone when deep or large. Then objects are named and pointed at (id, ref,
uri, lists of ids, outer uris), and what libxml2 refuses all the same - a choice, an order that components do not tell
- is taken out again. Every leaf that can hold one carries a canary (`leaf_values`), ids too.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

from lxml import etree

from gateway.document.names import XS, XSI, join, split, structures_version
from gateway.document.parse import Document
from gateway.finding import Severity
from gateway.iepd.components import Attribute, Components, Element
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from tests.iepd.leaf_values import LeafValues, NoValue

DEPTH_MAX = 14
ELEMENTS_MAX = 350
REPAIRS_MAX = 60
TRIES_MAX = 20

_NIL, _TYPE = join(XSI, "nil"), join(XSI, "type")
_BOUNDLESS = 1_000
_ID_TYPES = frozenset({join(XS, "ID")})
_REF_TYPES = frozenset({join(XS, "IDREF"), join(XS, "IDREFS")})


class Ungenerated(Exception):
    """No valid message came of any try; a test that sees it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A canary and where it stands: "" for the element's text, else the attribute's name."""

    canary: str
    element: etree._Element
    attribute: str

    @property
    def stands(self) -> bool:
        """Whether the value is still there."""
        return bool(self.element.get(self.attribute) if self.attribute else self.element.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A generated message. `planted`: the canaries of its fields; `names`: those in ids and uris."""

    document: Document
    planted: tuple[Planted, ...]
    names: frozenset[str]


def generate(iepd: Iepd, seed: int) -> Instance:
    """The message of this seed."""
    for attempt in range(TRIES_MAX):
        made = _Generator(iepd, random.Random(f"{iepd.id} {seed} {attempt}")).make()
        if made is not None:
            return made
    raise Ungenerated(f"{iepd.id}, seed {seed}")


@dataclass(slots=True)
class _Shape:
    """What is asked of a schema set again and again."""

    components: Components
    heights: dict[str, int] = field(default_factory=dict)
    derived: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def height(self, type_name: str, above: frozenset[str] = frozenset()) -> int:
        """How many levels of required elements lie below; _BOUNDLESS where they contain themselves."""
        known = self.heights.get(type_name)
        if known is not None:
            return known
        if type_name in above:
            return _BOUNDLESS
        below = above | {type_name}
        heights = [
            min((self.height(each.type, below) for each in self.choices(type_name, name)), default=_BOUNDLESS)
            for name, particle in self.components.children(type_name).items()
            if particle.least
        ]
        found = 1 + max(heights, default=0)
        if found < _BOUNDLESS or not above:
            self.heights[type_name] = found
        return found

    def choices(self, type_name: str, name: str) -> list[Element]:
        """Elements that may stand where `name` is asked for, and can."""
        found = []
        for each in self.components.substitutes(name):
            element = self.components.element_in(type_name, each)
            if element is not None and not element.abstract:
                known = self.components.types.get(element.type)
                if known is None or not known.abstract or self.derived[element.type]:
                    found.append(element)
        return found


@cache
def _shape(iepd: Iepd) -> _Shape:
    components = iepd.schema.components
    shape = _Shape(components)
    for each in components.types.values():
        if not each.abstract and "#" not in each.name:
            for ancestor in components.lineage(each.name):
                if ancestor.name != each.name:
                    shape.derived[ancestor.name].append(each.name)
    return shape


class _Generator:
    def __init__(self, iepd: Iepd, chance: random.Random) -> None:
        self._iepd, self.chance = iepd, chance
        self.shape = _shape(iepd)
        self.components = iepd.schema.components
        self.values = LeafValues(self.components, chance)
        self.declared: dict[etree._Element, Element] = {}
        self.types: dict[etree._Element, str] = {}
        self._planted: list[Planted] = []
        self._count = 0
        self._often = chance.choice([0.15, 0.4, 0.7, 0.95])
        others = {uri for uri in iepd.schema.namespaces if uri and uri not in iepd.prefixes}
        more = {f"z{number}": uri for number, uri in enumerate(sorted(others))}
        self._nsmap = {**iepd.namespaces, **more, "xsi": XSI}
        self._prefixes = {uri: prefix for prefix, uri in self._nsmap.items()}

    def make(self) -> Instance | None:
        root = etree.Element(self._iepd.root, nsmap=self._nsmap)
        try:
            self._fill(root, self.components.elements[self._iepd.root], 0)
        except NoValue:
            return None
        self._repair(root)
        naming = _Naming(self, root)
        naming.link()
        self._repair(root)
        document = Document(root)
        findings = validate(document, self._iepd)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return None
        there = set(root.iter(etree.Element))
        return Instance(
            document=document,
            planted=tuple(each for each in self._planted if each.element in there and each.stands),
            names=frozenset(naming.names),
        )

    # --- growing ---

    def _fill(self, element: etree._Element, declared: Element, depth: int) -> None:
        self._count += 1
        type_name = self._type_of(element, declared)
        self.declared[element], self.types[element] = declared, type_name
        self._attributes(element, type_name)
        if self.components.is_simple(type_name):
            self._text(element, type_name)
            return
        for name, particle in self.components.children(type_name).items():
            most = particle.most if particle.most is not None else particle.least + 2
            for number in range(most):
                needed = number < particle.least
                if needed or self._wanted(depth, number):
                    self._child(element, type_name, name, depth, needed=needed)

    def _wanted(self, depth: int, number: int) -> bool:
        if depth >= DEPTH_MAX or self._count >= ELEMENTS_MAX:
            return False
        return self.chance.random() < self._often / (1 + number) / (1 + depth / 6)

    def _child(self, element: etree._Element, type_name: str, name: str, depth: int, *, needed: bool) -> None:
        choices = [
            each
            for each in self.shape.choices(type_name, name)
            if self.shape.height(each.type) < (_BOUNDLESS if needed else max(1, DEPTH_MAX - depth))
        ]
        if not choices:
            if needed:
                raise NoValue(name)
            return
        declared = self.chance.choice(choices)
        child = etree.SubElement(element, declared.name)
        try:
            self._fill(child, declared, depth + 1)
        except NoValue:
            if needed:
                raise
            element.remove(child)

    def _type_of(self, element: etree._Element, declared: Element) -> str:
        """The declared type, or one derived from it that the element names."""
        derived = self.shape.derived.get(declared.type, [])
        known = self.components.types.get(declared.type)
        abstract = known is not None and known.abstract
        if not derived or not (abstract or self.chance.random() < 0.03):
            return declared.type
        chosen = self.chance.choice(derived)
        if self.shape.height(chosen) >= _BOUNDLESS:
            return declared.type
        namespace, local = split(chosen)
        prefix = self._prefixes.get(namespace)
        if prefix is None:
            return declared.type
        element.set(_TYPE, f"{prefix}:{local}")
        return chosen

    def _text(self, element: etree._Element, type_name: str) -> None:
        if self.components.derived_from(type_name, _ID_TYPES | _REF_TYPES):
            return
        text, canary = self.values.value(type_name)
        element.text = text
        if canary:
            self._planted.append(Planted(canary=canary, element=element, attribute=""))

    def _attributes(self, element: etree._Element, type_name: str) -> None:
        for attribute in self.components.attributes_of(type_name).values():
            if self.is_identity(attribute.name, attribute.type):
                continue
            if attribute.required or self.chance.random() < self._often / 2:
                text, canary = self.values.value(attribute.type)
                element.set(attribute.name, text)
                if canary:
                    self._planted.append(Planted(canary=canary, element=element, attribute=attribute.name))

    def is_identity(self, name: str, type_name: str) -> bool:
        """Whether an attribute names an element, its own or another."""
        namespace, local = split(name)
        if structures_version(namespace) is not None and local in {"id", "ref", "uri"}:
            return True
        return bool(self.components.derived_from(type_name, _ID_TYPES | _REF_TYPES))

    # --- what libxml2 refuses is taken out ---

    def _repair(self, root: etree._Element) -> None:
        validator = self._iepd.schema.validator
        for _ in range(REPAIRS_MAX):
            if validator.validate(root):
                return
            wrong = [place for entry in validator.error_log if (place := _at(root, entry.path or "")) is not None]
            if not wrong:
                return
            at = wrong[0]
            parent = at.getparent()
            if parent is None:
                return
            parent.remove(at)


def _at(root: etree._Element, path: str) -> etree._Element | None:
    found = root.xpath(path, namespaces={p: u for p, u in root.nsmap.items() if p}) if path else []
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


class _Naming:
    """Gives elements of a grown message ids, and pointers to them."""

    def __init__(self, grown: _Generator, root: etree._Element) -> None:
        self._grown, self._root, self._chance = grown, root, grown.chance
        self._components = grown.components
        self._structures = next((n for n in (split(each)[0] for each in self._attributes(root)) if _is(n)), "")
        self._targets: set[etree._Element] = set()
        self._pointers: set[etree._Element] = set()
        self.names: set[str] = set()

    def link(self) -> None:
        """Name and point."""
        if not self._structures:
            every = (split(name)[0] for each in self._root.iter(etree.Element) for name in self._attributes(each))
            self._structures = next(filter(_is, every), "")
        often = self._chance.choice([0.0, 0.1, 0.3])
        for element in list(self._root.iter(etree.Element)):
            must = any(a.required for a in self._own(element, "ref"))
            if element is not self._root and (must or self._chance.random() < often):
                self._point(element)
        self._same_uris(often)
        for element in list(self._root.iter(etree.Element)):
            self._lists(element, often)
            if self._has(element, "id") and not self._named(element) and self._chance.random() < often / 3:
                self._id(element)

    def _attributes(self, element: etree._Element) -> dict[str, object]:
        return dict(self._components.attributes_of(self._grown.types[element]))

    def _own(self, element: etree._Element, local: str) -> list[Attribute]:
        name = join(self._structures, local)
        found = self._components.attributes_of(self._grown.types[element]).get(name)
        return [found] if found is not None and self._structures else []

    def _has(self, element: etree._Element, local: str) -> bool:
        return bool(self._own(element, local))

    def _named(self, element: etree._Element) -> bool:
        return any(join(self._structures, local) in element.attrib for local in ("id", "ref", "uri"))

    def _id(self, element: etree._Element) -> str:
        name = join(self._structures, "id")
        known = element.get(name)
        if known is None:
            known = self._grown.values.canary()
            self.names.add(known)
            element.set(name, known)
            self._targets.add(element)
        return known

    def _point(self, element: etree._Element) -> None:
        """Make the element a pointer, when there is anything of its kind to point at."""
        if self._root not in element.iterancestors() or self._named(element) or element in self._targets:
            return
        ways = [local for local in ("ref", "uri") if self._has(element, local)]
        target = self._target(element) if ways else None
        if target is None:
            return
        way = self._chance.choice(ways)
        keeps = way == "uri" and self._chance.random() < 0.5
        if not keeps and not self._empty(element):
            return
        self._pointers.add(element)
        known = self._id(target)
        element.set(join(self._structures, way), known if way == "ref" else f"#{known}")

    def _target(self, element: etree._Element) -> etree._Element | None:
        kind = self._grown.types[element]
        anything = split(kind)[1] == "ReferenceType"
        apart = {*element.iterancestors(), *element.iter(etree.Element)}
        found = [
            each
            for each in self._root.iter(etree.Element)
            if each not in apart
            and each not in self._pointers
            and self._has(each, "id")
            and (anything or self._components.derives(self._grown.types[each], kind))
        ]
        return self._chance.choice(found) if found else None

    def _empty(self, element: etree._Element) -> bool:
        """Take the element's content; False when it must have some."""
        kind, declared = self._grown.types[element], self._grown.declared[element]
        needed = any(particle.least for particle in self._components.children(kind).values())
        if any(each in self._targets or each in self._pointers for each in element.iterdescendants()):
            return False
        if not declared.nillable and (needed or self._components.is_simple(kind)):
            return False
        for child in list(element):
            element.remove(child)
        element.text = None
        if declared.nillable:
            element.set(_NIL, "true")
        return True

    def _same_uris(self, often: float) -> None:
        """Elements that are one object because they carry the same outer uri."""
        kinds: dict[str, list[etree._Element]] = defaultdict(list)
        for element in self._root.iter(etree.Element):
            if self._has(element, "uri") and not self._named(element):
                kinds[self._grown.types[element]].append(element)
        for elements in kinds.values():
            if self._chance.random() < often:
                canary = self._grown.values.canary()
                self.names.add(canary)
                for each in self._chance.sample(elements, min(2, len(elements))):
                    each.set(join(self._structures, "uri"), f"http://agency.example/person/{canary}")

    def _lists(self, element: etree._Element, often: float) -> None:
        """Attributes and elements that are ids of others, or ids of another sort."""
        for attribute in self._components.attributes_of(self._grown.types[element]).values():
            if _is(split(attribute.name)[0]) and split(attribute.name)[1] in {"id", "ref", "uri"}:
                continue
            if self._components.derived_from(attribute.type, _ID_TYPES):
                if attribute.required or self._chance.random() < often:
                    canary = self._grown.values.canary()
                    self.names.add(canary)
                    element.set(attribute.name, canary)
            elif self._components.derived_from(attribute.type, _REF_TYPES) and (
                attribute.required or self._chance.random() < often / 4
            ):
                single = self._components.derived_from(attribute.type, _REF_TYPES) == join(XS, "IDREF")
                ids = self._some_ids(element, 1 if single else 3)
                if ids:
                    element.set(attribute.name, " ".join(ids))
        if self._components.derived_from(self._grown.types[element], _REF_TYPES):
            element.text = " ".join(self._some_ids(element, 1))

    def _some_ids(self, element: etree._Element, most: int) -> list[str]:
        every = [each for each in self._root.iter(etree.Element) if self._can_carry(each) and each is not element]
        metadata = [each for each in every if str(each.tag).endswith("Metadata")]
        chosen = metadata if metadata and self._chance.random() < 0.7 else every
        return [self._id(each) for each in self._chance.sample(chosen, min(len(chosen), self._chance.randint(1, most)))]

    def _can_carry(self, element: etree._Element) -> bool:
        """Whether it has an id, or may get one: only one of id, ref and uri."""
        if join(self._structures, "id") in element.attrib:
            return True
        return self._has(element, "id") and not self._named(element)


def _is(namespace: str) -> bool:
    return structures_version(namespace) is not None
