"""Handling: what a recipient must know of a delivery, as lines for the person who opens it.

What it says of this delivery is what the signed Cover says; what the agreement says of all of them - third parties,
storage, breaches - is taken from the version the delivery was decided under.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from textwrap import wrap

from gateway.agency import Agency, AgencyId, agency_of
from gateway.policy.mou import Mou, Section
from gateway.policy.words import PURPOSES, ROLES

WIDTH = 100
_LABEL = 17
"""Columns of the labels."""

NOTHING_ON = "Pass nothing on, to nobody."
NO_TIME = "No time is set. Keep it no longer than its purpose needs."
WITHHELD = "Some fields of the record were withheld. Do not read anything into what is not there."
WHOLE = "Nothing of the record was withheld."


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What the Cover of one delivery says.

    keep_until      None = the agreement sets none
    onward_sharing  "" = nothing to nobody
    contact         whom to call at the sender, "" = nobody is named
    """

    delivery: str
    sender: AgencyId
    recipient: AgencyId
    exchange: str
    mou: str
    mou_version: int
    clauses: tuple[str, ...]
    purpose: str
    role: str
    keep_until: datetime | None
    onward_sharing: str
    notices: tuple[str, ...]
    fields_withheld: bool
    contact: str


def handling_notice(
    handling: Handling, mou: Mou | None, agencies: Mapping[AgencyId, Agency], *, zone: tzinfo
) -> tuple[str, ...]:
    """The notice, line by line.

    mou   the version it was decided under; None = no agreement stands behind it
    zone  of the days people read
    """
    return (
        "HANDLING NOTICE",
        f"Delivery {handling.delivery}",
        "",
        *(line for label, text in _rows(handling, mou, agencies, zone) for line in _row(label, text)),
        *_told(handling.notices),
    )


def _rows(
    handling: Handling, mou: Mou | None, agencies: Mapping[AgencyId, Agency], zone: tzinfo
) -> Iterator[tuple[str, str]]:
    clauses = ", ".join(handling.clauses)
    plural = "s" if len(handling.clauses) > 1 else ""
    under = f"{handling.mou} version {handling.mou_version}, clause{plural} {clauses}"
    until = handling.keep_until
    yield "From", _agency(handling.sender, agencies)
    yield "To", _agency(handling.recipient, agencies)
    yield "Record", handling.exchange
    yield "Under", under if mou is not None else f"no agreement: {under}"
    yield "Purpose", _word(handling.purpose, _own(mou.purposes) if mou else {}, PURPOSES)
    if handling.role:
        yield (
            "Who may see it",
            _word(handling.role, _own(mou.roles) if mou else {}, ROLES),
        )
    yield "Keep until", f"{until.astimezone(zone):%Y-%m-%d}. Destroy every copy by then." if until else NO_TIME
    yield "Passing on", handling.onward_sharing or NOTHING_ON
    if mou is not None:
        yield from _agreed(handling, mou)
    yield "Left out", WITHHELD if handling.fields_withheld else WHOLE
    if handling.contact:
        yield "Questions", handling.contact


def _agreed(handling: Handling, mou: Mou) -> Iterator[tuple[str, str]]:
    """What the agreement says of every delivery under it, as far as it says anything."""
    said = {each.key: each.text for each in mou.prose if each.key}
    if third := said.get("third_parties"):
        yield "Third parties", third
    if (storage := mou.storage) is not None:
        where = ", run by ".join(part.rstrip(".") for part in (storage.place, storage.host) if part)
        yield "Storage", f"{where}. {storage.safeguards}".strip()
    breach = said.get("breach_notice", "")
    contacts = [each.contact for each in mou.contacts if agency_of(each.party) == agency_of(handling.sender)]
    call = next((one for role in ("after-hours", "liaison", "deputy") for one in contacts if one.role == role), None)
    if call is not None:
        reach = ", ".join(part for part in (call.phone, call.email) if part)
        breach = f"{breach} Tell {call.name} ({call.role}){': ' if reach else ''}{reach}.".strip()
    if breach:
        yield "After a breach", breach


def _agency(id: AgencyId, agencies: Mapping[AgencyId, Agency]) -> str:
    known = agencies.get(agency_of(id))
    return f"{known.name} ({id})" if known is not None else id


def _word(word: str, own: Mapping[str, str], shipped: Mapping[str, object]) -> str:
    """The word, with what it means where that is known."""
    meaning = getattr(shipped.get(word), "title", "") or own.get(word, "")
    return f"{meaning} ({word})" if meaning else word


def _own(words: tuple[Section, ...]) -> dict[str, str]:
    """Words that the agreement explains, with their meanings."""
    return {each.heading: each.text for each in words}


def _told(notices: tuple[str, ...]) -> Iterator[str]:
    if notices:
        yield ""
        yield "You must know:"
    for notice in notices:
        yield from wrap(notice, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _row(label: str, text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=f"{label:<{_LABEL}}", subsequent_indent=" " * _LABEL)
