"""Place: every element of the rules with its type, looked at once for a proof."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.iepd.catalog import Field
from gateway.iepd.components import ANY_TYPE, Components, Element
from gateway.policy.outcome import DEFAULT, Outcome
from gateway.policy.rules import Node, SharingRules
from gateway.policy.supposing import needed


@dataclass(slots=True, eq=False)
class Place:
    """One element of the rules.

    path      tags from the root to it
    children  the places below it, by tag
    asked     conditions that anything at or below it asks for
    """

    path: tuple[str, ...]
    element: Element
    node: Node
    children: dict[str, "Place"]
    asked: frozenset[str]
    parent: "Place | None"

    @property
    def tag(self) -> str:
        """Its own tag."""
        return self.path[-1]

    @property
    def type(self) -> str:
        """Name of its declared type."""
        return self.element.type

    def above(self) -> Iterator["Place"]:
        """The places above it, nearest first."""
        place = self.parent
        while place is not None:
            yield place
            place = place.parent

    def at_and_below(self) -> Iterator["Place"]:
        """Itself and every place below it, in the order of the rules."""
        seen = {id(self)}
        waiting = [self]
        while waiting:
            place = waiting.pop()
            yield place
            fresh = [each for each in place.children.values() if id(each) not in seen]
            seen.update(map(id, fresh))
            waiting.extend(reversed(fresh))

    def gives(self) -> bool:
        """Whether the rules give anything at or below it, whatever becomes of that."""
        return any(outcome.released and outcome.clause != DEFAULT for at in self.at_and_below() for outcome in at.own())

    def own(self) -> Iterator[Outcome]:
        """What becomes of the fields that it holds itself."""
        if self.node.leaf is not None:
            yield self.node.leaf
        for attribute in self.node.attributes.values():
            yield attribute.outcome

    def fields(self) -> Iterator[Field]:
        """The fields that it holds itself: its text and its attributes."""
        if self.node.field is not None:
            yield self.node.field
        for attribute in self.node.attributes.values():
            yield attribute.field


def places(rules: SharingRules, components: Components) -> Place:
    """The root's place. A node that is met twice is one place: rules of a schema that contains itself stay finite."""
    known: dict[int, Place] = {}
    root = _place((rules.tag,), components.elements[rules.tag], rules.root, None)
    known[id(rules.root)] = root
    order = [root]
    for place in order:  # grows while it is walked
        for tag, node in place.node.children.items():
            below = known.get(id(node))
            if below is None:
                element = components.element_in(place.type, tag) or Element(name=tag, type=ANY_TYPE)
                below = known[id(node)] = _place((*place.path, tag), element, node, place)
                order.append(below)
            place.children[tag] = below
    _ask(order)
    return root


def _place(path: tuple[str, ...], element: Element, node: Node, parent: Place | None) -> Place:
    own = [attribute.outcome.unless for attribute in node.attributes.values()]
    if node.leaf is not None:
        own.append(node.leaf.unless)
    return Place(path, element, node, {}, needed(frozenset[str]().union(*own)), parent)


def _ask(order: list[Place]) -> None:
    """Hand up what is asked below, until nothing changes: once for a tree."""
    changed = True
    while changed:
        changed = False
        for place in reversed(order):
            below = [child.asked for child in place.children.values() if not child.asked <= place.asked]
            if below:
                place.asked = place.asked.union(*below)
                changed = True
