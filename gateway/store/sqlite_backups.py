"""The promises of `store.backups`, kept by SQLite."""

from gateway.store import rows
from gateway.store.log import StoredEntry
from gateway.store.sqlite_reading import Reading


class SqliteBackups(Reading):
    """What the log says of backups."""

    async def newest_backup(self) -> StoredEntry | None:
        """The entry of the newest backup."""
        return await self._one(rows.stored_entry_of, "newest_backup")
