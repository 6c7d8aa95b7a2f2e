"""Questions 17 and 18: criminal intelligence that is due for review, and disclosures of protected health records."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.exchange.answers.asked import Asked, Body, answer, body_of, counted, sections_of
from gateway.exchange.answers.reveal import Reveal, revealed
from gateway.exchange.gateway import Gateway
from gateway.policy.label import any_covers
from gateway.policy.section import code_of
from gateway.policy.special import HEALTH, INTELLIGENCE, TREATMENT, of_labels
from gateway.report.table import Cell, Table, columns
from gateway.store.answers import Page
from gateway.store.log import StoredEntry

INTELLIGENCE_PACK = "cfr23"

READ_AT_ONCE = 1000
"""Entries a query reads, whatever was asked for."""

HEALTH_COLUMNS = columns(
    at="When",
    sender="From",
    recipient="To",
    mou="Agreement",
    clauses="Clause",
    purpose="Purpose",
    health="Health places",
    treatment="Treatment places",
    labels="What went",
    consents="Consent",
    notices="Notice of law",
    message="Message",
    dissemination="Dissemination",
    entry="Log entry",
    index="Leaf",
)

REVIEW_COLUMNS = columns(
    due="Review due",
    days="Days left",
    window="Worklist",
    at="Given",
    sender="From",
    recipient="Held by",
    mou="Agreement",
    rule="Rule",
    labels="What went",
    message="Message",
    dissemination="Dissemination",
    entry="Log entry",
)

REVIEW_NOTE = (
    "Counted from the day it was given: the recipient reviews its copy by then or destroys it, and so does the owner. "
    "Our own copy is destroyed when the agreement's retention is over, which is earlier."
)

WINDOWS = (7, 30, 90)
"""Days before the due date at which a record moves up the worklist."""


async def protected_health(gateway: Gateway, asked: Asked, reveal: Reveal | None = None) -> Table:
    """Every disclosure of the period that held health or treatment records, with the consents it went by and the
    notices of law that traveled with it."""
    await gateway.refresh()
    page, after = await _wanted(gateway, asked, (*HEALTH, *TREATMENT))
    messages = [str(each.entry.message) for each in page]
    persons = await revealed(gateway, messages, reveal)
    sections = sections_of(gateway)
    rows = [_health(each, sections) for each in page]
    return await answer(
        gateway,
        asked,
        name="report protected-health",
        title="Disclosures of protected health records",
        question="Which disclosures held health or substance use records, under which consent, with which notice?",
        columns=HEALTH_COLUMNS if reveal is None else (*HEALTH_COLUMNS, *columns(person="Person")),
        rows=rows
        if reveal is None
        else [(*row, persons[message]) for row, message in zip(rows, messages, strict=True)],
        next=after,
    )


async def _wanted(gateway: Gateway, asked: Asked, words: tuple[str, ...]) -> tuple[tuple[StoredEntry, ...], str]:
    """A page of the disclosures that are accounted for and held one of these labels."""
    found: list[StoredEntry] = []
    # Most entries are of other labels: a question for one row must not become a query for each entry.
    page = replace(asked.page, limit=READ_AT_ONCE)
    while len(found) <= asked.limit and (read := await gateway.store.accounted(page)):
        found += [each for each in read if any(any_covers(words, label) for label in body_of(each)["counts"])]
        page = replace(page, after=read[-1].entry.id)
    return asked.cut(tuple(found[: asked.limit + 1]))


def _of(body: Body, words: tuple[str, ...]) -> dict[str, int]:
    counts: Mapping[str, int] = body["counts"]
    return {label: count for label, count in counts.items() if any_covers(words, label)}


def _health(stored: StoredEntry, sections: Mapping[str, str]) -> tuple[Cell, ...]:
    body = body_of(stored)
    return (
        stored.entry.at,
        body["sender"],
        body["recipient"],
        body["mou"],
        ", ".join(body["clauses"]),
        body["purpose"],
        of_labels(body["counts"], HEALTH),
        of_labels(body["counts"], TREATMENT),
        counted(_of(body, (*HEALTH, *TREATMENT))),
        ", ".join(body.get("consents", [])) or None,
        ", ".join(sections.get(code, code) for code in body.get("handling", [])) or None,
        body["message"],
        body["dissemination"],
        stored.entry.id,
        stored.index,
    )


async def intelligence_review(gateway: Gateway, asked: Asked, *, within: timedelta) -> Table:
    """Criminal intelligence whose review falls due within this time, or is past, the first due first."""
    await gateway.refresh()
    now = gateway.clock.now()
    lasting, sections = _reviews(gateway), sections_of(gateway)
    rows: list[tuple[Cell, ...]] = []
    if lasting:
        # Given so long ago that the shortest of the periods ends in time.
        until = now + within - min(lasting.values())
        page = Page(since=asked.since, until=min(filter(None, (asked.until, until))), limit=READ_AT_ONCE)
        while read := await gateway.store.accounted(page):
            rows += [row for each in read for row in _due(each, lasting, sections, now, now + within)]
            page = replace(page, after=read[-1].entry.id)
    rows.sort(key=lambda row: (str(row[0]), str(row[-1])))
    return await answer(
        gateway,
        asked,
        name="report cfr23-review",
        title="Criminal intelligence due for review",
        question="Which criminal intelligence that was given is due for its review or destruction?",
        columns=REVIEW_COLUMNS,
        rows=rows[: asked.limit],
        note=REVIEW_NOTE
        if len(rows) <= asked.limit
        else f"{REVIEW_NOTE} Only the first {asked.limit} of {len(rows)} are shown.",
    )


async def intelligence_due(gateway: Gateway, now: datetime) -> int:
    """How many disclosures of criminal intelligence are past their review, or will be within 30 days. For the watch:
    nothing of them is told."""
    lasting, count = _reviews(gateway), 0
    if lasting:
        by = now + timedelta(days=WINDOWS[1])
        page = Page(until=by - min(lasting.values()), limit=READ_AT_ONCE)
        while read := await gateway.store.accounted(page):
            count += sum(1 for each in read for _ in _due(each, lasting, {}, now, by))
            page = replace(page, after=read[-1].entry.id)
    return count


def _reviews(gateway: Gateway) -> dict[str, timedelta]:
    """Per section, how long a recipient may keep what it speaks of without a review."""
    pack = gateway.current.laws.pack(INTELLIGENCE_PACK)
    return {code_of(rule.section): rule.keep for rule in pack.rules if rule.keep} if pack is not None else {}


def _due(
    stored: StoredEntry, lasting: Mapping[str, timedelta], sections: Mapping[str, str], now: datetime, by: datetime
) -> Iterator[tuple[Cell, ...]]:
    body: dict[str, Any] = body_of(stored)
    held = _of(body, INTELLIGENCE)
    for code in body.get("handling", []):
        if code not in lasting or not held:
            continue
        due = stored.entry.at + lasting[code]
        if due > by:
            continue
        left = (due - now).days
        yield (
            due,
            left,
            _window(left),
            stored.entry.at,
            body["sender"],
            body["recipient"],
            body["mou"],
            sections.get(code, code),
            counted(held),
            body["message"],
            body["dissemination"],
            stored.entry.id,
        )


def _window(days_left: int) -> str:
    if days_left < 0:
        return "overdue"
    return next((f"within {days} days" for days in WINDOWS if days_left < days), "later")
