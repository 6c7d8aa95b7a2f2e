"""`gateway mou new`: a commented draft of an agreement, with a clause for each direction."""

import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AGENCY_ID, Agency, AgencyId
from gateway.app import configuration_for
from gateway.cli.run import AsJson, Directory, answer, err, out, run, write
from gateway.clock import SystemClock
from gateway.folders import template_parts, templates
from gateway.policy.draft import Parties, Template, fill, id_of, read_template
from gateway.policy.reading import nearest

AHEAD = timedelta(days=30)
"""From today to the first day of a draft: both parties must read and sign it first."""


def new(
    template: Annotated[str, typer.Option("--template", "-t", help="Which template; see --list.")] = "plain",
    sender: Annotated[str, typer.Option("--from", help="Agency that sends first.", show_default="a sample")] = "",
    recipients: Annotated[
        list[str] | None, typer.Option("--to", help="Agency that gets it; may be repeated.", show_default="a sample")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it.", show_default="standard output")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the templates and end.")] = False,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Write a draft of an agreement, with a note on every part and a clause for each direction.

    [bold]gateway mou new -t release-notice --from harlan-county-jail --to millbrook-police -o draft.yaml[/]
    """
    known = {name: read_template(name, text) for name, text in templates().items()}
    if list_:
        _show(known.values(), json=json)
        return
    chosen = known.get(template)
    if chosen is None:
        raise typer.BadParameter(f"there is no template {template!r}{nearest(template, known)}; --list shows them")
    configured = run(configuration_for(directory))
    parties = _parties(chosen, sender, recipients or [], dict(configured.agencies))
    since = _since(SystemClock().now().date())
    text = fill(chosen, template_parts(), parties, id=id_of(parties, since), since=since)
    for party in parties.all:
        if party not in parties.agencies:
            hint = f"{party} is no agency of this gateway yet{nearest(party, parties.agencies)}"
            err.print(f"[yellow]note[/] {escape(hint)}; add it with gateway agency add before the agreement")
    if file is None:
        sys.stdout.write(text)
        return
    write(file, text, anew=True)
    out.print(f"{file} is written. Go through it line by line, then: gateway mou lint {file}")


def _show(known: Iterable[Template], *, json: bool) -> None:
    if json:
        answer([{"template": each.name, "line": each.line} for each in known])
        return
    for each in known:
        out.print(f"[bold]{each.name:<20}[/] {escape(each.line)}")


def _parties(template: Template, sender: str, recipients: list[str], agencies: dict[AgencyId, Agency]) -> Parties:
    for each in (sender, *recipients):
        if each and (len(each) > 63 or not AGENCY_ID.fullmatch(each)):
            hint = "an agency's id is lower case words joined by hyphens, at most 63 characters: millbrook-police"
            raise typer.BadParameter(hint)
    first = AgencyId(sender) if sender else template.sender
    others = tuple(map(AgencyId, dict.fromkeys(recipients))) or template.recipients
    if first in others:
        raise typer.BadParameter(
            f"{first} cannot make an agreement with itself: name another agency with --from or --to"
        )
    return Parties(sender=first, recipients=others, agencies=agencies)


def _since(today: date) -> date:
    """The first day of a month, far enough ahead."""
    ahead = today + AHEAD
    return date(ahead.year + ahead.month // 12, ahead.month % 12 + 1, 1) if ahead.day > 1 else ahead
