"""The promises of `store.messages`, kept by SQLite.

The write lock is held from BEGIN on: what is read here stays true until COMMIT, and every check is made before the
write it speaks of.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.message import Filed, MessageId
from gateway.retention.kept import Kept
from gateway.store import retention_rows, rows
from gateway.store.agency_text import json_text
from gateway.store.messages import (
    Acceptance,
    EmergencyRelease,
    Known,
    NewDissemination,
    RefusedMessage,
    Stored,
)
from gateway.store.messages_read import MessagesRead
from gateway.store.sqlite_disclosures import insert_disclosures
from gateway.store.sqlite_reading import Reading
from gateway.store.sqlite_replies import put_replies
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries


class SqliteMessages(MessagesRead, Reading):
    """What was accepted, what was refused, and what each recipient gets of it."""

    async def known(self, sender: AgencyId, sender_id: str) -> Known | None:
        """What is stored under this sender's id."""
        row = self._now("known", sender=sender, sender_id=sender_id)
        if row is None:
            return None
        message, content_digest, receipt = row
        return Known(message=MessageId(message), content_digest=content_digest, receipt=receipt)

    async def accept(self, acceptance: Acceptance) -> Stored:
        """Write all or nothing."""
        stored: Stored = await self._writer.write("accept", acceptance)
        return stored

    async def forget_signatures(self, before: datetime, limit: int) -> int:
        """Forget signatures that were stale before this moment."""
        forgotten: int = await self._writer.write("unsign", {"before": rows.micros(before), "limit": limit})
        return forgotten

    async def release(self, release: EmergencyRelease) -> Stored:
        """Write all or nothing."""
        stored: Stored = await self._writer.write("release", release)
        return stored

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal."""
        await self._writer.write("refuse", refused)


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
    standing = _Standing(
        version=version, taken=set(json.loads(taken)), used=_used(db, group), chain_sizes=_chain_sizes(db, group)
    )
    results = _verdicts(group, standing)
    stored = [each for each, result in zip(group, results, strict=True) if result is Stored.STORED]
    if stored:
        _recall(db, stored[0])
        _make_due(db, [new for each in stored if each.message.first != each.message.id for new in each.disseminations])
        _insert_accepted(db, stored, message, dissemination, position)
    return results


def _chain_sizes(db: sqlite3.Connection, group: Sequence[Acceptance]) -> dict[str, int]:
    """Of the chains that messages of the group follow in; most messages open one, and nothing is asked."""
    firsts = {each.message.first for each in group if each.message.first != each.message.id}
    return dict(db.execute(SQL["chain_sizes"], {"firsts": json_text(sorted(firsts))}).fetchall()) if firsts else {}


def _used(db: sqlite3.Connection, group: Sequence[Acceptance]) -> set[int]:
    """Places of those whose signature made a message before; where nobody signs, nothing is asked."""
    signed = [(place, each) for place, each in enumerate(group) if each.signature is not None]
    if not signed:
        return set()
    asked = [(each.message.sender, each.signature.digest.hex()) for _, each in signed if each.signature is not None]
    (found,) = db.execute(SQL["used_signatures"], {"signatures": json_text(asked)}).fetchone()
    return {signed[at][0] for at in json.loads(found)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What is there before a group is written. taken, used: places of the group."""

    version: int
    taken: set[int]
    used: set[int]
    chain_sizes: dict[str, int]


def _verdicts(group: Sequence[Acceptance], standing: _Standing) -> list[Stored]:
    """A known id first: whoever repeats is told so whatever the configuration is now."""
    seen: set[tuple[str, str]] = set()
    shown: set[tuple[str, bytes]] = set()
    chain_sizes = standing.chain_sizes
    results: list[Stored] = []
    for place, each in enumerate(group):
        sender_id = (each.message.sender, each.message.sender_id)
        signature = (each.message.sender, each.signature.digest) if each.signature is not None else None
        if place in standing.taken or sender_id in seen:
            results.append(Stored.KNOWN)
        elif each.configuration != standing.version or chain_sizes.get(each.message.first, 0) != each.chain_size:
            results.append(Stored.STALE)
        elif signature is not None and (place in standing.used or signature in shown):
            results.append(Stored.REPLAYED)
        else:
            seen.add(sender_id)
            if signature is not None:
                shown.add(signature)
            chain_sizes[each.message.first] = each.chain_size + 1 + len(each.disseminations)
            results.append(Stored.STORED)
    return results


