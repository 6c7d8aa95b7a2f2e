"""What the log is asked: entries by what they say, in a period, a page at a time. It outlives what it speaks of."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.delivery.delivery import Delivery
from gateway.message import MessageId, uuid7_floor
from gateway.store.log import StoredEntry

COMMON = frozenset(
    {
        EntryType.RECEIVE,
        EntryType.REPEAT,
        EntryType.DISSEMINATE,
        EntryType.DELIVER,
        EntryType.EVIDENCE,
        EntryType.FAIL,
        EntryType.READ,
    }
)
"""Types of entries that each message, try or reading by a recipient writes: no index finds them by their type. The same
list stands in the migrations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which entries: from one moment up to, not including, another, None = from the first, to the last; after the
    entry with this id in the order of the answer, "" = from the beginning; at most so many."""

    since: datetime | None = None
    until: datetime | None = None
    after: str = ""
    limit: int

    @property
    def ids(self) -> tuple[str, str]:
        """The period as bounds of ids, which sort by time."""
        since = uuid7_floor(self.since) if self.since is not None else ""
        return since, uuid7_floor(self.until) if self.until is not None else "g"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallied:
    """How many entries of a type say this code, and when the first and the last of them was written."""

    type: str
    code: str
    count: int
    first: datetime
    last: datetime


class Answers(Protocol):
    """Entries by what they say; those not yet in the tree too. Ordered by moment, those of one moment as they were
    written; where the order is that of ids, it is said."""

    async def entries_of_types(
        self,
        types: Collection[str],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str = "",
        limit: int,
    ) -> tuple[StoredEntry, ...]:
        """Entries of these types. With one of `COMMON` among them all entries of the period are read, in the order of
        ids; without, an index finds them."""

    async def readings(self, page: Page) -> tuple[StoredEntry, ...]:
        """Readings of content by people."""

    async def disseminated(
        self,
        versions: Collection[str] | None,
        page: Page,
        *,
        sender: AgencyId | None = None,
        recipient: AgencyId | None = None,
    ) -> tuple[StoredEntry, ...]:
        """What went under these versions of agreements, "JAIL-PD-2026-01@1", but for copies to the sender itself;
        None = under any, in the order of ids."""

    async def accounted(self, page: Page) -> tuple[StoredEntry, ...]:
        """Disseminations that say how much of what is accounted for went (`counts`)."""

    async def late(self, page: Page) -> tuple[StoredEntry, ...]:
        """Ends of deliveries that say a `deadline` which was missed; the period is that of the deadline."""

    async def overdue(
        self, now: datetime, *, since: datetime | None, until: datetime | None, limit: int
    ) -> tuple[Delivery, ...]:
        """Deliveries WAITING or SENDING past their deadline, the longest past first; the period is the deadline's."""

    async def entries_about(self, messages: Collection[MessageId]) -> tuple[StoredEntry, ...]:
        """The stories of these messages, in the order they were written."""

    async def entries_at(self, indexes: Collection[int]) -> tuple[StoredEntry, ...]:
        """The entries of the tree with these indexes, in their order; those there are."""

    async def tallies(
        self, types: Collection[str], since: datetime | None, until: datetime | None
    ) -> tuple[Tallied, ...]:
        """How often entries of these types, none of them `COMMON`, say each `code`; the most frequent first."""
