"""`gateway keys crl`, `retire`, `discard`: what ends."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person, signer
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.clock import timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.revocation import (
    LIST_VALID,
    Retired,
    RevocationList,
    make_lists,
    retire_authority,
    revoke_issued,
    revoke_of_agency,
)
from gateway.exchange.rotate_key import Order, Role, discard_key

PUBLIC_MODE = 0o644


def crl(
    file: Annotated[
        Path | None,
        typer.Argument(help="File for the list, PEM, for everybody to read; of two authorities both.", dir_okay=False),
    ] = None,
    revoke: Annotated[
        str, typer.Option("--revoke", metavar="FINGERPRINT", help="First revoke this certificate: how it begins.")
    ] = "",
    agency: Annotated[str, typer.Option("--agency", help="First revoke every certificate of this agency.")] = "",
    days: Annotated[int, typer.Option(min=1, max=90, help="How long the list holds.")] = LIST_VALID.days,
    reason: Annotated[str, typer.Option(help="A code word for the log: compromised, scheduled.")] = "compromised",
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Make the revocation list (CRL) of the gateway's own authority, for partners and TLS terminators who trust it.

    On it is every certificate the authority issued that counts no more; those of suspended agencies are held. Let a
    timer make it every day, as the doctor warns when it gets old:

    [bold]gateway keys crl /srv/pki/gateway.crl[/]
    [bold]gateway keys crl /srv/pki/gateway.crl --revoke 3f9ac2 --as USER[/]

    The gateway itself needs no list: what was revoked it refuses at once. A list alone is unsigned, --revoke and
    --agency are signed.
    """
    if (revoke or agency) and not by:
        raise typer.BadParameter("whoever revokes signs it: give --as with your account")
    if revoke and agency:
        raise typer.BadParameter("one certificate, or all of an agency")
    who = signer(by, key, directory)
    lists = run(_lists(directory, who, revoke=revoke, agency=agency, reason=reason, valid=timedelta(days=days)))
    if file is not None:
        _write_public(file, b"".join(each.pem for each in lists))
    if json:
        answer([_row(each) for each in lists])
        return
    for each in lists:
        out.print(f"{each.subject}: {len(each.serials)} revoked, number {each.number}, until {timestamp(each.until)}")
    if file is not None:
        out.print(f"{file}")
    else:
        err.print("Kept beside the keys; name a file to give it to others.")


async def _lists(
    directory: Path, by: Acting | None, *, revoke: str, agency: str, reason: str, valid: timedelta
) -> tuple[RevocationList, ...]:
    async with open_deployment(directory) as gateway:
        if by is not None and revoke:
            err.print(f"{await revoke_issued(gateway, revoke, reason, by=by)} is revoked")
        if by is not None and agency:
            for each in await revoke_of_agency(gateway, AgencyId(agency), by=by):
                err.print(f"{each} is revoked")
        return await make_lists(gateway, by=by, valid=valid)


def _row(each: RevocationList) -> dict[str, object]:
    return {
        "authority": each.authority,
        "subject": each.subject,
        "number": each.number,
        "this_update": timestamp(each.made_at),
        "next_update": timestamp(each.until),
        "serials": [f"{serial:x}" for serial in each.serials],
    }


def _write_public(file: Path, content: bytes) -> None:
    """In one step: whoever reads it meanwhile has the list before or this one, never half of one."""
    part = file.with_name(f".{file.name}.part")
    try:
        with open(part, "wb", opener=lambda path, flags: os.open(path, flags, PUBLIC_MODE)) as opened:
            os.fchmod(opened.fileno(), PUBLIC_MODE)
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}") from error


def retire(
    what: Annotated[str, typer.Argument(metavar="authority", help="What: the authority before the one in use.")],
    by: As,
    cut_off: Annotated[
        bool, typer.Option("--cut-off", help="Also when agencies still have certificates of it: they end with it.")
    ] = False,
    reason: Annotated[str, typer.Option(help="A code word for the log: scheduled, compromised.")] = "scheduled",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """End an authority that was changed: its certificates count no more, its key is destroyed.

    Until then, or until they expire, agencies' certificates of it are taken beside those of the new one. It is refused
    while the gateway or an agency uses one; gateway doctor says which. Its certificate is kept, to verify what was
    signed under it.
    """
    if what != Role.AUTHORITY:
        raise typer.BadParameter("only an authority is retired; other keys end when the next one takes over")
    done = run(_retire(directory, person(by, key, directory), cut_off=cut_off, reason=reason))
    if json:
        answer({"authority": done.authority, "cut_off": list(done.cut_off)})
        return
    out.print(f"the authority {done.authority[:16]}… counts no more, and its key is destroyed")
    for agency in done.cut_off:
        out.print(f"  {agency} has no certificate of it any more")
    out.print("Tell partners to remove it: gateway keys export FOLDER")


async def _retire(directory: Path, by: Acting, *, cut_off: bool, reason: str) -> Retired:
    async with open_deployment(directory) as gateway:
        return await retire_authority(gateway, by=by, cut_off=cut_off, reason=reason)


def discard(
    what: Annotated[str, typer.Argument(metavar="|".join(Role), help="Of which key the next one.")],
    by: As,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Destroy a next key that was prepared, ordered or requested and is not wanted any more. The key in use stays."""
    if what not in [*Role]:
        raise typer.BadParameter(f"one of {'|'.join(Role)}", param_hint="WHAT")
    gone = run(_discard(directory, Role(what), person(by, key, directory)))
    if json:
        answer({"role": what, "key": gone})
        return
    out.print(f"the next key of {what}, {gone[:16]}…, is destroyed" if gone else f"there is no next key of {what}")


async def _discard(directory: Path, role: Role, by: Acting) -> str | None:
    async with open_deployment(directory) as gateway:
        gone = await discard_key(gateway, Order(role=role), by=by)
        return gone.fingerprint if gone is not None else None
