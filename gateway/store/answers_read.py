"""The promises of `store.answers`, kept by either database: what is asked is the same, its SQL is not."""

from collections.abc import Collection
from datetime import datetime

from gateway.agency import AgencyId
from gateway.delivery.delivery import Delivery
from gateway.message import MessageId
from gateway.store import rows
from gateway.store.answers import COMMON, Page, Tallied
from gateway.store.log import StoredEntry
from gateway.store.reads import Reads


class AnswersRead(Reads):
    """What the log is asked."""

    async def entries_of_types(
        self,
        types: Collection[str],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str = "",
        limit: int,
    ) -> tuple[StoredEntry, ...]:
        """Entries of these types."""
        page = Page(since=since, until=until, after=after, limit=limit)
        asked = self._listed(sorted(types))
        if COMMON.isdisjoint(types):
            return await self._page("rare_entries", page, types=asked)
        first, last = page.ids
        return await self._all(
            rows.stored_entry_of, "common_entries", types=asked, first=first, last=last, after=after, limit=limit
        )

    async def readings(self, page: Page) -> tuple[StoredEntry, ...]:
        """Readings of content by people."""
        return await self._page("readings", page)

    async def disseminated(
        self,
        versions: Collection[str] | None,
        page: Page,
        *,
        sender: AgencyId | None = None,
        recipient: AgencyId | None = None,
    ) -> tuple[StoredEntry, ...]:
        """What went under these versions of agreements."""
        asked = {"sender": sender or "", "recipient": recipient or ""}
        if versions is not None:
            return await self._page("disseminated", page, versions=self._listed(sorted(versions)), **asked)
        first, last = page.ids
        values = {"first": first, "last": last, "after": page.after, "limit": page.limit, **asked}
        return await self._all(rows.stored_entry_of, "all_disseminated", **values)

    async def accounted(self, page: Page) -> tuple[StoredEntry, ...]:
        """Disseminations that say how much of what is accounted for went."""
        return await self._page("accounted", page)

    async def late(self, page: Page) -> tuple[StoredEntry, ...]:
        """Ends of deliveries that missed a deadline of the period."""
        since, until = rows.timestamp_bounds(page.since, page.until)
        values = {"since": since, "until": until, "after": page.after, "limit": page.limit}
        return await self._all(rows.stored_entry_of, "late", **values)

    async def overdue(
        self, now: datetime, *, since: datetime | None, until: datetime | None, limit: int
    ) -> tuple[Delivery, ...]:
        """Deliveries under way whose deadline is past."""
        first, last = rows.bounds(since, until)
        values = {"now": rows.micros(now), "since": first, "until": last, "limit": limit}
        return await self._all(rows.delivery_of, "overdue", **values)

    async def entries_about(self, messages: Collection[MessageId]) -> tuple[StoredEntry, ...]:
        """The stories of these messages."""
        return await self._all(rows.stored_entry_of, "entries_about", messages=self._listed(sorted(set(messages))))

    async def entries_at(self, indexes: Collection[int]) -> tuple[StoredEntry, ...]:
        """The entries of the tree with these indexes."""
        return await self._all(rows.stored_entry_of, "entries_at", indexes=self._listed(sorted(set(indexes))))

    async def tallies(
        self, types: Collection[str], since: datetime | None, until: datetime | None
    ) -> tuple[Tallied, ...]:
        """How often entries of these types say each code."""
        first, last = rows.bounds(since, until)
        return await self._all(rows.tallied_of, "tallies", types=self._listed(sorted(types)), since=first, until=last)

    async def _page(self, query: str, page: Page, **values: object) -> tuple[StoredEntry, ...]:
        since, until = rows.bounds(page.since, page.until)
        return await self._all(
            rows.stored_entry_of, query, since=since, until=until, after=page.after, limit=page.limit, **values
        )
