"""`gateway audit receipt | checkpoint | handed | troubles | resume`: what the log owes; what becomes of a wrong one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import SECOND_PASSPHRASE, As, Key, person
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, EXIT_UNAVAILABLE, AsJson, Directory, answer, err, out, run
from gateway.exchange.acting import Acting
from gateway.exchange.hand_out import Handed, hand_out
from gateway.exchange.receipt_check import Checked, Kept, check_receipt
from gateway.exchange.resume_log import resume_log
from gateway.store.witness import GivenHead, LogTrouble

_EXIT = {Kept.KEPT: EXIT_OK, Kept.WAITING: EXIT_UNAVAILABLE, Kept.LATE: EXIT_FINDINGS, Kept.UNKEPT: EXIT_FINDINGS}


def receipt(
    file: Annotated[Path, typer.Argument(help="The receipt, as it was answered.", exists=True, dir_okay=False)],
    evidence: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the proof of the promised entry to this file.")
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Is the entry that a receipt promises in the signed log? Says what is proven, also where that is against us.

    Exit 0 it is, 1 it is not and its ten seconds are over, 3 they are not over yet.
    """
    checked = run(_receipt(directory, file.read_bytes()))
    if evidence is not None and checked.evidence:
        evidence.write_text(checked.evidence, encoding="utf-8")
    if json:
        answer(
            {
                "state": checked.kept.value,
                "message": checked.receipt.message,
                "leaf": checked.receipt.leaf_hash.hex(),
                "index": checked.index,
                "size": checked.size,
                "proven": list(checked.proven),
            }
        )
    else:
        color = "green" if checked.kept is Kept.KEPT else "yellow" if checked.kept is Kept.WAITING else "red"
        out.print(f"[{color}]{checked.kept.value}[/]")
        for sentence in checked.proven:
            out.print(f"  {escape(sentence)}")
    raise typer.Exit(_EXIT[checked.kept])


async def _receipt(directory: Path, note: bytes) -> Checked:
    async with open_deployment(directory) as gateway:
        return await check_receipt(gateway, note)


def checkpoint(
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="AGENCY", help="Who is given it; may be repeated. It is remembered and entered."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; else it is printed.")] = None,
    directory: Directory = Path(),
) -> None:
    """The newest signed head of the log, with what cosigners have signed of it: a text to keep.

    Whoever keeps one can show later that the log was put back or rewritten: gateway audit verify --checkpoint FILE.
    With \\[witness] folder in the settings, a file is written for each agency that only fetches, by itself.
    """
    handed = run(_checkpoint(directory, [AgencyId(agency) for agency in to or ()]))
    if output is None:
        out.print(handed.note.decode(), markup=False, soft_wrap=True, end="")
    else:
        output.write_bytes(handed.note)
        err.print(f"written: {escape(str(output))}, a head of {handed.size} entries")
    for agency in handed.agencies:
        err.print(f"remembered as given to {agency}")


async def _checkpoint(directory: Path, agencies: list[AgencyId]) -> Handed:
    async with open_deployment(directory) as gateway:
        return await hand_out(gateway, agencies, way="file", actor="cli")


def handed(
    agency: Annotated[str | None, typer.Option("--to", metavar="AGENCY", help="Of this agency only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Who was handed which head of the log, newest first."""
    given = run(_handed(directory, AgencyId(agency) if agency else None, limit))
    if json:
        answer([{"agency": one.agency, "size": one.size, "way": one.way, "at": one.at} for one in given])
        return
    for one in given:
        out.print(f"{one.at:%Y-%m-%d %H:%M}  {one.agency:<28} {one.size:>10} entries  by {one.way}")
    if not given:
        out.print("nobody was handed a head of the log yet: gateway audit checkpoint --to AGENCY")


async def _handed(directory: Path, agency: AgencyId | None, limit: int) -> tuple[GivenHead, ...]:
    async with open_deployment(directory) as gateway:
        return await gateway.store.given_heads(agency, limit)


def troubles(directory: Directory = Path(), json: AsJson = False) -> None:
    """What was ever found wrong with the log, or with a partner's that is countersigned. Exit 1 while some stands."""
    found = run(_troubles(directory))
    standing = [one for one in found if one.ended_at is None]
    if json:
        answer([_row(one) for one in found])
    elif not found:
        out.print("nothing was ever found wrong")
    for one in found if not json else ():
        whose = f"the log of {one.agency}" if one.agency else "our log"
        place = f", entry {one.index}" if one.index is not None else ""
        end = f"[dim]decided {one.ended_at:%Y-%m-%d %H:%M}[/]" if one.ended_at else "[red]stands[/]"
        out.print(f"{one.at:%Y-%m-%d %H:%M}  {one.code}  {whose} at {one.size} entries{place}  {end}")
    raise typer.Exit(EXIT_FINDINGS if standing else EXIT_OK)


def _row(one: LogTrouble) -> dict[str, object]:
    return {
        "code": one.code,
        "at": one.at,
        "agency": one.agency or None,
        "size": one.size,
        "index": one.index,
        "ended_at": one.ended_at,
    }


async def _troubles(directory: Path) -> tuple[LogTrouble, ...]:
    async with open_deployment(directory) as gateway:
        return await gateway.store.troubles()


def resume(
    by: As,
    second: Annotated[str, typer.Option("--second", metavar="USER", help="The second person.")],
    reason: Annotated[
        str, typer.Option(help="A code word for the log: backup-restored, database-repaired.")
    ] = "backup-restored",
    key: Key = None,
    second_key: Annotated[
        Path | None, typer.Option("--second-key", help="The second person's key file.", dir_okay=False)
    ] = None,
    directory: Directory = Path(),
) -> None:
    """Two people decide that the log goes on as it is, after it was found to be another than the one that was signed.

    Nothing is hidden: the decision is an entry under both names, and what was found stays listed. Without it a log
    that was put back is not signed any more. The second passphrase is asked for, or taken from
    GATEWAY_SECOND_PASSPHRASE.
    """
    first = person(by, key, directory)
    other = person(second, second_key, directory, variable=SECOND_PASSPHRASE)
    size = run(_resume(directory, reason, first, other))
    out.print(f"the log goes on from {size} entries, by decision of {by} and {second}")


async def _resume(directory: Path, reason: str, first: Acting, second: Acting) -> int:
    async with open_deployment(directory) as gateway:
        return await resume_log(gateway, reason=reason, first=first, second=second)
