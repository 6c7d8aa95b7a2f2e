"""Connecting to a file of SQLite, and reading from it."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.store import rows
from gateway.store.agency_text import json_text
from gateway.store.database import APPLIED, MIGRATION_TABLE, NotDurable, check_applied
from gateway.store.interface import StoreUnavailable
from gateway.store.reads import Reads
from gateway.store.sqlite_statements import SQL
from gateway.store.sqlite_writer import Transact, Writer

_T = TypeVar("_T")

_READERS: Final = 2
"""Threads for lists and payloads: one long list does not hold up the next reader."""


class Reading(Reads):
    """The connections of one process to one file."""

    def __init__(self, path: Path, transact: Transact) -> None:
        self._path = path
        self._writer = Writer(lambda: self._connect(writes=True), transact)
        self._inline: sqlite3.Connection | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reading = threading.local()
        self._connections: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Connect."""
        check_applied("sqlite", await asyncio.to_thread(applied_migrations, self._path))
        with wrapped():
            self._writer.start()
            self._inline = self._connect(writes=False)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._writer.stop()
        readers, self._readers = self._readers, None
        if readers is not None:
            await asyncio.to_thread(readers.shutdown)
        if self._inline is not None:
            self._inline.close()
            self._inline = None
        while self._connections:
            self._connections.pop().close()

    def _connect(self, *, writes: bool) -> sqlite3.Connection:
        # mode=rw: a missing file is an error, not a new empty database. Statements are cached by text, and a batch has
        # one text for each number of rows.
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=rw",
            uri=True,
            # A writer waits in its own loop, in smaller steps than SQLite's.
            timeout=0 if writes else 5,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=1024 if writes else 128,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.close()
            raise NotDurable("the database is not in WAL mode; its folder may be on a network file system")
        connection.execute(f"PRAGMA cache_size = {-32_000 if writes else -8_000}")
        if not writes:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def _now(self, query: str, **values: object) -> Any:
        """One row, or None, read where it is asked."""
        if self._inline is None:
            raise StoreUnavailable("the store is closed")
        with wrapped():
            return self._inline.execute(SQL[query], values).fetchone()

    async def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read on a reader thread."""
        if self._readers is None:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._on_reader, read)

    def _on_reader(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        with wrapped():
            connection: sqlite3.Connection | None = getattr(self._reading, "connection", None)
            if connection is None:
                connection = self._reading.connection = self._connect(writes=False)
                self._connections.append(connection)
            return read(connection)

    async def _all(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> tuple[_T, ...]:
        """All rows of a query as values."""
        return await self._read(lambda db: tuple(of(row) for row in db.execute(SQL[query], values)))

    def _listed(self, values: Sequence[object]) -> object:
        return json_text(values)

    async def _one(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> _T | None:
        """The first row of a query as a value, read on a reader thread: it may carry a large payload."""
        found = await self._all(of, query, **values)
        return found[0] if found else None


def applied_migrations(path: Path) -> frozenset[str]:
    """Names of the migrations that the file has; a missing file has none, and is not made."""
    if not path.exists():
        return frozenset()
    with wrapped(), closing(sqlite3.connect(path, timeout=5)) as db:
        found = db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (MIGRATION_TABLE,)).fetchone()
        return frozenset() if found is None else frozenset(name for (name,) in db.execute(APPLIED))


@contextmanager
def wrapped() -> Iterator[None]:
    """The database's own words stay in the cause."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable("the database did not answer") from error


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Several reads that see one state."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
