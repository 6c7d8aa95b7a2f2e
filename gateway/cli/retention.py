"""`gateway retention`: what is due, destroying it, and proof that it is gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.app import open_deployment
from gateway.audit.note import NoteKey
from gateway.cli import retention_early, retention_hold
from gateway.cli.acting import SECOND_PASSPHRASE, Key, person
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, AsJson, Directory, answer, err, fail, out, run
from gateway.cli.table import AsFormat, InPeriod, Output, in_period, tell
from gateway.clock import timestamp
from gateway.errors import GatewayError
from gateway.exchange.answers.explain import MessageNeverSeen
from gateway.exchange.carry_out import Ran
from gateway.exchange.destruction import Verified, certificate_of, check_certificate, verify_destruction
from gateway.exchange.planning import Planned, look_at_clock, plan_run
from gateway.exchange.purge import Outcome, People, run_purge
from gateway.exchange.reading import record_read
from gateway.exchange.retention_tables import certificates_table, due_table, message_table
from gateway.message import MessageId
from gateway.policy.duration import parse_duration
from gateway.report.period import Period
from gateway.report.table import Table
from gateway.retention.plan import Plan, classes

app = typer.Typer(
    no_args_is_help=True,
    help="What is kept and how it ends: due, run, verify, certificates, hold, destroy, attest, attestations.",
)
app.add_typer(retention_hold.app, name="hold")
app.command("holds")(retention_hold.list_)
app.command()(retention_early.destroy)
app.command()(retention_early.attest)
app.command()(retention_early.attestations)

Told = Callable[[int, int], None]


@app.command()
def due(
    within: Annotated[
        str, typer.Option("--within", metavar="DURATION", help="'30 days', '1 year' or ISO, P30D; from now on.")
    ] = "0 days",
    message: Annotated[str, typer.Option("--message", metavar="ID", help="All that is kept of one message.")] = "",
    format: AsFormat = None,
    output: Output = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """What is due for destruction, by day and class, and what of it a legal hold keeps. Without options: now."""
    span = timedelta() if within in {"0 days", "0"} else parse_duration(within)
    if span is None:
        raise typer.BadParameter("write '30 days', '6 weeks', '1 year' or ISO, such as P30D", param_hint="--within")
    tell(run(_due(directory, span, within, message)), format=format, output=output, json=json)


async def _due(directory: Path, span: timedelta, within: str, message: str) -> Table:
    async with open_deployment(directory) as gateway:
        if message and not await gateway.store.entries_about({MessageId(message)}):
            raise MessageNeverSeen(f"the log knows no message {message}")
        await record_read(gateway, "retention-due", message=MessageId(message) if message else None, actor="cli")
        if message:
            return await message_table(gateway, MessageId(message))
        return await due_table(gateway, gateway.clock.now() + span, within=within)


@app.command(name="run")
def run_(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only the plan: nothing is destroyed.")] = False,
    by: Annotated[str, typer.Option("--as", metavar="USER", help="Your account; signs the run.")] = "",
    second: Annotated[str, typer.Option("--second", metavar="USER", help="The second person, when it takes two.")] = "",
    key: Key = None,
    second_key: Annotated[
        Path | None, typer.Option("--second-key", help="The second person's key file.", dir_okay=False)
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Destroy what is due: keys first, then rows, then look for what is left; ends with a signed certificate.

    It takes two people (--as and --second, each with a personal key) when more than a set share of all that is held
    would go at once ([retention] second_person_above), or when the clock jumped by more than a day since it was last
    looked at; a gateway that stood still as long looks the same. Both speak for the gateway's operator: the first an
    operator, privacy or compliance officer, the second a privacy or compliance officer or a supervisor. What a legal
    hold covers stays. A run that a crash stopped is finished first.

    [bold]gateway retention run --dry-run[/], then [bold]gateway retention run --as ana --second bo[/]
    """
    if dry_run:
        _tell_plan(run(_plan(directory)).plan, json=json)
        return
    people = People(
        first=person(by, key, directory) if by else None,
        second=person(second, second_key, directory, variable=SECOND_PASSPHRASE) if second else None,
    )
    with progressing("destroying", hidden=json) as told:
        outcome = run(_run(directory, people, told))
    tell_outcome(outcome, json=json)
    done = (*outcome.finished, *([outcome.ran] if outcome.ran else []))
    raise typer.Exit(EXIT_OK if all(each.clean for each in done) else EXIT_FINDINGS)


