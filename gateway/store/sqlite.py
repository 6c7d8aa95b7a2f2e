"""SQLite: one file, one machine, any number of processes.

WAL with synchronous FULL: a commit is on disk before anybody is answered, and readers never wait for writers. Each
process writes on one thread (`sqlite_writer.py`). The point reads that each message needs run where they are asked, on
the event loop: 20 microseconds, less than handing them to a thread. Whatever reads payloads or lists runs on reader
threads.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId, DisseminationId, Message, MessageId, Sealed
from gateway.policy.consent import Consent
from gateway.store import configuration_rows, rows
from gateway.store.agency_text import agency_of, json_text
from gateway.store.database import APPLIED, MIGRATION_TABLE, NotDurable, check_applied
from gateway.store.interface import (
    Acceptance,
    Change,
    Claim,
    Configuration,
    ConfigurationChanged,
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
from gateway.store.sqlite_transaction import (
    SQL,
    Changing,
    Claiming,
    Moving,
    Sequencing,
    Settling,
    hashes,
    transact,
)
from gateway.store.sqlite_writer import Writer

_T = TypeVar("_T")

_READERS: Final = 2
"""Threads for lists and payloads: one long list does not hold up the next reader."""

_ENDED: Final = frozenset({State.UNDELIVERABLE, State.EXPIRED, State.RECALLED})

_SEQUENCE_TRIES_MAX: Final = 5


class SqliteStore:
    """The promises of `interface.Store`, kept by SQLite."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = Writer(lambda: self._connect(writes=True), transact)
        self._inline: sqlite3.Connection | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reading = threading.local()
        self._connections: list[sqlite3.Connection] = []

    # connecting

    async def open(self) -> None:
        """Connect."""
        check_applied("sqlite", await asyncio.to_thread(applied_migrations, self._path))
        with _wrapped():
            self._writer.start()
            self._inline = self._connect(writes=False)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._writer.stop()
        readers, self._readers = self._readers, None
        if readers is not None:
            await asyncio.to_thread(readers.shutdown)
        if self._inline is not None:
            self._inline.close()
            self._inline = None
        while self._connections:
            self._connections.pop().close()

    def _connect(self, *, writes: bool) -> sqlite3.Connection:
        # mode=rw: a missing file is an error, not a new empty database. Statements are cached by text, and a batch has
        # one text for each number of rows.
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=rw",
            uri=True,
            # A writer waits in its own loop, in smaller steps than SQLite's.
            timeout=0 if writes else 5,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=1024 if writes else 128,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.close()
            raise NotDurable("the database is not in WAL mode; its folder may be on a network file system")
        connection.execute(f"PRAGMA cache_size = {-32_000 if writes else -8_000}")
        if not writes:
            connection.execute("PRAGMA query_only = ON")
        return connection

    # reading

    def _now(self, query: str, **values: object) -> Any:
        """One row, or None, read where it is asked."""
        if self._inline is None:
            raise StoreUnavailable("the store is closed")
        with _wrapped():
            return self._inline.execute(SQL[query], values).fetchone()

    async def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read on a reader thread."""
        if self._readers is None:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._on_reader, read)

    def _on_reader(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        with _wrapped():
            connection: sqlite3.Connection | None = getattr(self._reading, "connection", None)
            if connection is None:
                connection = self._reading.connection = self._connect(writes=False)
                self._connections.append(connection)
            return read(connection)

    async def _all(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> tuple[_T, ...]:
        """All rows of a query as values."""
        return await self._read(lambda db: tuple(of(row) for row in db.execute(SQL[query], values)))

    async def _one(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> _T | None:
        """The first row of a query as a value, read on a reader thread: it may carry a large payload."""
        found = await self._all(of, query, **values)
        return found[0] if found else None

    # facts and configuration

    async def fact(self, name: str) -> str | None:
        """A named fact of the deployment."""
        row = self._now("fact", name=name)
        return None if row is None else row[0]

    async def set_fact(self, name: str, value: str) -> str:
        """Set it if it is not set yet; gives the value that now stands."""
        stands: str = await self._writer.write("fact", (name, value))
        return stands

    async def configuration_version(self) -> int:
        """The version, some microseconds away."""
        version: int = self._now("configuration_version")[0]
        return version

    async def configuration(self) -> Configuration:
        """A consistent snapshot."""
        return await self._read(_configuration)

    async def change(
        self,
        changes: Sequence[Change],
        entries: Sequence[AuditEntry],
        relisted: Relisted | None = None,
        *,
        under: int | None = None,
    ) -> int:
        """Apply all changes, write the entries, and give the new version."""
        changing = Changing(changes=tuple(changes), entries=tuple(entries), relisted=relisted, under=under)
        version: int | None = await self._writer.write("change", changing)
        if version is None:
            raise ConfigurationChanged("the configuration changed meanwhile; try again")
        return version

    # consents

    async def consents(self, subjects: Collection[str]) -> tuple[Consent, ...]:
        """Every consent of the persons with these blind indexes."""
        return await self._all(configuration_rows.consent_of, "consents", subjects=json_text(sorted(subjects)))

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

    async def emergencies(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[StoredEntry, ...]:
        """Entries of emergency releases, oldest first."""
        period = {"since": rows.micros_or_none(since), "until": rows.micros_or_none(until)}
        return await self._all(rows.stored_entry_of, "emergencies", **period, after=after, limit=limit)

    async def refuse(self, refused: RefusedMessage) -> None:
        """Record a refusal."""
        await self._writer.write("refuse", refused)

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that go with no other write."""
        await self._writer.write("record", tuple(entries))

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
        claiming = Claiming(now=now, lease_until=lease_until, limit=limit, per_recipient=per_recipient, push=push)
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

    async def move(self, delivery: Delivery, *, expected: State, entries: Sequence[AuditEntry]) -> bool:
        """Replace a delivery that stands in `expected`."""
        moving = Moving(delivery=delivery, expected=expected, entries=tuple(entries))
        moved: bool = await self._writer.write("move", moving)
        return moved

    async def inbox(
        self, agency: AgencyId, after: int, limit: int, *, withheld: Collection[str] = ()
    ) -> tuple[DisseminationRecord, ...]:
        """WAITING deliveries to this agency, by position."""
        values = {"recipient": agency, "after": after, "limit": limit, "withheld": json_text(sorted(withheld))}
        return await self._all(rows.record_of, "inbox", **values)

    async def waiting_under(self, versions: Collection[str], limit: int) -> tuple[DeliveryId, ...]:
        """WAITING deliveries that were decided under these versions of agreements."""
        values = {"versions": json_text(sorted(versions)), "limit": limit}
        return await self._all(lambda row: DeliveryId(row[0]), "waiting_under", **values)

    # audit

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        """Order up to `limit` unordered entries into the log.

        The entries are read before the write lock is taken: reading a thousand rows would hold it for long. Under the
        lock it is checked that they still wait, at the same size of the tree, and `build` is called.
        """
        for _ in range(_SEQUENCE_TRIES_MAX):
            sequencing = await self._read(lambda db: _waiting_entries(db, limit, build))
            if sequencing is None:
                return 0
            if await self._writer.write("sequence", sequencing):
                return len(sequencing.entries)
        return 0  # others order them as fast as this one reads

    async def entry(self, id: str) -> StoredEntry | None:
        """One audit entry by its id."""
        row = self._now("entry", id=id)
        return None if row is None else rows.stored_entry_of(row)

    async def entries(self, start: int, limit: int) -> tuple[StoredEntry, ...]:
        """Ordered entries from index `start` on."""
        return await self._all(rows.stored_entry_of, "entries", start=start, limit=limit)

    async def entries_of(self, message: MessageId) -> tuple[StoredEntry, ...]:
        """Entries about one message, in the order they were written."""
        return await self._all(rows.stored_entry_of, "entries_of", message=message)

    async def entries_of_types(self, types: Collection[str], *, after: str = "", limit: int) -> tuple[StoredEntry, ...]:
        """Entries of these types, in the order they were written."""
        values = {"types": json_text(sorted(types)), "after": after, "limit": limit}
        return await self._all(rows.stored_entry_of, "entries_of_types", **values)

    async def entry_by_leaf(self, leaf_hash: bytes) -> StoredEntry | None:
        """The entry with this leaf hash."""
        return await self._one(rows.stored_entry_of, "entry_by_leaf", leaf_hash=leaf_hash)

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Hashes of complete subtrees of 256**level leaves."""
        return await self._read(lambda db: hashes(db, level, start, count))

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        """The newest signed checkpoint, or the one of exactly this size."""
        row = self._now("newest_checkpoint") if size is None else self._now("checkpoint_of_size", size=size)
        return None if row is None else row[0]

    async def counts(self) -> Counts:
        """For metrics and the doctor."""
        return await self._read(_counts)


def applied_migrations(path: Path) -> frozenset[str]:
    """Names of the migrations that the file has; a missing file has none, and is not made."""
    if not path.exists():
        return frozenset()
    with _wrapped(), closing(sqlite3.connect(path, timeout=5)) as db:
        found = db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (MIGRATION_TABLE,)).fetchone()
        return frozenset() if found is None else frozenset(name for (name,) in db.execute(APPLIED))


@contextmanager
def _wrapped() -> Iterator[None]:
    """The database's own words stay in the cause."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable("the database did not answer") from error


