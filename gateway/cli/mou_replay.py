"""`gateway mou replay`: a decision of the past made again, and held against what was recorded."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gateway.app import open_deployment
from gateway.cli.run import EXIT_FINDINGS, EXIT_OK, AsJson, Directory, answer, out, run
from gateway.exchange.redecide import Redecided, redecide

Id = Annotated[str, typer.Argument(help="Id of a message, of a delivery or of a dissemination.")]


def replay(id: Id, directory: Directory = Path(), json: AsJson = False) -> None:
    """Decide again, under the version of then, what was sent; say whether it comes out as recorded, and where not.

    The message is opened for it, which is an entry of the audit log. Exit 1 when anything comes out otherwise.
    """
    found = run(_replay(id, directory))
    if json:
        answer([_data(each) for each in found])
    else:
        for each in found:
            _tell(each)
    raise typer.Exit(EXIT_OK if all(each.same or not each.decided for each in found) else EXIT_FINDINGS)


async def _replay(id: str, directory: Path) -> tuple[Redecided, ...]:
    async with open_deployment(directory) as gateway:
        return await redecide(gateway, id, actor="cli")


def _tell(each: Redecided) -> None:
    made = each.dissemination
    verdict = "[green]the same[/]" if each.same else "[bold red]different[/]"
    if not each.decided:
        verdict = "[yellow]cannot be decided again[/]: no agreement here has that version"
    under = f"{made.mou} version {made.mou_version}, clause {', '.join(made.clauses)}"
    out.print(f"{made.id} to {made.recipient} under {under}: {verdict}")
    if each.code and each.decided:
        out.print(f"  it would get nothing now ({each.code})")
    elif each.decided and each.shared[0] != each.shared[1]:
        out.print(f"  places shared as they are: {each.shared[0]} then, {each.shared[1]} now")
    for place in each.deviations:
        out.print(f"  {escape(place.path)} ({place.label}): {place.then} then, {place.now} now")
    if each.payload is False and each.same:
        out.print("  places are the same, bytes are not: pseudonyms of another period, or another form of the exchange")
    for differs, what in (
        (each.laws, "the law packs are not those of then"),
        (each.consents, "the consents that hold now are not those of then; it was decided by those of then"),
        (
            each.configuration,
            "agencies, exchanges or agreements were changed since; those of today were used, save this",
        ),
    ):
        if differs:
            out.print(f"  [yellow]note[/]: {what}")


def _data(each: Redecided) -> dict[str, Any]:
    made = each.dissemination
    return {
        "dissemination": made.id,
        "message": made.message,
        "recipient": made.recipient,
        "mou": f"{made.mou}@{made.mou_version}",
        "mou_digest": made.mou_digest,
        "clauses": list(made.clauses),
        "decided": each.decided,
        "same": each.same,
        "code": each.code or None,
        "shared": {"then": each.shared[0], "now": each.shared[1]},
        "places": [
            {"path": place.path, "label": place.label, "then": place.then, "now": place.now}
            for place in each.deviations
        ],
        "payload_same": each.payload,
        "differs": {"laws": each.laws, "consents": each.consents, "configuration": each.configuration},
    }
