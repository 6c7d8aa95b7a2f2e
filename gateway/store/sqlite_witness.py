"""The promises of `store.witness`, kept by SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.entry import AuditEntry
from gateway.store.sqlite_reading import Reading
from gateway.store.sqlite_statements import SQL, Acts, insert_entries
from gateway.store.witness_kept import WitnessesKept
from gateway.store.witness_rows import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Putting:
    """Rows of one named query, and entries that are written when the query put any."""

    query: str
    values: Sequence[Values]
    entries: Sequence[AuditEntry] = ()


class SqliteWitnesses(WitnessesKept, Reading):
    """Cosigners and heads."""

    async def _put(self, query: str, values: Sequence[Values], entries: Sequence[AuditEntry] = ()) -> bool:
        putting = Putting(query=query, values=values, entries=tuple(entries))
        put: bool = await self._writer.write("witness", putting)
        return put


def _witness(db: sqlite3.Connection, wanted: Sequence[Putting]) -> list[bool]:
    return [_put_one(db, putting) for putting in wanted]


def _put_one(db: sqlite3.Connection, putting: Putting) -> bool:
    put = [row for values in putting.values for row in db.execute(SQL[putting.query], values).fetchall()]
    if put:
        insert_entries(db, putting.entries)
    return bool(put)


ACTS: Final[Acts] = {"witness": _witness}
