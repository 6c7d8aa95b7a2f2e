"""`gateway consent`: consents of persons, by which records may go that law otherwise keeps back."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.exchange.acting import Acting
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.configured import Configured
from gateway.exchange.consents import NewConsent, add_consent, as_row, list_consents, revoke_consent
from gateway.policy.consent import Consent
from gateway.policy.reading import nearest
from gateway.policy.schema import known_words

app = typer.Typer(no_args_is_help=True, help="Consents: add, revoke, list (42 CFR 2.31 and others).")


@app.command()
def add(
    holder: Annotated[str, typer.Option("--holder", metavar="AGENCY", help="Whose records of the person may go.")],
    recipient: Annotated[str, typer.Option("--to", metavar="AGENCY", help="Who may have them.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What for; must be the clause's purpose.")],
    label: Annotated[list[str], typer.Option("--label", help="What may go, such as sud.*; may be repeated.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day, that day included.")],
    document: Annotated[
        Path,
        typer.Option("--document", help="The signed paper; only its digest is kept.", exists=True),
    ],
    by: As,
    sid: Annotated[str, typer.Option(help="The person's state ID number.")] = "",
    fbi: Annotated[str, typer.Option(help="The person's FBI number.")] = "",
    doc: Annotated[str, typer.Option(help="The person's corrections number.")] = "",
    given: Annotated[str, typer.Option(help="First name, when there is no number.")] = "",
    last: Annotated[str, typer.Option(help="Last name, when there is no number.")] = "",
    born: Annotated[str, typer.Option(help="Birth date, YYYY-MM-DD, when there is no number.")] = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Take in a signed consent. The person is kept as a blind index only: neither database nor log names anybody."""
    named = {"sid": sid, "fbi": fbi, "doc": doc, "given": given, "last": last, "born": born}
    new = NewConsent(
        holder=AgencyId(holder),
        person={name: value for name, value in named.items() if value},
        labels=tuple(label),
        recipient=AgencyId(recipient),
        purpose=purpose,
        since=since.date(),
        until=until.date(),
        document=f"sha-256:{sha256(document.read_bytes()).hexdigest()}",
    )
    made, idle = run(_add(directory, new, person(by, key, directory)))
    for hint in idle:
        err.print(f"[yellow]note[/] {escape(hint)}")
    if json:
        answer([as_row(each) for each in made])
        return
    for each in made:
        out.print(f"{each.id}  {', '.join(each.labels)} to {each.recipient} for {each.purpose} until {each.until}")


async def _add(directory: Path, new: NewConsent, by: Acting) -> tuple[tuple[Consent, ...], tuple[str, ...]]:
    async with open_deployment(directory) as gateway:
        return await add_consent(gateway, new, by=by), tuple(_idle(gateway.current, new))


def _idle(configured: Configured, new: NewConsent) -> Iterator[str]:
    """What this consent waits for, or a slip of the pen: a consent may be older than the agreement that needs it."""
    purposes = {clause.purpose for mou in configured.mous.values() for clause in mou.exchanges}
    if new.purpose not in purposes:
        yield f"no agreement here speaks of the purpose {new.purpose!r}{nearest(new.purpose, purposes)}"
    labels = frozenset[str]().union(*(known_words(iepd.catalog) for iepd in configured.iepds.values()))
    for label in new.labels:
        if label not in labels:
            yield f"no exchange here has the label {label!r}{nearest(label, labels)}"


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The consent's id.")],
    by: As,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Take a consent back: it counts for no message from this moment on."""
    consent = run(_revoke(directory, id, person(by, key, directory)))
    out.print(f"{consent.id} is revoked since {consent.revoked:%Y-%m-%d %H:%M} UTC")


async def _revoke(directory: Path, id: str, by: Acting) -> Consent:
    async with open_deployment(directory) as gateway:
        return await revoke_consent(gateway, id, by=by)


@app.command("list")
def list_(
    holder: Annotated[str, typer.Option("--holder", metavar="AGENCY", help="Only those of this agency.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    before: Annotated[str, typer.Option(help="Those older than this id: the last of the page before.")] = "",
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Consents, newest first. Whom they are of is not shown, because it is not known here."""
    found = run(_list(directory, holder, before, limit))
    if json:
        answer([as_row(each) for each in found])
        return
    if not found:
        out.print(f"no consents{f' of {escape(holder)}' if holder else ''}")
    for each in found:
        mark = " [red]revoked[/]" if each.revoked else ""
        labels = ", ".join(each.labels)
        out.print(f"{each.id}  {each.holder} to {each.recipient}  {each.purpose}  {labels}  until {each.until}{mark}")


async def _list(directory: Path, holder: str, before: str, limit: int) -> tuple[Consent, ...]:
    async with open_deployment(directory) as gateway:
        whose = AgencyId(holder) if holder else None
        if whose and whose not in gateway.current.agencies:
            raise AgencyUnknown(f"there is no agency {holder}{nearest(holder, gateway.current.agencies)}")
        return await list_consents(gateway, holder=whose, before=before or None, limit=limit, actor="cli")
