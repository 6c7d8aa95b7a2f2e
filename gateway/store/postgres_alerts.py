"""The promises of `store.alerts`, kept by PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from gateway.alert.alert import Notice, Standing
from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.alert_rows import notice_row, standing_row
from gateway.store.alerts import Watched
from gateway.store.alerts_read import AlertsRead
from gateway.store.postgres_reading import Reading
from gateway.store.postgres_statements import SQL, insert, insert_entries, scalar

PROBE_SIZE_BYTES = 1024


class PostgresAlerts(AlertsRead, Reading):
    """What the operator must see to."""

    async def take_watch(self, holder: str, *, now: datetime, until: datetime) -> bool:
        """Watch until then, or go on watching."""
        values = {"holder": holder, "now": rows.micros(now), "until": rows.micros(until)}
        async with self._writing("take_watch") as db:
            await db.execute(SQL["probe"], {"filler": bytes(PROBE_SIZE_BYTES)})
            await db.execute(SQL["end_probe"])
            return await scalar(db, "take_watch", **values) is not None

    async def keep_alerts(self, watched: Watched) -> bool:
        """Write what one look found. The row of the watch is locked: nobody takes over meanwhile."""
        async with self._writing("keep_alerts") as db:
            if await scalar(db, "watches", holder=watched.holder) is None:
                return False
            await insert(db, "put_alert", [standing_row(each) for each in watched.standing])
            await insert(db, "put_notice", [notice_row(each) for each in watched.notices])
            await insert_entries(db, watched.entries)
        return True

    async def silence(self, standing: Standing, entries: Sequence[AuditEntry]) -> None:
        """Write until when an alert is silenced."""
        async with self._writing("silence") as db:
            await insert(db, "put_silence", [standing_row(standing)])
            await insert_entries(db, entries)

    async def settle_notices(self, sent: Collection[str], later: Sequence[Notice]) -> None:
        """Forget what was sent, and keep the others as they stand now."""
        async with self._writing("settle_notices") as db:
            await insert(db, "delete_notice", [(id,) for id in sent])
            await insert(db, "put_notice", [notice_row(notice) for notice in later])

    async def waiting_since(self) -> datetime | None:
        """When the oldest entry was made that has no place in the tree yet."""
        return rows.moment_or_none(await self._value("waiting_since"))

    async def log_span(self) -> tuple[datetime, datetime] | None:
        """When the first and the newest entry were made."""
        ((first, last),) = await self._rows("log_span")
        return None if first is None else (rows.moment(first), rows.moment(last))
