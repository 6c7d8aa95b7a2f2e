"""`gateway audit expunge`: a person is forgotten by the disclosure index, on an order."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_deployment
from gateway.cli.acting import SECOND_PASSPHRASE, As, Key, person
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.cli.who_saw import Born, Name, Subjects, named
from gateway.exchange.acting import Acting
from gateway.exchange.expunge import Order, Plan, expunge, read_plan
from gateway.exchange.expunge_records import Gone, expunge_person


def command(
    order: Annotated[
        Path, typer.Option("--order", help="The court's order; only its digest is kept.", exists=True, dir_okay=False)
    ],
    by: As,
    second: Annotated[
        str,
        typer.Option("--second", metavar="USER", help="The second person: an officer or supervisor of the operator."),
    ],
    subjects: Subjects = None,
    name: Name = "",
    born: Born = "",
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would go; nothing is changed.")] = False,
    index_only: Annotated[
        bool, typer.Option("--index-only", help="Leave the messages; only the disclosure index forgets.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    key: Key = None,
    second_key: Annotated[
        Path | None, typer.Option("--second-key", help="The second person's key file.", dir_okay=False)
    ] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Make the gateway forget a person: what it keeps of the person's messages is destroyed, past recipients are asked
    to do the same, and the person's keys in the disclosure index are destroyed.

    Nobody can undo it, nor tell afterwards from database, log or backups that the person was in the index. The log
    stays as it is: it says that something went to Y under agreement Z, and never said of whom. The entry of this act
    names the order's digest and the number of rows. Rows that are only possibly the person's stay; look at them with
    gateway audit who-saw and expunge by their number. A person without any number goes by --name and --born.

    A message that speaks of several people goes as a whole. A legal hold on one of them stops it all.

    Two people of the gateway's operator sign it; the second passphrase is asked for, or taken from
    GATEWAY_SECOND_PASSPHRASE. Afterwards make new backups and let the old ones expire: a key directory restored from
    before remembers.

    [bold]gateway audit expunge --subject SID=FR-119-0284 --order order.pdf --as ana --second bo[/]
    """
    wanted = Order(
        person=named(subjects, name, born),
        document=f"sha-256:{sha256(order.read_bytes()).hexdigest()}",
        by_name=bool(name),
    )
    first = person(by, key, directory)
    other = person(second, second_key, directory, variable=SECOND_PASSPHRASE)
    planned = run(_plan(directory, wanted, first, other))
    if plan:
        _show_plan(planned, json=json)
        return
    if not (yes or json):
        _show_plan(planned, json=False)
        typer.confirm("Destroy the keys of these rows?", abort=True, err=True)
    gone = run(_expunge(directory, wanted, first, other, index_only=index_only))
    made = gone.index
    if json:
        answer({"run": made.id, "entry": made.entry, "rows": made.rows, "moved": made.moved, **_records(gone, planned)})
        return
    if gone.messages:
        out.print(f"destroyed: what was kept of {gone.messages} messages; gateway retention certificates")
    out.print(f"expunged: {made.rows} rows of the disclosure index, their keys destroyed; log {made.entry}")
    if made.moved:
        out.print(f"{made.moved} rows of others that shared a sound or a number with them were written anew")


async def _plan(directory: Path, order: Order, first: Acting, second: Acting) -> Plan:
    async with open_deployment(directory) as gateway:
        return await read_plan(gateway, order, first=first, second=second)


async def _expunge(directory: Path, order: Order, first: Acting, second: Acting, *, index_only: bool) -> Gone:
    async with open_deployment(directory) as gateway:
        if index_only:
            index = await expunge(gateway, order, first=first, second=second)
            return Gone(index=index, messages=0, runs=())
        return await expunge_person(gateway, order, first=first, second=second)


def _records(gone: Gone, plan: Plan) -> dict[str, object]:
    return {"destroyed_messages": gone.messages, "retention_runs": list(gone.runs), **_planned(plan)}


def _planned(plan: Plan) -> dict[str, object]:
    return {"messages": list(plan.messages), "possible": len(plan.possible), "consents": plan.consents}


def _show_plan(plan: Plan, *, json: bool) -> None:
    if json:
        answer({"rows": len(plan.hits), **_planned(plan)})
        return
    out.print(f"{len(plan.hits)} rows of the disclosure index, of {len(plan.messages)} messages")
    if plan.possible:
        out.print(f"{len(plan.possible)} rows are only possibly of this person, and stay")
    if plan.consents:
        out.print(f"{plan.consents} consents are on file; they are not touched: gateway consent revoke")
