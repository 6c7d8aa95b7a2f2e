"""What law says of one clause and one recipient: worked out once, when an agreement comes into force.

What is left for the moment of a decision is in few conditions: consents, and what facts say of each object.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product

from lxml import etree

from gateway.iepd.catalog import Field, Steps
from gateway.iepd.facts import Fact, FactKind, Facts
from gateway.iepd.package import Iepd
from gateway.policy.condition import (
    ORIGIN_OF,
    Anchored,
    anchor,
    comes_from,
    negation,
    no_consent,
)
from gateway.policy.law import LawRule, Mandates, Parties, open_bases, speaks
from gateway.policy.mandate import Mandate
from gateway.policy.mou import Clause, Condition, Deadline, How
from gateway.policy.restriction import Restriction, Restrictions
from gateway.policy.special import special

ORIGIN = "origin"
"""Last word of a fact that tells where the objects come from that it is asked of: "sud.origin"."""

Where = frozenset[str]
"""Conditions that all hold."""

_ANYWHERE: tuple[Where, ...] = (frozenset(),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A deadline of law."""

    law: str
    deadline: Deadline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """Fields of a message for which a rule on the recipient's handling counts.

    places    paths of the elements that hold them
    where     conditions that hold there
    withheld  conditions under each of which law withholds them, so that nothing of them goes
    """

    places: tuple[Steps, ...]
    where: Where
    withheld: frozenset[Where]
    asked: Anchored

    def stands(self, root: etree._Element, facts: Facts, holding: frozenset[str]) -> bool:
        """Whether the message has such a field."""
        elements = (element for path in self.places for element in _elements(root, path))
        return any(self._goes(self.asked.hold(element, holding, facts)) for element in elements)

    def _goes(self, held: frozenset[str]) -> bool:
        return self.where <= held and not any(where <= held for where in self.withheld)


