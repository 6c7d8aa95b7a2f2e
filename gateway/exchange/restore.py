"""Restore: what is read out of an archive, and what is asked of a database that was put back before anybody serves it.

`gateway/restoring.py` puts the folder together and asks these in order: the archive is whole; the log verifies from
entry 0; nobody remembers a longer one; what was destroyed since stays destroyed; the log says that it was restored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, read_checkpoint
from gateway.audit.entry import make
from gateway.audit.note import NoteKey
from gateway.audit.verify import LogReader, LogReport
from gateway.backup.archive import MANIFEST, ArchiveReader
from gateway.backup.judge import KnownHead, Since, bucket_ends, newest, since
from gateway.backup.manifest import Manifest, check_members, read_manifest
from gateway.backup.seal import ArchiveAltered, Unlock
from gateway.errors import Refused, Tampered, Unavailable
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.back_up import BUCKET_SUFFIX, BUCKETS, PLACES, ROLES, Told
from gateway.exchange.evidence import SizeUnknown, consistency_of, verify_log
from gateway.exchange.gateway import Gateway
from gateway.message import MessageId, Sealed
from gateway.store.copying import Part

DATABASE = "database/"

REASONS = ("hardware-lost", "database-damaged", "ransomware", "operator-error", "exercise")
"""Why somebody goes on from an earlier state although a later one is known; the log takes a code, not a story."""

ENTRIES_AT_ONCE = 1000


class RollBack(Refused):
    """Somebody remembers a longer log than the one that is restored."""

    code = "restore.roll-back"


class LogUnsound(Tampered):
    """The log in the backup is not the one that was signed."""

    code = "restore.log-unsound"


class NewerLogForeign(Tampered):
    """What was given as the newer log does not go on from the restored one."""

    code = "restore.newer-log-foreign"


class ArchiveUnreadable(Unavailable):
    """The file of the archive cannot be read."""

    code = "backup.unreadable"


# --- the archive --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An archive of which every byte was read and found whole.

    digest  SHA-256 of its file
    small   its members but those of the database: settings, keys, where the nodes of the buckets stood
    """

    manifest: Manifest
    digest: str
    small: Mapping[str, bytes]

    def places(self) -> Mapping[str, list[tuple[int, int]]]:
        """By bucket, where its nodes stood when the backup was made."""
        places = json.loads(self.small[PLACES])
        return {bucket: [(depth, prefix) for depth, prefix in stood] for bucket, stood in places.items()}


def verified(archive: Path, unlock: Unlock, told: Told) -> Verified:
    """Read the whole archive. Raises what `seal.opened` and `Unlock` raise, and `ArchiveUnreadable`."""
    digest, small = sha256(), dict[str, bytes]()
    with _opened(archive) as file:
        size_bytes = archive.stat().st_size

        def read(count: int) -> bytes:
            content = file.read(count)
            digest.update(content)
            told("archive", file.tell(), size_bytes)
            return content

        reader = ArchiveReader(read, unlock)
        for name in reader.names():
            if not name.startswith(DATABASE):
                small[name] = reader.content()
    manifest = read_manifest(small.pop(MANIFEST, b""))
    check_members(manifest, reader.members[:-1])
    return Verified(manifest=manifest, digest=f"sha-256:{digest.hexdigest()}", small=small)


def database_parts(archive: Path, unlock: Unlock) -> Iterator[Part]:
    """The parts of the database, to be read in their order."""
    with _opened(archive) as file:
        reader = ArchiveReader(file.read, unlock)
        for name in reader.names():
            if name.startswith(DATABASE):
                yield name, reader.blocks()


def bucket_copies(folder: Path, unlock: Unlock) -> Iterator[tuple[str, bytes]]:
    """The copies of bucket keys in a mirror: name of the bucket, content of its file."""
    for path in sorted(folder.glob(f"*{BUCKET_SUFFIX}")):
        with _opened(path) as file:
            reader = ArchiveReader(file.read, unlock)
            members = {name: reader.content() for name in reader.names()}
        bucket = path.name.removesuffix(BUCKET_SUFFIX)
        content = members.get(f"{BUCKETS}/{bucket}")
        if content is None:
            raise ArchiveAltered(f"{path.name} is not the copy of bucket {bucket}: a file was renamed")
        yield bucket, content


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ArchiveUnreadable(f"{path}: cannot be read ({error.strerror})") from error


