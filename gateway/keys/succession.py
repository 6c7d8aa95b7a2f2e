"""How a key gives way to the next one: what is common to those with a certificate and to the receipts' key.

    NAME.next.key.pem    one that is to take over; partners are given its public half ahead
    NAME.next.from       the moment from which it does: without it nobody has said so yet
    .NAME.leaving.key.pem   the old key while it is being replaced; only a kill leaves it

The next key takes over by one rename over the old one. Everything before it can be done again; everything after it is
finished by whoever opens the directory. Running processes see that the file was replaced and read it again.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.clock import timestamp
from gateway.errors import Misconfigured
from gateway.keys.private_key import spki
from gateway.keys.secret_file import (
    PUBLIC_MODE,
    KeyMissing,
    KeyUnreadable,
    erase,
    locked,
    read_public,
    replace,
    sync_directory,
)
from gateway.signing.algorithm import PublicKey

LOCK = ".rotate.lock"

Look = tuple[int, int]
"""Of a file: another one has another."""


class NoNextKey(Misconfigured):
    """There is no next key, or it has no certificate yet."""

    code = "key.no-next"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextKey:
    """A key that is to take over.

    fingerprint  SHA-256 of its SubjectPublicKeyInfo, hex
    certified    False while it waits for a certificate
    valid_from, valid_until  of its certificate
    since        from when it takes over; None = nobody has said
    """

    fingerprint: str
    certified: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    since: datetime | None = None


class Succession(Protocol):
    """One key of a directory and the one after it. Each method reads or writes files."""

    def next(self) -> NextKey | None:
        """The key that is to take over; None when none is made."""

    def order(self, since: datetime) -> None:
        """It is to take over from this moment on. Durable when this returns."""

    def take_over(self, now: datetime) -> None:
        """It takes over now. The old private key is destroyed. Raises `NoNextKey`, `KeyUnreadable`."""

    def discard_next(self) -> None:
        """Destroy the next key. Of no effect when there is none."""

    def unfinished(self) -> bool:
        """Whether a change was stopped, or is under way."""

    def finish(self) -> None:
        """What a stop has left of it. Of no effect when nothing is."""


class Places:
    """Where the files of one key lie.

    key      the key in use
    next     the one that is to take over
    since    from when
    leaving  the old one, while it is replaced
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self.key = directory / f"{name}.key.pem"
        self.next = directory / f"{name}.next.key.pem"
        self.since = directory / f"{name}.next.from"
        self.leaving = directory / f".{name}.leaving.key.pem"

    def read_since(self) -> datetime | None:
        """The moment from which the next key takes over. Raises `KeyUnreadable`."""
        try:
            return datetime.strptime(read_public(self.since).decode().strip(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(
                tzinfo=UTC
            )
        except KeyMissing:
            return None
        except ValueError as error:
            raise KeyUnreadable(f"{self.since}: not a moment; remove it and order the change again") from error

    def write_since(self, since: datetime) -> None:
        """Durably."""
        replace(self.since, f"{timestamp(since)}\n".encode(), mode=PUBLIC_MODE)

    def put_next_in_place(self, keep: Path | None = None) -> None:
        """The one step: the next key's file takes the name of the key in use.

        keep  where the old key's file stays; None = it is destroyed by `clear`
        """
        leaving = keep or self.leaving
        try:
            if keep is None:
                leaving.unlink(missing_ok=True)
            with contextlib.suppress(FileExistsError):  # kept already, by a try that stopped after this line
                os.link(self.key, leaving)
            self.next.rename(self.key)
            sync_directory(self.directory)
        except OSError as error:
            raise KeyUnreadable(f"{self.key}: cannot be replaced ({error.strerror})") from error

    def unfinished(self) -> bool:
        """Whether a change was stopped, or is under way."""
        return self.leaving.exists() or (self.since.exists() and not self.next.exists())

    def clear(self) -> None:
        """What a change leaves behind: the old key, and when it was to be changed. Raises `KeyUnreadable`."""
        try:
            if self.leaving.exists():
                if self.leaving.samefile(self.key):  # stopped before the step: the key is still in use
                    self.leaving.unlink()
                else:
                    erase(self.leaving)
            if not self.next.exists():
                self.since.unlink(missing_ok=True)
        except OSError as error:
            raise KeyUnreadable(f"{self.directory}: cannot be tidied ({error.strerror})") from error


def alone(directory: Path, *, wait: bool = False) -> contextlib.AbstractContextManager[None]:
    """The one change of keys over all processes and nodes of the directory. Raises `KeysBusy`, unless it waits."""
    return locked(directory / LOCK, wait=wait)


def look(path: Path) -> Look:
    """How a file looks now. Raises `KeyMissing`."""
    try:
        status = os.stat(path)  # noqa: PTH116  (on the hot path; Path.stat costs twice as much)
    except OSError as error:
        raise KeyMissing(f"{path}: no such key; restore it from the backup of the key directory") from error
    return status.st_ino, status.st_mtime_ns


def key_print(key: PublicKey | Ed25519PublicKey) -> str:
    """SHA-256 of a key's SubjectPublicKeyInfo, hex: what a key is known by."""
    return sha256(spki(key)).hexdigest()
