"""Backups in the store: when the newest one was made."""

from typing import Protocol

from gateway.store.log import StoredEntry


class Backups(Protocol):
    """What the log says of backups."""

    async def newest_backup(self) -> StoredEntry | None:
        """The entry of the newest backup; None when none was ever made."""
