"""Restore: what is read out of an archive, and what is asked of a database that was put back before anybody serves it.

`gateway/restoring/` puts the folder together and asks these in order: the archive is whole; the log verifies from
entry 0; nobody remembers a longer one; what was destroyed since stays destroyed; the log says that it was restored.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.handover import read_head
from gateway.audit.package import CHECKPOINT, LOG
from gateway.audit.verify import LogReader, LogReport
from gateway.backup.archive import MANIFEST, ArchiveReader
from gateway.backup.judge import NOTHING_NEWER, KnownHead, Since, newest, since
from gateway.backup.manifest import Manifest, check_members, read_manifest
from gateway.backup.seal import Unlock
from gateway.errors import Refused, Tampered, Unavailable
from gateway.exchange.acting import Acting, Signer, entry_by
from gateway.exchange.back_up import PLACES, ROLES, Told
from gateway.exchange.erasable import Places
from gateway.exchange.evidence import SizeUnknown, consistency_of, verify_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import log_keys
from gateway.store.copying import Part

DATABASE = "database/"

REASONS = ("hardware-lost", "database-damaged", "ransomware", "operator-error", "exercise")
"""Why somebody goes on from an earlier state although a later one is known; the log takes a code, not a story."""

ENTRIES_AT_ONCE = 1000

SMALL_BYTES_MAX = 512 * 1024 * 1024
"""Of all that is held in memory of an archive: settings, keys, and where the nodes of every bucket stood, which grows
with each payload that was forgotten alone (some 40 bytes a node)."""


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

    def places(self) -> Places:
        """Where the nodes of erasable keys stood when the backup was made."""
        read = json.loads(self.small[PLACES])
        return {
            kind: {name: [(depth, prefix) for depth, prefix in stood] for name, stood in names.items()}
            for kind, names in read.items()
        }


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
                held = sum(map(len, small.values()))
                small[name] = reader.content(size_bytes_max=SMALL_BYTES_MAX - held)
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


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ArchiveUnreadable(f"{path}: cannot be read ({error.strerror})") from error


# --- the log ------------------------------------------------------------------------------------------------------


async def check_log(gateway: Gateway, heads: Sequence[KnownHead], told: Told) -> KnownHead | None:
    """Read the restored log from entry 0, against its checkpoint and every head that is known; the largest head beyond
    it, None when nobody remembers more.

    Raises `LogUnsound`.
    """
    report = await verify_log(
        gateway.store,
        log_keys(gateway),
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


async def since_in_store(newer: Gateway, restored: Gateway) -> Since | None:
    """What the log of another database, such as that of the broken deployment, says after the restored one; None when
    it does not go on from there, or cannot show that it does."""
    own, note = await restored.store.checkpoint(), await newer.store.checkpoint()
    if note is None:
        return NOTHING_NEWER if own is None else None
    end = _read(restored, note).size
    size = _read(restored, own).size if own is not None else 0
    if size:
        if size > end or await newer.store.checkpoint(size) != own:
            return None
        try:
            await consistency_of(newer.store, size, end)
        except SizeUnknown:
            return None
    bodies: list[bytes] = []
    while size + len(bodies) < end:
        page = await newer.store.entries(size + len(bodies), ENTRIES_AT_ONCE)
        if not page:
            return None
        bodies += [stored.entry.body for stored in page]
    return since(bodies)


def since_in_export(package: Path, head: Checkpoint | None, restored: Gateway) -> tuple[Since, Checkpoint]:
    """What a newer log (`gateway audit export`, all of it) says after the restored one, and its head.

    Raises `NewerLogForeign`, `ArchiveUnreadable`, and what `read_head` raises.
    """
    try:
        with zipfile.ZipFile(package) as files:
            note = files.read(CHECKPOINT)
            rows = [json.loads(line) for line in files.read(LOG).splitlines()]
        entries = [(row["index"], row["body"].encode(), bytes.fromhex(row["leaf"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ArchiveUnreadable(f"{package}: not an export of a whole log; `gateway audit export` makes one") from error
    signed = _read(restored, note)
    reader = LogReader([head] if head is not None and head.size else [])
    reader.feed(entries[: signed.size])
    report: LogReport = reader.report(signed)
    if not report.verified:
        raise NewerLogForeign(
            f"{package}: not a log that goes on from the restored one: "
            + "; ".join(finding.text for finding in report.findings[:5])
        )
    size = head.size if head else 0
    return since([body for _, body, _ in entries[size : signed.size]]), signed


def _read(gateway: Gateway, note: bytes) -> Checkpoint:
    return read_head(note, log_keys(gateway), origin=gateway.settings.name)


# --- the entry ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """What the log is told of a restore.

    size    entries of the restored log; copies: erasable keys that were brought
    beyond  the largest head that somebody remembers beyond it
    by      who did it; needed to go back behind what others remember
    """

    archive: Verified
    size: int
    copies: int
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
        "number": restoring.copies,
        "as_of": manifest.made_at,
    }
    signer = Signer(by=restoring.by, actor="restore", roles=ROLES)
    entry = entry_by(gateway, EntryType.RESTORE, signer, digest=restoring.archive.digest, at=now, **fields)
    await gateway.store.record([entry])
