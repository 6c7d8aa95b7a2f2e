"""From a database URL to the store that keeps the promises on it."""

from gateway.store.database import database_kind, sqlite_path
from gateway.store.interface import Store
from gateway.store.migrate import migrate
from gateway.store.postgres import PostgresStore
from gateway.store.sqlite import SqliteStore

__all__ = ["migrate", "open_store"]


def open_store(url: str) -> Store:
    """The store of "sqlite:///gateway.db" or "postgresql://…", not yet connected."""
    return SqliteStore(sqlite_path(url)) if database_kind(url) == "sqlite" else PostgresStore(url)
