"""Questions 14 and 16: emergency releases with their justification, and what went outside any agreement."""

from gateway.errors import Refused
from gateway.exchange.answers.asked import Asked, answer, body_of, counted
from gateway.exchange.answers.reveal import DESTROYED, RECORDS_MAX, Reveal, TooMuchRevealed, check_reason
from gateway.exchange.emergencies import ReleaseUnknown, read_because
from gateway.exchange.gateway import Gateway
from gateway.message import DisseminationId
from gateway.report.table import Cell, Table, columns
from gateway.store.log import StoredEntry

OVERRIDES = columns(
    at="When",
    owner="Whose data",
    recipient="To",
    exchange="Exchange",
    reason="Justification",
    first="First person",
    second="Second person",
    went="What went",
    withheld="Withheld",
    message="Message",
    dissemination="Dissemination",
    entry="Log entry",
    index="Leaf",
)

SECONDARY = columns(
    at="When",
    owner="Whose data",
    recipient="To",
    recipient_kind="Kind of agency",
    recipient_ori="ORI",
    basis="Basis",
    reason="Reason",
    people="Released by",
    went="What went",
    message="Message",
    dissemination="Dissemination",
    entry="Log entry",
)

SECONDARY_NOTE = (
    "What this gateway itself gave outside an agreement: emergency releases. What a recipient passed on is with the "
    "recipient; an agreement says whether it may, and its audit right is how to ask."
)

NOT_WRITTEN = "(nothing was written)"


async def overrides(gateway: Gateway, asked: Asked, reveal: Reveal | None = None) -> Table:
    """Every emergency release of the period. With `reveal` also what somebody wrote of it; each reading is an entry.

    Raises what `read_because` raises for somebody who may not, and `TooMuchRevealed`.
    """
    page, after = await _page(gateway, asked)
    written = await _written(gateway, page, reveal) if reveal is not None else []
    rows = [_override(each) for each in page]
    return await answer(
        gateway,
        asked,
        name="report overrides",
        title="Emergency releases",
        question="Which releases went past the agreements, and what justified each?",
        columns=OVERRIDES if reveal is None else (*OVERRIDES, *columns(because="What was written")),
        rows=rows if reveal is None else [(*row, text) for row, text in zip(rows, written, strict=True)],
        next=after,
    )


async def _page(gateway: Gateway, asked: Asked) -> tuple[tuple[StoredEntry, ...], str]:
    await gateway.refresh()
    return asked.cut(await gateway.store.emergencies(asked.since, asked.until, asked.after, asked.limit + 1))


async def _written(gateway: Gateway, page: tuple[StoredEntry, ...], reveal: Reveal) -> list[str]:
    check_reason(reveal.reason)
    if len(page) > RECORDS_MAX:
        raise TooMuchRevealed(f"{len(page)} texts would be opened; {RECORDS_MAX} at most: narrow the question")
    return [await _because(gateway, body_of(each)["dissemination"], reveal) for each in page]


async def _because(gateway: Gateway, dissemination: str, reveal: Reveal) -> str:
    try:
        return await read_because(gateway, DisseminationId(dissemination), by=reveal.by, reason=reveal.reason)
    except ReleaseUnknown:
        return NOT_WRITTEN
    except Refused as error:
        if error.code == "key.destroyed":
            return DESTROYED
        raise


def _override(stored: StoredEntry) -> tuple[Cell, ...]:
    body = body_of(stored)
    return (
        stored.entry.at,
        body["sender"],
        body["recipient"],
        body["exchange"],
        body["reason"],
        body["actor"],
        body["second"],
        counted(body["counts"]),
        counted(body["withheld"]),
        body["message"],
        body["dissemination"],
        stored.entry.id,
        stored.index,
    )


async def secondary(gateway: Gateway, asked: Asked) -> Table:
    """Everything of the period that went to somebody who had it under no agreement."""
    page, after = await _page(gateway, asked)
    return await answer(
        gateway,
        asked,
        name="report secondary",
        title="Secondary dissemination",
        question="What went outside the parties of an agreement, to whom, on which basis?",
        columns=SECONDARY,
        rows=[_outside(gateway, each) for each in page],
        note=SECONDARY_NOTE,
        next=after,
    )


def _outside(gateway: Gateway, stored: StoredEntry) -> tuple[Cell, ...]:
    body = body_of(stored)
    agency = gateway.current.agencies.get(body["recipient"])
    return (
        stored.entry.at,
        body["sender"],
        body["recipient"],
        agency.kind.value if agency is not None else None,
        (agency.ori or None) if agency is not None else None,
        "emergency release",
        body["reason"],
        f"{body['actor']}, {body['second']}",
        counted(body["counts"]),
        body["message"],
        body["dissemination"],
        stored.entry.id,
    )