# --- the log ------------------------------------------------------------------------------------------------------


async def check_log(
    gateway: Gateway, keys: Sequence[NoteKey], heads: Sequence[KnownHead], told: Told
) -> KnownHead | None:
    """Read the restored log from entry 0, against its checkpoint and every head that is known; the largest head beyond
    it, None when nobody remembers more.

    Raises `LogUnsound`.
    """
    report = await verify_log(
        gateway.store,
        keys,
        origin=gateway.settings.name,
        known=[head.checkpoint for head in heads],
        on_progress=lambda done, size: told("log", done, size),
    )
    wrong = [finding for finding in report.findings if finding.code != "audit.log-cut"]
    if wrong or not report.root_ok:
        raise LogUnsound(
            "the log in the backup is not the one that was signed: "
            + "; ".join(f"[{finding.code}] {finding.text}" for finding in wrong[:5])
        )
    return newest(heads, above=report.size)


def check_newest(size: int, beyond: KnownHead | None, *, forced: bool) -> None:
    """Raises `RollBack` when a longer log is known and nobody has signed for going back."""
    if beyond is not None and not forced:
        raise RollBack(
            f"the log in the backup has {size} entries, and {beyond.where} remembers {beyond.checkpoint.size}: "
            "look for a newer backup. If there is none: --force --reason CODE --as USER goes on from here, in the open"
        )


# --- what a newer log says ----------------------------------------------------------------------------------------


async def since_in_store(newer: Gateway, size: int, checkpoint: bytes | None) -> Since | None:
    """What the log of another database, such as that of the broken deployment, says after `size` entries; None when it
    does not go on from there or cannot show it."""
    if size and await newer.store.checkpoint(size) != checkpoint:
        return None
    note = await newer.store.checkpoint()
    if note is None:
        return None
    end = read_checkpoint(note, [_key(newer)], origin=newer.settings.name).size
    if size:
        try:
            await consistency_of(newer.store, size, end)
        except SizeUnknown:
            return None
    bodies: list[bytes] = []
    while size + len(bodies) < end:
        page = await newer.store.entries(size + len(bodies), ENTRIES_AT_ONCE)
        bodies += [stored.entry.body for stored in page]
        if not page:
            return None
    return since(bodies)


