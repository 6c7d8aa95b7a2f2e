"""Ordering entries into the log on PostgreSQL: a connection of its own, used on a thread.

`build` is not a coroutine and asks for hashes as it goes, so the whole transaction is done in one thread. An advisory
lock lets one sequencer at a time do it over all nodes; nobody else waits for it.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psycopg

from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.log import NewLeaves, TreeHead
from gateway.store.points import reach
from gateway.store.postgres_pool import connect, wrapped
from gateway.store.postgres_statements import SQL, Space

Build = Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]


class Sequencer:
    """Connects when it is first needed, and again after an error."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()

    def sequence(self, limit: int, build: Build) -> int:
        """See `Store.sequence`."""
        with self._lock, wrapped():
            try:
                return self._sequence(self._connected(), limit, build)
            except psycopg.Error:
                self._drop()
                raise

    def close(self) -> None:
        """Let go."""
        with self._lock:
            self._drop()

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            self._connection = connect(self._url)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sequence(self, db: "psycopg.Connection[Any]", limit: int, build: Build) -> int:
        with db.transaction():
            db.execute(SQL["lock_space"], {"space": int(Space.SEQUENCE)})
            found = db.cursor(binary=True).execute(SQL["pending"], {"limit": limit}).fetchall()
            if not found:
                return 0
            size = _value(db, "log_size") or 0
            head = TreeHead(size=size, checkpoint=_value(db, "newest_checkpoint"), hashes=partial(_hashes, db))
            new = build(head, tuple(rows.entry_of(row[:7]) for row in found))
            if new.size != size + len(found):
                raise ValueError("a checkpoint's size is that of the tree with its new leaves")
            _write(db, size, [row[7] for row in found], new)
            reach("sequence.before-commit")
        reach("sequence.after-commit")
        return len(found)


def _write(db: "psycopg.Connection[Any]", size: int, numbers: list[int], new: NewLeaves) -> None:
    db.execute(SQL["insert_leaves"], {"size": size, "numbers": numbers})
    db.execute(SQL["delete_pending"], {"numbers": numbers})
    db.cursor().executemany(
        SQL["insert_subtrees"], [{"level": level, "idx": index, "hash": hash_} for level, index, hash_ in new.subtrees]
    )
    db.execute(SQL["insert_checkpoint"], {"size": new.size, "body": new.checkpoint})


def _value(db: "psycopg.Connection[Any]", query: str) -> Any:
    row = db.cursor(binary=True).execute(SQL[query]).fetchone()
    return None if row is None else row[0]


def _hashes(db: "psycopg.Connection[Any]", level: int, start: int, count: int) -> tuple[bytes, ...]:
    query = SQL["subtree_hashes"] if level else SQL["leaf_hashes"]
    found = db.cursor(binary=True).execute(query, {"level": level, "start": start, "count": count})
    return tuple(hash_ for (hash_,) in found)
