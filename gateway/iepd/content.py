"""Content: the content model of a type as the schema writes it - order, choice, repetition - and as an automaton.

`components` flattens models to "which children, how many", which is all that a message's way needs. To prove that
what is left of every possible message is still a message takes the model itself. It is read with the components and
compiled when it is first asked for.

Automata are made by derivatives: a state is what may still come, and the step by an element is what may come after
it. Counters are counted down exactly, so nothing is capped; a model with more than STATES_MAX states is refused
(`TooLarge`), and whoever wanted a proof has none. XSD asks for models that are deterministic (Unique Particle
Attribution), which keeps states few; where a model is not, two ways on become one state, and it stays exact.

Sources: XSD 1.0 part 1, 3.8 and 3.9; J. A. Brzozowski, "Derivatives of Regular Expressions", 1964.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from gateway.document.names import split

STATES_MAX = 5_000


class TooLarge(ValueError):
    """The model has more states than are looked at."""


class Kind(StrEnum):
    """What a part of a content model is."""

    ELEMENT = "element"
    SEQUENCE = "sequence"  # one after the other
    CHOICE = "choice"  # one of them
    ALL = "all"  # in any order
    ANY = "any"  # an element that is not named


@dataclass(frozen=True, slots=True)
class Content:
    """One part of a content model. most: None = unbounded.

    name   of an element; of ANY the namespaces it takes, as the schema writes them ("##any", "##other", a list)
    home   of ANY: the namespace that "##other" and "##targetNamespace" speak of
    """

    kind: Kind
    least: int = 1
    most: int | None = 1
    name: str = ""
    parts: tuple["Content", ...] = ()
    home: str = ""


NOTHING = Content(Kind.SEQUENCE)
"""The content of an element that has none."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a plain sequence: any of these elements, so many of them."""

    names: frozenset[str]
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Automaton:
    """A deterministic automaton; it begins in state 0.

    moves  per state, element to the state after it
    wild   per state, wildcards to the state after an element they take
    """

    moves: tuple[Mapping[str, int], ...]
    wild: tuple[tuple[tuple[Content, int], ...], ...]
    accepting: tuple[bool, ...]

    def after(self, state: int, name: str) -> int | None:
        """The state after this element, None when it may not come."""
        found = self.moves[state].get(name)
        if found is None:
            found = next((target for wildcard, target in self.wild[state] if takes(wildcard, name)), None)
        return found


def takes(wildcard: Content, name: str) -> bool:
    """Whether the wildcard takes an element of this name."""
    namespace, _ = split(name)
    words = wildcard.name.split() or ["##any"]
    if "##any" in words:
        return True
    if "##other" in words:
        return namespace not in {"", wildcard.home}
    meant = {{"##targetNamespace": wildcard.home, "##local": ""}.get(word, word) for word in words}
    return namespace in meant


def names(content: Content) -> Iterator[str]:
    """Names of the elements in it, as written."""
    if content.kind is Kind.ELEMENT:
        yield content.name
    for part in content.parts:
        yield from names(part)


def wildcards(content: Content) -> Iterator[Content]:
    """The wildcards in it."""
    if content.kind is Kind.ANY:
        yield content
    for part in content.parts:
        yield from wildcards(part)


def slots(content: Content, members: Callable[[str], Iterable[str]]) -> tuple[Slot, ...] | None:
    """The model as a plain sequence of slots with no element in two of them; None when it is more than that.

    members  the concrete elements that may stand where one is asked for
    """
    found = _slots(content, members)
    if found is None:
        return None
    every = [name for slot in found for name in slot.names]
    return found if len(every) == len(set(every)) else None


def _slots(content: Content, members: Callable[[str], Iterable[str]]) -> tuple[Slot, ...] | None:
    if content.most == 0:
        return ()
    once = (content.least, content.most) == (1, 1)
    if content.kind is Kind.ELEMENT:
        return (Slot(frozenset(members(content.name)), content.least, content.most),)
    if content.kind is Kind.SEQUENCE and (once or not content.parts):
        parts = [_slots(part, members) for part in content.parts]
        return None if any(part is None for part in parts) else tuple(s for part in parts if part for s in part)
    if content.kind is Kind.CHOICE:
        return _choice_slots(content, members)
    return None


def _choice_slots(content: Content, members: Callable[[str], Iterable[str]]) -> tuple[Slot, ...] | None:
    """A choice among single elements is one slot of all their names."""
    if len(content.parts) == 1 and (content.least, content.most) == (1, 1):
        return _slots(content.parts[0], members)
    branches = content.parts
    if not branches or any(each.kind is not Kind.ELEMENT for each in branches):
        return None
    if content.most is None:
        # However often each may come, any number of all of them may.
        if any(each.least > 1 or each.most == 0 for each in branches):
            return None
    elif any((each.least, each.most) != (1, 1) for each in branches):
        return None
    least = 0 if any(each.least == 0 for each in branches) else content.least
    return (Slot(frozenset(name for each in branches for name in members(each.name)), least, content.most),)


