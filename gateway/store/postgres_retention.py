"""The promises of `store.retention`, kept by PostgreSQL."""

import asyncio
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.entry import AuditEntry
from gateway.message import DeliveryId, MessageId
from gateway.retention.hold import Hold
from gateway.retention.kept import Kept
from gateway.retention.seen import Seen
from gateway.store import retention_rows, rows
from gateway.store.postgres_pool import Connected
from gateway.store.postgres_reading import Reading
from gateway.store.postgres_statements import SQL, Space, insert, insert_entries, scalar
from gateway.store.retention import Attestation, Fate, Finish, Holding, Intent, Run


class PostgresRetention(Reading):
    """What is kept, and how it ends."""

    async def due(self, until: datetime, after: tuple[str, str] | None, limit: int) -> tuple[Kept, ...]:
        """What is due and stands in no run."""
        bucket, id = after or ("", "")
        values = {"until": rows.micros(until), "bucket": bucket, "after": id, "limit": limit}
        return await self._all(retention_rows.kept_of, "kept_due", **values)

    async def kept_of(self, messages: Collection[MessageId]) -> tuple[Fate, ...]:
        """All that is or was kept of these messages."""
        return await self._all(retention_rows.fate_of, "kept_of", messages=sorted(messages))

    async def kept_under(self, mou: str, after: str, limit: int) -> tuple[Kept, ...]:
        """What is kept under one version of an agreement."""
        return await self._all(retention_rows.kept_of, "kept_under", mou=mou, after=after, limit=limit)

    async def holding(self, now: datetime) -> Holding:
        """How much there is."""
        ((kept, due, oldest),) = await self._rows("holding", now=rows.micros(now))
        return Holding(kept=kept, due=due, oldest_due=rows.moment_or_none(oldest))

    async def remaining(self, bucket: str) -> tuple[str, ...]:
        """Ids of what is kept in a bucket."""
        return await self._all(lambda row: str(row[0]), "remaining", bucket=bucket)

    async def move_due(self, moved: Sequence[Kept], entries: Sequence[AuditEntry]) -> None:
        """Move due dates forward."""
        async with self._writing("retain") as db:
            values = [{"id": each.id, "due_at": rows.micros(each.due_at)} for each in moved]
            await db.cursor().executemany(SQL["move_due"], values)
            await insert_entries(db, entries)

    async def intend(self, intent: Intent) -> bool:
        """Write a run and mark what it is to destroy."""
        async with self._writing("intend") as db:
            return await _intend(db, intent)

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
        async with self._writing("retain") as db:
            await db.execute(SQL["spare_items"], {"run": run, "ids": list(items)})
            await insert_entries(db, entries)

    async def destroy(self, run: str, items: Sequence[str], at: datetime) -> None:
        """Remove these payloads."""
        async with self._writing("destroy") as db:
            for query in _EMPTYING:
                await db.execute(SQL[query], {"run": run, "ids": list(items), "at": rows.micros(at)})

    async def finish(self, finish: Finish) -> None:
        """Store the certificate of a run."""
        async with self._writing("finish") as db:
            values = {"run": finish.run, "at": rows.micros(finish.at), "certificate": finish.certificate}
            if await scalar(db, "finish_purge", **values) is not None:
                asked = [retention_rows.attestation_row(each) for each in finish.attestations]
                await insert(db, "insert_attestation", asked)
                await insert_entries(db, finish.entries)

    async def run(self, id: str) -> Run | None:
        """One run."""
        return await self._one(retention_rows.run_of, "purge", id=id)

    async def runs(self, since: datetime | None, until: datetime | None, after: str, limit: int) -> tuple[Run, ...]:
        """Runs of a period."""
        period = {"since": rows.micros_or_none(since), "until": rows.micros_or_none(until)}
        return await self._all(retention_rows.run_of, "purges", **period, after=after, limit=limit)

    async def place_hold(self, hold: Hold, entries: Sequence[AuditEntry]) -> None:
        """A new hold, or the new state of one."""
        async with self._writing("hold") as db:
            await db.execute(SQL["lock_space"], {"space": int(Space.RETENTION)})
            await insert(db, "put_hold", [retention_rows.hold_row(hold)])
            await insert_entries(db, entries)

    async def holds(self) -> tuple[Hold, ...]:
        """Every hold there is or was."""
        return await self._all(retention_rows.hold_of, "all_holds")

    async def hold_acts(self) -> int:
        """How often a hold was placed or lifted."""
        return int(await self._value("count_hold_acts"))

    async def attestations(self, *, open_only: bool) -> tuple[Attestation, ...]:
        """What past recipients were asked."""
        return await self._all(retention_rows.attestation_of, "all_attestations", open_only=int(open_only))

    async def attest(self, attested: Attestation, entries: Sequence[AuditEntry]) -> bool:
        """Record an attestation."""
        async with self._writing("attest") as db:
            values = {
                "notice": attested.notice,
                "attested_at": rows.micros_or_none(attested.attested_at),
                "attested_by": attested.attested_by,
                "document": attested.document or None,
            }
            done = await scalar(db, "attest", **values) is not None
            if done:
                await insert_entries(db, entries)
        return done

    async def seen(self) -> Seen | None:
        """The clock as it was last seen."""
        found = await self._rows("seen")
        return Seen(at=rows.moment(found[0][0]), jumped_from=rows.moment_or_none(found[0][1])) if found else None

    async def see(self, seen: Seen) -> None:
        """Remember it."""
        async with self._writing("retain") as db:
            values = {"at": rows.micros(seen.at), "jumped_from": rows.micros_or_none(seen.jumped_from)}
            await db.execute(SQL["see"], values)

    async def content_left(self, run: str) -> int:
        """How many rows still hold content."""
        return int(await self._value("content_left", run=run))

    async def raw_files(self) -> tuple[Path, ...]:
        """The server's files, when it runs on this machine and for an account that may read them."""
        found = await self._value("data_directory")
        return await asyncio.to_thread(_readable, Path(found)) if found else ()


def _readable(directory: Path) -> tuple[Path, ...]:
    """Files in it that this account may read: tables, the write-ahead log, temporary files."""
    found = sorted(path for path in directory.rglob("*") if path.is_file()) if os.access(directory, os.R_OK) else []
    return tuple(path for path in found if os.access(path, os.R_OK))


_EMPTYING: Final = (
    "empty_messages",
    "empty_disseminations",
    "empty_refused",
    "empty_because",
    "drop_replies",
    "mark_destroyed",
)


async def _intend(db: Connected, intent: Intent) -> bool:
    """Locks in the order of everybody: the configuration first. Holds are placed and lifted under the second lock."""
    if intent.run.whole:
        await db.execute(SQL["own_configuration"], {"space": int(Space.CONFIGURATION)})
    await db.execute(SQL["lock_space"], {"space": int(Space.RETENTION)})
    items = list(intent.items)
    acts = await scalar(db, "count_hold_acts")
    free = await scalar(db, "free_items", ids=items)
    others = await scalar(db, "others_in", buckets=list(intent.run.whole), ids=items)
    if acts != intent.hold_acts or free != len(items) or others:
        return False
    await insert(db, "insert_purge", [retention_rows.run_row(intent.run)])
    await db.execute(SQL["mark_items"], {"run": intent.run.id, "ids": items})
    if intent.run.whole:
        await scalar(db, "next_version")
    await insert_entries(db, intent.entries)
    return True
