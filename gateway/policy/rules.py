"""SharingRules: a clause, compiled against its exchange into one tree of names.

Made once, when an agreement comes into force, and never changed. Every field of the exchange is a leaf of
the tree, those that are withheld too, so that a decision is a walk down and costs the same for ten rules and
for a thousand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from gateway.document.names import split
from gateway.iepd.catalog import Field
from gateway.iepd.components import Components
from gateway.iepd.facts import Facts
from gateway.iepd.package import Iepd
from gateway.policy.condition import LAW, NOT_ANCHORED, Anchored, Asked, anchor, parts
from gateway.policy.mou import Clause, Mou
from gateway.policy.outcome import DEFAULT, Outcome, outcomes
from gateway.policy.restriction import NONE, Restrictions


@dataclass(frozen=True, slots=True)
class Need:
    """A container cannot stand without this many of these elements."""

    names: frozenset[str]
    least: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """What becomes of an attribute. `names_ids`: its value points at other elements."""

    field: Field
    outcome: Outcome
    names_ids: bool


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One element's place in the exchange.

    leaf      what becomes of its text, None for a container
    open      something at or below it may be seen
    plain     its text goes through as it is, whatever holds
    anchored  the facts about this element that conditions ask for; false where no condition is about it
    gone      what a redaction says of a leaf that is withheld for its own reason, its path aside; else None
    step      its name as redactions write it in a path, "nc:PersonName"
    """

    children: Mapping[str, "Node"]
    attributes: Mapping[str, Attribute]
    leaf: Outcome | None
    field: Field | None
    open: bool
    plain: bool
    needs: tuple[Need, ...]
    anchored: Anchored
    gone: tuple[str, str, str, str] | None
    step: str

    def hold(self, element: etree._Element, active: frozenset[str], facts: Facts) -> frozenset[str]:
        """The conditions that hold here: those from above, and those about this element."""
        return self.anchored.hold(element, active, facts) if self.anchored else active

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
    facts     facts about the whole message that conditions ask for
    told      conditions asked for that no fact tells: they come with each message
    """

    mou: str
    version: int
    clause: str
    exchange: str
    tag: str
    root: Node
    prefixes: Mapping[str, str]
    facts: tuple[Asked, ...] = ()
    told: frozenset[str] = frozenset()

    def holding(self, facts: Facts) -> frozenset[str]:
        """The conditions that hold for the message as a whole."""
        return frozenset[str]().union(*(each.of(facts.message(each.fact)) for each in self.facts))


def compile_rules(mou: Mou, clause: Clause, iepd: Iepd, restrictions: Restrictions = NONE) -> SharingRules:
    """The rules of one clause under the law. Raises ValueError for a clause that `read_mou` finds fault with."""
    decided = outcomes(clause, iepd.catalog, restrictions)
    asked = {condition for outcome in decided.values() for condition in outcome.unless}
    anchors = anchor(asked, {fact.name: fact.each for fact in iepd.facts})
    whole = anchors.pop((), NOT_ANCHORED)
    if whole.put_together:
        anchors[()] = Anchored(put_together=whole.put_together)
    root = _Growing()
    for each in iepd.catalog.fields:
        root.plant(each, each.path, decided[each.path])
    return SharingRules(
        mou=mou.id,
        version=mou.version,
        clause=clause.id,
        exchange=iepd.id,
        tag=iepd.root,
        root=root.ripe((iepd.root,), iepd.schema.components.elements[iepd.root].type, iepd, anchors),
        prefixes=dict(iepd.namespaces),
        facts=whole.facts,
        told=frozenset(part for condition in asked for part in parts(condition) if part.startswith(LAW)),
    )


@dataclass(slots=True)
class _Growing:
    """A node while the tree is built."""

    children: dict[str, "_Growing"] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    leaf: Outcome | None = None
    entry: Field | None = None

    def plant(self, each: Field, path: tuple[str, ...], outcome: Outcome) -> None:
        if not path:
            self.leaf, self.entry = outcome, each
        elif path[0].startswith("@"):
            self.attributes[path[0][1:]] = Attribute(each, outcome, each.kind == "identity")
        else:
            self.children.setdefault(path[0], _Growing()).plant(each, path[1:], outcome)

    def ripe(
        self,
        path: tuple[str, ...],
        type_name: str,
        iepd: Iepd,
        anchors: Mapping[tuple[str, ...], Anchored],
    ) -> Node:
        """The node at the end of this path, which begins with the root."""
        components = iepd.schema.components
        children = {}
        for name, child in self.children.items():
            element = components.element_in(type_name, name)
            below = element.type if element is not None else ""
            children[name] = child.ripe((*path, name), below, iepd, anchors)
        needs = _needs(type_name, components)
        seen = any(child.open for child in children.values())
        if len(path) == 1:  # below the root: anywhere else a container that lacks what it needs goes as a whole
            children |= {name: replace(each, open=True) for name, each in children.items() if _empty(name, each, needs)}
        released = self.leaf is not None and self.leaf.released
        shown = released or any(attribute.outcome.released for attribute in self.attributes.values())
        return Node(
            children=children,
            attributes=self.attributes,
            leaf=self.leaf,
            field=self.entry,
            # A leaf without its text is not there, so its attributes alone open nothing.
            open=released if self.leaf is not None else shown or seen,
            plain=self.leaf is not None and self.leaf.plain,
            needs=needs,
            anchored=anchors.get(path[1:], NOT_ANCHORED),
            gone=self._gone(),
            step=_step(path[-1], iepd.prefixes),
        )

    def _gone(self) -> tuple[str, str, str, str] | None:
        if self.leaf is None or self.entry is None or self.leaf.released:
            return None
        return self.entry.name, self.entry.label, self.leaf.how, self.leaf.clause


def _empty(name: str, child: Node, needs: tuple[Need, ...]) -> bool:
    """Whether a message must have this container and may have it with nothing in it: then it is built though nothing
    below it may be seen."""
    return child.leaf is None and not child.needs and any(name in need.names for need in needs)


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
