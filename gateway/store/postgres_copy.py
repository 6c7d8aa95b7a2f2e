"""Copying a PostgreSQL database: COPY of each table in its binary form, within one REPEATABLE READ snapshot.

It needs no program of PostgreSQL's on this machine, streams without a file in between, holds no lock that a writer
waits for, and gives every value as it is. The tables themselves are made by our migrations, those that the copied
database had, so that no text from a backup is ever run.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg import sql

from gateway.store import rows
from gateway.store.copying import (
    KEY_DIRECTORY,
    LOST,
    POSITIONS_SKIPPED,
    UNCLAIMED,
    Copied,
    NotEmpty,
    OtherDatabase,
    Part,
    Sink,
    Told,
)
from gateway.store.database import APPLIED
from gateway.store.migrate import migrate
from gateway.store.postgres_pool import CONNECT_SECONDS_MAX, applied_migrations, wrapped
from gateway.store.queries import named_queries

TABLES = "database/tables.json"
SEQUENCES = "database/sequences.json"
ROWS = "database/rows/"
BLOCK_SIZE_BYTES = 256 * 1024

SQL = named_queries("postgres", "psycopg")

Connection = psycopg.Connection[Any]


class PostgresCopying:
    """See `copying.Copying`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def out(self, sink: Sink, told: Told) -> Copied:
        """Copy one state of it out."""
        with wrapped(), _connected(self._url) as db:
            db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            db.read_only = True
            with db.transaction():
                copied = _state(db)  # its first query is what the snapshot is taken at
                found = db.execute(SQL["copied_tables"]).fetchall()
                columns = {name: tuple(names) for name, names, _ in found}
                total, done = sum(size for _, _, size in found), 0
                tables = _in_order(columns, db.execute(SQL["copied_references"]).fetchall())
                sink.begin(TABLES)
                sink.write(json.dumps([[table, columns[table]] for table in tables]).encode())
                for table in tables:
                    sink.begin(f"{ROWS}{table}")
                    for block in _rows(db, table, columns[table]):
                        sink.write(block)
                        done += len(block)
                        told(done, max(done, total))
                # Sequences know no snapshot. Read last, they stand at or above all that was copied.
                sink.begin(SEQUENCES)
                sink.write(json.dumps(_sequences(db)).encode())
            return copied

    def check_empty(self) -> None:
        """Raises `NotEmpty` unless it has no entries, or was left by an unfinished restore."""
        with wrapped(), _connected(self._url) as db:
            _check_empty(db)

    def into(self, parts: Iterable[Part], *, migrations: frozenset[str], mark: str, told: Told) -> None:
        """Copy in, in one transaction; only the empty tables are made before it."""
        self.check_empty()
        migrate(self._url, only=migrations)
        if applied_migrations(self._url) != migrations:
            raise OtherDatabase("the database has other tables than the backup; give a new, empty database")
        with wrapped(), _connected(self._url) as db, db.transaction():
            # Again, now that nobody else gets in: tables are locked until the end.
            tables = [name for name, _, _ in db.execute(SQL["copied_tables"]).fetchall()]
            for table in tables:
                db.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
            _check_empty(db)
            db.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
            _load(db, parts, frozenset(tables), told)
            db.execute(SQL["put_fact"], {"name": KEY_DIRECTORY, "value": f"{UNCLAIMED}{mark}"})
            for table in tables:
                db.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))

    def buckets(self) -> frozenset[str]:
        """Every bucket that a payload of it lies in."""
        with wrapped(), _connected(self._url) as db:
            held = sql.SQL("SELECT bucket FROM {} WHERE length(ciphertext) > 0")
            selects = [held.format(sql.Identifier(table)) for table, holds in _sealed(db) if holds]
            named = db.execute(sql.SQL(" UNION ").join(selects)).fetchall()
            return frozenset(bucket for (bucket,) in named if bucket is not None)

    def finish(self, lost: frozenset[str]) -> None:
        """Move inbox positions on, and payloads of lost buckets out of the way."""
        with wrapped(), _connected(self._url) as db, db.transaction():
            db.execute(SQL["skip_positions"], {"skipped": POSITIONS_SKIPPED})
            for table, _ in _sealed(db):
                moved = sql.SQL("UPDATE {} SET bucket = %s WHERE bucket = ANY(%s)").format(sql.Identifier(table))
                db.execute(moved, (LOST, sorted(lost)))

    def claim(self, fingerprint: str) -> None:
        """Let the gateway with this key directory serve it."""
        with wrapped(), _connected(self._url) as db:
            db.execute(SQL["put_fact"], {"name": KEY_DIRECTORY, "value": fingerprint})


