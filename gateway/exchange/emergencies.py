"""The report of emergency releases, out of the log; and what somebody wrote of one, for whoever looks into it."""

import json
from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.clock import timestamp
from gateway.errors import Refused
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.emergency import FIRST, because_id
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_read
from gateway.message import DisseminationId, MessageId
from gateway.policy.emergency import Reason
from gateway.store.log import StoredEntry

PAGE = 500


class ReleaseUnknown(Refused):
    """No emergency release made this dissemination, or nobody wrote of it."""

    code = "emergency.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which releases. since: from this moment on; until: before this one; None = all."""

    since: datetime | None = None
    until: datetime | None = None
    owner: AgencyId | None = None
    to: AgencyId | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One release. index: of its entry in the signed log, None until it is ordered."""

    entry: str
    index: int | None
    at: datetime
    message: MessageId
    dissemination: DisseminationId
    exchange: str
    owner: AgencyId
    recipient: AgencyId
    reason: Reason
    first: str
    second: str
    counts: dict[str, int]
    withheld: dict[str, int]
    reduced: dict[str, int]


async def list_emergencies(gateway: Gateway, asked: Asked, *, actor: str) -> tuple[Row, ...]:
    """All of them, oldest first. The report is whole: it says what it was asked and is never cut off. That it was
    asked for is an entry, written before."""
    rows = await _rows(gateway, asked)
    await record_read(gateway, "emergencies", agency=asked.owner, actor=actor, count=len(rows))
    return rows


async def _rows(gateway: Gateway, asked: Asked) -> tuple[Row, ...]:
    rows: list[Row] = []
    after = ""
    while page := await gateway.store.emergencies(asked.since, asked.until, after, PAGE):
        rows += [row for row in map(_row, page) if _wanted(row, asked)]
        after = page[-1].entry.id
    return tuple(rows)


def _row(stored: StoredEntry) -> Row:
    body = json.loads(stored.entry.body)
    return Row(
        entry=stored.entry.id,
        index=stored.index,
        at=stored.entry.at,
        message=MessageId(body["message"]),
        dissemination=DisseminationId(body["dissemination"]),
        exchange=body["exchange"],
        owner=AgencyId(body["sender"]),
        recipient=AgencyId(body["recipient"]),
        reason=Reason(body["reason"]),
        first=body["actor"],
        second=body["second"],
        counts=body["counts"],
        withheld=body["withheld"],
        reduced=body["reduced"],
    )


def _wanted(row: Row, asked: Asked) -> bool:
    return asked.owner in {None, row.owner} and asked.to in {None, row.recipient} and asked.reason in {None, row.reason}


def as_row(row: Row) -> dict[str, object]:
    """A release as a machine reads it."""
    return {
        "entry": row.entry,
        "index": row.index,
        "at": timestamp(row.at),
        "message": row.message,
        "dissemination": row.dissemination,
        "exchange": row.exchange,
        "owner": row.owner,
        "recipient": row.recipient,
        "reason": row.reason.value,
        "first": row.first,
        "second": row.second,
        "counts": row.counts,
        "withheld": row.withheld,
        "reduced": row.reduced,
    }


async def read_because(
    gateway: Gateway, dissemination: DisseminationId, *, by: Acting, reason: str | None = None
) -> str:
    """What was written of a release. That it was read is an entry, written before the text is given.

    reason  a code word, for the entry

    Raises `ReleaseUnknown`, what `allowed` raises, and "key.destroyed" when its time is over.
    """
    await gateway.refresh()
    sealed = await gateway.store.because(dissemination)
    found = await _of(gateway, dissemination)
    if sealed is None or found is None:
        raise ReleaseUnknown("no emergency release made this dissemination, or nobody wrote of it")
    reader = allowed(gateway, by, FIRST, OPERATOR, found.owner)
    text = gateway.payloads.open(sealed, aad=because_id(dissemination).encode()).decode()
    now = gateway.clock.now()
    signed = sign_entry(
        gateway,
        EntryType.READ,
        by,
        reader,
        at=now,
        parties=(found.owner,),
        message=found.message,
        dissemination=dissemination,
        kind="because",
        reason=reason,
    )
    await gateway.store.record([signed])
    return text


async def _of(gateway: Gateway, dissemination: DisseminationId) -> Row | None:
    return next((row for row in await _rows(gateway, Asked()) if row.dissemination == dissemination), None)
