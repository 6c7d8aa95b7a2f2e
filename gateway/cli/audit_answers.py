"""`gateway audit explain | admin-actions | sample`: what the log tells of a message, of people, and of chance."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.audit.catalog import EntryType
from gateway.cli.report import ask, asked
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, AsJson, Directory, err, run
from gateway.cli.table import LIMIT, After, AsFormat, InPeriod, Limit, Output, tell
from gateway.exchange.answers.admin import ACTS, admin_actions
from gateway.exchange.answers.explain import explained
from gateway.exchange.answers.sample import Sampled, sample
from gateway.message import MessageId

LAST_ROW = 1_000_000


def explain(
    message: Annotated[str, typer.Argument(help="The gateway's id of the message.")],
    to: Annotated[str, typer.Option("--to", metavar="AGENCY", help="Only what was withheld from this agency.")] = "",
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """What of a message was withheld from whom, and by which clause or law: places, labels and rules, never values."""
    wanted = asked(None, "", LAST_ROW, message=message, to=to)
    agency = AgencyId(to) if to else None
    tell(
        ask(directory, lambda gateway: explained(gateway, MessageId(message), wanted, to=agency)),
        format=format,
        output=output,
        json=json,
    )


def admin(
    act: Annotated[
        list[EntryType] | None,
        typer.Option("--act", help="Only acts of this type; may be repeated.", show_default=False),
    ] = None,
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Who read a record or the log, exported it, or changed agreements, consents, agencies, keys or people."""
    acts = tuple(act or ())
    foreign = [each.value for each in acts if each not in ACTS and each is not EntryType.READ]
    if foreign:
        known = ", ".join(each.value for each in (*ACTS, EntryType.READ))
        raise typer.BadParameter(f"{', '.join(foreign)}: that is no act of a person; there are {known}")
    wanted = asked(period, after, limit, act=", ".join(each.value for each in acts))
    tell(
        ask(directory, lambda gateway: admin_actions(gateway, wanted, acts=acts)),
        format=format,
        output=output,
        json=json,
    )


def sample_command(
    count: Annotated[int, typer.Option("--n", min=1, max=1000, help="How many releases.")] = 50,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Decide each again, under the version in force then. Exit 1 on a difference."),
    ] = False,
    seed: Annotated[
        str, typer.Option("--seed", help="Text that decides the draw.", show_default="the root of the log's checkpoint")
    ] = "",
    period: InPeriod = None,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """A random sample of releases that nobody chose: the same seed draws the same ones. With --replay each is decided
    again; that its message is opened is an entry of the log."""
    wanted = asked(period, "", count, n=str(count), replay="yes" if replay else "", seed=seed)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=json or not err.is_terminal) as progress:
        task = progress.add_task("releases", total=count)

        def told(done: int, size: int) -> None:
            progress.update(task, completed=done, total=size)

        async def draw() -> Sampled:
            async with open_deployment(directory) as gateway:
                return await sample(gateway, wanted, count=count, replay=replay, seed=seed, actor="cli", told=told)

        found = run(draw())
    tell(found.table, format=format, output=output, json=json)
    raise typer.Exit(EXIT_OK if found.same else EXIT_FINDINGS)
