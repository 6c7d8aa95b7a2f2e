"""The promises of `store.retention`, kept by SQLite."""

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gateway.audit.entry import AuditEntry
from gateway.message import DeliveryId, MessageId
from gateway.retention.hold import Hold
from gateway.retention.kept import Kept
from gateway.retention.seen import Seen
from gateway.store import retention_rows, rows
from gateway.store.agency_text import json_text
from gateway.store.retention import Attestation, Fate, Finish, Holding, Intent, Run
from gateway.store.sqlite_reading import Reading, wrapped
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """One statement, for each of these values, and entries that go with it."""

    query: str
    values: Sequence[dict[str, Any]]
    entries: Sequence[AuditEntry] = ()


class SqliteRetention(Reading):
    """What is kept, and how it ends."""

    async def due(self, until: datetime, after: tuple[str, str] | None, limit: int) -> tuple[Kept, ...]:
        """What is due and stands in no run."""
        bucket, id = after or ("", "")
        values = {"until": rows.micros(until), "bucket": bucket, "after": id, "limit": limit}
        return await self._all(retention_rows.kept_of, "kept_due", **values)

    async def kept_of(self, messages: Collection[MessageId]) -> tuple[Fate, ...]:
        """All that is or was kept of these messages."""
        return await self._all(retention_rows.fate_of, "kept_of", messages=json_text(sorted(messages)))

    async def kept_under(self, mou: str, after: str, limit: int) -> tuple[Kept, ...]:
        """What is kept under one version of an agreement."""
        return await self._all(retention_rows.kept_of, "kept_under", mou=mou, after=after, limit=limit)

    async def holding(self, now: datetime) -> Holding:
        """How much there is."""
        ((kept, due, oldest),) = await self._all(tuple, "holding", now=rows.micros(now))
        return Holding(kept=kept, due=due, oldest_due=rows.moment_or_none(oldest))

    async def remaining(self, bucket: str) -> tuple[str, ...]:
        """Ids of what is kept in a bucket."""
        return await self._all(lambda row: str(row[0]), "remaining", bucket=bucket)

    async def move_due(self, moved: Sequence[Kept], entries: Sequence[AuditEntry]) -> None:
        """Move due dates forward."""
        values = [{"id": each.id, "due_at": rows.micros(each.due_at)} for each in moved]
        await self._writer.write("retain", Changing(query="move_due", values=values, entries=entries))

    async def intend(self, intent: Intent) -> bool:
        """Write a run and mark what it is to destroy."""
        intended: bool = await self._writer.write("intend", intent)
        return intended

    async def unfinished(self) -> tuple[Run, ...]:
        """Runs without a certificate."""
        return await self._all(retention_rows.run_of, "unfinished_purges")

    async def items(self, run: str, after: str, limit: int) -> tuple[Fate, ...]:
        """What a run is to destroy or has destroyed."""
        return await self._all(retention_rows.fate_of, "items_of_run", run=run, after=after, limit=limit)

    async def waiting_in(self, run: str) -> tuple[DeliveryId, ...]:
        """Deliveries that are still waiting."""
        return await self._all(lambda row: DeliveryId(row[0]), "waiting_in_run", run=run)

    async def spare(self, run: str, items: Sequence[str], entries: Sequence[AuditEntry]) -> None:
        """Take these out of a run."""
        values = [{"run": run, "ids": json_text(items)}]
        await self._writer.write("retain", Changing(query="spare_items", values=values, entries=entries))

    async def destroy(self, run: str, items: Sequence[str], at: datetime) -> None:
        """Remove these payloads."""
        await self._writer.write("destroy", {"run": run, "ids": json_text(items), "at": rows.micros(at)})

    async def finish(self, finish: Finish) -> None:
        """Store the certificate of a run."""
        await self._writer.write("finish", finish)

    async def run(self, id: str) -> Run | None:
        """One run."""
        return await self._one(retention_rows.run_of, "purge", id=id)

    async def runs(self, since: datetime | None, until: datetime | None, after: str, limit: int) -> tuple[Run, ...]:
        """Runs of a period."""
        period = {"since": rows.micros_or_none(since), "until": rows.micros_or_none(until)}
        return await self._all(retention_rows.run_of, "purges", **period, after=after, limit=limit)

    async def place_hold(self, hold: Hold, entries: Sequence[AuditEntry]) -> None:
        """A new hold, or the new state of one."""
        await self._writer.write("hold", (hold, entries))

    async def holds(self) -> tuple[Hold, ...]:
        """Every hold there is or was."""
        return await self._all(retention_rows.hold_of, "all_holds")

    async def hold_acts(self) -> int:
        """How often a hold was placed or lifted."""
        acts: int = self._now("count_hold_acts")[0]
        return acts

    async def attestations(self, *, open_only: bool) -> tuple[Attestation, ...]:
        """What past recipients were asked."""
        return await self._all(retention_rows.attestation_of, "all_attestations", open_only=int(open_only))

    async def attest(self, attested: Attestation, entries: Sequence[AuditEntry]) -> bool:
        """Record an attestation."""
        done: bool = await self._writer.write("attest", (attested, entries))
        return done

    async def seen(self) -> Seen | None:
        """The clock as it was last seen."""
        row = self._now("seen")
        return None if row is None else Seen(at=rows.moment(row[0]), jumped_from=rows.moment_or_none(row[1]))

    async def see(self, seen: Seen) -> None:
        """Remember it."""
        values = [{"at": rows.micros(seen.at), "jumped_from": rows.micros_or_none(seen.jumped_from)}]
        await self._writer.write("retain", Changing(query="see", values=values))

    async def content_left(self, run: str) -> int:
        """How many rows still hold content."""
        ((count,),) = await self._all(tuple, "content_left", run=run)
        return int(count)

    async def raw_files(self) -> tuple[Path, ...]:
        """The file, and what lies beside it."""
        await self._read(lambda _: _bring_home(self._path))
        return tuple(path for path in sorted(self._path.parent.glob(f"{self._path.name}*")) if path.is_file())


