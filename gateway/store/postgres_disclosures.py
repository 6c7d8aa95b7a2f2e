"""The promises of `store.disclosures`, kept by PostgreSQL."""

from collections.abc import Collection, Sequence

from gateway.audit.entry import AuditEntry
from gateway.message import Filed
from gateway.store import rows
from gateway.store.disclosures import Expunging, FiledRow
from gateway.store.postgres_pool import Connected
from gateway.store.postgres_reading import Reading
from gateway.store.postgres_statements import SQL, insert, insert_batch, insert_entries


class PostgresDisclosures(Reading):
    """Rows of the disclosure index."""

    async def file(self, new: Sequence[Filed], entries: Sequence[AuditEntry]) -> None:
        """Write rows and entries."""
        async with self._writing("file") as db:
            await insert_disclosures(db, new)
            await insert_entries(db, entries)

    async def disclosures(self, tokens: Collection[int]) -> tuple[FiledRow, ...]:
        """Every row with one of these tokens."""
        wanted = frozenset(tokens)
        if not wanted:
            return ()
        async with self._snapshot() as db:
            waiting = [
                number
                for number, own in await (await db.execute(SQL["waiting_disclosures"])).fetchall()
                if not wanted.isdisjoint(rows.tokens_of(own))
            ]
            values = {"tokens": sorted(wanted), "waiting": waiting}
            found = await (await db.execute(SQL["disclosures"], values)).fetchall()
            return tuple(map(rows.filed_row_of, found))

    async def arrange_disclosures(self, limit: int) -> int:
        """Arrange tokens for finding."""
        async with self._writing("arrange") as db:
            # Rows that another process arranges are skipped, not waited for.
            found = await (await db.execute(SQL["disclosures_to_arrange"], {"limit": limit})).fetchall()
            pairs = sorted((token, number) for number, own in found for token in rows.tokens_of(own))
            await db.execute(
                SQL["insert_tokens"],
                {"tokens": [token for token, _ in pairs], "numbers": [number for _, number in pairs]},
            )
            await db.execute(SQL["delete_arranged"], {"numbers": [number for number, _ in found]})
            return len(found)

    async def oldest_generation(self) -> str | None:
        """The first, by name, that a row speaks of."""
        found: str | None = await self._value("oldest_generation")
        return found

    async def drop_disclosures(self, generation: str, limit: int) -> int:
        """Delete rows of a generation."""
        async with self._writing("drop") as db:
            values = {"generation": generation, "limit": limit}
            found = await (await db.execute(SQL["disclosures_of_generation"], values)).fetchall()
            await _delete(db, [number for (number,) in found])
            return len(found)

    async def expunge(
        self, expunging: Expunging, gone: Collection[int], moved: Sequence[Filed], entries: Sequence[AuditEntry]
    ) -> bool:
        """Delete rows and write what is to be destroyed yet."""
        numbers = sorted(set(gone))
        async with self._writing("expunge") as db:
            there = await (await db.execute(SQL["hold_disclosures"], {"numbers": numbers})).fetchall()
            if len(there) != len(numbers):
                return False
            await _delete(db, numbers)
            await insert_disclosures(db, moved)
            await insert(db, "insert_expunging", [rows.expunging_row(expunging)])
            await insert_entries(db, entries)
        return True

    async def expungings(self) -> tuple[Expunging, ...]:
        """What is to be destroyed yet."""
        return await self._all(rows.expunging_of, "expungings")

    async def expunged(self, id: str, entries: Sequence[AuditEntry]) -> bool:
        """It is destroyed."""
        async with self._writing("expunged") as db:
            found = await (await db.execute(SQL["delete_expunging"], {"id": id})).fetchall()
            if found:
                await insert_entries(db, entries)
            return bool(found)


async def insert_disclosures(db: Connected, new: Sequence[Filed]) -> None:
    """Rows; they wait for their tokens to be arranged by a trigger."""
    await insert_batch(db, "insert_disclosures", [rows.filed_row(each) for each in new])


async def _delete(db: Connected, numbers: Sequence[int]) -> None:
    """Delete these rows and their tokens. First those that wait: whoever arranges them just now has then done so."""
    await db.execute(SQL["delete_arranged"], {"numbers": numbers})
    found = await (await db.execute(SQL["tokens_of_disclosures"], {"numbers": numbers})).fetchall()
    pairs = sorted((token, number) for number, own in found for token in rows.tokens_of(own))
    await db.execute(
        SQL["delete_tokens"], {"tokens": [token for token, _ in pairs], "numbers": [number for _, number in pairs]}
    )
    await db.execute(SQL["delete_disclosures"], {"numbers": numbers})