def _sealed(db: Connection) -> list[tuple[str, bool]]:
    """The tables that name keys of payloads, and whether they hold the payloads too."""
    found = [(name, set(columns)) for name, columns, _ in db.execute(SQL["copied_tables"])]
    return [(name, "ciphertext" in columns) for name, columns in found if {"bucket", "key_index"} <= columns]


def _state(db: Connection) -> Copied:
    unsequenced, newest = _row(db, "copied_entries")
    checkpoint = db.cursor(binary=True).execute(SQL["newest_checkpoint"]).fetchone()
    return Copied(
        database="postgres",
        migrations=tuple(sorted(str(name) for (name,) in db.execute(APPLIED))),
        messages=_row(db, "count_messages")[0],
        log_size=_row(db, "log_size")[0] or 0,
        checkpoint=None if checkpoint is None else checkpoint[0],
        unsequenced=unsequenced,
        last_at=None if newest is None else rows.moment(newest),
    )


def _in_order(columns: Mapping[str, Sequence[str]], references: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Each table after those that it refers to."""
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(sorted(columns), ()))
    for table, referred in references:
        sorter.add(table, referred)
    return tuple(sorter.static_order())


def _rows(db: Connection, table: str, columns: Sequence[str]) -> Iterator[bytes]:
    """The table's rows in COPY's binary form; a row at a time would cost more in frames than in bytes."""
    held = bytearray()
    with db.cursor().copy(_copy(table, columns, "TO STDOUT")) as copy:
        for row in copy:
            held += row
            if len(held) >= BLOCK_SIZE_BYTES:
                yield bytes(held)
                held.clear()
    yield bytes(held)


def _load(db: Connection, parts: Iterable[Part], here: frozenset[str], told: Told) -> None:
    columns: dict[str, tuple[str, ...]] = {}
    done = 0
    for name, blocks in parts:
        if name == TABLES:
            columns = {table: tuple(names) for table, names in json.loads(b"".join(blocks))}
            if frozenset(columns) != here:
                raise OtherDatabase("the tables of the backup are not those of its migrations")
        elif name == SEQUENCES:
            _set_sequences(db, json.loads(b"".join(blocks)))
        elif name.removeprefix(ROWS) in columns:
            table = name.removeprefix(ROWS)
            with db.cursor().copy(_copy(table, columns[table], "FROM STDIN")) as copy:
                for block in blocks:
                    copy.write(block)
                    done += len(block)
                    told(done, 0)
        else:
            raise OtherDatabase("the backup is of SQLite; it goes into a SQLite file")


def _copy(table: str, columns: Sequence[str], direction: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) {} (FORMAT binary)").format(sql.Identifier(table), names, sql.SQL(direction))


def _sequences(db: Connection) -> dict[str, tuple[int, bool]]:
    found: dict[str, tuple[int, bool]] = {}
    for (name,) in db.execute(SQL["copied_sequences"]).fetchall():
        stands = db.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))).fetchone()
        if stands is not None:
            found[name] = (stands[0], stands[1])
    return found


def _set_sequences(db: Connection, values: Mapping[str, Sequence[Any]]) -> None:
    known = {name for (name,) in db.execute(SQL["copied_sequences"]).fetchall()}
    if not values.keys() <= known:
        raise OtherDatabase("the sequences of the backup are not those of its migrations")
    for name, (value, called) in values.items():
        db.execute("SELECT setval(%s::regclass, %s, %s)", (f'"{name}"', value, called))


def _check_empty(db: Connection) -> None:
    if _row(db, "has_tables")[0] is None:
        return
    mark = db.execute(SQL["fact"], {"name": KEY_DIRECTORY}).fetchone()
    unfinished = mark is not None and mark[0].startswith(UNCLAIMED)
    if not unfinished and _row(db, "has_rows")[0]:
        raise NotEmpty("the database holds a gateway's log already; a backup goes into a new, empty database")


def _row(db: Connection, query: str) -> Any:
    found = db.execute(SQL[query]).fetchone()
    return (None,) if found is None else found


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as db:
        # A table may take longer than the server allows a statement by default.
        db.execute("SET statement_timeout = 0")
        yield db
