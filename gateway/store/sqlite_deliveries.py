"""The promises of `store.deliveries`, kept by SQLite."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId
from gateway.store import rows
from gateway.store.agency_text import json_text
from gateway.store.deliveries import Claim
from gateway.store.lanes import Due, choose, under_way
from gateway.store.messages import DisseminationRecord
from gateway.store.sqlite_reading import Reading
from gateway.store.sqlite_statements import SQL, Acts, insert_entries

_ENDED: Final = frozenset({State.UNDELIVERABLE, State.EXPIRED, State.RECALLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """The arguments of `Store.claim`."""

    now: datetime
    lease_until: datetime
    limit: int
    per_recipient: int
    push: frozenset[AgencyId]
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """The arguments of `Store.settle`, the lease taken apart."""

    number: int
    fence: int
    delivery: Delivery
    entries: Sequence[AuditEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """The arguments of `Store.move`."""

    delivery: Delivery
    expected: State
    entries: Sequence[AuditEntry]
    chain_size: int | None


class SqliteDeliveries(Reading):
    """How what is shared gets to its recipients."""

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
        claiming = Claiming(
            now=now,
            lease_until=lease_until,
            limit=limit,
            per_recipient=per_recipient,
            push=push,
            held=tuple(sorted(held)),
        )
        taken: Sequence[tuple[int, int]] = await self._writer.write("claim", claiming)
        # What they carry does not change, so it is read outside the write lock. Should the process end here, the leases
        # run out.
        return await self._read(lambda db: _claims(db, taken)) if taken else ()

    async def settle(self, lease: str, delivery: Delivery, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try."""
        number, _, fence = lease.partition(".")
        settling = Settling(number=int(number), fence=int(fence), delivery=delivery, entries=tuple(entries))
        settled: bool = await self._writer.write("settle", settling)
        return settled

    async def delivery(self, id: DeliveryId) -> DisseminationRecord | None:
        """One delivery with what it carries."""
        return await self._one(rows.record_of, "delivery", id=id)

    async def deliveries(
        self, state: State | None, recipient: AgencyId | None, before: DeliveryId | None, limit: int
    ) -> tuple[Delivery, ...]:
        """Newest first, by key."""
        query = "ended_deliveries" if state in _ENDED else "deliveries"
        values = {"state": state, "recipient": recipient, "before": before, "limit": limit}
        return await self._all(rows.delivery_of, query, **values)

    async def move(
        self, delivery: Delivery, *, expected: State, entries: Sequence[AuditEntry], chain_size: int | None = None
    ) -> bool:
        """Replace a delivery that stands in `expected`."""
        moving = Moving(delivery=delivery, expected=expected, entries=tuple(entries), chain_size=chain_size)
        moved: bool = await self._writer.write("move", moving)
        return moved

    async def inbox(
        self, agency: AgencyId, after: int, limit: int, *, withheld: Collection[str] = (), urgent: bool = False
    ) -> tuple[DisseminationRecord, ...]:
        """WAITING deliveries to this agency, by position."""
        if urgent:
            return await self._all(rows.record_of, "urgent_inbox", recipient=agency, after=after, limit=limit)
        values = {"recipient": agency, "after": after, "limit": limit, "withheld": json_text(sorted(withheld))}
        return await self._all(rows.record_of, "inbox", **values)

    async def waiting_under(self, versions: Collection[str], limit: int) -> tuple[DeliveryId, ...]:
        """WAITING deliveries that were decided under these versions of agreements."""
        values = {"versions": json_text(sorted(versions)), "limit": limit}
        return await self._all(lambda row: DeliveryId(row[0]), "waiting_under", **values)


def _claims(db: sqlite3.Connection, taken: Sequence[tuple[int, int]]) -> tuple[Claim, ...]:
    """What was taken, in the order in which it should be sent, as far as it is still held."""
    found = {row[34]: row for row in db.execute(SQL["taken"], {"numbers": json_text([number for number, _ in taken])})}
    return tuple(
        Claim(record=rows.record_of(found[number]), lease=f"{number}.{fence}")
        for number, fence in taken
        if found[number][35] == fence
    )


def _claim(db: sqlite3.Connection, wanted: Sequence[Claiming]) -> list[tuple[tuple[int, int], ...]]:
    return [_claim_one(db, claiming) for claiming in wanted]


