"""The log's key on disk, and its change.

    log.key.pem        the key in use
    log.next.key.pem   one that is to take over: made, and perhaps in the log already
    log.retired        one line for each key before: its public half, first and last size it signed

A change is: the next key is made; a checkpoint that both sign goes into the log (`exchange/rotate_log_key.py`); the old
key's line is written here; the next key takes the old one's name, and the old private key is destroyed. What stops
in between is finished by whoever comes next: the line in `log.retired` is written only when the log has changed hands,
so a retired key that still has its file gives way. Running processes see that the file was replaced and read it again.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.handover import LogKey
from gateway.audit.note import NoteKey, NoteKeyMalformed
from gateway.keys.private_key import KeyKind, from_pem, generate, to_pem
from gateway.keys.secret_file import (
    PUBLIC_MODE,
    KeyMissing,
    KeyUnreadable,
    create,
    read_public,
    read_secret,
    replace,
    sync_directory,
)
from gateway.keys.signer import Ed25519Signer

CURRENT = "log.key.pem"
NEXT = "log.next.key.pem"
LEAVING = ".log.leaving.key.pem"
RETIRED = "log.retired"


@dataclass(frozen=True, slots=True)
class _Read:
    """A key as it was read, and how its file looked then."""

    signer: Ed25519Signer
    look: tuple[int, int]


class LogKeyFiles:
    """The log's key of one key directory."""

    def __init__(self, directory: Path, *, name: str, passphrase: bytes | None) -> None:
        self._directory = directory
        self._name = name
        self._passphrase = passphrase
        self._read = self._current()
        self._finish()

    @property
    def signer(self) -> Ed25519Signer:
        """The key in use, as the file is now. Raises leaves of `Misconfigured`."""
        if _look(self._directory / CURRENT) != self._read.look:
            self._read = self._current()
        return self._read.signer

    def every(self) -> tuple[LogKey, ...]:
        """Every key the log ever had, the one in use last. Raises leaves of `Misconfigured`."""
        present = _note_key(self.signer)
        retired = tuple(each for each in self._retired() if each.key != present)
        first = retired[-1].until if retired else None
        return (*retired, LogKey(key=present, first=first or 0))

    def next(self) -> Ed25519Signer | None:
        """The key that is to take over; None when none is made."""
        path = self._directory / NEXT
        with contextlib.suppress(KeyMissing):
            return self._signer(path)
        return None

    def make_next(self) -> Ed25519Signer:
        """The key that is to take over, made unless it is there. Raises leaves of `Misconfigured`."""
        create(self._directory / NEXT, to_pem(generate(KeyKind.ED25519), self._passphrase))
        return self._signer(self._directory / NEXT)

    def take_over(self, size: int) -> None:
        """The next key has taken over in the log, by a checkpoint of this size. Of no effect when it has here too."""
        present = self.every()[-1]
        if self.next() is None:
            return
        lines = [_line(each) for each in self.every()[:-1]]
        lines.append(_line(LogKey(key=present.key, first=present.first, until=size)))
        replace(self._directory / RETIRED, "".join(lines).encode(), mode=PUBLIC_MODE)
        self._finish()

    def _finish(self) -> None:
        """A retired key that still has its file gives way to the next one."""
        retired = self._retired()
        following = self.next()
        if following is None or not retired or retired[-1].key != _note_key(self.signer):
            return
        leaving = self._directory / LEAVING
        try:
            leaving.unlink(missing_ok=True)
            os.link(self._directory / CURRENT, leaving)
            with contextlib.suppress(FileNotFoundError):  # another process was here first
                (self._directory / NEXT).rename(self._directory / CURRENT)
            sync_directory(self._directory)
            _destroy(leaving)
        except OSError as error:
            raise KeyUnreadable(f"{self._directory}: the log's key cannot be replaced ({error.strerror})") from error

    def _retired(self) -> tuple[LogKey, ...]:
        path = self._directory / RETIRED
        try:
            lines = read_public(path).decode().splitlines()
        except KeyMissing:
            return ()
        try:
            return tuple(_retired_key(line) for line in lines)
        except (NoteKeyMalformed, ValueError) as error:
            raise KeyUnreadable(f"{path}: not a list of retired keys; restore it from a backup") from error

    def _current(self) -> _Read:
        path = self._directory / CURRENT
        look = _look(path)  # before it is read: a change meanwhile is seen the next time
        return _Read(self._signer(path), look)

    def _signer(self, path: Path) -> Ed25519Signer:
        key = from_pem(read_secret(path), self._passphrase, name=str(path), note=True)
        return Ed25519Signer(cast("Ed25519PrivateKey", key), self._name)


def _look(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise KeyMissing(f"{path}: no such key; restore it from the backup of the key directory") from error
    return status.st_ino, status.st_mtime_ns


def _note_key(signer: Ed25519Signer) -> NoteKey:
    return NoteKey(signer.name, signer.public_bytes)


def _line(key: LogKey) -> str:
    return f"{key.key} {key.first} {key.until}\n"


def _retired_key(line: str) -> LogKey:
    key, first, until = line.split(" ")
    return LogKey(key=NoteKey.read(key), first=int(first), until=int(until))


def _destroy(path: Path) -> None:
    """Overwrite and remove a key that may sign nothing any more. A file system that copies on write keeps the old
    bytes until it reuses them; what it could sign is refused all the same."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
