"""The promises of `store.messages`, kept by SQLite.

The write lock is held from BEGIN on: what is read here stays true until COMMIT, and every check is made before the
write it speaks of.
"""

import json
import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.message import DisseminationId, Filed, Message, MessageId, Sealed
from gateway.retention.kept import Kept
from gateway.store import retention_rows, rows
from gateway.store.agency_text import json_text
from gateway.store.messages import (
    Acceptance,
    DisseminationRecord,
    EmergencyRelease,
    Known,
    MessageRecord,
    NewDissemination,
    RefusedMessage,
    Stored,
)
from gateway.store.sqlite_disclosures import insert_disclosures
from gateway.store.sqlite_reading import Reading
from gateway.store.sqlite_replies import put_replies
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries


class SqliteMessages(Reading):
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

    async def release(self, release: EmergencyRelease) -> Stored:
        """Write all or nothing."""
        stored: Stored = await self._writer.write("release", release)
        return stored

    async def because(self, dissemination: DisseminationId) -> Sealed | None:
        """What a person wrote of a release."""
        return await self._one(rows.sealed_of, "because", dissemination=dissemination)

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal."""
        await self._writer.write("refuse", refused)

    async def message(self, id: MessageId) -> MessageRecord | None:
        """One accepted message."""
        return await self._one(rows.message_record_of, "message", id=id)

    async def messages(self, sender: AgencyId | None, before: MessageId | None, limit: int) -> tuple[Message, ...]:
        """Newest first, by key."""
        if sender is None:
            return await self._all(rows.message_of, "messages", before=before, limit=limit)
        return await self._all(rows.message_of, "messages_of_sender", sender=sender, before=before, limit=limit)

    async def disseminations(self, message: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of one message, in order of recipient."""
        return await self._all(rows.record_of, "disseminations", message=message)

    async def chain_messages(self, first: MessageId) -> tuple[Message, ...]:
        """Every message of a chain."""
        return await self._all(rows.message_of, "chain_messages", first=first)

    async def chain(self, first: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of every message of a chain."""
        return await self._all(rows.record_of, "chain", first=first)


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
    asked = {"message": release.message.id, "first": release.message.first}
    version, message, size, dissemination, position = db.execute(SQL["release_standing"], asked).fetchone()
    if message is None or (version, size) != (release.configuration, release.chain_size):
        return Stored.STALE
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


ACTS: Final[Acts] = {"accept": _accept, "release": _release, "refuse": _refuse}
