"""Authorities that certify for agencies, and their revocation lists.

What an authority issues speaks for an agency by its name. Several agencies may share an authority, never a name.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry
from gateway.errors import Refused
from gateway.exchange.acting import Acting, Signer, fingerprint
from gateway.exchange.activate import (
    AgencyUnknown,
    CredentialRevoked,
    CredentialTaken,
    change,
    decided_anew,
    operators_entry,
)
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.signing.certificate import (
    check_authority,
    pems_to_ders,
    read_certificate,
)
from gateway.signing.certificate import (
    fingerprint as certificate_fingerprint,
)
from gateway.signing.certificate_name import agency_name
from gateway.signing.crl import Crl, check_newer, is_over, issuer_id, read_crl
from gateway.signing.revocation import is_signed_by
from gateway.store.agency_text import json_text
from gateway.store.configuration import AgencyAuthority, RevocationList

CERTIFICATES_MAX = 8
"""Of one authority's file: a root and what stands below it."""


class AuthoritiesUnclear(Refused):
    """A file of certificates that are not one authority and those below it."""

    code = "authority.unclear"


class NameTaken(Refused):
    """Another agency has this name with this authority: the two could not be told apart."""

    code = "authority.name-taken"


class NoAuthority(Refused):
    """The agency has no authority, so that no revocation list can be verified."""

    code = "authority.none"


@decided_anew
async def register_authority(
    gateway: Gateway,
    id: AgencyId,
    pem: bytes,
    names: Sequence[str] = (),
    *,
    by: Acting | None = None,
    actor: str = "",
) -> AgencyAuthority:
    """Have certificates of this authority speak for an agency when they have one of these names; with none, when they
    name it as urn:agency:ID. The same authority again gets these names instead of those of before.

    pem  the authority's certificate; those of authorities below it may stand in the same file

    Raises `AgencyUnknown`, `AuthoritiesUnclear`, `NameTaken`, `CredentialTaken`, `CredentialRevoked`, and the errors of
    certificates for what is not fit to certify.
    """
    current, now = gateway.current, gateway.clock.now()
    if id not in current.agencies:
        raise AgencyUnknown(f"there is no agency {id}")
    anchor, below = _arranged(pems_to_ders(pem), now)
    certificate = read_certificate(anchor)
    if certificate in gateway.keys.every_authority:
        raise CredentialTaken("certificates of the gateway's own authority are registered one by one: --csr, --issue")
    wanted = tuple(sorted(set(names or [agency_name(id)])))
    _refuse_taken(current, id, issuer_id(certificate), wanted)
    authority = AgencyAuthority(
        agency=id,
        fingerprint=certificate_fingerprint(anchor),
        names=wanted,
        not_before=certificate.not_valid_before_utc,
        not_after=min(read_certificate(der).not_valid_after_utc for der in (anchor, *below)),
        certificate=_pem([anchor]),
        intermediates=_pem(below),
    )
    held = authority_of(current, id, authority.fingerprint)
    if held is not None and held.revoked_at is not None:
        raise CredentialRevoked("this authority was revoked for the agency")
    await _put(gateway, authority, Signer(by=by, actor=actor), action="register")
    return authority


async def revoke_authority(gateway: Gateway, authority: AgencyAuthority, signer: Signer) -> AgencyAuthority:
    """What it issues speaks for the agency no more, whatever its name."""
    revoked = replace(authority, revoked_at=gateway.clock.now())
    await _put(gateway, revoked, signer, action="revoke")
    return revoked


def authority_of(configured: Configured, id: AgencyId, fingerprint: str) -> AgencyAuthority | None:
    """One authority of an agency."""
    return next((one for one in configured.authorities if (one.agency, one.fingerprint) == (id, fingerprint)), None)


def certificates_of(authority: AgencyAuthority) -> tuple[x509.Certificate, ...]:
    """The authority's certificate and those below it."""
    return tuple(map(read_certificate, pems_to_ders(authority.certificate + authority.intermediates)))


def _arranged(ders: Sequence[bytes], now: datetime) -> tuple[bytes, tuple[bytes, ...]]:
    """The one that stands above all others, and the others."""
    if not 1 <= len(ders) <= CERTIFICATES_MAX:
        raise AuthoritiesUnclear(f"a file holds one authority and those below it, {CERTIFICATES_MAX} at most")
    certificates = {der: read_certificate(der) for der in ders}
    for each in certificates.values():
        check_authority(each, now=now)
    top = [
        der
        for der, each in certificates.items()
        if not any(is_signed_by(each, other) for key, other in certificates.items() if key != der)
    ]
    if len(top) != 1:
        raise AuthoritiesUnclear("the file holds several authorities; register them one by one")
    return top[0], tuple(der for der in certificates if der != top[0])


