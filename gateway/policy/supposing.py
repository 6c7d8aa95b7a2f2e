"""Supposing: every set of conditions that may hold, where a proof has no message to ask."""

from collections.abc import Iterable
from itertools import product

from gateway.iepd.facts import FactKind
from gateway.iepd.package import Iepd
from gateway.policy.mou import Clause
from gateway.policy.outcome import negation
from gateway.policy.rules import Node, SharingRules

FACTS_MAX = 6
"""Facts and conditions of the whole message that are told apart: 64 sets of them."""

ANCHORED_MAX = 6
"""Facts about one object that are told apart."""

Held = frozenset[str]


class TooManyFacts(ValueError):
    """More facts than are told apart."""


def of_message(rules: SharingRules, clause: Clause, iepd: Iepd, asked: Held) -> list[Held]:
    """The conditions that may hold for a message as a whole. Raises TooManyFacts.

    A route is taken only by messages whose facts are as it says, so other answers need not be looked at.
    """
    answers: list[list[Held]] = []
    facts = {fact.name: fact for fact in iepd.facts}
    for name in rules.facts:
        if facts[name].kind is not FactKind.BOOLEAN:
            answers.append([_both(name) & asked])
            continue
        routed = [condition.values for condition in clause.route if condition.fact == name]
        allowed = [value for value in (True, False) if all(value in values for values in routed)]
        answers.append([_one(name, value) & asked for value in allowed])
    of_law = [each for each in sorted(asked) if each.removeprefix(negation("")) not in facts]
    answers += [[frozenset(), frozenset({condition})] for condition in of_law]
    if len(answers) > FACTS_MAX:
        raise TooManyFacts
    held = (frozenset[str]().union(*each) for each in product(*answers))
    return [each for above in held for each in of_object(rules.root, above, asked)]


def of_object(node: Node, active: Held, asked: Held) -> list[Held]:
    """The conditions that may hold at an element: those from above, by every answer to the facts about it. Raises
    TooManyFacts."""
    facts = [name for name in node.anchored if _both(name) & asked] if node.anchored else []
    if not facts:
        return [active]
    if len(facts) > ANCHORED_MAX:
        raise TooManyFacts
    return [active.union(*each) for each in product(*([_one(name, True), _one(name, False)] for name in facts))]


def needed(conditions: Iterable[str]) -> Held:
    """The conditions that must be known to know whether these hold."""
    return frozenset(conditions)


def _one(fact: str, value: bool) -> Held:
    return frozenset({fact if value else negation(fact)})


def _both(fact: str) -> Held:
    return frozenset({fact, negation(fact)})
