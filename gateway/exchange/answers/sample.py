"""Question 20: a random sample of releases, each decided again under the version in force then. Same result?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.answers.asked import Asked, Body, answer, body_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.head import log_head
from gateway.exchange.redecide import Redecided, Versions, redecide
from gateway.report.sample import draws
from gateway.report.table import Cell, Table, columns
from gateway.store.log import StoredEntry

BATCH = 256

TOGETHER = 8
"""Releases decided again at once; as many as a process has connections to a database."""

DRAWS_MAX = 200
"""Draws for each release wanted before the search ends: nearly every third entry of a log is a release, and a log with
hardly any is small."""

SAMPLED = columns(
    at="Released",
    sender="From",
    recipient="To",
    mou="Agreement",
    clauses="Clause",
    message="Message",
    dissemination="Dissemination",
    index="Leaf",
)

REPLAYED = columns(
    result="Result",
    differences="Differences",
    shared_then="Shared then",
    shared_now="Shared now",
    changed="Changed since",
)

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The answer, and whether every release that could be decided again came out the same."""

    table: Table
    same: bool


async def sample(
    gateway: Gateway, asked: Asked, *, count: int, replay: bool, seed: str = "", actor: str, told: Told | None = None
) -> Sampled:
    """Draw `count` releases of the period and, with `replay`, decide each again. Opening a message for that is an entry
    of the log, as with `mou replay`. seed: "" = the root of the log's checkpoint."""
    await gateway.refresh()
    head = await log_head(gateway)
    seed = seed or (head.root.hex() if head is not None else "")
    drawn = await _draw(gateway, asked, count, seed, head.size if head is not None else 0)
    rows: list[tuple[Cell, ...]] = []
    same = True
    versions = Versions()
    for start in range(0, len(drawn), TOGETHER):
        bodies = [(each, body_of(each)) for each in drawn[start : start + TOGETHER]]
        # Each opens a message, which is an entry to be stored first: together they wait for one disk.
        again = await asyncio.gather(*(_again(gateway, body, actor, versions) for _, body in bodies if replay))
        same = same and all(result for result, _ in again)
        more = [cells for _, cells in again] if replay else [()] * len(bodies)
        rows += [(*_row(each, body), *cells) for (each, body), cells in zip(bodies, more, strict=True)]
        if told is not None:
            told(len(rows), len(drawn))
    table = await answer(
        gateway,
        asked,
        name="audit sample",
        title="Random sample of releases" + (", decided again" if replay else ""),
        question="Does a release chosen at random come out the same when it is decided again?",
        columns=(*SAMPLED, *REPLAYED) if replay else SAMPLED,
        rows=rows,
        note=f"Drawn from {head.size if head is not None else 0} entries of the log with the seed {seed or '-'}; the "
        "same seed, size and period draw the same releases.",
    )
    return Sampled(table=table, same=same)


async def _draw(gateway: Gateway, asked: Asked, count: int, seed: str, size: int) -> list[StoredEntry]:
    """The releases, in the order of the log."""
    first = await index_at(gateway, asked.since, size) if asked.since is not None else 0
    last = await index_at(gateway, asked.until, size) if asked.until is not None else size
    found: dict[int, StoredEntry] = {}
    source = islice(draws(seed, first, last), count * DRAWS_MAX)
    while len(found) < count and (some := list(islice(source, BATCH))):
        read = {each.index: each for each in await gateway.store.entries_at(some)}
        for index in some:
            each = read.get(index)
            if each is not None and len(found) < count and _is_release(each, asked):
                found[index] = each
    return [found[index] for index in sorted(found)]


async def index_at(gateway: Gateway, moment: datetime, size: int) -> int:
    """About where the entries of a moment begin, by halving; entries of one second may stand a little out of order."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = await gateway.store.entries_at((middle,))
        if found and found[0].entry.at < moment:
            low = middle + 1
        else:
            high = middle
    return low


def _is_release(stored: StoredEntry, asked: Asked) -> bool:
    if stored.entry.type != EntryType.DISSEMINATE:
        return False
    body = body_of(stored)
    return body["recipient"] != body["sender"] and (asked.period is None or stored.entry.at in asked.period)


def _row(stored: StoredEntry, body: Body) -> tuple[Cell, ...]:
    return (
        stored.entry.at,
        body["sender"],
        body["recipient"],
        body["mou"],
        ", ".join(body["clauses"]),
        body["message"],
        body["dissemination"],
        stored.index,
    )


async def _again(gateway: Gateway, body: Body, actor: str, versions: Versions) -> tuple[bool, tuple[Cell, ...]]:
    """Whether nothing speaks against it, and the cells that tell."""
    try:
        found = await redecide(gateway, body["delivery"], actor=actor, versions=versions)
    except Refused as error:  # its time is over: the key, or the record, is destroyed
        return True, (f"cannot be decided again ({error.code})", None, body["shared"], None, None)
    made = next((each for each in found if each.dissemination.id == body["dissemination"]), None)
    if made is None or not made.decided:
        code = made.code if made is not None else "dissemination.unknown"
        return True, (f"cannot be decided again ({code})", None, body["shared"], None, None)
    return made.same, (
        "same" if made.same else f"different{f' ({made.code})' if made.code else ''}",
        len(made.deviations),
        made.shared[0],
        made.shared[1],
        _changed(made),
    )


def _changed(made: Redecided) -> str | None:
    """What is not as it was then, which may be why."""
    words = (("law", made.laws), ("consents", made.consents), ("configuration", made.configuration))
    return ", ".join(word for word, differs in words if differs) or None
