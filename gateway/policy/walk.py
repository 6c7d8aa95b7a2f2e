"""Walk: what may become of every element of an exchange under the rules, from the leaves up.

One walk for one set of conditions that hold for the message. Facts about objects are asked anew at each object, so
below such a place every answer is looked at. Elements that lie in each other without end are looked at until nothing
changes; what may be left out only grows, so that ends.

There are two ways to walk. The first takes objects one by one: it tells what the agreement promises, and what of it
does not arrive. The second takes into account that any object may stand elsewhere in the message too, may be pointed
at, and that a value may be unreadable: more may be left out, and still what comes out must be valid.
"""

from collections.abc import Iterator

from gateway.iepd.catalog import Field
from gateway.iepd.components import Components
from gateway.iepd.content import TooLarge
from gateway.policy.fate import GONE, Fate, together
from gateway.policy.flaw import Culprit, Flaw, Wrong
from gateway.policy.inclusion import Step
from gateway.policy.mou import How
from gateway.policy.outcome import Outcome
from gateway.policy.place import Place
from gateway.policy.rules import Attribute, Node
from gateway.policy.sameness import NOWHERE, Elsewhere, Sameness
from gateway.policy.supposing import of_object
from gateway.policy.unfit import unfit
from gateway.policy.verdict import Verdict, judge, word

_ALWAYS = frozenset({How.MASK, How.REPLACE})
"""Transforms that any value can take."""

_NEVER = Fate(stays=False, goes=False)
_Key = tuple[int, frozenset[str]]


