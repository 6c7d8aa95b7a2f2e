"""`gateway audit accounting`: what a person is told of disclosures of health information, and suspensions of that right
(45 CFR 164.528)."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import Agency, AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.cli.table import AsFormat, InPeriod, Output, in_period, tell
from gateway.cli.who_saw import Born, Name, Subjects, filled, named
from gateway.exchange.accounting import (
    Account,
    AskedAccount,
    Line,
    NewSuspension,
    account,
    lift_suspension,
    suspend_accounting,
)
from gateway.exchange.acting import Acting
from gateway.exchange.gateway import Gateway
from gateway.exchange.head import log_head
from gateway.policy.accounting import described
from gateway.policy.disclosure import Suspension
from gateway.policy.person import Person
from gateway.report.table import Cell, Table, columns

TOLD = columns(
    date="Date",
    recipient="Recipient",
    address="Address",
    description="What was disclosed",
    purpose="Purpose",
    discloser="Disclosed by",
)
"""What 164.528(b)(2) demands, and from whom it came, for one gateway serves several."""

OPERATOR = (*TOLD, *columns(left_out="Left out", mou="Agreement", message="Message", entry="Log entry"))


def command(
    by: As,
    subjects: Subjects = None,
    name: Name = "",
    born: Born = "",
    owner: Annotated[
        str, typer.Option("--from", metavar="AGENCY", help="Only disclosures of this agency: the covered entity.")
    ] = "",
    by_name: Annotated[
        bool, typer.Option("--by-name", help="Also where only the same name and birth date point to the person.")
    ] = False,
    operator: Annotated[
        bool, typer.Option("--operator", help="For your eyes: with what is left out of the account, and why.")
    ] = False,
    period: InPeriod = None,
    format: AsFormat = None,
    output: Output = None,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """The account of disclosures of a person's health information, to be handed to the person: 45 CFR 164.528.

    Six years back from today, or a part of that by --period: the date of each disclosure, who received it and at what
    address, what it was, what for. Left out are disclosures to custodians under 164.512(k)(5), as 164.528(a)(1)(vii)
    says, and those to an agency that had the right suspended; of these the account says nothing. You see that on the
    side, and by --operator line by line.

    Listed is all that has labels medical.* and sud.*; health data that is nobody's protected health information is
    among it. That you made the account is recorded under your name.

    [bold]gateway audit accounting --subject SID=FR-119-0284 --as dana.whitcombe -o account.html[/]
    """
    whom = named(subjects, name, born)
    asked = AskedAccount(
        person=whom, period=in_period(period), owner=AgencyId(owner) if owner else None, by_name=by_name
    )
    filters = filled(**{"subject": ", ".join(subjects or ()), "name": name, "born": born, "from": owner})
    acting = person(by, key, directory)
    made, table = run(_account(directory, asked, acting, filters, operator=operator, exported=output is not None))
    tell(table, format=format, output=output, json=json)
    for line in _aside(made):
        err.print(f"[yellow]for you only[/]: {escape(line)}")


async def _account(
    directory: Path,
    asked: AskedAccount,
    by: Acting,
    filters: tuple[tuple[str, str], ...],
    *,
    operator: bool,
    exported: bool,
) -> tuple[Account, Table]:
    async with open_deployment(directory) as gateway:
        made = await account(gateway, asked, by=by, exported=exported)
        return made, await _table(gateway, made, filters, operator=operator)


async def _table(gateway: Gateway, made: Account, filters: tuple[tuple[str, str], ...], *, operator: bool) -> Table:
    agencies = gateway.current.agencies
    rows = [_told(line, agencies) for line in made.told]
    if operator:
        rows = [(*_told(line, agencies), *_operators(line)) for line in made.lines]
    return Table(
        name="audit accounting",
        title="Account of disclosures",
        question="What of this person's health information was disclosed, when, to whom, and what for?",
        columns=OPERATOR if operator else TOLD,
        rows=tuple(rows),
        log=await log_head(gateway),
        made_at=gateway.clock.now(),
        period=made.period,
        filters=filters,
        note="45 CFR 164.528(b).",
    )


def _told(line: Line, agencies: Mapping[AgencyId, Agency]) -> tuple[Cell, ...]:
    said = line.seen.disclosure
    recipient, sender = agencies.get(said.recipient), agencies.get(said.sender)
    return (
        f"{line.seen.arrival.at or said.at:%Y-%m-%d}",
        recipient.name if recipient else said.recipient,
        _address(recipient),
        described(said.health),
        said.purpose.replace("-", " "),
        sender.name if sender else said.sender,
    )


def _address(agency: Agency | None) -> str:
    """Where it is, as far as that is known."""
    if agency is None:
        return ""
    contact = next(iter(agency.contacts), None)
    reached = (contact.phone, contact.email) if contact else ()
    return agency.address or ", ".join(filter(None, (*reached, f"ORI {agency.ori}" if agency.ori else "")))


def _operators(line: Line) -> tuple[Cell, ...]:
    said = line.seen.disclosure
    return line.left_out, said.mou, said.message, said.entry


def _aside(made: Account) -> list[str]:
    """What the person is not told."""
    left = [line for line in made.lines if line.left_out]
    held = [line for line in left if line.left_out.startswith("suspended")]
    words = [f"suspended for {each.agency} until {each.until}: {each.id}" for each in made.suspensions]
    if held:
        words.append(f"{len(held)} disclosures are left out because the right is suspended")
    if len(left) > len(held):
        words.append(f"{len(left) - len(held)} disclosures to custodians are left out: 45 CFR 164.528(a)(1)(vii)")
    if made.possible:
        words.append(
            f"{made.possible} more may be of this person, by the name; see gateway audit who-saw, or --by-name"
        )
    return words


def suspend(
    agency: Annotated[
        str, typer.Option("--for", metavar="AGENCY", help="Who asks: the person is not told what it was given.")
    ],
    by: As,
    subjects: Subjects = None,
    name: Name = "",
    born: Born = "",
    statement: Annotated[
        Path | None,
        typer.Option(
            "--statement", help="The agency's written statement; only its digest is kept.", exists=True, dir_okay=False
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day, as the agency stated it.")
    ] = None,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Suspend a person's right to be told what one agency was given: 45 CFR 164.528(a)(2).

    A law enforcement or health oversight agency has to state that telling would be reasonably likely to impede it, and
    for how long. With its written --statement the last day is the one it states; a statement by word of mouth is good
    for 30 days at most, from today. While it lasts, accounts leave those disclosures out and say nothing of it.
    """
    if statement is not None and until is None:
        raise typer.BadParameter("a written statement says until when", param_hint="--until")
    new = NewSuspension(
        person=named(subjects, name, born),
        agency=AgencyId(agency),
        until=until.date() if until else None,
        document=f"sha-256:{sha256(statement.read_bytes()).hexdigest()}" if statement else "",
    )
    made = run(_suspend(directory, new, person(by, key, directory)))
    _say(made, json=json, done="suspended")


async def _suspend(directory: Path, new: NewSuspension, by: Acting) -> Suspension:
    async with open_deployment(directory) as gateway:
        return await suspend_accounting(gateway, new, by=by)


def lift(
    suspension: Annotated[str, typer.Argument(help="Its id, as it was answered and as accounts name it on the side.")],
    by: As,
    subjects: Subjects = None,
    name: Name = "",
    born: Born = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """End a suspension before its time. Say whose it is: the gateway cannot tell by itself."""
    whose = named(subjects, name, born)
    held = run(_lift(directory, whose, suspension, person(by, key, directory)))
    _say(held, json=json, done="lifted")


async def _lift(directory: Path, whose: Person, suspension: str, by: Acting) -> Suspension:
    async with open_deployment(directory) as gateway:
        return await lift_suspension(gateway, whose, suspension, by=by)


def _say(of: Suspension, *, json: bool, done: str) -> None:
    if json:
        answer(
            {
                "suspension": of.id,
                "state": done,
                "agency": of.agency,
                "from": of.since.isoformat(),
                "until": of.until.isoformat(),
                "statement": of.document or None,
            }
        )
        return
    out.print(f"{done}: {of.id}, for {of.agency}, from {of.since} until {of.until}")
