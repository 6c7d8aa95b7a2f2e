"""`gateway retention hold`: orders that stop destruction."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, fail, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.errors import GatewayError
from gateway.exchange.acting import Acting
from gateway.exchange.holds import Lifted, Placed, lift_hold, place_hold
from gateway.exchange.reading import record_read
from gateway.exchange.retention_tables import holds_table, scope_words
from gateway.message import MessageId
from gateway.report.table import Table
from gateway.retention.hold import Cause, Scope

app = typer.Typer(no_args_is_help=True, help="Legal holds: place, release, list. A hold wins over every destruction.")


@app.command()
def place(
    authority: Annotated[str, typer.Option("--authority", help="Who ordered it and under which number; one line.")],
    by: As,
    cause: Annotated[Cause, typer.Option("--cause", help="Why, in a word; it stands in the log.")] = Cause.LITIGATION,
    message: Annotated[str, typer.Option("--message", metavar="ID", help="One message.")] = "",
    mou: Annotated[str, typer.Option("--mou", metavar="MOU", help="An agreement, or one version: MOU@2.")] = "",
    agency: Annotated[str, typer.Option("--agency", help="What this agency sent or got.")] = "",
    exchange: Annotated[str, typer.Option("--exchange", help="A record type, such as custody-release/1.0.")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Received from this day on, UTC.", formats=["%Y-%m-%d"])
    ] = None,
    before: Annotated[
        datetime | None, typer.Option(help="Received before this day, UTC.", formats=["%Y-%m-%d"])
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="Ends by itself on this day, UTC.", formats=["%Y-%m-%d"])
    ] = None,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Nothing that this covers is destroyed while it stands. What is named is added up: a message must fit all of it.

    [bold]gateway retention hold place --agency millbrook-police --since 2026-01-01 --authority "Superior Court,
    order 26-1187" --as ana[/]
    """
    try:
        scope = Scope(
            message=MessageId(message) if message else None,
            mou=mou or None,
            agency=AgencyId(agency) if agency else None,
            exchange=exchange or None,
            since=_utc(since),
            until=_utc(before),
        )
    except GatewayError as error:
        fail(error)
    placed = run(_place(directory, scope, cause, authority, _utc(until), person(by, key, directory)))
    if json:
        answer({"hold": placed.hold.id, "due_and_held": placed.due, "running": placed.running or None})
        return
    out.print(f"hold [bold]{placed.hold.id}[/] stands: {escape(scope_words(placed.hold))}")
    out.print(f"{placed.due} payloads that are due now are kept by it")
    if placed.running:
        out.print(f"[yellow]run {placed.running} was written down before: what it names, and has no key, is gone[/]")


async def _place(
    directory: Path, scope: Scope, cause: Cause, authority: str, until: datetime | None, by: Acting
) -> Placed:
    async with open_deployment(directory) as gateway:
        return await place_hold(gateway, scope, cause=cause, authority=authority, by=by, until=until)


@app.command()
def release(
    hold: Annotated[str, typer.Argument(help="Id of the hold.")],
    by: As,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Release a hold. What it kept is looked at again at once, and due as it would have been."""
    lifted = run(_release(directory, hold, person(by, key, directory)))
    if json:
        answer({"hold": lifted.hold.id, "due": lifted.due})
        return
    out.print(f"released; {lifted.due} payloads are due because of it: gateway retention run")


async def _release(directory: Path, hold: str, by: Acting) -> Lifted:
    async with open_deployment(directory) as gateway:
        return await lift_hold(gateway, hold, by=by)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those that ended, too.")] = False,
    format: AsFormat = None,
    output: Output = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """What is on legal hold, and on whose authority."""
    tell(run(_list(directory, every)), format=format, output=output, json=json)


async def _list(directory: Path, every: bool) -> Table:
    async with open_deployment(directory) as gateway:
        await record_read(gateway, "holds", actor="cli")
        return await holds_table(gateway, every=every)


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None
