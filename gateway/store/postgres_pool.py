"""The connections of one process to PostgreSQL."""

from typing import Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool

Connected = psycopg.AsyncConnection[Any]

_CONNECTIONS_MAX: Final = 8
"""Of one process: some for what goes in groups, the rest for readers and officers. PostgreSQL gives 100 in all."""

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
        timeout=10,
        kwargs={"autocommit": True, "connect_timeout": 10},
        configure=_configure,
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=10)
    except psycopg.Error:
        await pool.close()
        raise
    return pool


async def _configure(db: Connected) -> None:
    """Each connection of the pool, once."""
    await db.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
    for setting in _SESSION:
        await db.execute(setting)
