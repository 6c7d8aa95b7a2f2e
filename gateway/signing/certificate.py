"""Whether a certificate speaks for an agency now: pin or chain, dates, usage, strength, revocation.

A certificate out of a message is a hint only. It counts when it is one registered for the agency, or when it has a name
registered for the agency and leads up to the authority that was registered with that name. Authorities on the way may
come along or be registered too; none is believed for having come. Source: RFC 5280, section 6, cut down: what is not
judged here (name constraints, policy constraints, any other critical extension) is a refusal.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from gateway.errors import GatewayError, Refused
from gateway.signing.algorithm import PublicKey, is_strong
from gateway.signing.certificate_name import names_of
from gateway.signing.crl import has_strong_hash, issuer_id
from gateway.signing.keyring import TrustedKeys
from gateway.signing.revocation import is_signed_by

CERTIFICATE_SIZE_BYTES_MAX = 16 * 1024

INTERMEDIATES_MAX = 3
"""Authorities between a certificate and the registered one; state and federal bridges have two."""

SENT_MAX = 8
WAYS_MAX = 4
"""Bounds of what a partner can make us look at."""


class CertificateUnreadable(Refused):
    """Not an X.509 certificate, or one too large to be one."""

    code = "certificate.unreadable"


class CertificateUntrusted(Refused):
    """Neither registered for the agency nor issued by an authority registered for it."""

    code = "certificate.untrusted"


class CertificateExpired(Refused):
    """Its last day has passed."""

    code = "certificate.expired"


class CertificateNotYetValid(Refused):
    """Its first day has not come."""

    code = "certificate.not-yet-valid"


class WrongUsage(Refused):
    """It was not issued for this purpose."""

    code = "certificate.usage"


class WeakKey(Refused):
    """Its key, or the hash its issuer signed it with, is too weak."""

    code = "certificate.weak-key"


_UNDERSTOOD = frozenset(
    {
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        # Any policy is as good as another here; what would ask for one (policy constraints) is not understood.
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
"""Extensions that may be critical; RFC 5280, section 4.2: one that is not understood is a refusal."""

_PURPOSES = frozenset(
    {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)
"""What agencies' certificates are issued for in practice; one without the extension is for anything."""

Extension = TypeVar("Extension", bound=x509.ExtensionType)


