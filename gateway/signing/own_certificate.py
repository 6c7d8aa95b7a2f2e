"""Whether a certificate that an authority elsewhere issued for a key of the gateway fits it. Pure.

Asked before it is put in use, since afterwards partners would be the first to notice: whose key, which dates, for what,
which names, and that what comes behind it leads upwards.
"""

import ipaddress
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import Refused
from gateway.signing.algorithm import PublicKey, is_strong
from gateway.signing.certificate import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnreadable,
    WeakKey,
    WrongUsage,
)
from gateway.signing.crl import has_strong_hash

CHAIN_MAX: Final = 8
SIZE_BYTES_MAX: Final = 128 * 1024


class CertificateOfOtherKey(Refused):
    """The certificate is of a key that is neither the one in use nor the next one."""

    code = "certificate.other-key"


class CertificateNames(Refused):
    """A server's certificate without the names that partners call it by."""

    code = "certificate.names"


class ChainBroken(Refused):
    """What comes behind the certificate did not issue it."""

    code = "certificate.chain"


class Use(StrEnum):
    """What the key is for."""

    SERVER = "server"
    CLIENT = "client"
    SIGNATURE = "signature"


_PURPOSES: Final = {
    Use.SERVER: (ExtendedKeyUsageOID.SERVER_AUTH, "serverAuth"),
    Use.CLIENT: (ExtendedKeyUsageOID.CLIENT_AUTH, "clientAuth"),
}


def read_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificate and what is behind it. Raises `CertificateUnreadable`."""
    if len(pem) > SIZE_BYTES_MAX:
        raise CertificateUnreadable(f"a certificate with its chain has at most {SIZE_BYTES_MAX} bytes")
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
        for each in chain:
            each.extensions  # noqa: B018  parsed lazily: a broken one must be refused here
            each.public_key()
    except Exception as error:
        # The parser raises ValueError, UnsupportedAlgorithm, DuplicateExtension and others, all meaning this.
        raise CertificateUnreadable("not an X.509 certificate in PEM form, with its chain behind it") from error
    if len(chain) > CHAIN_MAX:
        raise CertificateUnreadable(f"a certificate has at most {CHAIN_MAX - 1} others behind it")
    return chain


def to_pem(chain: Sequence[x509.Certificate]) -> bytes:
    """One block after the other, without what else the file may have held."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def check_own(
    chain: Sequence[x509.Certificate], keys: Collection[PublicKey], use: Use, *, names: Collection[str], now: datetime
) -> PublicKey:
    """The key that the certificate is of, one of these.

    names  that a server's certificate must hold

    Raises `CertificateOfOtherKey`, `CertificateNotYetValid`, `CertificateExpired`, `WeakKey`, `WrongUsage`,
    `CertificateNames`, `ChainBroken`.
    """
    leaf = chain[0]
    own = next((each for each in keys if each == leaf.public_key()), None)
    if own is None:
        raise CertificateOfOtherKey("the certificate is of another key than the one that was asked for")
    if now < leaf.not_valid_before_utc:
        raise CertificateNotYetValid(f"the certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d}")
    if now > leaf.not_valid_after_utc:
        raise CertificateExpired(f"the certificate was valid until {leaf.not_valid_after_utc:%Y-%m-%d}")
    if not is_strong(own) or not has_strong_hash(leaf):
        raise WeakKey("its key must be P-256, P-384 or RSA of at least 2048 bits, signed with SHA-256 or better")
    _check_usage(leaf, use)
    if use is Use.SERVER and (missing := sorted(set(names) - _names(leaf))):
        raise CertificateNames(f"the certificate lacks {', '.join(missing)}: partners would refuse the connection")
    _check_chain(chain)
    return own


def _check_usage(leaf: x509.Certificate, use: Use) -> None:
    found = {type(each.value): each.value for each in leaf.extensions}
    constraints = found.get(x509.BasicConstraints)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        raise WrongUsage("this is the certificate of an authority")
    usage = found.get(x509.KeyUsage)
    if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
        raise WrongUsage("the certificate's key usage lacks digitalSignature")
    purposes = found.get(x509.ExtendedKeyUsage)
    if use in _PURPOSES and isinstance(purposes, x509.ExtendedKeyUsage):
        wanted, name = _PURPOSES[use]
        if wanted not in purposes and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in purposes:
            raise WrongUsage(f"the certificate's extended key usage lacks {name}")


def _names(leaf: x509.Certificate) -> set[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    names = {each.lower() for each in found.get_values_for_type(x509.DNSName)}
    return names | {str(each) for each in found.get_values_for_type(x509.IPAddress)}


def _check_chain(chain: Sequence[x509.Certificate]) -> None:
    for issued, issuer in pairwise(chain):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            raise ChainBroken("each certificate in the file is issued by the next one; this is not so") from error


def host_name(host: str) -> str:
    """A host as certificates name it."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.lower()
