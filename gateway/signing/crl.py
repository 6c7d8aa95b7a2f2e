"""Certificate revocation lists, read: which serial numbers an authority has taken back, until when that is known.

A list counts for the authority that signed it with its own key, and only when it speaks of everything that authority
ever issued: a delta, an indirect list, one for some reasons or some certificates is refused, for whoever takes it for
the whole would let a revoked certificate in. Source: RFC 5280, section 5 and 6.3.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from gateway.errors import Refused
from gateway.signing.algorithm import is_strong

CRL_SIZE_BYTES_MAX = 8 * 1024 * 1024
"""About 200,000 revoked certificates. It is held in memory, and read again whenever a process starts."""

CLOCKS_DIFFER = timedelta(minutes=5)

HASHES = (SHA256, SHA384, SHA512)
"""With what an authority may sign: SHA-1 and MD5 are absent."""


class CrlUnreadable(Refused):
    """Not a certificate revocation list, or one too large."""

    code = "crl.unreadable"


class CrlOfAnother(Refused):
    """Not signed by an authority registered for the agency."""

    code = "crl.issuer"


class CrlPartial(Refused):
    """It does not speak of all certificates of its authority, or says something that is not understood."""

    code = "crl.partial"


class CrlUndated(Refused):
    """It is of the future, or does not say when the next one is due."""

    code = "crl.dates"


class CrlOlder(Refused):
    """A newer one is held: going back would let revoked certificates in again."""

    code = "crl.older"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl:
    """What a list says.

    issuer   `issuer_id` of the authority
    number   grows with each list; None where the authority does not number them
    serials  of revoked certificates, those on hold too
    digest   sha-256:… of its DER
    """

    issuer: str
    number: int | None
    this_update: datetime
    next_update: datetime
    serials: frozenset[int] = field(repr=False)
    digest: str


@lru_cache(maxsize=1024)
def issuer_id(authority: x509.Certificate) -> str:
    """64 hex digits of an authority's name and key: a renewed certificate of the same key is the same authority, also
    when its name is in another kind of string now."""
    key = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = authority.subject.rfc4514_string().encode()
    return hashlib.sha256(len(name).to_bytes(4) + name + key).hexdigest()


def has_strong_hash(signed: x509.Certificate | x509.CertificateRevocationList) -> bool:
    """Whether it is signed with one of `HASHES`; by a method that the library does not know it is not."""
    try:
        return isinstance(signed.signature_hash_algorithm, HASHES)
    except UnsupportedAlgorithm:
        return False


def read_crl(data: bytes, authorities: Iterable[x509.Certificate], *, now: datetime) -> tuple[Crl, bytes]:
    """What a list (DER or PEM) of one of these authorities says, and its DER. One that is past its time is read too:
    it may still say more than what is held.

    Raises `CrlUnreadable`, `CrlOfAnother`, `CrlPartial`, `CrlUndated`.
    """
    found = _parsed(data)
    authority = next((each for each in authorities if _is_signed(found, each)), None)
    if authority is None:
        raise CrlOfAnother("the list is not signed by an authority registered for the agency, or by a weak signature")
    _check_whole(found)
    if found.last_update_utc > now + CLOCKS_DIFFER:
        raise CrlUndated("the list is dated in the future; check the clock of this machine")
    der = found.public_bytes(Encoding.DER)
    return crl_of(der, issuer_id(authority)), der


def crl_of(der: bytes, issuer: str) -> Crl:
    """What a list says that was checked when it was taken in. Raises `CrlUnreadable`, `CrlUndated`."""
    found = _parsed(der)
    due = found.next_update_utc
    if due is None or due <= found.last_update_utc:
        raise CrlUndated("the list does not say when the next one is due: nobody could tell when it is out of date")
    return Crl(
        issuer=issuer,
        number=_number(found),
        this_update=found.last_update_utc,
        next_update=due,
        serials=frozenset(each.serial_number for each in found),
        digest=digest_of(der),
    )


def is_over(crl: Crl, moment: datetime) -> bool:
    """Whether the list is past its time. Of a list that holds "for ever" (the year 9999, as RFC 5280 has it for
    certificates) nothing can be reckoned from its end: take the grace from the moment."""
    return moment > crl.next_update


def digest_of(der: bytes) -> str:
    """`Crl.digest` of a list."""
    return f"sha-256:{hashlib.sha256(der).hexdigest()}"


def check_newer(new: Crl, held: Crl | None) -> bool:
    """Whether there is anything new; False when it is the very one that is held. Raises `CrlOlder`."""
    if held is None:
        return True
    if new.digest == held.digest:
        return False
    if held.number is not None and (new.number is None or new.number <= held.number):
        raise CrlOlder("a list with this number or a later one is held already; the authority numbers them upward")
    if new.this_update < held.this_update:
        raise CrlOlder(f"a list of {held.this_update:%Y-%m-%d %H:%M} UTC is held already; this one is older")
    return True


def _parsed(data: bytes) -> x509.CertificateRevocationList:
    if len(data) > CRL_SIZE_BYTES_MAX:
        raise CrlUnreadable(f"a revocation list has at most {CRL_SIZE_BYTES_MAX} bytes")
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        found = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        # Parsed lazily: what is broken in it must be refused here.
        found.extensions, found.issuer, found.last_update_utc, found.next_update_utc  # noqa: B018
    except Exception as error:
        # The parser raises ValueError, UnsupportedAlgorithm, DuplicateExtension and others, all meaning this.
        raise CrlUnreadable("not a certificate revocation list (X.509, DER or PEM)") from error
    return found


def _check_whole(found: x509.CertificateRevocationList) -> None:
    for extension in found.extensions:
        if extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            raise CrlPartial("a delta list says only what changed; the whole list is needed")
        if extension.oid == ExtensionOID.ISSUING_DISTRIBUTION_POINT:
            raise CrlPartial("the list speaks of some certificates only, or for another authority (indirect)")
        if extension.critical:
            raise CrlPartial("the list has a critical extension that is not understood")
    for entry in found:
        for extension in _entry_extensions(entry):
            if extension.oid == CRLEntryExtensionOID.CERTIFICATE_ISSUER:
                raise CrlPartial("the list speaks for other authorities too (indirect)")
            if extension.critical:
                raise CrlPartial("an entry of the list has a critical extension that is not understood")


def _entry_extensions(entry: x509.RevokedCertificate) -> x509.Extensions:
    try:
        return entry.extensions
    except Exception as error:
        raise CrlUnreadable("an entry of the list cannot be read") from error


def _is_signed(found: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    """By the authority's own strong key, which may sign lists, with a strong hash."""
    key = authority.public_key()
    if found.issuer != authority.subject or not is_strong(key) or not _may_sign(authority):
        return False
    try:
        return has_strong_hash(found) and found.is_signature_valid(key)  # type: ignore[arg-type]  # is_strong settled it
    except (ValueError, TypeError):
        return False


def _may_sign(authority: x509.Certificate) -> bool:
    try:
        return authority.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _number(found: x509.CertificateRevocationList) -> int | None:
    try:
        return found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None
