"""Identity: an agency's key and certificate in the forms that toolkits want them. Pure, but for PKCS #12's own salt."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    KeySerializationEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from gateway.errors import Misconfigured


class IdentityUnusable(Misconfigured):
    """Key and certificate are not PEM of a kind that is known, or do not belong together."""

    code = "integrate.identity"


def together(key: bytes, certificate: bytes) -> bytes:
    """One PEM file: the certificate, and after it its key. What gSOAP and PHP read."""
    return certificate.rstrip(b"\n") + b"\n" + key


def as_pkcs12(key: bytes, certificate: bytes, *, name: str, password: str, is_old: bool = False) -> bytes:
    """PKCS #12 under a password, as Java's and .NET's key stores are. Raises `IdentityUnusable`.

    is_old  in the encryption of RFC 7292 (3DES, HMAC-SHA-1), the only one that Mono and Windows before 2019 read. The
            password is 128 random bits and carries the protection either way
    """
    try:
        found = x509.load_pem_x509_certificate(certificate)
        private = load_pem_private_key(key, None)
        if isinstance(private, EllipticCurvePrivateKey | RSAPrivateKey):
            lock = _old(password) if is_old else BestAvailableEncryption(password.encode())
            return pkcs12.serialize_key_and_certificates(name.encode(), private, found, None, lock)
    except (ValueError, TypeError) as error:
        raise IdentityUnusable("the agency's key and certificate do not make a PKCS #12 file") from error
    raise IdentityUnusable("the agency's key is of a kind that no certificate here has")


def _old(password: str) -> KeySerializationEncryption:
    builder = PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
    return builder.hmac_hash(SHA1()).build(password.encode())  # noqa: S303  (as above)