@contextmanager
def _snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Several reads that see one state."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _configuration(db: sqlite3.Connection) -> Configuration:
    with _snapshot(db):
        return Configuration(
            version=db.execute(SQL["configuration_version"]).fetchone()[0],
            agencies=tuple(agency_of(text) for (text,) in db.execute(SQL["agencies"])),
            credentials=tuple(map(configuration_rows.credential_of, db.execute(SQL["credentials"]))),
            agreements=tuple(map(configuration_rows.agreement_of, db.execute(SQL["agreements"]))),
            exchanges=tuple(map(configuration_rows.exchange_of, db.execute(SQL["exchanges"]))),
            users=tuple(map(configuration_rows.user_of, db.execute(SQL["users"]))),
            approvals=tuple(map(configuration_rows.approval_of, db.execute(SQL["approvals"]))),
            laws=tuple(map(configuration_rows.law_of, db.execute(SQL["laws"]))),
        )


def _claims(db: sqlite3.Connection, taken: Sequence[tuple[int, int]]) -> tuple[Claim, ...]:
    """What was taken, in the order in which it should be sent, as far as it is still held."""
    found = {row[33]: row for row in db.execute(SQL["taken"], {"numbers": json_text([number for number, _ in taken])})}
    return tuple(
        Claim(record=rows.record_of(found[number]), lease=f"{number}.{fence}")
        for number, fence in taken
        if found[number][34] == fence
    )


def _waiting_entries(
    db: sqlite3.Connection, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]
) -> Sequencing | None:
    with _snapshot(db):
        size = db.execute(SQL["log_size"]).fetchone()[0]
        found = db.execute(SQL["pending"], {"limit": limit}).fetchall()
    if not found:
        return None
    return Sequencing(
        size=size,
        entries=tuple(rows.entry_of(row[:7]) for row in found),
        numbers=tuple(row[7] for row in found),
        build=build,
    )


def _counts(db: sqlite3.Connection) -> Counts:
    with _snapshot(db):
        oldest = db.execute(SQL["oldest_due"]).fetchone()[0]
        unsequenced, since = db.execute(SQL["unsequenced"]).fetchone()
        return Counts(
            messages=db.execute(SQL["count_messages"]).fetchone()[0],
            deliveries=tuple(
                (AgencyId(recipient), State(state), count)
                for recipient, state, count in db.execute(SQL["count_deliveries"])
            ),
            oldest=None if oldest is None else rows.moment(oldest),
            unsequenced=unsequenced,
            unsequenced_since=None if since is None else rows.moment(since),
            log_size=db.execute(SQL["log_size"]).fetchone()[0],
            emergencies=db.execute(SQL["count_emergencies"]).fetchone()[0],
        )
