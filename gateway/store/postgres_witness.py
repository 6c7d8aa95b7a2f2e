"""The promises of `store.witness`, kept by PostgreSQL."""

from collections.abc import Sequence

from gateway.audit.entry import AuditEntry
from gateway.store.postgres_reading import Reading
from gateway.store.postgres_statements import SQL, insert_entries
from gateway.store.witness_kept import WitnessesKept
from gateway.store.witness_rows import Values


class PostgresWitnesses(WitnessesKept, Reading):
    """Cosigners and heads."""

    async def _put(self, query: str, values: Sequence[Values], entries: Sequence[AuditEntry] = ()) -> bool:
        async with self._writing("witness") as db:
            put = [row for each in values for row in await (await db.execute(SQL[query], each)).fetchall()]
            if put:
                await insert_entries(db, entries)
        return bool(put)
