"""What is done inside one write transaction of SQLite: a batch of works, few statements whatever its size.

Few, because each step of a statement gives up the interpreter lock, and getting it back from a busy event loop costs
more than the step. So rows go many to a statement, and answers come back as one row. The write lock is held from
BEGIN on: what is read here stays true until COMMIT, and every check is made before the write it speaks of.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.store import configuration_rows, rows
from gateway.store.agency_text import json_text
from gateway.store.interface import (
    Acceptance,
    Change,
    EmergencyRelease,
    NewDissemination,
    NewLeaves,
    RefusedMessage,
    Relisted,
    Stored,
    TreeHead,
)
from gateway.store.lanes import Due, choose, under_way
from gateway.store.queries import named_queries, of_rows
from gateway.store.sqlite_writer import Work

SQL: Final = named_queries("sqlite", "sqlite3")

_ROWS_MAX: Final = 64
"""Rows in one statement: 64 messages are 1,088 values, far below the 32,766 that SQLite takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """The arguments of `Store.claim`."""

    now: datetime
    lease_until: datetime
    limit: int
    per_recipient: int
    push: frozenset[AgencyId]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """The arguments of `Store.change`."""

    changes: Sequence[Change]
    entries: Sequence[AuditEntry]
    relisted: Relisted | None = None
    under: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequencing:
    """What was read before the lock was taken: the size of the tree, the entries that wait, and their numbers."""

    size: int
    entries: Sequence[AuditEntry]
    numbers: Sequence[int]
    build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]


def transact(db: sqlite3.Connection, works: Sequence[Work]) -> list[Any]:
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


# --- messages ---------------------------------------------------------------------------------------------------


def _accept(db: sqlite3.Connection, wanted: Sequence[Acceptance]) -> list[Stored]:
    """Acceptances that recall something see what those before them wrote, so they start a group of their own."""
    results: list[Stored] = []
    group: list[Acceptance] = []
    for acceptance in wanted:
        if acceptance.recalls:
            results += _accept_group(db, group)
            group = []
        group.append(acceptance)
    return results + _accept_group(db, group)


def _accept_group(db: sqlite3.Connection, group: Sequence[Acceptance]) -> list[Stored]:
    if not group:
        return []
    sender_ids = json_text([(each.message.sender, each.message.sender_id) for each in group])
    version, taken, message, dissemination, position = db.execute(
        SQL["accept_standing"], {"sender_ids": sender_ids}
    ).fetchone()
    results = _verdicts(group, version, set(json.loads(taken)), _chain_sizes(db, group))
    stored = [each for each, result in zip(group, results, strict=True) if result is Stored.STORED]
    if stored:
        _recall(db, stored[0])
        _insert_accepted(db, stored, message, dissemination, position)
    return results


def _chain_sizes(db: sqlite3.Connection, group: Sequence[Acceptance]) -> dict[str, int]:
    """Of the chains that messages of the group follow in; most messages open one, and nothing is asked."""
    firsts = {each.message.first for each in group if each.message.first != each.message.id}
    return dict(db.execute(SQL["chain_sizes"], {"firsts": json_text(sorted(firsts))}).fetchall()) if firsts else {}


def _verdicts(group: Sequence[Acceptance], version: int, taken: set[int], chain_sizes: dict[str, int]) -> list[Stored]:
    """A known id first: whoever repeats is told so whatever the configuration is now."""
    seen: set[tuple[str, str]] = set()
    results: list[Stored] = []
    for place, each in enumerate(group):
        sender_id = (each.message.sender, each.message.sender_id)
        if place in taken or sender_id in seen:
            results.append(Stored.KNOWN)
        elif each.configuration != version or chain_sizes.get(each.message.first, 0) != each.chain_size:
            results.append(Stored.STALE)
        else:
            seen.add(sender_id)
            chain_sizes[each.message.first] = each.chain_size + 1
            results.append(Stored.STORED)
    return results


def _recall(db: sqlite3.Connection, acceptance: Acceptance) -> None:
    """Only the first of a group recalls anything, and it does before its own deliveries are there."""
    if acceptance.recalls:
        db.execute(SQL["recall"], {"first": acceptance.message.first, "recipients": json_text(acceptance.recalls)})


