"""`gateway witness`: which partners' gateways countersign our log, and whose logs we countersign."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.audit.cosignature import CosignerKey
from gateway.cli.acting import As, Key, person
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, AsJson, Directory, answer, err, out, run
from gateway.exchange.acting import Acting
from gateway.exchange.cosigned import LastSeen, ask_cosigners
from gateway.exchange.cosigners import Watching, add_cosigner, remove_cosigner
from gateway.store.witness import Head, HeldCosignature, Watch, WitnessKey

app = typer.Typer(no_args_is_help=True, help="Cosigners: partners' gateways that countersign our log, and we theirs.")

Partner = Annotated[str, typer.Argument(metavar="AGENCY", help="The agency whose gateway it is.")]


@app.command()
def add(
    watch: Annotated[Watch, typer.Argument(help="cosigner: they countersign our log; log: we countersign theirs.")],
    agency: Partner,
    key_file: Annotated[
        Path,
        typer.Option(
            "--vkey",
            exists=True,
            dir_okay=False,
            help="Their key: witness.vkey of a cosigner, log.vkey of a log; they get it by `gateway keys export`.",
        ),
    ],
    url: Annotated[str, typer.Option(help="Base URL of their gateway, such as https://gateway.example.gov:8443.")],
    by: As,
    authority: Annotated[
        Path | None,
        typer.Option("--authority", exists=True, help="PEM of the authority that vouches for their server."),
    ] = None,
    private_network: Annotated[
        bool, typer.Option("--private-network", help="The address may be a private one, or of this machine.")
    ] = False,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Enter a partner's key. Compare it with them first, by telephone: the id in the middle of it is enough.

    A log that is entered again begins anew, with whatever head comes next: do so only when its people have told you why
    it does not go on from the last one countersigned here. That one is printed: keep it.

    [bold]gateway witness add cosigner millbrook-police --vkey witness.vkey --url https://gw.example.gov --as ana[/]
    """
    wanted = Watching(
        watch=watch,
        agency=AgencyId(agency),
        key=key_file.read_text(encoding="utf-8").strip(),
        url=url,
        private_network=private_network,
        authorities=authority.read_bytes() if authority else b"",
    )
    made, seen = run(_add(directory, wanted, person(by, key, directory)))
    out.print(f"{made.agency}: {made.watch}, {escape(made.key)}")
    if seen is not None:
        out.print("The last head of it that was countersigned here, from which it need not go on any more:")
        out.print(seen.note.decode(), markup=False, soft_wrap=True, end="")


async def _add(directory: Path, wanted: Watching, by: Acting) -> tuple[WitnessKey, Head | None]:
    async with open_deployment(directory) as gateway:
        seen = await gateway.store.seen_head(wanted.agency) if wanted.watch is Watch.LOG else None
        return await add_cosigner(gateway, wanted, by=by), seen


@app.command()
def remove(watch: Watch, agency: Partner, by: As, key: Key = None, directory: Directory = Path()) -> None:
    """End it. What they signed stays, and stays verified."""
    run(_remove(directory, watch, AgencyId(agency), person(by, key, directory)))
    out.print(f"{agency} is no {watch} any more")


async def _remove(directory: Path, watch: Watch, agency: AgencyId, by: Acting) -> WitnessKey:
    async with open_deployment(directory) as gateway:
        return await remove_cosigner(gateway, watch, agency, by=by)


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """Our own cosigner key, and every partner's, with the newest head that was countersigned."""
    own, rows = run(_rows(directory))
    if json:
        answer({"own": own, "partners": [_row(*each) for each in rows]})
        return
    out.print(f"our key for countersigning: {escape(own)}")
    for entered, at, size in rows:
        end = " [red]ended[/]" if entered.ended_at else ""
        seen = f"{size} entries, {at:%Y-%m-%d %H:%M}" if at else "nothing countersigned yet"
        out.print(f"{entered.watch:<9} {entered.agency:<28} {seen}{end}  {escape(entered.url)}")


async def _rows(directory: Path) -> tuple[str, list[tuple[WitnessKey, datetime | None, int]]]:
    async with open_deployment(directory) as gateway:
        signer = gateway.keys.witness_signer
        cosigned = {each.agency: each for each in await gateway.store.newest_cosigned()}
        rows = []
        for entered in await gateway.store.witness_keys():
            newest: Head | HeldCosignature | None = (
                cosigned.get(entered.agency)
                if entered.watch is Watch.COSIGNER
                else await gateway.store.seen_head(entered.agency)
            )
            rows.append((entered, newest.at if newest else None, newest.size if newest else 0))
        return str(CosignerKey(signer.name, signer.public_bytes)), rows


def _row(entered: WitnessKey, at: datetime | None, size: int) -> dict[str, object]:
    return {
        "watch": entered.watch.value,
        "agency": entered.agency,
        "key": entered.key,
        "url": entered.url,
        "since": entered.since,
        "ended_at": entered.ended_at,
        "newest_size": size,
        "newest_at": at,
    }


@app.command()
def ask(directory: Directory = Path(), json: AsJson = False) -> None:
    """Ask each cosigner's gateway for the last head of our log it countersigned, and compare it with the log.

    Exit 1 when our log does not have one of them: it was put back to an earlier state, or rewritten.
    """
    found, size = run(_ask(directory))
    beyond = [each for each in found if each.head is not None and each.head.size > size]
    if json:
        answer(
            [
                {"agency": each.agency, "size": each.head.size if each.head else None, "at": each.at, "code": each.code}
                for each in found
            ]
        )
    for each in found if not json else ():
        if each.head is None:
            err.print(f"[yellow]{each.agency}[/]: no answer \\[{each.code}]")
        else:
            out.print(f"{each.agency}: {each.head.size} entries, countersigned {each.at:%Y-%m-%d %H:%M}")
    if beyond:
        err.print(f"[red]error[/] \\[audit.log-rolled-back] cosigners have seen more than the {size} entries there are")
    raise typer.Exit(EXIT_FINDINGS if beyond else EXIT_OK)


async def _ask(directory: Path) -> tuple[tuple[LastSeen, ...], int]:
    from gateway.asking import asking  # noqa: PLC0415  (an HTTP client that no other command here needs)

    async with open_deployment(directory) as gateway, asking(gateway) as way:
        found = await ask_cosigners(gateway, way)
        note = await gateway.store.checkpoint()
        return found, unverified_checkpoint(note).size if note else 0
