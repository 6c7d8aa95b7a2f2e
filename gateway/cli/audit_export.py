"""`gateway audit export`: evidence for an outsider, one file that is checked at home."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.app import open_deployment
from gateway.audit import verifier
from gateway.cli.acting import person
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.cli.table import InPeriod, in_period
from gateway.cli.who_saw import named
from gateway.clock import timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.export import Exported, RevealReason
from gateway.exchange.export import export as export_package
from gateway.exchange.selection import About, Told
from gateway.exchange.who_saw import messages_of
from gateway.message import MessageId
from gateway.policy.person import Person


def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.zip", help="The package; not written over.", dir_okay=False)
    ],
    message: Annotated[str, typer.Option(metavar="ID", help="About this message (the gateway's id of it).")] = "",
    mou: Annotated[str, typer.Option(metavar="ID[@VERSION]", help="About all that went out under it.")] = "",
    period: InPeriod = None,
    subject: Annotated[
        str, typer.Option(metavar="KIND=NUMBER", help="About one person, by the disclosure index: SID=…, FBI=…, DOC=…")
    ] = "",
    whole: Annotated[bool, typer.Option("--all", help="The whole log: entries alone.")] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="With what recipients got; needs --reason. Each reading is logged.")
    ] = False,
    reason: Annotated[
        RevealReason | None, typer.Option(help="Why contents are laid open; it stands in the log.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="USER",
            help="Your account: you sign for the package. Needed as soon as it holds Covers; not for --all.",
        ),
    ] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Your key file.  \\[default: users/USER.key]", dir_okay=False)
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Evidence for a court, a defense lawyer, an auditor: one zip that they check at home, without this gateway.

    It holds entries of the log with the proof of each, the signed head of the log, Covers, receipts, the agreements and
    laws as they were in force, the verifier, and a page that says what all this proves and what not. It names agencies,
    agreements and counts; persons and contents are not in it, unless --reveal says so. That it was handed out is an
    entry of the log.

    [bold]gateway audit export -o evidence.zip --message 019a3c5e-… --as dana.whitcombe[/]
    [bold]gateway audit export -o third-quarter.zip --period 2026-Q3 --as dana.whitcombe[/]
    [bold]gateway audit export -o log.zip --all[/]
    """
    if sum(map(bool, (message, mou, period, subject, whole))) != 1:
        raise typer.BadParameter("give one of --message, --mou, --period, --subject and --all")
    if reveal != (reason is not None) or (reveal and whole):
        raise typer.BadParameter("--reveal goes with --reason, and not with --all: the log has no contents")
    if subject and not by:
        raise typer.BadParameter("--subject goes with --as: whom the package is about is for an officer to ask")
    whom = named([subject], "", "") if subject else None
    about = About(message=MessageId(message) if message else None, mou=mou, period=in_period(period))
    acting = person(by, key, directory) if by else None
    with _progress(hidden=json) as told:
        made = run(_export(directory, about, whom, output, acting, reason, told))
    if json:
        answer(_as_json(made, output))
    else:
        _show(made, output)


async def _export(
    directory: Path,
    about: About,
    whom: Person | None,
    output: Path,
    by: Acting | None,
    reveal: RevealReason | None,
    told: Told,
) -> Exported:
    async with open_deployment(directory) as gateway:
        if whom is not None and by is not None:
            about = replace(about, messages=await messages_of(gateway, whom, by=by))
        with handed_out(output) as file:
            source = Path(verifier.__file__).read_bytes()
            return await export_package(gateway, about, file, verifier=source, by=by, reveal=reveal, told=told)


@contextmanager
def handed_out(output: Path) -> Iterator[BinaryIO]:
    """A file that gets its name only when the block has ended well: until then, and if it does not, nobody has it. One
    that a killed command leaves behind ends in .part and is for its owner alone."""
    part = output.with_name(f"{output.name}.part")
    if output.exists():
        raise typer.BadParameter(f"{output} is there already and is not written over")
    try:
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(output)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Told]:
    """A bar where a person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as progress:
        task = progress.add_task("beginning", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


def _as_json(made: Exported, output: Path) -> dict[str, object]:
    return {
        "file": str(output),
        "about": made.about.words,
        "made": timestamp(made.statement.made),
        "log_size": made.statement.size,
        "digest": made.statement.digest,
        "entry": made.entry,
        "entries": made.entries,
        "covers": made.covers,
        "contents": made.contents,
        "lacking": list(made.lacking),
    }


def _show(made: Exported, output: Path) -> None:
    contents = f", {made.contents} contents" if made.contents else ""
    out.print(f"written: {escape(str(output))}: {made.entries} entries, {made.covers} Covers{contents}")
    for each in made.lacking:
        out.print(f"[yellow]not in it[/]: {each}")
    out.print(f"log: {made.entry}")
    out.print("to check it, with keys that were handed over by hand, on any machine with Python and cryptography:")
    options = "" if made.about.kind == "log" else " --receipt-key RECEIPT-KEY --authority CERTIFICATE"
    out.print(f"  python verifier.py {escape(output.name)} --key LOG-KEY{options}")
