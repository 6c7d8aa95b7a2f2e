"""`gateway audit`: is the log the one that was signed, and how does an outsider see that for one entry or for all."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.app import open_deployment
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, read_checkpoint
from gateway.audit.note import NoteKey
from gateway.audit.verify import LogReport
from gateway.cli import audit_export, audit_schema
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, AsJson, Directory, answer, err, out, run
from gateway.exchange.evidence import evidence_of, evidence_of_message, verify_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import record_read
from gateway.message import MessageId

app = typer.Typer(no_args_is_help=True, help="The audit log: verify it, prove an entry, hand it to an outsider.")

app.command()(audit_export.export)
app.command()(audit_schema.schema)

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
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Read the whole log again and compare it with what was signed. Exit 1 when anything differs."""
    kept = [path.read_bytes() for path in checkpoint or ()]
    moment = since.replace(tzinfo=UTC) if since else None
    with _progress(hidden=json) as progress:
        task = progress.add_task("entries", total=None)
        report = run(
            _verify(directory, moment, kept, lambda done, size: progress.update(task, completed=done, total=size))
        )
    if json:
        answer(_report(report))
    else:
        _show(report)
    raise typer.Exit(EXIT_OK if report.verified else EXIT_FINDINGS)


async def _verify(directory: Path, since: datetime | None, kept: list[bytes], told: Told) -> LogReport:
    async with open_deployment(directory) as gateway:
        key = _log_key(gateway)
        known: list[Checkpoint] = [read_checkpoint(note, [key], origin=key.name) for note in kept]
        return await verify_log(gateway.store, [key], origin=key.name, since=since, known=known, on_progress=told)


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


def _log_key(gateway: Gateway) -> NoteKey:
    """The log's key; its name is the log's origin."""
    return NoteKey(gateway.keys.log_signer.name, gateway.keys.log_signer.public_bytes)


def _progress(*, hidden: bool) -> Progress:
    """A bar where a person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal)


def _report(report: LogReport) -> dict[str, Any]:
    return {
        "verified": report.verified,
        "since": report.since,
        "entries": report.entries,
        "size": report.size,
        "root": report.root.hex(),
        "root_ok": report.root_ok,
        "findings": [
            {"code": finding.code, "index": finding.index, "text": finding.text} for finding in report.findings
        ],
    }


def _show(report: LogReport) -> None:
    for finding in report.findings:
        err.print(f"[red]error[/] \\[{finding.code}] {escape(finding.text)}", soft_wrap=True)
    if report.verified:
        out.print(f"[green]verified[/]: {report.entries} entries read, {report.size} signed, root {report.root.hex()}")
    else:
        out.print(f"[red]not verified[/]: {report.entries} entries read, {report.size} signed")
