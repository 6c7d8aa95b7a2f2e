"""Consents: taken in for a person whom only a blind index names, taken back at once, and listed for their holder."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.clock import timestamp
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_read
from gateway.keys.blind import blind
from gateway.policy.consent import Consent
from gateway.policy.subject import terms

PAGE_MAX = 500
LABELS_MAX = 40

PERSON = {
    "sid": "person.id.sid.number",
    "fbi": "person.id.fbi.number",
    "doc": "person.id.doc.number",
    "given": "person.name.given",
    "last": "person.name.last",
    "born": "person.dob.date",
}
"""How a person is named when a consent is taken in, and the fields of messages that are compared with it."""

_LABEL = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*(\.\*)?")
_WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DOCUMENT = re.compile(r"sha-256:[0-9a-f]{64}")


class ConsentRefused(Refused):
    """Something in it is missing or wrong; the text names which, never a value of the person."""

    code = "consent.refused"


class ConsentUnknown(Refused):
    """No such consent of this holder; the same answer for one that is somebody else's."""

    code = "consent.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsent:
    """A signed consent, as its holder hands it in.

    person    who signed it: some of `PERSON`; they are hashed under the gateway's key and kept nowhere
    document  "sha-256:<hex>" of the signed paper, which stays with the holder
    """

    holder: AgencyId
    person: Mapping[str, str]
    labels: tuple[str, ...]
    recipient: AgencyId
    purpose: str
    since: date
    until: date
    document: str


async def add_consent(gateway: Gateway, new: NewConsent, *, by: Acting | None = None) -> tuple[Consent, ...]:
    """Take a consent in, once for each number the person is known by. Durable, and in force for the next message.

    by  the person who entered it by command; None when the holder's own system handed it in

    Raises `ConsentRefused`, `AgencyUnknown` and what `allowed` raises.
    """
    await gateway.refresh()
    _check(gateway, new)
    known = terms({PERSON[key]: value for key, value in new.person.items()})
    if not known:
        raise ConsentRefused("name the person by a SID, FBI or DOC number, or by first and last name and birth date")
    now = gateway.clock.now()
    made = tuple(
        Consent(
            id=gateway.new_id(now),
            subject=blind(gateway.keys.digest_key, term),
            holder=new.holder,
            labels=new.labels,
            recipient=new.recipient,
            purpose=new.purpose,
            since=new.since,
            until=new.until,
            document=new.document,
        )
        for term in sorted(known)
    )
    await _write(gateway, made, "add", by)
    return made


async def revoke_consent(
    gateway: Gateway, id: str, *, holder: AgencyId | None = None, by: Acting | None = None
) -> Consent:
    """Take a consent back from this moment on. Revoked once, it stays as it was revoked first.

    holder  the agency that asks; None when a person does, by command

    Raises `ConsentUnknown` and what `allowed` raises.
    """
    consent = await gateway.store.consent(id)
    if consent is None or holder not in {None, consent.holder}:
        raise ConsentUnknown("there is no such consent")
    if by is not None:
        allowed(gateway, by, OFFICERS, OPERATOR, consent.holder)
    if consent.revoked is not None:
        return consent
    revoked = replace(consent, revoked=gateway.clock.now())
    await _write(gateway, (revoked,), "revoke", by)
    return revoked


async def list_consents(
    gateway: Gateway, *, holder: AgencyId | None, before: str | None = None, limit: int = 50, actor: str = ""
) -> tuple[Consent, ...]:
    """Consents of one holder, or of all, newest first. That they were listed is an entry, written before.

    actor  who asks by command; "" = the holder's own system
    """
    found = await gateway.store.consents_of(holder, before, min(limit, PAGE_MAX))
    asks = {"actor": actor} if actor else {"channel": "rest"}
    parties = (holder,) if holder else ()
    await record_read(gateway, "consents", parties=parties, agency=holder, count=len(found), **asks)
    return found


def as_row(consent: Consent) -> dict[str, object]:
    """A consent as a machine reads it, over REST and from the command. Whom it is of is not told, nor known here."""
    return {
        "id": consent.id,
        "holder": consent.holder,
        "recipient": consent.recipient,
        "purpose": consent.purpose,
        "labels": list(consent.labels),
        "from": consent.since.isoformat(),
        "until": consent.until.isoformat(),
        "document": consent.document,
        "revoked": timestamp(consent.revoked) if consent.revoked else None,
    }


def _check(gateway: Gateway, new: NewConsent) -> None:
    for agency in (new.holder, new.recipient):
        if agency not in gateway.current.agencies:
            raise AgencyUnknown(f"there is no agency {agency}")
    wrong = next(_wrong(new), "")
    if wrong:
        raise ConsentRefused(wrong)


def _wrong(new: NewConsent) -> Iterator[str]:
    if unknown := sorted(set(new.person) - set(PERSON)):
        yield f"a person is not named by {', '.join(unknown)}; there are {', '.join(PERSON)}"
    if not 0 < len(new.labels) <= LABELS_MAX or not all(_LABEL.fullmatch(label) for label in new.labels):
        yield "labels are those of the field catalog: sud.*, medical.treatment"
    if not _WORD.fullmatch(new.purpose):
        yield "a purpose is lower case words joined by hyphens"
    if new.until < new.since:
        yield "the last day lies before the first"
    if not _DOCUMENT.fullmatch(new.document):
        yield "the document is named by its digest, sha-256: and 64 hex digits"
    if new.holder == new.recipient:
        yield "a consent is to another agency"


async def _write(gateway: Gateway, consents: tuple[Consent, ...], action: str, by: Acting | None) -> None:
    """Whatever else changes meanwhile: a consent depends on nothing that is in force."""
    await gateway.store.change(consents, [_entry(gateway, each, action, by) for each in consents])
    await gateway.refresh()


def _entry(gateway: Gateway, consent: Consent, action: str, by: Acting | None) -> AuditEntry:
    now = gateway.clock.now()
    fields: dict[str, Any] = {
        "consent": consent.id,
        "subject": consent.subject,
        "action": action,
        "document": consent.document,
        "purpose": consent.purpose,
        "holder": consent.holder,
        "recipient": consent.recipient,
        "valid_from": _midnight(consent.since),
        "valid_until": _midnight(consent.until),
    }
    parties = (consent.holder,)
    if by is None:
        id = gateway.new_id(now)
        return make(EntryType.CONSENT, id=id, at=now, parties=parties, channel="rest", **fields)
    user = allowed(gateway, by, OFFICERS, OPERATOR, consent.holder)
    return sign_entry(gateway, EntryType.CONSENT, by, user, at=now, parties=parties, **fields)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
