"""The disclosure index grows: a row for each person in each dissemination, in the transaction that records it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.agency import Agency, AgencyKind, Duty
from gateway.audit.entry import AuditEntry
from gateway.document.parse import Document
from gateway.document.path import Locator
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Release
from gateway.exchange.gateway import Gateway
from gateway.iepd.package import Iepd
from gateway.message import Dissemination, Filed, Message
from gateway.policy.disclosure import Disclosure, to_bytes
from gateway.policy.emergency import is_release
from gateway.policy.health import health_in
from gateway.policy.person import Found, is_in, persons_in

Made = tuple[Release, Dissemination, AuditEntry]
"""What was decided for a recipient, what came of it, and the entry that records it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosing:
    """A message of which something goes out. document: the uncut one; now: when that was decided."""

    configured: Configured
    message: Message
    document: Document
    iepd: Iepd
    made: Sequence[Made]
    now: datetime


def disclosures(gateway: Gateway, disclosing: Disclosing) -> tuple[Filed, ...]:
    """Rows of the index for what goes out of one message.

    None for what a victim service provider sends: its clients are in no index (34 U.S.C. 12291(b)(2)).
    Raises leaves of `Misconfigured` when the key directory cannot be read or written: then nothing is accepted.
    """
    message, iepd, made = disclosing.message, disclosing.iepd, disclosing.made
    sender = disclosing.configured.agencies.get(message.sender)
    if gateway.subjects is None or not made or sender is None or _serves_victims(sender):
        return ()
    found = persons_in(disclosing.document, iepd, sender=message.sender)
    if not found:
        return ()
    health = [health_in(release.cut.document, iepd) for release, _, _ in made]
    # With one subject the message is of that one, whatever was left of it. Paths as redactions have them.
    prefixes = {uri: prefix for prefix, uri in iepd.namespaces.items() if prefix}
    locator = Locator(prefixes) if len(found) > 1 else None
    filed: list[Filed] = []
    for each in found:
        said = [
            to_bytes(_disclosure(disclosing, each, one, labels))
            for one, labels in zip(made, health, strict=True)
            if locator is None or one[0].withdrawal or is_in(each, one[0].cut.redactions, locator)
        ]
        if said:
            person = each.person
            filed += gateway.subjects.file(person.terms, key=person.key, plaintexts=said, now=disclosing.now)
    return tuple(filed)


def _serves_victims(agency: Agency) -> bool:
    return agency.kind is AgencyKind.VICTIM_SERVICES or Duty.VICTIM_SERVICE_PROVIDER in agency.duties


def _disclosure(disclosing: Disclosing, found: Found, made: Made, health: tuple[str, ...]) -> Disclosure:
    release, dissemination, entry = made
    message = disclosing.message
    kind = ""
    if is_release(dissemination):
        kind = "emergency"
    elif release.withdrawal:
        kind = "withdrawal"
    elif disclosing.configured.is_tried(release.grant.mou):
        kind = "trial"
    return Disclosure(
        person=found.person,
        entry=entry.id,
        at=entry.at,
        message=message.id,
        dissemination=dissemination.id,
        sender=message.sender,
        recipient=dissemination.recipient,
        exchange=message.exchange,
        action=message.action.value,
        mou=f"{dissemination.mou}@{dissemination.mou_version}",
        clauses=dissemination.clauses,
        purpose=dissemination.purpose,
        kind=kind,
        health=health,
    )
