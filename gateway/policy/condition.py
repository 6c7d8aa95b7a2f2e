"""Condition: a short text that holds, or does not, where a field stands. Rules say where a field is withheld by them.

    protected                          the fact holds
    not protected                      it does not
    sud.origin may be part2-program    data comes from there, or nobody knows where from
    sud.origin is part2-program        data comes from there
    law:no consent sud.need            of law: told with each message, by no fact of it
    A and B                            all of these hold

What a fact leaves open it answers the strict way: every condition that it could make hold, holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from lxml import etree

from gateway.agency import Duty
from gateway.iepd.facts import Facts

LAW = "law:"
_AND = " and "


class Origin(StrEnum):
    """Where data comes from; `ec:OriginCode` of our exchanges has the same words."""

    PART2_PROGRAM = "part2-program"  # 42 CFR 2.11
    COVERED_ENTITY = "covered-entity"  # 45 CFR 160.103
    VICTIM_SERVICE_PROVIDER = "victim-service-provider"  # 34 U.S.C. 12291(a)
    CRIMINAL_INTELLIGENCE_FILE = "criminal-intelligence-file"  # 28 CFR 23.3(b)
    TIP = "tip"  # a lead nobody has found a basis for
    CORRECTIONS_RECORD = "corrections-record"
    OFFICER_OBSERVATION = "officer-observation"
    COURT = "court"


ORIGIN_OF: Mapping[Duty, Origin] = {
    Duty.PART2_PROGRAM: Origin.PART2_PROGRAM,
    Duty.COVERED_ENTITY: Origin.COVERED_ENTITY,
    Duty.VICTIM_SERVICE_PROVIDER: Origin.VICTIM_SERVICE_PROVIDER,
}
"""What an agency's duty says of everything it sends, whatever its messages say."""


def negation(fact: str) -> str:
    """The condition that a fact does not hold."""
    return f"not {fact}"


def comes_from(fact: str, origin: Origin, *, certain: bool) -> str:
    """The condition on a fact that tells an origin; `certain` leaves out what comes from nobody knows where."""
    return f"{fact} {'is' if certain else 'may be'} {origin}"


def no_consent(label: str) -> str:
    """The condition that nobody consented to giving fields of this label to this recipient for this purpose."""
    return f"{LAW}no consent {label}"


def together(conditions: Iterable[str]) -> str:
    """The condition that all of these hold."""
    return _AND.join(sorted(conditions))


def parts(condition: str) -> frozenset[str]:
    """The conditions that one is put together of; itself when it is not."""
    return frozenset(condition.split(_AND))


def fact_of(condition: str) -> str:
    """The fact that a condition asks for, "" when it is told with the message. Not of one that is put together."""
    return "" if condition.startswith(LAW) else condition.removeprefix("not ").split(" ", 1)[0]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One fact, and the conditions that each answer makes hold; `unsure` for any other answer."""

    fact: str
    holds: Mapping[bool | str, frozenset[str]]
    unsure: frozenset[str]

    def of(self, answer: bool | str) -> frozenset[str]:
        """The conditions that hold by this answer."""
        return self.holds.get(answer, self.unsure)

    @property
    def answers(self) -> tuple[frozenset[str], ...]:
        """What may hold, whatever the answer."""
        return tuple(dict.fromkeys((*self.holds.values(), self.unsure)))


def ask(fact: str, conditions: Iterable[str]) -> Asked:
    """What to make of a fact's answer. `conditions` are those on it that anybody asks for."""
    asked = frozenset(conditions)
    if asked <= {fact, negation(fact)}:
        return Asked(fact, {True: frozenset({fact}), False: frozenset({negation(fact)})}, asked)
    holds: dict[bool | str, frozenset[str]] = {
        origin: asked & {comes_from(fact, origin, certain=certain) for certain in (True, False)} for origin in Origin
    }
    unknown = {comes_from(fact, origin, certain=False) for origin in Origin}
    return Asked(fact, holds, asked & unknown)


@dataclass(frozen=True, slots=True, eq=False)
class Anchored:
    """The facts asked of one element, and the conditions that can be put together once they are answered.

    False where there are none; iterating gives the names of the facts.
    """

    facts: tuple[Asked, ...] = ()
    put_together: tuple[tuple[str, frozenset[str]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.facts or self.put_together)

    def __iter__(self) -> Iterator[str]:
        return (each.fact for each in self.facts)

    def hold(self, element: etree._Element, active: frozenset[str], facts: Facts) -> frozenset[str]:
        """The conditions that hold here: those from above, and those about this element."""
        return self._whole(active.union(*(each.of(facts.of(element, each.fact)) for each in self.facts)))

    def variants(self, active: frozenset[str]) -> list[frozenset[str]]:
        """Every set of conditions that may hold here below one from above: one for each way to answer the facts."""
        answers = product(*(each.answers for each in self.facts))
        return list(dict.fromkeys(self._whole(active.union(*each)) for each in answers))

    def _whole(self, held: frozenset[str]) -> frozenset[str]:
        more = [whole for whole, needed in self.put_together if needed <= held]
        return held.union(more) if more else held


NOT_ANCHORED = Anchored()


@dataclass(slots=True)
class _Place:
    asked: dict[str, set[str]] = field(default_factory=dict)
    put_together: list[tuple[str, frozenset[str]]] = field(default_factory=list)


def anchor(conditions: Iterable[str], each: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, ...], Anchored]:
    """Where facts are asked and conditions put together: by the path of the objects. () = the message.

    each  facts of the exchange by name, with the path of the objects they are asked of
    """
    places: dict[tuple[str, ...], _Place] = {}
    for condition in sorted(set(conditions)):
        needed = parts(condition)
        deepest: tuple[str, ...] = ()
        for part in needed:
            fact = fact_of(part)
            if fact in each:
                places.setdefault(each[fact], _Place()).asked.setdefault(fact, set()).add(part)
                deepest = max(deepest, each[fact], key=len)
        if len(needed) > 1:
            places.setdefault(deepest, _Place()).put_together.append((condition, needed))
    return {
        path: Anchored(
            tuple(ask(fact, asked) for fact, asked in sorted(place.asked.items())), tuple(place.put_together)
        )
        for path, place in places.items()
    }


def said(condition: str, titles: Mapping[str, str]) -> str:
    """A condition in words for people: "victim is protected", "no consent is on file for sud.need"."""
    return " and ".join(_said(part, titles) for part in sorted(parts(condition)))


def _said(part: str, titles: Mapping[str, str]) -> str:
    if part.startswith(LAW):
        words = part.removeprefix(LAW)
        return f"no consent is on file for {words.rsplit(' ', 1)[-1]}" if words.startswith("no consent") else words
    fact = fact_of(part)
    title = titles.get(fact, fact)
    if part == negation(fact):
        return f"it does not hold that {title}"
    _, _, rest = part.partition(" ")
    return f"{title} {rest}" if rest else title
