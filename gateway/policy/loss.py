"""Loss: what an agreement gives and a recipient never gets, because something that must stand beside it is withheld."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.iepd.catalog import DEPTH_MAX, Field, Steps
from gateway.iepd.components import Components
from gateway.policy.fate import GONE, Fate
from gateway.policy.flaw import Culprit, Flaw, Wrong
from gateway.policy.inclusion import Step
from gateway.policy.outcome import DEFAULT, Outcome
from gateway.policy.place import Place
from gateway.policy.rules import Attribute, Need, Node
from gateway.policy.verdict import word

Held = frozenset[str]
Variants = Callable[[Place, Held], list[Held]]
_Key = tuple[int, Held]


class Losses:
    """Losses of one walk.

    variants  the conditions that may hold at a place, by those that hold above it
    note      takes each loss found
    """

    def __init__(self, components: Components, variants: Variants, note: Callable[[Flaw], None]) -> None:
        self._components, self._variants, self._note = components, variants, note
        self._told: dict[_Key, frozenset[int]] = {}
        self._also: dict[int, dict[Field, None]] = {}
        self._lacking: dict[_Key, tuple[Step, ...]] = {}

    def also(self, flaw: Flaw) -> tuple[Field, ...]:
        """What is lost outside of a flaw's place because that is lost."""
        found = self._also.get(id(flaw.place), {}) if flaw.wrong is Wrong.LOST else {}
        return tuple(field for field in found if field not in flaw.lost)

    def promised(self, place: Place, active: Held) -> Iterator[Field]:
        """Fields at and below a place that the rules give where these conditions hold."""
        waiting = [(place, active)]
        seen: set[_Key] = set()
        while waiting:
            at, held = waiting.pop()
            key = (id(at), held & at.asked)
            if key in seen:
                continue
            seen.add(key)
            node = at.node
            if node.leaf is None:
                yield from _given(node, held)
            elif node.field is not None and not node.leaf.withheld_in(held):
                yield node.field
                yield from _given(node, held)
            for child in reversed(at.children.values()):
                waiting.extend((child, each) for each in self._variants(child, held))

    def beside_text(self, place: Place, active: Held, *, stands: bool) -> None:
        """An element's text is withheld: its attributes go with it. `stands`: but for the required ones of an empty
        element that stands for it."""
        node = place.node
        if node.leaf is None or node.field is None or not node.attributes:
            return
        lost = tuple(field for field in _given(node, active) if not (stands and field.required))
        if lost:
            culprit = _culprit(node.field, node.leaf, active)
            self._note(
                Flaw(wrong=Wrong.LOST, place=place, holding=active & place.asked, lost=lost, culprits=(culprit,))
            )

    def beside_attribute(self, place: Place, active: Held, without: Attribute) -> None:
        """An attribute is withheld that its element cannot be without: that goes with it, and all that lies in it."""
        lost = tuple(dict.fromkeys(self.promised(place, active)))
        if lost:
            self._tell(
                Flaw(
                    wrong=Wrong.LOST,
                    place=place,
                    holding=active & place.asked,
                    lost=lost,
                    culprits=(_culprit(without.field, without.outcome, active),),
                    attribute=without.field.path[-1],
                )
            )

    def beside_children(self, place: Place, active: Held, fates: Mapping[str, Fate], lacking: tuple[Step, ...]) -> None:
        """An element does not have the children it needs, and goes. lacking: children of such an element."""
        self._lacking[id(place), active & place.asked] = lacking
        for need in place.node.needs:
            missing = tuple(tag for tag in sorted(need.names) if fates.get(tag, GONE).goes)
            if not missing:
                continue
            lost = tuple(self._lost(place, active, need))
            if not lost:
                continue
            told = self._told_below(place, active, missing)
            if told:
                self._told[id(place), active & place.asked] = told
                for each in told:
                    self._also.setdefault(each, {}).update(dict.fromkeys(lost))
                continue
            self._tell(
                Flaw(
                    wrong=Wrong.LOST,
                    place=place,
                    holding=active & place.asked,
                    steps=self._steps(place, fates, need, missing[0], lost) or tuple(lacking),
                    going=dict(self._going(place, active, missing[0])),
                    marks=frozenset(self._marks(place, active, missing[0])),
                    missing=missing,
                    lost=lost,
                    culprits=tuple(self._culprits(place, missing, active)),
                )
            )
            return

    def _lost(self, place: Place, active: Held, need: Need) -> Iterator[Field]:
        """What lies in the element beside what is missing. Where one of several is needed, the others are not beside
        it: the one that is there was left out, or nothing is missing."""
        alone = need.names if need.least == 1 else frozenset[str]()
        depth = len(place.path) - 1
        for field in dict.fromkeys(self.promised(place, active)):
            if field.path[depth] not in alone:
                yield field

    def _told_below(self, place: Place, active: Held, missing: Sequence[str]) -> frozenset[int]:
        """The places where the reason was told already for which all that is missing is lost; none when one was not."""
        told = [self._told_at(place.children[tag], active) for tag in missing if tag in place.children]
        return frozenset[int]().union(*told) if all(told) else frozenset()

    def _told_at(self, place: Place, active: Held) -> frozenset[int]:
        """The places where it was told why this one is lost; of one that is never open, why what is in it is."""
        for each in self._variants(place, active):
            told = self._told.get((id(place), each & place.asked))
            if told:
                return told
        if place.node.open:
            return frozenset()
        below = (
            self._told_at(child, each) for each in self._variants(place, active) for child in place.children.values()
        )
        return next((told for told in below if told), frozenset())

    def _culprits(self, place: Place, missing: Sequence[str], active: Held) -> Iterator[Culprit]:
        """The fields whose withholding leaves the element without what it needs."""
        for tag in missing:
            for at in place.children[tag].at_and_below() if tag in place.children else ():
                held = frozenset[str]().union(*self._variants(at, active))
                for field, outcome in _own_outcomes(at.node):
                    if outcome.withheld_in(held):
                        yield _culprit(field, outcome, held)

    def _going(self, place: Place, active: Held, tag: str) -> Iterator[tuple[Steps, tuple[str, ...]]]:
        """Children by which this child goes, and those in it by which it does not have what it needs."""
        child = place.children.get(tag)
        for held in self._variants(child, active) if child is not None else ():
            lacking = self._lacking.get((id(child), held & child.asked)) if child is not None else None
            if child is not None and lacking is not None:
                yield child.path[1:], tuple(step.name for step in lacking)
                gone = next((step.name for step in lacking if step.left is None), None)
                if gone is not None and len(child.path) < DEPTH_MAX:
                    yield from self._going(child, held, gone)
                return

    def _marks(self, place: Place, active: Held, tag: str) -> Iterator[Steps]:
        """Marks by which this child goes, or one in it that it needs."""
        child = place.children.get(tag)
        if child is None:
            return
        for held in self._variants(child, active):
            for name, attribute in child.node.attributes.items():
                if attribute.binding and not attribute.field.required and attribute.outcome.withheld_in(held):
                    yield (*child.path[1:], f"@{name}")
            lacking = self._lacking.get((id(child), held & child.asked), ())
            gone = next((step.name for step in lacking if step.left is None), None)
            if gone is not None and len(child.path) < DEPTH_MAX:
                yield from self._marks(child, held, gone)

    def _steps(
        self, place: Place, fates: Mapping[str, Fate], need: Need, missing: str, lost: Sequence[Field]
    ) -> tuple[Step, ...]:
        """Children of such an element, one of them with a field that is lost; () for more than a plain sequence."""
        slots = self._components.slots(place.type) or ()
        failing = next((slot for slot in slots if slot.names == need.names), None)
        if failing is None:
            return ()
        shown = lost[0].path[len(place.path) - 1]
        fates = {**fates, shown: Fate(stays=True, goes=False, names=frozenset({shown}))}
        return word(slots, fates, failing, missing, shown)

    def _tell(self, flaw: Flaw) -> None:
        self._told[id(flaw.place), flaw.holding] = frozenset({id(flaw.place)})
        self._note(flaw)


def _given(node: Node, active: Held) -> Iterator[Field]:
    """The attributes that the clause gives here. A list of ids is nothing to promise: it tells that two things belong
    together, and where one is not given there is nothing to tell. Nor is a handling mark that goes with its data."""
    return (a.field for a in node.attributes.values() if _promises(a) and not a.outcome.withheld_in(active))


def _promises(attribute: Attribute) -> bool:
    """Whether an attribute that is released was promised."""
    return not attribute.names_ids and attribute.outcome.clause != DEFAULT


def _own_outcomes(node: Node) -> Iterator[tuple[Field, Outcome]]:
    if node.leaf is not None and node.field is not None:
        yield node.field, node.leaf
    for attribute in node.attributes.values():
        yield attribute.field, attribute.outcome


def _culprit(field: Field, outcome: Outcome, held: Held) -> Culprit:
    return Culprit(field=field, clause=outcome.clause_in(held), conditions=outcome.unless & held)