def _insert_accepted(
    db: sqlite3.Connection, stored: Sequence[Acceptance], message: int, dissemination: int, position: int
) -> None:
    sender_ids: list[rows.Row] = []
    messages: list[rows.Row] = []
    made: list[tuple[int, NewDissemination]] = []
    entries: list[AuditEntry] = []
    for each in stored:
        message += 1
        sender_ids.append((each.message.sender, each.message.sender_id, each.message.id))
        messages.append(
            (
                message,
                *rows.message_row(each.message),
                each.content_digest,
                each.receipt,
                *rows.sealed_row(each.original),
            )
        )
        made.extend((message, new) for new in each.disseminations)
        entries.extend(each.entries)
    _insert(db, "insert_sender_ids", sender_ids)
    _insert(db, "insert_messages", messages)
    _insert_disseminations(db, made, dissemination, position)
    _insert_entries(db, entries)


def _insert_disseminations(
    db: sqlite3.Connection, made: Sequence[tuple[int, NewDissemination]], dissemination: int, position: int
) -> None:
    """made: each with the number of its message. dissemination, position: the last given."""
    disseminations: list[rows.Row] = []
    deliveries: list[rows.Row] = []
    for number, (message, new) in enumerate(made, dissemination + 1):
        position += 1
        key, _, *what = rows.dissemination_row(new.dissemination)
        disseminations.append((number, key, message, *what, *rows.sealed_row(new.payload), new.cover))
        key, _, _, *how = rows.delivery_row(new.delivery)
        deliveries.append((number, key, *how, position))
    _insert(db, "insert_disseminations", disseminations)
    _insert(db, "insert_deliveries", deliveries)
    if deliveries:
        db.execute(SQL["set_position"], {"last": position})


def _release(db: sqlite3.Connection, wanted: Sequence[EmergencyRelease]) -> list[Stored]:
    return [_release_one(db, release) for release in wanted]


def _release_one(db: sqlite3.Connection, release: EmergencyRelease) -> Stored:
    asked = {"message": release.message.id, "first": release.message.first}
    version, message, size, dissemination, position = db.execute(SQL["release_standing"], asked).fetchone()
    if message is None or (version, size) != (release.configuration, release.chain_size):
        return Stored.STALE
    _insert_disseminations(db, [(message, new) for new in release.disseminations], dissemination, position)
    _insert(db, "insert_because", rows.because_rows(release))
    _insert_entries(db, release.entries)
    return Stored.STORED


def _refuse(db: sqlite3.Connection, wanted: Sequence[RefusedMessage]) -> list[None]:
    _insert(db, "insert_refused", [rows.refused_row(refused) for refused in wanted])
    _insert_entries(db, list(chain.from_iterable(refused.entries for refused in wanted)))
    return [None] * len(wanted)


def _record(db: sqlite3.Connection, wanted: Sequence[Sequence[AuditEntry]]) -> list[None]:
    _insert_entries(db, list(chain.from_iterable(wanted)))
    return [None] * len(wanted)


def _insert(db: sqlite3.Connection, query: str, values: Sequence[rows.Row]) -> None:
    for start in range(0, len(values), _ROWS_MAX):
        some = values[start : start + _ROWS_MAX]
        db.execute(of_rows(SQL[query], len(some)), tuple(chain.from_iterable(some)))


