"""A log in memory: the methods of a store that the log's verbs call, changed by plain assignment in tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.audit.note import NoteKey
from gateway.exchange.sequence import sequence
from gateway.message import MessageId, uuid7
from gateway.store.log import NewLeaves, StoredEntry, TreeHead
from gateway.store.witness import Head, LogTrouble

ORIGIN = "gateway.example.gov/log"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
JAIL = AgencyId("harlan-county-jail")


class PretendSigner:
    """A log key."""

    def __init__(self, name: str = ORIGIN) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.name = name
        self.public_bytes = self.private.public_key().public_bytes_raw()

    @property
    def key(self) -> NoteKey:
        return NoteKey(self.name, self.public_bytes)

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)


def entry(number: int, *, code: str = "schema.missing-element", message: MessageId | None = None) -> AuditEntry:
    """A refusal, the `number`-th of its day; one second after the one before it."""
    at = START + timedelta(seconds=number)
    return make(
        EntryType.REFUSE,
        id=uuid7(at, number.to_bytes(10)),
        at=at,
        parties=(JAIL,),
        message=message,
        sender=JAIL,
        code=code,
        count=number,
    )


@dataclass
class MemoryLog:
    """Entries waiting, entries in the tree, stored hashes above them, checkpoints by size."""

    waiting: list[AuditEntry] = field(default_factory=list)
    leaves: list[AuditEntry] = field(default_factory=list)
    above: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    verified: Head | None = None
    found: list[LogTrouble] = field(default_factory=list)

    def _hashes(self, level: int, start: int, count: int) -> Sequence[bytes]:
        if level == 0:
            return [each.leaf_hash for each in self.leaves[start : start + count]]
        return [self.above[level, index] for index in range(start, start + count) if (level, index) in self.above]

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        entries = self.waiting[:limit]
        if not entries:
            return 0
        head = TreeHead(size=len(self.leaves), checkpoint=await self.checkpoint(), hashes=self._hashes)
        new = build(head, entries)
        self.waiting = self.waiting[limit:]
        self.leaves += entries
        self.above.update({(level, index): each for level, index, each in new.subtrees})
        self.checkpoints[new.size] = new.checkpoint
        return len(entries)

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        self.waiting += entries

    async def entry(self, id: str) -> StoredEntry | None:
        for index, each in enumerate(self.leaves):
            if each.id == id:
                return StoredEntry(entry=each, index=index)
        return next((StoredEntry(entry=each, index=None) for each in self.waiting if each.id == id), None)

    async def entries(self, start: int, limit: int) -> tuple[StoredEntry, ...]:
        found = self.leaves[start : start + limit]
        return tuple(StoredEntry(entry=each, index=index) for index, each in enumerate(found, start))

    async def entries_of(self, message: MessageId) -> tuple[StoredEntry, ...]:
        found = [await self.entry(each.id) for each in [*self.leaves, *self.waiting] if each.message == message]
        return tuple(each for each in found if each is not None)

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        return tuple(self._hashes(level, start, count))

    async def signed_heads(self, after: int, limit: int) -> tuple[tuple[int, bytes], ...]:
        return tuple(sorted(each for each in self.checkpoints.items() if each[0] > after))[:limit]

    async def verified_head(self) -> Head | None:
        return self.verified

    async def keep_verified(self, head: Head) -> None:
        self.verified = head if self.verified is None or head.size > self.verified.size else self.verified

    async def report_trouble(self, trouble: LogTrouble, entries: Sequence[AuditEntry]) -> bool:
        self.found.append(trouble)
        self.waiting += entries
        return True

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        if size is None:
            size = max(self.checkpoints, default=-1)
        return self.checkpoints.get(size)


async def filled(signer: PretendSigner, *steps: int) -> MemoryLog:
    """A log with as many entries as the steps sum to, signed after each step."""
    log = MemoryLog()
    for step in steps:
        log.waiting += [entry(len(log.leaves) + number) for number in range(step)]
        await sequence(log, signer, origin=ORIGIN)
    return log
