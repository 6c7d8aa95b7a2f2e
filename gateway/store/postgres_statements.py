"""The named queries of PostgreSQL, its locks, and how rows are written, in few round trips.

READ COMMITTED throughout: each statement sees what was committed before it began, so a statement that follows a lock
sees all that was done under that lock before. Locks are taken in one order by everybody - configuration, chains, sender
ids, signatures, deliveries, inboxes, each ascending - so that nobody waits in a circle.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.agency_text import json_text
from gateway.store.postgres_pool import Connected
from gateway.store.queries import named_queries

SQL: Final = named_queries("postgres", "psycopg")


class Space(IntEnum):
    """The first half of our advisory locks' keys; the second is 0, or a hash of what is locked."""

    CONFIGURATION = 0x6A67_0001
    CHAIN = 0x6A67_0002
    INBOX = 0x6A67_0003
    CLAIM = 0x6A67_0004
    SEQUENCE = 0x6A67_0005
    RETENTION = 0x6A67_0006
    REPLY = 0x6A67_0007


def _key(text: str) -> int:
    """A 32-bit number of a text. Two texts with the same one only wait for each other."""
    return zlib.crc32(text.encode()) - (1 << 31)


@lru_cache
def _by_position(query: str) -> str:
    """A query with its named values by position, for rows."""
    return re.sub(r"%\(\w+\)s", "%s", query)


async def insert(db: Connected, query: str, values: Sequence[rows.Row]) -> None:
    """One row, or a few that are rarely written."""
    if values:
        await db.cursor().executemany(_by_position(SQL[query]), values)


async def insert_batch(db: Connected, query: str, values: Sequence[rows.Row]) -> None:
    """All rows with one statement of two values: their JSON, and their bytes one after the other."""
    if not values:
        return
    run: list[bytes] = []
    length = 0
    packed: list[list[object]] = []
    for row in values:
        columns: list[object] = []
        for column in row:
            if isinstance(column, bytes):
                run.append(column)
                columns.append((length + 1, len(column)))
                length += len(column)
            else:
                columns.append(column)
        packed.append(columns)
    await db.execute(SQL[query], {"rows": json_text(packed), "bytes": b"".join(run)})


async def lock_keys(db: Connected, space: Space, texts: Iterable[str]) -> None:
    """Hold the locks of these texts until the transaction ends."""
    keys = sorted({_key(text) for text in texts})
    if keys:
        await db.execute(SQL["lock_keys"], {"space": int(space), "keys": keys})


async def insert_entries(db: Connected, entries: Sequence[AuditEntry]) -> None:
    """Write audit entries."""
    await insert_batch(db, "insert_entries", [rows.entry_row(entry) for entry in entries])


async def scalar(db: Connected, query: str, **values: object) -> Any:
    """The first column of the first row."""
    row = await (await db.execute(SQL[query], values)).fetchone()
    return None if row is None else row[0]


async def fetch(db: Connected, query: str) -> list[rows.Row]:
    """All rows of a query, in binary form."""
    cursor = db.cursor(binary=True)
    await cursor.execute(SQL[query])
    return await cursor.fetchall()
