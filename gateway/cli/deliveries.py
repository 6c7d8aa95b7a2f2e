"""`gateway deliveries`: what is under way, what is stuck, and what to do about it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, signer
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.clock import timestamp
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.acting import Acting
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.gateway import Gateway
from gateway.exchange.inbox import DeliveryUnknown, notice_of
from gateway.exchange.reading import record_read
from gateway.exchange.requeue import discard as discard_delivery
from gateway.exchange.requeue import requeue as requeue_delivery
from gateway.message import DeliveryId
from gateway.policy.reading import nearest
from gateway.store.messages import DisseminationRecord

app = typer.Typer(no_args_is_help=True, help="Deliveries: list, show, requeue, discard.")

Id = Annotated[str, typer.Argument(help="Id of the delivery.")]


@app.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only those to this agency.")] = None,
    before: Annotated[str | None, typer.Option(help="Older than this id: the next page.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Deliveries, newest first."""
    rows = run(_list(state, to, before, limit, directory))
    if json:
        answer([_row(row) for row in rows])
        return
    colors = {State.DELIVERED: "green", State.WAITING: "yellow", State.SENDING: "yellow"}
    for row in rows:
        color = colors.get(row.state, "red")
        error = f" {row.last_error}" if row.last_error and row.state is not State.DELIVERED else ""
        out.print(f"{row.id}  [{color}]{row.state.value:<13}[/] {row.recipient:<24} {row.attempts} tries{error}")
    if len(rows) == limit:
        err.print(f"the newest {limit}; those before them: --before {rows[-1].id}")


async def _list(
    state: State | None, to: str | None, before: str | None, limit: int, directory: Path
) -> tuple[Delivery, ...]:
    async with open_deployment(directory) as gateway:
        recipient = AgencyId(to) if to else None
        if recipient and recipient not in gateway.current.agencies:
            raise AgencyUnknown(f"there is no agency {to}{nearest(recipient, gateway.current.agencies)}")
        found = await gateway.store.deliveries(state, recipient, DeliveryId(before) if before else None, limit)
        await record_read(gateway, "deliveries", recipient=recipient, actor="cli", count=len(found))
        return found


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery": delivery.id,
        "message": delivery.message,
        "recipient": delivery.recipient,
        "state": delivery.state.value,
        "urgent": delivery.urgent,
        "attempts": delivery.attempts,
        "created_at": timestamp(delivery.created_at),
        "due_at": timestamp(delivery.due_at),
        "expires_at": timestamp(delivery.expires_at),
        "deadline": timestamp(delivery.deadline) if delivery.deadline else None,
        "delivered_at": timestamp(delivery.delivered_at) if delivery.delivered_at else None,
        "last_error": delivery.last_error,
        "evidence": delivery.evidence,
    }


@app.command()
def show(
    id: Id,
    notice: Annotated[
        bool, typer.Option("--notice", help="The recipient's handling notice instead, to print.")
    ] = False,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """One delivery: where it stands, and what was withheld by which clause. No content."""
    if notice:
        text = run(_notice(id, directory))
        if json:
            answer({"delivery": id, "notice": text})
        else:
            out.print(text, markup=False, end="")
        return
    found = run(_show(id, directory))
    if json:
        answer(found)
        return
    for key, value in found.items():
        if key != "redactions":
            out.print(f"{key:>14}  {value if value is not None else '-'}")
    for each in found["redactions"]:
        out.print(f"{each['outcome']:>14}  {each['label']:<26} {each['clause']:<16} {each['path']}")


async def _record(gateway: Gateway, id: str, kind: str) -> DisseminationRecord:
    """The delivery. That a person looks at it is an entry, written before."""
    record = await gateway.store.delivery(DeliveryId(id))
    if record is None:
        raise DeliveryUnknown(f"there is no delivery {id}")
    made = record.dissemination
    await record_read(
        gateway,
        kind,
        parties=(record.sender, made.recipient),
        message=made.message,
        dissemination=made.id,
        delivery=record.delivery.id,
        recipient=made.recipient,
        actor="cli",
    )
    return record


async def _notice(id: str, directory: Path) -> str:
    async with open_deployment(directory) as gateway:
        return notice_of(gateway, await _record(gateway, id, "notice"))


async def _show(id: str, directory: Path) -> dict[str, Any]:
    async with open_deployment(directory) as gateway:
        record = await _record(gateway, id, "delivery")
    dissemination = record.dissemination
    return {
        **_row(record.delivery),
        "sender": record.sender,
        "exchange": record.exchange,
        "mou": f"{dissemination.mou}@{dissemination.mou_version}",
        "clauses": ", ".join(dissemination.clauses),
        "purpose": dissemination.purpose,
        "shared": dissemination.shared,
        "redactions": [
            {
                "path": each.path,
                "field": each.field,
                "label": each.label,
                "outcome": each.outcome,
                "clause": each.clause,
            }
            for each in dissemination.redactions
        ],
    }


@app.command()
def requeue(id: Id, by: As = "", key: Key = None, directory: Directory = Path()) -> None:
    """Put an undeliverable or expired delivery back to waiting, with a fresh budget of tries.

    Anybody at the machine may; with --as it is signed.
    """
    run(_requeue(id, signer(by, key, directory), directory))
    out.print(f"{id} waits again")


async def _requeue(id: str, by: Acting | None, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        await requeue_delivery(gateway, DeliveryId(id), by=by)


@app.command()
def discard(
    id: Id,
    reason: Annotated[str, typer.Option("--reason", help="A code word, such as recipient-closed; it is logged.")],
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Give up a delivery for good; it is recorded why, and with --as who did, signed.

    gateway deliveries discard 01a2... --reason sent-otherwise --as ana
    """
    run(_discard(id, reason, signer(by, key, directory), directory))
    out.print(f"{id} is discarded")


async def _discard(id: str, reason: str, by: Acting | None, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        await discard_delivery(gateway, DeliveryId(id), by=by, reason=reason)