@lru_cache(maxsize=256)
def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate. Raises `CertificateUnreadable`. Remembered: an agency shows the same one on every message."""
    if len(der) > CERTIFICATE_SIZE_BYTES_MAX:
        raise CertificateUnreadable(f"a certificate has at most {CERTIFICATE_SIZE_BYTES_MAX} bytes")
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Parsed lazily: what is broken in it must be refused here.
        certificate.extensions, certificate.subject, certificate.issuer  # noqa: B018
        certificate.public_key()
    except Exception as error:
        # The parser raises ValueError, UnsupportedAlgorithm, DuplicateExtension and others, all meaning this.
        raise CertificateUnreadable("not a readable X.509 certificate") from error
    return certificate


def fingerprint(der: bytes) -> str:
    """SHA-256 of the certificate, 64 hex digits."""
    return hashlib.sha256(der).hexdigest()


@lru_cache(maxsize=1024)
def content_id(certificate: x509.Certificate) -> str:
    """SHA-256 of what its issuer signed, 64 hex digits: by what a revoked certificate is known again.

    Not by the whole: whoever has it can write its signature in another way (of ECDSA's r and s, r and n-s count as
    well), which makes another fingerprint and is the same certificate.
    """
    return fingerprint(certificate.tbs_certificate_bytes)


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, "" when it has none."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def check(der: bytes, trusted: TrustedKeys, *, now: datetime, others: Sequence[bytes] = ()) -> PublicKey:
    """The key of a certificate that speaks for the agency at `now`.

    others  certificates that came with it, DER: hints for the way up to a registered authority

    Raises `CertificateUnreadable`, `CertificateUntrusted`, `CertificateRevoked`, `CertificateNotYetValid`,
    `CertificateExpired`, `WrongUsage`, `WeakKey`, `CrlStale`. Trust is asked first: strangers learn nothing else.
    """
    certificate = read_certificate(der)
    if content_id(certificate) in trusted.revoked:
        raise CertificateUntrusted(f"the certificate was revoked for {trusted.agency}")
    if der in trusted.pins:
        trusted.lists.check_not_named(certificate, _above(trusted))
        _check_leaf(certificate, now, pinned=True)
        return _strong_key(certificate, "certificate")
    ways = _ways(certificate, trusted, others)
    if not ways:
        raise CertificateUntrusted(f"the certificate is not one registered for {trusted.agency}, nor of its authority")
    refusals: list[GatewayError] = []
    for way in ways:
        try:
            _check_way(way, trusted, now)
        except GatewayError as error:
            refusals.append(error)
        else:
            return _strong_key(certificate, "certificate")
    raise refusals[0]


def check_pin(certificate: x509.Certificate, *, now: datetime) -> None:
    """Whether this very certificate, once registered, would count at `now` or from its first day on.

    Raises `CertificateExpired`, `WrongUsage`, `WeakKey`.
    """
    _check_leaf(certificate, max(now, certificate.not_valid_before_utc), pinned=True)
    _strong_key(certificate, "certificate")


def _check_leaf(certificate: x509.Certificate, now: datetime, *, pinned: bool) -> None:
    _check_dates(certificate, now, "certificate")
    _check_usage(certificate, pinned=pinned)


# --- the way up -----------------------------------------------------------------------------------------------------

_Way = tuple[x509.Certificate, ...]
"""The certificate, the authorities between, and a registered one."""


def _ways(certificate: x509.Certificate, trusted: TrustedKeys, others: Sequence[bytes]) -> list[_Way]:
    """Ways from a certificate that has a registered name up to an authority that was registered with it."""
    names = names_of(certificate)
    found: list[_Way] = []
    for authority in trusted.authorities:
        if names.isdisjoint(authority.names):
            continue
        between = [*map(read_certificate, authority.intermediates), *_readable(others[:SENT_MAX])]
        anchor = read_certificate(authority.certificate)
        found += islice(_up((certificate,), between, anchor), WAYS_MAX - len(found))
    return found


def _readable(others: Sequence[bytes]) -> Iterator[x509.Certificate]:
    """What can be read of what came along: a broken one beside a good one is no reason to refuse."""
    for der in others:
        with suppress(CertificateUnreadable):
            yield read_certificate(der)


def _up(way: _Way, between: Sequence[x509.Certificate], anchor: x509.Certificate) -> Iterator[_Way]:
    last = way[-1]
    if _leads(last, anchor):
        yield (*way, anchor)
    if len(way) <= INTERMEDIATES_MAX:
        for above in between:
            # One key a way once, whatever certificates it has: else a loop of authorities makes ways without end.
            if above != anchor and issuer_id(above) not in map(issuer_id, way) and _leads(last, above):
                yield from _up((*way, above), between, anchor)


def _leads(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether a way goes on here. Under a weak hash it does by name alone, to be refused for the hash and not as that
    of a stranger: the library checks no such signature, and `_check_way` takes none."""
    if has_strong_hash(certificate):
        return is_signed_by(certificate, authority)
    return certificate.issuer == authority.subject


def _check_way(way: _Way, trusted: TrustedKeys, now: datetime) -> None:
    """RFC 5280, section 6.1, from the top down; a step that is not understood is a refusal."""
    for below, authority in enumerate(way[:0:-1], start=1):
        _check_authority(authority, authorities_below=len(way) - 1 - below)
        _check_dates(authority, now, "authority's certificate")
    _check_leaf(way[0], now, pinned=False)
    for certificate, issuer in pairwise(way):
        if not has_strong_hash(certificate):
            raise WeakKey("the hash that a certificate is signed with must be SHA-256, SHA-384 or SHA-512")
        if content_id(certificate) in trusted.revoked:
            raise CertificateUntrusted(f"an authority's certificate was revoked for {trusted.agency}")
        trusted.lists.check_link(certificate, issuer, now)


