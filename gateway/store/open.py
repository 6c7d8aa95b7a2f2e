"""From a database URL to the store that keeps the promises on it.

Each library is loaded only where it is needed: a start on SQLite does without a quarter of a second of PostgreSQL's
client and the migration tool.
"""

from gateway.store.database import check_applied, database_kind, sqlite_path
from gateway.store.interface import Store


def open_store(url: str) -> Store:
    """The store of "sqlite:///gateway.db" or "postgresql://…", not yet connected."""
    if database_kind(url) == "sqlite":
        from gateway.store.sqlite import SqliteStore  # noqa: PLC0415 - see above

        return SqliteStore(sqlite_path(url))
    from gateway.store.postgres import PostgresStore  # noqa: PLC0415 - see above

    return PostgresStore(url)


def migrate(url: str) -> int:
    """Apply the migrations that are missing; how many that were. Nodes that start together do it once."""
    from gateway.store.migrate import migrate as apply  # noqa: PLC0415 - see above

    return apply(url)


def check_migrated(url: str) -> None:
    """Raises `MigrationsMissing` when the database lacks a migration of this version."""
    kind = database_kind(url)
    if kind == "sqlite":
        from gateway.store.sqlite_reading import applied_migrations as of_file  # noqa: PLC0415 - see above

        check_applied(kind, of_file(sqlite_path(url)))
    else:
        from gateway.store.postgres_pool import applied_migrations as of_server  # noqa: PLC0415 - see above

        check_applied(kind, of_server(url))
