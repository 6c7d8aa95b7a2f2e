"""Back up: one archive with the database, the settings and the lasting keys; and apart, copies of the erasable keys.

The archive may be kept for years: without the erasable keys nobody reads a payload, or a row of the disclosure index,
out of it. Their copies are a mirror of what they are now (`erasable.py`), each to be destroyed at its time.

Order: the database first, in one state; then the keys, since a payload's keys are durable before the database names
them; then the entry that says so; then the archive gets its name. What stops in between leaves a file that begins with
a point and is removed by the next backup, and at most an entry about an archive that nobody was given.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway import __version__
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.backup.archive import MANIFEST, ArchiveWriter
from gateway.backup.manifest import Manifest, write_manifest
from gateway.backup.seal import KEY_SIZE_BYTES
from gateway.clock import timestamp
from gateway.config import FILE, Settings
from gateway.errors import Refused, Unavailable
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.erasable import FOLDER, KeyCopy, Lock, Shelf, mirror, places, shelves
from gateway.exchange.gateway import Gateway
from gateway.keys.files import KeyStore
from gateway.keys.secret_file import locked, sync_directory
from gateway.store.copying import Copied, copying
from gateway.user import User, UserRole

ROLES = (UserRole.OPERATOR, UserRole.ADMINISTRATOR)
"""Who may take everything out, and put it back."""

SUFFIX = ".backup"
PART_SUFFIX = ".backup-part"
SETTINGS = f"settings/{FILE}"
KEYS = "keys/"
PLACES = "places.json"

Told = Callable[[str, int, int], None]
"""What is under way, bytes done, bytes in all (0 = not known)."""


class BackupUnwritable(Unavailable):
    """The archive could not be written: no room, no folder, no permission. Nothing of it is left."""

    code = "backup.unwritable"


class BackupTaken(Refused):
    """A file of this name is there already."""

    code = "backup.exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted.

    archive  the file to make
    mirror   folder of the copies of erasable keys; None = none are made
    lock     who can open them
    by       the person who takes it out; None = a timer, whose archives only the recovery key of the settings opens
    """

    archive: Path
    mirror: Path | None
    lock: Lock
    by: Acting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What was made. digest: SHA-256 of the archive's file, as its entry in the log has it."""

    manifest: Manifest
    archive: Path
    size_bytes: int
    digest: str
    copies: tuple[KeyCopy, ...]


def place(target: Path, settings: Settings, now: datetime) -> tuple[Path, Path | None]:
    """The archive's file and the mirror's folder: in a folder both, for a file named by hand the archive alone."""
    if not target.is_dir():
        return target, None
    name = settings.name.replace("/", "-")
    stamp = timestamp(now).replace("-", "").replace(":", "")
    return target / f"{name}-{stamp}{SUFFIX}", target / FOLDER


async def back_up(gateway: Gateway, order: Order, keys: KeyStore, told: Told) -> BackedUp:
    """Make an archive while the gateway goes on working, and say so in the log before it gets its name.

    Raises `BackupUnwritable`, `BackupTaken`, `StoreUnavailable`, and what `acting.allowed` raises.
    """
    person = allowed(gateway, order.by, ROLES, OPERATOR) if order.by else None
    if order.archive.exists():
        raise BackupTaken(f"{order.archive}: there is such a file already; give another name")
    folder = order.archive.parent
    if not folder.is_dir():
        raise BackupUnwritable(f"{folder}: there is no such folder")
    with _writable(folder), locked(folder / ".backup.lock", wait=False):
        _remove_leftovers(folder)
        part = folder / f".{order.archive.name}{PART_SUFFIX}"
        try:
            made = await asyncio.to_thread(_write, gateway, order, keys, part, told)
            await _say_so(gateway, order, person, made)
            part.rename(order.archive)
            sync_directory(folder)
        finally:
            part.unlink(missing_ok=True)
    return made


def _write(gateway: Gateway, order: Order, keys: KeyStore, part: Path, told: Told) -> BackedUp:
    key, of = gateway.clock.random(KEY_SIZE_BYTES), shelves(keys, gateway.clock, gateway.settings)
    digest = sha256()
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 (a descriptor)

        def write(content: bytes) -> None:
            digest.update(content)
            file.write(content)

        writer = ArchiveWriter(write, key=key, header=order.lock(key))
        copied = copying(gateway.settings.database_url).out(writer, lambda done, total: told("database", done, total))
        for name, content in _beside(gateway.settings, keys, of):
            writer.add(name, content)
        manifest = _manifest(gateway, order, writer, copied, keys.fingerprint)
        writer.add(MANIFEST, write_manifest(manifest))
        writer.close()
        size_bytes = file.tell()
        file.flush()
        os.fsync(file.fileno())
    copies = mirror(of, order.mirror, order.lock, gateway.clock.random) if order.mirror else ()
    return BackedUp(
        manifest=manifest,
        archive=order.archive,
        size_bytes=size_bytes,
        digest=f"sha-256:{digest.hexdigest()}",
        copies=copies,
    )


def _beside(settings: Settings, keys: KeyStore, of: tuple[Shelf, ...]) -> Iterator[tuple[str, bytes]]:
    """Settings, lasting keys - the next and the old ones too - and where the erasable ones stand by now. People's own
    keys are theirs."""
    yield SETTINGS, (settings.directory / FILE).read_bytes()
    with keys.alone(wait=True):  # no key without its certificate, which a change would put in place meanwhile
        lasting = [
            (path.name, path.read_bytes())
            for path in sorted(settings.keys_directory.iterdir())
            if path.is_file() and not path.name.startswith(".")
        ]
    for name, content in lasting:
        yield f"{KEYS}{name}", content
    yield PLACES, json.dumps(places(of)).encode()


def _manifest(gateway: Gateway, order: Order, writer: ArchiveWriter, copied: Copied, fingerprint: str) -> Manifest:
    now = gateway.clock.now()
    return Manifest(
        id=gateway.new_id(now),
        gateway=gateway.settings.name,
        version=__version__,
        made_at=now,
        by=order.by.user if order.by else "",
        database=copied.database,
        migrations=copied.migrations,
        fingerprint=fingerprint,
        messages=copied.messages,
        log_size=copied.log_size,
        checkpoint=copied.checkpoint.decode() if copied.checkpoint else "",
        unsequenced=copied.unsequenced,
        last_at=copied.last_at,
        members=tuple(writer.members),
    )


async def _say_so(gateway: Gateway, order: Order, person: User | None, made: BackedUp) -> None:
    now = gateway.clock.now()
    manifest = made.manifest
    fields: dict[str, Any] = {
        "kind": manifest.database,
        "log_size": manifest.log_size,
        "size_bytes": made.size_bytes,
        "count": manifest.messages,
        "number": len(made.copies),
    }
    if order.by is None or person is None:
        entry = make(EntryType.BACKUP, id=gateway.new_id(now), at=now, actor="backup", digest=made.digest, **fields)
    else:
        entry = sign_entry(gateway, EntryType.BACKUP, order.by, person, digest=made.digest, at=now, **fields)
    await gateway.store.record([entry])


def _remove_leftovers(folder: Path) -> None:
    """What backups that were killed have left; nobody else is at work here."""
    for path in folder.glob(f".*{PART_SUFFIX}"):
        path.unlink(missing_ok=True)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupUnwritable(f"{folder}: the backup could not be written ({error.strerror}); nothing is left") from (
            error
        )
