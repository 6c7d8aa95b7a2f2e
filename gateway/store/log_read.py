"""What of the promises of `store.log` is read in the same way from either database."""

from datetime import datetime

from gateway.message import MessageId
from gateway.store import rows
from gateway.store.log import StoredEntry
from gateway.store.reads import Reads


class LogRead(Reads):
    """Entries of the log."""

    async def entries(self, start: int, limit: int) -> tuple[StoredEntry, ...]:
        """Ordered entries from index `start` on."""
        return await self._all(rows.stored_entry_of, "entries", start=start, limit=limit)

    async def entries_of(self, message: MessageId) -> tuple[StoredEntry, ...]:
        """Entries about one message, in the order they were written."""
        return await self._all(rows.stored_entry_of, "entries_of", message=message)

    async def emergencies(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[StoredEntry, ...]:
        """Entries of emergency releases, oldest first."""
        period = {"since": rows.micros_or_none(since), "until": rows.micros_or_none(until)}
        return await self._all(rows.stored_entry_of, "emergencies", **period, after=after, limit=limit)

    async def entry_by_leaf(self, leaf_hash: bytes) -> StoredEntry | None:
        """The entry with this leaf hash."""
        return await self._one(rows.stored_entry_of, "entry_by_leaf", leaf_hash=leaf_hash)
