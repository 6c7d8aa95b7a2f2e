"""Bringing a database to the tables this version needs. yoyo-migrations applies `migrations/<database>/*.sql` in order.

Any number of nodes may start at once: one of them migrates, the others wait. yoyo's own lock is a row, which a killed
process leaves behind; so it works under a lock that ends with its holder, and may break a row it then finds. A kill
between a migration and the note that it ran is mended by the next run: every statement of ours may run twice.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import yoyo
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.backends.core.sqlite3 import SQLiteBackend
from yoyo.connections import DatabaseURI

from gateway.errors import Misconfigured
from gateway.store.database import MIGRATION_TABLE, MIGRATIONS, database_kind, sqlite_path
from gateway.store.interface import StoreUnavailable

_LOCK_SECONDS_MAX: Final = 60

_ADVISORY_LOCK: Final = 0x6A67_6D69
"""Any number that nobody else uses in the same PostgreSQL database ("jgmi")."""


class FileRefused(Misconfigured):
    """The SQLite file cannot be made, or not be written."""

    code = "store.file"


def migrate(url: str, *, only: Collection[str] | None = None) -> int:
    """Apply what is missing; how many migrations that were. Makes a SQLite file, readable by its owner only.

    only  names of those to apply on PostgreSQL, for a copy of an older database; None = all there are
    """
    if database_kind(url) == "sqlite":
        return _migrate_sqlite(sqlite_path(url))
    with _wrapped(), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        return _apply(_PlainPostgresBackend(_place("postgres", url), MIGRATION_TABLE), "postgres", only)


def _migrate_sqlite(path: Path) -> int:
    try:
        # The WAL and its index get the mode of the file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise FileRefused("the file of the database cannot be made or opened for writing") from error
    with _wrapped(), _sqlite_lock(path):
        with closing(sqlite3.connect(path, timeout=_LOCK_SECONDS_MAX, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        return _apply(_PlainSqliteBackend(_place("sqlite", str(path)), MIGRATION_TABLE), "sqlite")


@contextmanager
def _sqlite_lock(path: Path) -> Iterator[None]:
    """An empty database beside the file, held by a transaction: SQLite's own locks work on every system we run on."""
    lock = path.with_name(f"{path.name}.migrating")
    with closing(sqlite3.connect(lock, timeout=_LOCK_SECONDS_MAX, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


class _PlainSqliteBackend(SQLiteBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's backend without shared-cache mode, which knows no busy timeout, and for any path."""

    def connect(self, uri: DatabaseURI) -> sqlite3.Connection:
        """Connect to our file."""
        return sqlite3.connect(
            uri.database, timeout=_LOCK_SECONDS_MAX, isolation_level=None, detect_types=sqlite3.PARSE_DECLTYPES
        )


class _PlainPostgresBackend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's backend, connecting by the same URL as the store, whatever options stand in it."""

    def connect(self, uri: DatabaseURI) -> "psycopg.Connection[Any]":
        """Connect by our URL."""
        return psycopg.connect(uri.database, autocommit=True)


def _place(kind: str, database: str) -> DatabaseURI:
    """Our path or URL, passed through yoyo as it is."""
    return DatabaseURI(scheme=kind, username=None, password=None, hostname=None, port=None, database=database, args={})


def _apply(backend: Any, kind: str, only: Collection[str] | None = None) -> int:
    """Under our lock: apply what is missing."""
    with backend:
        backend.init_database()
        backend.break_lock()  # whoever left it is gone: we hold the outer lock
        known = yoyo.read_migrations(str(MIGRATIONS / kind))
        wanted = backend.to_apply(known if only is None else known.filter(lambda each: each.id in only))
        count = len(wanted)
        with backend.lock():
            backend.apply_migrations(wanted)
    return count


@contextmanager
def _wrapped() -> Iterator[None]:
    """The database's own words stay in the cause."""
    try:
        yield
    except (sqlite3.Error, psycopg.Error) as error:
        raise StoreUnavailable("the database could not be migrated") from error
