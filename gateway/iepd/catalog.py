"""Catalog: every field of an exchange - its label, its words for officers, and what the schema says of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gateway.document.names import XML, XS, XSI, join, split, structures_version
from gateway.iepd.components import Attribute, Components, Element, Facets, Particle

Steps = tuple[str, ...]
"""A path below the root: "{namespace}local" steps; an attribute step is "@{namespace}local" or "@local"."""

_T = TypeVar("_T")

LEAVES_MAX = 20_000
DEPTH_MAX = 100
"""No document is deeper (`document.parse`)."""

_IDENTITIES = frozenset({"id", "ref", "uri"})

_KINDS = {
    "boolean": "boolean",
    "date": "date",
    "dateTime": "datetime",
    "time": "time",
    "duration": "duration",
    "gYear": "year",
    "gYearMonth": "year-month",
    "gMonth": "string",
    "gMonthDay": "string",
    "gDay": "string",
    "decimal": "decimal",
    "float": "decimal",
    "double": "decimal",
    "base64Binary": "binary",
    "hexBinary": "binary",
    "anyURI": "uri",
    "ID": "identity",
    "IDREF": "identity",
    "IDREFS": "identity",
}
"""Built-in type to kind; integers and strings by their families below."""

_INTEGERS = frozenset(
    {"integer", "nonPositiveInteger", "negativeInteger", "nonNegativeInteger", "positiveInteger"}
    | {sign + size for sign in ("", "unsigned") for size in ("byte", "short", "int", "long")}
    | {"unsigned" + size for size in ("Byte", "Short", "Int", "Long")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """What a value may be, by the schema.

    kind         string, code (enumerated), boolean, date, datetime, time, duration, year, year-month, decimal,
                 integer, binary, uri, identity; "empty" for an element that can hold nothing
    builtin      the XSD built-in type it comes down to, "date"
    enumeration  the allowed codes, None when the type does not list them
    patterns     XSD regular expressions; each must match
    minimum      least value, as written; maximum likewise. exclusive: the bounds themselves are not allowed
    is_list      several values with blanks between them; all else then describes one of them
    is_union     a value is of one of several types; all else then describes none of them but the codes
    """

    kind: str
    builtin: str = "string"
    enumeration: tuple[str, ...] | None = None
    patterns: tuple[str, ...] = ()
    length_min: int | None = None
    length_max: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    exclusive: bool = False
    digits: int | None = None
    fraction_digits: int | None = None
    is_list: bool = False
    is_union: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A place in the schema that can hold a value.

    required    its parent must have it; whether the parent must be there is another question
    repeatable  its parent may have several
    cut         more places lie below that are not unfolded: it is no field, and nothing at or below it is shared
    """

    path: Steps
    value: ValueType
    required: bool
    repeatable: bool
    nillable: bool
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the catalog.

    path   steps below the root; text: the path as `fields.yaml` writes it
    name   "person.name.given", unique in the exchange
    label  what agreements and law packs speak of, "person.name"
    title  in officers' words
    """

    path: Steps
    text: str
    name: str
    label: str
    title: str
    value: ValueType
    required: bool
    repeatable: bool
    nillable: bool

    @property
    def kind(self) -> str:
        """Kind of its value; see `ValueType`."""
        return self.value.kind

    @property
    def enumeration(self) -> tuple[str, ...] | None:
        """The allowed codes, None when the type does not list them."""
        return self.value.enumeration

    @property
    def is_attribute(self) -> bool:
        """Whether it is an attribute and not an element."""
        return self.path[-1].startswith("@")


_EMPTY = ValueType(kind="empty", builtin="")


class Catalog:
    """All fields of one exchange, in the order of `fields.yaml`.

    proposed  fields that no officer has confirmed, or not for this schema set: nothing finds or selects them, and so
              they are withheld like all that is unclassified
    """

    def __init__(self, fields: Iterable[Field], proposed: Iterable[Field] = ()) -> None:
        self.fields = tuple(fields)
        self.proposed = tuple(proposed)
        self._by_path = {field.path: field for field in self.fields}
        self._by_name = {field.name: field for field in self.fields}
        self._by_label: dict[str, list[Field]] = {}
        for field in self.fields:
            self._by_label.setdefault(field.label, []).append(field)

    def find(self, path: Steps) -> Field | None:
        """The field at this path below the root."""
        return self._by_path.get(path)

    def named(self, name: str) -> Field | None:
        """The field of this name."""
        return self._by_name.get(name)

    def labels(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return tuple(sorted(self._by_label))

    def names(self) -> tuple[str, ...]:
        """All field names, sorted."""
        return tuple(sorted(self._by_name))

    def select(self, word: str) -> tuple[Field, ...]:
        """The fields that an agreement means by a word; () when it means none.

        A label means all its fields; "medical.*" the fields of `medical` and of every label below it; a field's
        name that one field. The package loader refuses a field name that is another field's label.
        """
        if word.endswith(".*"):
            stem = word[:-2]
            return tuple(each for each in self.fields if each.label == stem or each.label.startswith(stem + "."))
        if word in self._by_label:
            return tuple(self._by_label[word])
        named = self._by_name.get(word)
        return () if named is None else (named,)

    def awaits(self, word: str) -> bool:
        """Whether the word means fields that were proposed and wait for an officer to confirm them."""
        stem = word.removesuffix(".*")
        return any(
            word == field.name
            or word == field.label
            or (word != stem and (field.label == stem or field.label.startswith(stem + ".")))
            for field in self.proposed
        )


# --- what the schema can hold ---


class _TooMany(Exception):
    """The walk found more places than a catalog can name."""


def leaves(components: Components, root: str) -> tuple[Leaf, ...]:
    """Every place below the root element that can hold a value, in schema order.

    Not among them: structures:id, ref and uri and xsi attributes, which are identities and not fields. Where a type
    contains itself the walk ends with the path so far, and a set that holds more than `LEAVES_MAX` places (a whole
    NIEM release) is unfolded as many levels deep as fit: such a place is `cut`. `leaf_at` finds what lies below it.
    """
    element = components.elements.get(root)
    if element is None:
        return ()
    for depth in (DEPTH_MAX, *range(12, 0, -1)):
        walk = _Walk(components, depth)
        try:
            walk.below(element, (), frozenset(), None)
        except _TooMany:
            continue
        return tuple(walk.found)
    return ()


def leaf_at(components: Components, root: str, path: Steps) -> Leaf | None:
    """The place at this path below the root, however deep; None when there is none or it is not a leaf."""
    element = components.elements.get(root)
    particle: Particle | None = None
    for step in path:
        if element is None or not step:
            return None
        if step.startswith("@"):
            attribute = components.attributes_of(element.type).get(step[1:])
            found = attribute is not None and step is path[-1] and not _is_identity(attribute.name)
            return _attribute_leaf(components, attribute, path[:-1]) if attribute is not None and found else None
        particle = child_at(components, element, step)
        element = components.element_in(element.type, step) if particle is not None else None
    if element is None or not path:
        return None
    if components.is_simple(element.type):
        return _leaf(element, path, particle, value_type(components, element.type))
    return None if components.children(element.type) else _leaf(element, path, particle, _EMPTY)


def child_at(components: Components, element: Element, name: str) -> Particle | None:
    """The particle by which an element of this name may stand in another."""
    children = components.children(element.type)
    if name in children:
        return children[name] if name in components.substitutes(name) else None
    return next((each for head, each in children.items() if name in components.substitutes(head)), None)


class _Walk:
    """One walk over a set's content models, `depth` levels deep."""

    def __init__(self, components: Components, depth: int) -> None:
        self._components, self._depth = components, depth
        self.found: list[Leaf] = []

    def below(self, element: Element, path: Steps, types: frozenset[str], particle: Particle | None) -> None:
        """Note every leaf at and below an element. types: those of the elements above it."""
        components = self._components
        for attribute in components.attributes_of(element.type).values():
            if not _is_identity(attribute.name):
                self._note(_attribute_leaf(components, attribute, path))
        if components.is_simple(element.type):
            self._note(_leaf(element, path, particle, value_type(components, element.type)))
            return
        children = components.children(element.type)
        if not children and path:
            self._note(_leaf(element, path, particle, _EMPTY))
        for child in children.values():
            for name in components.substitutes(child.name):
                below = components.element_in(element.type, name)
                if below is None:
                    continue
                if below.type in types or (len(path) + 1 >= self._depth and components.children(below.type)):
                    self._note(_leaf(below, (*path, name), child, _EMPTY, cut=True))
                else:
                    self.below(below, (*path, name), types | {below.type}, child)

    def _note(self, leaf: Leaf) -> None:
        if len(self.found) >= LEAVES_MAX:
            raise _TooMany
        self.found.append(leaf)


