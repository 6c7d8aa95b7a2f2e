"""The revocation list of an authority of ours: RFC 5280, section 5, signed with its own key.

Its number is the moment it was made, in hundredths of a second: it grows whatever is restored from a backup, and two
nodes need not agree on a counter. When the clock was set back it is the one after that of the list before.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.keys.certified import FINGERPRINT_DIGITS, CertifiedKey, fingerprint_of
from gateway.keys.private_key import MessageKey
from gateway.keys.secret_file import PUBLIC_MODE, KeyMissing, read_public, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One revoked certificate. reason: a value of `x509.ReasonFlags`; "unspecified" is left out, as the RFC asks."""

    serial: int
    at: datetime
    reason: str = "unspecified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list as it was made."""

    number: int
    made_at: datetime
    until: datetime
    serials: frozenset[int]


@dataclass(frozen=True, slots=True)
class OwnLists:
    """The newest list of each authority of one key directory: `ca.crl-FINGERPRINT.pem`. It says what was given out, and
    until when that holds."""

    directory: Path
    authority: CertifiedKey

    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Those whose lists can be signed: the one in use, and those before that are not retired."""
        before = (each.certificate for each in self.authority.old() if each.key is not None)
        return (self.authority.current().certificate, *before)

    def sign(self, of: x509.Certificate, entries: Iterable[Entry], *, now: datetime, until: datetime) -> bytes:
        """A list, PEM. Raises `KeyMissing` when the authority is retired."""
        number = int(now.timestamp() * 100)
        before = self._kept(of)
        if before is not None:
            number = max(number, before.number + 1)
        return make_list(self.authority.key_of(of), of, entries, now=now, until=until, number=number)

    def keep(self, of: x509.Certificate, pem: bytes) -> None:
        """Keep this list, in the place of the one before. Raises `KeyUnreadable`."""
        replace(self._path(of), pem, mode=PUBLIC_MODE)

    def kept(self) -> tuple[tuple[x509.Certificate, Listed], ...]:
        """The newest list of each authority that has one."""
        found = ((each, self._kept(each)) for each in self.authorities())
        return tuple((authority, listed) for authority, listed in found if listed is not None)

    def _kept(self, of: x509.Certificate) -> Listed | None:
        with contextlib.suppress(KeyMissing):
            return read_list(read_public(self._path(of)))
        return None

    def _path(self, of: x509.Certificate) -> Path:
        return self.directory / f"ca.crl-{fingerprint_of(of)[:FINGERPRINT_DIGITS]}.pem"


def make_list(
    key: MessageKey,
    authority: x509.Certificate,
    entries: Iterable[Entry],
    *,
    now: datetime,
    until: datetime,
    number: int,
) -> bytes:
    """PEM."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now)
        .next_update(until)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(authority), critical=False)
    )
    for each in sorted(entries, key=lambda each: each.serial):
        made = x509.RevokedCertificateBuilder().serial_number(each.serial).revocation_date(each.at)
        if each.reason != "unspecified":
            made = made.add_extension(x509.CRLReason(x509.ReasonFlags(each.reason)), critical=False)
        builder = builder.add_revoked_certificate(made.build())
    return builder.sign(key, SHA256()).public_bytes(serialization.Encoding.PEM)


def read_list(pem: bytes) -> Listed:
    """What a list of ours says. Raises `ValueError`."""
    found = x509.load_pem_x509_crl(pem)
    until = found.next_update_utc
    if until is None:
        raise ValueError("a list of ours says until when it holds")
    return Listed(
        number=found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number,
        made_at=found.last_update_utc,
        until=until,
        serials=frozenset(each.serial_number for each in found),
    )


def _authority_key(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
