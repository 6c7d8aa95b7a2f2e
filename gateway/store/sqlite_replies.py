"""The promises of `store.replies`, kept by SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.course import State
from gateway.delivery.reply import Reply, ReplyId
from gateway.store import reply_rows, retention_rows, rows
from gateway.store.agency_text import json_text
from gateway.store.replies import NewReply, Put, ReplyClaim, ReplyRecord
from gateway.store.sqlite_reading import Reading
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """A reply as it is to stand, when `value` of it stands so: its fence, or its state."""

    reply: Reply
    value: object
    entries: Sequence[AuditEntry]


class SqliteReplies(Reading):
    """How answers get to who asked."""

    async def put_reply(self, new: NewReply) -> Put:
        """Keep one that goes with no other write."""
        put: Put = await self._writer.write("reply", new)
        return put

    async def claim_replies(
        self, *, now: datetime, lease_until: datetime, limit: int, per_agency: int, push: frozenset[AgencyId]
    ) -> tuple[ReplyClaim, ...]:
        """Take due replies."""
        if not self._now("reply_is_due", now=rows.micros(now))[0]:  # most looks: nobody waits for a lock for nothing
            return ()
        values = {
            "now": rows.micros(now),
            "lease_until": rows.micros(lease_until),
            "limit": limit,
            "per_agency": per_agency,
            "push": json_text(sorted(push)),
        }
        claims: tuple[ReplyClaim, ...] = await self._writer.write("reply-claim", values)
        return claims

    async def settle_reply(self, lease: str, reply: Reply, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try."""
        key, _, fence = lease.rpartition(".")
        if key != reply.id:
            return False
        changing = Changing(reply=reply, value=int(fence), entries=tuple(entries))
        settled: bool = await self._writer.write("reply-settle", changing)
        return settled

    async def reply(self, id: ReplyId) -> ReplyRecord | None:
        """One reply."""
        return await self._one(reply_rows.reply_record_of, "reply", id=id)

    async def replies(
        self, state: State | None, agency: AgencyId | None, before: ReplyId | None, limit: int
    ) -> tuple[Reply, ...]:
        """Newest first, by key."""
        values = {"state": state, "agency": agency, "before": before, "limit": limit}
        return await self._all(reply_rows.reply_of, "replies", **values)

    async def move_reply(self, reply: Reply, *, expected: State, entries: Sequence[AuditEntry]) -> bool:
        """Replace a reply that stands in `expected`."""
        changing = Changing(reply=reply, value=expected.value, entries=tuple(entries))
        moved: bool = await self._writer.write("reply-move", changing)
        return moved


def put_replies(db: sqlite3.Connection, wanted: Sequence[NewReply]) -> list[Put]:
    """Inside the transaction of what they answer."""
    return [_put(db, new) for new in wanted]


def _put(db: sqlite3.Connection, new: NewReply) -> Put:
    values = reply_rows.new_reply_values(new)
    if db.execute(SQL["begin_reply_again"], values).rowcount:
        (first,) = db.execute(SQL["reply_asked"], values).fetchone()
        insert_entries(db, (new.again(first),))
        return Put.AGAIN
    db.execute(SQL["drop_ended_reply"], values)
    if not db.execute(SQL["insert_reply"], values).rowcount:
        return Put.UNDER_WAY
    insert(db, "insert_kept", [retention_rows.kept_row(new.kept)])
    insert_entries(db, (new.entry,))
    return Put.NEW


def _claim(db: sqlite3.Connection, wanted: Sequence[dict[str, object]]) -> list[tuple[ReplyClaim, ...]]:
    return [_claim_one(db, values) for values in wanted]


def _claim_one(db: sqlite3.Connection, values: dict[str, object]) -> tuple[ReplyClaim, ...]:
    ids = json_text([key for (key,) in db.execute(SQL["due_replies"], values)])
    db.execute(SQL["take_replies"], {"ids": ids, "lease_until": values["lease_until"]})
    return tuple(reply_rows.reply_claim_of(row) for row in db.execute(SQL["taken_replies"], {"ids": ids}))


def _settle(db: sqlite3.Connection, wanted: Sequence[Changing]) -> list[bool]:
    return [_change(db, "settle_reply", "fence", changing) for changing in wanted]


def _move(db: sqlite3.Connection, wanted: Sequence[Changing]) -> list[bool]:
    return [_change(db, "move_reply", "expected", changing) for changing in wanted]


def _change(db: sqlite3.Connection, query: str, condition: str, changing: Changing) -> bool:
    values = reply_rows.reply_values(changing.reply) | {condition: changing.value}
    changed = bool(db.execute(SQL[query], values).rowcount)
    if changed:
        insert_entries(db, changing.entries)
    return changed


ACTS: Final[Acts] = {"reply": put_replies, "reply-claim": _claim, "reply-settle": _settle, "reply-move": _move}
