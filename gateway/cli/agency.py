"""`gateway agency`: who exchanges, with which credentials."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import Agency, AgencyId, Contact
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, signer
from gateway.cli.agency_add import add
from gateway.cli.agency_crl import crl
from gateway.cli.agency_probe import try_agency
from gateway.cli.agency_suspend import suspend
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.clock import SystemClock, timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.authorities import HeldList, lists_of
from gateway.exchange.revoke import revoke_credential
from gateway.signing.username import name_in
from gateway.store.configuration import AgencyAuthority, Credential

app = typer.Typer(no_args_is_help=True, help="Agencies: add, test, list, show, credentials, revocation lists, suspend.")
app.command()(add)
app.command()(crl)
app.command("test")(try_agency)

FINGERPRINT_SHOWN = 16
"""Hex digits of a fingerprint that people are shown: enough to tell an agency's credentials apart."""

Id = Annotated[str, typer.Argument(help="The agency's id, such as millbrook-police.")]


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """All agencies, with how they are reached and what they hold."""
    run(_list(directory, json))


async def _list(directory: Path, json: bool) -> None:
    async with open_deployment(directory) as gateway:
        configured = gateway.current
    held = {id: configured.held(id) for id in configured.agencies}
    if json:
        answer([_row(agency, held[agency.id]) for agency in configured.agencies.values()])
        return
    for agency in configured.agencies.values():
        until = [f"{_kind(one)} until {one.not_after:%Y-%m-%d}" for one in held[agency.id] if one.revoked_at is None]
        mark = " [red]suspended[/]" if agency.suspended else ""
        where = f"{agency.endpoint.kind:<6} {escape(agency.endpoint.url) or '-'}"
        out.print(f"{agency.id:<28} {agency.kind:<16} {where} ({', '.join(until) or 'no credential'}){mark}")


_Held = Credential | AgencyAuthority


def _kind(one: _Held) -> str:
    return one.kind.value if isinstance(one, Credential) else "authority"


def _row(agency: Agency, credentials: list[_Held]) -> dict[str, object]:
    return {
        "agency": agency.id,
        "name": agency.name,
        "kind": agency.kind.value,
        "endpoint": agency.endpoint.kind.value,
        "url": agency.endpoint.url,
        "suspended": agency.suspended,
        "credentials": [
            {
                "kind": _kind(one),
                "fingerprint": one.fingerprint,
                "until": f"{one.not_after:%Y-%m-%d}",
                "revoked": one.revoked_at is not None,
            }
            for one in credentials
        ],
    }


app.command()(suspend)


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
    held, now = configured.held(id), SystemClock().now()
    lists = list(lists_of(configured, id, now))
    if json:
        answer(_shown(agency, held, lists))
        return
    _tell_agency(agency)
    for one in held:
        _tell_held(one, now)
    if not held:
        out.print("credential none")
    for listed in lists:
        out.print(f"crl        {escape(listed.name)}: {_told(listed)}")


def _tell_agency(agency: Agency) -> None:
    mark = " [red]suspended[/]" if agency.suspended else ""
    out.print(f"{agency.id}: {escape(agency.name)}, {agency.kind}{', ORI ' + agency.ori if agency.ori else ''}{mark}")
    if agency.address:
        out.print(f"address    {escape(agency.address)}")
    endpoint = agency.endpoint
    test = ", a test system" if endpoint.test else ""
    way = " ".join(filter(None, (endpoint.kind, escape(endpoint.url))))
    out.print(f"endpoint   {way}, signature {endpoint.signature}{test}")
    for each in agency.reply_to:
        out.print(f"reply to   {escape(each.url)}{'' if each.client_key else ', without our certificate'}")
    for contact in agency.contacts:
        out.print(f"contact    {escape(', '.join(filter(None, _contact(contact).values())))}")


def _tell_held(one: _Held, now: datetime) -> None:
    state = f"[red]revoked {one.revoked_at:%Y-%m-%d}[/]" if one.revoked_at else ""
    state = state or ("[yellow]expired[/]" if one.not_after <= now else "")
    short = one.fingerprint[:FINGERPRINT_SHOWN]
    out.print(f"credential {_kind(one):<11} {short}  until {one.not_after:%Y-%m-%d} {state}".rstrip())
    for name in _names(one):
        out.print(f"           {'':<11} {escape(name)}")


def _names(one: _Held) -> tuple[str, ...]:
    """Of those that an authority certifies for the agency, or the username."""
    if isinstance(one, AgencyAuthority):
        return one.names
    return (name_in(one.secret),) if one.secret else ()


def _told(each: HeldList) -> str:
    """What is held of an authority's revocation list."""
    if each.crl is None:
        return "[yellow]none: what its authority revokes is not known here[/]"
    days = f"of {each.crl.this_update:%Y-%m-%d}, next due {each.crl.next_update:%Y-%m-%d %H:%M}"
    text = f"{len(each.crl.serials)} revoked, {days}"
    if each.refused:
        return f"{text} [red]out of date: its certificates are refused[/]"
    return f"{text} [yellow]out of date[/]" if each.stale else text


def _list_shown(each: HeldList) -> dict[str, object]:
    crl = each.crl
    return {
        "authority": each.fingerprint[:FINGERPRINT_SHOWN],
        "number": str(crl.number) if crl is not None and crl.number is not None else None,
        "this_update": timestamp(crl.this_update) if crl is not None else None,
        "next_update": timestamp(crl.next_update) if crl is not None else None,
        "revoked": len(crl.serials) if crl is not None else 0,
        "state": each.state,
    }


def _shown(agency: Agency, credentials: list[_Held], lists: list[HeldList]) -> dict[str, object]:
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
            "mtom": agency.endpoint.mtom,
            "test": agency.endpoint.test,
        },
        "reply_to": [
            {"url": each.url, "client_key": each.client_key, "private_network": each.private_network}
            for each in agency.reply_to
        ],
        "contacts": [_contact(contact) for contact in agency.contacts],
        "credentials": [
            {
                "kind": _kind(one),
                "fingerprint": one.fingerprint[:FINGERPRINT_SHOWN],
                "not_after": timestamp(one.not_after),
                "revoked_at": timestamp(one.revoked_at) if one.revoked_at else None,
            }
            | ({"names": list(names)} if (names := _names(one)) else {})
            for one in credentials
        ],
        "crls": [_list_shown(each) for each in lists],
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
    run(_revoke(AgencyId(id), credential, signer(by, key, directory), directory, json))


async def _revoke(id: AgencyId, prefix: str, by: Acting | None, directory: Path, json: bool) -> None:
    async with open_deployment(directory) as gateway:
        revoked = await revoke_credential(gateway, id, prefix, by=by, actor="cli")
    if json:
        answer({"agency": id, "kind": _kind(revoked), "fingerprint": revoked.fingerprint, "revoked": True})
        return
    out.print(f"{_kind(revoked)} {revoked.fingerprint[:FINGERPRINT_SHOWN]} of {id} is revoked")
