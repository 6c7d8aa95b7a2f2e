"""The key of receipts on disk, and its change.

    receipt.key.pem        the key in use
    receipt.next.key.pem   one that is to take over (`succession.py`)
    receipt.retired        one line for each key before: its public half, and until when it signed

The old key's line is written before the next key takes its place: a key that signed is never forgotten, for receipts
and destruction certificates by it are shown years later.
"""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.note import NoteKey, NoteKeyMalformed
from gateway.clock import timestamp
from gateway.keys.private_key import KeyKind, from_pem, generate, to_pem
from gateway.keys.secret_file import (
    PUBLIC_MODE,
    KeyMissing,
    KeyUnreadable,
    create,
    erase,
    read_public,
    read_secret,
    replace,
)
from gateway.keys.signer import Ed25519Signer
from gateway.keys.succession import Look, NextKey, NoNextKey, Places, key_print, look

NAME = "receipt"
RETIRED = "receipt.retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptKey:
    """A key that signs receipts, or did. until: when the next one took over; None while it is in use."""

    key: NoteKey
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    signer: Ed25519Signer
    look: Look


class ReceiptKeyFiles:
    """The receipts' key of one directory; a `Succession`. Safe from several threads."""

    def __init__(self, directory: Path, *, name: str, passphrase: bytes | None) -> None:
        self._places = Places(directory, NAME)
        self._signs_as = f"{name}/receipt"
        self._passphrase = passphrase
        self._read = self._current()
        self._retired()

    @property
    def signer(self) -> Ed25519Signer:
        """The key in use, as the file is now. Raises leaves of `Misconfigured`."""
        if look(self._places.key) != self._read.look:
            self._read = self._current()
        return self._read.signer

    def every(self) -> tuple[ReceiptKey, ...]:
        """Every key there ever was, the one in use last. Raises leaves of `Misconfigured`."""
        present = _note_key(self.signer)
        return (*(each for each in self._retired() if each.key != present), ReceiptKey(key=present))

    def next(self) -> NextKey | None:
        """The key that is to take over."""
        key = self._next()
        if key is None:
            return None
        return NextKey(fingerprint=key_print(key.public_key()), since=self._places.read_since())

    def next_public(self) -> NoteKey | None:
        """Its public half."""
        key = self._next()
        return None if key is None else NoteKey(self._signs_as, key.public_key().public_bytes_raw())

    def make_next(self) -> None:
        """The next key, made unless it is there. Raises `KeyUnreadable`."""
        create(self._places.next, to_pem(generate(KeyKind.ED25519), self._passphrase))

    def order(self, since: datetime) -> None:
        """The next key is to take over from this moment on."""
        self._places.write_since(since)

    def take_over(self, now: datetime) -> None:
        """The next key takes over; the old one's public half is kept, the key destroyed.

        Raises `NoNextKey`, `KeyUnreadable`.
        """
        if self._next() is None:
            raise NoNextKey(f"{self._places.next}: there is no next key")
        present = _note_key(self.signer)
        lines = [*(each for each in self._retired() if each.key != present), ReceiptKey(key=present, until=now)]
        replace(self._places.directory / RETIRED, "".join(map(_line, lines)).encode(), mode=PUBLIC_MODE)
        self._places.put_next_in_place()
        self.finish()

    def discard_next(self) -> None:
        """Destroy the next key. Raises `KeyUnreadable`."""
        self._places.since.unlink(missing_ok=True)
        erase(self._places.next)

    def unfinished(self) -> bool:
        """Whether a change was stopped, or is under way."""
        return self._places.unfinished()

    def finish(self) -> None:
        """What a stop has left of a change."""
        self._places.clear()

    def _retired(self) -> tuple[ReceiptKey, ...]:
        path = self._places.directory / RETIRED
        try:
            return tuple(_retired_key(line) for line in read_public(path).decode().splitlines())
        except KeyMissing:
            return ()
        except (NoteKeyMalformed, ValueError) as error:
            raise KeyUnreadable(f"{path}: not a list of retired keys; restore it from a backup") from error

    def _next(self) -> Ed25519PrivateKey | None:
        with contextlib.suppress(KeyMissing):
            return self._key(self._places.next)
        return None

    def _current(self) -> _Read:
        seen = look(self._places.key)  # before it is read: a change meanwhile is seen the next time
        return _Read(Ed25519Signer(self._key(self._places.key), self._signs_as), seen)

    def _key(self, path: Path) -> Ed25519PrivateKey:
        return cast("Ed25519PrivateKey", from_pem(read_secret(path), self._passphrase, name=str(path), note=True))


def _note_key(signer: Ed25519Signer) -> NoteKey:
    return NoteKey(signer.name, signer.public_bytes)


def _line(key: ReceiptKey) -> str:
    return f"{key.key} {timestamp(key.until)}\n" if key.until else f"{key.key}\n"


def _retired_key(line: str) -> ReceiptKey:
    key, until = line.split(" ")
    moment = datetime.strptime(until, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return ReceiptKey(key=NoteKey.read(key), until=moment)
