"""PostgreSQL: any number of nodes on one database.

Acceptances, outcomes and audit entries of concurrent callers share transactions (`gather.py`): fewer round trips and
fewer commits. What is written when is in `postgres_transaction.py`. A commit is answered when the server's
`synchronous_commit` lets it, which is checked at the start.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId, DisseminationId, Message, MessageId, Sealed
from gateway.policy.consent import Consent
from gateway.store import configuration_rows, rows
from gateway.store import postgres_transaction as transaction
from gateway.store.agency_text import agency_of
from gateway.store.database import NotDurable, check_applied
from gateway.store.gather import Gather
from gateway.store.interface import (
    Acceptance,
    Change,
    Claim,
    Configuration,
    Counts,
    DisseminationRecord,
    EmergencyRelease,
    Known,
    MessageRecord,
    NewLeaves,
    RefusedMessage,
    Relisted,
    Stored,
    StoredEntry,
    StoreUnavailable,
    TreeHead,
)
from gateway.store.points import reach
from gateway.store.postgres_pool import Connected, applied_migrations, open_pool, wrapped
from gateway.store.postgres_sequencer import Sequencer
from gateway.store.postgres_transaction import SQL

_T = TypeVar("_T")

_ENDED: Final = frozenset({State.UNDELIVERABLE, State.EXPIRED, State.RECALLED})

_BATCH_MAX: Final = 64

_BATCH_BYTES_MAX: Final = 32 * 1024 * 1024
"""Payloads in one transaction, unless one alone is larger. They go as one value; PostgreSQL takes 1 GB."""

_ROLLED_BACK: Final = ("22", "23", "40")
"""Classes of SQLSTATE that say that nothing was stored: bad data, a broken constraint, a deadlock."""


class NoConnection(StoreUnavailable):
    """No connection in time: nothing was asked of the database, and whoever asks next would wait as long."""


class PostgresStore:
    """The promises of `interface.Store`, kept by PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open_pool: AsyncConnectionPool[Connected] | None = None
        self._sequencer = Sequencer(url)
        self._accepting = Gather(self._accept_group, most=_BATCH_MAX, in_vain=NoConnection)
        self._settling = Gather(self._settle_group, most=_BATCH_MAX, in_vain=NoConnection)
        self._recording = Gather(self._record_group, most=_BATCH_MAX, in_vain=NoConnection)
        self._asking_known = Gather(self._known_group, most=_BATCH_MAX, in_vain=NoConnection)
        self._asking_version = Gather(self._version_group, most=10_000, in_vain=NoConnection)

    # connecting

    async def open(self) -> None:
        """Connect."""
        check_applied("postgres", await asyncio.to_thread(applied_migrations, self._url))
        with wrapped():
            pool = await open_pool(self._url)
        self._open_pool = pool
        if not await self._value("durability"):
            await self.close()
            raise NotDurable("PostgreSQL runs with synchronous_commit or fsync off: a commit could be lost")

    async def close(self) -> None:
        """Finish what is under way and let go."""
        for gathering in (self._accepting, self._settling, self._recording, self._asking_known, self._asking_version):
            await gathering.finish()
        await asyncio.to_thread(self._sequencer.close)
        pool, self._open_pool = self._open_pool, None
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connected]:
        if self._open_pool is None:
            raise StoreUnavailable("the store is closed")
        try:
            with wrapped():
                async with self._open_pool.connection() as db:
                    yield db
        except StoreUnavailable as error:
            if isinstance(error.__cause__, PoolTimeout):
                raise NoConnection(error.text) from error.__cause__
            raise

    @asynccontextmanager
    async def _writing(self, kind: str) -> AsyncIterator[Connected]:
        """A transaction. Statements are sent without waiting for each answer; all have succeeded before COMMIT is."""
        async with self._connected() as db:
            async with db.pipeline() as pipeline, db.transaction():
                yield db
                await pipeline.sync()
                reach(f"{kind}.before-commit")
            reach(f"{kind}.after-commit")

    # reading

    async def _rows(self, query: str, **values: object) -> list[rows.Row]:
        """All rows. Asked twice when the connection was found broken: the server may have been restarted."""
        for last in (False, True):
            try:
                async with self._connected() as db:
                    cursor = db.cursor(binary=True)
                    await cursor.execute(SQL[query], values)
                    return await cursor.fetchall()
            except StoreUnavailable as error:
                again = isinstance(error.__cause__, psycopg.OperationalError) and not isinstance(error, NoConnection)
                if last or self._open_pool is None or not again:
                    raise
                await self._open_pool.check()
        raise AssertionError("the second time returns or raises")

    async def _value(self, query: str, **values: object) -> Any:
        found = await self._rows(query, **values)
        return found[0][0] if found else None

    async def _all(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> tuple[_T, ...]:
        return tuple(of(row) for row in await self._rows(query, **values))

    async def _one(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> _T | None:
        found = await self._rows(query, **values)
        return of(found[0]) if found else None

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connected]:
        """Several reads that see one state."""
        async with self._connected() as db, db.transaction():
            await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield db

    # facts and configuration

    async def fact(self, name: str) -> str | None:
        """A named fact of the deployment."""
        found: str | None = await self._value("fact", name=name)
        return found

    async def set_fact(self, name: str, value: str) -> str:
        """Set it if it is not set yet; gives the value that now stands."""
        async with self._writing("fact") as db:
            await db.execute(SQL["set_fact"], {"name": name, "value": value})
            stands: str = await transaction.value(db, "fact", name=name)
        return stands

    async def configuration_version(self) -> int:
        """The version; callers at one time share a round trip."""
        return await self._asking_version(None)

    async def _version_group(self, askers: Sequence[None]) -> Sequence[int]:
        return [await self._value("configuration_version")] * len(askers)

    async def configuration(self) -> Configuration:
        """A consistent snapshot."""
        async with self._snapshot() as db:
            return Configuration(
                version=await transaction.value(db, "configuration_version"),
                agencies=tuple(agency_of(text) for (text,) in await _fetch(db, "agencies")),
                credentials=tuple(map(configuration_rows.credential_of, await _fetch(db, "credentials"))),
                agreements=tuple(map(configuration_rows.agreement_of, await _fetch(db, "agreements"))),
                exchanges=tuple(map(configuration_rows.exchange_of, await _fetch(db, "exchanges"))),
                users=tuple(map(configuration_rows.user_of, await _fetch(db, "users"))),
                approvals=tuple(map(configuration_rows.approval_of, await _fetch(db, "approvals"))),
                laws=tuple(map(configuration_rows.law_of, await _fetch(db, "laws"))),
            )

    async def change(
        self,
        changes: Sequence[Change],
        entries: Sequence[AuditEntry],
        relisted: Relisted | None = None,
        *,
        under: int | None = None,
    ) -> int:
        """Apply all changes, write the entries, and give the new version."""
        async with self._writing("change") as db:
            return await transaction.change(db, changes, entries, relisted, under)

    # consents

    async def consents(self, subjects: Collection[str]) -> tuple[Consent, ...]:
        """Every consent of the persons with these blind indexes."""
        return await self._all(configuration_rows.consent_of, "consents", subjects=sorted(subjects))

    async def consent(self, id: str) -> Consent | None:
        """One consent."""
        return await self._one(configuration_rows.consent_of, "consent", id=id)

    async def consents_of(self, holder: AgencyId | None, before: str | None, limit: int) -> tuple[Consent, ...]:
        """Newest first, by key."""
        values = {"holder": holder, "before": before, "limit": limit}
        return await self._all(configuration_rows.consent_of, "consents_of", **values)

    # messages

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
            return await transaction.accept(db, group)

    async def _together(
        self, write: Callable[[Sequence[Any]], Awaitable[Sequence[_T]]], group: Sequence[Any]
    ) -> list[_T | Exception]:
        """Write a group; when it was rolled back because of one of them, each by itself."""
        if not group:
            return []
        try:
            return list(await write(group))
        except NoConnection:
            raise
        except StoreUnavailable as error:
            if len(group) == 1 or not _rolled_back(error):
                return [StoreUnavailable(error.text).with_traceback(error.__traceback__) for _ in group]
        except Exception as error:  # noqa: BLE001 - a mistake of the caller's, who is told
            if len(group) == 1:
                return [error]
        return [result for each in group for result in await self._together(write, [each])]

    async def release(self, release: EmergencyRelease) -> Stored:
        """Write all or nothing."""
        async with self._writing("release") as db:
            return await transaction.release(db, release)

    async def because(self, dissemination: DisseminationId) -> Sealed | None:
        """What a person wrote of a release."""
        return await self._one(rows.sealed_of, "because", dissemination=dissemination)

    async def emergencies(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[StoredEntry, ...]:
        """Entries of emergency releases, oldest first."""
        period = {"since": rows.micros_or_none(since), "until": rows.micros_or_none(until)}
        return await self._all(rows.stored_entry_of, "emergencies", **period, after=after, limit=limit)

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal."""
        async with self._writing("refuse") as db:
            await transaction.refuse(db, refused)

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that go with no other write."""
        await self._recording(tuple(entries))

    async def _record_group(self, group: Sequence[Sequence[AuditEntry]]) -> Sequence[Exception | None]:
        return await self._together(self._record_together, group)

    async def _record_together(self, group: Sequence[Sequence[AuditEntry]]) -> Sequence[None]:
        async with self._writing("record") as db:
            await transaction.insert_entries(db, [entry for entries in group for entry in entries])
        return [None] * len(group)

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

    # deliveries

    async def claim(
        self, *, now: datetime, lease_until: datetime, limit: int, per_recipient: int, push: frozenset[AgencyId]
    ) -> tuple[Claim, ...]:
        """Take due deliveries."""
        async with self._writing("claim") as db:
            return await transaction.claim(
                db,
                now=rows.micros(now),
                lease_until=rows.micros(lease_until),
                limit=limit,
                per_recipient=per_recipient,
                push=push,
            )

    async def settle(self, lease: str, delivery: Delivery, entries: Sequence[AuditEntry]) -> bool:
        """Write the outcome of a try."""
        return await self._settling((lease, delivery, tuple(entries)))

    async def _settle_group(self, group: Sequence[transaction.Settling]) -> Sequence[bool | Exception]:
        return await self._together(self._settle_together, group)

    async def _settle_together(self, group: Sequence[transaction.Settling]) -> Sequence[bool]:
        async with self._writing("settle") as db:
            return await transaction.settle(db, group)

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

    async def move(self, delivery: Delivery, *, expected: State, entries: Sequence[AuditEntry]) -> bool:
        """Replace a delivery that stands in `expected`."""
        async with self._writing("move") as db:
            return await transaction.move(db, delivery, expected, entries)

    async def inbox(
        self, agency: AgencyId, after: int, limit: int, *, withheld: Collection[str] = ()
    ) -> tuple[DisseminationRecord, ...]:
        """WAITING deliveries to this agency, by position."""
        values = {"recipient": agency, "after": after, "limit": limit, "withheld": sorted(withheld)}
        return await self._all(rows.record_of, "inbox", **values)

    async def waiting_under(self, versions: Collection[str], limit: int) -> tuple[DeliveryId, ...]:
        """WAITING deliveries that were decided under these versions of agreements."""
        values = {"versions": sorted(versions), "limit": limit}
        return await self._all(lambda row: DeliveryId(row[0]), "waiting_under", **values)

    # audit

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        """Order up to `limit` unordered entries into the log."""
        return await asyncio.to_thread(self._sequencer.sequence, limit, build)

    async def entry(self, id: str) -> StoredEntry | None:
        """One audit entry by its id."""
        return await self._one(rows.stored_entry_of, "entry", id=id)

    async def entries(self, start: int, limit: int) -> tuple[StoredEntry, ...]:
        """Ordered entries from index `start` on."""
        return await self._all(rows.stored_entry_of, "entries", start=start, limit=limit)

    async def entries_of(self, message: MessageId) -> tuple[StoredEntry, ...]:
        """Entries about one message, in the order they were written."""
        return await self._all(rows.stored_entry_of, "entries_of", message=message)

    async def entries_of_types(self, types: Collection[str], *, after: str = "", limit: int) -> tuple[StoredEntry, ...]:
        """Entries of these types, in the order they were written."""
        values = {"types": sorted(types), "after": after, "limit": limit}
        return await self._all(rows.stored_entry_of, "entries_of_types", **values)

    async def entry_by_leaf(self, leaf_hash: bytes) -> StoredEntry | None:
        """The entry with this leaf hash."""
        return await self._one(rows.stored_entry_of, "entry_by_leaf", leaf_hash=leaf_hash)

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Hashes of complete subtrees of 256**level leaves."""
        query = "subtree_hashes" if level else "leaf_hashes"
        values = {"level": level, "start": start, "count": count}
        return tuple(row[0] for row in await self._rows(query, **values))

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        """The newest signed checkpoint, or the one of exactly this size."""
        if size is None:
            newest: bytes | None = await self._value("newest_checkpoint")
            return newest
        found: bytes | None = await self._value("checkpoint_of_size", size=size)
        return found

    async def counts(self) -> Counts:
        """For metrics and the doctor."""
        async with self._snapshot() as db:
            oldest = await transaction.value(db, "oldest_due")
            ((unsequenced, since),) = await _fetch(db, "unsequenced")
            return Counts(
                messages=await transaction.value(db, "count_messages"),
                deliveries=tuple(
                    (AgencyId(recipient), State(state), count)
                    for recipient, state, count in await _fetch(db, "count_deliveries")
                ),
                oldest=None if oldest is None else rows.moment(oldest),
                unsequenced=unsequenced,
                unsequenced_since=None if since is None else rows.moment(since),
                log_size=await transaction.value(db, "log_size"),
                emergencies=await transaction.value(db, "count_emergencies"),
            )


async def _fetch(db: Connected, query: str) -> list[rows.Row]:
    cursor = db.cursor(binary=True)
    await cursor.execute(SQL[query])
    return await cursor.fetchall()


def _size_bytes(acceptance: Acceptance) -> int:
    payloads = [acceptance.original, *(new.payload for new in acceptance.disseminations)]
    return sum(len(payload.ciphertext) for payload in payloads)


def _rolled_back(error: StoreUnavailable) -> bool:
    """Whether the database says that nothing was stored."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith(_ROLLED_BACK)
