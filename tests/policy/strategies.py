"""Agreements nobody would write, for the laws of the cut: any labels and fields shared, removed, reduced, under any
condition of the message's facts and of law. The same seed gives the same policy; `policies` draws seeds."""

import random
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from gateway.iepd.facts import FactKind
from gateway.iepd.package import Iepd
from gateway.policy.mou import Clause, Grain, How, Item, Mou, Transform
from gateway.policy.restriction import Restriction
from gateway.policy.rules import SharingRules, compile_rules
from gateway.policy.transform import misfit
from tests.iepd.specifications import specification, specifications
from tests.policy.examples import clause_of, exchanges, mou_of, tiny

CONSENT = "law:consent"
"""A condition of law that holds for the whole message or does not."""

REDUCTIONS = (
    (How.MASK, {"keep_last": 2}),
    (How.MASK, {"keep_last": 0}),
    (How.GENERALIZE, {"to": Grain.YEAR}),
    (How.GENERALIZE, {"to": Grain.MONTH}),
    (How.GENERALIZE, {"to": Grain.DAY}),
    (How.GENERALIZE, {"to": Grain.CITY_STATE}),
    (How.REPLACE, {"text": "M"}),
    (How.REPLACE, {"text": "1999-09-09"}),
    (How.REPLACE, {"text": "true"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A clause under some law. holding: the conditions of law that hold for the message it is tried on."""

    clause: Clause
    restrictions: dict[tuple[str, ...], tuple[Restriction, ...]]
    holding: frozenset[str]

    @property
    def mou(self) -> Mou:
        """An agreement of this clause alone."""
        return mou_of(self.clause)

    def rules(self, iepd: Iepd) -> SharingRules:
        """The clause, compiled."""
        return compile_rules(self.mou, self.clause, iepd, self.restrictions)


@cache
def every_exchange() -> tuple[str, ...]:
    """Names that `exchange` knows: ours, the tiny one, and the real specifications where they are there."""
    return (*exchanges(), "tiny/1.0", *specifications())


def exchange(name: str) -> Iepd:
    """The exchange of this name."""
    if name == "tiny/1.0":
        return tiny()
    return exchanges()[name] if name in exchanges() else specification(name)


@cache
def _words(name: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Labels, names, and what a message must have, of an exchange."""
    catalog = exchange(name).catalog
    needed = tuple(dict.fromkeys(field.name for field in catalog.fields if field.required))
    return catalog.labels(), catalog.names(), needed


def policy(name: str, seed: int) -> Policy:
    """The policy of this seed."""
    return _Drafting(name, random.Random(f"policy {name} {seed}")).draft()


class _Drafting:
    def __init__(self, name: str, chance: random.Random) -> None:
        self._iepd, self._chance = exchange(name), chance
        self._labels, self._names, self._needed = _words(name)

    def draft(self) -> Policy:
        share = [*self._shared(), *self._conditional()]
        clause = clause_of(self._iepd, *share, transforms=tuple([*self._removed(), *self._reduced()]))
        return Policy(
            clause=clause,
            restrictions=self._restrictions(),
            holding=frozenset({CONSENT}) if self._chance.random() < 0.5 else frozenset(),
        )

    def _word(self) -> str:
        words = self._labels if self._chance.random() < 0.6 else self._names
        return self._chance.choice(words)

    def _shared(self) -> list[str | Item]:
        manner = self._chance.random()
        share: list[str | Item] = []
        if manner < 0.45:  # nearly everything
            without = {self._word() for _ in range(self._chance.randint(0, 6))}
            share += [label for label in self._labels if label not in without]
        else:
            share += [self._word() for _ in range(self._chance.randint(1, 40))]
        if self._chance.random() < 0.85:
            share += self._needed
        return share

    def _conditional(self) -> list[Item]:
        facts = [fact for fact in self._iepd.facts if fact.kind is FactKind.BOOLEAN]
        items = []
        for _ in range(self._chance.randint(0, 3) if facts else 0):
            word, fact = self._word(), self._chance.choice(facts)
            if all(each.path[: len(fact.each)] == fact.each for each in self._iepd.catalog.select(word)):
                condition = {self._chance.choice(["unless", "when"]): fact.name}
                items.append(Item(what=word, **condition))
        return items

    def _removed(self) -> list[Transform]:
        return [Transform(what=self._word(), how=How.REMOVE) for _ in range(self._chance.choice([0, 0, 1, 4]))]

    def _reduced(self) -> list[Transform]:
        found: list[Transform] = []
        taken: set[tuple[str, ...]] = set()
        for _ in range(self._chance.choice([0, 2, 12])):
            word = self._word()
            how, more = self._chance.choice(REDUCTIONS)
            transform = Transform(what=word, how=how, **more)  # type: ignore[arg-type]
            fields = self._iepd.catalog.select(word)
            if taken.isdisjoint(each.path for each in fields) and not any(misfit(transform, each) for each in fields):
                taken |= {each.path for each in fields}
                found.append(transform)
        return found

    def _restrictions(self) -> dict[tuple[str, ...], tuple[Restriction, ...]]:
        found: dict[tuple[str, ...], tuple[Restriction, ...]] = {}
        for _ in range(self._chance.choice([0, 0, 1, 3])):
            where = frozenset({CONSENT}) if self._chance.random() < 0.6 else frozenset[str]()
            for each in self._iepd.catalog.select(self._word()):
                found[each.path] = (Restriction(law="42 CFR 2.31", where=where),)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One message and one policy, by their seeds."""

    exchange: str
    message: int
    policy: int


def trials(names: tuple[str, ...]) -> st.SearchStrategy[Trial]:
    """Any message under any policy, of these exchanges."""
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(Trial, exchange=st.sampled_from(names), message=seeds, policy=seeds)
