"""Copying a whole database out, while others write to it, and into an empty one. One suite of promises for both kinds:
`tests/store/test_promises_copying.py`.

- What is copied is one state: everything that was committed before the copying began, and nothing of what came after
  its snapshot. Nobody waits for it.
- Nothing of the copy lies on a disk in the clear after the process ends, however it ends.
- Copying in is all or nothing. A database that was copied in belongs to no key directory until it is `claimed`, so that
  no gateway serves it before whoever restores it has judged it.
- A copy goes into a database of the same kind; the two kinds do not have the same tables.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.errors import Misconfigured, Refused
from gateway.store.database import MIGRATIONS, database_kind, sqlite_path

KEY_DIRECTORY = "key-directory"
"""The fact that names the key directory whose payloads a database holds."""

UNCLAIMED = "restoring:"
"""What that fact begins with in a database that was copied in and not claimed yet."""

POSITIONS_SKIPPED = 1 << 40
"""How far inbox positions move on when a database is restored. What was listed after the copy was made is forgotten,
and pollers ask for what stands above the last position they saw: new items must stand above all of those. A million
million is more than a gateway lists in a decade, and a number that JSON keeps exact has room for 8,000 restores."""

LOST = "2000-W01"
"""Bucket that payloads lie in whose keys did not come back: a week before any gateway, whose keys never were."""

Told = Callable[[int, int], None]
"""Bytes copied, and about how many there are; 0 = not known."""


class NotEmpty(Refused):
    """A copy is taken into an empty database only."""

    code = "restore.database-not-empty"


class OtherDatabase(Misconfigured):
    """The copy is of another kind of database, or of a version that this one does not know."""

    code = "restore.other-database"


class DatabaseUnsound(Refused):
    """The copied database is not sound: it was damaged before it was copied."""

    code = "restore.database-unsound"


class Sink(Protocol):
    """Where a copy goes."""

    def begin(self, name: str) -> None:
        """A new part; the one before is ended."""

    def write(self, content: bytes | memoryview) -> None:
        """More of the part."""


Part = tuple[str, Iterator[memoryview]]
"""A part of a copy and its content, which is read before the next part is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What the copied state held.

    database    sqlite or postgres
    migrations  applied
    log_size    entries in the tree, under `checkpoint`
    unsequenced entries not in the tree yet
    last_at     when the newest entry was written
    """

    database: str
    migrations: tuple[str, ...]
    messages: int
    log_size: int
    checkpoint: bytes | None
    unsequenced: int
    last_at: datetime | None


class Copying(Protocol):
    """Copies one kind of database. Raises `StoreUnavailable` when it does not answer."""

    def out(self, sink: Sink, told: Told) -> Copied:
        """Copy one state of it out."""

    def check_empty(self) -> None:
        """Raises `NotEmpty` unless nothing is in it, or what an unfinished restore left. A missing SQLite file is
        empty."""

    def into(self, parts: Iterable[Part], *, migrations: frozenset[str], mark: str, told: Told) -> None:
        """Copy in, over what an unfinished restore left. mark: stands as its key directory, after `UNCLAIMED`.

        Raises `NotEmpty`, `OtherDatabase`, `DatabaseUnsound`.
        """

    def buckets(self) -> frozenset[str]:
        """Every bucket that a payload of it lies in."""

    def finish(self, lost: frozenset[str]) -> None:
        """Move inbox positions on. Payloads of the lost buckets are said to lie in `LOST`: a bucket of the old name is
        made anew when the next payload goes into it, and its keys would not fit the old ones."""

    def claim(self, fingerprint: str) -> None:
        """Let the gateway with this key directory serve it."""


def copying(url: str) -> Copying:
    """How the database of this URL is copied."""
    if database_kind(url) == "sqlite":
        from gateway.store.sqlite_copy import SqliteCopying  # noqa: PLC0415 - as in `open`

        return SqliteCopying(sqlite_path(url))
    from gateway.store.postgres_copy import PostgresCopying  # noqa: PLC0415 - as in `open`

    return PostgresCopying(url)


def check_migrations(kind: str, migrations: Iterable[str]) -> None:
    """Raises `OtherDatabase` when the copy has migrations that this version does not know."""
    known = {path.stem for path in (MIGRATIONS / kind).glob("*.sql")}
    if unknown := sorted(set(migrations) - known):
        raise OtherDatabase(
            f"the backup is of a newer version of the gateway (its database has {', '.join(unknown)}): "
            "install that version, then restore"
        )
