"""Copying a SQLite database: SQLite's online backup, within one read transaction, so that writers do not start it over.

The copy goes through a file without a name in the database's own folder: whatever ends the process, the system takes
the file back, and rows never lie where the database itself would not.
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from gateway.store import rows
from gateway.store.copying import (
    KEY_DIRECTORY,
    LOST,
    POSITIONS_SKIPPED,
    UNCLAIMED,
    Copied,
    DatabaseUnsound,
    NotEmpty,
    OtherDatabase,
    Part,
    Sink,
    Told,
)
from gateway.store.database import APPLIED
from gateway.store.interface import StoreUnavailable
from gateway.store.queries import named_queries

PART = "database/gateway.db"
PAGES_AT_ONCE = 1024
BLOCK_SIZE_BYTES = 1024 * 1024

SQL = named_queries("sqlite", "sqlite3")


class SqliteCopying:
    """See `copying.Copying`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def out(self, sink: Sink, told: Told) -> Copied:
        """Copy one state of it out."""
        with _wrapped(), _connected(self._path, "ro") as db, _nameless(self._path) as (temporary, file):
            db.execute("BEGIN")
            copied = _state(db)
            page_bytes: int = db.execute("PRAGMA page_size").fetchone()[0]
            with closing(sqlite3.connect(temporary, isolation_level=None)) as target:
                _unlink(temporary)
                # A journal would be a second file, and nobody opens this one again after a crash.
                target.execute("PRAGMA journal_mode = OFF")
                target.execute("PRAGMA synchronous = OFF")

                def progress(_: int, left: int, total: int) -> None:
                    told((total - left) * page_bytes, total * page_bytes)

                db.backup(target, pages=PAGES_AT_ONCE, progress=progress, sleep=0)
            sink.begin(PART)
            while block := file.read(BLOCK_SIZE_BYTES):
                sink.write(block)
            return copied

    def check_empty(self) -> None:
        """Raises `NotEmpty` unless it is not there, or left by an unfinished restore."""
        if not self._path.exists():
            return
        with _wrapped(), _connected(self._path, "rw") as db:
            known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone()
            mark = db.execute(SQL["fact"], {"name": KEY_DIRECTORY}).fetchone() if known else None
            if mark is None or not mark[0].startswith(UNCLAIMED):
                raise NotEmpty(f"{self._path}: there is a database already; a backup goes into a new one")

    def into(self, parts: Iterable[Part], *, migrations: frozenset[str], mark: str, told: Told) -> None:
        """Copy in. The file appears under its name when it is whole and marked."""
        self.check_empty()
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}.restoring")
        try:
            _write_file(temporary, parts, told)
            with _wrapped(), _connected(temporary, "rw") as db:
                _check_sound(db, migrations)
                db.execute(SQL["put_fact"], {"name": KEY_DIRECTORY, "value": f"{UNCLAIMED}{mark}"})
            _discard(self._path)
            temporary.replace(self._path)
        except OSError as error:
            raise StoreUnavailable(
                f"the database cannot be written to {self._path.parent} ({error.strerror})"
            ) from error
        finally:
            _discard(temporary)

    def buckets(self) -> frozenset[str]:
        """Every bucket that a payload of it lies in."""
        with _wrapped(), _connected(self._path, "ro") as db:
            named = " UNION ".join(
                f"SELECT bucket FROM {table} WHERE length(ciphertext) > 0"  # noqa: S608 (our tables)
                for table, holds in _sealed(db)
                if holds
            )
            return frozenset(bucket for (bucket,) in db.execute(named) if bucket is not None)

    def finish(self, lost: frozenset[str]) -> None:
        """Move inbox positions on, and payloads of lost buckets out of the way."""
        with _wrapped(), _connected(self._path, "rw") as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(SQL["skip_positions"], {"skipped": POSITIONS_SKIPPED})
            for table, _ in _sealed(db):
                moved = f"UPDATE {table} SET bucket = ? WHERE bucket = ?"  # noqa: S608 (one of our tables)
                db.executemany(moved, [(LOST, bucket) for bucket in sorted(lost)])
            db.execute("COMMIT")

    def claim(self, fingerprint: str) -> None:
        """Let the gateway with this key directory serve it."""
        with _wrapped(), _connected(self._path, "rw") as db:
            db.execute(SQL["put_fact"], {"name": KEY_DIRECTORY, "value": fingerprint})


def _sealed(db: sqlite3.Connection) -> list[tuple[str, bool]]:
    """The tables that name keys of payloads, and whether they hold the payloads too."""
    return [(table, bool(holds)) for table, holds in db.execute(SQL["sealed_tables"])]


def _state(db: sqlite3.Connection) -> Copied:
    unsequenced, newest = db.execute(SQL["copied_entries"]).fetchone()
    checkpoint = db.execute(SQL["newest_checkpoint"]).fetchone()
    return Copied(
        database="sqlite",
        migrations=tuple(sorted(name for (name,) in db.execute(APPLIED))),
        messages=db.execute(SQL["count_messages"]).fetchone()[0],
        log_size=db.execute(SQL["log_size"]).fetchone()[0],
        checkpoint=None if checkpoint is None else checkpoint[0],
        unsequenced=unsequenced,
        last_at=None if newest is None else rows.moment(newest),
    )


def _check_sound(db: sqlite3.Connection, migrations: frozenset[str]) -> None:
    try:
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        applied = frozenset(name for (name,) in db.execute(APPLIED)) if verdict == "ok" else frozenset()
    except sqlite3.DatabaseError as error:
        raise DatabaseUnsound("the file in the backup is no sound SQLite database; take an older backup") from error
    if verdict != "ok":
        raise DatabaseUnsound("the database in the backup was damaged before it was backed up; take an older backup")
    if applied != migrations:
        raise OtherDatabase("the database in the backup has not the migrations that its manifest says")


def _write_file(path: Path, parts: Iterable[Part], told: Told) -> None:
    done = 0
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 (a descriptor)
        for name, blocks in parts:
            if name != PART:
                raise OtherDatabase("the backup is of PostgreSQL; it goes into a PostgreSQL database")
            for block in blocks:
                file.write(block)
                done += len(block)
                told(done, 0)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    url = f"{path.resolve().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(url, uri=True, isolation_level=None, timeout=10)) as db:
        db.execute("PRAGMA synchronous = FULL")
        yield db


@contextmanager
def _nameless(beside: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in this folder and how to read it; it has a name until it is taken with `_unlink`."""
    path = beside.with_name(f".{beside.name}.{secrets.token_hex(8)}.copying")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with path.open("rb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _unlink(path: Path) -> None:
    """Take the name from an open file; where that cannot be done (Windows), it goes at the end."""
    with contextlib.suppress(PermissionError):
        path.unlink()


def _discard(path: Path) -> None:
    """A database that nobody needs, with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _wrapped() -> Iterator[Any]:
    """The database's own words stay in the cause."""
    try:
        yield None
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database could not be copied ({_kind(error)})") from error
    except OSError as error:
        raise StoreUnavailable(f"the database could not be copied ({error.strerror})") from error


def _kind(error: sqlite3.Error) -> str:
    """SQLite's name of what went wrong: SQLITE_FULL, SQLITE_BUSY."""
    return getattr(error, "sqlite_errorname", "no answer")
