"""The pool of connections to PostgreSQL, reading from it, and transactions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.store import rows
from gateway.store.database import NotDurable, check_applied
from gateway.store.interface import StoreUnavailable
from gateway.store.points import reach
from gateway.store.postgres_pool import Connected, applied_migrations, open_pool, wrapped
from gateway.store.postgres_statements import SQL
from gateway.store.reads import Reads

_T = TypeVar("_T")

BATCH_MAX: Final = 64

_ROLLED_BACK: Final = ("22", "23", "40")
"""Classes of SQLSTATE that say that nothing was stored: bad data, a broken constraint, a deadlock."""


class NoConnection(StoreUnavailable):
    """No connection in time: nothing was asked of the database, and whoever asks next would wait as long."""


class Reading(Reads):
    """The connections of one process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open_pool: AsyncConnectionPool[Connected] | None = None

    async def open(self) -> None:
        """Connect."""
        check_applied("postgres", await asyncio.to_thread(applied_migrations, self._url))
        with wrapped():
            pool = await open_pool(self._url)
        self._open_pool = pool
        if not await self._value("durability"):
            await self.close()
            raise NotDurable("PostgreSQL runs with synchronous_commit or fsync off: a commit could be lost")

    async def close(self) -> None:
        """Finish what is under way and let go."""
        pool, self._open_pool = self._open_pool, None
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connected]:
        if self._open_pool is None:
            raise StoreUnavailable("the store is closed")
        try:
            with wrapped():
                async with self._open_pool.connection() as db:
                    yield db
        except StoreUnavailable as error:
            if isinstance(error.__cause__, PoolTimeout):
                raise NoConnection(error.text) from error.__cause__
            raise

    @asynccontextmanager
    async def _writing(self, kind: str) -> AsyncIterator[Connected]:
        """A transaction. Statements are sent without waiting for each answer; all have succeeded before COMMIT is."""
        async with self._connected() as db:
            async with db.pipeline() as pipeline, db.transaction():
                yield db
                await pipeline.sync()
                reach(f"{kind}.before-commit")
            reach(f"{kind}.after-commit")

    async def _rows(self, query: str, **values: object) -> list[rows.Row]:
        """All rows. Asked twice when the connection was found broken: the server may have been restarted."""
        for last in (False, True):
            try:
                async with self._connected() as db:
                    cursor = db.cursor(binary=True)
                    await cursor.execute(SQL[query], values)
                    return await cursor.fetchall()
            except StoreUnavailable as error:
                again = isinstance(error.__cause__, psycopg.OperationalError) and not isinstance(error, NoConnection)
                if last or self._open_pool is None or not again:
                    raise
                await self._open_pool.check()
        raise AssertionError("the second time returns or raises")

    async def _value(self, query: str, **values: object) -> Any:
        found = await self._rows(query, **values)
        return found[0][0] if found else None

    async def _all(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> tuple[_T, ...]:
        return tuple(of(row) for row in await self._rows(query, **values))

    def _listed(self, values: Sequence[object]) -> object:
        return values

    async def _one(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> _T | None:
        found = await self._rows(query, **values)
        return of(found[0]) if found else None

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connected]:
        """Several reads that see one state."""
        async with self._connected() as db, db.transaction():
            await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield db

    async def _together(
        self, write: Callable[[Sequence[Any]], Awaitable[Sequence[_T]]], group: Sequence[Any]
    ) -> list[_T | Exception]:
        """Write a group; when it was rolled back because of one of them, each by itself."""
        if not group:
            return []
        try:
            return list(await write(group))
        except NoConnection:
            raise
        except StoreUnavailable as error:
            if len(group) == 1 or not _rolled_back(error):
                return [StoreUnavailable(error.text).with_traceback(error.__traceback__) for _ in group]
        except Exception as error:  # noqa: BLE001 - a mistake of the caller's, who is told
            if len(group) == 1:
                return [error]
        return [result for each in group for result in await self._together(write, [each])]


def _rolled_back(error: StoreUnavailable) -> bool:
    """Whether the database says that nothing was stored."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith(_ROLLED_BACK)
