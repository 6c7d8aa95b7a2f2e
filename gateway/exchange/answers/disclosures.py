"""Question 3: everything that was sent, under an agreement, in a period."""

from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.exchange.answers.asked import Asked, answer, body_of, stories_of, strangers
from gateway.exchange.answers.reveal import Reveal, revealed
from gateway.exchange.gateway import Gateway
from gateway.policy.emergency import EMERGENCY
from gateway.report.table import Cell, Table, columns
from gateway.store.log import StoredEntry

COLUMNS = columns(
    at="When",
    sender="From",
    recipient="To",
    exchange="Exchange",
    action="Action",
    mou="Agreement",
    clauses="Clause",
    purpose="Purpose",
    shared="Shared",
    reduced="Reduced",
    withheld="Withheld",
    arrived="Arrived",
    evidence="Evidence",
    message="Message",
    dissemination="Dissemination",
    entry="Log entry",
    index="Leaf",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Which disclosures. mou: "JAIL-PD-2026-01", or one version "JAIL-PD-2026-01@2"; "" = all."""

    mou: str = ""
    sender: AgencyId | None = None
    recipient: AgencyId | None = None


async def disclosures(gateway: Gateway, asked: Asked, between: Between, reveal: Reveal | None = None) -> Table:
    """Every dissemination of the period, and whether and when it arrived. What the log says of each stays when the
    record itself is destroyed."""
    await gateway.refresh()
    versions = versions_of(gateway, between.mou) if between.mou else None
    found = await gateway.store.disseminated(versions, asked.page, sender=between.sender, recipient=between.recipient)
    page, after = asked.cut(found)
    messages = [str(each.entry.message) for each in page]
    arrived = await arrivals(gateway, messages)
    persons = await revealed(gateway, messages, reveal)
    rows = [_row(each, arrived) for each in page]
    return await answer(
        gateway,
        asked,
        name="report disclosures",
        title="Disclosures",
        question="What was sent, to whom, under which agreement, and did it arrive?",
        columns=COLUMNS if reveal is None else (*COLUMNS, *columns(person="Person")),
        rows=rows
        if reveal is None
        else [(*row, persons[message]) for row, message in zip(rows, messages, strict=True)],
        note=strangers(gateway, between.sender, between.recipient)
        or ("" if versions is None or versions else f"No agreement {between.mou} is known here."),
        next=after,
    )


def versions_of(gateway: Gateway, mou: str) -> tuple[str, ...]:
    """Every version of an agreement as the log names them, or the one that is named."""
    known = {f"{one.mou}@{one.version}" for one in gateway.current.agreements}
    known |= {f"{EMERGENCY}@1"}
    return tuple(sorted(each for each in known if mou in {each, each.rpartition("@")[0]}))


Arrivals = dict[str, tuple[StoredEntry, str]]


async def arrivals(gateway: Gateway, messages: list[str]) -> Arrivals:
    """Per dissemination that arrived, the entry that says so and its kind of evidence."""
    found: Arrivals = {}
    for story in (await stories_of(gateway, messages)).values():
        for stored, body in story:
            if body["type"] == EntryType.DELIVER:
                found[body["dissemination"]] = stored, body["evidence"]
    return found


def _row(stored: StoredEntry, arrived: Arrivals) -> tuple[Cell, ...]:
    body = body_of(stored)
    got, evidence = arrived.get(body["dissemination"], (None, None))
    return (
        stored.entry.at,
        body["sender"],
        body["recipient"],
        body.get("exchange"),
        body.get("action"),
        body["mou"],
        ", ".join(body["clauses"]),
        body["purpose"],
        body["shared"],
        sum(body["reduced"].values()),
        sum(body["withheld"].values()),
        got.entry.at if got is not None else None,
        evidence,
        body["message"],
        body["dissemination"],
        stored.entry.id,
        stored.index,
    )
