"""`gateway agency`: who exchanges, with which credentials."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import Agency, AgencyId, Contact
from gateway.app import issue_certificate, open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, err, out, run, show
from gateway.clock import SystemClock, timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.activate import (
    AgencyUnknown,
    check_unsigned,
    issue_token,
    put_agency,
    register_certificate,
    revoke_credential,
    suspend_agency,
)
from gateway.finding import errors
from gateway.policy.agencies import read_agency
from gateway.signing.certificate import pem_to_der
from gateway.store.configuration import Credential

app = typer.Typer(no_args_is_help=True, help="Agencies: add, list, show, credentials, suspend.")

FINGERPRINT_SHOWN = 16
"""Hex digits of a fingerprint that people are shown: enough to tell an agency's credentials apart."""

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
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Add an agency from its file, or change it, and give it a credential.

    Whoever adds one signs (--as): an officer of the operator, for the agency's kind, duties and state decide which law
    binds what it gets. A credential alone is signed too, once the operator has anybody who can.

    [bold]gateway agency add policies/agencies/millbrook-police.yaml --token --as USER[/]
    [bold]gateway agency add --id harlan-probation --issue certificates/ --as USER[/]
    """
    if file is None and not id:
        raise typer.BadParameter("give the agency's file, or --id of one that is there")
    agency = _read(file) if file is not None else None
    if agency is not None and not by:
        raise typer.BadParameter("whoever adds or changes an agency signs it: give --as with your account")
    given = _Given(id=AgencyId(id), agency=agency, token=token, issue=issue, certificate=certificate)
    run(_add(given, _signer(by, key, directory), directory, json))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What an agency is given."""

    id: AgencyId
    agency: Agency | None
    token: bool
    issue: Path | None
    certificate: Path | None


def _signer(by: str, key: Path | None, directory: Path) -> Acting | None:
    return person(by, key, directory) if by else None


def _read(file: Path) -> Agency:
    agency, findings = read_agency(file.read_bytes(), str(file))
    show(findings)
    if agency is None or errors(findings):
        raise typer.Exit(1)
    return agency


async def _add(given: _Given, by: Acting | None, directory: Path, json: bool) -> None:
    done: dict[str, str] = {}
    async with open_deployment(directory) as gateway:
        if by is None:
            check_unsigned(gateway)
        if given.agency is not None:
            await put_agency(gateway, given.agency, by=by)
        id = given.agency.id if given.agency is not None else given.id
        done["agency"] = id
        if given.token:
            done["token"] = await issue_token(gateway, id, by=by, actor="cli")
        if given.issue is not None:
            done |= await issue_certificate(gateway, id, given.issue, by=by)
        if given.certificate is not None:
            pem = given.certificate.read_bytes()
            credential = await register_certificate(gateway, id, pem_to_der(pem), pem, by=by, actor="cli")
            done["certificate"] = credential.fingerprint
    if json:
        answer(done)
        return
    for what, value in done.items():
        out.print(f"{what:>12}  {value}")
    if given.token:
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
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Shut an agency out: its credentials stop within seconds, deliveries to it are held, new ones are refused.

    Anybody at the machine may, at once; with --as it is signed. Letting it in again is signed.
    """
    run(_suspend(AgencyId(id), _signer(by, key, directory), directory, resume))
    out.print(f"{id} is {'let in again' if resume else 'suspended'}")


async def _suspend(id: AgencyId, by: Acting | None, directory: Path, resume: bool) -> None:
    async with open_deployment(directory) as gateway:
        if resume and by is None:
            check_unsigned(gateway)
        await suspend_agency(gateway, id, by=by, actor="cli", suspended=not resume)


@app.command("show")
def show_(id: Id, directory: Directory = Path(), json: AsJson = False) -> None:
    """One agency: how it is reached, whom to call, and every credential it has or had."""
    run(_show(AgencyId(id), directory, json))


async def _show(id: AgencyId, directory: Path, json: bool) -> None:
    async with open_deployment(directory) as gateway:
        configured = gateway.current
    agency = configured.agencies.get(id)
    if agency is None:
        raise AgencyUnknown(f"there is no agency {id}")
    held = sorted((one for one in configured.credentials.values() if one.agency == id), key=lambda one: one.not_after)
    if json:
        answer(_shown(agency, held))
        return
    mark = " [red]suspended[/]" if agency.suspended else ""
    out.print(f"{agency.id}: {escape(agency.name)}, {agency.kind}{', ORI ' + agency.ori if agency.ori else ''}{mark}")
    if agency.address:
        out.print(f"address    {escape(agency.address)}")
    endpoint = agency.endpoint
    test = ", a test system" if endpoint.test else ""
    out.print(f"endpoint   {endpoint.kind} {escape(endpoint.url)}, signature {endpoint.signature}{test}")
    for contact in agency.contacts:
        out.print(f"contact    {escape(', '.join(filter(None, _contact(contact).values())))}")
    now = SystemClock().now()
    for one in held:
        state = f"[red]revoked {one.revoked_at:%Y-%m-%d}[/]" if one.revoked_at else ""
        state = state or ("[yellow]expired[/]" if one.not_after <= now else "")
        short = one.fingerprint[:FINGERPRINT_SHOWN]
        out.print(f"credential {one.kind:<11} {short}  until {one.not_after:%Y-%m-%d} {state}".rstrip())
    if not held:
        out.print("credential none")


def _shown(agency: Agency, credentials: list[Credential]) -> dict[str, object]:
    return {
        "agency": agency.id,
        "name": agency.name,
        "kind": agency.kind.value,
        "ori": agency.ori,
        "address": agency.address,
        "suspended": agency.suspended,
        "endpoint": {
            "kind": agency.endpoint.kind.value,
            "url": agency.endpoint.url,
            "signature": agency.endpoint.signature.value,
            "test": agency.endpoint.test,
        },
        "contacts": [_contact(contact) for contact in agency.contacts],
        "credentials": [
            {
                "kind": one.kind.value,
                "fingerprint": one.fingerprint[:FINGERPRINT_SHOWN],
                "not_after": timestamp(one.not_after),
                "revoked_at": timestamp(one.revoked_at) if one.revoked_at else None,
            }
            for one in credentials
        ],
    }


def _contact(contact: Contact) -> dict[str, str]:
    return {"role": contact.role, "name": contact.name, "phone": contact.phone, "email": contact.email}


@app.command()
def revoke(
    id: Id,
    credential: Annotated[
        str, typer.Option("--credential", help="How its fingerprint begins; `gateway agency show` lists them.")
    ],
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Revoke one credential, for good; the agency's others go on. It stops within seconds.

    Anybody at the machine may, at once; with --as it is signed.
    """
    run(_revoke(AgencyId(id), credential, _signer(by, key, directory), directory, json))


async def _revoke(id: AgencyId, prefix: str, by: Acting | None, directory: Path, json: bool) -> None:
    async with open_deployment(directory) as gateway:
        revoked = await revoke_credential(gateway, id, prefix, by=by, actor="cli")
    if json:
        answer({"agency": id, "kind": revoked.kind.value, "fingerprint": revoked.fingerprint, "revoked": True})
        return
    out.print(f"{revoked.kind} {revoked.fingerprint[:FINGERPRINT_SHOWN]} of {id} is revoked")
