"""Finding in the disclosure index: who a person may be is compared here, on decrypted rows, and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.keys.payload import KeyGone
from gateway.message import Filed
from gateway.policy.disclosure import Said, read
from gateway.policy.match import Certainty, Match, apart, by_name, by_number
from gateway.policy.person import KINDS, Person, day, number_term, person, split_name

ROUNDS_MAX = 4
"""How far numbers lead on: from a SID to a row with an FBI number, from that to one with another DOC number."""

_BOOKING_AT = "@"


class PersonUnnamed(Refused):
    """It is not said whom to look for, or not in a form that is understood. The text never repeats a value."""

    code = "disclosure.person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A row that is, or may be, of the person."""

    number: int
    filed: Filed
    said: Said
    match: Match


def sought(subjects: Iterable[str], *, name: str = "", born: str = "") -> Person:
    """Whom to look for. Raises `PersonUnnamed`.

    subjects  "SID=…", "FBI=…", "DOC=…", "BOOKING=NUMBER@agency"
    name      "Last, First" or "First Last"; born: YYYY-MM-DD, "" = not known
    """
    numbers = [_number(each) for each in subjects]
    named = split_name(name) if name else ""
    if name and not named:
        raise PersonUnnamed("a name is 'Last, First'")
    if born and not day(born):
        raise PersonUnnamed("a birth date is YYYY-MM-DD")
    if not numbers and not named:
        raise PersonUnnamed("name the person: --subject 'SID=…' (or FBI, DOC, BOOKING=number@agency), or --name")
    return person(numbers, [named] if named else (), day(born))


def _number(text: str) -> str:
    kind, mark, value = text.partition("=")
    kind = kind.strip().lower()
    if not mark or kind not in KINDS:
        raise PersonUnnamed(f"a number is given as KIND=number; there are {', '.join(each.upper() for each in KINDS)}")
    agency = ""
    if kind == "booking":
        value, at, agency = value.rpartition(_BOOKING_AT)
        if not at or not agency.strip():
            raise PersonUnnamed("a booking number is one of its agency: BOOKING=number@agency")
    term = number_term(kind, value, agency=agency.strip())
    if not term:
        raise PersonUnnamed(f"there is no number behind {kind.upper()}=")
    return term


async def find(gateway: Gateway, asked: Person) -> tuple[Hit, ...]:
    """Every row of the person and every one that may be, in the order they were written.

    By numbers first, and by the numbers that the rows so found have besides. Then by how the names sound: those asked
    for, and those of the rows that are certainly the person's. Rows whose key is destroyed are nobody's.
    """
    hits: dict[int, Hit] = {}
    known = asked
    for round in range(ROUNDS_MAX):
        before = known.numbers
        for number, filed, said in await _rows(gateway, known.numbers):
            match = by_number(asked, said.person) or _linked(by_number(known, said.person))
            if match is not None and number not in hits:
                hits[number] = Hit(number=number, filed=filed, said=said, match=match)
        known = _known(asked, hits.values())
        if round and known.numbers == before:
            break
    for number, filed, said in await _rows(gateway, [term for term in known.terms if term not in known.numbers]):
        match = by_name(known, said.person)
        if match is not None and number not in hits and not apart(known, said.person):
            hits[number] = Hit(number=number, filed=filed, said=said, match=match)
    return tuple(hits[number] for number in sorted(hits))


def _linked(match: Match | None) -> Match | None:
    """By a number that the asked one led to."""
    return replace(match, words=f"linked by {match.words}") if match is not None else None


def _known(asked: Person, hits: Iterable[Hit]) -> Person:
    """What is known of the person after these rows."""
    same = [hit.said.person for hit in hits if hit.match.certainty is Certainty.SAME]
    return person(
        (*asked.numbers, *(number for each in same for number in each.numbers)),
        (*asked.names, *(name for each in same for name in each.names)),
        next((each.born for each in (asked, *same) if each.born), ""),
    )


async def _rows(gateway: Gateway, terms: Iterable[str]) -> list[tuple[int, Filed, Said]]:
    """Every row of these terms that can be read."""
    if gateway.subjects is None:
        return []
    found: list[tuple[int, Filed, Said]] = []
    for row in await gateway.store.disclosures(gateway.subjects.tokens(terms)):
        try:
            found.append((row.number, row.filed, read(gateway.subjects.open(row.filed))))
        except KeyGone:
            continue  # forgotten in this moment
    return found
