"""SQLite: one file, one machine, any number of processes.

WAL with synchronous FULL: a commit is on disk before anybody is answered, and readers never wait for writers. Each
process writes on one thread (`sqlite_writer.py`). The point reads that each message needs run where they are asked, on
the event loop: 20 microseconds, less than handing them to a thread. Whatever reads payloads or lists runs on reader
threads.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.delivery.delivery import State
from gateway.store import (
    rows,
    sqlite_alerts,
    sqlite_configuration,
    sqlite_deliveries,
    sqlite_disclosures,
    sqlite_log,
    sqlite_messages,
    sqlite_replies,
    sqlite_retention,
    sqlite_witness,
)
from gateway.store.answers_read import AnswersRead
from gateway.store.interface import Counts
from gateway.store.sqlite_alerts import SqliteAlerts
from gateway.store.sqlite_backups import SqliteBackups
from gateway.store.sqlite_configuration import SqliteConfigurations
from gateway.store.sqlite_deliveries import SqliteDeliveries
from gateway.store.sqlite_disclosures import SqliteDisclosures
from gateway.store.sqlite_log import SqliteLog
from gateway.store.sqlite_messages import SqliteMessages
from gateway.store.sqlite_reading import snapshot
from gateway.store.sqlite_replies import SqliteReplies
from gateway.store.sqlite_retention import SqliteRetention
from gateway.store.sqlite_statements import SQL, Acts
from gateway.store.sqlite_witness import SqliteWitnesses
from gateway.store.sqlite_writer import Work

_ACTS: Final[Acts] = {
    **sqlite_messages.ACTS,
    **sqlite_configuration.ACTS,
    **sqlite_deliveries.ACTS,
    **sqlite_replies.ACTS,
    **sqlite_log.ACTS,
    **sqlite_disclosures.ACTS,
    **sqlite_retention.ACTS,
    **sqlite_witness.ACTS,
    **sqlite_alerts.ACTS,
}


def _transact(db: sqlite3.Connection, works: Sequence[Work]) -> list[Any]:
    """Do all works; the result of each, in their order. Works of one batch are concurrent: their order is ours."""
    results: list[Any] = [None] * len(works)
    places: dict[str, list[int]] = {}
    for place, work in enumerate(works):
        places.setdefault(work.kind, []).append(place)
    for kind, own in places.items():
        answers = _ACTS[kind](db, [works[place].what for place in own])
        for place, answer in zip(own, answers, strict=True):
            results[place] = answer
    return results


class SqliteStore(
    SqliteConfigurations,
    SqliteMessages,
    SqliteDeliveries,
    SqliteReplies,
    SqliteLog,
    AnswersRead,
    SqliteDisclosures,
    SqliteRetention,
    SqliteWitnesses,
    SqliteAlerts,
    SqliteBackups,
):
    """The promises of `interface.Store`, kept by SQLite."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _transact)

    async def counts(self) -> Counts:
        """For metrics and the doctor."""
        return await self._read(_counts)


def _counts(db: sqlite3.Connection) -> Counts:
    with snapshot(db):
        oldest = db.execute(SQL["oldest_due"]).fetchone()[0]
        unsequenced, since = db.execute(SQL["unsequenced"]).fetchone()
        return Counts(
            messages=db.execute(SQL["count_messages"]).fetchone()[0],
            deliveries=tuple(
                (AgencyId(recipient), State(state), count)
                for recipient, state, count in db.execute(SQL["count_deliveries"])
            ),
            oldest=None if oldest is None else rows.moment(oldest),
            unsequenced=unsequenced,
            unsequenced_since=None if since is None else rows.moment(since),
            log_size=db.execute(SQL["log_size"]).fetchone()[0],
            emergencies=db.execute(SQL["count_emergencies"]).fetchone()[0],
            signatures=db.execute(SQL["count_signatures"]).fetchone()[0],
            unarranged=db.execute(SQL["count_waiting_disclosures"]).fetchone()[0],
            replies=tuple(
                (AgencyId(key), State(state), count) for key, state, count in db.execute(SQL["count_replies"])
            ),
        )
