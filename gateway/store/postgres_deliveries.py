"""The promises of `store.deliveries`, kept by PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId
from gateway.store import rows
from gateway.store.deliveries import Claim
from gateway.store.gather import Gather
from gateway.store.lanes import Due, choose, under_way
from gateway.store.messages import DisseminationRecord
from gateway.store.postgres_pool import Connected
from gateway.store.postgres_reading import BATCH_MAX, NoConnection, Reading
from gateway.store.postgres_statements import SQL, Space, insert_entries, lock_keys, scalar

_ENDED: Final = frozenset({State.UNDELIVERABLE, State.EXPIRED, State.RECALLED})

_Settling = tuple[str, Delivery, tuple[AuditEntry, ...]]
"""The arguments of `Store.settle`."""


class PostgresDeliveries(Reading):
    """How what is shared gets to its recipients."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._settling = Gather(self._settle_group, most=BATCH_MAX, in_vain=NoConnection)

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._settling.finish()
        await super().close()

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        limit: int,
        per_recipient: int,
        push: frozenset[AgencyId],
        held: Collection[str] = (),
    ) -> tuple[Claim, ...]:
        """Take due deliveries."""
        async with self._writing("claim") as db:
            return await _claim(
                db,
                now=rows.micros(now),
                lease_until=rows.micros(lease_until),
                limit=limit,
                per_recipient=per_recipient,
                push=push,
                held=sorted(held),
            )

    async def settle(self, lease: str, delivery: Delivery, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try."""
        return await self._settling((lease, delivery, tuple(entries)))

    async def _settle_group(self, group: Sequence[_Settling]) -> Sequence[bool | Exception]:
        return await self._together(self._settle_together, group)

    async def _settle_together(self, group: Sequence[_Settling]) -> Sequence[bool]:
        async with self._writing("settle") as db:
            return await _settle(db, group)

    async def delivery(self, id: DeliveryId) -> DisseminationRecord | None:
        """One delivery with what it carries."""
        return await self._one(rows.record_of, "delivery", id=id)

    async def deliveries(
        self, state: State | None, recipient: AgencyId | None, before: DeliveryId | None, limit: int
    ) -> tuple[Delivery, ...]:
        """Newest first, by key."""
        query = "ended_deliveries" if state in _ENDED else "deliveries"
        values = {"state": state and state.value, "recipient": recipient, "before": before, "limit": limit}
        return await self._all(rows.delivery_of, query, **values)

    async def move(
        self, delivery: Delivery, *, expected: State, entries: Sequence[AuditEntry], chain_size: int | None = None
    ) -> bool:
        """Replace a delivery that stands in `expected`."""
        async with self._writing("move") as db:
            if chain_size is not None:
                await lock_keys(db, Space.CHAIN, [delivery.first])
                if await scalar(db, "chain_size", first=delivery.first) != chain_size:
                    return False
            return await _move(db, delivery, expected, entries)

    async def inbox(
        self, agency: AgencyId, after: int, limit: int, *, withheld: Collection[str] = (), urgent: bool = False
    ) -> tuple[DisseminationRecord, ...]:
        """WAITING deliveries to this agency, by position."""
        if urgent:
            return await self._all(rows.record_of, "urgent_inbox", recipient=agency, after=after, limit=limit)
        values = {"recipient": agency, "after": after, "limit": limit, "withheld": sorted(withheld)}
        return await self._all(rows.record_of, "inbox", **values)

    async def waiting_under(self, versions: Collection[str], limit: int) -> tuple[DeliveryId, ...]:
        """WAITING deliveries that were decided under these versions of agreements."""
        values = {"versions": sorted(versions), "limit": limit}
        return await self._all(lambda row: DeliveryId(row[0]), "waiting_under", **values)


_CHAIN_MATES: Final = 4
"""How many times more than there is room for are looked at, since several of one chain may stand first in a lane."""


async def _claim(
    db: Connected,
    *,
    now: int,
    lease_until: int,
    limit: int,
    per_recipient: int,
    push: frozenset[AgencyId],
    held: list[str],
) -> tuple[Claim, ...]:
    """Take due deliveries. One claim at a time: what each may take depends on what the others hold."""
    await db.execute(SQL["lock_space"], {"space": int(Space.CLAIM)})
    await db.execute(SQL["end_recalled"], {"now": now})
    sending = await db.execute(SQL["sending"])
    most = min(per_recipient, limit) * _CHAIN_MATES
    due = await db.execute(SQL["due"], {"now": now, "limit": most, "push": list(push), "held": held})
    busy, lapsed = under_way(((_due(row[:5], lapsed=True), row[5]) for row in await sending.fetchall()), now)
    candidates = [each for each in lapsed if each.recipient in push]
    candidates += [_due(row) for row in await due.fetchall()]
    chosen = [each.key for each in choose(candidates, busy, limit=limit, per_recipient=per_recipient)]
    if not chosen:
        return ()
    taking = await db.execute(SQL["take"], {"ids": chosen, "now": now, "lease_until": lease_until})
    taken = [key for (key,) in await taking.fetchall()]
    carried = db.cursor(binary=True)
    await carried.execute(SQL["taken"], {"ids": taken})
    found = {row[0]: row for row in await carried.fetchall()}
    return tuple(
        Claim(record=rows.record_of(found[key]), lease=f"{key}.{found[key][34]}") for key in chosen if key in found
    )


def _due(row: rows.Row, *, lapsed: bool = False) -> Due:
    key, recipient, first, urgent, due_at = row
    return Due(key=key, recipient=recipient, first=first, urgent=bool(urgent), due_at=due_at, lapsed=lapsed)


async def _settle(db: Connected, wanted: Sequence[_Settling]) -> list[bool]:
    """Write the outcomes of tries."""
    leases = [lease.rpartition(".") for lease, _, _ in wanted]
    held = await db.execute(
        SQL["held"], {"ids": [key for key, _, _ in leases], "fences": [int(fence) for _, _, fence in leases]}
    )
    current: dict[str, int] = dict(await held.fetchall())
    outcomes: list[Mapping[str, object]] = []
    entries: list[AuditEntry] = []
    results: list[bool] = []
    for (key, _, fence), (_, delivery, own) in zip(leases, wanted, strict=True):
        settled = delivery.id == key and current.get(key) == int(fence)
        if settled:
            del current[key]  # two calls with one lease in one batch: the second has lost it
            outcomes.append(_outcome(delivery))
            entries.extend(own)
        results.append(settled)
    if outcomes:
        await db.cursor().executemany(SQL["settle"], outcomes)
    await insert_entries(db, entries)
    return results


async def _move(db: Connected, delivery: Delivery, expected: State, entries: Sequence[AuditEntry]) -> bool:
    """Replace a delivery that stands in `expected`."""
    recipient = await scalar(db, "move", **_outcome(delivery), expected=expected.value)
    if recipient is None:
        return False
    if delivery.state is State.WAITING and expected is not State.WAITING:
        await lock_keys(db, Space.INBOX, [recipient])
        await db.execute(SQL["move_to_end"], {"id": delivery.id})
    await insert_entries(db, entries)
    return True


_OUTCOME: Final = ("state", "urgent", "due_at", "expires_at", "attempts", "delivered_at", "last_error", "evidence")


def _outcome(delivery: Delivery) -> dict[str, object]:
    return {"id": delivery.id, **dict(zip(_OUTCOME, rows.outcome_row(delivery), strict=True))}
