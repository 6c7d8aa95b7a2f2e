"""The named queries of SQLite, and how rows are written.

Few statements whatever the size of a batch: each step of a statement gives up the interpreter lock, and getting it back
from a busy event loop costs more than the step. So rows go many to a statement, and answers come back as one row.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.queries import named_queries, of_rows

SQL: Final = named_queries("sqlite", "sqlite3")


_ROWS_MAX: Final = 64
"""Rows in one statement: 64 messages are 1,088 values, far below the 32,766 that SQLite takes."""


def insert(db: sqlite3.Connection, query: str, values: Sequence[rows.Row]) -> None:
    """Rows of one statement, many at a time."""
    for start in range(0, len(values), _ROWS_MAX):
        some = values[start : start + _ROWS_MAX]
        db.execute(of_rows(SQL[query], len(some)), tuple(chain.from_iterable(some)))


def insert_entries(db: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    """Audit entries; each stands in line for the tree by a trigger."""
    insert(db, "insert_entries", [rows.entry_row(entry) for entry in entries])


Acts = Mapping[str, Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]]
"""Kinds of work, and what does all works of a kind that one transaction holds: the result of each, in their order."""
