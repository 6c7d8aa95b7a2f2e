"""The promises of `store.replies`, kept by PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.course import State
from gateway.delivery.reply import Reply, ReplyId
from gateway.store import reply_rows, retention_rows, rows
from gateway.store.postgres_pool import Connected
from gateway.store.postgres_reading import Reading
from gateway.store.postgres_statements import SQL, Space, insert_batch, insert_entries, scalar
from gateway.store.replies import NewReply, Put, ReplyClaim, ReplyRecord


class PostgresReplies(Reading):
    """How answers get to who asked."""

    async def put_reply(self, new: NewReply) -> Put:
        """Keep one that goes with no other write."""
        async with self._writing("reply") as db:
            return await put_reply(db, new)

    async def claim_replies(
        self, *, now: datetime, lease_until: datetime, limit: int, per_agency: int, push: frozenset[AgencyId]
    ) -> tuple[ReplyClaim, ...]:
        """Take due replies."""
        if not await self._value("reply_is_due", now=rows.micros(now)):  # most looks
            return ()
        async with self._writing("reply-claim") as db:
            # One claim at a time: what each may take depends on what the others hold.
            await db.execute(SQL["lock_space"], {"space": int(Space.REPLY)})
            wanted = {"now": rows.micros(now), "limit": limit, "per_agency": per_agency, "push": sorted(push)}
            due = await (await db.execute(SQL["due_replies"], wanted)).fetchall()
            taking = {"ids": [key for (key,) in due], "now": wanted["now"], "lease_until": rows.micros(lease_until)}
            taken = await (await db.execute(SQL["take_replies"], taking)).fetchall()
            carried = db.cursor(binary=True)
            await carried.execute(SQL["taken_replies"], {"ids": [key for (key,) in taken]})
            return tuple(reply_rows.reply_claim_of(row) for row in await carried.fetchall())

    async def settle_reply(self, lease: str, reply: Reply, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try."""
        key, _, fence = lease.rpartition(".")
        if key != reply.id:
            return False
        async with self._writing("reply-settle") as db:
            return await _change(db, "settle_reply", reply, entries, fence=int(fence))

    async def reply(self, id: ReplyId) -> ReplyRecord | None:
        """One reply."""
        return await self._one(reply_rows.reply_record_of, "reply", id=id)

    async def replies(
        self, state: State | None, agency: AgencyId | None, before: ReplyId | None, limit: int
    ) -> tuple[Reply, ...]:
        """Newest first, by key."""
        values = {"state": state and state.value, "agency": agency, "before": before, "limit": limit}
        return await self._all(reply_rows.reply_of, "replies", **values)

    async def move_reply(self, reply: Reply, *, expected: State, entries: Sequence[AuditEntry]) -> bool:
        """Replace a reply that stands in `expected`."""
        async with self._writing("reply-move") as db:
            return await _change(db, "move_reply", reply, entries, expected=expected.value)


async def put_reply(db: Connected, new: NewReply) -> Put:
    """Inside the transaction of what it answers."""
    values = reply_rows.new_reply_values(new)
    first = await scalar(db, "begin_reply_again", **values)
    if first is not None:
        await insert_entries(db, (new.again(ReplyId(str(first))),))
        return Put.AGAIN
    await db.execute(SQL["drop_ended_reply"], values)
    if await scalar(db, "insert_reply", **values) is None:
        return Put.UNDER_WAY
    await insert_batch(db, "insert_kept", [retention_rows.kept_row(new.kept)])
    await insert_entries(db, (new.entry,))
    return Put.NEW


async def _change(db: Connected, query: str, reply: Reply, entries: Sequence[AuditEntry], **condition: object) -> bool:
    changed = await scalar(db, query, **reply_rows.reply_values(reply), **condition) is not None
    if changed:
        await insert_entries(db, entries)
    return changed
