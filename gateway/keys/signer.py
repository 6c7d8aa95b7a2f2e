"""Signers over private keys held in memory."""

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.keys.private_key import MessageKey
from gateway.signing.algorithm import PKCS1, SignatureMethod


class EcdsaSigner:
    """ECDSA with SHA-256; P-256 or P-384. A `gateway.signing.keyring.Signer`."""

    algorithm = SignatureMethod.ECDSA_SHA256

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._size_bytes = (key.key_size + 7) // 8
        self._method = ec.ECDSA(SHA256())
        self.certificate_der = certificate.public_bytes(serialization.Encoding.DER)

    def sign(self, data: bytes) -> bytes:
        """r and s side by side, as XML-DSig wants them."""
        r, s = decode_dss_signature(self._key.sign(data, self._method))
        return r.to_bytes(self._size_bytes) + s.to_bytes(self._size_bytes)


class RsaSigner:
    """RSA PKCS #1 v1.5 with SHA-256. A `gateway.signing.keyring.Signer`."""

    algorithm = SignatureMethod.RSA_SHA256

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate_der = certificate.public_bytes(serialization.Encoding.DER)

    def sign(self, data: bytes) -> bytes:
        """The RSA block."""
        return self._key.sign(data, PKCS1, SHA256())


class Ed25519Signer:
    """Ed25519 under a name, for signed notes. A `gateway.audit.note.NoteSigner`."""

    def __init__(self, key: Ed25519PrivateKey, name: str) -> None:
        self._key = key
        self.name = name
        self.public_bytes = key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)


def signer_of(key: MessageKey, certificate: x509.Certificate) -> EcdsaSigner | RsaSigner:
    """A signer for a key of either kind."""
    return EcdsaSigner(key, certificate) if isinstance(key, ec.EllipticCurvePrivateKey) else RsaSigner(key, certificate)
