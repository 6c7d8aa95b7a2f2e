"""Walk: what may become of every element of an exchange under the rules, from the leaves up.

One walk for one set of conditions that hold for the message. Facts about objects are asked anew at each object, so
below such a place every answer is looked at. Elements that lie in each other without end are looked at until nothing
changes; what may be left out only grows, so that ends.

There are two ways to walk. The first takes objects one by one: it tells what the agreement promises, and what of it
does not arrive. The second takes into account that any object may stand elsewhere in the message too, may be pointed
at, and that a value may be unreadable: more may be left out, and still what comes out must be valid.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ParamSpec

from gateway.iepd.catalog import Field
from gateway.iepd.components import Components
from gateway.iepd.content import TooLarge
from gateway.policy.fate import GONE, Fate, together
from gateway.policy.flaw import Flaw, Wrong
from gateway.policy.loss import Losses
from gateway.policy.manner import Nil
from gateway.policy.mou import How
from gateway.policy.outcome import Outcome
from gateway.policy.place import Place
from gateway.policy.rules import Attribute
from gateway.policy.sameness import NOWHERE, Elsewhere, Sameness
from gateway.policy.supposing import of_object
from gateway.policy.unfit import unfit
from gateway.policy.verdict import Verdict, judge

_ALWAYS = frozenset({How.MASK, How.REPLACE})
"""Transforms that any value can take."""

_NEVER = Fate(stays=False, goes=False)
_Key = tuple[int, frozenset[str]]
_P = ParamSpec("_P")


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
        self._losses = Losses(components, self._variants, self._note)
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
                yield key, replace(flaw, also=self._losses.also(flaw))

    def promised(self, place: Place, active: frozenset[str]) -> Iterator[Field]:
        """Fields at and below a place that the rules give where these conditions hold."""
        return self._losses.promised(place, active)

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
            self._lose(self._closed, place, active)
            return GONE
        fate = together(self._fate(place, each) for each in self._variants(place, active))
        if self._sameness is not None and not fate.goes and self._sameness.may_point(place):
            return Fate(stays=fate.stays, goes=True, bare=fate.bare, names=fate.names, leaf=fate.leaf)
        return fate

    def _closed(self, place: Place, active: frozenset[str]) -> None:
        """Tell what the rules give at and below a place that they never open: there they know what can never stand."""
        if not place.gives():
            return
        if place.node.leaf is not None:
            self._losses.beside_text(place, active, stands=False)
        elif self._is_abstract(place):
            self._note(Flaw(wrong=Wrong.ABSTRACT, place=place, holding=active & place.asked))
        else:
            for each in self._variants(place, active):
                self._fate(place, each)

    def _is_abstract(self, place: Place) -> bool:
        found = self._components.types.get(place.type)
        return found is not None and found.abstract

    def _leaf(self, place: Place, outcome: Outcome, active: frozenset[str]) -> Fate:
        if outcome.withheld_in(active):
            self._lose(self._losses.beside_text, place, active, stands=_leaves_a_trace(place, outcome, active))
            return self._stand_in(place, outcome, active)
        elsewhere = self._elsewhere(place, place.node.field, outcome)
        goes = elsewhere.withheld or bool(outcome.unless & self._unsure) or self._may_be_unmarked(place)
        goes = goes or (self._sameness is not None and (elsewhere.reduced or _may_fail(outcome)))
        without = self._goes_with(place, active)
        if without is not None:
            if _is_certain(without, active):
                return GONE
            goes = True
        for wrong, attribute in unfit(place, outcome, elsewhere.renames, self._components):
            self._note(Flaw(wrong=wrong, place=place, holding=active & place.asked, attribute=attribute))
        names = {outcome.becomes or place.tag} | elsewhere.renames
        # What is withheld for another reason than the clause's own leaves an empty element where one is needed.
        bare = goes and place.node.nil is Nil.NEEDED and without is None
        return Fate(stays=True, goes=goes and not bare, bare=bare, names=frozenset(names), leaf=not bare)

    def _stand_in(self, place: Place, outcome: Outcome, active: frozenset[str]) -> Fate:
        """What stands for a leaf that is withheld."""
        nil, names = place.node.nil, frozenset({place.tag})
        if nil is Nil.NEVER:
            return GONE
        if nil is Nil.NEEDED:
            return Fate(stays=True, goes=False, bare=True, names=names)
        without = self._without(place, active)
        if not _leaves_a_trace(place, outcome, active) or (without is not None and _is_certain(without, active)):
            return GONE
        return Fate(stays=True, goes=without is not None, names=names)

    def _without(self, place: Place, active: frozenset[str]) -> Attribute | None:
        """An attribute that is or may be withheld, and the element with it: a required one first that always is."""
        may: Attribute | None = None
        for name, attribute in place.node.attributes.items():
            if not attribute.binding:
                continue
            outcome = attribute.outcome
            if _is_certain(attribute, active):
                return attribute
            if outcome.withheld_in(active):
                may = attribute
                continue
            elsewhere = self._elsewhere(place, attribute.field, outcome, name)
            unsure = self._sameness is not None and (attribute.names_ids or attribute.is_id or _may_fail(outcome))
            if unsure or elsewhere.withheld or elsewhere.reduced or outcome.unless & self._unsure:
                may = may or attribute
        return may

    def _goes_with(self, place: Place, active: frozenset[str]) -> Attribute | None:
        """The same, and what is lost with it is told."""
        without = self._without(place, active)
        if without is not None and without.outcome.withheld_in(active):
            self._lose(self._losses.beside_attribute, place, active, without)
        return without

    def _elsewhere(self, place: Place, field: Field | None, outcome: Outcome, attribute: str = "") -> Elsewhere:
        if self._sameness is None:
            return NOWHERE
        return self._sameness.elsewhere(place.path, field, outcome, attribute)

    def _container(self, place: Place, active: frozenset[str]) -> Fate:
        without = self._goes_with(place, active)
        if without is not None and _is_certain(without, active):
            return self._bare(place)
        node = place.node
        fates = {tag: self._child(child, active) for tag, child in place.children.items()}
        try:
            verdict = judge(self._components, place.type, node.needs, fates)
        except TooLarge:
            self._note(Flaw(wrong=Wrong.TOO_LARGE, place=place))
            return Fate(stays=True, goes=True, bare=True, names=frozenset({place.tag}))
        if verdict.stays and node.open:
            self._judge_container(place, active, verdict)
        if place.parent is None:
            needed = frozenset[str]().union(*(need.names for need in node.needs))
            self.vital |= {tag for tag in needed if fates.get(tag, GONE).goes}
        if verdict.lacking is not None:
            self._lose(self._losses.beside_children, place, active, fates, verdict.lacking)
        if not verdict.stays:
            return self._bare(place)
        kept = any(a.field.required and not a.names_ids and not a.is_id for a in node.attributes.values())
        nil = place.element.nillable and not self._strict_nil
        goes = verdict.lacking is not None or without is not None
        empty = goes and node.nil is not Nil.NEVER
        return Fate(
            stays=True,
            goes=(goes and not empty) or self._may_be_unmarked(place),
            bare=((verdict.bare or nil) and not kept) or empty,
            names=frozenset({place.tag}),
            leaf=verdict.leaf and not empty and (not place.element.nillable or place.parent is None),
        )

    def _bare(self, place: Place) -> Fate:
        """What stands for a container that goes."""
        if place.node.nil is Nil.NEVER:
            return GONE
        return Fate(stays=True, goes=False, bare=True, names=frozenset({place.tag}))

    def _may_be_unmarked(self, place: Place) -> bool:
        """Whether it may carry a handling mark that nobody knows, and go for that."""
        return self._sameness is not None and any(
            each.attribute_wildcard for each in self._components.lineage(place.type)
        )

    def _judge_container(self, place: Place, active: frozenset[str], verdict: Verdict) -> None:
        holding = active & place.asked
        if verdict.broken is not None:
            self._note(Flaw(wrong=Wrong.BROKEN, place=place, holding=holding, steps=verdict.broken))
        for wrong, attribute in unfit(place, None, frozenset(), self._components):
            self._note(Flaw(wrong=wrong, place=place, holding=holding, attribute=attribute))

    def _lose(self, told: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """What is lost is told where objects are taken one by one: nothing is promised of one that stands twice."""
        if self._sameness is None:
            told(*args, **kwargs)

    def _note(self, flaw: Flaw) -> None:
        """Keep the flaw that takes the fewest conditions."""
        key = (flaw.wrong, id(flaw.place))
        known = self._flaws.get(key)
        if known is None or len(flaw.holding) < len(known.holding):
            self._flaws[key] = flaw


def _leaves_a_trace(place: Place, outcome: Outcome, active: frozenset[str]) -> bool:
    """Whether the agreement wants an empty element to stand for a leaf that is withheld. For what law withholds none
    does."""
    wanted = place.node.nil in {Nil.ALWAYS, Nil.EXPLAINED}
    return wanted and not any(condition in active for condition, _ in outcome.laws)


def _is_certain(attribute: Attribute, active: frozenset[str]) -> bool:
    """Whether no element can come out for want of it: others may come without a mark."""
    return attribute.field.required and attribute.outcome.withheld_in(active)


def _may_fail(outcome: Outcome) -> bool:
    """Whether a value may be one that the transform cannot read; it is withheld then."""
    return outcome.change is not None and (outcome.because is None or outcome.because.how not in _ALWAYS)
