"""What every answer shares: what is asked, how a page of entries is read, and the Table that is made of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.exchange.gateway import Gateway
from gateway.exchange.head import log_head
from gateway.exchange.reading import record_read
from gateway.message import MessageId
from gateway.policy.reading import nearest
from gateway.policy.section import code_of
from gateway.report.period import Period
from gateway.report.table import Cell, Column, Table
from gateway.store.answers import Page
from gateway.store.log import StoredEntry

ROWS = 1000
"""Rows of an answer unless more are asked for."""

NOT_BUILT = "This gateway does not record that yet: the part of it that would is not built. The table is empty for it."

Body = Mapping[str, Any]


class RowUnknown(Refused):
    """A page is to go on from a row that there is not: an empty answer would say that nothing happened."""

    code = "report.row-unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which rows. after: key of the last row of the page before; filters: what else was asked, option and value; actor:
    account of the person or the program that asks."""

    period: Period | None = None
    after: str = ""
    limit: int = ROWS
    filters: tuple[tuple[str, str], ...] = ()
    actor: str = "cli"

    @property
    def since(self) -> datetime | None:
        """First moment of the period."""
        return self.period.since if self.period is not None else None

    @property
    def until(self) -> datetime | None:
        """The moment after its last."""
        return self.period.until if self.period is not None else None

    @property
    def page(self) -> Page:
        """One entry more than wanted: whether there is another page."""
        return Page(since=self.since, until=self.until, after=self.after, limit=self.limit + 1)

    def cut(self, found: tuple[StoredEntry, ...]) -> tuple[tuple[StoredEntry, ...], str]:
        """The entries of this page, and the key to go on with when there are more."""
        wanted = found[: self.limit]
        return wanted, wanted[-1].entry.id if len(found) > self.limit else ""


def body_of(stored: StoredEntry) -> dict[str, Any]:
    """What an entry says."""
    body: dict[str, Any] = json.loads(stored.entry.body)
    return body


async def stories_of(gateway: Gateway, messages: Iterable[str]) -> dict[str, list[tuple[StoredEntry, dict[str, Any]]]]:
    """Per message, every entry about it in the order written."""
    found: dict[str, list[tuple[StoredEntry, dict[str, Any]]]] = {}
    for stored in await gateway.store.entries_about({MessageId(each) for each in messages}):
        found.setdefault(str(stored.entry.message), []).append((stored, body_of(stored)))
    return found


def sections_of(gateway: Gateway) -> dict[str, str]:
    """Codes of sections in the log to the sections of the law packs that are here."""
    return {code_of(rule.section): rule.section for pack in gateway.current.laws.packs for rule in pack.rules}


def strangers(gateway: Gateway, *agencies: AgencyId | None) -> str:
    """A note on agencies that are asked for and not known here, "" when all are: an empty table must not pass for an
    agency that got nothing."""
    known = gateway.current.agencies
    lost = [each for each in agencies if each is not None and each not in known]
    told = ((each, nearest(each, known)) for each in lost)
    return " ".join(f"No agency {each} is known here{hint or '.'}" for each, hint in told)


def counted(counts: Mapping[str, int]) -> str:
    """Counts per label in words: "medical.need 2, sud.program 1"."""
    return ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))


async def answer(
    gateway: Gateway,
    asked: Asked,
    *,
    name: str,
    title: str,
    question: str,
    columns: tuple[Column, ...],
    rows: Iterable[tuple[Cell, ...]],
    note: str = "",
    next: str = "",
) -> Table:
    """The Table, under the head of the log as it is now. That it was asked for is an entry, written before. Raises
    `RowUnknown`."""
    if asked.after and await gateway.store.entry(asked.after) is None:
        raise RowUnknown(f"no page ended at {asked.after!r}: go on with the key that the page before gives")
    found, head = tuple(rows), await log_head(gateway)
    await record_read(gateway, name.replace(" ", "-"), actor=asked.actor, count=len(found))
    return Table(
        name=name,
        title=title,
        question=question,
        columns=columns,
        rows=found,
        log=head,
        made_at=gateway.clock.now(),
        period=asked.period,
        # A later page must not pass for the whole answer.
        filters=(*asked.filters, ("after", asked.after)) if asked.after else asked.filters,
        note=note,
        next=next,
    )
