"""`gateway alerts`: what there is to see to, whether it can be told, and what is not to be told for a time."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.alert.alert import MEANS, Code, News, Notice, Severity, Standing
from gateway.app import open_deployment
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.cli.acting import As, Key, person
from gateway.cli.run import EXIT_FINDINGS, EXIT_UNAVAILABLE, AsJson, Directory, answer, err, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.clock import SystemClock, timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.head import log_head
from gateway.exchange.silence import silence_alert
from gateway.policy.duration import parse_duration
from gateway.report.table import Table, columns
from gateway.telling import ways_of

app = typer.Typer(no_args_is_help=True, help="Alerts: what there is to see to. List, test the ways, silence.")


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    format: AsFormat = None,
    output: Output = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """What stands, the gravest first, with the command that shows more. Exit 1 when something critical stands.

    A worker looks every few seconds, tells by webhook and mail (\\[alerts] in gateway.toml), reminds daily, and says
    when it is over.
    """
    table, critical = run(_listed(directory, everything=everything))
    tell(table, format=format, output=output, json=json)
    raise typer.Exit(EXIT_FINDINGS if critical else 0)


async def _listed(directory: Path, *, everything: bool) -> tuple[Table, bool]:
    async with open_deployment(directory) as gateway:
        now = gateway.clock.now()
        found = [each for each in await gateway.store.alerts() if everything or each.cleared_at is None]
        order = list(Severity)
        found.sort(key=lambda each: (each.cleared_at is not None, order.index(each.severity), each.code, each.subject))
        table = Table(
            name="alerts list",
            title="Alerts",
            question="What is there to see to?",
            columns=columns(
                severity="Severity",
                code="Code",
                subject="About",
                count="Count",
                raised_at="Since",
                state="State",
                says="What it is",
                command="Run",
            ),
            rows=tuple(_row(each, now) for each in found),
            log=await log_head(gateway),
            made_at=now,
            filters=(("all", "yes"),) if everything else (),
        )
        return table, any(each.severity is Severity.CRITICAL and each.cleared_at is None for each in found)


def _row(each: Standing, now: datetime) -> tuple[str | int | datetime | None, ...]:
    state = "over" if each.cleared_at is not None else "silenced" if each.is_silent(now) else "stands"
    means = MEANS[each.code]
    return (
        each.severity.value,
        each.code.value,
        each.subject,
        each.count,
        each.raised_at,
        state,
        means.says,
        means.do.replace("AGENCY", each.subject or "AGENCY"),
    )


@app.command("test")
def try_ways(directory: Directory = Path(), json: AsJson = False) -> None:
    """Send a test by every way that is set, now, and say what became of it. Exit 3 when one of them is closed."""
    results = run(_test(directory))
    if json:
        answer([{"way": way, "taken": not error, "code": error} for way, error in results])
    for way, error in () if json else results:
        out.print(f"{way:<8} {f'[red]{error}[/]' if error else '[green]taken[/]'}")
    if not results:
        err.print("no way is set: give alerts.webhook.url or alerts.mail.host in gateway.toml")
        raise typer.Exit(EXIT_FINDINGS)
    raise typer.Exit(EXIT_UNAVAILABLE if any(error for _, error in results) else 0)


async def _test(directory: Path) -> list[tuple[str, str]]:
    async with open_deployment(directory) as gateway:
        ways, now = ways_of(gateway.settings), gateway.clock.now()
        entry = make(
            EntryType.ALERT,
            id=gateway.new_id(now),
            at=now,
            action=News.TEST.value,
            code=Code.TEST.value,
            count=len(ways),
            actor="cli",
        )
        await gateway.store.record([entry])
        notice = Notice(
            id=gateway.new_id(now),
            way="",
            news=News.TEST,
            code=Code.TEST,
            subject="",
            severity=MEANS[Code.TEST].severity,
            count=1,
            raised_at=now,
            made_at=now,
            due_at=now,
        )
        return [(way.name, await way.tell([notice], now=now)) for way in ways]


@app.command()
def silence(
    code: Annotated[Code, typer.Argument(help="Its code, as the list names it.")],
    by: As,
    about: Annotated[str, typer.Option("--about", help="What it is about, as the list names it.")] = "",
    time: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 8 hours, 3 days; at most 30.")] = "",
    end: Annotated[bool, typer.Option("--end", help="Tell of it again.")] = False,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Do not tell of an alert for a time; it is shown all the same. Signed, for whoever asks later who knew of it.

    [bold]gateway alerts silence delivery.undeliverable --about millbrook-police --for "3 days" --as USER[/]
    """
    if bool(time) == end:
        raise typer.BadParameter("give --for with a time, or --end")
    until = None if end else SystemClock().now() + _long(time)
    done = run(_silence(directory, code, about, until, person(by, key, directory)))
    if done.silenced_until is None:
        out.print(f"{done.code} is told of again")
    else:
        out.print(f"{done.code} is silenced until {timestamp(done.silenced_until)}")


def _long(time: str) -> timedelta:
    length = parse_duration(time)
    if length is None:
        raise typer.BadParameter("a time is like 8 hours or 3 days", param_hint="--for")
    return length


async def _silence(directory: Path, code: Code, about: str, until: datetime | None, by: Acting) -> Standing:
    async with open_deployment(directory) as gateway:
        return await silence_alert(gateway, code, about, until, by=by)
