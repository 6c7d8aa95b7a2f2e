"""SharingRules: a clause, compiled against its exchange into one tree of names.

Made once, when an agreement comes into force, and never changed. Every field of the exchange is a leaf of
the tree, those that are withheld too, so that a decision is a walk down and costs the same for ten rules and
for a thousand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from gateway.document.names import split, structures_version
from gateway.iepd.catalog import Field, Steps
from gateway.iepd.components import Components, Element
from gateway.iepd.facts import Facts
from gateway.iepd.package import Iepd
from gateway.policy.manner import Explanation, Nil, explain_withheld, may_be_nil, nil_of
from gateway.policy.mark import Mark, mark_of
from gateway.policy.mou import Clause, How, Manner, Mou
from gateway.policy.outcome import DEFAULT, OUTSIDE, WITHHELD, Outcome, negation, outcomes
from gateway.policy.pseudonym import NO_KEY, PseudonymKey
from gateway.policy.restriction import NONE, Restrictions
from gateway.policy.transform import in_place


@dataclass(frozen=True, slots=True)
class Need:
    """A container cannot stand without this many of these elements."""

    names: frozenset[str]
    least: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """What becomes of an attribute.

    names_ids  its value points at other elements
    is_id      its value is the element's own id
    binding    the element cannot stand without it: the schema requires it, or it is a handling mark
    """

    field: Field
    outcome: Outcome
    names_ids: bool
    is_id: bool
    binding: bool


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One element's place in the exchange.

    leaf      what becomes of its text, None for a container
    open      something at or below it may be seen
    plain     its text goes through as it is, whatever holds
    anchored  the facts about this element that conditions of the clause ask for
    gone      what a redaction says of a leaf that is withheld for its own reason, its path aside; else None
    step      its name as redactions write it in a path, "nc:PersonName"
    nil       when an empty element stands for it
    names_ids  its text points at other elements
    needs_id  the schema requires an id of it
    metadata  it describes others: when nobody points at it any more, it goes
    reason    the clause by which a closed place is closed, where not each field has its own
    """

    children: Mapping[str, "Node"]
    attributes: Mapping[str, Attribute]
    leaf: Outcome | None
    field: Field | None
    open: bool
    plain: bool
    needs: tuple[Need, ...]
    anchored: tuple[str, ...]
    gone: tuple[str, str, str, str] | None
    step: str
    nil: Nil = Nil.NEVER
    names_ids: bool = False
    needs_id: bool = False
    metadata: bool = False
    reason: str = DEFAULT

    def hold(self, element: etree._Element, active: frozenset[str], facts: Facts) -> frozenset[str]:
        """The conditions that hold here: those from above, and those about this element."""
        if not self.anchored:
            return active
        return active.union(*(_holding(fact, facts.of(element, fact)) for fact in self.anchored))

    def cause(self, need: Need) -> str:
        """The clause that withholds what is needed here."""
        clauses = (
            outcome.clause
            for name, child in self.children.items()
            if name in need.names
            for _, outcome in child.outcomes()
            if not outcome.released or outcome.unless
        )
        return next(clauses, DEFAULT)

    def outcomes(self) -> Iterator[tuple[Field, Outcome]]:
        """Every field at and below this place, and what becomes of it."""
        if self.leaf is not None and self.field is not None:
            yield self.field, self.leaf
        for attribute in self.attributes.values():
            yield attribute.field, attribute.outcome
        for child in self.children.values():
            yield from child.outcomes()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRules:
    """What one clause lets through of one exchange.

    tag       the exchange's root element
    prefixes  prefix to namespace, as redactions write paths
    facts     facts about the whole message that conditions of the clause ask for
    explanation  where the message can say "withheld"
    structures  namespaces of structures:id
    ids       attributes besides structures:id that are ids
    """

    mou: str
    version: int
    clause: str
    exchange: str
    tag: str
    root: Node
    prefixes: Mapping[str, str]
    facts: tuple[str, ...] = ()
    explanation: Explanation | None = None
    structures: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()

    def holding(self, facts: Facts) -> frozenset[str]:
        """The conditions that hold for the message as a whole."""
        return frozenset[str]().union(*(_holding(fact, facts.message(fact)) for fact in self.facts))


def compile_rules(
    mou: Mou, clause: Clause, iepd: Iepd, restrictions: Restrictions = NONE, *, key: PseudonymKey = NO_KEY
) -> SharingRules:
    """The rules of one clause under the law. Raises ValueError for a clause that `read_mou` finds fault with.

    key  for pseudonyms; without one, what the clause would pseudonymize is withheld
    """
    decided = outcomes(clause, iepd.catalog, restrictions, key)
    asked = {fact for outcome in decided.values() for condition in outcome.unless for fact in (condition.split()[-1],)}
    anchors: dict[tuple[str, ...], list[str]] = {}
    whole: list[str] = []
    for fact in iepd.facts:
        if fact.name in asked:
            (anchors.setdefault(fact.each, []) if fact.each else whole).append(fact.name)
    root = _Growing()
    for each in iepd.catalog.fields:
        root.plant(each, each.path, decided[each.path])
    law = frozenset(path for path, each in restrictions.items() if any(not one.where for one in each))
    compiling = _Compiling(clause=clause, iepd=iepd, anchors=anchors, law=law, may_be_nil=may_be_nil(iepd))
    return SharingRules(
        mou=mou.id,
        version=mou.version,
        clause=clause.id,
        exchange=iepd.id,
        tag=iepd.root,
        root=root.ripe((iepd.root,), iepd.schema.components.elements[iepd.root], compiling),
        prefixes=dict(iepd.namespaces),
        facts=tuple(whole),
        explanation=explain_withheld(iepd),
        structures=tuple(iepd.schema.structures),
        ids=_other_ids(iepd),
    )


