"""`gateway replies`: answers that go to registered addresses, which are stuck, and what to do about it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, signer
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.clock import timestamp
from gateway.delivery.course import State
from gateway.delivery.reply import KEPT, Reply, ReplyId
from gateway.exchange.acting import Acting
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.reading import record_read
from gateway.exchange.reply_acts import ReplyUnknown, discard_reply, requeue_reply
from gateway.policy.reading import nearest

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Answers to SOAP requests that asked for them elsewhere (wsa:ReplyTo, wsa:FaultTo): list, show, requeue, "
        "discard.\n\nThey hold receipts and findings, no records, and are destroyed a week after they were made. Where "
        "they may go stands in the agency's file, as `reply_to`."
    ),
)

Id = Annotated[str, typer.Argument(help="Id of the reply: its wsa:MessageID without urn:uuid.")]


@app.command("list")
def list_(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    agency: Annotated[str | None, typer.Option("--agency", help="Only those to this agency.")] = None,
    before: Annotated[str | None, typer.Option(help="Older than this id: the next page.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Replies of the last week, newest first."""
    rows = run(_list(state, agency, before, limit, directory))
    if json:
        answer([_row(row) for row in rows])
        return
    colors = {State.DELIVERED: "green", State.WAITING: "yellow", State.SENDING: "yellow"}
    for row in rows:
        what = row.code or "answer"
        error = f" {row.last_error}" if row.last_error else ""
        state_ = f"[{colors.get(row.state, 'red')}]{row.state.value:<13}[/]"
        out.print(f"{row.id}  {state_} {row.agency:<24} {what:<28} {row.attempts} tries{error}")


async def _list(
    state: State | None, id: str | None, before: str | None, limit: int, directory: Path
) -> tuple[Reply, ...]:
    async with open_deployment(directory) as gateway:
        agency = AgencyId(id) if id else None
        if agency and agency not in gateway.current.agencies:
            raise AgencyUnknown(f"there is no agency {agency}{nearest(agency, gateway.current.agencies)}")
        found = await gateway.store.replies(state, agency, ReplyId(before) if before else None, limit)
        await record_read(gateway, "replies", agency=agency, actor="cli", count=len(found))
        return found


def _row(reply: Reply) -> dict[str, Any]:
    return {
        "reply": reply.id,
        "agency": reply.agency,
        "message": reply.message,
        "address": reply.address,
        "code": reply.code or None,
        "state": reply.state.value,
        "attempts": reply.attempts,
        "created_at": timestamp(reply.created_at),
        "due_at": timestamp(reply.due_at),
        "expires_at": timestamp(reply.expires_at),
        "delivered_at": timestamp(reply.delivered_at) if reply.delivered_at else None,
        "destroyed_at": timestamp(reply.created_at + KEPT),
        "last_error": reply.last_error,
    }


@app.command()
def show(id: Id, directory: Directory = Path(), json: AsJson = False) -> None:
    """One reply: where it goes, how it stands, until when it is kept. No content."""
    found = _row(run(_show(ReplyId(id), directory)))
    if json:
        answer(found)
        return
    for key, value in found.items():
        out.print(f"{key:>14}  {value if value is not None else '-'}", markup=False)


async def _show(id: ReplyId, directory: Path) -> Reply:
    async with open_deployment(directory) as gateway:
        record = await gateway.store.reply(id)
        if record is None:
            raise ReplyUnknown("no answer that goes elsewhere has this id, or it has been destroyed")
        reply = record.reply
        await record_read(
            gateway, "reply", parties=(reply.agency,), message=reply.message, agency=reply.agency, actor="cli"
        )
        return reply


@app.command()
def requeue(id: Id, by: As = "", key: Key = None, directory: Directory = Path()) -> None:
    """Send an undeliverable or expired reply once more, with a fresh budget of tries, under the same wsa:MessageID.

    Anybody at the machine may; with --as it is signed.
    """
    run(_requeue(ReplyId(id), signer(by, key, directory), directory))
    out.print(f"{id} waits again")


async def _requeue(id: ReplyId, by: Acting | None, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        await requeue_reply(gateway, id, by=by)


@app.command()
def discard(
    id: Id,
    reason: Annotated[str, typer.Option("--reason", help="A code word, such as system-retired; it is logged.")],
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Give up a reply for good; it is recorded why, and with --as who did, signed."""
    run(_discard(ReplyId(id), reason, signer(by, key, directory), directory))
    out.print(f"{id} is discarded")


async def _discard(id: ReplyId, reason: str, by: Acting | None, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        await discard_reply(gateway, id, by=by, reason=reason)
