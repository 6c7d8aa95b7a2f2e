"""The audit log in the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.audit.entry import AuditEntry
from gateway.message import MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An audit entry as it lies in the log; `index` is None until the sequencer has ordered it."""

    entry: AuditEntry
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """The log as the sequencer finds it: its size, the newest checkpoint, and how to read hashes of the tree.

    hashes(level, start, count): hashes of complete subtrees of 256**level leaves, from the start-th on
    """

    size: int
    checkpoint: bytes | None
    hashes: Callable[[int, int, int], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLeaves:
    """What the sequencer writes: the newly complete subtrees above level 0, and the signed checkpoint.

    subtrees  (level, index, hash), level >= 1
    """

    subtrees: tuple[tuple[int, int, bytes], ...]
    size: int
    checkpoint: bytes


class Log(Protocol):
    """The audit log."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Write audit entries that go with no other write (reading content, a sign-in)."""

    async def sequence(self, limit: int, build: Callable[[TreeHead, Sequence[AuditEntry]], NewLeaves]) -> int:
        """Order up to `limit` unordered entries into the log: `build` gets the head and the entries in leaf order and
        gives what to write. One sequencer at a time over all processes; how many were ordered. When `build` raises,
        nothing is written and its exception comes out. It may be called on another thread, it is not called when
        nothing waits, and it must be quick: on SQLite all writers wait for it."""

    async def entry(self, id: str) -> StoredEntry | None:
        """One audit entry by its id."""

    async def entries(self, start: int, limit: int) -> tuple[StoredEntry, ...]:
        """Ordered entries from index `start` on."""

    async def entries_of(self, message: MessageId) -> tuple[StoredEntry, ...]:
        """Entries about one message, in the order they were written."""

    async def emergencies(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[StoredEntry, ...]:
        """Entries of emergency releases from one moment up to, not including, another, oldest first, by key."""

    async def entry_by_leaf(self, leaf_hash: bytes) -> StoredEntry | None:
        """The entry with this leaf hash."""

    async def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Hashes of complete subtrees of 256**level leaves."""

    async def checkpoint(self, size: int | None = None) -> bytes | None:
        """The newest signed checkpoint, or the one of exactly this size."""
