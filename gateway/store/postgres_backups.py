"""The promises of `store.backups`, kept by PostgreSQL."""

from gateway.store import rows
from gateway.store.log import StoredEntry
from gateway.store.postgres_reading import Reading


class PostgresBackups(Reading):
    """What the log says of backups."""

    async def newest_backup(self) -> StoredEntry | None:
        """The entry of the newest backup."""
        return await self._one(rows.stored_entry_of, "newest_backup")