class Walk:
    """Walks of one clause's rules.

    sameness  None = objects are taken one by one
    unsure    conditions that may hold or not, at every place anew
    vital     elements that the message must have and that may be left out
    """

    def __init__(
        self,
        root: Place,
        components: Components,
        sameness: Sameness | None = None,
        unsure: frozenset[str] = frozenset(),
        strict_nil: bool = True,
    ) -> None:
        self._flaws: dict[tuple[Wrong, int], Flaw] = {}
        self.looked = 0
        self.vital: set[str] = set()
        self._root, self._components, self._sameness = root, components, sameness
        self._unsure, self._strict_nil = unsure, strict_nil
        self._fates: dict[_Key, Fate] = {}
        self._before: dict[_Key, Fate] = {}
        self._lossy: set[_Key] = set()
        self._under: set[_Key] = set()
        self._looped = False

    def root(self, active: frozenset[str]) -> Fate:
        """What may become of the message where these conditions hold."""
        while True:
            self._looped = False
            fate = self._fate(self._root, active)
            if not self._looped or self._fates == self._before:
                return fate
            self._before, self._fates = self._fates, {}

    def found(self) -> Iterator[tuple[tuple[Wrong, int], Flaw]]:
        """The flaws; of those of what comes out, the ones where anything can come out."""
        standing = {place for (place, _), fate in self._fates.items() if fate.stays}
        for key, flaw in self._flaws.items():
            if flaw.wrong is Wrong.LOST or all(id(place) in standing for place in flaw.place.above()):
                yield key, flaw

    def promised(self, place: Place, active: frozenset[str]) -> Iterator[Field]:
        """Fields at and below a place that the rules give where these conditions hold."""
        waiting = [(place, active)]
        seen: set[_Key] = set()
        while waiting:
            at, held = waiting.pop()
            key = (id(at), held & at.asked)
            if key in seen or not at.node.open:
                continue
            seen.add(key)
            node = at.node
            if node.leaf is not None and node.field is not None and not node.leaf.withheld_in(held):
                yield node.field
            if node.leaf is None:
                yield from _given(node, held)
            for child in reversed(at.children.values()):
                waiting.extend((child, each) for each in self._variants(child, held))

    # --- one place ---

    def _variants(self, place: Place, active: frozenset[str]) -> list[frozenset[str]]:
        """The conditions that may hold at an object, by every answer to the facts about it."""
        return [active] if self._unsure else of_object(place.node, active, place.asked)

    def _fate(self, place: Place, active: frozenset[str]) -> Fate:
        key = (id(place), active & place.asked)
        fate = self._fates.get(key)
        if fate is not None:
            return fate
        if key in self._under:  # met again below itself: what the walk before this one found
            self._looped = True
            return self._before.get(key, _NEVER)
        self._under.add(key)
        self.looked += 1
        node = place.node
        fate = self._leaf(place, node.leaf, active) if node.leaf is not None else self._container(place, active)
        self._under.discard(key)
        self._fates[key] = fate
        return fate

    def _child(self, place: Place, active: frozenset[str]) -> Fate:
        """What may become of an element, seen from its parent."""
        if not place.node.open:
            self._lose_attributes(place, active)
            return GONE
        fate = together(self._fate(place, each) for each in self._variants(place, active))
        if self._sameness is not None and not fate.goes and self._sameness.may_point(place.tag):
            return Fate(stays=fate.stays, goes=True, bare=fate.bare, names=fate.names, leaf=fate.leaf)
        return fate

    def _leaf(self, place: Place, outcome: Outcome, active: frozenset[str]) -> Fate:
        if outcome.withheld_in(active):
            self._lose_attributes(place, active)
            return GONE
        elsewhere = self._elsewhere(place, place.node.field, outcome)
        goes = elsewhere.withheld or bool(outcome.unless & self._unsure)
        goes = goes or (self._sameness is not None and (elsewhere.reduced or _may_fail(outcome)))
        without = self._without(place, active)
        if without is not None:
            if without.outcome.withheld_in(active):
                self._lose_leaf(place, without, active)
                return GONE
            goes = True
        for wrong, attribute in unfit(place, outcome, elsewhere.renames, self._components):
            self._note(Flaw(wrong=wrong, place=place, holding=active & place.asked, attribute=attribute))
        names = {outcome.becomes or place.tag} | elsewhere.renames
        return Fate(stays=True, goes=goes, names=frozenset(names), leaf=True)

    def _without(self, place: Place, active: frozenset[str]) -> Attribute | None:
        """A required attribute that is or may be withheld, and the element with it."""
        may: Attribute | None = None
        for name, attribute in place.node.attributes.items():
            if not attribute.field.required:
                continue
            outcome = attribute.outcome
            if outcome.withheld_in(active):
                return attribute
            elsewhere = self._elsewhere(place, attribute.field, outcome, name)
            unsure = self._sameness is not None and (attribute.names_ids or _may_fail(outcome))
            if unsure or elsewhere.withheld or elsewhere.reduced or outcome.unless & self._unsure:
                may = attribute
        return may

    def _elsewhere(self, place: Place, field: Field | None, outcome: Outcome, attribute: str = "") -> Elsewhere:
        if self._sameness is None:
            return NOWHERE
        return self._sameness.elsewhere(place.path, field, outcome, attribute)

    def _container(self, place: Place, active: frozenset[str]) -> Fate:
        without = self._without(place, active)
        if without is not None and without.outcome.withheld_in(active):
            self._lose_below(place, active, (), (), (_culprit(without),))
            return GONE
        node = place.node
        fates = {tag: self._child(child, active) for tag, child in place.children.items()}
        try:
            verdict = judge(self._components, place.type, node.needs, fates)
        except TooLarge:
            self._note(Flaw(wrong=Wrong.TOO_LARGE, place=place))
            return Fate(stays=True, goes=True, bare=True, names=frozenset({place.tag}))
        if verdict.stays:
            self._judge_container(place, active, verdict)
        if place.parent is None:
            self.vital |= set(self._missing(place, fates))
        if verdict.lacking is not None:
            self._lacking(place, active, verdict, fates)
        if not verdict.stays:
            return GONE
        kept = any(a.field.required and not a.names_ids for a in node.attributes.values())
        nil = place.element.nillable and not self._strict_nil
        return Fate(
            stays=True,
            goes=verdict.lacking is not None or without is not None,
            bare=(verdict.bare or nil) and not kept,
            names=frozenset({place.tag}),
            leaf=verdict.leaf and (not place.element.nillable or place.parent is None),
        )

    def _judge_container(self, place: Place, active: frozenset[str], verdict: Verdict) -> None:
        holding = active & place.asked
        if verdict.broken is not None:
            self._note(Flaw(wrong=Wrong.BROKEN, place=place, holding=holding, steps=verdict.broken))
        for wrong, attribute in unfit(place, None, frozenset(), self._components):
            self._note(Flaw(wrong=wrong, place=place, holding=holding, attribute=attribute))

    # --- what is lost ---

    def _lacking(self, place: Place, active: frozenset[str], verdict: Verdict, fates: dict[str, Fate]) -> None:
        """What is lost where the element does not have what it needs."""
        if self._sameness is not None or verdict.lacking is None:
            return
        missing = self._missing(place, fates)
        lossy = [
            tag
            for tag in missing
            if (child := place.children.get(tag)) is not None
            and any((id(child), each & child.asked) in self._lossy for each in self._variants(child, active))
        ]
        if lossy and len(lossy) == len([tag for tag in missing if tag in place.children]):
            self._lossy.add((id(place), active & place.asked))  # told below already
            return
        culprits = tuple(self._culprits(place, missing, active))
        self._lose_below(place, active, verdict.lacking, missing, culprits)

    def _missing(self, place: Place, fates: dict[str, Fate]) -> tuple[str, ...]:
        """Of the first need that may not be met: what may be there and left out."""
        for need in place.node.needs:
            going = tuple(tag for tag in sorted(need.names) if fates.get(tag, GONE).goes)
            if going:
                return going
        return ()

    def _culprits(self, place: Place, missing: tuple[str, ...], active: frozenset[str]) -> Iterator[Culprit]:
        """The fields whose withholding leaves the element without what it needs."""
        for tag in missing:
            child = place.children.get(tag)
            if child is None:
                continue
            for at in child.at_and_below():
                held = frozenset().union(*self._variants(at, active))
                for field, outcome in _own_outcomes(at.node):
                    if outcome.withheld_in(held):
                        clause = outcome.clause_in(held)
                        yield Culprit(field=field, clause=clause, conditions=outcome.unless & held)

    def _lose_leaf(self, place: Place, without: Attribute, active: frozenset[str]) -> None:
        if self._sameness is None and place.node.field is not None:
            self._lossy.add((id(place), active & place.asked))
            self._note(
                Flaw(
                    wrong=Wrong.LOST,
                    place=place,
                    holding=active & place.asked,
                    lost=(place.node.field,),
                    culprits=(_culprit(without),),
                    attribute=without.field.path[-1],
                )
            )

    def _lose_attributes(self, place: Place, active: frozenset[str]) -> None:
        """What is lost of an element whose text is withheld: its attributes go with it."""
        node = place.node
        if self._sameness is not None or node.leaf is None or node.field is None or not node.attributes:
            return
        lost = tuple(_given(node, active))
        if lost:
            culprit = Culprit(
                field=node.field, clause=node.leaf.clause_in(active), conditions=node.leaf.unless & active
            )
            holding = active & place.asked
            self._note(Flaw(wrong=Wrong.LOST, place=place, holding=holding, lost=lost, culprits=(culprit,)))

    def _lose_below(
        self,
        place: Place,
        active: frozenset[str],
        steps: tuple[Step, ...],
        missing: tuple[str, ...],
        culprits: tuple[Culprit, ...],
    ) -> None:
        if self._sameness is not None:
            return
        lost = tuple(dict.fromkeys(self.promised(place, active)))
        if not lost:
            return
        self._lossy.add((id(place), active & place.asked))
        flaw = Flaw(
            wrong=Wrong.LOST,
            place=place,
            holding=active & place.asked,
            steps=self._showing(place, steps, lost),
            missing=missing,
            lost=lost,
            culprits=culprits,
        )
        self._note(flaw)

    def _showing(self, place: Place, steps: tuple[Step, ...], lost: tuple[Field, ...]) -> tuple[Step, ...]:
        """The same children, and one with a field that is lost with them, where the order is plain to see."""
        depth = len(place.path) - 1
        shown = next((field.path[depth] for field in lost if len(field.path) > depth), "")
        slots = self._components.slots(place.type)
        absent = {step.name for step in steps if step.left is None}
        failing = next((slot for slot in slots or () if absent & slot.names), None)
        if slots is None or failing is None or shown.startswith("@"):
            return steps
        left = {shown: shown, **{step.name: step.left for step in steps if step.left}}
        fates = {name: Fate(stays=True, goes=False, names=frozenset({each})) for name, each in left.items()}
        return word(slots, fates, failing, min(absent & failing.names), shown)

    def _note(self, flaw: Flaw) -> None:
        """Keep the flaw that takes the fewest conditions."""
        key = (flaw.wrong, id(flaw.place))
        known = self._flaws.get(key)
        if known is None or len(flaw.holding) < len(known.holding):
            self._flaws[key] = flaw


def _given(node: Node, active: frozenset[str]) -> Iterator[Field]:
    """The attributes that the rules give here. A list of ids is nothing to promise: it tells that two things belong
    together, and where one is not given there is nothing to tell."""
    return (a.field for a in node.attributes.values() if not a.names_ids and not a.outcome.withheld_in(active))


def _own_outcomes(node: Node) -> Iterator[tuple[Field, Outcome]]:
    if node.leaf is not None and node.field is not None:
        yield node.field, node.leaf
    for attribute in node.attributes.values():
        yield attribute.field, attribute.outcome


def _culprit(attribute: Attribute) -> Culprit:
    return Culprit(field=attribute.field, clause=attribute.outcome.clause, conditions=attribute.outcome.unless)


def _may_fail(outcome: Outcome) -> bool:
    """Whether a value may be one that the transform cannot read; it is withheld then."""
    return outcome.change is not None and (outcome.because is None or outcome.because.how not in _ALWAYS)