async def _plan(directory: Path) -> Planned:
    async with open_deployment(directory) as gateway:
        await gateway.refresh()
        return await plan_run(gateway, seen=await look_at_clock(gateway, remember=False))


async def _run(directory: Path, people: People, told: Told) -> Outcome:
    async with open_deployment(directory) as gateway:
        return await run_purge(gateway, people, on_progress=told)


def _tell_plan(plan: Plan, *, json: bool) -> None:
    if json:
        answer(
            {
                "reason": plan.why.value,
                "at": timestamp(plan.at),
                "count": len(plan.items),
                "kept": plan.kept,
                "classes": [
                    {"kind": one.kind.value, "exchange": one.exchange, "mou": one.mou, "count": count}
                    for one, count in classes(plan.items).items()
                ],
                "buckets": list(plan.whole),
                "held": dict(plan.held),
                "later": plan.later,
                "more": plan.more,
                "two_people": [each.value for each in plan.asks],
                "digest": plan.digest,
            }
        )
        return
    out.print(f"[bold]{len(plan.items)}[/] of {plan.kept} payloads would be destroyed")
    for one, count in classes(plan.items).items():
        out.print(f"  {count:>8}  {one.kind.value}  {one.exchange}  {one.mou}".rstrip(), markup=False)
    if plan.whole:
        out.print(f"buckets that go whole: {', '.join(plan.whole)}")
    for hold, count in plan.held.items():
        out.print(f"held by {hold}: {count}")
    if plan.later:
        out.print(
            f"{plan.later} more are due and go at the end of their week: so many single keys of one week are slow"
        )
    if plan.more:
        out.print("more is due than one run takes: run it again")
    for each in plan.asks:
        out.print(f"[yellow]takes two people[/]: {each.value}")


def tell_outcome(outcome: Outcome, *, json: bool) -> None:
    """What came of a run, for people or machines."""
    if json:
        ran = outcome.ran
        answer(
            {
                "finished": [_ran(each) for each in outcome.finished],
                "moved_forward": outcome.moved,
                "run": _ran(ran) if ran else None,
                "held": dict(outcome.plan.held),
                "later": outcome.plan.later,
                "more": outcome.plan.more,
            }
        )
        return
    if outcome.moved:
        out.print(f"{outcome.moved} due dates moved forward: a later version of their agreement keeps less long")
    for each in outcome.finished:
        out.print(f"finished a run that was stopped: {each.run.id}, {each.destroyed} destroyed, {each.spared} spared")
    for hold, count in outcome.plan.held.items():
        out.print(f"held by {hold}: {count}")
    if outcome.ran is None:
        out.print("nothing is due")
        return
    made = outcome.ran
    out.print(f"destroyed {made.destroyed} payloads; certificate [bold]{made.run.id}[/]")
    out.print("looked for afterwards: [green]nothing is left[/]" if made.clean else "[bold red]something is left[/]")
    if made.told:
        out.print(f"told by {len(made.told)} deliveries")
    if outcome.plan.more:
        out.print("more is due than one run takes: run it again")


def _ran(ran: Ran) -> dict[str, Any]:
    return {
        "run": ran.run.id,
        "reason": ran.run.why.value,
        "destroyed": ran.destroyed,
        "spared": ran.spared,
        "buckets": list(ran.run.whole),
        "clean": ran.clean,
        "told": list(ran.told),
        "certificate": ran.certificate,
    }


