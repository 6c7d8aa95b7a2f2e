"""`gateway mou explain`: who may see a field, in a sentence with its clause and section of law."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import configuration_for
from gateway.cli.mou_named import agreement_named, speaks
from gateway.cli.run import EXIT_FINDINGS, AsJson, Directory, answer, fail, out, run
from gateway.clock import SystemClock
from gateway.errors import GatewayError
from gateway.policy.answer import Question
from gateway.policy.answer import answer as answered

_COLORS = {"shared": "green", "reduced": "yellow", "withheld": "red", "nobody": "red"}


def explain(
    agreement: Annotated[str, typer.Argument(help="A file, or the id of an agreement here: ID, or ID@VERSION.")],
    field: Annotated[str, typer.Option("--field", help='A label ("person.name", "medical.*") or a field\'s name.')],
    role: Annotated[str, typer.Option("--as-role", help="Who would look, such as patrol-officer.")],
    purpose: Annotated[str, typer.Option("--for", help="Why, such as release-notification.")],
    to: Annotated[str, typer.Option("--to", help="One recipient; else each of them.")] = "",
    exchange: Annotated[str, typer.Option("--exchange", help="One exchange; else each of them.")] = "",
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Say in a sentence whether somebody may see a field, in which form, on which conditions, and by which clause.

    Where nobody gets it, says why, and which words the agreement knows. Exit 1 when the question is a dead end.

    [bold]gateway mou explain JAIL-PD-2026-01 --field person.dob --as-role patrol-officer --for release-notification[/]
    """
    configured = run(configuration_for(directory))
    try:
        mou = agreement_named(agreement, configured)
    except GatewayError as error:
        fail(error)
    question = Question(field=field, role=role, purpose=purpose, to=AgencyId(to) if to else None, exchange=exchange)
    now = SystemClock().now()
    answers = answered(mou, question, configured.iepds, configured.restrictions(now))
    in_force = speaks(mou, configured, configured.day(now))
    if json:
        told = {"mou": mou.id, "version": mou.version, "in_force": in_force}
        answer({**told, "answers": [asdict(each) for each in answers]})
    else:
        if not in_force:
            out.print(f"{mou.id} version {mou.version} is not in force today: nothing goes under it. If it were:")
        for each in answers:
            out.print(f"[{_COLORS[each.outcome]}]{each.outcome:>8}[/]  {escape(each.text)}")
    raise typer.Exit(EXIT_FINDINGS if any(each.code for each in answers) else 0)
