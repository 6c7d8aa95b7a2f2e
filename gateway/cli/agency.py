"""`gateway agency`: who exchanges, with which credentials."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import Agency, AgencyId
from gateway.app import issue_certificate, open_deployment
from gateway.cli.run import AsJson, Directory, answer, err, out, run, show
from gateway.exchange.activate import issue_token, put_agency, register_certificate, suspend_agency
from gateway.finding import errors
from gateway.policy.agencies import read_agency
from gateway.signing.certificate import pem_to_der
from gateway.store.interface import Credential

app = typer.Typer(no_args_is_help=True, help="Agencies: add, list, credentials, suspend.")

Id = Annotated[str, typer.Argument(help="The agency's id, such as millbrook-police.")]


@app.command()
def add(
    file: Annotated[
        Path | None, typer.Argument(help="The agency's YAML file (see policies/agencies/).", exists=True)
    ] = None,
    id: Annotated[str, typer.Option("--id", help="Only add a credential to this agency.")] = "",
    token: Annotated[bool, typer.Option("--token", help="Issue a bearer token; it is shown once.")] = False,
    issue: Annotated[
        Path | None, typer.Option("--issue", help="Issue a key and certificate into this folder.", file_okay=False)
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Register the agency's own certificate (PEM).", exists=True)
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Add an agency from its file, or change it, and give it a credential.

    [bold]gateway agency add policies/agencies/millbrook-police.yaml --token[/]
    [bold]gateway agency add --id harlan-probation --issue certificates/[/]
    """
    if file is None and not id:
        raise typer.BadParameter("give the agency's file, or --id of one that is there")
    run(_add(file, AgencyId(id), token, issue, certificate, directory, json))


async def _add(
    file: Path | None,
    id: AgencyId,
    token: bool,
    issue: Path | None,
    certificate: Path | None,
    directory: Path,
    json: bool,
) -> None:
    done: dict[str, str] = {}
    async with open_deployment(directory) as gateway:
        if file is not None:
            agency, findings = read_agency(file.read_bytes(), str(file))
            show(findings)
            if agency is None or errors(findings):
                raise typer.Exit(1)
            await put_agency(gateway, agency, actor="cli")
            id = agency.id
        done["agency"] = id
        if token:
            done["token"] = await issue_token(gateway, id, actor="cli")
        if issue is not None:
            done |= await issue_certificate(gateway, id, issue)
        if certificate is not None:
            pem = certificate.read_bytes()
            credential = await register_certificate(gateway, id, pem_to_der(pem), pem, actor="cli")
            done["certificate"] = credential.fingerprint
    if json:
        answer(done)
        return
    for what, value in done.items():
        out.print(f"{what:>12}  {value}")
    if token:
        err.print("The token is not stored and cannot be shown again: hand it over by a safe way.")


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """All agencies, with how they are reached and what they hold."""
    run(_list(directory, json))


async def _list(directory: Path, json: bool) -> None:
    async with open_deployment(directory) as gateway:
        configured = gateway.current
    held = {id: [one for one in configured.credentials.values() if one.agency == id] for id in configured.agencies}
    if json:
        answer([_row(agency, held[agency.id]) for agency in configured.agencies.values()])
        return
    for agency in configured.agencies.values():
        until = [f"{one.kind} until {one.not_after:%Y-%m-%d}" for one in held[agency.id] if one.revoked_at is None]
        mark = " [red]suspended[/]" if agency.suspended else ""
        where = f"{agency.endpoint.kind:<6} {escape(agency.endpoint.url) or '-'}"
        out.print(f"{agency.id:<28} {agency.kind:<16} {where} ({', '.join(until) or 'no credential'}){mark}")


def _row(agency: Agency, credentials: list[Credential]) -> dict[str, object]:
    return {
        "agency": agency.id,
        "name": agency.name,
        "kind": agency.kind.value,
        "endpoint": agency.endpoint.kind.value,
        "url": agency.endpoint.url,
        "suspended": agency.suspended,
        "credentials": [
            {
                "kind": one.kind.value,
                "fingerprint": one.fingerprint,
                "until": f"{one.not_after:%Y-%m-%d}",
                "revoked": one.revoked_at is not None,
            }
            for one in credentials
        ],
    }


@app.command()
def suspend(
    id: Id,
    resume: Annotated[bool, typer.Option("--resume", help="Let it in again.")] = False,
    directory: Directory = Path(),
) -> None:
    """Shut an agency out: its credentials stop within seconds, deliveries to it are held, new ones are refused."""
    run(_suspend(AgencyId(id), directory, resume))
    out.print(f"{id} is {'let in again' if resume else 'suspended'}")


async def _suspend(id: AgencyId, directory: Path, resume: bool) -> None:
    async with open_deployment(directory) as gateway:
        await suspend_agency(gateway, id, actor="cli", suspended=not resume)
