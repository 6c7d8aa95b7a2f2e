"""`gateway emergency`: release under no agreement when a life is in danger, and the report of all such releases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import SECOND_PASSPHRASE, As, Key, person
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.clock import timestamp
from gateway.exchange.acting import Acting
from gateway.exchange.emergencies import Asked, Row, as_row, list_emergencies, read_because
from gateway.exchange.emergency import Released, release_in_emergency
from gateway.exchange.releasable import Emergency
from gateway.message import DisseminationId, MessageId
from gateway.policy.emergency import DEFAULT_LABELS, Reason

app = typer.Typer(no_args_is_help=True, help="Emergency release: release, list, because. It takes two people.")


@app.command()
def release(
    message: Annotated[str, typer.Argument(help="The gateway's id of the message.")],
    to: Annotated[str, typer.Option("--to", metavar="AGENCY", help="Who needs it.")],
    reason: Annotated[Reason, typer.Option("--reason", help="Why; it stands in the log.")],
    by: As,
    second: Annotated[
        str, typer.Option("--second", metavar="USER", help="The second person: a supervisor or a privacy officer.")
    ],
    labels: Annotated[
        list[str] | None,
        typer.Option("--labels", help="What is to go, such as person.*; may be repeated.", show_default=False),
    ] = None,
    because: Annotated[
        str, typer.Option("--because", help="What happened, in words; kept sealed, never in the log.")
    ] = "",
    key: Key = None,
    second_key: Annotated[
        Path | None, typer.Option("--second-key", help="The second person's key file.", dir_okay=False)
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Release one stored message to one agency, at once, under no agreement. Its owner is told with the same delivery.

    Without --labels: person.*, location.*, caution.*, risk.* and condition.*. Sealed and juvenile records, victim
    services and privileged communication never go; what else law withholds goes only where its section speaks of such
    an emergency. The first person is a privacy or compliance officer, the second a supervisor or privacy officer; both
    speak for the owner or for the gateway's operator. The second passphrase is asked for, or taken from
    GATEWAY_SECOND_PASSPHRASE.

    [bold]gateway emergency release 019a3c5e-… --to millbrook-police --reason imminent-danger --as ana --second bo[/]
    """
    first = person(by, key, directory)
    other = person(second, second_key, directory, variable=SECOND_PASSPHRASE)
    asked = Emergency(
        message=MessageId(message), to=AgencyId(to), reason=reason, labels=tuple(labels or ()), because=because
    )
    made = run(_release(directory, asked, first, other))
    if json:
        answer(_made(made, asked))
        return
    went = ", ".join(f"{label} {count}" for label, count in sorted(made.counts.items()))
    out.print(f"released to {made.recipient} ({reason.value}), ahead of the queue: delivery {made.delivery}")
    out.print(f"what went: {went}")
    out.print(f"{made.sender}, whose data it is, is told by delivery {made.owner_delivery}")
    out.print(f"log: {made.entry}")


def _made(made: Released, asked: Emergency) -> dict[str, object]:
    return {
        "message": made.message,
        "owner": made.sender,
        "recipient": made.recipient,
        "reason": asked.reason.value,
        "labels": list(asked.labels or DEFAULT_LABELS),
        "dissemination": made.dissemination,
        "delivery": made.delivery,
        "owner_delivery": made.owner_delivery,
        "entry": made.entry,
        "at": timestamp(made.at),
        "counts": made.counts,
        "withheld": made.withheld,
    }


async def _release(directory: Path, asked: Emergency, first: Acting, second: Acting) -> Released:
    async with open_deployment(directory) as gateway:
        return await release_in_emergency(gateway, asked, first=first, second=second)


@app.command("list")
def list_(
    since: Annotated[datetime | None, typer.Option(help="From this moment on, UTC.", formats=["%Y-%m-%d"])] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this day, UTC.", formats=["%Y-%m-%d"])] = None,
    owner: Annotated[str, typer.Option("--from", metavar="AGENCY", help="Only data of this agency.")] = "",
    to: Annotated[str, typer.Option("--to", metavar="AGENCY", help="Only releases to this agency.")] = "",
    reason: Annotated[Reason | None, typer.Option("--reason", help="Only for this reason.")] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """The report of all emergency releases, out of the log: when, whose data, to whom, why, by whom, how much."""
    asked = Asked(
        since=_utc(since),
        until=_utc(until),
        owner=AgencyId(owner) if owner else None,
        to=AgencyId(to) if to else None,
        reason=reason,
    )
    rows = run(_list(directory, asked))
    period = {"since": timestamp(asked.since) if asked.since else None}
    period["until"] = timestamp(asked.until) if asked.until else None
    chosen = {"from": owner or None, "to": to or None, "reason": reason.value if reason else None}
    if json:
        answer({"period": period, "filter": chosen, "count": len(rows), "rows": [as_row(row) for row in rows]})
        return
    out.print(f"Emergency releases from {period['since'] or 'the beginning'} until {period['until'] or 'now'}")
    said = ", ".join(f"{key} {value}" for key, value in chosen.items() if value)
    out.print(f"Filter: {said or 'none'}")
    for row in rows:
        _print(row)
    out.print(f"{len(rows)} release{'' if len(rows) == 1 else 's'}")


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None


def _print(row: Row) -> None:
    out.print(f"{timestamp(row.at)}  {row.owner} to {row.recipient}  [bold]{row.reason.value}[/]")
    out.print(f"    by {row.first} and {row.second}; message {row.message}, {row.exchange}")
    out.print(f"    went: {_counted(row.counts)}")
    out.print(f"    withheld: {_counted(row.withheld)}")
    out.print(f"    dissemination {row.dissemination}, log {row.entry}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{label} {count}" for label, count in sorted(counts.items())) or "nothing"


async def _list(directory: Path, asked: Asked) -> tuple[Row, ...]:
    async with open_deployment(directory) as gateway:
        return await list_emergencies(gateway, asked, actor="cli")


@app.command()
def because(
    dissemination: Annotated[str, typer.Argument(help="The dissemination that the report names.")],
    by: As,
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """What was written of a release. That you read it is recorded, under your name."""
    text = run(_because(directory, dissemination, person(by, key, directory)))
    if json:
        answer({"dissemination": dissemination, "because": text})
        return
    out.print(text, markup=False)


async def _because(directory: Path, dissemination: str, by: Acting) -> str:
    async with open_deployment(directory) as gateway:
        return await read_because(gateway, DisseminationId(dissemination), by=by)
