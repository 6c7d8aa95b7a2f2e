"""Databases for any test: `store_url` runs a test on both, `store` is open on it.

Laws are tried on examples that are drawn the same way in each run, so that a run says something of the change it
judges; `make soak` draws new ones, and what it finds becomes a test by name.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from gateway.store.database import sqlite_url
from gateway.store.interface import Store
from gateway.store.open import migrate, open_store
from tests.entries_checked import entries_checked
from tests.store.postgres_server import NoPostgres, fresh_database, running_server

settings.register_profile("same", derandomize=True)
settings.register_profile("new", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("LAW_EXAMPLES", "same"))


@pytest.fixture(autouse=True)
def _entries_checked() -> Iterator[None]:
    """Whatever a test writes into a log fits the schema of its type."""
    with entries_checked():
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a running PostgreSQL server."""
    try:
        with running_server() as url:
            yield url
    except NoPostgres as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Name of a migrated database, to be copied: quicker than migrating for each test."""
    with fresh_database(postgres_server) as url:
        migrate(url)
        yield urlsplit(url).path[1:]


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a new, empty database on PostgreSQL: not migrated."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_file_url(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return sqlite_url(tmp_path / "gateway.db")


@pytest.fixture
def migrated_postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """URL of a new, migrated database on PostgreSQL."""
    with fresh_database(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture
def migrated_sqlite_url(sqlite_file_url: str) -> str:
    """URL of a new, migrated SQLite file."""
    migrate(sqlite_file_url)
    return sqlite_file_url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database: each test runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_file_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated database: each test runs once on each kind."""
    fixture = "migrated_sqlite_url" if request.param == "sqlite" else "migrated_postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store: each test runs once on each kind."""
    opened = open_store(store_url)
    await opened.open()
    yield opened
    await opened.close()
