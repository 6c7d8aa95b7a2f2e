"""The promises of `store.log`, kept by SQLite."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.log import NewLeaves, StoredEntry, TreeHead
from gateway.store.log_read import LogRead
from gateway.store.sqlite_reading import Reading, snapshot
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries

_SEQUENCE_TRIES_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequencing:
    """What was read before the lock was taken: the size of the tree, the entries that wait, and their numbers."""

    size: int
    entries: Sequence[AuditEntry]
    numbers: Sequence[int]
    build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]


class SqliteLog(LogRead, Reading):
    """The audit log."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that go with no other write."""
        await self._writer.write("record", tuple(entries))

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        """Order up to `limit` unordered entries into the log.

        The entries are read before the write lock is taken: reading a thousand rows would hold it for long. Under the
        lock it is checked that they still wait, at the same size of the tree, and `build` is called.
        """
        for _ in range(_SEQUENCE_TRIES_MAX):
            sequencing = await self._read(lambda db: _waiting_entries(db, limit, build))
            if sequencing is None:
                return 0
            if await self._writer.write("sequence", sequencing):
                return len(sequencing.entries)
        return 0  # others order them as fast as this one reads

    async def entry(self, id: str) -> StoredEntry | None:
        """One audit entry by its id."""
        row = self._now("entry", id=id)
        return None if row is None else rows.stored_entry_of(row)

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Hashes of complete subtrees of 256**level leaves."""
        return await self._read(lambda db: hashes(db, level, start, count))

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        """The newest signed checkpoint, or the one of exactly this size."""
        row = self._now("newest_checkpoint") if size is None else self._now("checkpoint_of_size", size=size)
        return None if row is None else row[0]


def _waiting_entries(
    db: sqlite3.Connection, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]
) -> Sequencing | None:
    with snapshot(db):
        size = db.execute(SQL["log_size"]).fetchone()[0]
        found = db.execute(SQL["pending"], {"limit": limit}).fetchall()
    if not found:
        return None
    return Sequencing(
        size=size,
        entries=tuple(rows.entry_of(row[:7]) for row in found),
        numbers=tuple(row[7] for row in found),
        build=build,
    )


def _record(db: sqlite3.Connection, wanted: Sequence[Sequence[AuditEntry]]) -> list[None]:
    insert_entries(db, list(chain.from_iterable(wanted)))
    return [None] * len(wanted)


def hashes(db: sqlite3.Connection, level: int, start: int, count: int) -> tuple[bytes, ...]:
    """Hashes of complete subtrees of 256**level leaves; those that exist."""
    query = SQL["subtree_hashes"] if level else SQL["leaf_hashes"]
    values = {"level": level, "start": start, "count": count}
    (text,) = db.execute(query, values).fetchone()
    run = bytes.fromhex(text or "")
    return tuple(run[place : place + 32] for place in range(0, len(run), 32))


def newest_checkpoint(db: sqlite3.Connection) -> bytes | None:
    """The newest signed head."""
    row = db.execute(SQL["newest_checkpoint"]).fetchone()
    return None if row is None else row[0]


def _sequence(db: sqlite3.Connection, wanted: Sequence[Sequencing]) -> list[bool]:
    return [_sequence_one(db, sequencing) for sequencing in wanted]


def _sequence_one(db: sqlite3.Connection, sequencing: Sequencing) -> bool:
    """False when another sequencer was here since the entries were read."""
    first, last = sequencing.numbers[0], sequencing.numbers[-1]
    size, lowest, count = db.execute(SQL["pending_standing"], {"last": last}).fetchone()
    if (size, lowest, count) != (sequencing.size, first, len(sequencing.numbers)):
        return False
    head = TreeHead(
        size=size,
        checkpoint=newest_checkpoint(db),
        hashes=lambda level, start, count: hashes(db, level, start, count),
    )
    new = sequencing.build(head, sequencing.entries)
    if new.size != size + len(sequencing.entries):
        raise ValueError("a checkpoint's size is that of the tree with its new leaves")
    db.execute(SQL["insert_leaves"], {"size": size, "last": last})
    db.execute(SQL["delete_pending"], {"last": last})
    insert(db, "insert_subtrees", new.subtrees)
    insert(db, "insert_checkpoint", [(new.size, new.checkpoint)])
    return True


ACTS: Final[Acts] = {"record": _record, "sequence": _sequence}
