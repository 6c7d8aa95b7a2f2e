"""`gateway agency suspend`: shut an agency out, and say what it holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import Agency, AgencyId, Contact
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, signer
from gateway.cli.run import AsJson, Directory, answer, err, out, run, write
from gateway.clock import timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.activate import SHUT_OUT_SECONDS, check_unsigned, suspend_agency
from gateway.exchange.holdings import Group, Holdings, export_holdings, holdings

SHOWN_MAX = 20
"""Waiting deliveries that are shown one by one; --json has all."""


def suspend(
    id: Annotated[str, typer.Argument(help="The agency's id, such as millbrook-police.")],
    resume: Annotated[bool, typer.Option("--resume", help="Let it in again.")] = False,
    list_file: Annotated[
        Path | None,
        typer.Option(
            "--list", metavar="FILE", help="Write what it holds as CSV: ids, dates, agreements.", dir_okay=False
        ),
    ] = None,
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Shut an agency out, within five seconds in every running process, and say what it holds.

    Its tokens and certificates count no more, its open connections end, what is being sent to it is broken off, new
    deliveries are refused, those that wait are held. Then it says what the agency was given and may still have, per
    agreement and month, for the notice of a breach; whose data that is; and whom to call. --list writes it out message
    by message, without content and without names of people. The same again changes nothing and shows it again.

    Anybody at the machine may, at once; with --as it is signed. Letting it in again is signed.
    """
    if resume and list_file is not None:
        raise typer.BadParameter("what it holds is listed when it is shut out", param_hint="--list")
    agency = AgencyId(id)
    who = signer(by, key, directory)
    if resume:
        run(_resume(agency, who, directory))
        if json:
            answer({"agency": id, "suspended": False})
        else:
            out.print(f"{id} is let in again")
        return
    shut = run(_suspend(agency, who, directory, list_file))
    if json:
        answer(_as_data(shut))
    else:
        _tell(shut)


async def _resume(id: AgencyId, by: Acting | None, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        if by is None:
            check_unsigned(gateway)
        await suspend_agency(gateway, id, by=by, actor="cli", suspended=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shut:
    """What is told. owners: whose data it has; accounts: of its people, whose keys go on to sign."""

    agency: Agency
    changed: bool
    found: Holdings
    owners: tuple[Agency, ...]
    accounts: tuple[str, ...]
    list_file: Path | None


async def _suspend(id: AgencyId, by: Acting | None, directory: Path, list_file: Path | None) -> _Shut:
    async with open_deployment(directory) as gateway:
        changed = await suspend_agency(gateway, id, by=by, actor="cli")
        # Said at once: the rest reads the whole log, and nobody waits for that.
        said = f"is shut out: within {SHUT_OUT_SECONDS} s in every process" if changed else "was shut out before"
        err.print(f"{id} {said}")
        found = await holdings(gateway, id)
        if list_file is not None:
            # The entry first: a list that nobody knows of must not be anywhere.
            write(list_file, await export_holdings(gateway, found, by=by), private=True)
        agencies = gateway.current.agencies
        return _Shut(
            agency=agencies[id],
            changed=changed,
            found=found,
            owners=tuple(agencies[each] for each in sorted({one.sender for one in found.held}) if each in agencies),
            accounts=tuple(
                sorted(one.id for one in gateway.current.users.values() if one.agency == id and not one.disabled_at)
            ),
            list_file=list_file,
        )


def _tell(shut: _Shut) -> None:
    found = shut.found
    counts = dict(found.stopped)
    stopped = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    out.print(f"Stopped: {stopped or 'it had no credential'}")
    for line in _holds(found):
        out.print(line)
    out.print(f"Waiting for it, held here: {len(found.waiting)}")
    for each in found.waiting[:SHOWN_MAX]:
        out.print(f"  {each.id} of {timestamp(each.created_at)}, its time runs out {timestamp(each.expires_at)}")
    if len(found.waiting) > SHOWN_MAX:
        out.print(f"  and {len(found.waiting) - SHOWN_MAX} more: --json, or gateway deliveries list")
    if shut.accounts:
        out.print(f"Accounts of its people, which still sign for it: {', '.join(shut.accounts)}; gateway user disable")
    out.print("Call there:")
    for line in _contacts(shut.agency):
        out.print(line)
    for owner in shut.owners:
        out.print(f"Tell {owner.id}, whose data it has:")
        for line in _contacts(owner):
            out.print(line)
    if shut.list_file is not None:
        out.print(f"{len(found.held)} disseminations are listed in {shut.list_file}")


def _holds(found: Holdings) -> Iterator[str]:
    perhaps = sum(each.perhaps for each in found.groups)
    may = f", {perhaps} of them perhaps: no answer came" if perhaps else ""
    yield f"It was given and may still have: {len(found.held)} disseminations{may}"
    for each in found.groups:
        until = f"to be destroyed by {each.keep_until:%Y-%m-%d}" if each.keep_until else "without an end"
        of = "".join(f", {count} with {label}" for label, count in each.counts)
        yield f"  {each.month}  {each.mou:<24} {each.exchange:<24} {each.count:>6}  from {each.sender}, {until}{of}"


def _contacts(agency: Agency) -> Iterator[str]:
    for each in agency.contacts:
        yield "  " + escape(", ".join(filter(None, (each.role, each.name, each.phone, each.email))))
    if not agency.contacts:
        yield "  nobody is entered"


def _as_data(shut: _Shut) -> dict[str, object]:
    found = shut.found
    return {
        "agency": shut.agency.id,
        "suspended": True,
        "changed": shut.changed,
        "within_seconds": SHUT_OUT_SECONDS,
        "stopped": dict(found.stopped),
        "holds": {
            "count": len(found.held),
            "perhaps": sum(each.perhaps for each in found.groups),
            "groups": [_group(each) for each in found.groups],
        },
        "waiting": [
            {
                "delivery": each.id,
                "message": each.message,
                "state": each.state.value,
                "created_at": timestamp(each.created_at),
                "expires_at": timestamp(each.expires_at),
            }
            for each in found.waiting
        ],
        "accounts": list(shut.accounts),
        "contacts": [_contact(each) for each in shut.agency.contacts],
        "owners": {each.id: [_contact(contact) for contact in each.contacts] for each in shut.owners},
        "list": str(shut.list_file) if shut.list_file else None,
    }


def _group(group: Group) -> dict[str, object]:
    return {
        "sender": group.sender,
        "agreement": group.mou,
        "exchange": group.exchange,
        "month": group.month,
        "count": group.count,
        "perhaps": group.perhaps,
        "keep_until": timestamp(group.keep_until) if group.keep_until else None,
        "counts": dict(group.counts),
    }


def _contact(contact: Contact) -> dict[str, str]:
    return {"role": contact.role, "name": contact.name, "phone": contact.phone, "email": contact.email}
