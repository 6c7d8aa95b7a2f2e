"""Growing: the tree of nodes that one clause makes of an exchange.

Fields are planted by their paths, then the tree is made ripe from its leaves upward: what each type asks for, what
may stand empty, what is open, and what can never stand and so is closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.document.names import split, structures_version
from gateway.iepd.catalog import Field, Steps
from gateway.iepd.components import Components, Element
from gateway.iepd.package import Iepd
from gateway.policy.condition import NOT_ANCHORED, Anchored
from gateway.policy.image import stripping
from gateway.policy.manner import Nil, nil_of
from gateway.policy.mark import Mark, mark_of
from gateway.policy.mou import Clause, How, Manner
from gateway.policy.node import Attribute, Need, Node
from gateway.policy.outcome import DEFAULT, OUTSIDE, WITHHELD, Outcome
from gateway.policy.transform import in_place


@dataclass(frozen=True, slots=True)
class Compiling:
    """What the compiling of one clause looks at. `law`: fields that law withholds wherever they stand."""

    clause: Clause
    iepd: Iepd
    anchors: Mapping[Steps, Anchored]
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
class Growing:
    """A node while the tree is built."""

    children: dict[str, "Growing"] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    leaf: Outcome | None = None
    entry: Field | None = None

    def plant(self, each: Field, path: Steps, outcome: Outcome) -> None:
        if not path:
            self.leaf, self.entry = outcome, each
        elif path[0].startswith("@"):
            self.attributes[path[0][1:]] = _attribute(path[0][1:], each, outcome)
        else:
            self.children.setdefault(path[0], Growing()).plant(each, path[1:], outcome)

    def ripe(self, path: Steps, declared: Element | None, compiling: Compiling) -> Node:
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
        strip = stripping(self.entry) if self.entry is not None else None
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
            plain=leaf is not None and leaf.plain and strip is None and not self._names_ids(),
            needs=needs,
            anchored=compiling.anchors.get(path[1:], NOT_ANCHORED),
            gone=self._gone(leaf),
            step=_step(path[-1], compiling.iepd.prefixes),
            nil=self._nil(declared, leaf, compiling),
            names_ids=self._names_ids(),
            needs_id=shape.needs_id,
            metadata=shape.metadata or path[-1].endswith("Metadata"),
            strip=strip,
        )
        return node if lacking is None else replace(node, open=False, reason=node.cause(lacking))

    def _leaf_outcome(self, type_name: str, components: Components) -> Outcome | None:
        """What the clause says of it; but a place where the catalog ends and the schema does not is never shown."""
        if self.leaf is None or self.entry is None or self.entry.kind != "empty":
            return self.leaf
        ends = type_name in components.types and not components.children(type_name)
        return self.leaf if ends and not components.has_wildcard_content(type_name) else OUTSIDE

    @staticmethod
    def _is_abstract(type_name: str, name: str, compiling: Compiling) -> bool:
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

    def _nil(self, declared: Element | None, leaf: Outcome | None, compiling: Compiling) -> Nil:
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
    unlisted = marks and outcome.because is None and outcome.how == WITHHELD and outcome.clause == DEFAULT
    if unlisted:
        outcome = Outcome(how="", clause=DEFAULT)  # listed or not, it goes with its data
    is_id = each.value.builtin == "ID"
    return Attribute(
        field=each,
        outcome=outcome,
        names_ids=each.kind == "identity" and not is_id,
        is_id=is_id,
        binding=each.required or marks,
        unlisted=unlisted and each.kind == "string",
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


def other_ids(iepd: Iepd) -> frozenset[str]:
    """Attributes that are ids without being structures:id, of geography markup for one."""
    return frozenset(
        each.path[-1][1:] for each in iepd.catalog.fields if each.is_attribute and each.value.builtin == "ID"
    )