def _holding(fact: str, value: bool | str) -> set[str]:
    """The conditions of one fact. What is neither true nor false answers both questions the strict way."""
    return {condition for condition, kept in ((fact, False), (negation(fact), True)) if value is not kept}


@dataclass(frozen=True, slots=True)
class _Compiling:
    """What the compiling of one clause looks at. `law`: fields that law withholds wherever they stand."""

    clause: Clause
    iepd: Iepd
    anchors: Mapping[Steps, list[str]]
    law: frozenset[Steps]
    may_be_nil: bool
    shapes: dict[str, "_Shape"] = field(default_factory=dict)

    def shape(self, type_name: str) -> "_Shape":
        """What the type asks for; a type stands in many places, and is looked at once."""
        found = self.shapes.get(type_name)
        if found is None:
            found = self.shapes[type_name] = _shape(type_name, self.iepd.schema.components)
        return found

    def nil(self, outcome: Outcome, entry: Field | None) -> Nil:
        """What stands for a leaf that the agreement withholds. What law withholds leaves no trace."""
        if entry is None or entry.path in self.law:
            return Nil.NEVER
        own = outcome.because.manner if outcome.because is not None and outcome.because.how is How.REMOVE else None
        manner = own or self.clause.manner
        return Nil.NEVER if manner is Manner.DROP else nil_of(manner, entry, self.iepd)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a type asks for. abstract: no element can be of this type itself."""

    needs: tuple[Need, ...]
    needs_id: bool
    metadata: bool
    abstract: bool


def _shape(type_name: str, components: Components) -> _Shape:
    found = components.types.get(type_name)
    bases = (split(each.base) for each in components.lineage(type_name))
    return _Shape(
        needs=_needs(type_name, components),
        needs_id=any(
            attribute.required and split(name)[1] == "id" and structures_version(split(name)[0]) is not None
            for name, attribute in components.attributes_of(type_name).items()
        ),
        # By its type up to NIEM 5.x; in 6.0 by its name alone.
        metadata=any(
            local == "MetadataType" and structures_version(namespace) is not None for namespace, local in bases
        ),
        abstract=found is not None and found.abstract,
    )


@dataclass(slots=True)
class _Growing:
    """A node while the tree is built."""

    children: dict[str, "_Growing"] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    leaf: Outcome | None = None
    entry: Field | None = None

    def plant(self, each: Field, path: Steps, outcome: Outcome) -> None:
        if not path:
            self.leaf, self.entry = outcome, each
        elif path[0].startswith("@"):
            self.attributes[path[0][1:]] = _attribute(path[0][1:], each, outcome)
        else:
            self.children.setdefault(path[0], _Growing()).plant(each, path[1:], outcome)

    def ripe(self, path: Steps, declared: Element | None, compiling: _Compiling) -> Node:
        """The node at the end of this path, which begins with the root."""
        components = compiling.iepd.schema.components
        type_name = declared.type if declared is not None else ""
        self._become_in_place(type_name, components)
        children = {
            name: child.ripe((*path, name), components.element_in(type_name, name), compiling)
            for name, child in self.children.items()
        }
        shape = compiling.shape(type_name)
        needs = shape.needs
        leaf = self._leaf_outcome(type_name, components)
        released = leaf is not None and leaf.released
        # A mark is released with its element, and so shows nothing by itself.
        outcomes_here = [each.outcome for each in self.attributes.values()]
        shown = released or any(each.released and each.clause != DEFAULT for each in outcomes_here)
        seen = any(child.open for child in children.values())
        children = {
            name: child
            if self._is_abstract(type_name, name, compiling)
            else _opened(name, child, needs, len(path) == 1, seen)
            for name, child in children.items()
        }
        # Without what no clause can let through it can never stand, so that nobody need try.
        lacking = next((need for need in needs if not _may_have(need, children)), None)
        node = Node(
            children=children,
            attributes=self.attributes,
            leaf=leaf,
            field=self.entry,
            # A leaf without its text is not there, so its attributes alone open nothing. Nor is an element there whose
            # own type is abstract: which type it has, the rules do not know.
            open=not shape.abstract and (released if leaf is not None else shown or seen),
            plain=leaf is not None and leaf.plain and not self._names_ids(),
            needs=needs,
            anchored=tuple(compiling.anchors.get(path[1:], ())),
            gone=self._gone(leaf),
            step=_step(path[-1], compiling.iepd.prefixes),
            nil=self._nil(declared, leaf, compiling),
            names_ids=self._names_ids(),
            needs_id=shape.needs_id,
            metadata=shape.metadata or path[-1].endswith("Metadata"),
        )
        return node if lacking is None else replace(node, open=False, reason=node.cause(lacking))

    def _leaf_outcome(self, type_name: str, components: Components) -> Outcome | None:
        """What the clause says of it; but a place where the catalog ends and the schema does not is never shown."""
        if self.leaf is None or self.entry is None or self.entry.kind != "empty":
            return self.leaf
        ends = type_name in components.types and not components.children(type_name)
        return self.leaf if ends and not components.has_wildcard_content(type_name) else OUTSIDE

    @staticmethod
    def _is_abstract(type_name: str, name: str, compiling: _Compiling) -> bool:
        declared = compiling.iepd.schema.components.element_in(type_name, name)
        return declared is not None and compiling.shape(declared.type).abstract

    def _become_in_place(self, type_name: str, components: Components) -> None:
        """A child keeps its element when the one that would hold its lesser form cannot stand in the same place."""
        for name, child in self.children.items():
            outcome = child.leaf
            if outcome is None or child.entry is None or not outcome.becomes or outcome.because is None:
                continue
            if not _takes_the_place(outcome.becomes, name, type_name, components):
                child.leaf = replace(outcome, becomes="", change=in_place(outcome.because, child.entry))

    def _names_ids(self) -> bool:
        return self.leaf is not None and self.entry is not None and self.entry.kind == "identity"

    def _nil(self, declared: Element | None, leaf: Outcome | None, compiling: _Compiling) -> Nil:
        if leaf is not None:
            said = compiling.nil(leaf, self.entry)
            if said is not Nil.NEVER:
                return said
        nillable = declared is not None and declared.nillable and not declared.fixed
        # With an attribute that it cannot be without, it would not be empty: then its container goes.
        bare = nillable and not any(each.field.required for each in self.attributes.values())
        return Nil.NEEDED if bare and compiling.may_be_nil else Nil.NEVER

    def _gone(self, leaf: Outcome | None) -> tuple[str, str, str, str] | None:
        if leaf is None or self.entry is None or leaf.released:
            return None
        return self.entry.name, self.entry.label, leaf.how, leaf.clause


def _attribute(name: str, each: Field, outcome: Outcome) -> Attribute:
    marks = mark_of(name) is Mark.HANDLING or _applies_to_parent(name)
    if marks and outcome.because is None and outcome.how == WITHHELD and outcome.clause == DEFAULT:
        outcome = Outcome(how="", clause=DEFAULT)  # listed or not, it goes with its data
    is_id = each.value.builtin == "ID"
    return Attribute(
        field=each,
        outcome=outcome,
        names_ids=each.kind == "identity" and not is_id,
        is_id=is_id,
        binding=each.required or marks,
    )


def _opened(name: str, child: Node, needs: tuple[Need, ...], below_root: bool, seen: bool) -> Node:
    """The child as its parent walks it: open too when something must stand for it though nothing of it is shown."""
    required = any(name in need.names for need in needs)
    if child.nil is Nil.NEEDED and not required:
        child = replace(child, nil=Nil.NEVER)
    if child.open:
        return child
    # A message must have it, and may have it with nothing in it. Anywhere else such a container goes as a whole.
    bare = below_root and required and child.leaf is None and not child.needs
    return replace(child, open=True) if bare or (child.nil is not Nil.NEVER and (seen or below_root)) else child


def _takes_the_place(name: str, other: str, type_name: str, components: Components) -> bool:
    """Whether one element may always stand where another does: a member of the same group, with the same attributes."""
    if not any({name, other} <= set(components.substitutes(each)) for each in components.children(type_name)):
        return False
    one, two = (components.element_in(type_name, each) for each in (name, other))
    if one is None or two is None:
        return False
    return components.attributes_of(one.type).keys() == components.attributes_of(two.type).keys()


def _may_have(need: Need, children: Mapping[str, Node]) -> bool:
    return any(name in need.names and child.open for name, child in children.items())


def _applies_to_parent(name: str) -> bool:
    namespace, local = split(name)
    return local == "appliesToParent" and structures_version(namespace) is not None


def _step(tag: str, prefixes: Mapping[str, str]) -> str:
    namespace, local = split(tag)
    prefix = prefixes.get(namespace, "")
    return f"{prefix}:{local}" if prefix else local


def _needs(type_name: str, components: Components) -> tuple[Need, ...]:
    return tuple(
        Need(frozenset(components.substitutes(particle.name)), particle.least)
        for particle in components.children(type_name).values()
        if particle.least > 0
    )


def _other_ids(iepd: Iepd) -> frozenset[str]:
    """Attributes that are ids without being structures:id, of geography markup for one."""
    return frozenset(
        each.path[-1][1:] for each in iepd.catalog.fields if each.is_attribute and each.value.builtin == "ID"
    )
