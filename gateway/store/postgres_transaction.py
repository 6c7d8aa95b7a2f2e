"""What is done inside one transaction of PostgreSQL, in few round trips.

READ COMMITTED throughout: each statement sees what was committed before it began, so a statement that follows a lock
sees all that was done under that lock before. Locks are taken in one order by everybody - configuration, chains, sender
ids, deliveries, inboxes, each ascending - so that nobody waits in a circle.
"""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.message import MessageId
from gateway.store import configuration_rows, rows
from gateway.store.agency_text import json_text
from gateway.store.interface import (
    Acceptance,
    Change,
    Claim,
    ConfigurationChanged,
    EmergencyRelease,
    NewDissemination,
    RefusedMessage,
    Relisted,
    Stored,
)
from gateway.store.lanes import Due, choose, under_way
from gateway.store.postgres_pool import Connected
from gateway.store.queries import named_queries

SQL: Final = named_queries("postgres", "psycopg")


class Space(IntEnum):
    """The first half of our advisory locks' keys; the second is 0, or a hash of what is locked."""

    CONFIGURATION = 0x6A67_0001
    CHAIN = 0x6A67_0002
    INBOX = 0x6A67_0003
    CLAIM = 0x6A67_0004
    SEQUENCE = 0x6A67_0005


def _key(text: str) -> int:
    """A 32-bit number of a text. Two texts with the same one only wait for each other."""
    return zlib.crc32(text.encode()) - (1 << 31)


@lru_cache
def _by_position(query: str) -> str:
    """A query with its named values by position, for rows."""
    return re.sub(r"%\(\w+\)s", "%s", query)


async def _insert(db: Connected, query: str, values: Sequence[rows.Row]) -> None:
    """One row, or a few that are rarely written."""
    if values:
        await db.cursor().executemany(_by_position(SQL[query]), values)


async def _insert_batch(db: Connected, query: str, values: Sequence[rows.Row]) -> None:
    """All rows with one statement of two values: their JSON, and their bytes one after the other."""
    if not values:
        return
    run: list[bytes] = []
    length = 0
    packed: list[list[object]] = []
    for row in values:
        columns: list[object] = []
        for column in row:
            if isinstance(column, bytes):
                run.append(column)
                columns.append((length + 1, len(column)))
                length += len(column)
            else:
                columns.append(column)
        packed.append(columns)
    await db.execute(SQL[query], {"rows": json_text(packed), "bytes": b"".join(run)})


async def lock_keys(db: Connected, space: Space, texts: Iterable[str]) -> None:
    """Hold the locks of these texts until the transaction ends."""
    keys = sorted({_key(text) for text in texts})
    if keys:
        await db.execute(SQL["lock_keys"], {"space": int(space), "keys": keys})


async def insert_entries(db: Connected, entries: Sequence[AuditEntry]) -> None:
    """Write audit entries."""
    await _insert_batch(db, "insert_entries", [rows.entry_row(entry) for entry in entries])


# --- messages ---------------------------------------------------------------------------------------------------


async def accept(db: Connected, group: Sequence[Acceptance]) -> list[Stored]:
    """Write a group. Only one that stands alone may recall something."""
    first_of_id = {(each.message.sender, each.message.sender_id): each for each in reversed(group)}
    free = await _take_sender_ids(db, list(first_of_id.values()))
    stored = [each for each in group if each.message.id in free]
    known = await _taken(db, [each for each in first_of_id.values() if each.message.id not in free])
    if stored:
        await _insert_accepted(db, stored)
    results: list[Stored] = []
    for each in group:
        sender_id = (each.message.sender, each.message.sender_id)
        if each.message.id in free:
            results.append(Stored.STORED)
        elif sender_id in known or first_of_id[sender_id].message.id in free:
            results.append(Stored.KNOWN)
        else:
            results.append(Stored.STALE)
    return results


async def _take_sender_ids(db: Connected, wanted: Sequence[Acceptance]) -> frozenset[MessageId]:
    """Messages whose sender ids were free, of those decided under the present configuration and chain."""
    ordered = sorted(wanted, key=lambda each: (each.message.sender, each.message.sender_id))
    await db.execute(SQL["share_configuration"], {"space": int(Space.CONFIGURATION)})
    # Messages of one chain, one after the other: the later one sees the earlier one, or is decided again.
    await lock_keys(db, Space.CHAIN, (each.message.first for each in ordered if _follows(each)))
    taken = await db.execute(
        SQL["insert_sender_ids"],
        {
            "senders": [each.message.sender for each in ordered],
            "sender_ids": [each.message.sender_id for each in ordered],
            "messages": [each.message.id for each in ordered],
            "configurations": [each.configuration for each in ordered],
            "firsts": [each.message.first for each in ordered],
            "chain_sizes": _chain_sizes(ordered),
        },
    )
    return frozenset(MessageId(message) for (message,) in await taken.fetchall())


def _follows(acceptance: Acceptance) -> bool:
    return acceptance.message.first != acceptance.message.id


def _chain_sizes(ordered: Sequence[Acceptance]) -> list[int]:
    """The size that each one's chain is to have. Of several in one chain the first may be stored: whatever size the
    others name, it is not that of the chain with it, so they get one that no chain has."""
    seen: set[MessageId] = set()
    sizes: list[int] = []
    for each in ordered:
        sizes.append(-1 if each.message.first in seen else each.chain_size)
        seen.add(each.message.first)
    return sizes


async def _taken(db: Connected, unwritten: Sequence[Acceptance]) -> frozenset[tuple[str, str]]:
    """A known id comes before a stale configuration: whoever repeats is told so whatever the configuration is now."""
    if not unwritten:
        return frozenset()
    values = {
        "senders": [each.message.sender for each in unwritten],
        "sender_ids": [each.message.sender_id for each in unwritten],
    }
    return frozenset(await (await db.execute(SQL["taken_sender_ids"], values)).fetchall())


