"""Putting a deployment back from a backup: into a folder of its own first, judged there, and only then in its place.

    .NAME.restoring/   settings, keys, and with SQLite the database; what a killed restore left is removed by the next
    NAME/              appears in one step, when everything was judged
    NAME/.restoring    stands in it until its database is claimed: a restore that finds it only has to finish that

A PostgreSQL database is filled in one transaction, and belongs to no key directory until the folder is in its place.
"""

import asyncio
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.app import assembled, key_store
from gateway.audit.catalog import EntryType
from gateway.audit.note import NoteKey
from gateway.backup.advice import advice
from gateway.backup.judge import KnownHead, Since
from gateway.backup.manifest import Manifest
from gateway.backup.seal import Unlock
from gateway.clock import SystemClock
from gateway.config import Settings
from gateway.document.canonical import sha256_text
from gateway.errors import Misconfigured
from gateway.exchange.back_up import Told
from gateway.exchange.erasable import (
    FOLDER,
    Brought,
    Ended,
    bring,
    certified,
    end_what_is_certified,
    end_what_is_due,
    shelves,
)
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import keep_log
from gateway.exchange.restore import (
    Restoring,
    Verified,
    check_log,
    check_newest,
    say_restored,
    verified,
)
from gateway.keys.files import KeyStore
from gateway.keys.secret_file import locked
from gateway.restoring.elsewhere import Elsewhere, look_elsewhere
from gateway.restoring.place import RestoreUnwritable, check_folder, copy_database, finish, into_place, staged
from gateway.restoring.wanted import Wanted
from gateway.retention.kept import bucket_over
from gateway.store.copying import LOST, check_migrations, copying

_HELD = (
    "legal holds were placed since the backup: nothing was forgotten because its time is up. Place them again before "
    "you serve; the next run of destruction takes the rest"
)


class KeysUnlike(Misconfigured):
    """The keys in the backup are not those of its manifest, or not those that partners know."""

    code = "restore.other-keys"


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


async def restore(wanted: Wanted, unlock: Unlock, told: Told) -> Restored:
    """Put it back. Raises leaves of all four families; then nothing stands in the folder's place that was not there.

    A restore that raised, or was killed, is run again as it was.
    """
    archive = await asyncio.to_thread(verified, wanted.archive, unlock, told)
    check_migrations(archive.manifest.database, archive.manifest.migrations)
    directory = wanted.directory.resolve()
    stage = directory.with_name(f".{directory.name}.restoring")
    try:
        stage.parent.mkdir(parents=True, exist_ok=True)
        # Two at once would write into one stage. The empty file of the lock stays: removed, it would be no lock.
        with locked(stage.with_name(f"{stage.name}.lock"), wait=False):
            return await _restored_alone(stage, wanted, archive, unlock, told)
    except OSError as error:
        raise RestoreUnwritable(
            f"{wanted.directory}: the deployment could not be written ({error.strerror}); nothing was put in its place"
        ) from error


async def _restored_alone(stage: Path, wanted: Wanted, archive: Verified, unlock: Unlock, told: Told) -> Restored:
    await asyncio.to_thread(check_folder, wanted)
    try:
        made = await asyncio.to_thread(staged, stage, wanted, archive)
        await asyncio.to_thread(copy_database, made, wanted, archive, unlock, told)
        restored = await _judged(made, wanted, archive, unlock, told)
        moved = await asyncio.to_thread(into_place, stage, wanted)
        await asyncio.to_thread(finish, wanted.directory)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return replace(restored, moved=moved)


# --- judging ------------------------------------------------------------------------------------------------------


async def _judged(made: Settings, wanted: Wanted, archive: Verified, unlock: Unlock, told: Told) -> Restored:
    """Ask everything of it, and write its first entry."""
    keys = _checked_keys(made, wanted, archive)
    log_key = NoteKey(keys.log_signer.name, keys.log_signer.public_bytes)
    async with assembled(made, restoring=True) as gateway:
        elsewhere = await look_elsewhere(gateway, wanted, archive)
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
    gateway: Gateway, keys: KeyStore, wanted: Wanted, archive: Verified, unlock: Unlock, elsewhere: Elsewhere
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


def _held_since(elsewhere: Elsewhere) -> bool:
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
    elsewhere: Elsewhere,
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
