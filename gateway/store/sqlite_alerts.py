"""The promises of `store.alerts`, kept by SQLite."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.alert.alert import Notice, Standing
from gateway.audit.entry import AuditEntry
from gateway.store import rows
from gateway.store.alert_rows import notice_row, standing_row
from gateway.store.alerts import Watched
from gateway.store.alerts_read import AlertsRead
from gateway.store.sqlite_reading import Reading
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries

PROBE_SIZE_BYTES: Final = 16_384
"""Four pages: some audit entries and what their indexes grow by. Where the file may not grow any more, and the pages
that are free in it are fewer, messages fail too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silence:
    standing: Standing
    entries: tuple[AuditEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settling:
    sent: tuple[str, ...]
    later: tuple[Notice, ...]


class SqliteAlerts(AlertsRead, Reading):
    """What the operator must see to."""

    async def take_watch(self, holder: str, *, now: datetime, until: datetime) -> bool:
        """Watch until then, or go on watching."""
        values = {"holder": holder, "now": rows.micros(now), "until": rows.micros(until)}
        taken: bool = await self._writer.write("take_watch", values)
        return taken

    async def keep_alerts(self, watched: Watched) -> bool:
        """Write what one look found."""
        kept: bool = await self._writer.write("keep_alerts", watched)
        return kept

    async def silence(self, standing: Standing, entries: Sequence[AuditEntry]) -> None:
        """Write until when an alert is silenced."""
        await self._writer.write("silence", _Silence(standing=standing, entries=tuple(entries)))

    async def settle_notices(self, sent: Collection[str], later: Sequence[Notice]) -> None:
        """Forget what was sent, and keep the others as they stand now."""
        await self._writer.write("settle_notices", _Settling(sent=tuple(sent), later=tuple(later)))

    async def waiting_since(self) -> datetime | None:
        """When the oldest entry was made that has no place in the tree yet."""
        row = self._now("waiting_since")
        return None if row is None else rows.moment(row[0])

    async def log_span(self) -> tuple[datetime, datetime] | None:
        """When the first and the newest entry were made."""
        first, last = self._now("log_span")
        return None if first is None else (rows.moment(first), rows.moment(last))


def _take_watch(db: sqlite3.Connection, wanted: Sequence[dict[str, object]]) -> list[bool]:
    db.execute(SQL["probe"], {"filler": bytes(PROBE_SIZE_BYTES)})
    db.execute(SQL["end_probe"])
    return [db.execute(SQL["take_watch"], values).rowcount == 1 for values in wanted]


def _keep_alerts(db: sqlite3.Connection, wanted: Sequence[Watched]) -> list[bool]:
    return [_keep_one(db, watched) for watched in wanted]


def _keep_one(db: sqlite3.Connection, watched: Watched) -> bool:
    if db.execute(SQL["watches"], {"holder": watched.holder}).fetchone() is None:
        return False
    insert(db, "put_alert", [standing_row(each) for each in watched.standing])
    insert(db, "put_notice", [notice_row(each) for each in watched.notices])
    insert_entries(db, watched.entries)
    return True


def _silence(db: sqlite3.Connection, wanted: Sequence[_Silence]) -> list[None]:
    for each in wanted:
        insert(db, "put_silence", [standing_row(each.standing)])
        insert_entries(db, each.entries)
    return [None] * len(wanted)


def _settle(db: sqlite3.Connection, wanted: Sequence[_Settling]) -> list[None]:
    for each in wanted:
        for id in each.sent:
            db.execute(SQL["delete_notice"], {"id": id})
        insert(db, "put_notice", [notice_row(notice) for notice in each.later])
    return [None] * len(wanted)


ACTS: Final[Acts] = {
    "take_watch": _take_watch,
    "keep_alerts": _keep_alerts,
    "silence": _silence,
    "settle_notices": _settle,
}
