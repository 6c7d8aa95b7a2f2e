"""Putting a deployment back from a backup: into a folder of its own first, judged there, and only then in its place.

    .NAME.restoring/   settings, keys, and with SQLite the database; what a killed restore left is removed by the next
    NAME/              appears in one step, when everything was judged
    NAME/.restoring    stands in it until its database is claimed: a restore that finds it only has to finish that

A PostgreSQL database is filled in one transaction, and belongs to no key directory until the folder is in its place.
"""

import asyncio
import os
import shutil
import socket
import tomllib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from gateway.app import assembled, key_store, open_deployment
from gateway.asking import asking
from gateway.audit.catalog import EntryType
from gateway.audit.handover import read_head
from gateway.audit.note import NoteKey
from gateway.backup.advice import advice
from gateway.backup.judge import KnownHead, Since
from gateway.backup.manifest import Manifest
from gateway.backup.seal import Unlock
from gateway.clock import SystemClock
from gateway.config import FILE, Settings, read_settings, settings
from gateway.document.canonical import sha256_text
from gateway.errors import GatewayError, Misconfigured, Refused, Unavailable
from gateway.exchange.acting import Acting
from gateway.exchange.back_up import KEYS, SETTINGS, Told
from gateway.exchange.cosigned import last_seen_by_cosigners
from gateway.exchange.erasable import (
    FOLDER,
    Brought,
    Ended,
    Places,
    bring,
    certified,
    end_what_is_certified,
    end_what_is_due,
    places,
    shelves,
)
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import keep_log
from gateway.exchange.restore import (
    Restoring,
    Verified,
    check_log,
    check_newest,
    database_parts,
    say_restored,
    since_in_export,
    since_in_store,
    verified,
)
from gateway.exchange.rotate_log_key import log_keys
from gateway.keys.files import KeyStore
from gateway.keys.heads import Kept
from gateway.keys.secret_file import DIRECTORY_MODE, FILE_MODE, sync_directory
from gateway.retention.kept import bucket_over
from gateway.store.copying import LOST, check_migrations, copying
from gateway.store.open import migrate

MARK = ".restoring"
CONNECT_SECONDS_MAX = 0.5

_HELD = (
    "legal holds were placed since the backup: nothing was forgotten because its time is up. Place them again before "
    "you serve; the next run of destruction takes the rest"
)


class FolderTaken(Refused):
    """A restore goes into a new or empty folder."""

    code = "restore.folder-not-empty"


class StillServing(Refused):
    """The deployment that would be moved aside still answers."""

    code = "restore.still-serving"


class RestoreUnwritable(Unavailable):
    """The folder could not be written: no room, no permission. Nothing stands in its place."""

    code = "restore.unwritable"


class KeysUnlike(Misconfigured):
    """The keys in the backup are not those of its manifest, or not those that partners know."""

    code = "restore.other-keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be put back, and what is known from elsewhere.

    keys      folder of the copies of erasable keys; None = the one beside the archive, if there is one
    database  URL instead of the one in the settings
    aside     a deployment that stands in the folder is moved aside and kept
    heads     checkpoints kept elsewhere, as they are
    newer     export of a newer log; certificates: of destruction, as they were signed
    log_key   verifier key of the log as partners hold it; None = the one in the archive is believed
    reason    why somebody goes back behind what others remember; needs `by`
    """

    archive: Path
    directory: Path
    keys: Path | None = None
    database: str | None = None
    aside: bool = False
    heads: tuple[tuple[str, bytes], ...] = ()
    newer: Path | None = None
    certificates: tuple[bytes, ...] = ()
    log_key: NoteKey | None = None
    reason: str | None = None
    by: Acting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What stands there now.

    size       entries of the restored log
    beyond     the largest head that somebody remembers beyond it
    brought    erasable keys; of those forgotten again because their time is up, or a certificate names them
    lost       how many buckets' payloads cannot be read
    since      what a newer log says; None when there was none to read
    notes      what could not be consulted, and why
    todo       what people have to do now
    """

    manifest: Manifest
    directory: Path
    size: int
    log_key: NoteKey
    beyond: KnownHead | None
    brought: Brought
    due: Ended
    certified: Ended
    lost: int
    since: Since | None
    moved: Path | None
    notes: tuple[str, ...]
    todo: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Elsewhere:
    """What is known besides the archive. places: where erasable keys stand in the deployment that is moved aside."""

    heads: tuple[KnownHead, ...]
    since: Since | None
    places: Places | None
    notes: tuple[str, ...]


