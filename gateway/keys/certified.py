"""A key with a certificate - cover, tls, client or ca - its next one, and the certificates before it.

    NAME.key.pem, NAME.cert.pem             in use; the certificate with its chain behind it
    NAME.next.key.pem, NAME.next.cert.pem   that are to take over (`succession.py`)
    NAME.next.csr.pem                       the next key's certificate is asked of an authority elsewhere
    NAME.old-FINGERPRINT.cert.pem           a certificate before: Covers by it are verified for years
    ca.old-FINGERPRINT.key.pem              the key of an authority before, which signs nothing but its revocation list;
                                            destroyed when the authority is retired

Which certificate counts is said by the key: the one in `NAME.cert.pem` if it is of this key, else the next one. So the
change is one step, the rename of the key, and nobody ever sees a key with another one's certificate.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.keys.private_key import (
    KeyKind,
    MessageKey,
    WeakKey,
    from_pem,
    generate,
    is_for,
    to_pem,
)
from gateway.keys.secret_file import (
    PUBLIC_MODE,
    KeyMissing,
    KeyUnreadable,
    create,
    erase,
    read_public,
    read_secret,
    replace,
    sync_directory,
)
from gateway.keys.succession import Look, NextKey, NoNextKey, Places, key_print, look
from gateway.signing.algorithm import PublicKey

AUTHORITY = "ca"

FINGERPRINT_DIGITS = 16

READ_TRIES = 5
"""Another process may replace key and certificate between two reads; not five times in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A key with its certificate, as they were read. path: of the certificate with its chain."""

    key: MessageKey
    certificate: x509.Certificate
    path: Path
    looks: tuple[Look, Look]


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """A certificate before the one in use. key: of an authority that still signs its revocation list."""

    certificate: x509.Certificate
    path: Path
    key: Path | None = None


class CertifiedKey:
    """One such key of a directory; a `Succession`. Safe from several threads."""

    def __init__(self, directory: Path, name: str, passphrase: bytes | None) -> None:
        self._places = Places(directory, name)
        self._passphrase = passphrase
        self._certificate = directory / f"{name}.cert.pem"
        self._next_certificate = directory / f"{name}.next.cert.pem"
        self._next_request = directory / f"{name}.next.csr.pem"
        self._held = self._read()

    def current(self) -> Held:
        """The key in use, as its files are now. Raises leaves of `Misconfigured`."""
        held = self._held
        if (look(self._places.key), look(self._certificate)) != held.looks:
            self._held = held = self._read()
        return held

    def next(self) -> NextKey | None:
        """The key that is to take over."""
        key = self._next_key()
        if key is None:
            return None
        certificate = self.next_certificate()
        return NextKey(
            fingerprint=key_print(key.public_key()),
            certified=certificate is not None,
            valid_from=certificate.not_valid_before_utc if certificate else None,
            valid_until=certificate.not_valid_after_utc if certificate else None,
            since=self._places.read_since(),
        )

    def next_public(self) -> PublicKey | None:
        """The public half of the next key."""
        key = self._next_key()
        return None if key is None else key.public_key()

    def next_certificate(self) -> x509.Certificate | None:
        """Its certificate; None when there is no next key, or none of it yet. Raises `KeyUnreadable`."""
        key = self._next_key()
        if key is None:
            return None
        with contextlib.suppress(KeyMissing):
            certificate = _certificate_in(self._next_certificate)
            return certificate if is_for(certificate, key) else None
        return None

    def old(self) -> tuple[Old, ...]:
        """Certificates before, by their first day."""
        present = fingerprint_of(self.current().certificate)
        pattern = f"{self._places.name}.old-*.cert.pem"
        found = [Old(certificate=_certificate_in(path), path=path) for path in self._places.directory.glob(pattern)]
        kept = [
            Old(certificate=each.certificate, path=each.path, key=key if key.exists() else None)
            for each in found
            if fingerprint_of(each.certificate) != present
            for key in (self._old_path(each.certificate, "key"),)
        ]
        return tuple(sorted(kept, key=lambda each: each.certificate.not_valid_before_utc))

    def make_next_key(self, kind: KeyKind) -> MessageKey:
        """The next key, made unless it is there. Raises `KeyUnreadable`."""
        create(self._places.next, to_pem(generate(kind), self._passphrase))
        key = self._next_key()
        if key is None:  # another process let it take over between the two lines
            raise NoNextKey(f"{self._places.next}: the key was changed by somebody else at this moment; look again")
        return key

    def make_next(self, kind: KeyKind, certify: Callable[[MessageKey], bytes]) -> None:
        """The next key with its certificate, each made unless it is there.

        certify  gives the certificate, PEM, its chain behind it
        """
        key = self.make_next_key(kind)
        if self.next_certificate() is None and not self._next_request.exists():
            self.certify_next(certify(key))

    def request_next(self, kind: KeyKind, ask: Callable[[MessageKey], bytes]) -> bytes:
        """The next key, made unless it is there, with a request for its certificate, PEM: the same one again."""
        key = self.make_next_key(kind)
        create(self._next_request, ask(key), mode=PUBLIC_MODE)
        return read_public(self._next_request)

    def discard_next(self) -> None:
        """Destroy the next key with all that belongs to it. Raises `KeyUnreadable`."""
        for path in (self._next_certificate, self._next_request, self._places.since):
            path.unlink(missing_ok=True)
        erase(self._places.next)

    def certify_next(self, chain: bytes) -> None:
        """Give the next key this certificate, whatever it had. Raises `KeyUnreadable` when it is of another key."""
        key = self._next_key()
        if key is None or not is_for(x509.load_pem_x509_certificate(chain), key):
            raise KeyUnreadable(f"{self._places.next}: the certificate is of another key")
        replace(self._next_certificate, chain, mode=PUBLIC_MODE)

    def order(self, since: datetime) -> None:
        """The next key is to take over from this moment on."""
        self._places.write_since(since)

    def take_over(self, now: datetime) -> None:  # noqa: ARG002  (the receipts' key notes it; a certificate has dates)
        """The next key takes over; the old certificate is kept, the old key destroyed - an authority's is kept too.

        Raises `NoNextKey`, `KeyUnreadable`.
        """
        if self.next_certificate() is None:
            raise NoNextKey(f"{self._places.next}: there is no next key with a certificate")
        present = self._keep_certificate()
        keep = self._old_path(present, "key") if self._places.name == AUTHORITY else None
        self._places.put_next_in_place(keep)
        self.finish()

    def renew(self, chain: bytes) -> None:
        """Another certificate for the key in use. Raises `KeyUnreadable`."""
        if not is_for(x509.load_pem_x509_certificate(chain), self.current().key):
            raise KeyUnreadable(f"{self._places.key}: the certificate is of another key")
        self._keep_certificate()
        replace(self._certificate, chain, mode=PUBLIC_MODE)

    def retire(self, old: Old) -> None:
        """Destroy the key of an authority before; its certificate stays, to read what was signed under it."""
        if old.key is not None:
            erase(old.key)

    def unfinished(self) -> bool:
        """Whether a change was stopped, or is under way."""
        return self._places.unfinished() or (self._next_certificate.exists() and not self._places.next.exists())

    def finish(self) -> None:
        """What a stop has left of a change: the certificate gets its name, the old key is destroyed."""
        if not self._places.next.exists() and self._next_certificate.exists():
            self._next_request.unlink(missing_ok=True)
            try:
                with contextlib.suppress(FileNotFoundError):  # another process was here first
                    if is_for(_certificate_in(self._next_certificate), self.current().key):
                        self._next_certificate.rename(self._certificate)
                        sync_directory(self._places.directory)
            except OSError as error:
                raise KeyUnreadable(f"{self._certificate}: cannot be replaced ({error.strerror})") from error
        self._places.clear()

    def key_of(self, certificate: x509.Certificate) -> MessageKey:
        """The key behind the certificate in use, or behind one of an authority before that is not retired. Raises
        leaves of `Misconfigured`."""
        held = self.current()
        return held.key if held.certificate == certificate else self._key(self._old_path(certificate, "key"))

    def _keep_certificate(self) -> x509.Certificate:
        present = self.current()
        create(self._old_path(present.certificate, "cert"), read_public(present.path), mode=PUBLIC_MODE)
        return present.certificate

    def _old_path(self, certificate: x509.Certificate, what: str) -> Path:
        short = fingerprint_of(certificate)[:FINGERPRINT_DIGITS]
        return self._places.directory / f"{self._places.name}.old-{short}.{what}.pem"

    def _next_key(self) -> MessageKey | None:
        with contextlib.suppress(KeyMissing):
            return self._key(self._places.next)
        return None

    def _key(self, path: Path) -> MessageKey:
        key = cast("MessageKey", from_pem(read_secret(path), self._passphrase, name=str(path), note=False))
        if self._places.name == AUTHORITY and not isinstance(key, ec.EllipticCurvePrivateKey):
            raise WeakKey(f"{path}: the authority's key must be P-256 or P-384")
        return key

    def _read(self) -> Held:
        for _ in range(READ_TRIES):
            looks = look(self._places.key), look(self._certificate)
            key = self._key(self._places.key)
            for path in (self._certificate, self._next_certificate):
                if (certificate := _readable(path, must=path is self._certificate)) and is_for(certificate, key):
                    return Held(key=key, certificate=certificate, path=path, looks=looks)
        raise KeyUnreadable(
            f"{self._certificate}: not the certificate of {self._places.key.name}; restore both from one backup"
        )


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, hex."""
    return sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def public_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as partners are given it."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _readable(path: Path, *, must: bool) -> x509.Certificate | None:
    try:
        return _certificate_in(path)
    except KeyMissing:
        if must:
            raise
        return None


def _certificate_in(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_public(path))
    except ValueError as error:
        raise KeyUnreadable(f"{path}: not a certificate in PEM form") from error
