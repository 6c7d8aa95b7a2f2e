"""Sameness: what becomes of a field because its object may stand in other places of the message too.

structures:id, ref and uri make two elements one object, and what one place may not show, none may (`identity`). Which
elements a message joins nobody knows beforehand. So every element that can carry such an attribute is taken to be the
same object as every other, and a field of it to fare as the fields that lie on the same way below the others. An
element that points at another goes when that one goes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.document.names import split, structures_version
from gateway.iepd.catalog import Field
from gateway.iepd.components import Components
from gateway.policy.outcome import Outcome, same_kind
from gateway.policy.place import Place

_IDENTITIES = frozenset({"id", "ref", "uri"})
_Way = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What other places may do to a field. renames: elements that may hold its lesser form."""

    withheld: bool = False
    reduced: bool = False
    renames: frozenset[str] = frozenset()


NOWHERE, _WITHHELD = Elsewhere(), Elsewhere(withheld=True)


@dataclass(slots=True)
class _Others:
    """What lies at the end of one way: whether any of it may be withheld, and all that is reduced."""

    withheld: bool = False
    reduced: list[tuple[Field, Outcome]] = field(default_factory=list)

    def add(self, each: Field, outcome: Outcome) -> None:
        self.withheld = self.withheld or not outcome.released or bool(outcome.unless)
        if outcome.released and outcome.change is not None:
            self.reduced.append((each, outcome))


class Sameness:
    """Of one clause's rules. Not changed after it was built.

    bearers  elements that can carry structures:id, ref or uri
    unsure   something in reach of a pointer may be withheld or reduced
    """

    def __init__(self, root: Place, components: Components) -> None:
        self._components = components
        self._bears: dict[str, bool] = {}
        self._unknown = False
        self._other: dict[_Way, _Others] = {}
        every = list(root.at_and_below())
        self.bearers = {place.tag for place in every if self._bearing(place.type)}
        self.unsure = False
        for place in every:
            self._note(place)
        self.unsure = self.unsure or self._unknown or bool(self._other)

    def _bearing(self, type_name: str) -> bool:
        if type_name not in self._bears:
            self._bears[type_name] = any(
                local in _IDENTITIES and structures_version(namespace) is not None
                for namespace, local in map(split, self._components.attributes_of(type_name))
            )
        return self._bears[type_name]

    def _note(self, place: Place) -> None:
        node, components = place.node, self._components
        if not components.is_simple(place.type):
            # There may be elements in it that the rules do not know, and objects in those: nothing of them is shared.
            self._unknown = (
                self._unknown
                or bool(components.extensions(place.type))
                or any(each.wildcard for each in components.lineage(place.type))
                or (node.leaf is not None and bool(components.children(place.type)))
            )
        if not node.open and place.tag in self.bearers:
            self.unsure = True
        if node.leaf is not None and node.field is not None and not node.leaf.plain:
            for way in self._ways(place.path):
                self._other.setdefault(way, _Others()).add(node.field, node.leaf)
        for name, attribute in node.attributes.items():
            if not attribute.outcome.plain:
                for way in self._ways(place.path):
                    other = self._other.setdefault((*way, "@" + name), _Others())
                    other.add(attribute.field, attribute.outcome)

    def _ways(self, path: _Way) -> Iterator[_Way]:
        """The way to the end of the path from every element on it that can carry an identity."""
        return (path[place + 1 :] for place, name in enumerate(path) if name in self.bearers)

    def may_point(self, place: Place) -> bool:
        """Whether an element may go because what it points at went, or because nobody points at it any more."""
        return place.tag in self.bearers and (self.unsure or place.node.metadata)

    def elsewhere(self, path: _Way, own: Field | None, outcome: Outcome, attribute: str = "") -> Elsewhere:
        """What other places may do to the field at this path, the root's name first."""
        withheld, found = False, []
        for way in self._ways(path):
            if self._unknown:
                return _WITHHELD
            other = self._other.get((*way, "@" + attribute) if attribute else way)
            if other is not None:
                withheld = withheld or other.withheld
                found += other.reduced
        if not found:
            return _WITHHELD if withheld else NOWHERE
        return _together(own, outcome, found, withheld=withheld)


def _together(
    own: Field | None, outcome: Outcome, others: Iterable[tuple[Field, Outcome]], *, withheld: bool
) -> Elsewhere:
    forms = {outcome.form} if outcome.change is not None else set()
    renames: set[str] = set()
    for each, other in others:
        forms.add(other.form)
        # A form made for another type of value, or written under another name, cannot be given here.
        if own is None or not same_kind(own, each, other):
            withheld = True
        elif other.becomes:
            renames.add(other.becomes)
    # Two lesser forms of one value: neither is given.
    return Elsewhere(withheld or len(forms) > 1, reduced=True, renames=frozenset(renames))
