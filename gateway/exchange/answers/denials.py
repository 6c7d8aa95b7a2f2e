"""Question 15: what was denied and what was rejected, by reason."""

from gateway.audit.catalog import EntryType
from gateway.exchange.answers.asked import Asked, answer, body_of
from gateway.exchange.gateway import Gateway
from gateway.report.table import Cell, Table, columns
from gateway.store.log import StoredEntry

KINDS = {
    EntryType.REFUSE: "message rejected",
    EntryType.WITHHOLD: "recipient denied",
    EntryType.ACCESS_REFUSED: "access denied",
    EntryType.SIGN_IN_REFUSED: "sign-in denied",
}
"""Entries that say no, and what they say it to."""

COLUMNS = columns(
    at="When",
    kind="What",
    code="Reason",
    agency="From",
    recipient="To",
    exchange="Exchange",
    channel="Channel",
    count="How often",
    message="Message",
    entry="Log entry",
    index="Leaf",
)

BY_REASON = columns(kind="What", code="Reason", count="Entries", first="First", last="Last")


async def denials(gateway: Gateway, asked: Asked) -> Table:
    """Every denial of the period, oldest first."""
    found = await gateway.store.entries_of_types(
        tuple(KINDS), since=asked.since, until=asked.until, after=asked.after, limit=asked.limit + 1
    )
    page, after = asked.cut(found)
    return await answer(
        gateway,
        asked,
        name="report denials",
        title="Denials and rejected messages",
        question="What was denied or rejected, and for which reason?",
        columns=COLUMNS,
        rows=[_row(each) for each in page],
        next=after,
    )


def _row(stored: StoredEntry) -> tuple[Cell, ...]:
    body = body_of(stored)
    return (
        stored.entry.at,
        KINDS[EntryType(body["type"])],
        body["code"],
        body.get("sender") or body.get("agency"),
        body.get("recipient") or ", ".join(body.get("refused", [])) or None,
        body.get("exchange"),
        body.get("channel"),
        body.get("count", 1),
        body.get("message"),
        stored.entry.id,
        stored.index,
    )


async def denials_by_reason(gateway: Gateway, asked: Asked) -> Table:
    """How many there were for each reason, the most frequent first."""
    tallies = await gateway.store.tallies(tuple(KINDS), asked.since, asked.until)
    return await answer(
        gateway,
        asked,
        name="report denials",
        title="Denials and rejected messages, by reason",
        question="How often was something denied or rejected, for each reason?",
        columns=BY_REASON,
        rows=[(KINDS[EntryType(each.type)], each.code, each.count, each.first, each.last) for each in tallies],
        note="An entry for a refused access may stand for several tries of one agency.",
    )
