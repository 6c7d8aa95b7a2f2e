"""`gateway audit who-saw`: every recipient of a person's records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.agency import Agency, AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, fail, run
from gateway.cli.table import AsFormat, InPeriod, Output, in_period, tell
from gateway.exchange.acting import Acting
from gateway.exchange.disclosed import PersonUnnamed, sought
from gateway.exchange.export import RevealReason
from gateway.exchange.gateway import Gateway
from gateway.exchange.head import log_head
from gateway.exchange.who_saw import Asked, Seen, who_saw
from gateway.policy.person import Person
from gateway.report.period import Period
from gateway.report.table import Cell, Table, columns

Subjects = Annotated[
    list[str] | None,
    typer.Option(
        "--subject",
        metavar="KIND=NUMBER",
        help="The person's number: SID=…, FBI=…, DOC=… or BOOKING=number@agency; may be repeated. Dashes, blanks, "
        "leading zeros and small letters do not matter.",
        show_default=False,
    ),
]
Name = Annotated[
    str, typer.Option("--name", metavar="'LAST, FIRST'", help="The person's name. It is looked for by its sound.")
]
Born = Annotated[str, typer.Option("--born", metavar="YYYY-MM-DD", help="Birth date, with --name.")]
Reason = Annotated[
    RevealReason, typer.Option("--reason", help="Why you ask; it stands in the log, whom about does not.")
]

COLUMNS = columns(
    decided_at="Decided",
    recipient="Recipient",
    name="Name",
    received="Received",
    sender="From",
    exchange="Exchange",
    action="Action",
    mou="Agreement",
    clauses="Clauses",
    purpose="Purpose",
    how="Known by",
    certainty="Certainty",
    message="Message",
    entry="Log entry",
)


def command(
    reason: Reason,
    by: As,
    subjects: Subjects = None,
    name: Name = "",
    born: Born = "",
    certain: Annotated[
        bool, typer.Option("--certain", help="Only where a number says that it is this person.")
    ] = False,
    period: InPeriod = None,
    format: AsFormat = None,
    output: Output = None,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Who received records of a person, when, under which agreement, for what, and by which entry of the log.

    The disclosure index is asked: it outlives the messages. A number finds the person however it was written, and what
    other numbers of the same person lead to. A name finds whoever is written or sounds alike, and shows them as
    possible, with how alike they are. Victims and people protected by an order are in no index and never found.

    Prove a line: gateway audit evidence ENTRY. An officer of an agency is told of that agency's data. That you asked,
    and why, is recorded under your name; whom you asked about is not.

    [bold]gateway audit who-saw --subject SID=FR-119-0284 --reason subject-request --as dana.whitcombe[/]
    [bold]gateway audit who-saw --name 'Tansley, Calvin' --born 1991-03-17 --reason audit --as dana.whitcombe[/]
    """
    whom = named(subjects, name, born)
    asked = Asked(person=whom, reason=reason, period=in_period(period), certain=certain)
    filters = filled(subject=", ".join(subjects or ()), name=name, born=born, reason=reason.value)
    acting = person(by, key, directory)
    table = run(_who_saw(directory, asked, acting, exported=output is not None, filters=filters))
    tell(table, format=format, output=output, json=json)


def named(subjects: list[str] | None, name: str, born: str) -> Person:
    """Whom the options name; ends the command with a sentence when nobody."""
    try:
        return sought(subjects or (), name=name, born=born)
    except PersonUnnamed as error:
        fail(error)


def filled(**filters: str) -> tuple[tuple[str, str], ...]:
    """Those that were given."""
    return tuple((name, value) for name, value in filters.items() if value)


async def _who_saw(
    directory: Path, asked: Asked, by: Acting, *, exported: bool, filters: tuple[tuple[str, str], ...]
) -> Table:
    async with open_deployment(directory) as gateway:
        seen = await who_saw(gateway, asked, by=by, exported=exported)
        return await _table(gateway, seen, asked.period, filters)


async def _table(
    gateway: Gateway, seen: tuple[Seen, ...], period: Period | None, filters: tuple[tuple[str, str], ...]
) -> Table:
    agencies = gateway.current.agencies
    years = gateway.settings.disclosures.years
    return Table(
        name="audit who-saw",
        title="Who saw it",
        question="Who received the record of this person, when, why?",
        columns=COLUMNS,
        rows=tuple(_row(each, agencies) for each in seen),
        log=await log_head(gateway),
        made_at=gateway.clock.now(),
        period=period,
        filters=filters,
        note=f"The index keeps {years} years. It holds subjects only: nobody is found who is a victim, protected by an "
        "order, or a third party. 'Possible' needs a person's judgment.",
    )


def _row(seen: Seen, agencies: Mapping[AgencyId, Agency]) -> tuple[Cell, ...]:
    said, recipient = seen.disclosure, agencies.get(seen.disclosure.recipient)
    action = f"{said.action} ({said.kind})" if said.kind else said.action
    return (
        said.at,
        said.recipient,
        recipient.name if recipient else "",
        seen.arrival.at or f"not known: {seen.arrival.state}",
        said.sender,
        said.exchange,
        action,
        said.mou,
        ", ".join(said.clauses),
        said.purpose,
        seen.match.words,
        seen.match.certainty.value,
        said.message,
        said.entry,
    )
