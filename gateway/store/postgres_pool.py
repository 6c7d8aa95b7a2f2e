"""The connections of one process to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool

from gateway.store.database import APPLIED, MIGRATION_TABLE
from gateway.store.interface import StoreUnavailable

Connected = psycopg.AsyncConnection[Any]

_CONNECTIONS_MAX: Final = 8
"""Of one process: some for what goes in groups, the rest for readers and officers. PostgreSQL gives 100 in all."""

CONNECT_SECONDS_MAX: Final = 10
"""How long to try to connect, and how long a caller waits for a connection of the pool."""

_SESSION: Final = (
    "SET statement_timeout = '60s'",
    "SET lock_timeout = '10s'",
    # A node that hangs holds its locks no longer than this.
    "SET idle_in_transaction_session_timeout = '30s'",
)


async def open_pool(url: str) -> AsyncConnectionPool[Connected]:
    """A pool with at least one connection that works."""
    pool: AsyncConnectionPool[Connected] = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=_CONNECTIONS_MAX,
        timeout=CONNECT_SECONDS_MAX,
        kwargs={"autocommit": True, "connect_timeout": CONNECT_SECONDS_MAX},
        configure=_configure,
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=CONNECT_SECONDS_MAX)
    except psycopg.Error:
        await pool.close()
        raise
    return pool


def connect(url: str) -> "psycopg.Connection[Any]":
    """A connection like those of the pool, to be used on a thread."""
    db: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)
    db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    for setting in _SESSION:
        db.execute(setting)
    return db


async def _configure(db: Connected) -> None:
    """Each connection of the pool, once."""
    await db.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
    for setting in _SESSION:
        await db.execute(setting)


def applied_migrations(url: str) -> frozenset[str]:
    """Names of the migrations that the database has."""
    with wrapped(), psycopg.connect(url, autocommit=True, connect_timeout=10) as db:
        found = db.execute("SELECT to_regclass(%s)", (MIGRATION_TABLE,)).fetchone()
        if found is None or found[0] is None:
            return frozenset()
        return frozenset(str(name) for (name,) in db.execute(APPLIED))


@contextmanager
def wrapped() -> Iterator[None]:
    """The database's own words stay in the cause."""
    try:
        yield
    except psycopg.Error as error:
        raise StoreUnavailable("the database did not answer") from error
