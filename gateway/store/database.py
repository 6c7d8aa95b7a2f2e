"""Where a database is, and whether it has the tables this version needs. Loads neither of the two libraries."""

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.errors import Misconfigured

MIGRATIONS: Final = Path(__file__).parent / "migrations"

MIGRATION_TABLE: Final = "_yoyo_migration"
"""Where yoyo keeps what was applied; its own default name."""

MIGRATE_COMMAND: Final = "gateway init DIR"  # it keeps what is there
"""What an operator types to migrate."""


class MigrationsMissing(Misconfigured):
    """The database is older than this version of the gateway."""

    code = "store.migrations-missing"


class UnknownDatabase(Misconfigured):
    """A database URL that is neither SQLite's nor PostgreSQL's."""

    code = "store.unknown-database"


class NotDurable(Misconfigured):
    """The database would answer before what it was given is safe."""

    code = "store.not-durable"


def database_kind(url: str) -> str:
    """ "sqlite" or "postgres"."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return "sqlite"
    if scheme in ("postgresql", "postgres"):
        return "postgres"
    raise UnknownDatabase("a database URL begins with sqlite:/// or postgresql://")


def sqlite_path(url: str) -> Path:
    """The file of "sqlite:///relative" or "sqlite:////absolute"."""
    parts = urlsplit(url, allow_fragments=False)
    if parts.netloc or len(parts.path) < 2:
        raise UnknownDatabase("a SQLite URL has three slashes and a path: sqlite:///gateway.db")
    return Path(unquote(parts.path[1:]))


def sqlite_url(path: Path) -> str:
    """The URL of a file."""
    return f"sqlite:///{path.as_posix().replace('%', '%25').replace('?', '%3F')}"


APPLIED: Final = f"SELECT migration_id FROM {MIGRATION_TABLE}"  # noqa: S608 - the name is ours
"""Which migrations were applied."""


def check_applied(kind: str, applied: frozenset[str]) -> None:
    """Raises `MigrationsMissing` when the database lacks a migration of this version."""
    missing = sorted(path.stem for path in (MIGRATIONS / kind).glob("*.sql") if path.stem not in applied)
    if missing:
        raise MigrationsMissing(f"the database lacks {', '.join(missing)}: run `{MIGRATE_COMMAND}`")
