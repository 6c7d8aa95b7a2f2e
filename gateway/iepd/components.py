"""Components: elements, types and attributes of a schema set, read from the schema documents themselves.

Read here and not asked of a schema library because libxml2 does not tell and xmlschema needs a second to load what
this reads in milliseconds; a test holds the two against each other. Content models are flattened to "which children,
how many": order and choice are libxml2's to check. What is understood: sequence, choice, all, groups, attribute
groups, extension, restriction, lists, unions, substitution groups, anonymous types, include (NIEM uses less).

Components are named "{namespace}local"; an anonymous type is named after its place, "{namespace}#3".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.document.names import XS, join
from gateway.iepd.content import NOTHING, Automaton, Content, Kind, Slot, automaton, names, slots

ANY_TYPE = join(XS, "anyType")


@dataclass(frozen=True, slots=True, kw_only=True)
class Particle:
    """A child element of a type. most: None = unbounded."""

    name: str
    least: int
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a type. fixed: the schema gives its value."""

    name: str
    type: str
    required: bool = False
    fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element declaration.

    heads  what it may stand for (substitution group)
    fixed  the schema gives its value, so that it may never be nil
    keyed  what lies in it must have keys or hold keys of each other (xs:key, xs:keyref)
    """

    name: str
    type: str
    nillable: bool = False
    abstract: bool = False
    heads: tuple[str, ...] = ()
    fixed: bool = False
    keyed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """What a simple type's own restriction step asks of a value; () and None = nothing."""

    enumeration: tuple[str, ...] | None = None
    patterns: tuple[str, ...] = ()
    length: int | None = None
    length_min: int | None = None
    length_max: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    exclusive: bool = False
    digits: int | None = None
    fraction_digits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A type definition with what it adds itself; inherited parts come from `Components`.

    base       name of the type it extends or restricts; ANY_TYPE at the top
    extends    True for extension (the base's children come first), False for restriction
    simple     its content is text: a simple type, or a complex one with simple content
    item       list types: the items' type; members: union types
    wildcard   it takes elements that are not named (xs:any); attribute_wildcard the same for attributes
    local      its local element declarations by name
    content    its own part of the content model
    """

    name: str
    base: str
    extends: bool = False
    simple: bool = False
    abstract: bool = False
    children: tuple[Particle, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    local: Mapping[str, Element] = field(default_factory=dict)
    facets: Facets = Facets()
    item: str = ""
    members: tuple[str, ...] = ()
    wildcard: bool = False
    attribute_wildcard: bool = False
    content: Content = NOTHING


class Components:
    """All components of one set. Not changed after it was built."""

    def __init__(
        self, elements: Mapping[str, Element], types: Mapping[str, Type], attributes: Mapping[str, Attribute]
    ) -> None:
        self.elements, self.types, self.attributes = elements, types, attributes
        self._members: dict[str, list[str]] = {}
        for element in elements.values():
            for head in element.heads:
                self._members.setdefault(head, []).append(element.name)
        self._children: dict[str, dict[str, Particle]] = {}
        self._attributes: dict[str, Mapping[str, Attribute]] = {}
        self._slots: dict[str, tuple[Slot, ...] | None] = {}
        self._automata: dict[str, Automaton] = {}
        self._extensions: dict[str, tuple[str, ...]] | None = None

    def lineage(self, type_name: str) -> Iterator[Type]:
        """The type itself and what it derives from, nearest first; ends before the built-in types."""
        seen: set[str] = set()
        while (found := self.types.get(type_name)) is not None and type_name not in seen:
            seen.add(type_name)
            yield found
            type_name = found.base

    def derives(self, type_name: str, ancestor: str) -> bool:
        """Whether values of the type are values of the ancestor too; every type derives from itself."""
        if ancestor in {type_name, ANY_TYPE}:
            return True
        return any(ancestor in {each.name, each.base} for each in self.lineage(type_name))

    def is_simple(self, type_name: str) -> bool:
        """Whether elements of this type hold text and no elements."""
        found = self.types.get(type_name)
        return found.simple if found is not None else type_name != ANY_TYPE

    def children(self, type_name: str) -> Mapping[str, Particle]:
        """Children by name as declared, heads of substitution groups not replaced; in schema order."""
        known = self._children.get(type_name)
        if known is None:
            known = self._children[type_name] = self._collect(type_name)
        return known

    def _collect(self, type_name: str) -> dict[str, Particle]:
        found: dict[str, Particle] = {}
        for each in self._steps(type_name):
            for particle in each.children:
                before = found.get(particle.name)
                found[particle.name] = particle if before is None else _sum(before, particle)
        return found

    def _steps(self, type_name: str) -> list[Type]:
        """The types whose own parts make up the content, in their order."""
        steps: list[Type] = []
        for each in self.lineage(type_name):
            steps.insert(0, each)
            if not each.extends:
                break
        return steps

    # --- content models ---

    def content(self, type_name: str) -> Content:
        """The whole content model of a type: what it inherits, then its own."""
        parts = tuple(each.content for each in self._steps(type_name) if each.content != NOTHING)
        return parts[0] if len(parts) == 1 else Content(Kind.SEQUENCE, parts=parts)

    def slots(self, type_name: str) -> tuple[Slot, ...] | None:
        """The model as a plain sequence, None when it is more than that."""
        if type_name not in self._slots:
            self._slots[type_name] = slots(self.content(type_name), self.substitutes)
        return self._slots[type_name]

    def automaton(self, type_name: str) -> Automaton:
        """The model as an automaton. Raises `TooLarge`."""
        if type_name not in self._automata:
            self._automata[type_name] = automaton(self.content(type_name), self.substitutes)
        return self._automata[type_name]

    def extensions(self, type_name: str) -> tuple[str, ...]:
        """Types with element content that add something to this one's; an element may choose them by xsi:type."""
        if self._extensions is None:
            found: dict[str, list[str]] = {}
            for each in self.types.values():
                adds = False
                for step in self.lineage(each.name):
                    adds = adds or (step.extends and next(names(step.content), None) is not None)
                    if adds and not each.simple:
                        found.setdefault(step.base, []).append(each.name)
            self._extensions = {name: tuple(below) for name, below in found.items()}
        return self._extensions.get(type_name, ())

    # --- the rest ---

    def attributes_of(self, type_name: str) -> Mapping[str, Attribute]:
        """Attributes by name, inherited ones with them."""
        known = self._attributes.get(type_name)
        if known is None:
            found: dict[str, Attribute] = {}
            for each in self.lineage(type_name):
                for attribute in each.attributes:
                    found.setdefault(attribute.name, attribute)
            known = {name: attribute for name, attribute in found.items() if attribute.type}
            self._attributes[type_name] = known
        return known

    def has_wildcard(self, type_name: str) -> bool:
        """Whether elements or attributes that no declaration of the type names may stand in it."""
        return any(each.wildcard or each.attribute_wildcard for each in self.lineage(type_name))

    def has_wildcard_content(self, type_name: str) -> bool:
        """Whether elements that no declaration of the type names may stand in it."""
        return type_name == ANY_TYPE or any(each.wildcard for each in self.lineage(type_name))

    def element_in(self, type_name: str, name: str) -> Element | None:
        """The declaration of this child in this type: a local one, or the global one of that name."""
        for each in self.lineage(type_name):
            if name in each.local:
                return each.local[name]
        return self.elements.get(name)

    def substitutes(self, name: str) -> tuple[str, ...]:
        """Names of the elements that may stand where `name` is asked for, abstract ones left out; sorted."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            head = waiting.pop()
            if head not in found:
                found.add(head)
                waiting.extend(self._members.get(head, ()))
        return tuple(sorted(each for each in found if (e := self.elements.get(each)) is None or not e.abstract))

    def derived_from(self, type_name: str, builtins: frozenset[str]) -> str:
        """Which of these built-in types a simple type comes down to, looking into lists; "" for none."""
        for each in self.lineage(type_name):
            if each.item:
                return self.derived_from(each.item, builtins)
            type_name = each.base
        return type_name if type_name in builtins else ""


def _sum(first: Particle, second: Particle) -> Particle:
    most = None if first.most is None or second.most is None else first.most + second.most
    return Particle(name=first.name, least=first.least + second.least, most=most)