def _recall(db: sqlite3.Connection, acceptance: Acceptance) -> None:
    """Only the first of a group recalls anything, and it does before its own deliveries are there."""
    if acceptance.recalls:
        db.execute(SQL["recall"], {"first": acceptance.message.first, "recipients": json_text(acceptance.recalls)})


def _make_due(db: sqlite3.Connection, following: Sequence[NewDissemination]) -> None:
    """What of their chains still waits for their recipients goes before them, and so with them."""
    if following:
        new = [(each.delivery.first, each.delivery.recipient, rows.micros(each.delivery.due_at)) for each in following]
        db.execute(SQL["make_due"], {"new": json_text(new)})


def _insert_accepted(
    db: sqlite3.Connection, stored: Sequence[Acceptance], message: int, dissemination: int, position: int
) -> None:
    sender_ids: list[rows.Row] = []
    messages: list[rows.Row] = []
    made: list[tuple[int, NewDissemination]] = []
    entries: list[AuditEntry] = []
    disclosures: list[Filed] = []
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
        disclosures.extend(each.disclosures)
    insert(db, "insert_sender_ids", sender_ids)
    insert(db, "insert_signature_uses", [row for each in stored for row in rows.signature_rows(each)])
    _insert_kept(db, [each.kept for each in stored])
    insert(db, "insert_messages", messages)
    _insert_disseminations(db, made, dissemination, position)
    insert_disclosures(db, disclosures)
    insert_entries(db, entries)
    put_replies(db, [each.reply for each in stored if each.reply is not None])


def _insert_disseminations(
    db: sqlite3.Connection, made: Sequence[tuple[int, NewDissemination]], dissemination: int, position: int
) -> None:
    """made: each with the number of its message. dissemination, position: the last given."""
    disseminations: list[rows.Row] = []
    deliveries: list[rows.Row] = []
    deadlines: list[rows.Row] = []
    for number, (message, new) in enumerate(made, dissemination + 1):
        position += 1
        key, _, *what = rows.dissemination_row(new.dissemination)
        disseminations.append((number, key, message, *what, *rows.sealed_row(new.payload), new.cover))
        key, _, _, *how, deadline = rows.delivery_row(new.delivery)
        deliveries.append((number, key, *how, position))
        if deadline is not None:
            deadlines.append((number, deadline))
    insert(db, "insert_disseminations", disseminations)
    insert(db, "insert_deliveries", deliveries)
    insert(db, "insert_deadlines", deadlines)
    _insert_kept(db, [new.kept for _, new in made])
    if deliveries:
        db.execute(SQL["set_position"], {"last": position})


def _insert_kept(db: sqlite3.Connection, kept: Sequence[Kept | None]) -> None:
    insert(db, "insert_kept", [retention_rows.kept_row(each) for each in kept if each is not None])


def _release(db: sqlite3.Connection, wanted: Sequence[EmergencyRelease]) -> list[Stored]:
    return [_release_one(db, release) for release in wanted]


def _release_one(db: sqlite3.Connection, release: EmergencyRelease) -> Stored:
    version, message, dissemination, position = db.execute(
        SQL["release_standing"], {"message": release.message.id}
    ).fetchone()
    (size,) = db.execute(SQL["chain_size"], {"first": release.message.first}).fetchone()
    if message is None or (version, size) != (release.configuration, release.chain_size):
        return Stored.STALE
    _make_due(db, release.disseminations)
    _insert_disseminations(db, [(message, new) for new in release.disseminations], dissemination, position)
    insert(db, "insert_because", rows.because_rows(release))
    insert_disclosures(db, release.disclosures)
    _insert_kept(db, [release.kept])
    insert_entries(db, release.entries)
    return Stored.STORED


def _refuse(db: sqlite3.Connection, wanted: Sequence[RefusedMessage]) -> list[None]:
    insert(db, "insert_refused", [rows.refused_row(refused) for refused in wanted])
    _insert_kept(db, [refused.kept for refused in wanted])
    insert_entries(db, list(chain.from_iterable(refused.entries for refused in wanted)))
    put_replies(db, [refused.reply for refused in wanted if refused.reply is not None])
    return [None] * len(wanted)


def _unsign(db: sqlite3.Connection, wanted: Sequence[dict[str, int]]) -> list[int]:
    return [db.execute(SQL["forget_signatures"], values).rowcount for values in wanted]


ACTS: Final[Acts] = {"accept": _accept, "release": _release, "refuse": _refuse, "unsign": _unsign}
