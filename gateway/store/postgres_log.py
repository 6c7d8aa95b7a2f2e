"""The promises of `store.log`, kept by PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence

from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.gather import Gather
from gateway.store.log import NewLeaves, StoredEntry, TreeHead
from gateway.store.log_read import LogRead
from gateway.store.postgres_reading import BATCH_MAX, NoConnection, Reading
from gateway.store.postgres_sequencer import Sequencer
from gateway.store.postgres_statements import insert_entries


class PostgresLog(LogRead, Reading):
    """The audit log."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._sequencer = Sequencer(url)
        self._recording = Gather(self._record_group, most=BATCH_MAX, in_vain=NoConnection)

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._recording.finish()
        await asyncio.to_thread(self._sequencer.close)
        await super().close()

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that go with no other write."""
        await self._recording(tuple(entries))

    async def _record_group(self, group: Sequence[Sequence[AuditEntry]]) -> Sequence[Exception | None]:
        return await self._together(self._record_together, group)

    async def _record_together(self, group: Sequence[Sequence[AuditEntry]]) -> Sequence[None]:
        async with self._writing("record") as db:
            await insert_entries(db, [entry for entries in group for entry in entries])
        return [None] * len(group)

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        """Order up to `limit` unordered entries into the log."""
        return await asyncio.to_thread(self._sequencer.sequence, limit, build)

    async def entry(self, id: str) -> StoredEntry | None:
        """One audit entry by its id."""
        return await self._one(rows.stored_entry_of, "entry", id=id)

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Hashes of complete subtrees of 256**level leaves."""
        query = "subtree_hashes" if level else "leaf_hashes"
        values = {"level": level, "start": start, "count": count}
        return tuple(row[0] for row in await self._rows(query, **values))

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        """The newest signed checkpoint, or the one of exactly this size."""
        if size is None:
            newest: bytes | None = await self._value("newest_checkpoint")
            return newest
        found: bytes | None = await self._value("checkpoint_of_size", size=size)
        return found
