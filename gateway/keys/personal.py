"""Personal keys: one Ed25519 key a person, in a file that only its passphrase opens.

The gateway holds the public half. The file belongs to the person: it may lie on a stick, in a home folder, or beside
the deployment; it is never read without the passphrase and never copied.
"""

import contextlib
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.errors import Misconfigured, Refused
from gateway.keys.private_key import KeyKind, from_pem, generate, to_pem
from gateway.keys.secret_file import create, read_secret
from gateway.signing.act import Sign

PASSPHRASE_LENGTH_MIN = 12
"""NIST SP 800-63B asks for 8 where attempts are limited; a file can be tried at leisure."""


class WeakPassphrase(Refused):
    """The passphrase of a personal key is too short."""

    code = "user.weak-passphrase"


class KeyTaken(Misconfigured):
    """There is a key under this name already."""

    code = "user.key-exists"


class NotAPublicKey(Refused):
    """The file holds no Ed25519 public key in PEM form."""

    code = "user.key-unreadable"


def make_personal_key(path: Path, passphrase: bytes) -> str:
    """A new key in this file; its public half, 64 hex digits. Raises `WeakPassphrase`, `KeyTaken`, `Misconfigured`."""
    check_passphrase(passphrase)
    key = cast("Ed25519PrivateKey", generate(KeyKind.ED25519))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not create(path, to_pem(key, passphrase)):
        raise KeyTaken(f"{path}: there is a key already; give another name")
    return public_hex(key.public_key())


def check_passphrase(passphrase: bytes) -> None:
    """Raises `WeakPassphrase`."""
    if len(passphrase.decode("utf-8", "replace").strip()) < PASSPHRASE_LENGTH_MIN:
        raise WeakPassphrase(f"a passphrase has at least {PASSPHRASE_LENGTH_MIN} characters; several words do well")


def unlock(path: Path, passphrase: bytes) -> tuple[Sign, str]:
    """What signs with the key in this file, and its public half. Raises `WrongPassphrase` and what reading raises."""
    key = cast("Ed25519PrivateKey", from_pem(read_secret(path), passphrase, name=str(path), note=True))
    return key.sign, public_hex(key.public_key())


def throwaway() -> tuple[Sign, str]:
    """A key that is kept nowhere: for the officers of sample agencies, whom nobody is."""
    key = Ed25519PrivateKey.generate()
    return key.sign, public_hex(key.public_key())


def read_public(pem: bytes, name: str) -> str:
    """The public key of a person who made their key elsewhere. Raises `NotAPublicKey`."""
    with contextlib.suppress(ValueError):
        key = serialization.load_pem_public_key(pem)
        if isinstance(key, Ed25519PublicKey):
            return public_hex(key)
    raise NotAPublicKey(f"{name}: not an Ed25519 public key in PEM form")


def public_pem(public_key: str) -> bytes:
    """PEM of a public key given in hex: what a person hands to another gateway's operator."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_hex(key: Ed25519PublicKey) -> str:
    """The raw key, 64 hex digits."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
