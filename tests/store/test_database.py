"""Where a database is and whether it is migrated: `gateway/store/database.py`, `migrate.py`, `open.py`."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.database import (
    MIGRATIONS,
    MigrationsMissing,
    UnknownDatabase,
    database_kind,
    sqlite_path,
    sqlite_url,
)
from gateway.store.interface import StoreUnavailable
from gateway.store.migrate import FileRefused, migrate
from gateway.store.open import check_migrated, open_store
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["gateway.db", "/srv/gateway/gateway.db", "/srv/a b/50%/what?.db"])
def test_a_path_goes_into_a_url_and_back(path: str) -> None:
    assert sqlite_path(sqlite_url(Path(path))) == Path(path)
    assert database_kind(sqlite_url(Path(path))) == "sqlite"


@pytest.mark.parametrize("url", ["mysql://db/gateway", "gateway.db", "sqlite://gateway.db", "sqlite:///", ""])
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(UnknownDatabase):
        open_store(url)


def test_a_url_chooses_its_store() -> None:
    assert isinstance(open_store("sqlite:///gateway.db"), SqliteStore)
    assert isinstance(open_store("postgresql://db.example.gov/gateway"), PostgresStore)


async def test_a_database_without_migrations_is_refused_and_the_command_named(empty_url: str) -> None:
    store = open_store(empty_url)
    with pytest.raises(MigrationsMissing, match=r"0001_tables.*`gateway init DIR`"):
        await store.open()


def test_a_missing_file_is_not_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(MigrationsMissing):
        check_migrated(sqlite_url(tmp_path / "gateway.db"))
    assert list(tmp_path.iterdir()) == []


def migrations(url: str) -> int:
    """How many this version has."""
    return len(list((MIGRATIONS / database_kind(url)).glob("*.sql")))


def test_migrating_twice_does_it_once(empty_url: str) -> None:
    assert migrate(empty_url) == migrations(empty_url)
    assert migrate(empty_url) == 0
    check_migrated(empty_url)


def test_nodes_that_start_together_migrate_once(empty_url: str) -> None:
    script = "import sys; from gateway.store.migrate import migrate; print(migrate(sys.argv[1]))"
    nodes = [
        subprocess.Popen([sys.executable, "-c", script, empty_url], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)
    ]
    outputs = [node.communicate(timeout=60)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0, 0]
    assert sorted(int(output) for output in outputs) == [0, 0, migrations(empty_url)]


def test_a_lock_left_by_a_killed_node_does_not_stop_the_next(migrated_sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_path(migrated_sqlite_url), isolation_level=None)) as connection:
        connection.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, '2026-01-01', 1)")
    assert migrate(migrated_sqlite_url) == 0


def test_the_file_is_for_its_owner_only(migrated_sqlite_url: str) -> None:
    mode = stat.S_IMODE(sqlite_path(migrated_sqlite_url).stat().st_mode)
    assert mode == 0o600


def test_a_file_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused):
        migrate(sqlite_url(tmp_path / "nowhere" / "gateway.db"))


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    url = f"postgresql:///gateway?host={tmp_path}"
    with pytest.raises(StoreUnavailable) as told:
        migrate(url)
    assert str(tmp_path) not in told.value.text
    with pytest.raises(StoreUnavailable):
        asyncio.run(open_store(url).open())


def test_a_start_on_sqlite_loads_neither_the_client_of_postgresql_nor_the_migration_tool() -> None:
    script = (
        "import sys; from gateway.store.open import open_store; open_store('sqlite:///gateway.db'); "
        "print([name for name in ('psycopg', 'psycopg_pool', 'yoyo') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n"
