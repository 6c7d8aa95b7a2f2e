"""`gateway agency crl`: what an authority of an agency has revoked."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, signer
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.clock import timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.authorities import TakenIn, take_crl
from gateway.signing.crl import CRL_SIZE_BYTES_MAX
from gateway.transport.fetch import fetch


def crl(
    file: Annotated[
        Path | None, typer.Argument(help="The authority's revocation list, DER or PEM.", exists=True, dir_okay=False)
    ] = None,
    id: Annotated[str, typer.Option("--id", help="The agency whose authority it is of.")] = "",
    url: Annotated[
        str, typer.Option("--fetch", metavar="URL", help="Get the list from this address instead, http or https.")
    ] = "",
    private_network: Annotated[
        bool, typer.Option("--private-network", help="The address of --fetch may be a private one.")
    ] = False,
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Take in the revocation list (CRL) of an agency's authority: what it names is refused from then on, and servers
    it names are sent nothing.

    The list must be signed by an authority registered with gateway agency add --authority, speak of all its
    certificates, and be newer than the one that is held. It counts for every agency that shares the authority. Nobody
    need sign: the authority has. Run it by the clock, more often than the authority issues lists:

    [bold]17 * * * *  gateway agency crl --id millbrook-police --fetch http://ca.example/state.crl -C /srv/gateway[/]

    Exit 0 when the newest list is held, 1 when this one is refused or out of date already, 3 when it cannot be fetched.
    """
    if not id:
        raise typer.BadParameter("give --id of the agency whose authority the list is of")
    if (file is None) == (not url):
        raise typer.BadParameter("give the list's file, or --fetch with its address")
    if private_network and not url:
        raise typer.BadParameter("--private-network is about the address of --fetch")
    taken, stale = run(_take(AgencyId(id), file, url, private_network, signer(by, key, directory), directory))
    _tell(id, taken, json=json)
    if stale:
        err.print("[yellow]warning[/] \\[crl.stale] the list is past its time: ask the authority for the next one")
        raise typer.Exit(1)


async def _take(
    id: AgencyId, file: Path | None, url: str, private: bool, by: Acting | None, directory: Path
) -> tuple[TakenIn, bool]:
    async with open_deployment(directory) as gateway:
        data = file.read_bytes() if file is not None else await fetch(url, private=private, limit=CRL_SIZE_BYTES_MAX)
        taken = await take_crl(gateway, id, data, by=by, actor="cli")
        return taken, taken.crl.next_update < gateway.clock.now()


def _tell(id: str, taken: TakenIn, *, json: bool) -> None:
    crl = taken.crl
    if json:
        answer(
            {
                "agency": id,
                "authority": taken.authority,
                "new": taken.new,
                "number": str(crl.number) if crl.number is not None else None,
                "revoked": taken.count,
                "this_update": timestamp(crl.this_update),
                "next_update": timestamp(crl.next_update),
                "digest": crl.digest,
            }
        )
        return
    known = "held" if taken.new else "held already, nothing new"
    number = f" number {crl.number}" if crl.number is not None else ""
    out.print(f"list{number} of {crl.this_update:%Y-%m-%d %H:%M} UTC: {known}; {taken.count} revoked")
    out.print(f"the next one is due on {crl.next_update:%Y-%m-%d %H:%M} UTC")