@app.command()
def verify(
    canary: Annotated[
        list[str] | None, typer.Option("--canary", help="A text that destroyed test messages held. Repeatable.")
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", exists=True, help="Search this file or folder too: a backup, /tmp. Repeatable."),
    ] = None,
    destroy_again: Annotated[
        bool, typer.Option("--destroy-again", help="Keys that came back with an old backup are destroyed again.")
    ] = False,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Try to open everything that was ever destroyed, check every certificate, and search for canaries. Exit 1 when
    anything opens, is found, or does not hold."""
    canaries = [text.encode() for text in canary or ()]
    with progressing("runs", hidden=json) as told:
        found = run(_verify(directory, canaries, also or [], destroy_again, told))
    if json:
        answer(_verified(found))
    else:
        for each in found.runs:
            mark = "[green]pass[/]" if not each.faults else "[bold red]FAIL[/]"
            out.print(f"{mark}  {each.run.id}  {each.tried} tried, {each.opened} opened")
            for fault in each.faults:
                out.print(f"      {fault}", markup=False)
        if found.unfinished:
            out.print(f"{found.unfinished} runs are not finished; gateway retention run finishes them")
        if found.looked:
            looked = found.looked
            where = f"{looked.files} files, {looked.scanned_bytes} bytes; {looked.unread} not read"
            mark = "[green]pass[/]" if not looked.found else "[bold red]FAIL[/]"
            out.print(f"{mark}  {looked.found} of {len(canaries)} canaries found in {where}")
        out.print("[green]pass[/]" if found.passed else "[bold red]FAIL[/]")
    raise typer.Exit(EXIT_OK if found.passed else EXIT_FINDINGS)


async def _verify(directory: Path, canaries: list[bytes], also: list[Path], mend: bool, told: Told) -> Verified:
    async with open_deployment(directory) as gateway:
        await record_read(gateway, "retention-verify", actor="cli")
        return await verify_destruction(gateway, canaries=canaries, also=also, mend=mend, on_progress=told)


def _verified(found: Verified) -> dict[str, Any]:
    return {
        "passed": found.passed,
        "unfinished": found.unfinished,
        "runs": [
            {"run": each.run.id, "tried": each.tried, "opened": each.opened, "faults": list(each.faults)}
            for each in found.runs
        ],
        "canaries": {
            "found": found.looked.found,
            "files": found.looked.files,
            "scanned_bytes": found.looked.scanned_bytes,
            "unread": found.looked.unread,
        }
        if found.looked
        else None,
    }


@app.command()
def certificates(
    show: Annotated[str, typer.Option("--show", metavar="ID", help="The signed certificate itself.")] = "",
    check: Annotated[
        Path | None, typer.Option("--check", exists=True, dir_okay=False, help="Verify this file; needs no deployment.")
    ] = None,
    with_key: Annotated[
        str,
        typer.Option("--key", metavar="VKEY", help="The gateway's receipt key, for --check: name+id+key, or a file."),
    ] = "",
    period: InPeriod = None,
    format: AsFormat = None,
    output: Output = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Destruction certificates: list them, show one, or verify one that you were given.

    [bold]gateway retention certificates --show 019a… > certificate.txt[/]
    [bold]gateway retention certificates --check certificate.txt --key receipt.vkey[/]
    """
    if check is not None:
        _check(check, with_key)
        return
    if show:
        typer.echo(run(_show(directory, show)), nl=False)
        return
    wanted = in_period(period)
    tell(run(_certificates(directory, wanted)), format=format, output=output, json=json)


def _check(file: Path, key: str) -> None:
    if not key:
        raise typer.BadParameter(
            "give the gateway's receipt key: gateway keys export writes receipt.vkey", param_hint="--key"
        )
    try:
        text = Path(key).read_text(encoding="utf-8") if Path(key).is_file() else key
        said = check_certificate(file.read_bytes(), NoteKey.read(text))
    except GatewayError as error:
        fail(error)
    answer(said)
    err.print(f"[green]verified[/]: signed by {escape(NoteKey.read(text).name)}")


async def _show(directory: Path, id: str) -> str:
    async with open_deployment(directory) as gateway:
        found = await certificate_of(gateway, id)
        await record_read(gateway, "certificate", actor="cli")
        return found.certificate.decode()


async def _certificates(directory: Path, period: Period | None) -> Table:
    async with open_deployment(directory) as gateway:
        await record_read(gateway, "certificates", actor="cli")
        return await certificates_table(gateway, period)


@contextmanager
def progressing(what: str, *, hidden: bool) -> Iterator[Told]:
    """A bar on standard error, where a person looks."""
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*shown, console=err, transient=True, disable=hidden or not err.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, size: progress.update(task, completed=done, total=size)
