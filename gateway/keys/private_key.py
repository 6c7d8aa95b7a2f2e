"""Private keys: making them, PEM and back, and refusing weak ones."""

from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509 import Certificate

from gateway.errors import Misconfigured
from gateway.keys.secret_file import KeyUnreadable
from gateway.signing.algorithm import PublicKey, is_strong

MessageKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""Kinds of key that certificates are issued for."""

PrivateKey = MessageKey | Ed25519PrivateKey


class WeakKey(Misconfigured):
    """A key of a kind or size that is not allowed for its use."""

    code = "key.weak"


class WrongPassphrase(Misconfigured):
    """The passphrase is missing, wrong, or set while the key is not encrypted."""

    code = "key.passphrase"


class KeyKind(StrEnum):
    """What keys are made."""

    P256 = "p256"
    RSA2048 = "rsa2048"
    RSA3072 = "rsa3072"
    RSA4096 = "rsa4096"
    ED25519 = "ed25519"


def generate(kind: KeyKind) -> PrivateKey:
    """A new key."""
    if kind is KeyKind.P256:
        return ec.generate_private_key(ec.SECP256R1())
    if kind is KeyKind.ED25519:
        return Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))


def to_pem(key: PrivateKey, passphrase: bytes | None) -> bytes:
    """PKCS #8 PEM, encrypted when there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def from_pem(pem: bytes, passphrase: bytes | None, *, name: str, note: bool) -> PrivateKey:
    """The key in a file. Raises `WrongPassphrase`, `KeyUnreadable`, `WeakKey`, all naming the file.

    note    True for a key that must be Ed25519, False for one that must be ECDSA or RSA
    """
    try:
        key = serialization.load_pem_private_key(pem, passphrase or None)
    except TypeError as error:  # the library's way to say "encrypted, no passphrase given" and the reverse
        text = "is not encrypted, but a passphrase is set" if passphrase else "is encrypted, and no passphrase is set"
        raise WrongPassphrase(f"{name}: the key {text}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if passphrase and b"ENCRYPTED" in pem:
            raise WrongPassphrase(f"{name}: the passphrase is wrong, or the file is damaged") from error
        raise KeyUnreadable(f"{name}: not a private key in PKCS #8 PEM form") from error
    if note and isinstance(key, Ed25519PrivateKey):
        return key
    if not note and isinstance(key, MessageKey) and is_strong(key.public_key()):
        return key
    wanted = "an Ed25519 key" if note else "a P-256, P-384 or RSA key of at least 2048 bits"
    raise WeakKey(f"{name}: must be {wanted}; move it away and restore or rotate the key")


def algorithm_name(key: PublicKey | Ed25519PublicKey) -> str:
    """For people: "ECDSA P-256", "RSA 2048", "Ed25519"."""
    if isinstance(key, Ed25519PublicKey):
        return "Ed25519"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA P-{key.key_size}"
    return f"RSA {key.key_size}"


def spki(key: PublicKey | Ed25519PublicKey) -> bytes:
    """SubjectPublicKeyInfo, DER: what a key's fingerprint is the SHA-256 of."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_for(certificate: Certificate, key: MessageKey) -> bool:
    """Whether the certificate is of this key."""
    return certificate.public_key() == key.public_key()
