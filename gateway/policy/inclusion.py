"""Inclusion: whether what is left of every sequence of children is one that the schema takes.

The question is L(h(M)) ⊆ L(M): M is a content model, h says of each element what may become of it. Both sides are
read at once, as pairs of states - how far the message has come, how far what is left of it has come - so that it ends
for every model, and the first way found is a shortest one.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gateway.iepd.content import Automaton, TooLarge, takes

PAIRS_MAX = 100_000


class Step(NamedTuple):
    """One child: the element in the message, and the name under which it is left; None = it is left out."""

    name: str
    left: str | None


Options = Callable[[str], Sequence[str | None]]
"""What may become of an element: names it is left under, None = nothing."""


class Wanted(NamedTuple):
    """That many of these elements; as many count as are left."""

    names: frozenset[str]
    least: int


class At(NamedTuple):
    """A pair of states, and how many of each wanted kind are left so far; right None = the schema takes it no more."""

    left: int
    right: int | None
    counts: tuple[int, ...]


class Reading:
    """One model read with what is left of it.

    left    the model of the message; it may be that of a type that extends the declared one
    right   the model that what is left must fit
    known   elements that a wildcard may hold and that are not left out for being unknown
    """

    def __init__(self, left: Automaton, right: Automaton, wanted: Sequence[Wanted], known: Sequence[str]) -> None:
        self._left, self._right, self._wanted, self._known = left, right, tuple(wanted), tuple(known)

    def shortest(self, options: Options, goal: Callable[[At], bool]) -> tuple[Step, ...] | None:
        """A shortest sequence of children that the message may have and whose end meets the goal; None when there is
        none. Raises `TooLarge`."""
        start = At(0, 0, (0,) * len(self._wanted))
        came: dict[At, tuple[At, Step] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            at = waiting.popleft()
            if self._left.accepting[at.left] and goal(at):
                return _way(came, at)
            for step, after in self._after(at, options):
                if after not in came:
                    came[after] = (at, step)
                    waiting.append(after)
            if len(came) > PAIRS_MAX:
                raise TooLarge("too many pairs of states")
        return None

    def enough(self, at: At) -> bool:
        """Whether as many of everything wanted are left."""
        return all(count >= wanted.least for count, wanted in zip(at.counts, self._wanted, strict=True))

    def fits(self, at: At) -> bool:
        """Whether the schema takes what is left."""
        return at.right is not None and self._right.accepting[at.right]

    def _after(self, at: At, options: Options) -> Iterator[tuple[Step, At]]:
        for name, target in self._moves(at.left):
            for left in options(name):
                if left is None:
                    yield Step(name, None), At(target, at.right, at.counts)
                else:
                    right = None if at.right is None else self._right.after(at.right, left)
                    yield Step(name, left), At(target, right, self._counted(at.counts, left))

    def _moves(self, state: int) -> Iterator[tuple[str, int]]:
        yield from self._left.moves[state].items()
        for wildcard, target in self._left.wild[state]:
            yield "*", target
            yield from ((name, target) for name in self._known if takes(wildcard, name))

    def _counted(self, counts: tuple[int, ...], name: str) -> tuple[int, ...]:
        """More than what is wanted need not be told apart."""
        return tuple(
            min(count + (name in wanted.names), wanted.least)
            for count, wanted in zip(counts, self._wanted, strict=True)
        )


def _way(came: dict[At, tuple[At, Step] | None], at: At) -> tuple[Step, ...]:
    steps: list[Step] = []
    before = came[at]
    while before is not None:
        steps.append(before[1])
        before = came[before[0]]
    return tuple(reversed(steps))
