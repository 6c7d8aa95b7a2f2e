"""Match: whether two are one person, and how anybody can tell. Names never make it certain; numbers do, unless a
stronger number says otherwise."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.policy.person import KINDS, Person, heard
from gateway.policy.sound import alikeness

ALIKE_LEAST = 60
"""Of 100: below it two names that sound alike are not shown as one. "Tansley" and "Tansly" have 80."""

WORDS = {"fbi": "FBI number", "sid": "SID", "doc": "DOC number", "booking": "booking number"}


class Certainty(StrEnum):
    """How sure it is."""

    SAME = "same person"  # a number in common, and none that tells them apart
    POSSIBLE = "possible"  # a name in common, or a number although a stronger one differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """By what. words: for people, such as "SID" or "name 88 % alike, same birth date"."""

    certainty: Certainty
    words: str


_SINGLE = ("fbi", "sid")
"""Kinds of which a person has one, the stronger first. A DOC number is one of a prison system, a booking number one of
a stay: many may belong to one person."""


def by_number(one: Person, other: Person) -> Match | None:
    """What their numbers say; None when they have none in common.

    Who differs in a stronger number than the one they have in common is possibly somebody else: a clerk mistook a
    digit, or a suspect gave a brother's number.
    """
    shared = next((each for each in one.numbers if each in other.numbers), "")
    if not shared:
        return None
    kind = shared.partition(":")[0]
    for stronger in _SINGLE:
        if KINDS.index(stronger) >= KINDS.index(kind):
            break
        mine, theirs = _of(one, stronger), _of(other, stronger)
        if mine and theirs and mine.isdisjoint(theirs):
            return Match(certainty=Certainty.POSSIBLE, words=f"{WORDS[kind]}, but another {WORDS[stronger]}")
    return Match(certainty=Certainty.SAME, words=WORDS[kind])


def apart(one: Person, other: Person) -> bool:
    """Whether a number tells that they are two."""
    pairs = ((_of(one, kind), _of(other, kind)) for kind in _SINGLE)
    return any(mine and theirs and mine.isdisjoint(theirs) for mine, theirs in pairs)


def _of(person: Person, kind: str) -> frozenset[str]:
    return frozenset(each for each in person.numbers if each.startswith(f"{kind}:"))


def by_name(one: Person, other: Person) -> Match | None:
    """What their names and birth dates say: never more than that they may be one. None when they cannot be.

    Names are compared when they sound alike (`person.heard`); birth dates count as near when day and month are
    exchanged, or one part of three differs.
    """
    born = _born(one.born, other.born)
    scores = [
        (alikeness(mine.replace("|", " "), theirs.replace("|", " ")), mine == theirs)
        for mine in one.names
        for theirs in other.names
        if heard(mine) == heard(theirs)
    ]
    score, same = max(scores, default=(0, False))
    if born is None or score < ALIKE_LEAST:
        return None
    return Match(certainty=Certainty.POSSIBLE, words=f"{'same name' if same else f'name {score} % alike'}, {born}")


def _born(one: str, other: str) -> str | None:
    if not one or not other:
        return "birth date not known"
    if one == other:
        return "same birth date"
    try:
        first, second = date.fromisoformat(one), date.fromisoformat(other)
    except ValueError:
        return None
    if (first.year, first.month, first.day) == (second.year, second.day, second.month):
        return "birth date with day and month exchanged"
    parts = zip((first.year, first.month, first.day), (second.year, second.month, second.day), strict=True)
    return "birth date differs in one part" if sum(a != b for a, b in parts) == 1 else None
