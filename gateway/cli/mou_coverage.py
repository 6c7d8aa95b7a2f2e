"""`gateway mou coverage`: who sees what, as a table."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.app import configuration_for
from gateway.cli.mou_check import read_agreement
from gateway.cli.mou_table import coverage_table
from gateway.cli.run import EXIT_USAGE, AsJson, Directory, answer, err, fail, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.clock import SystemClock
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.configured import Configured
from gateway.policy.check import PROVING_KEY
from gateway.policy.coverage import Coverage, Granted, as_csv, coverage, data
from gateway.policy.mou import Mou
from gateway.policy.outcome import outcomes
from gateway.policy.reading import nearest
from gateway.report.page import groups, tables_page

File = Annotated[
    Path | None, typer.Argument(help="An agreement, a YAML file; without one, all that are in force.", dir_okay=False)
]


def coverage_command(
    file: File = None,
    recipient: Annotated[str, typer.Option(help="Only what this agency gets.")] = "",
    directory: Directory = Path(),
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="A line for each field and recipient, as CSV.")] = False,
    html: Annotated[bool, typer.Option("--html", help="One HTML page, on standard output.")] = False,
    format: AsFormat = None,
    output: Output = None,
) -> None:
    """Who sees what: each field of an exchange by recipient and purpose, shared, reduced or withheld, and by which
    clause."""
    if (file is None and not recipient) or sum((json, csv, html)) > 1:
        err.print("give a FILE, --recipient AGENCY, or both; and at most one of --json, --csv and --html")
        raise typer.Exit(EXIT_USAGE)
    if file is not None and not file.exists():
        err.print(f"{escape(str(file))}: there is no such file")
        raise typer.Exit(EXIT_USAGE)
    configured = run(configuration_for(directory))
    if recipient and recipient not in configured.agencies:
        # A slip of the pen must not read as an agency that sees nothing.
        fail(AgencyUnknown(f"there is no agency {recipient}{nearest(recipient, configured.agencies)}"))
    mous = configured.in_force.mous if file is None else (read_agreement(file.read_bytes(), str(file), configured),)
    tables = coverage(_granted(mous, configured, recipient))
    title = recipient if file is None else f"{mous[0].title}{f', {recipient}' if recipient else ''}"
    if format is not None or output is not None:
        named = str(file) if file is not None else ""
        tell(coverage_table(directory, tables, recipient, named), format=format, output=output, json=json)
    elif json:
        answer({"tables": data(tables)})
    elif csv:
        sys.stdout.write(as_csv(tables))
    elif html:
        sys.stdout.write(tables_page(title, tables))
    else:
        for table in tables:
            _show(table)
        if not tables:
            out.print(f"{recipient or 'nobody'} gets {'nothing' if recipient else 'anything'}")


def _granted(mous: tuple[Mou, ...], configured: Configured, recipient: str) -> list[Granted]:
    """What law lets each of them have."""
    law = configured.restrictions(SystemClock().now())
    return [
        Granted(
            mou=mou,
            clause=clause,
            recipient=each,
            iepd=iepd,
            decided=outcomes(clause, iepd.catalog, law(mou, clause, each), PROVING_KEY),
        )
        for mou in mous
        for clause in mou.exchanges
        for iepd in (configured.iepds[clause.exchange],)
        for each in clause.recipients
        if recipient in {"", each}
    ]


def _show(table: Coverage) -> None:
    """By label; the fields of a label fare alike nearly always, and the other forms tell of each."""
    shown = Table(title=f"{table.title} ({table.exchange})", title_justify="left")
    shown.add_column("label")
    for column in table.columns:
        shown.add_column(f"{column.recipient}\n{column.purpose}\n{column.mou} {column.clause}")
    for group in groups(table):
        cells = [f"{word}{', on condition' if conditional else ''}" for word, conditional in group.cells]
        shown.add_row(group.label, *("[dim]-[/]" if cell == "withheld" else cell for cell in cells))
    out.print(shown)
