"""`gateway audit review`: what happened in the log since the last review, and an officer's signature under it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.clock import timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.head import log_head
from gateway.exchange.review import Reviewed, Week, list_reviews, may_review, sign_review, week_of
from gateway.report.table import Table, columns


def review(
    by: As = "",
    list_: Annotated[bool, typer.Option("--list", help="Reviews that were signed, newest first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")] = False,
    key: Key = None,
    format: AsFormat = None,
    output: Output = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Look through what happened in the log since the last review, and sign it off (CJIS AU-6: at least weekly).

    Shown first: how many entries of each type, and one by one who changed what, who was turned away, what was released
    in an emergency, exported, or alerted. Then an officer of the operator signs, with --as; without --as it is only
    shown. The signature is an entry of the log, over the digest of what was shown.

    [bold]gateway audit review --as dana.whitcombe[/]
    """
    if list_:
        tell(run(_listed(directory)), format=format, output=output, json=json)
        return
    signer = person(by, key, directory) if by else None
    week = run(_week(directory, signer))
    if not json:
        _show(week)
    if signer is None:
        if json:
            answer(_row(week, None))
        else:
            err.print("Only shown. Sign it off with [bold]--as USER[/].")
        return
    if not yes and not _agreed():
        err.print("not signed")
        raise typer.Exit(1)
    done = run(_sign(directory, week, signer))
    if json:
        answer(_row(week, done))
    else:
        out.print(f"signed off by {done.by} until {timestamp(done.until)}: entry {done.entry}")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        err.print("no terminal to ask whether you have looked: give --yes")
        raise typer.Exit(2)
    return typer.confirm("You have looked through this, and sign it off?", err=True)


async def _week(directory: Path, signer: Acting | None) -> Week:
    async with open_deployment(directory) as gateway:
        if signer is not None:
            may_review(gateway, signer)  # before anything is shown
        return await week_of(gateway, actor=signer.user if signer is not None else "cli")


async def _sign(directory: Path, week: Week, signer: Acting) -> Reviewed:
    async with open_deployment(directory) as gateway:
        return await sign_review(gateway, week, by=signer)


def _show(week: Week) -> None:
    out.print(f"The log from {timestamp(week.since)} until {timestamp(week.until)}: {week.count} entries\n")
    for type, count in week.counts:
        out.print(f"{count:>9}  {type}")
    out.print()
    for row in week.rows:
        said = "  ".join(f"{key} {value}" for key, value in row.says)
        out.print(f"{timestamp(row.at)}  {row.type:<16} {said}", markup=False)
    if not week.whole:
        err.print("[yellow]not all of them are shown one by one: review more often[/]")


def _row(week: Week, done: Reviewed | None) -> dict[str, object]:
    return {
        "since": timestamp(week.since),
        "until": timestamp(week.until),
        "count": week.count,
        "counts": dict(week.counts),
        "rows": [
            {"entry": row.entry, "at": timestamp(row.at), "type": row.type, **dict(row.says)} for row in week.rows
        ],
        "whole": week.whole,
        "digest": week.digest,
        "signed": {"by": done.by, "entry": done.entry, "at": timestamp(done.at)} if done is not None else None,
    }


async def _listed(directory: Path) -> Table:
    async with open_deployment(directory) as gateway:
        reviews = await list_reviews(gateway)
        return Table(
            name="audit review",
            title="Reviews of the log",
            question="Who looked through the log, until when, and when did they sign?",
            columns=columns(at="Signed", by="By", since="From", until="Until", count="Entries", entry="Entry"),
            rows=tuple((each.at, each.by, each.since, each.until, each.count, each.entry) for each in reviews),
            log=await log_head(gateway),
            made_at=gateway.clock.now(),
        )
