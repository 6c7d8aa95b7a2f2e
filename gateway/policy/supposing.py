"""Supposing: every set of conditions that may hold, where a proof has no message to ask."""

from collections.abc import Iterable
from itertools import product
from math import prod

from gateway.policy.condition import parts
from gateway.policy.mou import Clause
from gateway.policy.rules import Node, SharingRules

SETS_MAX = 256
"""Sets of conditions of one message, or of one object below one set from above, that are told apart."""

Held = frozenset[str]


class TooManyFacts(ValueError):
    """More facts than are told apart."""


def of_message(rules: SharingRules, clause: Clause, asked: Held) -> list[Held]:
    """The conditions that may hold for a message as a whole. Raises TooManyFacts.

    A route is taken only by messages whose facts are as it says, so other answers need not be looked at.
    """
    answers: list[list[Held]] = []
    for each in rules.facts:
        routed = [condition.values for condition in clause.route if condition.fact == each.fact]
        values = {value for found in routed for value in found if all(value in other for other in routed)}
        found = [each.of(value) & asked for value in sorted(values, key=str)] if routed else each.answers
        answers.append(list(dict.fromkeys(found)))
    answers += [[frozenset(), frozenset({condition})] for condition in sorted(rules.told & asked)]
    if prod(map(len, answers)) > SETS_MAX:
        raise TooManyFacts
    held = (frozenset[str]().union(*each) for each in product(*answers))
    return [each for above in held for each in of_object(rules.root, above, asked)]


def of_object(node: Node, active: Held, asked: Held) -> list[Held]:
    """The conditions that may hold at an element: those from above, by every answer to the facts about it. Raises
    TooManyFacts."""
    if not node.anchored:
        return [active]
    if prod(len(each.answers) for each in node.anchored.facts) > SETS_MAX:
        raise TooManyFacts
    return list(dict.fromkeys(each & asked for each in node.anchored.variants(active)))


def needed(conditions: Iterable[str]) -> Held:
    """The conditions that must be known to know whether these hold: one that is put together hangs on its parts."""
    return frozenset[str]().union(*(parts(condition) | {condition} for condition in conditions))
