"""The promises of `store.messages`, kept by PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.message import MessageId
from gateway.retention.kept import Kept
from gateway.store import retention_rows, rows
from gateway.store.gather import Gather
from gateway.store.messages import (
    Acceptance,
    EmergencyRelease,
    Known,
    NewDissemination,
    RefusedMessage,
    Stored,
)
from gateway.store.messages_read import MessagesRead
from gateway.store.postgres_disclosures import insert_disclosures
from gateway.store.postgres_pool import Connected
from gateway.store.postgres_reading import BATCH_MAX, NoConnection, Reading
from gateway.store.postgres_replies import put_reply
from gateway.store.postgres_statements import SQL, Space, insert, insert_batch, insert_entries, lock_keys, scalar

_BATCH_BYTES_MAX: Final = 32 * 1024 * 1024
"""Payloads in one transaction, unless one alone is larger. They go as one value; PostgreSQL takes 1 GB."""


class PostgresMessages(MessagesRead, Reading):
    """What was accepted, what was refused, and what each recipient gets of it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._accepting = Gather(self._accept_group, most=BATCH_MAX, in_vain=NoConnection)
        self._asking_known = Gather(self._known_group, most=BATCH_MAX, in_vain=NoConnection)

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._accepting.finish()
        await self._asking_known.finish()
        await super().close()

    async def known(self, sender: AgencyId, sender_id: str) -> Known | None:
        """What is stored under this sender's id."""
        return await self._asking_known((sender, sender_id))

    async def _known_group(self, wanted: Sequence[tuple[AgencyId, str]]) -> Sequence[Known | None]:
        asked = {"senders": [sender for sender, _ in wanted], "sender_ids": [sender_id for _, sender_id in wanted]}
        found = {
            (sender, sender_id): Known(message=MessageId(message), content_digest=content_digest, receipt=receipt)
            for sender, sender_id, message, content_digest, receipt in await self._rows("known", **asked)
        }
        return [found.get(key) for key in wanted]

    async def accept(self, acceptance: Acceptance) -> Stored:
        """Write all or nothing."""
        return await self._accepting(acceptance)

    async def _accept_group(self, group: Sequence[Acceptance]) -> Sequence[Stored | Exception]:
        """One transaction; those that recall something have one of their own, so that they see what was before them."""
        results: list[Stored | Exception] = []
        together: list[Acceptance] = []
        size_bytes = 0
        for acceptance in group:
            own = _size_bytes(acceptance)
            if together and (acceptance.recalls or together[-1].recalls or size_bytes + own > _BATCH_BYTES_MAX):
                results += await self._together(self._accept_together, together)
                together, size_bytes = [], 0
            together.append(acceptance)
            size_bytes += own
        return results + await self._together(self._accept_together, together)

    async def _accept_together(self, group: Sequence[Acceptance]) -> Sequence[Stored]:
        async with self._writing("accept") as db:
            return await _accept(db, group)

    async def forget_signatures(self, before: datetime, limit: int) -> int:
        """Forget signatures that were stale before this moment."""
        async with self._writing("unsign") as db:
            values = {"before": rows.micros(before), "limit": limit}
            return len(await (await db.execute(SQL["forget_signatures"], values)).fetchall())

    async def release(self, release: EmergencyRelease) -> Stored:
        """Write all or nothing."""
        async with self._writing("release") as db:
            return await _release(db, release)

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal."""
        async with self._writing("refuse") as db:
            await _refuse(db, refused)


async def _accept(db: Connected, group: Sequence[Acceptance]) -> list[Stored]:
    """Write a group. Only one that stands alone may recall something."""
    first_of_id = {(each.message.sender, each.message.sender_id): each for each in reversed(group)}
    free = await _take_sender_ids(db, list(first_of_id.values()))
    replayed = await _take_signatures(db, [each for each in first_of_id.values() if each.message.id in free])
    free -= replayed
    stored = [each for each in group if each.message.id in free]
    known = await _taken(db, [each for each in first_of_id.values() if each.message.id not in free])
    if stored:
        await _insert_accepted(db, stored)
    results: list[Stored] = []
    for each in group:
        sender_id = (each.message.sender, each.message.sender_id)
        if each.message.id in free:
            results.append(Stored.STORED)
        elif each.message.id in replayed:
            results.append(Stored.REPLAYED)
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


async def _take_signatures(db: Connected, wanted: Sequence[Acceptance]) -> frozenset[MessageId]:
    """Messages whose signature made another one; the ids they took are let go again. Where nobody signs, nothing is
    asked."""
    ordered = sorted((tuple(row) for each in wanted for row in rows.signature_rows(each)), key=lambda row: row[:2])
    if not ordered:
        return frozenset()
    senders, digests, messages, untils = zip(*ordered, strict=True)
    values = {"senders": senders, "digests": digests, "messages": messages, "untils": untils}
    taken = await db.execute(SQL["insert_signature_uses"], {name: list(each) for name, each in values.items()})
    replayed = frozenset(messages) - {message for (message,) in await taken.fetchall()}
    lost = [each.message for each in wanted if each.message.id in replayed]
    if lost:
        ids = {"senders": [each.sender for each in lost], "sender_ids": [each.sender_id for each in lost]}
        await db.execute(SQL["release_sender_ids"], ids)
    return frozenset(each.id for each in lost)


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
    await _make_due(
        db, [new for each in stored if each.message.first != each.message.id for new in each.disseminations]
    )
    new = [new for each in stored for new in each.disseminations]
    await insert_batch(
        db,
        "insert_messages",
        [
            (*rows.message_row(each.message), each.content_digest, each.receipt, *rows.sealed_row(each.original))
            for each in stored
        ],
    )
    await insert_disclosures(db, list(chain.from_iterable(each.disclosures for each in stored)))
    await _insert_kept(db, [*(each.kept for each in stored), *(each.kept for each in new)])
    await _insert_disseminations(db, new, list(chain.from_iterable(each.entries for each in stored)))
    for each in stored:  # after the entries of their messages
        if each.reply is not None:
            await put_reply(db, each.reply)


async def _make_due(db: Connected, following: Sequence[NewDissemination]) -> None:
    """What of their chains still waits for their recipients goes before them, and so with them."""
    if not following:
        return
    values = {
        "firsts": [each.delivery.first for each in following],
        "recipients": [each.delivery.recipient for each in following],
        "due_ats": [rows.micros(each.delivery.due_at) for each in following],
    }
    await db.execute(SQL["make_due"], values)


async def _insert_disseminations(db: Connected, new: Sequence[NewDissemination], entries: Sequence[AuditEntry]) -> None:
    await insert_batch(
        db,
        "insert_disseminations",
        [(*rows.dissemination_row(each.dissemination), *rows.sealed_row(each.payload), each.cover) for each in new],
    )
    await insert_entries(db, entries)
    # Last, since the inboxes stay locked until the commit.
    await lock_keys(db, Space.INBOX, (each.delivery.recipient for each in new))
    await insert_batch(db, "insert_deliveries", [rows.delivery_row(each.delivery) for each in new])


async def _insert_kept(db: Connected, kept: Sequence[Kept | None]) -> None:
    await insert_batch(db, "insert_kept", [retention_rows.kept_row(each) for each in kept if each is not None])


async def _release(db: Connected, release: EmergencyRelease) -> Stored:
    """Write a release, decided under the present configuration and chain."""
    await db.execute(SQL["share_configuration"], {"space": int(Space.CONFIGURATION)})
    await lock_keys(db, Space.CHAIN, (release.message.first,))
    standing = await (await db.execute(SQL["release_standing"], {"message": release.message.id})).fetchone()
    size = await scalar(db, "chain_size", first=release.message.first)
    if standing != (release.configuration, 1) or size != release.chain_size:
        return Stored.STALE
    await _make_due(db, release.disseminations)
    await insert(db, "insert_because", rows.because_rows(release))
    await insert_disclosures(db, release.disclosures)
    await _insert_kept(db, [release.kept, *(each.kept for each in release.disseminations)])
    await _insert_disseminations(db, release.disseminations, release.entries)
    return Stored.STORED


async def _refuse(db: Connected, refused: RefusedMessage) -> None:
    """Record a refusal."""
    await insert(db, "insert_refused", [rows.refused_row(refused)])
    await _insert_kept(db, [refused.kept])
    await insert_entries(db, refused.entries)
    if refused.reply is not None:
        await put_reply(db, refused.reply)


def _size_bytes(acceptance: Acceptance) -> int:
    payloads = [acceptance.original, *(new.payload for new in acceptance.disseminations)]
    return sum(len(payload.ciphertext) for payload in payloads)