def _bring_home(path: Path) -> None:
    """Write the log's pages into the file and empty it, as far as readers let it."""
    with wrapped(), closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _retain(db: sqlite3.Connection, wanted: Sequence[Changing]) -> list[None]:
    for changing in wanted:
        for values in changing.values:
            db.execute(SQL[changing.query], values)
        insert_entries(db, changing.entries)
    return [None] * len(wanted)


def _intend(db: sqlite3.Connection, wanted: Sequence[Intent]) -> list[bool]:
    return [_intend_one(db, intent) for intent in wanted]


def _intend_one(db: sqlite3.Connection, intent: Intent) -> bool:
    ids = {"ids": json_text(intent.items)}
    whole = {"buckets": json_text(intent.run.whole)}
    (acts,) = db.execute(SQL["count_hold_acts"]).fetchone()
    (free,) = db.execute(SQL["free_items"], ids).fetchone()
    (others,) = db.execute(SQL["others_in"], ids | whole).fetchone()
    if acts != intent.hold_acts or free != len(intent.items) or others:
        return False
    insert(db, "insert_purge", [retention_rows.run_row(intent.run)])
    db.execute(SQL["mark_items"], ids | {"run": intent.run.id})
    if intent.run.whole:
        db.execute(SQL["next_version"])
    insert_entries(db, intent.entries)
    return True


_EMPTYING: Final = (
    "empty_messages",
    "empty_disseminations",
    "empty_refused",
    "empty_because",
    "drop_replies",
    "mark_destroyed",
)


def _destroy(db: sqlite3.Connection, wanted: Sequence[dict[str, Any]]) -> list[None]:
    for values in wanted:
        for query in _EMPTYING:
            db.execute(SQL[query], values)
    return [None] * len(wanted)


def _finish(db: sqlite3.Connection, wanted: Sequence[Finish]) -> list[None]:
    for finish in wanted:
        values = {"run": finish.run, "at": rows.micros(finish.at), "certificate": finish.certificate}
        if db.execute(SQL["finish_purge"], values).rowcount:
            insert(db, "insert_attestation", [retention_rows.attestation_row(each) for each in finish.attestations])
            insert_entries(db, finish.entries)
    return [None] * len(wanted)


def _hold(db: sqlite3.Connection, wanted: Sequence[tuple[Hold, Sequence[AuditEntry]]]) -> list[None]:
    for hold, entries in wanted:
        insert(db, "put_hold", [retention_rows.hold_row(hold)])
        insert_entries(db, entries)
    return [None] * len(wanted)


def _attest(db: sqlite3.Connection, wanted: Sequence[tuple[Attestation, Sequence[AuditEntry]]]) -> list[bool]:
    done: list[bool] = []
    for attested, entries in wanted:
        values = {
            "notice": attested.notice,
            "attested_at": rows.micros_or_none(attested.attested_at),
            "attested_by": attested.attested_by,
            "document": attested.document or None,
        }
        done.append(bool(db.execute(SQL["attest"], values).rowcount))
        if done[-1]:
            insert_entries(db, entries)
    return done


ACTS: Final[Acts] = {
    "retain": _retain,
    "intend": _intend,
    "destroy": _destroy,
    "finish": _finish,
    "hold": _hold,
    "attest": _attest,
}