def unfinished(directory: Path) -> bool:
    """Whether a restore into this folder got as far as its place and was not finished."""
    return (directory / MARK).exists()


def finish(directory: Path) -> None:
    """Finish it: let the gateway with these keys serve the database."""
    made = read_settings(directory)
    copying(made.database_url).claim(key_store(made).fingerprint)
    (directory / MARK).unlink(missing_ok=True)


async def restore(wanted: Wanted, unlock: Unlock, told: Told) -> Restored:
    """Put it back. Raises leaves of all four families; then nothing stands in the folder's place that was not there.

    A restore that raised, or was killed, is run again as it was.
    """
    archive = await asyncio.to_thread(verified, wanted.archive, unlock, told)
    check_migrations(archive.manifest.database, archive.manifest.migrations)
    await asyncio.to_thread(_check_folder, wanted)
    stage = wanted.directory.resolve().with_name(f".{wanted.directory.resolve().name}.restoring")
    try:
        made = await asyncio.to_thread(_stage, stage, wanted, archive)
        await asyncio.to_thread(_copy_database, made, wanted, archive, unlock, told)
        restored = await _judged(made, wanted, archive, unlock, told)
        moved = await asyncio.to_thread(_into_place, stage, wanted)
        await asyncio.to_thread(finish, wanted.directory)
    except OSError as error:
        raise RestoreUnwritable(
            f"{wanted.directory}: the deployment could not be written ({error.strerror}); nothing was put in its place"
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return replace(restored, moved=moved)


# --- the folder ---------------------------------------------------------------------------------------------------


def _check_folder(wanted: Wanted) -> None:
    directory = wanted.directory
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if not wanted.aside:
        raise FolderTaken(
            f"{directory}: not empty. A backup goes into a new folder; --move-aside keeps what is there beside it"
        )
    with suppress(GatewayError):
        listen = read_settings(directory).listen
        if listen.port and _answers(listen.host, listen.port):
            raise StillServing(f"{directory}: its gateway still answers on port {listen.port}; stop it first")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS_MAX):
            return True
    except OSError:
        return False


def _stage(stage: Path, wanted: Wanted, archive: Verified) -> Settings:
    """The folder with settings and lasting keys; the bucket keys and the database come later."""
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=DIRECTORY_MODE, parents=True)
    text = _settings_text(archive.small[SETTINGS], stage, wanted.database)
    _write(stage / FILE, text)
    made = read_settings(stage)
    made.keys_directory.mkdir(mode=DIRECTORY_MODE, parents=True)
    for name, content in archive.small.items():
        if name.startswith(KEYS):
            _write(made.keys_directory / Path(name).name, content)
    _write(stage / MARK, f"{archive.manifest.id}\n".encode())
    return made


def _settings_text(text: bytes, stage: Path, database: str | None) -> bytes:
    """The settings, as they are wherever they can stay so: a database or keys outside the folder come into it."""
    raw: dict[str, Any] = tomllib.loads(text.decode())
    made = settings(dict(raw), stage, source=FILE)
    changed: dict[str, Any] = {}
    if database is not None:
        changed["database"] = database
    elif made.sqlite_path is not None and not made.sqlite_path.is_relative_to(stage):
        changed["database"] = "sqlite:///gateway.db"
    if not made.keys_directory.is_relative_to(stage):
        changed["keys"] = raw.get("keys", {}) | {"directory": "keys"}
    return tomli_w.dumps(raw | changed).encode() if changed else text


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:  # noqa: PTH123 (a descriptor)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _copy_database(made: Settings, wanted: Wanted, archive: Verified, unlock: Unlock, told: Told) -> None:
    manifest = archive.manifest
    copying(made.database_url).into(
        database_parts(wanted.archive, unlock),
        migrations=frozenset(manifest.migrations),
        mark=manifest.id,
        told=lambda done, _: told("database", done, sum(member.size_bytes for member in manifest.members)),
    )
    migrate(made.database_url)