def _elements(root: etree._Element, path: Steps) -> list[etree._Element]:
    found = [root]
    for tag in path:
        found = [child for element in found for child in element.iterchildren(tag)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What law asks of whoever gets the data: counts where one of the cases stands."""

    law: str
    notice: str
    no_onward: bool
    keep: timedelta | None
    cases: frozenset[Case]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What law asks of the recipient of one message. keep: None = law is silent; laws: the sections that ask."""

    notices: tuple[str, ...] = ()
    no_onward: bool = False
    keep: timedelta | None = None
    laws: tuple[str, ...] = ()


NOTHING_ASKED = Handed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What law says of one clause and one recipient.

    blocked    section that forbids the whole message, whatever it says; "" = none does
    route      facts of the message without which law gives nothing, each with its section
    cases      all those of the handlings
    consents   labels whose fields go with a consent only
    special    whether the clause gives anything of which each disclosure is accounted for
    """

    restrictions: Restrictions = field(default_factory=dict)
    blocked: str = ""
    route: tuple[tuple[Condition, str], ...] = ()
    mandates: tuple[Mandate, ...] = ()
    dues: tuple[Due, ...] = ()
    handlings: tuple[Handling, ...] = ()
    cases: frozenset[Case] = frozenset()
    consents: frozenset[str] = frozenset()
    special: bool = False

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The route by itself."""
        return tuple(condition for condition, _ in self.route)

    def says_as(self, other: "Bound") -> bool:
        """Whether it says the same of what is let out, and of what must be."""
        same = (self.restrictions, self.blocked, self.route, self.mandates)
        return same == (other.restrictions, other.blocked, other.route, other.mandates)

    def handed(self, root: etree._Element, facts: Facts, holding: frozenset[str]) -> Handed:
        """What travels with one message. `holding`: the conditions of law that hold for it."""
        if not self.handlings:
            return NOTHING_ASKED
        standing = {case for case in self.cases if case.stands(root, facts, holding)}
        counts = [each for each in self.handlings if not each.cases.isdisjoint(standing)]
        if not counts:
            return NOTHING_ASKED
        return Handed(
            notices=tuple(dict.fromkeys(each.notice for each in counts if each.notice)),
            no_onward=any(each.no_onward for each in counts),
            keep=min((each.keep for each in counts if each.keep is not None), default=None),
            laws=tuple(dict.fromkeys(each.law for each in counts)),
        )


def bind(rules: Iterable[LawRule], clause: Clause, iepd: Iepd, between: Parties) -> Bound:
    """What these rules say of a clause and a recipient."""
    category = clause.exchange.partition("/")[0]
    spoken = [rule for rule in rules if speaks(rule, purpose=clause.purpose, category=category, between=between)]
    told = (_whole(rule, clause, iepd, between) for rule in spoken if rule.whole)
    whole = [found for found in told if found is not None]
    blocked = min((section for condition, section in whole if condition is None), default="")
    route = tuple(dict.fromkeys((condition, section) for condition, section in whole if condition is not None))
    binder = _Binder(clause, iepd, between, frozenset(condition.fact for condition, _ in route))
    every = {each.path: binder.restrictions(spoken, each) for each in iepd.catalog.fields}
    restrictions = {path: found for path, found in every.items() if found}
    found = dict.fromkeys(binder.handling(rule, restrictions) for rule in spoken)
    handlings = tuple(each for each in found if each is not None)
    return Bound(
        restrictions=restrictions,
        blocked=blocked,
        route=route,
        mandates=tuple(
            Mandate(law=rule.section, text=rule.text, labels=rule.labels, no_more=rule.mandate is Mandates.NO_MORE)
            for rule in spoken
            if rule.mandate is not None
        ),
        dues=tuple(Due(law=rule.section, deadline=rule.deadline) for rule in spoken if rule.deadline is not None),
        handlings=handlings,
        cases=frozenset[Case]().union(*(each.cases for each in handlings)),
        consents=binder.consents(restrictions),
        special=special(each.label for each in given(clause, iepd)),
    )


def restricted(law: Bound, iepd: Iepd) -> Restrictions:
    """What law withholds, field by field: all of it where the whole message is blocked."""
    if not law.blocked:
        return law.restrictions
    return {each.path: (Restriction(law=law.blocked),) for each in iepd.catalog.fields}


def _whole(rule: LawRule, clause: Clause, iepd: Iepd, between: Parties) -> tuple[Condition | None, str] | None:
    """What a rule on whole messages asks of a message; a condition of None = nothing helps. None = it says nothing.

    An exchange that has fields of which the rule speaks, and no fact by which to tell, gives nothing: nobody may guess.
    """
    if open_bases(rule, "", purpose=clause.purpose, between=between):
        return None
    marked = any(rule.speaks_of(label) for label in iepd.catalog.labels())
    if not rule.when:
        return (None, rule.section) if marked else None
    fact = nearest(iepd.facts, (), rule.when, FactKind.BOOLEAN)
    if fact is not None:
        return Condition(fact=fact.name, values=(False,)), rule.section
    return (None, rule.section) if marked else None


class _Binder:
    """One clause and one recipient.

    never  facts that do not hold for any message that law lets go
    """

    def __init__(self, clause: Clause, iepd: Iepd, between: Parties, never: frozenset[str]) -> None:
        self._clause, self._iepd, self._between, self._never = clause, iepd, between, never
        self._each = {fact.name: fact.each for fact in iepd.facts}
        self._given = given(clause, iepd)
        self._cases: dict[tuple[tuple[Steps, ...], Where, frozenset[Where]], Case] = {}

    def restrictions(self, rules: Iterable[LawRule], field: Field) -> tuple[Restriction, ...]:
        """What withholds a field, whatever else the clause says of it."""
        found: dict[tuple[str, Where], None] = {}
        for rule in rules:
            if rule.withholds and not rule.whole and rule.speaks_of(field.label):
                found.update(((rule.section, where), None) for where in self._withheld(rule, field))
        return tuple(Restriction(law=law, where=where) for law, where in found if where.isdisjoint(self._never))

    def consents(self, restrictions: Restrictions) -> frozenset[str]:
        """Labels of fields that the clause gives and law lets go with a consent."""
        return frozenset(
            each.label
            for each in self._given
            if any(no_consent(each.label) in restriction.where for restriction in restrictions.get(each.path, ()))
        )

    def handling(self, rule: LawRule, restrictions: Restrictions) -> Handling | None:
        """What a rule asks of the recipient; None when this clause gives nothing of which it speaks."""
        if not (rule.notice or rule.no_onward or rule.keep is not None):
            return None
        cases: dict[tuple[Where, frozenset[Where]], list[Steps]] = {}
        for each in self._given:
            withheld = frozenset(restriction.where for restriction in restrictions.get(each.path, ()))
            if rule.speaks_of(each.label) and frozenset() not in withheld:
                place = each.path[:-1] if each.is_attribute else each.path
                for where in self._spoken(rule, each):
                    cases.setdefault((where, withheld), []).append(place)
        if not cases:
            return None
        return Handling(
            law=rule.section,
            notice=rule.notice,
            no_onward=rule.no_onward,
            keep=rule.keep,
            cases=frozenset(self._case(tuple(places), *case) for case, places in cases.items()),
        )

    def _case(self, places: tuple[Steps, ...], where: Where, withheld: frozenset[Where]) -> Case:
        """Rules that ask of the same fields share the case, so that a message is asked once."""
        key = (places, where, withheld)
        if key not in self._cases:
            anchors = anchor(where.union(*withheld), self._each)
            asked = Anchored(tuple(fact for anchored in anchors.values() for fact in anchored.facts))
            self._cases[key] = Case(places=places, where=where, withheld=withheld, asked=asked)
        return self._cases[key]

    def _withheld(self, rule: LawRule, field: Field) -> Iterator[Where]:
        """Where a rule withholds a field: where it speaks of it, and each of the grounds lacks something."""
        lacking: list[tuple[str, ...]] = []
        open_ = open_bases(rule, field.label, purpose=self._clause.purpose, between=self._between)
        if any(basis.settled for basis in open_):
            return
        for basis in open_:
            lacks: list[str] = []
            if basis.fact:
                fact = nearest(self._iepd.facts, field.path, basis.fact, FactKind.BOOLEAN)
                if fact is None:  # an exchange that cannot tell has no such ground
                    continue
                lacks.append(negation(fact.name))
            if basis.consent:
                lacks.append(no_consent(field.label))
            lacking.append(tuple(lacks))
        for where in self._spoken(rule, field):
            for chosen in product(*lacking):
                yield where.union(chosen)

    def _spoken(self, rule: LawRule, field: Field) -> Iterator[Where]:
        """Where a rule speaks of a field."""
        if not rule.when:
            yield from self._from(rule, field)
            return
        fact = nearest(self._iepd.facts, field.path, rule.when, FactKind.BOOLEAN)
        if fact is not None:  # an exchange that does not ask has no such objects
            for where in self._from(rule, field):
                yield where | {fact.name}

    def _from(self, rule: LawRule, field: Field) -> Iterable[Where]:
        """Where the data of a field comes from one of the rule's origins, or may."""
        if not rule.origins or any(ORIGIN_OF.get(duty) in rule.origins for duty in self._between.sender_duties):
            return _ANYWHERE
        fact = nearest(self._iepd.facts, field.path, ORIGIN, FactKind.TEXT)
        if fact is None:
            return _ANYWHERE if rule.unknown else ()
        return tuple(frozenset({comes_from(fact.name, each, certain=not rule.unknown)}) for each in rule.origins)


def nearest(facts: Iterable[Fact], path: Steps, word: str, kind: FactKind) -> Fact | None:
    """The fact with this last word that is asked of the innermost object a path lies in."""
    found = [
        fact
        for fact in facts
        if fact.kind is kind and fact.name.rpartition(".")[2] == word and path[: len(fact.each)] == fact.each
    ]
    return max(found, key=lambda fact: len(fact.each), default=None)


def given(clause: Clause, iepd: Iepd) -> tuple[Field, ...]:
    """The fields a clause lets through in some form."""
    listed = [item.what for item in clause.share]
    listed += [transform.what for transform in clause.transforms if transform.how is not How.REMOVE]
    removed = [transform.what for transform in clause.transforms if transform.how is How.REMOVE]
    select = iepd.catalog.select
    gone = {each.path for what in removed for each in select(what)}
    return tuple({each.path: each for what in listed for each in select(what) if each.path not in gone}.values())
