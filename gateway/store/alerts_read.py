"""What of the promises of `store.alerts` is read in the same way from either database."""

from datetime import datetime

from gateway.alert.alert import Notice, Standing
from gateway.message import uuid7_floor
from gateway.store import rows
from gateway.store.alert_rows import notice_of, standing_of
from gateway.store.log import StoredEntry
from gateway.store.reads import Reads


class AlertsRead(Reads):
    """What the operator must see to."""

    async def alerts(self) -> tuple[Standing, ...]:
        """Everything that was ever found."""
        return await self._all(standing_of, "all_alerts")

    async def notices(self, limit: int) -> tuple[Notice, ...]:
        """What is still to be sent."""
        return await self._all(notice_of, "all_notices", limit=limit)

    async def reviews(self, before: str | None, limit: int) -> tuple[StoredEntry, ...]:
        """Reviews of the log, newest first."""
        return await self._all(rows.stored_entry_of, "reviews", before=before or "~", limit=limit)

    async def types_between(self, since: datetime, until: datetime) -> tuple[tuple[str, int], ...]:
        """How many entries of each type."""
        values = {"since": uuid7_floor(since), "until": uuid7_floor(until)}
        return await self._all(lambda row: (row[0], row[1]), "types_between", **values)
