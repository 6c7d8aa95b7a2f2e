"""Attesting: past recipients say that they have destroyed what they got; who has not, and since when."""

from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.message import DisseminationId
from gateway.store.retention import Attestation
from gateway.user import UserRole

NO_PAPER = "sha-256:" + "0" * 64
"""Signed in the place of a paper's digest when there is none."""


class AttestationUnknown(Refused):
    """No notice has this id, or it is attested already."""

    code = "retention.attestation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one recipient was asked, with how it stands: since how long, how long overdue (zero = not yet), and whether
    the notice arrived."""

    attestation: Attestation
    open_for: timedelta
    overdue_by: timedelta
    arrived: str


async def list_asked(gateway: Gateway, *, open_only: bool) -> tuple[Asked, ...]:
    """Longest asked first."""
    now = gateway.clock.now()
    found: list[Asked] = []
    for each in await gateway.store.attestations(open_only=open_only):
        until = each.attested_at or now
        record = await gateway.store.delivery(each.delivery)
        found.append(
            Asked(
                attestation=each,
                open_for=until - each.asked_at,
                overdue_by=max(timedelta(), until - each.attest_by),
                arrived=record.delivery.state.value if record is not None else "unknown",
            )
        )
    return tuple(found)


async def attest(gateway: Gateway, notice: DisseminationId, *, by: Acting, document: str = "") -> Attestation:
    """Record that the recipient has destroyed its copies.

    by        an officer of the recipient, or of the gateway's operator who has the recipient's paper in hand
    document  "sha-256:<hex>" of that paper; an officer who speaks for the recipient needs none

    Raises `AttestationUnknown`, and what `allowed` raises.
    """
    await gateway.refresh()
    asked = next((each for each in await gateway.store.attestations(open_only=True) if each.notice == notice), None)
    if asked is None:
        raise AttestationUnknown("nothing is to be attested by this id; see: gateway retention attestations")
    person = allowed(gateway, by, (*OFFICERS, UserRole.SIGNATORY), OPERATOR, asked.recipient)
    if person.agency == OPERATOR and not document:
        raise AttestationUnknown(
            f"{person.id} speaks for the operator: give the paper of {asked.recipient} with --paper"
        )
    now = gateway.clock.now()
    signed = sign_entry(
        gateway,
        EntryType.DESTROY,
        by,
        person,
        digest=document or NO_PAPER,
        at=now,
        parties=(asked.owner, asked.recipient),
        message=asked.message,
        kind="attested",
        count=1,
        run=asked.run,
        dissemination=notice,
        delivery=asked.delivery,
        recipient=asked.recipient,
    )
    attested = replace(asked, attested_at=now, attested_by=person.id, document=document)
    if not await gateway.store.attest(attested, (signed,)):
        raise AttestationUnknown("somebody else recorded it just now")
    return attested
