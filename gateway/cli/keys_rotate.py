"""`gateway keys rotate`: change a key of the gateway while it runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, err, out, run, write
from gateway.clock import timestamp
from gateway.config import read_settings
from gateway.exchange.acting import Acting
from gateway.exchange.own_certificate import install_certificate, request_certificate
from gateway.exchange.rotate_key import CERTIFIED, Changed, Order, Role, Step, prepare_key, rotate_key
from gateway.exchange.rotate_log_key import LOG_KEY, Handover, rotate_log_key

WHAT = "|".join((*Role, LOG_KEY))

PINNED = (Role.COVER, Role.RECEIPT, Role.AUTHORITY, Role.CLIENT)
"""Partners hold these: one that they were not given ahead is unknown to them until they are."""


def rotate(
    what: Annotated[str, typer.Argument(metavar=WHAT, help="Which key.")],
    by: As,
    reason: Annotated[str, typer.Option(help="A code word for the log: scheduled, compromised.")] = "scheduled",
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only make the next key, so that partners can be given it ahead.")
    ] = False,
    since: Annotated[
        str, typer.Option("--from", metavar="DATE", help="Let it take over then: 2027-01-31, or with a time of day.")
    ] = "",
    host: Annotated[
        list[str] | None, typer.Option("--host", help="tls: a name or address in the certificate; default: as before.")
    ] = None,
    csr: Annotated[
        Path | None,
        typer.Option("--csr", help="tls, client, cover: ask another authority; the request's file.", dir_okay=False),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            help="Its answer, PEM, the chain behind it: takes over now or --from.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Change a key while the gateway runs: running processes take the new one up by themselves, no connection is cut.

    Best in three steps, so that no partner is surprised:

    [bold]gateway keys rotate cover --prepare --as USER[/]   the next key is made
    [bold]gateway keys export FOLDER[/]   its certificate goes to partners, who load it beside the old one
    [bold]gateway keys rotate cover --from 2027-01-31 --as USER[/]   it takes over that day; without --from at once

    A certificate of another authority, such as the county's for the server:

    [bold]gateway keys rotate tls --csr tls.csr --host gateway.example.gov --as USER[/]
    [bold]gateway keys rotate tls --certificate tls.pem --as USER[/]

    What the old key signed goes on to count: old Covers and receipts verify, and agencies' certificates of an old
    authority are taken. The old private key is destroyed. One that was interrupted is finished by the same command.

    log: the old key and the new one sign one head of the log, and from there on the new one alone. Outsiders who hold
    the old key follow by that head, which names the new one: GET /v1/audit/keys, or handover-*.checkpoint of an export.
    """
    if what != LOG_KEY and what not in [*Role]:
        raise typer.BadParameter(f"one of {WHAT}", param_hint="WHAT")
    if what == LOG_KEY:
        if prepare or since or host:
            raise typer.BadParameter("the log's key changes at once: partners follow by the head that both keys sign")
        _tell_handover(run(_rotate_log(directory, person(by, key, directory), reason)), json)
        return
    if prepare and since:
        raise typer.BadParameter("--prepare only makes the next key; say when it takes over in a second step")
    if host and what != Role.TLS:
        raise typer.BadParameter("names stand in the server's certificate alone", param_hint="--host")
    _check_elsewhere(what, csr, certificate, prepare=prepare, since=since)
    order = Order(role=Role(what), reason=reason, since=_moment(since, directory), hosts=tuple(host or ()))
    who = person(by, key, directory)
    if csr is not None:
        done = run(_request(directory, order, who, csr))
    elif certificate is not None:
        done = run(_install(directory, order, who, certificate.read_bytes()))
    else:
        done = run(_change(directory, order, who, prepare=prepare))
    if json:
        answer(_row(done))
    else:
        _tell(done)


async def _rotate_log(directory: Path, by: Acting, reason: str) -> Handover:
    async with open_deployment(directory) as gateway:
        return await rotate_log_key(gateway, by=by, reason=reason)


async def _change(directory: Path, order: Order, by: Acting, *, prepare: bool) -> Changed:
    async with open_deployment(directory) as gateway:
        return await (prepare_key if prepare else rotate_key)(gateway, order, by=by)


def _check_elsewhere(what: str, csr: Path | None, certificate: Path | None, *, prepare: bool, since: str) -> None:
    """What does not go together when another authority certifies."""
    if csr is None and certificate is None:
        return
    if what not in CERTIFIED:
        raise typer.BadParameter(f"another authority certifies one of {', '.join(CERTIFIED)}")
    if csr is not None and (certificate is not None or since):
        raise typer.BadParameter("--csr asks; its answer is given with --certificate, and --from with that")
    if prepare:
        raise typer.BadParameter("--csr makes the next key; its certificate takes over with --certificate")


async def _request(directory: Path, order: Order, by: Acting, file: Path) -> Changed:
    async with open_deployment(directory) as gateway:
        made = await request_certificate(gateway, order, by=by)
    write(file, made.pem.decode())
    return made.changed


async def _install(directory: Path, order: Order, by: Acting, pem: bytes) -> Changed:
    async with open_deployment(directory) as gateway:
        return await install_certificate(gateway, order, pem, by=by)


def _moment(text: str, directory: Path) -> datetime | None:
    """A day begins at midnight in the deployment's zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("a date like 2027-01-31, or 2027-01-31T06:00", param_hint="--from") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=read_settings(directory).zone)
    moment = moment.astimezone(UTC)
    if moment <= datetime.now(UTC):
        raise typer.BadParameter("it is past; leave --from out to change the key now", param_hint="--from")
    return moment


def _row(done: Changed) -> dict[str, object]:
    return {
        "role": done.role.value,
        "key": done.key,
        "step": done.step.value,
        "since": timestamp(done.since) if done.since else None,
        "valid_until": timestamp(done.valid_until) if done.valid_until else None,
        "given_ahead": done.given_ahead,
    }


def _tell(done: Changed) -> None:
    until = f", certificate until {done.valid_until:%Y-%m-%d}" if done.valid_until else ""
    out.print(f"{done.role}: {done.key[:16]}…{until}")
    if done.step is Step.REQUESTED:
        out.print(f"Have the request certified, then: gateway keys rotate {done.role} --certificate FILE --as USER")
    elif done.step is Step.PREPARED:
        out.print("It is made and not used yet. Give partners what is new: gateway keys export FOLDER")
        out.print(f"When they have loaded it: gateway keys rotate {done.role} --as USER")
    elif done.step is Step.ORDERED and done.since is not None:
        out.print(f"It takes over at {timestamp(done.since)}, by any running worker.")
        out.print("Give partners what is new until then: gateway keys export FOLDER")
    else:
        out.print("It is in use; running processes take it up with their next signature or handshake.")
        out.print("Give partners what is new: gateway keys export FOLDER")
    if done.step is Step.DONE and not done.given_ahead and done.role in PINNED:
        err.print("[yellow]Partners were not given it ahead: who pins the old one has to load the new one now.[/]")


def _tell_handover(done: Handover, json: bool) -> None:
    if json:
        answer({"old": str(done.old), "new": str(done.new), "size": done.size, "checkpoint": done.note.decode()})
        return
    out.print(f"from {done.size} entries on the log is signed by {done.new}")
    out.print("Give partners the new key: gateway keys export FOLDER; both have signed this head:")
    out.print(done.note.decode(), markup=False, soft_wrap=True, end="")
