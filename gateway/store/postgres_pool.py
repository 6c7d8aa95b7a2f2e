"""The connections of one process to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Ready, Wait
from psycopg_pool import AsyncConnectionPool

from gateway.store.database import APPLIED, MIGRATION_TABLE
from gateway.store.interface import StoreUnavailable

Connected = psycopg.AsyncConnection[Any]

_T = TypeVar("_T")

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


class _Drained(psycopg.AsyncConnection[Any]):
    """A connection that never waits for an answer while part of a question is still on this side.

    In a pipeline psycopg hands each statement to libpq and goes on as soon as the socket takes some of it. What is
    larger than the socket's buffer stays with libpq, and is sent when an answer arrives: but the server, which has not
    all of the question, has nothing to answer, and both wait for ever. psycopg mended it for the pipeline's exit
    (psycopg issue 685), not for `sync` and `fetch`.
    """

    async def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:  # noqa: ASYNC109  (psycopg's)
        """As psycopg does; and then send what is left."""
        result = await super().wait(gen, interval, timeout)
        if self.pgconn.status == ConnStatus.OK and self.pgconn.flush():
            await super().wait(_send(self.pgconn), interval, timeout)
        return result


def _send(pgconn: PGconn) -> PQGen[None]:
    """Send all there is, taking in meanwhile what the server says: it may stop reading until it is heard."""
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()


async def open_pool(url: str) -> AsyncConnectionPool[Connected]:
    """A pool with at least one connection that works."""
    pool: AsyncConnectionPool[Connected] = AsyncConnectionPool(
        url,
        connection_class=_Drained,
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
