"""Whether a certificate speaks for an agency now: pin or chain, dates, usage, strength.

A certificate out of a message is a hint only. It counts when it is one registered for the agency, or when an authority
registered for the agency issued it *directly*: no path is built from what the message brings along, so that a
partner's intermediate authority is registered itself. Source: RFC 5280, section 6, cut down to that.
"""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from gateway.errors import Refused
from gateway.signing.algorithm import PublicKey, is_strong
from gateway.signing.keyring import TrustedKeys, agency_uri

CERTIFICATE_SIZE_BYTES_MAX = 16 * 1024


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
    }
)
"""Extensions that may be critical; RFC 5280, section 4.2: one that is not understood is a refusal."""

_PURPOSES = frozenset(
    {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)
"""What agencies' certificates are issued for in practice; one without the extension is for anything."""

_HASHES = (SHA256, SHA384, SHA512)

Extension = TypeVar("Extension", bound=x509.ExtensionType)


@lru_cache(maxsize=256)
def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate. Raises `CertificateUnreadable`. Remembered: an agency shows the same one on every message."""
    if len(der) > CERTIFICATE_SIZE_BYTES_MAX:
        raise CertificateUnreadable(f"a certificate has at most {CERTIFICATE_SIZE_BYTES_MAX} bytes")
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.extensions  # noqa: B018  parsed lazily: a broken one must be refused here
        certificate.public_key()
    except Exception as error:
        # The parser raises ValueError, UnsupportedAlgorithm, DuplicateExtension and others, all meaning this.
        raise CertificateUnreadable("not a readable X.509 certificate") from error
    return certificate


def fingerprint(der: bytes) -> str:
    """SHA-256 of the certificate, 64 hex digits."""
    return hashlib.sha256(der).hexdigest()


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, "" when it has none."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def check(der: bytes, trusted: TrustedKeys, *, now: datetime) -> PublicKey:
    """The key of a certificate that speaks for the agency at `now`.

    Raises `CertificateUnreadable`, `CertificateUntrusted`, `CertificateNotYetValid`, `CertificateExpired`,
    `WrongUsage`, `WeakKey`. Trust is asked first: strangers learn nothing else.
    """
    certificate = read_certificate(der)
    if fingerprint(der) in trusted.revoked:
        raise CertificateUntrusted(f"the certificate was revoked for {trusted.agency}")
    pinned = der in trusted.pins
    if not pinned:
        _check_issued(certificate, trusted, now)
    _check_dates(certificate, now, "certificate")
    _check_usage(certificate, pinned=pinned)
    return _strong_key(certificate, "certificate")


def _check_issued(certificate: x509.Certificate, trusted: TrustedKeys, now: datetime) -> None:
    if any(_issued_by(certificate, authority, now) for authority in trusted.authorities):
        return
    shared = any(_issued_by(certificate, authority, now) for authority in trusted.shared_authorities)
    if shared and agency_uri(trusted.agency) in _uris(certificate):
        return
    raise CertificateUntrusted(f"the certificate is not one registered for {trusted.agency}, nor of its authority")


def _issued_by(certificate: x509.Certificate, authority_der: bytes, now: datetime) -> bool:
    authority = read_certificate(authority_der)
    if certificate.issuer != authority.subject:
        return False
    if not _signed_by(certificate, authority):
        return False
    _check_dates(authority, now, "authority's certificate")
    _check_authority(authority)
    return True


@lru_cache(maxsize=256)
def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority's key signed the certificate, with a strong hash; which never changes."""
    if not isinstance(certificate.signature_hash_algorithm, _HASHES):
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _check_authority(authority: x509.Certificate) -> None:
    """CA flag, the right to sign certificates, strength. A path length cannot bind: what is issued is a leaf."""
    constraints = _extension(authority, x509.BasicConstraints)
    usage = _extension(authority, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise WrongUsage("the registered authority's certificate is not one of an authority")
    _strong_key(authority, "authority's certificate")


def _check_dates(certificate: x509.Certificate, now: datetime, what: str) -> None:
    if now < certificate.not_valid_before_utc:
        first = certificate.not_valid_before_utc
        raise CertificateNotYetValid(f"the {what} is valid from {_day(first)}")
    if now > certificate.not_valid_after_utc:
        raise CertificateExpired(f"the {what} was valid until {_day(certificate.not_valid_after_utc)}: renew it")


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
    if any(extension.critical and extension.oid not in _UNDERSTOOD for extension in certificate.extensions):
        raise WrongUsage("the certificate has a critical extension that is not understood")


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


def _uris(certificate: x509.Certificate) -> list[str]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return names.get_values_for_type(x509.UniformResourceIdentifier) if names else []


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