def since_in_export(
    folder: Path, head: Checkpoint | None, keys: Sequence[NoteKey], origin: str
) -> tuple[Since, Checkpoint]:
    """What an export of a newer log (`gateway audit export`) says after the restored one, and its head.

    Raises `NewerLogForeign`, `ArchiveUnreadable`, and what `read_checkpoint` raises.
    """
    try:
        signed = read_checkpoint((folder / "checkpoint").read_bytes(), keys, origin=origin)
        lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines][: signed.size]
        entries = [(row["index"], row["body"].encode(), bytes.fromhex(row["leaf"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveUnreadable(f"{folder}: not an export of a log; `gateway audit export` makes one") from error
    reader = LogReader([head] if head is not None and head.size else [])
    reader.feed(entries)
    report: LogReport = reader.report(signed)
    if not report.verified:
        raise NewerLogForeign(
            f"{folder}: not a log that goes on from the restored one: "
            + "; ".join(finding.text for finding in report.findings[:5])
        )
    size = head.size if head else 0
    return since([body for _, body, _ in entries[size:]]), signed


def _key(gateway: Gateway) -> NoteKey:
    return NoteKey(gateway.keys.log_signer.name, gateway.keys.log_signer.public_bytes)


# --- bucket keys --------------------------------------------------------------------------------------------------


class RestoredBuckets(Protocol):
    """The bucket keys of the restored key directory. See `gateway.keys.payload.PayloadKeys`."""

    def put_back(self, bucket: str, content: bytes) -> None:
        """Take in a copy of its file."""

    def restrict(self, bucket: str, places: Iterable[tuple[int, int]]) -> bool:
        """Forget what had been forgotten when it had these places."""

    def forget(self, bucket: str, indexes: Iterable[int]) -> None:
        """Destroy the keys of these payloads."""

    def forget_bucket(self, bucket: str) -> None:
        """Destroy all of its keys."""

    def places(self, bucket: str) -> tuple[tuple[int, int], ...]:
        """Where its nodes stand; () when it is gone or forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What became of the copies of bucket keys.

    taken    buckets whose payloads can be read again
    refused  whose week is over: what is in them was destroyed, or is to be
    cut      older than the archive: what was forgotten when it was made was forgotten again
    """

    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


def bring_buckets(
    copies: Iterable[tuple[str, bytes]],
    buckets: RestoredBuckets,
    *,
    archive: Verified,
    held: frozenset[str],
    now: datetime,
) -> Brought:
    """Take in copies of bucket keys, each cut down to what the archive says was there, or refuse them.

    held  buckets with payloads that a legal hold keeps beyond their week
    """
    places, taken, refused, cut = archive.places(), list[str](), list[str](), list[str]()
    for bucket, content in copies:
        buckets.put_back(bucket, content)
        # A bucket that the archive does not know was made after it: nothing in the archive lies in it.
        if buckets.restrict(bucket, places.get(bucket, ())) and bucket in places:
            cut.append(bucket)
        if _is_over(bucket, archive.manifest.made_at, now) and bucket not in held:
            buckets.forget_bucket(bucket)
            refused.append(bucket)
        elif buckets.places(bucket):
            taken.append(bucket)
    return Brought(taken=tuple(taken), refused=tuple(refused), cut=tuple(cut))


def _is_over(bucket: str, made_at: datetime, now: datetime) -> bool:
    """Whether its week has ended since the backup. One that lived on beyond its week when the backup was made was kept
    on purpose, and is judged by its holds as the database has them."""
    return made_at < bucket_ends(bucket) <= now


def missing(named: Iterable[str], brought: Brought) -> frozenset[str]:
    """Buckets that payloads of the database lie in, and whose keys were not brought."""
    return frozenset(named) - set(brought.taken) - set(brought.refused)


async def destroy_again(gateway: Gateway, buckets: RestoredBuckets, known: Since) -> int:
    """Destroy what a newer log says was destroyed, as far as this database still holds it; how many payloads."""
    gone: dict[str, list[int]] = {}
    for message in sorted(known.messages):
        for sealed in await _sealed_of(gateway, MessageId(message)):
            gone.setdefault(sealed.bucket, []).append(sealed.index)
    for bucket, indexes in gone.items():
        buckets.forget(bucket, indexes)
    for bucket in sorted(known.buckets):
        buckets.forget_bucket(bucket)
    return sum(map(len, gone.values()))


async def _sealed_of(gateway: Gateway, message: MessageId) -> list[Sealed]:
    record = await gateway.store.message(message)
    if record is None:
        return []
    return [record.original, *(each.payload for each in await gateway.store.disseminations(message))]


# --- the entry ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """What the log is told of a restore.

    size    entries of the restored log
    beyond  the largest head that somebody remembers beyond it
    by      who did it; needed to go back behind what others remember
    """

    archive: Verified
    size: int
    buckets: int
    beyond: KnownHead | None = None
    reason: str | None = None
    by: Acting | None = None


async def say_restored(gateway: Gateway, restoring: Restoring) -> None:
    """Write the first entry after the restore; it names both sizes. Raises what `acting.allowed` raises."""
    manifest, now = restoring.archive.manifest, gateway.clock.now()
    fields: dict[str, Any] = {
        "kind": manifest.database,
        "log_size": restoring.size,
        "known_size": restoring.beyond.checkpoint.size if restoring.beyond else None,
        "reason": restoring.reason,
        "count": manifest.messages,
        "number": restoring.buckets,
        "as_of": manifest.made_at,
    }
    digest = restoring.archive.digest
    if restoring.by is None:
        entry = make(EntryType.RESTORE, id=gateway.new_id(now), at=now, actor="restore", digest=digest, **fields)
    else:
        person = allowed(gateway, restoring.by, ROLES, OPERATOR)
        entry = sign_entry(
            gateway, EntryType.RESTORE, restoring.by, person, of=digest, digest=digest, at=now, **fields
        ).entry
    await gateway.store.record([entry])
