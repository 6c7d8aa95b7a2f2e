"""The promises of `store.disclosures`, kept by SQLite."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.entry import AuditEntry
from gateway.message import Filed
from gateway.store import rows
from gateway.store.agency_text import json_text
from gateway.store.disclosures import Expunging, FiledRow
from gateway.store.sqlite_reading import Reading, snapshot
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """The arguments of `Disclosures.file`."""

    new: Sequence[Filed]
    entries: Sequence[AuditEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping:
    """The arguments of `Disclosures.drop_disclosures`."""

    generation: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """The arguments of `Disclosures.expunge`."""

    expunging: Expunging
    gone: Collection[int]
    moved: Sequence[Filed]
    entries: Sequence[AuditEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The arguments of `Disclosures.expunged`."""

    id: str
    entries: Sequence[AuditEntry]


class SqliteDisclosures(Reading):
    """Rows of the disclosure index."""

    async def file(self, new: Sequence[Filed], entries: Sequence[AuditEntry]) -> None:
        """Write rows and entries."""
        await self._writer.write("file", Filing(new=new, entries=entries))

    async def disclosures(self, tokens: Collection[int]) -> tuple[FiledRow, ...]:
        """Every row with one of these tokens."""
        wanted = frozenset(tokens)
        return await self._read(lambda db: _disclosures(db, wanted)) if wanted else ()

    async def arrange_disclosures(self, limit: int) -> int:
        """Arrange tokens for finding."""
        arranged: int = await self._writer.write("arrange", limit)
        return arranged

    async def oldest_generation(self) -> str | None:
        """The first, by name, that a row speaks of."""
        row = self._now("oldest_generation")
        return None if row is None else row[0]

    async def drop_disclosures(self, generation: str, limit: int) -> int:
        """Delete rows of a generation."""
        dropped: int = await self._writer.write("drop", Dropping(generation=generation, limit=limit))
        return dropped

    async def expunge(
        self, expunging: Expunging, gone: Collection[int], moved: Sequence[Filed], entries: Sequence[AuditEntry]
    ) -> bool:
        """Delete rows and write what is to be destroyed yet."""
        wanted = Forgetting(expunging=expunging, gone=gone, moved=moved, entries=entries)
        done: bool = await self._writer.write("expunge", wanted)
        return done

    async def expungings(self) -> tuple[Expunging, ...]:
        """What is to be destroyed yet."""
        return await self._all(rows.expunging_of, "expungings")

    async def expunged(self, id: str, entries: Sequence[AuditEntry]) -> bool:
        """It is destroyed."""
        done: bool = await self._writer.write("expunged", Ending(id=id, entries=entries))
        return done


def _disclosures(db: sqlite3.Connection, tokens: frozenset[int]) -> tuple[FiledRow, ...]:
    with snapshot(db):
        waiting = [
            number
            for number, own in db.execute(SQL["waiting_disclosures"])
            if not tokens.isdisjoint(rows.tokens_of(own))
        ]
        values = {"tokens": json_text(sorted(tokens)), "waiting": json_text(waiting)}
        return tuple(map(rows.filed_row_of, db.execute(SQL["disclosures"], values)))


def insert_disclosures(db: sqlite3.Connection, new: Sequence[Filed]) -> None:
    """Rows; each waits for its tokens to be arranged by a trigger."""
    insert(db, "insert_disclosures", [rows.filed_row(each) for each in new])


def _file(db: sqlite3.Connection, wanted: Sequence[Filing]) -> list[None]:
    for each in wanted:
        insert_disclosures(db, each.new)
        insert_entries(db, each.entries)
    return [None] * len(wanted)


def _arrange(db: sqlite3.Connection, wanted: Sequence[int]) -> list[int]:
    counts: list[int] = []
    for limit in wanted:
        found = db.execute(SQL["disclosures_to_arrange"], {"limit": limit}).fetchall()
        # In the order of the tree they go into: pages that several of them need are written once.
        pairs = sorted((token, number) for number, own in found for token in rows.tokens_of(own))
        insert(db, "insert_tokens", pairs)
        db.execute(SQL["delete_arranged"], {"numbers": json_text([number for number, _ in found])})
        counts.append(len(found))
    return counts


def _drop(db: sqlite3.Connection, wanted: Sequence[Dropping]) -> list[int]:
    counts: list[int] = []
    for each in wanted:
        values = {"generation": each.generation, "limit": each.limit}
        numbers = [number for (number,) in db.execute(SQL["disclosures_of_generation"], values)]
        counts.append(_delete(db, numbers))
    return counts


def _delete(db: sqlite3.Connection, numbers: Collection[int]) -> int:
    """Delete these rows and their tokens; how many there were."""
    wanted = {"numbers": json_text(sorted(numbers))}
    found = db.execute(SQL["tokens_of_disclosures"], wanted).fetchall()
    pairs = [(token, number) for number, own in found for token in rows.tokens_of(own)]
    db.executemany(SQL["delete_token"], [{"token": token, "number": number} for token, number in sorted(pairs)])
    db.execute(SQL["delete_arranged"], wanted)
    db.execute(SQL["delete_disclosures"], wanted)
    return len(found)


def _expunge(db: sqlite3.Connection, wanted: Sequence[Forgetting]) -> list[bool]:
    return [_expunge_one(db, each) for each in wanted]


def _expunge_one(db: sqlite3.Connection, wanted: Forgetting) -> bool:
    numbers = json_text(sorted(wanted.gone))
    (there,) = db.execute(SQL["count_disclosures"], {"numbers": numbers}).fetchone()
    if there != len(set(wanted.gone)):
        return False
    _delete(db, wanted.gone)
    insert_disclosures(db, wanted.moved)
    insert(db, "insert_expunging", [rows.expunging_row(wanted.expunging)])
    insert_entries(db, wanted.entries)
    return True


def _expunged(db: sqlite3.Connection, wanted: Sequence[Ending]) -> list[bool]:
    results: list[bool] = []
    for each in wanted:
        done = db.execute(SQL["delete_expunging"], {"id": each.id}).rowcount == 1
        if done:
            insert_entries(db, each.entries)
        results.append(done)
    return results


ACTS: Final[Acts] = {
    "file": _file,
    "arrange": _arrange,
    "drop": _drop,
    "expunge": _expunge,
    "expunged": _expunged,
}
