"""Alerts in the store: what stands, what is still to be told, who watches; and what a week of the log held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.alert.alert import Notice, Standing
from gateway.audit.entry import AuditEntry
from gateway.store.log import StoredEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one look writes, in one transaction.

    holder  who watches; nothing is written when another process has taken over
    """

    holder: str
    standing: tuple[Standing, ...] = ()
    notices: tuple[Notice, ...] = ()
    entries: tuple[AuditEntry, ...] = ()


class Alerts(Protocol):
    """What the operator must see to."""

    async def take_watch(self, holder: str, *, now: datetime, until: datetime) -> bool:
        """Watch until then, or go on watching; False while another process does. Either way the database was asked to
        take a new row like that of an audit entry: raises `StoreUnavailable` when it cannot."""

    async def alerts(self) -> tuple[Standing, ...]:
        """Everything that was ever found, by code and subject: what stands, and what is over."""

    async def keep_alerts(self, watched: Watched) -> bool:
        """Write it; False, and nothing written, when another process watches by now."""

    async def silence(self, standing: Standing, entries: Sequence[AuditEntry]) -> None:
        """Write until when an alert is silenced, whoever watches; of one that was never found too."""

    async def notices(self, limit: int) -> tuple[Notice, ...]:
        """What is still to be sent, the longest due first."""

    async def settle_notices(self, sent: Collection[str], later: Sequence[Notice]) -> None:
        """Forget what was sent or given up, and keep the others as they stand now."""

    async def reviews(self, before: str | None, limit: int) -> tuple[StoredEntry, ...]:
        """Entries of reviews of the log, newest first, by key."""

    async def types_between(self, since: datetime, until: datetime) -> tuple[tuple[str, int], ...]:
        """How many entries of each type were made from one moment up to, not including, another."""

    async def waiting_since(self) -> datetime | None:
        """When the oldest entry was made that has no place in the tree yet; cheap."""

    async def log_span(self) -> tuple[datetime, datetime] | None:
        """When the first and the newest entry were made; None of an empty log."""