def _leaf(element: Element, path: Steps, particle: Particle | None, value: ValueType, *, cut: bool = False) -> Leaf:
    return Leaf(
        path=path,
        value=value,
        required=particle is not None and particle.least > 0,
        repeatable=particle is not None and particle.most != 1,
        nillable=element.nillable and not element.fixed,
        cut=cut,
    )


def _attribute_leaf(components: Components, attribute: Attribute, path: Steps) -> Leaf:
    return Leaf(
        path=(*path, "@" + attribute.name),
        value=value_type(components, attribute.type),
        required=attribute.required,
        repeatable=False,
        nillable=False,
    )


def _is_identity(name: str) -> bool:
    namespace, local = split(name)
    return namespace == XSI or (structures_version(namespace) is not None and local in _IDENTITIES)


def value_type(components: Components, type_name: str) -> ValueType:
    """What values of a simple type, or of a complex type with simple content, may be."""
    steps: list[Facets] = []
    is_list = is_union = False
    builtin = ""
    enumerations: list[tuple[str, ...] | None] = []
    while (found := components.types.get(type_name)) is not None:
        steps.append(found.facets)
        if found.members:
            members = [value_type(components, member) for member in found.members]
            enumerations = [member.enumeration for member in members]
            is_union = True
            type_name = join(XS, "string")
        elif found.item:
            is_list, type_name = True, found.item
        else:
            type_name = found.base
    namespace, builtin = split(type_name)
    if namespace not in {XS, XML}:
        builtin = "string"
    enumeration = next((step.enumeration for step in steps if step.enumeration is not None), _together(enumerations))
    return ValueType(
        kind="code" if enumeration is not None and _kind(builtin) == "string" else _kind(builtin),
        builtin=builtin,
        enumeration=enumeration,
        patterns=tuple("|".join(step.patterns) for step in steps if step.patterns),
        length_min=_first(step.length if step.length is not None else step.length_min for step in steps),
        length_max=_first(step.length if step.length is not None else step.length_max for step in steps),
        minimum=_first(step.minimum for step in steps),
        maximum=_first(step.maximum for step in steps),
        exclusive=any(step.exclusive for step in steps),
        digits=_first(step.digits for step in steps),
        fraction_digits=_first(step.fraction_digits for step in steps),
        is_list=is_list or builtin in {"IDREFS", "NMTOKENS", "ENTITIES"},
        is_union=is_union and enumeration is None,
    )


def _kind(builtin: str) -> str:
    return "integer" if builtin in _INTEGERS else _KINDS.get(builtin, "string")


def _together(enumerations: list[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """All codes of a union's members, None when one of them is open."""
    if not enumerations or None in enumerations:
        return None
    return tuple(code for each in enumerations if each is not None for code in each)


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)


def show_path(path: Steps, prefixes: Mapping[str, str]) -> str:
    """The path as `fields.yaml` writes it: "cr:Subject/nc:PersonName", "nc:X/@nc:metadataRef"."""
    return "/".join(_show_step(step, prefixes) for step in path)


def _show_step(step: str, prefixes: Mapping[str, str]) -> str:
    sign, name = ("@", step[1:]) if step.startswith("@") else ("", step)
    namespace, local = split(name)
    if not namespace:
        return sign + local
    return f"{sign}{prefixes.get(namespace, namespace)}:{local}"