# --- derivatives -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _All:
    """What of an xs:all has not come yet: names of each element, and whether it must come."""

    left: frozenset[tuple[frozenset[str], bool]]


@dataclass(frozen=True, slots=True)
class _One:
    """One element of these, or one that the wildcard takes."""

    names: frozenset[str]
    wildcard: Content | None = None


@dataclass(frozen=True, slots=True)
class _Then:
    first: "_Rest"
    then: "_Rest"


@dataclass(frozen=True, slots=True)
class _Either:
    ways: frozenset["_Rest"]


@dataclass(frozen=True, slots=True)
class _Times:
    what: "_Rest"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more."""


_END = _End()
_NEVER = _Either(frozenset())
_Rest = _All | _One | _Then | _Either | _Times | _End
_Key = str | Content


def automaton(content: Content, members: Callable[[str], Iterable[str]]) -> Automaton:
    """The automaton of a model. Raises `TooLarge`."""
    compiling = _Compiling()
    start = _expression(content, members)
    numbers: dict[_Rest, int] = {start: 0}
    waiting = [start]
    moves: list[dict[str, int]] = []
    wild: list[tuple[tuple[Content, int], ...]] = []
    accepting: list[bool] = []
    for state in waiting:  # grows while it is walked
        steps = compiling.steps(state)
        for target in steps.values():
            if target not in numbers:
                numbers[target] = len(waiting)
                waiting.append(target)
        if len(waiting) > STATES_MAX:
            raise TooLarge("the content model has too many states")
        moves.append({key: numbers[target] for key, target in steps.items() if isinstance(key, str)})
        wild.append(tuple((key, numbers[target]) for key, target in steps.items() if isinstance(key, Content)))
        accepting.append(compiling.ends(state))
    return Automaton(tuple(moves), tuple(wild), tuple(accepting))


def _expression(content: Content, members: Callable[[str], Iterable[str]]) -> _Rest:
    inner: _Rest
    if content.most == 0:
        return _END
    if content.kind is Kind.ELEMENT:
        inner = _One(frozenset(members(content.name)))
    elif content.kind is Kind.ANY:
        inner = _One(frozenset(), content)
    elif content.kind is Kind.SEQUENCE:
        inner = _END
        for part in reversed(content.parts):
            inner = _then(_expression(part, members), inner)
    elif content.kind is Kind.CHOICE:
        inner = _either(_expression(part, members) for part in content.parts) if content.parts else _NEVER
    else:
        inner = _All(
            frozenset((frozenset(members(part.name)), part.least > 0) for part in content.parts if part.most != 0)
        )
    return inner if (content.least, content.most) == (1, 1) else _Times(inner, content.least, content.most)


def _then(first: _Rest, then: _Rest) -> _Rest:
    if _NEVER in {first, then}:
        return _NEVER
    if first == _END:
        return then
    return first if then == _END else _Then(first, then)


def _either(ways: Iterable[_Rest]) -> _Rest:
    every: set[_Rest] = set()
    for way in ways:
        every |= way.ways if isinstance(way, _Either) else {way}
    return every.pop() if len(every) == 1 else _Either(frozenset(every))


class _Compiling:
    """One compilation; each expression is worked out once."""

    def __init__(self) -> None:
        self.ends = cache(self._ends)
        self.steps = cache(self._steps)

    def _ends(self, rest: _Rest) -> bool:
        """Whether nothing need come any more."""
        match rest:
            case _End():
                return True
            case _One():
                return False
            case _All(left):
                return not any(must for _, must in left)
            case _Then(first, then):
                return self.ends(first) and self.ends(then)
            case _Either(ways):
                return any(self.ends(way) for way in ways)
            case _Times(what, least, _):
                return least == 0 or self.ends(what)

    def _steps(self, rest: _Rest) -> dict[_Key, _Rest]:
        """What may come next, and what may come after it."""
        match rest:
            case _End():
                return {}
            case _One(each, wildcard):
                found: dict[_Key, _Rest] = dict.fromkeys(each, _END)
                return found if wildcard is None else {**found, wildcard: _END}
            case _All(left):
                return {name: _All(left - {each}) for each in left for name in each[0]}
            case _Then(first, then):
                steps = {key: _then(after, then) for key, after in self.steps(first).items()}
                return _merged(steps, self.steps(then)) if self.ends(first) else steps
            case _Either(ways):
                steps = {}
                for way in ways:
                    steps = _merged(steps, self.steps(way))
                return steps
            case _Times(what, least, most):
                if most == 0:
                    return {}
                # A part that may be empty fills whatever is asked of it.
                least = 0 if self.ends(what) else max(least - 1, 0)
                again = _again(what, least, None if most is None else most - 1)
                return {key: _then(after, again) for key, after in self.steps(what).items()}


def _again(what: _Rest, least: int, most: int | None) -> _Rest:
    return _END if most == 0 else _Times(what, least, most)


def _merged(first: Mapping[_Key, _Rest], second: Mapping[_Key, _Rest]) -> dict[_Key, _Rest]:
    return {
        **first,
        **{key: _either((first[key], after)) if key in first else after for key, after in second.items()},
    }
