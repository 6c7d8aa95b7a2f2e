"""Who can open an archive: whoever knows a passphrase, or whoever holds the private half of a recovery key.

An archive has a fresh key of its own; this module wraps it (AES key wrap, RFC 3394) under

    passphrase  a key that scrypt makes of passphrase and salt; N = 2^17, r = 8, p = 1 takes 128 MB and half a second
    recovery    a key that HKDF-SHA256 makes of an ECDH P-256 secret; the machine that makes backups every night holds
                the public half only, and cannot read yesterday's. P-256 rather than X25519: every FIPS module has it
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gateway.backup.seal import Header
from gateway.errors import Misconfigured, Refused
from gateway.keys.personal import KeyTaken, check_passphrase
from gateway.keys.private_key import KeyKind, from_pem, generate, spki, to_pem
from gateway.keys.secret_file import PUBLIC_MODE, create, read_public, read_secret

SALT_SIZE_BYTES = 16
SCRYPT_LOG_N = 17
SCRYPT_LOG_N_MAX = 20
"""Of an archive that is opened: 1 GB of memory; a header cannot ask for more."""

_INFO = b"gateway/backup-recovery/1"


class WrongOpener(Refused):
    """The archive does not open with this passphrase or this recovery key."""

    code = "backup.wrong-key"


class NotARecoveryKey(Misconfigured):
    """The file is no recovery key, or not the half that is needed."""

    code = "backup.recovery-key"


class Lock(Protocol):
    """What archives are locked with."""

    def __call__(self, key: bytes) -> Header:
        """The header of an archive with this key."""


class PassphraseLock:
    """Locks any number of archives with one passphrase; the costly step is done once. Raises `WeakPassphrase`."""

    def __init__(self, passphrase: bytes, *, salt: bytes, log_n: int = SCRYPT_LOG_N) -> None:
        check_passphrase(passphrase)
        self._fields: dict[str, str | int] = {"lock": "passphrase", "salt": salt.hex(), "log_n": log_n}
        self._wrapping = _stretched(passphrase, salt, log_n)

    def __call__(self, key: bytes) -> Header:
        """The header."""
        return self._fields | {"wrapped": aes_key_wrap(self._wrapping, key).hex()}


@dataclass(frozen=True, slots=True)
class RecoveryLock:
    """Locks archives for the holder of a recovery key's private half."""

    public_key: ec.EllipticCurvePublicKey

    def __call__(self, key: bytes) -> Header:
        """The header."""
        once = ec.generate_private_key(ec.SECP256R1())
        ephemeral = _point(once.public_key())
        wrapping = _agreed(once.exchange(ec.ECDH(), self.public_key), ephemeral, self.public_key)
        return {
            "lock": "recovery",
            "key": fingerprint(self.public_key),
            "ephemeral": ephemeral.hex(),
            "wrapped": aes_key_wrap(wrapping, key).hex(),
        }


def unlock_with_passphrase(passphrase: Callable[[], bytes]) -> Callable[[Header], bytes]:
    """Opens archives locked with a passphrase, which is asked for when first needed. Raises `WrongOpener`."""
    known: dict[tuple[str, int], bytes] = {}

    def unlock(header: Header) -> bytes:
        if header.get("lock") != "passphrase":
            raise WrongOpener(
                f"the archive is locked with a recovery key ({_short(header)}); give its file: --key-file"
            )
        salt, log_n = str(header.get("salt")), int(header.get("log_n", 0))
        if (salt, log_n) not in known:
            if not 1 <= log_n <= SCRYPT_LOG_N_MAX:
                raise WrongOpener("the archive asks for more work than any that this version writes")
            known[salt, log_n] = _stretched(passphrase(), _hex(salt), log_n)
        return _unwrapped(known[salt, log_n], header)

    return unlock


def unlock_with_recovery_key(key: ec.EllipticCurvePrivateKey) -> Callable[[Header], bytes]:
    """Opens archives locked for this recovery key. Raises `WrongOpener`."""

    def unlock(header: Header) -> bytes:
        if header.get("lock") != "recovery":
            raise WrongOpener("the archive is locked with a passphrase, not with a recovery key")
        ephemeral = _hex(header.get("ephemeral"))
        try:
            once = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), ephemeral)
        except ValueError as error:
            raise WrongOpener("the head of the archive is damaged") from error
        if header.get("key") != fingerprint(key.public_key()):
            raise WrongOpener(f"the archive is locked for another recovery key ({_short(header)})")
        return _unwrapped(_agreed(key.exchange(ec.ECDH(), once), ephemeral, key.public_key()), header)

    return unlock


# --- recovery keys ------------------------------------------------------------------------------------------------


def make_recovery_key(path: Path, passphrase: bytes) -> Path:
    """A new recovery key: the private half in this file under the passphrase, the public half beside it, whose path is
    given. Raises `WeakPassphrase`, `KeyTaken`, `KeyUnreadable`."""
    check_passphrase(passphrase)
    key = generate(KeyKind.P256)
    public = path.with_name(f"{path.name}.pub")
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not create(path, to_pem(key, passphrase)):
        raise KeyTaken(f"{path}: there is a key already; give another name")
    if not create(public, pem, mode=PUBLIC_MODE):
        path.unlink()
        raise KeyTaken(f"{public}: there is a key already; give another name")
    return public


def recovery_lock(path: Path) -> RecoveryLock:
    """The lock of a recovery key's public half. Raises `NotARecoveryKey`, `KeyMissing`, `KeyUnreadable`."""
    try:
        key = serialization.load_pem_public_key(read_public(path))
    except ValueError as error:
        raise NotARecoveryKey(
            f"{path}: not the public half of a recovery key; `gateway keys recovery` makes one"
        ) from (error)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotARecoveryKey(f"{path}: a recovery key is P-256")
    return RecoveryLock(key)


def read_recovery_key(path: Path, passphrase: bytes) -> ec.EllipticCurvePrivateKey:
    """The private half. Raises `NotARecoveryKey`, `WrongPassphrase` and what reading raises."""
    key = from_pem(read_secret(path), passphrase, name=str(path), note=False)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotARecoveryKey(f"{path}: a recovery key is P-256")
    return key


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of its SubjectPublicKeyInfo, hex."""
    return hashlib.sha256(spki(key)).hexdigest()


def _stretched(passphrase: bytes, salt: bytes, log_n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << log_n, r=8, p=1).derive(passphrase)


def _agreed(secret: bytes, ephemeral: bytes, recipient: ec.EllipticCurvePublicKey) -> bytes:
    salt = hashlib.sha256(ephemeral + _point(recipient)).digest()
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=_INFO).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _unwrapped(wrapping: bytes, header: Header) -> bytes:
    try:
        return aes_key_unwrap(wrapping, _hex(header.get("wrapped")))
    except (InvalidUnwrap, InvalidKey, ValueError) as error:
        raise WrongOpener("the archive does not open: another passphrase or key, or its head is damaged") from error


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(str(value))
    except ValueError as error:
        raise WrongOpener("the head of the archive is damaged") from error


def _short(header: Header) -> str:
    return f"sha-256 {str(header.get('key'))[:16]}…"