def _into_place(stage: Path, wanted: Wanted) -> Path | None:
    """The folder under its name, in one step; what stood there is kept beside it."""
    directory, moved = wanted.directory.resolve(), None
    _sync(stage)
    if directory.exists() and any(directory.iterdir()):
        now = SystemClock().now()
        moved = directory.with_name(f"{directory.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
        directory.rename(moved)
    # If the machine stops here, the old one stands aside, and the restore is run again as into a new folder.
    try:
        stage.rename(directory)
    except OSError:
        if moved is not None:
            moved.rename(directory)
        raise
    sync_directory(directory.parent)
    return moved


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            sync_directory(path)


# --- judging ------------------------------------------------------------------------------------------------------


async def _judged(made: Settings, wanted: Wanted, archive: Verified, unlock: Unlock, told: Told) -> Restored:
    """Ask everything of it, and write its first entry."""
    keys = _checked_keys(made, wanted, archive)
    log_key = NoteKey(keys.log_signer.name, keys.log_signer.public_bytes)
    async with assembled(made, restoring=True) as gateway:
        elsewhere = await _elsewhere(gateway, wanted, archive)
        beyond = await check_log(gateway, elsewhere.heads, told)
        check_newest(archive.manifest.log_size, beyond, forced=wanted.reason is not None)
        shut = await _bring_keys(gateway, keys, wanted, archive, unlock, elsewhere)
        restoring = Restoring(
            archive=archive,
            size=archive.manifest.log_size,
            copies=len(shut.brought.taken),
            beyond=beyond,
            reason=wanted.reason,
            by=wanted.by,
        )
        await say_restored(gateway, restoring)
        await keep_log(gateway)
    lost = await asyncio.to_thread(_set_aside_lost, made, keys, archive)
    return _restored(wanted, archive, elsewhere, shut, beyond=beyond, lost=lost, key=log_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shut:
    """What became of erasable keys: brought, and of those what was forgotten again and why."""

    brought: Brought
    due: Ended
    certified: Ended


async def _bring_keys(
    gateway: Gateway, keys: KeyStore, wanted: Wanted, archive: Verified, unlock: Unlock, elsewhere: _Elsewhere
) -> _Shut:
    """Take in the copies of erasable keys; what was destroyed, or is due, is forgotten before anybody can read it."""
    folder = wanted.keys or wanted.archive.parent / FOLDER
    of = shelves(keys, gateway.clock, gateway.settings)
    known = certified(wanted.certificates, *(each.key for each in keys.receipt_keys.every()))
    brought = await asyncio.to_thread(
        bring, of, folder, unlock, archive.places(), elsewhere.places, at=gateway.clock.now()
    )
    payload_keys = keys.payload_keys(gateway.clock)
    again = await asyncio.to_thread(end_what_is_certified, payload_keys, known)
    due = Ended() if _held_since(elsewhere) else await end_what_is_due(gateway, payload_keys)
    return _Shut(brought=brought, certified=again, due=due)


def _held_since(elsewhere: _Elsewhere) -> bool:
    """Whether holds were placed that the backup does not know: then nothing is forgotten because its time is up."""
    return elsewhere.since is not None and bool(elsewhere.since.counts.get(EntryType.HOLD.value))


def _set_aside_lost(made: Settings, keys: KeyStore, archive: Verified) -> int:
    """What lies under keys that did not come back is kept from being taken for altered; how many buckets that are."""
    clock, into = SystemClock(), copying(made.database_url)
    payload_keys, subject_keys = keys.payload_keys(clock), keys.subject_keys(clock)
    absent = into.buckets() - set(payload_keys.names())
    over = {bucket for bucket in absent if bucket_over(bucket) <= clock.now()}
    for bucket in sorted(over | {LOST}):
        payload_keys.forget_bucket(bucket)
    into.finish(frozenset(absent - over))
    for name in archive.places().get("generation", {}):
        if name not in subject_keys.names():
            subject_keys.renew(name)  # what is written from now on goes into its successor
    return len(absent - over - {LOST})


def _restored(
    wanted: Wanted,
    archive: Verified,
    elsewhere: _Elsewhere,
    shut: _Shut,
    *,
    beyond: KnownHead | None,
    lost: int,
    key: NoteKey,
) -> Restored:
    manifest, since = archive.manifest, elsewhere.since
    given = {sha256_text(note) for note in wanted.certificates}
    todo = advice(
        last_at=manifest.last_at,
        size=manifest.log_size,
        rolled_back_past=beyond,
        since=since,
        keys_asked=elsewhere.places is not None,
        uncertified=len(since.certificates - given) if since else 0,
        unlisted=shut.certified.left,
        overdue=shut.due.left + shut.due.single + len(shut.due.buckets),
        buckets_missing=lost,
        forced=wanted.reason is not None,
    )
    return Restored(
        manifest=manifest,
        directory=wanted.directory,
        size=manifest.log_size,
        log_key=key,
        beyond=beyond,
        brought=shut.brought,
        due=shut.due,
        certified=shut.certified,
        lost=lost,
        since=since,
        moved=None,
        notes=(*elsewhere.notes, *([_HELD] if _held_since(elsewhere) else [])),
        todo=todo,
    )


def _checked_keys(made: Settings, wanted: Wanted, archive: Verified) -> KeyStore:
    keys = key_store(made)
    if keys.fingerprint != archive.manifest.fingerprint:
        raise KeysUnlike("the keys in the backup are not those that its database's payloads are under")
    log_key = NoteKey(keys.log_signer.name, keys.log_signer.public_bytes)
    if wanted.log_key is not None and wanted.log_key != log_key:
        raise KeysUnlike("the log's key in the backup is not the one that was given: this is no backup of that gateway")
    return keys


async def _elsewhere(gateway: Gateway, wanted: Wanted, archive: Verified) -> _Elsewhere:
    """What the world remembers: the archive itself, checkpoints given, a newer log, the deployment that stood here,
    and the partners who cosign."""

    def known(where: str, note: str | bytes) -> KnownHead:
        return KnownHead(where=where, checkpoint=read_head(note, log_keys(gateway), origin=gateway.settings.name))

    heads = [known(where, note) for where, note in wanted.heads]
    notes: list[str] = []
    found: Since | None = None
    own = await gateway.store.checkpoint()
    head = known("the backup", own).checkpoint if own is not None else None
    if archive.manifest.checkpoint:
        heads.append(known("the backup's manifest", archive.manifest.checkpoint))
    if wanted.newer is not None:
        found, newer = await asyncio.to_thread(since_in_export, wanted.newer, head, gateway)
        heads.append(KnownHead(where=f"the export in {wanted.newer}", checkpoint=newer))
    places_now: Places | None = None
    if wanted.aside and (wanted.directory / FILE).exists():
        old = await _old(wanted.directory, archive, gateway)
        heads += [known(where, note) for where, note in old.heads]
        found, places_now = found or old.since, old.places
        notes += old.notes
    async with asking(gateway) as way:
        for seen in await last_seen_by_cosigners(gateway, way):
            if seen.head is not None:
                heads.append(KnownHead(where=f"{seen.agency}, which cosigns,", checkpoint=seen.head))
            else:
                notes.append(f"{seen.agency} cosigns the log and could not be asked what it saw last [{seen.code}]")
    return _Elsewhere(heads=tuple(heads), since=found, places=places_now, notes=tuple(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """What the deployment that is moved aside knows; each part as far as it can be read."""

    heads: tuple[tuple[str, bytes], ...] = ()
    since: Since | None = None
    places: Places | None = None
    notes: tuple[str, ...] = ()


async def _old(directory: Path, archive: Verified, restored: Gateway) -> _Old:
    """Its keys may be whole and its database not, or the other way around."""
    notes: list[str] = []
    heads: list[tuple[str, bytes]] = []
    found: Since | None = None
    stand: Places | None = None
    try:
        made = read_settings(directory)
        keys = key_store(made)
        if keys.fingerprint == archive.manifest.fingerprint:
            stand = places(shelves(keys, SystemClock(), made))
            kept = keys.heads.newest(Kept.SIGNED)
            heads += [("the key directory that stood here", kept)] if kept is not None else []
    except (GatewayError, OSError) as error:
        notes.append(f"the keys of the deployment that stood here could not be read: {error}")
    try:
        async with open_deployment(directory) as old:
            newest = await old.store.checkpoint()
            heads += [("the deployment that stood here", newest)] if newest is not None else []
            found = await since_in_store(old, restored)
    except (GatewayError, OSError) as error:
        notes.append(f"the log of the deployment that stood here could not be read: {error}")
    else:
        if found is None:
            notes.append("the log of the deployment that stood here does not go on from the restored one")
    return _Old(heads=tuple(heads), since=found, places=stand, notes=tuple(notes))
