"""A database that is briefly away: senders are told 503 and when to come again, nothing is lost, and all goes on."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from gateway.store.database import sqlite_path
from gateway.store.sqlite_writer import BUSY_SECONDS_MAX
from tests.acceptance.killing import Scene, scene

SEED = 20261
SECONDS_MAX = 180.0

POSTGRES_AWAY_SECONDS_MAX = 30.0
TERMINATIONS = 4

SERVE = ("serve",)


def unanswered(there: Scene) -> int:
    """Tries that got nothing at all: some before the gateway ran; an outage of the database makes none."""
    return sum(sent.unanswered for sent in there.load.sent)


async def told_503(there: Scene, seconds: float) -> None:
    """Until a sender was told to come again later."""
    deadline = time.monotonic() + seconds
    while not any(sent.unavailable for sent in there.load.sent):
        assert time.monotonic() < deadline, "no sender was told 503"
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Somebody else holds the write lock of the file: a backup that hangs, a tool somebody left open."""
    connection = await asyncio.to_thread(sqlite3.connect, sqlite_path(url), timeout=10, check_same_thread=False)
    try:
        await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
        yield
        connection.rollback()
    finally:
        connection.close()


async def test_a_locked_sqlite_file_gives_503_and_nothing_is_lost(sqlite_file_url: str, tmp_path: Path) -> None:
    async with asyncio.timeout(SECONDS_MAX), scene(tmp_path / "deployment", sqlite_file_url, SEED) as there:
        life = await there.running(SERVE)
        await there.answered_again()
        before = unanswered(there)
        async with locked(sqlite_file_url):
            await told_503(there, BUSY_SECONDS_MAX + 10)
        await there.answered_again()
        figures = await there.judged(life)
    assert figures.unavailable > 0
    assert figures.unanswered == before


def terminate(database: str, server: str) -> None:
    """End every connection to the database, as a failover or an administrator does."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (_name(database),))


@contextlib.asynccontextmanager
async def away(database: str, server: str) -> AsyncIterator[None]:
    """Nobody gets a connection, and those there were are gone."""

    def allow(allowed: bool) -> None:
        statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(statement.format(sql.Identifier(_name(database)), sql.SQL(str(allowed))))

    await asyncio.to_thread(allow, False)
    try:
        await asyncio.to_thread(terminate, database, server)
        yield
    finally:
        await asyncio.to_thread(allow, True)


def _name(url: str) -> str:
    return urlsplit(url).path[1:]


async def test_terminated_connections_give_503_and_nothing_is_lost(
    postgres_url: str, postgres_server: str, tmp_path: Path
) -> None:
    async with asyncio.timeout(SECONDS_MAX), scene(tmp_path / "deployment", postgres_url, SEED) as there:
        life = await there.running(SERVE)
        await there.answered_again()
        before = unanswered(there)
        for _ in range(TERMINATIONS):
            await asyncio.to_thread(terminate, postgres_url, postgres_server)
            await asyncio.sleep(there.chance.uniform(0.1, 0.8))
        await there.answered_again()
        async with away(postgres_url, postgres_server):
            await told_503(there, POSTGRES_AWAY_SECONDS_MAX)
        await there.answered_again()
        figures = await there.judged(life)
    assert figures.unavailable > 0
    assert figures.unanswered == before
