"""Consent: a person let certain fields of theirs go to one recipient for one purpose, for a time.

A consent knows its person by a blind index only. Which consents speak of a message is found by whoever has them
(`FindConsents`); whether they count is decided here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from gateway.agency import AgencyId
from gateway.policy.condition import no_consent
from gateway.policy.label import any_covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One signed consent.

    subject   blind index of the person (`subject.py`)
    holder    the agency whose records of the person may go: 42 CFR 2.31(a)(2)
    labels    what may go, "sud.*"
    purpose   what for, and nothing else
    since     first day; until = last day, that day included: a consent without an end is none (42 CFR 2.31(a)(7))
    revoked   the moment it was taken back
    document  "sha-256:<hex>" of the signed paper
    """

    id: str
    subject: str
    holder: AgencyId
    labels: tuple[str, ...]
    recipient: AgencyId
    purpose: str
    since: date
    until: date
    document: str
    revoked: datetime | None = None

    def holds(self, *, sender: AgencyId, recipient: AgencyId, purpose: str, now: datetime) -> bool:
        """Whether it lets anything go from this sender to this recipient for this purpose at this moment.

        now  in the time zone whose days `since` and `until` are
        """
        return (
            self.holder == sender
            and self.recipient == recipient
            and self.purpose == purpose
            and self.since <= now.date() <= self.until
            and (self.revoked is None or now < self.revoked)
        )


Consents = tuple[tuple[Consent, ...], ...]
"""What was found for a message, person by person; () = nobody in it is known."""


class FindConsents(Protocol):
    """Whoever keeps consents."""

    async def __call__(self, subjects: frozenset[str]) -> Iterable[Consent]:
        """Every consent of the persons with these blind indexes, those that ended or were revoked too. Raises
        `Unavailable` when it cannot tell: the message is then not decided, for a missing answer is no consent."""


def by_person(consents: Iterable[Consent], persons: Iterable[frozenset[str]]) -> Consents:
    """The consents of each person in a message, who is known by any of these blind indexes."""
    known = tuple(consents)
    return tuple(tuple(each for each in known if each.subject in person) for person in persons)


def counting(consents: Consents, *, sender: AgencyId, recipient: AgencyId, purpose: str, now: datetime) -> Consents:
    """Those that hold between these two for this purpose."""
    return tuple(
        tuple(each for each in own if each.holds(sender=sender, recipient=recipient, purpose=purpose, now=now))
        for own in consents
    )


def lacking(labels: Iterable[str], consents: Consents) -> frozenset[str]:
    """The conditions that hold because nobody consented, out of the labels that ask for it.

    A message that speaks of several persons needs the consent of each: nobody can tell whose field is whose.
    """
    return frozenset(
        no_consent(label)
        for label in labels
        if not consents or not all(any(any_covers(each.labels, label) for each in own) for own in consents)
    )


def used(labels: Iterable[str], consents: Consents) -> tuple[Consent, ...]:
    """The consents by which fields with one of these labels may go, each once, by id."""
    asked = tuple(labels)
    found = {each.id: each for own in consents for each in own if any(any_covers(each.labels, one) for one in asked)}
    return tuple(found[id] for id in sorted(found))


def reference(consent: Consent) -> str:
    """What the recipient is told of a consent: its scope, and by which paper (42 CFR 2.32(b))."""
    return (
        f"Released under consent {consent.id} ({consent.document}): {', '.join(consent.labels)}, "
        f"for {consent.purpose}, until {consent.until.isoformat()}. It may be revoked."
    )
