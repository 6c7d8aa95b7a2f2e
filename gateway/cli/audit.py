"""`gateway audit`: is the log the one that was signed, and how does an outsider see that for one entry or for all."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.app import open_deployment
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.handover import read_head
from gateway.cli import (
    accounting,
    audit_answers,
    audit_export,
    audit_log,
    audit_review,
    audit_schema,
    expunge,
    who_saw,
)
from gateway.cli.mou_table import verify_table
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, AsJson, Directory, answer, err, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.exchange.cosigned import last_seen_by_cosigners
from gateway.exchange.evidence import evidence_of, evidence_of_message
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_read
from gateway.exchange.rotate_log_key import log_keys
from gateway.exchange.verify import Verified
from gateway.exchange.verify import verify as verify_own
from gateway.message import MessageId

app = typer.Typer(no_args_is_help=True, help="The audit log: verify it, prove an entry, hand it to an outsider.")

app.command()(audit_log.receipt)
app.command()(audit_log.checkpoint)
app.command()(audit_log.handed)
app.command()(audit_log.troubles)
app.command()(audit_log.resume)
app.command()(audit_export.export)
app.command()(audit_schema.schema)
app.command("who-saw")(who_saw.command)
app.command("accounting")(accounting.command)
app.command("suspend-accounting")(accounting.suspend)
app.command("lift-suspension")(accounting.lift)
app.command("expunge")(expunge.command)
app.command("explain")(audit_answers.explain)
app.command("admin-actions")(audit_answers.admin)
app.command("sample")(audit_answers.sample_command)
app.command()(audit_review.review)

Told = Callable[[int, int], None]


@app.command()
def verify(
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Read only the entries from this day on (UTC); the ones before are checked by their stored hashes.",
        ),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="A checkpoint kept elsewhere: the log must go on from it. Repeatable."
        ),
    ] = None,
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental/--full",
            help="Read only what came after the last run that found nothing wrong, or all from entry 0.",
        ),
    ] = False,
    ask: Annotated[
        bool,
        typer.Option("--ask-cosigners", help="Ask partners' gateways for the last head of the log they countersigned."),
    ] = False,
    directory: Directory = Path(),
    json: AsJson = False,
    format: AsFormat = None,
    output: Output = None,
) -> None:
    """Read the log again and compare it with what was signed. Exit 1 when anything differs.

    Compared is every head there is: in the database, beside the keys - how far the log was signed and how far it was
    verified before, so that a database put back to an earlier state is found - and those named here. What is found is
    entered in the log, and stands on /readyz until two people have decided (gateway audit resume).
    """
    if incremental and since is not None:
        raise typer.BadParameter("--incremental says by itself where to begin; leave out --since")
    kept = [path.read_bytes() for path in checkpoint or ()]
    moment = since.replace(tzinfo=UTC) if since else None
    with _progress(hidden=json or format is not None) as progress:
        task = progress.add_task("entries", total=None)
        asked = _Asked(since=moment, incremental=incremental, kept=kept, ask=ask)
        found = run(_verify(directory, asked, lambda done, size: progress.update(task, completed=done, total=size)))
    if format is not None or output is not None:
        tell(verify_table(directory, found.report, moment), format=format, output=output, json=json)
    elif json:
        answer(_report(found))
    else:
        _show(found)
    raise typer.Exit(EXIT_OK if found.report.verified else EXIT_FINDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    since: datetime | None
    incremental: bool
    kept: list[bytes]
    ask: bool


async def _verify(directory: Path, asked: _Asked, told: Told) -> Verified:
    async with open_deployment(directory) as gateway:
        keys = log_keys(gateway)
        known: list[Checkpoint] = [read_head(note, keys, origin=gateway.settings.name) for note in asked.kept]
        if asked.ask:
            known += await _cosigned(gateway)
        return await verify_own(
            gateway, incremental=asked.incremental, since=asked.since, known=known, on_progress=told
        )


async def _cosigned(gateway: Gateway) -> list[Checkpoint]:
    """What cosigners saw last; one that does not answer is said."""
    from gateway.asking import asking  # noqa: PLC0415  (an HTTP client that no other command here needs)

    async with asking(gateway) as way:
        found = await last_seen_by_cosigners(gateway, way)
    for each in found:
        if each.head is None:
            err.print(f"[yellow]{each.agency}[/]: no answer \\[{each.code}]")
    return [each.head for each in found if each.head is not None]


@app.command("prove")
@app.command()
def evidence(
    entry: Annotated[str | None, typer.Argument(help="Id of the entry.", show_default=False)] = None,
    message: Annotated[
        str | None, typer.Option(help="All entries about this message (the gateway's id of it) instead.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for an entry, folder for a message; else printed.")
    ] = None,
    directory: Directory = Path(),
) -> None:
    """Evidence that an entry is in the signed log: a file an outsider checks at home (C2SP tlog-proof).

    The answer to a message names its entry; with --message, every entry about one is given.
    """
    if (entry is None) == (message is None):
        raise typer.BadParameter("give the id of an entry, or --message with the id of a message")
    files = run(_evidence(directory, entry, message))
    if output is None:
        out.print("\n".join(files), markup=False, soft_wrap=True, end="")
    elif entry is not None:
        output.write_text(files[0], encoding="utf-8")
        err.print(f"written: {escape(str(output))}")
    else:
        output.mkdir(parents=True, exist_ok=True)
        for number, file in enumerate(files, 1):
            (output / f"{number:03d}.tlog-proof").write_text(file, encoding="utf-8")
        err.print(f"{len(files)} files written to {escape(str(output))}")


async def _evidence(directory: Path, entry: str | None, message: str | None) -> tuple[str, ...]:
    async with open_deployment(directory) as gateway:
        if entry is not None:
            files: tuple[str, ...] = (await evidence_of(gateway.store, entry),)
        else:
            files = await evidence_of_message(gateway.store, MessageId(message or ""))
        await record_read(
            gateway,
            "evidence",
            type=EntryType.EXPORT,
            message=MessageId(message) if message else None,
            actor="cli",
            count=len(files),
        )
        return files


def _progress(*, hidden: bool) -> Progress:
    """A bar where a person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal)


def _report(found: Verified) -> dict[str, Any]:
    report = found.report
    return {
        "verified": report.verified,
        "verified_before": found.before,
        "first_bad": report.first_bad,
        "since": report.since,
        "entries": report.entries,
        "size": report.size,
        "root": report.root.hex(),
        "root_ok": report.root_ok,
        "findings": [
            {"code": finding.code, "index": finding.index, "text": finding.text} for finding in report.findings
        ],
        "remarks": [{"code": each.code, "index": each.index, "text": each.text} for each in report.remarks],
    }


def _show(found: Verified) -> None:
    report = found.report
    for remark in report.remarks:
        err.print(f"[yellow]remark[/] \\[{remark.code}] {escape(remark.text)}; the log tells of it", soft_wrap=True)
    for finding in report.findings:
        err.print(f"[red]error[/] \\[{finding.code}] {escape(finding.text)}", soft_wrap=True)
    if report.verified:
        out.print(f"[green]verified[/]: {report.entries} entries read, {report.size} signed, root {report.root.hex()}")
    else:
        place = f"; the first bad entry is {report.first_bad}, or follows it" if report.first_bad is not None else ""
        out.print(f"[red]not verified[/]: {report.entries} entries read, {report.size} signed{place}")
