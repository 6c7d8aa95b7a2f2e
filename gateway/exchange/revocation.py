"""Revocation lists of the gateway's own authorities, and the end of an authority.

A list is for others: partners and TLS terminators who trust the authority. The gateway itself asks the database. On it
is every certificate the authority has issued that counts no more: credentials that were revoked; those of agencies that
are shut out, as held, since they may be let in again; and the gateway's own that were revoked.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from cryptography import x509

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Refused
from gateway.exchange.acting import OPERATOR, Acting, allowed, fingerprint, sign_entry
from gateway.exchange.activate import AgencyUnknown, change, decided_anew
from gateway.exchange.gateway import Gateway
from gateway.exchange.revoke import revoke_credential
from gateway.exchange.rotate_key import CERTIFIED, Role, entered
from gateway.exchange.rotate_log_key import KEEPERS
from gateway.keys.certified import AUTHORITY, Old, fingerprint_of
from gateway.keys.crl import Entry, read_list
from gateway.keys.issued import KEY_COMPROMISE, Issued
from gateway.signing.certificate import pem_to_der, read_certificate
from gateway.store.configuration import Credential, CredentialKind
from gateway.user import User

LIST_VALID: Final = timedelta(days=7)
"""Renewed daily, a list survives a long weekend without anybody at the machine."""

REVOKED: Final = "unspecified"
HELD: Final = "certificateHold"
SUPERSEDED: Final = "superseded"

REASONS: Final = {"compromised": KEY_COMPROMISE, "scheduled": SUPERSEDED}
"""Code words of the log, as RFC 5280 has them; any other says nothing of why."""


class CertificateUnknown(Refused):
    """The authority has issued no certificate whose fingerprint begins so, or several."""

    code = "certificate.unknown"


class CertificateInUse(Refused):
    """The gateway uses this certificate now."""

    code = "certificate.in-use"


class NoOldAuthority(Refused):
    """There is no authority before the one in use that still counts."""

    code = "authority.none-old"


class AuthorityStillNeeded(Refused):
    """Certificates of this authority are in use."""

    code = "authority.still-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """One list. authority: SHA-256 of its certificate, hex."""

    authority: str
    subject: str
    number: int
    made_at: datetime
    until: datetime
    serials: tuple[int, ...]
    pem: bytes


# --- lists --------------------------------------------------------------------------------------------------------


async def make_lists(
    gateway: Gateway, *, by: Acting | None = None, actor: str = "cli", valid: timedelta = LIST_VALID
) -> tuple[RevocationList, ...]:
    """A new list of each authority that counts; its entry is durable before the list is given to anybody.

    by  who makes them; None = a timer: it changes nothing, and what is on them was signed when it was revoked

    Raises what `allowed` raises, `KeysBusy`, leaves of `Misconfigured`, `StoreUnavailable`.
    """
    person = allowed(gateway, by, KEEPERS, OPERATOR) if by is not None else None
    await gateway.refresh()
    made = []
    with gateway.keys.alone():
        for authority in await asyncio.to_thread(gateway.keys.lists.authorities):
            now = gateway.clock.now()
            entries = await asyncio.to_thread(revoked, gateway, authority)
            pem = await asyncio.to_thread(gateway.keys.lists.sign, authority, entries, now=now, until=now + valid)
            listed = RevocationList(
                authority=fingerprint_of(authority),
                subject=_common_name(authority),
                number=read_list(pem).number,
                made_at=now,
                until=now + valid,
                serials=tuple(sorted(each.serial for each in entries)),
                pem=pem,
            )
            await gateway.store.record([_list_entry(gateway, listed, by, person, actor)])
            await asyncio.to_thread(gateway.keys.lists.keep, authority, pem)
            made.append(listed)
    return tuple(made)


def _list_entry(
    gateway: Gateway, listed: RevocationList, by: Acting | None, person: User | None, actor: str
) -> AuditEntry:
    digest = f"sha-256:{sha256(listed.pem).hexdigest()}"
    fields: dict[str, Any] = {
        "action": "crl",
        "kind": "authority",
        "key": listed.authority,
        "count": len(listed.serials),
        "valid_until": listed.until,
    }
    now = gateway.clock.now()
    if by is None or person is None:
        return make(EntryType.KEY, id=gateway.new_id(now), at=now, actor=actor, digest=digest, **fields)
    return sign_entry(gateway, EntryType.KEY, by, person, digest=digest, at=now, **fields)


def revoked(gateway: Gateway, authority: x509.Certificate) -> tuple[Entry, ...]:
    """Every certificate of this authority that counts no more. One that two things end is on it once."""
    found: dict[int, Entry] = {}
    for credential in gateway.current.credentials.values():
        serial = _serial_if_by(credential, authority)
        if serial is None:
            continue
        if credential.revoked_at is not None:
            found[serial] = Entry(serial=serial, at=credential.revoked_at, reason=REVOKED)
        elif gateway.current.agencies[credential.agency].suspended:
            found[serial] = Entry(serial=serial, at=gateway.clock.now(), reason=HELD)
    of, own = fingerprint_of(authority), {each.fingerprint: each for each in gateway.keys.issued.revoked()}
    for issued in gateway.keys.issued.issued():
        if issued.authority == of and (ended := own.get(issued.fingerprint)) is not None:
            found[issued.serial] = Entry(serial=issued.serial, at=ended.at, reason=ended.reason)
    return tuple(found.values())


def _serial_if_by(credential: Credential, authority: x509.Certificate) -> int | None:
    if credential.kind is not CredentialKind.CERTIFICATE:
        return None
    certificate = read_certificate(pem_to_der(credential.certificate))
    return certificate.serial_number if is_by(certificate, authority) else None


def is_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this authority has issued it."""
    if certificate.issuer != authority.subject:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001  (InvalidSignature, ValueError, TypeError: none of them is a yes)
        return False
    return True


