"""What only SQLite has to show: `gateway/store/sqlite.py`, `sqlite_writer.py`, and its tables."""

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.store import points, sqlite_writer
from gateway.store.database import NotDurable, sqlite_path
from gateway.store.interface import StoreUnavailable
from gateway.store.messages import Stored
from gateway.store.queries import of_rows
from gateway.store.sqlite import SqliteStore
from tests.store.examples import POLICE, Sequencer, acceptance, agency, entry


@pytest.fixture
def path(migrated_sqlite_url: str) -> Path:
    """A migrated file."""
    return sqlite_path(migrated_sqlite_url)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry",
        "UPDATE entry SET type = 'other'",
        "DELETE FROM leaf",
        "UPDATE leaf SET entry = entry + 1",
        "DELETE FROM subtree",
        "UPDATE subtree SET hash = zeroblob(32)",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET body = x'00'",
    ],
)
async def test_what_is_in_the_log_is_never_changed_or_deleted(path: Path, statement: str) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.record([entry() for _ in range(300)])
    await store.sequence(300, Sequencer())
    await store.close()
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,
        pytest.raises(sqlite3.IntegrityError, match="is never"),
    ):
        db.execute(statement)


async def test_a_leaf_follows_the_last_one(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.record([entry()])
    await store.close()
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,
        pytest.raises(sqlite3.IntegrityError, match="follows"),
    ):
        db.execute("INSERT INTO leaf (idx, entry, prefix) VALUES (1, 1, x'00')")


async def test_a_file_that_is_not_in_wal_mode_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    with pytest.raises(NotDurable):
        await SqliteStore(path).open()


async def test_every_connection_is_durable_and_keeps_foreign_keys(path: Path) -> None:
    store = SqliteStore(path)
    for writes in (True, False):
        with closing(store._connect(writes=writes)) as db:
            assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
            assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_waiting_writes_share_a_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[str] = []
    monkeypatch.setattr(points, "watch", commits.append)
    store = SqliteStore(path)
    await store.open()
    results = await asyncio.gather(*(store.accept(acceptance()) for _ in range(200)))
    await store.close()
    assert set(results) == {Stored.STORED}
    assert commits.count("accept.after-commit") < 20


async def test_a_reader_is_not_held_up_by_a_writer(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE configuration SET version = 7")
        assert await store.configuration_version() == 0
        assert (await store.counts()).messages == 0
        waiting = asyncio.create_task(store.change([agency()], []))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        other.execute("COMMIT")
    assert await waiting == 8
    await store.close()


async def test_who_waits_too_long_for_another_process_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "BUSY_SECONDS_MAX", 0.05)
    store = SqliteStore(path)
    await store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(*(store.accept(acceptance()) for _ in range(5)), return_exceptions=True)
        other.execute("ROLLBACK")
    assert {type(result) for result in results} == {StoreUnavailable}
    assert await store.accept(acceptance()) is Stored.STORED
    await store.close()


async def test_who_waits_behind_others_for_a_lock_is_told_as_soon_as_they_are(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "BUSY_SECONDS_MAX", 0.3)
    store = SqliteStore(path)
    await store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        results = await asyncio.gather(*(store.accept(acceptance()) for _ in range(20)), return_exceptions=True)
        waited = time.monotonic() - begun
        other.execute("ROLLBACK")
    await store.close()
    assert {type(result) for result in results} == {StoreUnavailable}
    assert waited < 3  # twenty times 0.3 s would be six


async def test_a_mistake_of_a_caller_does_not_end_the_writer(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    broken = replace(acceptance(), receipt=object())
    results = await asyncio.gather(
        store.accept(acceptance()), store.accept(broken), store.accept(acceptance()), return_exceptions=True
    )
    assert results[0] is results[2] is Stored.STORED
    assert isinstance(results[1], Exception)
    assert await store.accept(acceptance()) is Stored.STORED
    await store.close()


def test_a_query_of_one_row_is_made_to_take_many() -> None:
    assert of_rows("INSERT INTO t (a, b)\nVALUES (:a, :b)\nON CONFLICT DO NOTHING", 2) == (
        "INSERT INTO t (a, b)\nVALUES (?, ?), (?, ?)\nON CONFLICT DO NOTHING"
    )
    with pytest.raises(ValueError, match="no row"):
        of_rows("SELECT 1", 2)


async def test_a_poller_at_the_same_file_sees_positions_grow(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    for _ in range(3):
        await store.accept(acceptance(POLICE))
    assert [record.position for record in await store.inbox(POLICE, 0, 10)] == [1, 2, 3]
    await store.close()