async def _insert_accepted(db: Connected, stored: Sequence[Acceptance]) -> None:
    for each in stored:
        if each.recalls:
            await db.execute(SQL["recall"], {"first": each.message.first, "recipients": list(each.recalls)})
    new = [new for each in stored for new in each.disseminations]
    await _insert_batch(
        db,
        "insert_messages",
        [
            (*rows.message_row(each.message), each.content_digest, each.receipt, *rows.sealed_row(each.original))
            for each in stored
        ],
    )
    await _insert_disseminations(db, new, list(chain.from_iterable(each.entries for each in stored)))


async def _insert_disseminations(db: Connected, new: Sequence[NewDissemination], entries: Sequence[AuditEntry]) -> None:
    await _insert_batch(
        db,
        "insert_disseminations",
        [(*rows.dissemination_row(each.dissemination), *rows.sealed_row(each.payload), each.cover) for each in new],
    )
    await insert_entries(db, entries)
    # Last, since the inboxes stay locked until the commit.
    await lock_keys(db, Space.INBOX, (each.delivery.recipient for each in new))
    await _insert_batch(db, "insert_deliveries", [rows.delivery_row(each.delivery) for each in new])


async def release(db: Connected, release: EmergencyRelease) -> Stored:
    """Write a release, decided under the present configuration and chain."""
    await db.execute(SQL["share_configuration"], {"space": int(Space.CONFIGURATION)})
    await lock_keys(db, Space.CHAIN, (release.message.first,))
    asked = {"message": release.message.id, "first": release.message.first}
    standing = await (await db.execute(SQL["release_standing"], asked)).fetchone()
    if standing != (release.configuration, 1, release.chain_size):
        return Stored.STALE
    await _insert(db, "insert_because", rows.because_rows(release))
    await _insert_disseminations(db, release.disseminations, release.entries)
    return Stored.STORED


async def refuse(db: Connected, refused: RefusedMessage) -> None:
    """Record a refusal."""
    await _insert(db, "insert_refused", [rows.refused_row(refused)])
    await insert_entries(db, refused.entries)


# --- configuration ----------------------------------------------------------------------------------------------


async def change(
    db: Connected,
    changes: Sequence[Change],
    entries: Sequence[AuditEntry],
    relisted: Relisted | None,
    under: int | None,
) -> int:
    """Apply all changes; the new version. Raises `ConfigurationChanged`."""
    await db.execute(SQL["own_configuration"], {"space": int(Space.CONFIGURATION)})
    if under is not None and under != int(await value(db, "configuration_version")):
        raise ConfigurationChanged("the configuration changed meanwhile; try again")
    for each in configuration_rows.in_order(changes):
        query, row = configuration_rows.put_of(each)
        await _insert(db, query, [row])
    await insert_entries(db, entries)
    if relisted is not None:
        await lock_keys(db, Space.INBOX, relisted.recipients)
        await db.execute(SQL["relist"], {"mou": relisted.mou, "recipients": list(relisted.recipients)})
    return int(await value(db, "next_version"))


async def value(db: Connected, query: str, **values: object) -> Any:
    """The first column of the first row."""
    row = await (await db.execute(SQL[query], values)).fetchone()
    return None if row is None else row[0]


# --- deliveries -------------------------------------------------------------------------------------------------

_CHAIN_MATES: Final = 4
"""How many times more than there is room for are looked at, since several of one chain may stand first in a lane."""


async def claim(
    db: Connected, *, now: int, lease_until: int, limit: int, per_recipient: int, push: frozenset[AgencyId]
) -> tuple[Claim, ...]:
    """Take due deliveries. One claim at a time: what each may take depends on what the others hold."""
    await db.execute(SQL["lock_space"], {"space": int(Space.CLAIM)})
    await db.execute(SQL["end_recalled"], {"now": now})
    sending = await db.execute(SQL["sending"])
    most = min(per_recipient, limit) * _CHAIN_MATES
    due = await db.execute(SQL["due"], {"now": now, "limit": most, "push": list(push)})
    held, lapsed = under_way(((_due(row[:5], lapsed=True), row[5]) for row in await sending.fetchall()), now)
    candidates = [each for each in lapsed if each.recipient in push]
    candidates += [_due(row) for row in await due.fetchall()]
    chosen = [each.key for each in choose(candidates, held, limit=limit, per_recipient=per_recipient)]
    if not chosen:
        return ()
    taking = await db.execute(SQL["take"], {"ids": chosen, "now": now, "lease_until": lease_until})
    taken = [key for (key,) in await taking.fetchall()]
    carried = db.cursor(binary=True)
    await carried.execute(SQL["taken"], {"ids": taken})
    found = {row[0]: row for row in await carried.fetchall()}
    return tuple(
        Claim(record=rows.record_of(found[key]), lease=f"{key}.{found[key][33]}") for key in chosen if key in found
    )


def _due(row: rows.Row, *, lapsed: bool = False) -> Due:
    key, recipient, first, urgent, due_at = row
    return Due(key=key, recipient=recipient, first=first, urgent=bool(urgent), due_at=due_at, lapsed=lapsed)


Settling = tuple[str, Delivery, tuple[AuditEntry, ...]]
"""The arguments of `Store.settle`."""


async def settle(db: Connected, wanted: Sequence[Settling]) -> list[bool]:
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


async def move(db: Connected, delivery: Delivery, expected: State, entries: Sequence[AuditEntry]) -> bool:
    """Replace a delivery that stands in `expected`."""
    recipient = await value(db, "move", **_outcome(delivery), expected=expected.value)
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