def _insert_entries(db: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    _insert(db, "insert_entries", [rows.entry_row(entry) for entry in entries])


# --- configuration ----------------------------------------------------------------------------------------------


def _change(db: sqlite3.Connection, wanted: Sequence[Changing]) -> list[int | None]:
    """New versions; None where the version that a change was decided under is gone."""
    versions: list[int | None] = []
    for changing in wanted:
        version = db.execute(SQL["configuration_version"]).fetchone()[0]
        if changing.under not in {None, version}:
            versions.append(None)
            continue
        for change in configuration_rows.in_order(changing.changes):
            query, row = configuration_rows.put_of(change)
            _insert(db, query, [row])
        _relist(db, changing.relisted)
        db.execute(SQL["next_version"])
        _insert_entries(db, changing.entries)
        versions.append(db.execute(SQL["configuration_version"]).fetchone()[0])
    return versions


def _relist(db: sqlite3.Connection, relisted: Relisted | None) -> None:
    if relisted is not None:
        values = {"mou": relisted.mou, "recipients": json_text(relisted.recipients)}
        count = db.execute(SQL["relist"], values).rowcount
        db.execute(SQL["add_positions"], {"count": count})


def _fact(db: sqlite3.Connection, wanted: Sequence[tuple[str, str]]) -> list[str]:
    values: list[str] = []
    for name, value in wanted:
        db.execute(SQL["set_fact"], {"name": name, "value": value})
        values.append(db.execute(SQL["fact"], {"name": name}).fetchone()[0])
    return values


# --- deliveries -------------------------------------------------------------------------------------------------


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
            candidates += _due_in_lane(db, recipient, now, min(room, claiming.limit))
    chosen = choose(candidates, held, limit=claiming.limit, per_recipient=claiming.per_recipient)
    if not chosen:
        return ()
    numbers = [int(due.key) for due in chosen]
    values = {"numbers": json_text(numbers), "lease_until": rows.micros(claiming.lease_until)}
    fences = dict(db.execute(SQL["take"], values).fetchall())
    return tuple((number, fences[number]) for number in numbers)


_CHAIN_MATES: Final = 4
"""How many times more than there is room for are looked at, since several of one chain may stand first in a lane."""


def _due_in_lane(db: sqlite3.Connection, recipient: str, now: int, room: int) -> list[Due]:
    found: list[Due] = []
    for urgent in (1, 0):
        values = {"recipient": recipient, "urgent": urgent, "now": now, "limit": room * _CHAIN_MATES}
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
        _insert_entries(db, entries)
    return results


def _move(db: sqlite3.Connection, wanted: Sequence[Moving]) -> list[bool]:
    return [_move_one(db, moving) for moving in wanted]


def _move_one(db: sqlite3.Connection, moving: Moving) -> bool:
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
        _insert_entries(db, moving.entries)
    return bool(moved)


# --- the log ----------------------------------------------------------------------------------------------------


def hashes(db: sqlite3.Connection, level: int, start: int, count: int) -> tuple[bytes, ...]:
    """Hashes of complete subtrees of 256**level leaves; those that exist."""
    query = SQL["subtree_hashes"] if level else SQL["leaf_hashes"]
    values = {"level": level, "start": start, "count": count}
    (text,) = db.execute(query, values).fetchone()
    run = bytes.fromhex(text or "")
    return tuple(run[place : place + 32] for place in range(0, len(run), 32))


def newest_checkpoint(db: sqlite3.Connection) -> bytes | None:
    """The newest signed head."""
    row = db.execute(SQL["newest_checkpoint"]).fetchone()
    return None if row is None else row[0]


def _sequence(db: sqlite3.Connection, wanted: Sequence[Sequencing]) -> list[bool]:
    return [_sequence_one(db, sequencing) for sequencing in wanted]


def _sequence_one(db: sqlite3.Connection, sequencing: Sequencing) -> bool:
    """False when another sequencer was here since the entries were read."""
    first, last = sequencing.numbers[0], sequencing.numbers[-1]
    size, lowest, count = db.execute(SQL["pending_standing"], {"last": last}).fetchone()
    if (size, lowest, count) != (sequencing.size, first, len(sequencing.numbers)):
        return False
    head = TreeHead(
        size=size,
        checkpoint=newest_checkpoint(db),
        hashes=lambda level, start, count: hashes(db, level, start, count),
    )
    new = sequencing.build(head, sequencing.entries)
    if new.size != size + len(sequencing.entries):
        raise ValueError("a checkpoint's size is that of the tree with its new leaves")
    db.execute(SQL["insert_leaves"], {"size": size, "last": last})
    db.execute(SQL["delete_pending"], {"last": last})
    _insert(db, "insert_subtrees", new.subtrees)
    _insert(db, "insert_checkpoint", [(new.size, new.checkpoint)])
    return True


_ACTS: Final[dict[str, Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]]] = {
    "accept": _accept,
    "release": _release,
    "refuse": _refuse,
    "record": _record,
    "change": _change,
    "fact": _fact,
    "claim": _claim,
    "settle": _settle,
    "move": _move,
    "sequence": _sequence,
}