# --- revoking -----------------------------------------------------------------------------------------------------


async def revoke_issued(gateway: Gateway, prefix: str, reason: str, *, by: Acting) -> str:
    """Revoke a certificate of the gateway's authorities, by how its fingerprint begins; the whole fingerprint. One that
    an agency is registered with is revoked there.

    Raises `CertificateUnknown`, `CertificateInUse`, and what `revoke_credential` and `allowed` raise.
    """
    person = allowed(gateway, by, KEEPERS, OPERATOR)
    wanted = prefix.replace(":", "").lower()  # as openssl writes them
    registered = [one for one in gateway.current.credentials.values() if _is_wanted(one, wanted)]
    if len(registered) == 1:
        (one,) = registered
        return (await revoke_credential(gateway, one.agency, one.fingerprint, by=by)).fingerprint
    issued = {each.fingerprint: each for each in gateway.keys.issued.issued() if each.fingerprint.startswith(wanted)}
    if len(issued) != 1 or registered or not wanted:
        raise CertificateUnknown(f"{len(issued)} issued certificates have a fingerprint that begins so; name one")
    (found,) = issued.values()
    if found.fingerprint in {fingerprint_of(each) for each in gateway.keys.certificates_in_use}:
        raise CertificateInUse("the gateway uses this certificate: change its key first, gateway keys rotate")
    await revoke_own(gateway, found, reason, by=by, person=person)
    return found.fingerprint


def _is_wanted(one: Credential, wanted: str) -> bool:
    return bool(wanted) and one.kind is CredentialKind.CERTIFICATE and one.fingerprint.startswith(wanted)


async def revoke_own(gateway: Gateway, issued: Issued, reason: str, *, by: Acting, person: User) -> None:
    """Its entry first; the file that lists read afterwards. Again is as good as once."""
    now = gateway.clock.now()
    if issued.fingerprint not in {each.fingerprint for each in gateway.keys.issued.revoked()}:
        signed = sign_entry(
            gateway,
            EntryType.KEY,
            by,
            person,
            digest=f"sha-256:{issued.fingerprint}",
            at=now,
            action="revoke",
            kind="certificate",
            key=issued.fingerprint,
            reason=reason,
            valid_until=issued.until,
        )
        await gateway.store.record([signed])
    word = REASONS.get(reason, REVOKED)
    await asyncio.to_thread(gateway.keys.issued.revoke, issued.fingerprint, now, word)


async def revoke_of_agency(gateway: Gateway, agency: AgencyId, *, by: Acting) -> tuple[str, ...]:
    """Revoke every certificate an agency has of the gateway's authorities; their fingerprints. Raises `AgencyUnknown`,
    and what `allowed` raises."""
    allowed(gateway, by, KEEPERS, OPERATOR)
    if agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {agency}")
    authorities = gateway.keys.lists.authorities()
    own = [
        one
        for one in gateway.current.credentials.values()
        if one.agency == agency
        and one.revoked_at is None
        and any(_serial_if_by(one, authority) is not None for authority in authorities)
    ]
    for one in own:
        await revoke_credential(gateway, agency, one.fingerprint, by=by)
    return tuple(one.fingerprint for one in own)


