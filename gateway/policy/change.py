"""Change: one thing that is different between two versions of an agreement, and which way it goes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.policy.explain import listed


class Turn(StrEnum):
    """Which way a change goes. What cannot be told counts as widening."""

    WIDENING = "widening"  # somebody may see, keep or do more, or a safeguard is less
    NARROWING = "narrowing"  # nobody may more, somebody less
    NEUTRAL = "neutral"  # neither


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change in officers' words.

    what        what it is about, in a word: "fields", "recipient", "route", "access", "retention", "prose", …
    head, tail  the sentence before and after the names of the recipients; without a tail it does not name them
    recipients  whom it is about, () = the agreement as a whole; clauses: which, by id
    fields      names of the fields it is about
    """

    turn: Turn
    what: str
    head: str
    tail: str = ""
    recipients: tuple[str, ...] = ()
    exchange: str = ""
    clauses: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The sentence."""
        return f"{self.head}{listed(self.recipients)}{self.tail}" if self.tail else self.head


def merged(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes that say the same of several recipients, said once."""
    found: dict[Change, tuple[dict[str, None], dict[str, None]]] = {}
    for change in changes:
        names, ids = found.setdefault(replace(change, recipients=(), clauses=()), ({}, {}))
        names.update(dict.fromkeys(change.recipients))
        ids.update(dict.fromkeys(change.clauses))
    return tuple(replace(change, recipients=tuple(names), clauses=tuple(ids)) for change, (names, ids) in found.items())