def _refuse_taken(current: Configured, id: AgencyId, issuer: str, names: Iterable[str]) -> None:
    wanted = set(names)
    for other in current.agencies:
        if other != id and agency_name(other) in wanted:
            raise NameTaken(f"urn:agency:{other} is the name of another agency")
    for one in current.authorities:
        shared = one.agency != id and one.revoked_at is None and wanted.intersection(one.names)
        if shared and issuer_id(certificates_of(one)[0]) == issuer:
            raise NameTaken(f"{one.agency} has this name with this authority; an agency has a name of its own")


def _pem(ders: Iterable[bytes]) -> bytes:
    return b"".join(read_certificate(der).public_bytes(Encoding.PEM) for der in ders)


async def _put(gateway: Gateway, authority: AgencyAuthority, signer: Signer, *, action: str) -> None:
    stated = [authority.fingerprint, list(authority.names), sha256(authority.intermediates).hexdigest()]
    entry = _entry(
        gateway,
        signer,
        digest=f"sha-256:{sha256(json_text(stated).encode()).hexdigest()}",
        agency=authority.agency,
        action=action,
        kind="authority",
        fingerprint=authority.fingerprint,
        valid_until=authority.not_after,
        count=len(authority.names),
    )
    await change(gateway, [authority], [entry])


def _entry(gateway: Gateway, signer: Signer, **fields: Any) -> AuditEntry:
    key = fingerprint(signer.by.public_key) if signer.by is not None else None
    return operators_entry(gateway, EntryType.CREDENTIAL, signer, key=key, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldList:
    """What is held of the revocation list of one authority of an agency.

    name         the authority's, as its certificate has it
    fingerprint  of its certificate
    crl          None when no list was ever taken in
    stale        past its time
    refused      so long that what the authority issued is refused
    """

    name: str
    fingerprint: str
    crl: Crl | None
    stale: bool = False
    refused: bool = False

    @property
    def state(self) -> str:
        """In a word."""
        if self.crl is None:
            return "none"
        return "refused" if self.refused else "stale" if self.stale else "current"


def lists_of(configured: Configured, id: AgencyId, now: datetime) -> Iterator[HeldList]:
    """Of every authority that certifies for an agency, those below the registered ones too."""
    grace = configured.lists.grace
    for one in configured.authorities:
        if one.agency != id or one.revoked_at is not None:
            continue
        for each in certificates_of(one):
            crl = configured.lists.crls.get(issuer_id(each))
            stale = crl is not None and is_over(crl, now)
            yield HeldList(
                name=each.subject.rfc4514_string(),
                fingerprint=certificate_fingerprint(each.public_bytes(Encoding.DER)),
                crl=crl,
                stale=stale,
                refused=crl is not None and grace is not None and is_over(crl, now - grace),
            )


# --- revocation lists -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """A list that is held now. new: whether it was not before; authority: fingerprint of its certificate."""

    crl: Crl
    new: bool
    authority: str

    @property
    def count(self) -> int:
        """How many certificates it revokes."""
        return len(self.crl.serials)


@decided_anew
async def take_crl(
    gateway: Gateway, id: AgencyId, data: bytes, *, by: Acting | None = None, actor: str = ""
) -> TakenIn:
    """Take in a revocation list of an authority of an agency, for all agencies that share it. Nobody need sign: the
    authority has, and what is older than what is held is refused.

    Raises `AgencyUnknown`, `NoAuthority`, and what `read_crl` and `check_newer` raise.
    """
    current, now = gateway.current, gateway.clock.now()
    if id not in current.agencies:
        raise AgencyUnknown(f"there is no agency {id}")
    above = {
        issuer_id(each): each
        for one in current.authorities
        if one.agency == id and one.revoked_at is None
        for each in certificates_of(one)
    }
    if not above:
        raise NoAuthority(f"no authority is registered for {id}: gateway agency add --id {id} --authority FILE")
    crl, der = read_crl(data, above.values(), now=now)
    authority = certificate_fingerprint(above[crl.issuer].public_bytes(Encoding.DER))
    if not check_newer(crl, current.lists.crls.get(crl.issuer)):
        return TakenIn(crl=crl, new=False, authority=authority)
    entry = _entry(
        gateway,
        Signer(by=by, actor=actor),
        digest=crl.digest,
        agency=id,
        action="crl",
        kind="authority",
        fingerprint=authority,
        valid_from=crl.this_update,
        valid_until=crl.next_update,
        count=len(crl.serials),
    )
    await change(gateway, [RevocationList(issuer=crl.issuer, body=der, stored_at=now)], [entry])
    return TakenIn(crl=crl, new=True, authority=authority)