def check_authority(authority: x509.Certificate, *, now: datetime) -> None:
    """Whether certificates of this authority could count at `now`. Raises the errors of certificates."""
    _check_authority(authority, authorities_below=0)
    _check_dates(authority, now, "authority's certificate")


@lru_cache(maxsize=1024)
def _check_authority(authority: x509.Certificate, *, authorities_below: int) -> None:
    """CA flag, path length, the right to sign certificates and for this use, strength."""
    constraints = _extension(authority, x509.BasicConstraints)
    usage = _extension(authority, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise WrongUsage("the certificate of an authority is not one of an authority")
    # Counted over all of them: RFC 5280 leaves self-issued ones out, which no partner has and an attacker may make.
    if constraints.path_length is not None and authorities_below > constraints.path_length:
        raise WrongUsage("there are more authorities below an authority than its path length allows")
    purposes = _extension(authority, x509.ExtendedKeyUsage)
    if purposes is not None and _PURPOSES.isdisjoint(purposes):
        raise WrongUsage("an authority's certificate lacks clientAuth in its extended key usage")
    if _extension(authority, x509.NameConstraints) is not None:
        raise WrongUsage("an authority's certificate has name constraints, which the gateway does not judge")
    _check_understood(authority, "authority's certificate")
    _strong_key(authority, "authority's certificate")


def _above(trusted: TrustedKeys) -> Iterator[x509.Certificate]:
    """Every authority that is registered for the agency, and those registered below them."""
    for authority in trusted.authorities:
        yield from map(read_certificate, (authority.certificate, *authority.intermediates))


# --- one certificate ------------------------------------------------------------------------------------------------


def _check_dates(certificate: x509.Certificate, now: datetime, what: str) -> None:
    if now < certificate.not_valid_before_utc:
        first = certificate.not_valid_before_utc
        raise CertificateNotYetValid(f"the {what} is valid from {_day(first)}")
    if now > certificate.not_valid_after_utc:
        raise CertificateExpired(f"the {what} was valid until {_day(certificate.not_valid_after_utc)}: renew it")


@lru_cache(maxsize=1024)
def _check_usage(certificate: x509.Certificate, *, pinned: bool) -> None:
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise WrongUsage("the certificate's key usage lacks digitalSignature")
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is not None and _PURPOSES.isdisjoint(purposes):
        raise WrongUsage("the certificate's extended key usage lacks clientAuth")
    constraints = _extension(certificate, x509.BasicConstraints)
    # A pin is trusted by its very bytes, and `openssl req -x509` marks every self-made certificate as an authority.
    if constraints is not None and constraints.ca and not pinned:
        raise WrongUsage("an authority's own certificate does not sign messages")
    _check_understood(certificate, "certificate")


def _check_understood(certificate: x509.Certificate, what: str) -> None:
    if any(extension.critical and extension.oid not in _UNDERSTOOD for extension in certificate.extensions):
        raise WrongUsage(f"the {what} has a critical extension that is not understood")


@lru_cache(maxsize=1024)
def _strong_key(certificate: x509.Certificate, what: str) -> PublicKey:
    key = certificate.public_key()
    if not is_strong(key):
        raise WeakKey(f"the key of the {what} must be P-256, P-384, or RSA of 2048 bits or more with exponent 65537")
    return key  # type: ignore[return-value]  # is_strong has settled the kind


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def to_pem(der: bytes) -> bytes:
    """The same certificate as PEM text."""
    return read_certificate(der).public_bytes(Encoding.PEM)


def pem_to_der(pem: bytes) -> bytes:
    """The first certificate of a PEM text, as DER. Raises `CertificateUnreadable`."""
    try:
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    except ValueError as error:
        raise CertificateUnreadable("not an X.509 certificate in PEM form") from error


def pems_to_ders(pem: bytes) -> tuple[bytes, ...]:
    """Every certificate of a PEM text, as DER. Raises `CertificateUnreadable`."""
    try:
        return tuple(each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise CertificateUnreadable("not X.509 certificates in PEM form") from error