def _claim_one(db: sqlite3.Connection, claiming: Claiming) -> tuple[tuple[int, int], ...]:
    """Numbers and fences of the deliveries taken, in the order in which they should be sent."""
    now = rows.micros(claiming.now)
    db.execute(SQL["end_recalled"], {"now": now})
    held, lapsed = under_way(
        (
            (Due(key=key, recipient=recipient, first=first, urgent=bool(urgent), due_at=due_at, lapsed=True), lease)
            for key, recipient, first, urgent, due_at, lease in db.execute(SQL["sending"])
        ),
        now,
    )
    candidates = [due for due in lapsed if due.recipient in claiming.push]
    for (recipient,) in db.execute(SQL["lanes"]).fetchall():
        room = claiming.per_recipient - held.per_recipient[recipient]
        if recipient in claiming.push and room > 0:
            candidates += _due_in_lane(db, recipient, claiming, min(room, claiming.limit))
    chosen = choose(candidates, held, limit=claiming.limit, per_recipient=claiming.per_recipient)
    if not chosen:
        return ()
    numbers = [int(due.key) for due in chosen]
    values = {"numbers": json_text(numbers), "lease_until": rows.micros(claiming.lease_until)}
    fences = dict(db.execute(SQL["take"], values).fetchall())
    return tuple((number, fences[number]) for number in numbers)


_CHAIN_MATES: Final = 4
"""How many times more than there is room for are looked at, since several of one chain may stand first in a lane."""


def _due_in_lane(db: sqlite3.Connection, recipient: str, claiming: Claiming, room: int) -> list[Due]:
    found: list[Due] = []
    terms = {"now": rows.micros(claiming.now), "held": json_text(claiming.held)}
    for urgent in (1, 0):
        values = {"recipient": recipient, "urgent": urgent, "limit": room * _CHAIN_MATES, **terms}
        found += [
            Due(key=key, recipient=recipient, first=first, urgent=bool(urgent), due_at=due_at)
            for key, recipient, first, urgent, due_at in db.execute(SQL["due"], values)
        ]
    return found


def _settle(db: sqlite3.Connection, wanted: Sequence[Settling]) -> list[bool]:
    leases = json_text([(each.number, each.fence, each.delivery.id) for each in wanted])
    held = set(json.loads(db.execute(SQL["held"], {"leases": leases}).fetchone()[0]))
    settled: set[int] = set()
    outcomes: list[rows.Row] = []
    entries: list[AuditEntry] = []
    results: list[bool] = []
    for place, each in enumerate(wanted):
        mine = place in held and each.number not in settled  # two calls with one lease: the second has lost it
        if mine:
            settled.add(each.number)
            outcomes.append((each.number, *rows.outcome_row(each.delivery)))
            entries.extend(each.entries)
        results.append(mine)
    if outcomes:
        db.execute(SQL["settle"], {"outcomes": json_text(outcomes)})
        insert_entries(db, entries)
    return results


def _move(db: sqlite3.Connection, wanted: Sequence[Moving]) -> list[bool]:
    return [_move_one(db, moving) for moving in wanted]


def _move_one(db: sqlite3.Connection, moving: Moving) -> bool:
    if moving.chain_size is not None:
        (size,) = db.execute(SQL["chain_size"], {"first": moving.delivery.first}).fetchone()
        if size != moving.chain_size:
            return False
    position = None
    if moving.delivery.state is State.WAITING:
        ((position,),) = db.execute(SQL["next_position"]).fetchall()
    state, urgent, due_at, expires_at, attempts, delivered_at, last_error, evidence = rows.outcome_row(moving.delivery)
    moved = db.execute(
        SQL["move"],
        {
            "id": moving.delivery.id,
            "expected": moving.expected.value,
            "position": position,
            "state": state,
            "urgent": urgent,
            "due_at": due_at,
            "expires_at": expires_at,
            "attempts": attempts,
            "delivered_at": delivered_at,
            "last_error": last_error,
            "evidence": evidence,
        },
    ).rowcount
    if moved:
        insert_entries(db, moving.entries)
    return bool(moved)


ACTS: Final[Acts] = {"claim": _claim, "settle": _settle, "move": _move}
