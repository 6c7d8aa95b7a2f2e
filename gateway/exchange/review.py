"""The weekly review of the log (CJIS AU-6): what happened since the last one, and an officer's word that they looked.

A review says until when it looked, how many entries of each type there were, and the digest of what was shown. Nothing
of it can be signed that was not shown: the period ends where the showing ended.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.clock import timestamp
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.exchange.look import until_of
from gateway.exchange.reading import record_read
from gateway.store.log import StoredEntry
from gateway.user import User, UserId, UserRole

REVIEWERS = (*OFFICERS, UserRole.ADMINISTRATOR)

PAGE = 500

LOOKED_AT = (
    EntryType.ALERT,
    EntryType.EMERGENCY,
    EntryType.ACCESS_REFUSED,
    EntryType.SIGN_IN_REFUSED,
    EntryType.USER,
    EntryType.AGENCY,
    EntryType.CREDENTIAL,
    EntryType.KEY,
    EntryType.SETTING,
    EntryType.REGISTER,
    EntryType.ACTIVATE,
    EntryType.SUSPEND,
    EntryType.END,
    EntryType.WITHDRAW,
    EntryType.HOLD,
    EntryType.RELEASE,
    EntryType.DESTROY,
    EntryType.EXPORT,
    EntryType.EXPUNGE,
    EntryType.ACCOUNTING,
    EntryType.WITNESS,
    EntryType.TAMPERED,
    EntryType.BACKUP,
    EntryType.RESTORE,
)
"""Types whose entries are shown one by one: who changed what, and what was unusual. The others are counted."""

ROWS_MAX = 5000
"""More of them in a week are counted, and the review says so."""


class NothingToReview(Refused):
    """Nothing is in the log yet."""

    code = "audit.nothing-to-review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry that is shown. says: its codes and ids, as the entry has them."""

    entry: str
    at: datetime
    type: str
    says: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What happened from one moment up to, not including, another. whole: False when not all rows are shown."""

    since: datetime
    until: datetime
    counts: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    whole: bool
    log_size: int

    @property
    def count(self) -> int:
        """Of all entries."""
        return sum(count for _, count in self.counts)

    @property
    def digest(self) -> str:
        """ "sha-256:<hex>" of what is shown, so that the signature is over it."""
        shown = {
            "since": timestamp(self.since),
            "until": timestamp(self.until),
            "counts": dict(self.counts),
            "entries": [row.entry for row in self.rows],
        }
        text = json.dumps(shown, sort_keys=True, separators=(",", ":"))
        return f"sha-256:{sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A review as the log has it."""

    entry: str
    index: int | None
    at: datetime
    since: datetime
    until: datetime
    count: int
    by: UserId


async def week_of(gateway: Gateway, *, actor: str) -> Week:
    """What happened since the last review, until now. That it is read is an entry. Raises `NothingToReview`."""
    now = gateway.clock.now()
    last = await gateway.store.reviews(None, 1)
    span = await gateway.store.log_span()
    if span is None:
        raise NothingToReview("nothing is in the log yet")
    since = until_of(last[0]) if last else span[0]
    counts = await gateway.store.types_between(since, now)
    rows, whole = await _rows(gateway, since, now)
    note = await gateway.store.checkpoint()
    week = Week(
        since=since,
        until=now,
        counts=counts,
        rows=rows,
        whole=whole,
        log_size=unverified_checkpoint(note).size if note else 0,
    )
    await record_read(gateway, "review", actor=actor, count=week.count)
    return week


async def _rows(gateway: Gateway, since: datetime, until: datetime) -> tuple[tuple[Row, ...], bool]:
    words, after = [each.value for each in LOOKED_AT], ""
    period = {"since": since, "until": until}
    rows: list[Row] = []
    while page := await gateway.store.entries_of_types(words, **period, after=after, limit=PAGE):
        rows += map(_row, page)
        if len(rows) > ROWS_MAX:
            return tuple(rows[:ROWS_MAX]), False
        after = page[-1].entry.id
    return tuple(rows), True


SAID = ("action", "kind", "code", "agency", "mou", "exchange", "law", "user", "recipient", "reason", "actor", "count")


def _row(stored: StoredEntry) -> Row:
    body: dict[str, Any] = json.loads(stored.entry.body)
    says = tuple((key, str(body[key])) for key in SAID if key in body)
    return Row(entry=stored.entry.id, at=stored.entry.at, type=stored.entry.type, says=says)


def may_review(gateway: Gateway, by: Acting) -> User:
    """Whoever reviews: an officer or administrator of the operator. Raises what `allowed` raises."""
    return allowed(gateway, by, REVIEWERS, OPERATOR)


async def sign_review(gateway: Gateway, week: Week, *, by: Acting) -> Reviewed:
    """Sign off what was shown. Raises what `allowed` raises."""
    await gateway.refresh()
    person = may_review(gateway, by)
    now = gateway.clock.now()
    signed = sign_entry(
        gateway,
        EntryType.REVIEW,
        by,
        person,
        digest=week.digest,
        at=now,
        valid_from=week.since,
        until=week.until,
        count=week.count,
        counts=dict(week.counts),
        log_size=week.log_size,
    )
    await gateway.store.record([signed])
    return Reviewed(
        entry=signed.id,
        index=None,
        at=now,
        since=week.since,
        until=week.until,
        count=week.count,
        by=person.id,
    )


async def list_reviews(gateway: Gateway, *, before: str | None = None, limit: int = PAGE) -> Sequence[Reviewed]:
    """Reviews that were signed, newest first."""
    return [_reviewed(each) for each in await gateway.store.reviews(before, limit)]


def _reviewed(stored: StoredEntry) -> Reviewed:
    body: dict[str, Any] = json.loads(stored.entry.body)
    return Reviewed(
        entry=stored.entry.id,
        index=stored.index,
        at=stored.entry.at,
        since=datetime.fromisoformat(body["valid_from"]),
        until=datetime.fromisoformat(body["until"]),
        count=body["count"],
        by=UserId(body["actor"]),
    )