# --- the end of an authority --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """An authority that counts no more. cut_off: agencies whose certificates ended with it."""

    authority: str
    cut_off: tuple[AgencyId, ...]


async def retire_authority(gateway: Gateway, *, by: Acting, cut_off: bool, reason: str = "scheduled") -> Retired:
    """End the oldest authority before the one in use: its certificates count no more, its key is destroyed.

    cut_off  also when agencies still have certificates of it, which are revoked in the same transaction

    Raises `NoOldAuthority`, `AuthorityStillNeeded`, and what `allowed` raises.
    """
    allowed(gateway, by, KEEPERS, OPERATOR)
    with gateway.keys.alone():
        old = _oldest(gateway)
        for role in CERTIFIED:
            _check_needless(gateway, role, old.certificate)
        ended = await _revoke_all(gateway, old.certificate, by, reason, cut_off)
        await asyncio.to_thread(gateway.keys.certified(AUTHORITY).retire, old)
    return Retired(authority=fingerprint_of(old.certificate), cut_off=ended)


def _check_needless(gateway: Gateway, role: Role, authority: x509.Certificate) -> None:
    """That neither the key in use nor the next one, which may take over any day, has a certificate of it."""
    key = gateway.keys.certified(role.file)
    if is_by(key.current().certificate, authority):
        raise AuthorityStillNeeded(
            f"the gateway's own {role} certificate is of this authority: gateway keys rotate {role} first"
        )
    following = key.next_certificate()
    if following is not None and is_by(following, authority):
        raise AuthorityStillNeeded(
            f"the next {role} key has a certificate of this authority: gateway keys discard {role} first"
        )


def _oldest(gateway: Gateway) -> Old:
    counting = [each for each in gateway.keys.certified(AUTHORITY).old() if each.key is not None]
    if not counting:
        raise NoOldAuthority("no authority before the one in use counts any more")
    return counting[0]


def still_counting(gateway: Gateway, authority: x509.Certificate) -> Sequence[Credential]:
    """Agencies' certificates of this authority that are taken at present."""
    now = gateway.clock.now()
    return [
        one
        for one in gateway.current.credentials.values()
        if one.revoked_at is None and one.not_after > now and _serial_if_by(one, authority) is not None
    ]


@decided_anew
async def _revoke_all(
    gateway: Gateway, authority: x509.Certificate, by: Acting, reason: str, cut_off: bool
) -> tuple[AgencyId, ...]:
    """The entry that it is retired, and what ends with it, in one transaction."""
    person, now = allowed(gateway, by, KEEPERS, OPERATOR), gateway.clock.now()
    own = fingerprint_of(authority)
    said = await entered(gateway, "retire", Role.AUTHORITY, own)  # by a try before, that stopped after it
    ending = still_counting(gateway, authority)
    agencies = tuple(sorted({one.agency for one in ending}))
    if ending and not cut_off:
        raise AuthorityStillNeeded(
            f"{len(ending)} certificates of {', '.join(agencies)} are of this authority: give them new ones first "
            "(gateway agency add), or cut them off with --cut-off"
        )
    if said and not ending:
        return agencies
    fields: dict[str, Any] = {"action": "retire", "kind": "authority", "key": own, "reason": reason}
    retired = sign_entry(
        gateway,
        EntryType.KEY,
        by,
        person,
        digest=f"sha-256:{own}",
        at=now,
        count=len(ending),
        **fields,
    )
    entries = [retired, *(_ended(gateway, one, by, person, now, reason) for one in ending)]
    if ending:
        await change(gateway, [replace(one, revoked_at=now) for one in ending], entries)
    else:
        await gateway.store.record(entries)
    return agencies


def _ended(gateway: Gateway, one: Credential, by: Acting, person: User, now: datetime, reason: str) -> AuditEntry:
    return sign_entry(
        gateway,
        EntryType.CREDENTIAL,
        by,
        person,
        digest=f"sha-256:{one.fingerprint}",
        at=now,
        parties=(one.agency,),
        agency=one.agency,
        action="revoke",
        kind=one.kind,
        fingerprint=one.fingerprint,
        valid_until=one.not_after,
        reason=reason,
        key=fingerprint(by.public_key),
    )


def _common_name(authority: x509.Certificate) -> str:
    names = authority.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
