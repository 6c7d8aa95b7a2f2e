"""Disclosure: what the index says of one person in one dissemination, long after the payload is gone. Pure.

It is written as canonical JSON, encrypted under the person's key, and never leaves the gateway in this form. Beside
disclosures stand the suspensions of a person's right to an account of them, so that forgetting a person forgets those
too.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime

from gateway.agency import AgencyId
from gateway.message import DisseminationId, MessageId
from gateway.policy.person import Person

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One recipient was given something of one person.

    entry   id of the audit entry that records it
    mou     id@version
    kind    "", "trial", "emergency", or "withdrawal": only that the earlier message is void
    health  labels of health data that went
    """

    person: Person
    entry: str
    at: datetime
    message: MessageId
    dissemination: DisseminationId
    sender: AgencyId
    recipient: AgencyId
    exchange: str
    action: str
    mou: str
    clauses: tuple[str, ...]
    purpose: str
    kind: str = ""
    health: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """An agency asked that a person not be told what it was given: 45 CFR 164.528(a)(2).

    agency    whose own disclosures are left out
    until     last day
    document  digest of its written statement; "" = it was said only, and is good for 30 days at most
    """

    person: Person
    id: str
    agency: AgencyId
    since: date
    until: date
    document: str = ""

    def holds(self, on: date) -> bool:
        """Whether it counts on this day."""
        return self.since <= on <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifting:
    """A suspension ended before its time."""

    person: Person
    suspension: str
    at: datetime


Said = Disclosure | Suspension | Lifting
"""What a row says."""


def to_bytes(said: Said) -> bytes:
    """A row's plaintext."""
    who = [said.person.numbers, said.person.names, said.person.born]
    match said:
        case Disclosure():
            what: list[object] = [
                "disclosure",
                said.entry,
                said.at.isoformat(),
                said.message,
                said.dissemination,
                said.sender,
                said.recipient,
                said.exchange,
                said.action,
                said.mou,
                said.clauses,
                said.purpose,
                said.kind,
                said.health,
            ]
        case Suspension():
            days = [said.since.isoformat(), said.until.isoformat()]
            what = ["suspension", said.id, said.agency, *days, said.document]
        case Lifting():
            what = ["lifting", said.suspension, said.at.isoformat()]
    return json.dumps([_VERSION, who, what], separators=(",", ":")).encode()


def read(plaintext: bytes) -> Said:
    """What a row says, out of its plaintext. ValueError for a version that this gateway does not know."""
    version, (numbers, names, born), (sort, *what) = json.loads(plaintext)
    if version != _VERSION:
        raise ValueError("the disclosure index was written by a newer version of the gateway")
    person = Person(numbers=tuple(numbers), names=tuple(names), born=born)
    if sort == "suspension":
        id, agency, since, until, document = what
        return Suspension(
            person=person,
            id=id,
            agency=AgencyId(agency),
            since=date.fromisoformat(since),
            until=date.fromisoformat(until),
            document=document,
        )
    if sort == "lifting":
        return Lifting(person=person, suspension=what[0], at=datetime.fromisoformat(what[1]))
    entry, at, message, dissemination, sender, recipient, exchange, action, mou, clauses, purpose, kind, health = what
    return Disclosure(
        person=person,
        entry=entry,
        at=datetime.fromisoformat(at),
        message=MessageId(message),
        dissemination=DisseminationId(dissemination),
        sender=AgencyId(sender),
        recipient=AgencyId(recipient),
        exchange=exchange,
        action=action,
        mou=mou,
        clauses=tuple(clauses),
        purpose=purpose,
        kind=kind,
        health=tuple(health),
    )
