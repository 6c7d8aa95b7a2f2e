"""`gateway mou diff`: what a new version changes, in officers' words."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.app import configuration_for
from gateway.cli.mou_named import agreement_named
from gateway.cli.mou_table import diff_table
from gateway.cli.run import AsJson, Directory, answer, fail, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.clock import SystemClock
from gateway.errors import GatewayError
from gateway.policy.change import Change, Turn
from gateway.policy.diff import diff as changes_between

_COLORS = {Turn.WIDENING: "red", Turn.NARROWING: "green", Turn.NEUTRAL: "dim"}

Agreement = Annotated[str, typer.Argument(help="A file, or the id of an agreement here: ID, or ID@VERSION.")]


def diff(
    old: Agreement,
    new: Agreement,
    directory: Directory = Path(),
    json: AsJson = False,
    format: AsFormat = None,
    output: Output = None,
) -> None:
    """Say what changes between two versions of an agreement: who gets which field, in which form, on which conditions.

    Each change is widening (somebody may see, keep or do more), narrowing or neutral; what cannot be judged counts as
    widening. A version that widens needs a second approver.

    [bold]gateway mou diff JAIL-PD-2026-01 draft.yaml[/]
    """
    configured = run(configuration_for(directory))
    try:
        before, after = (agreement_named(word, configured) for word in (old, new))
    except GatewayError as error:
        fail(error)
    changes = changes_between(before, after, configured.iepds, configured.restrictions(SystemClock().now()))
    widening = any(each.turn is Turn.WIDENING for each in changes)
    if format is not None or output is not None:
        tell(diff_table(directory, before, after, changes), format=format, output=output, json=json)
        return
    if json:
        names = {
            key: {"mou": mou.id, "version": mou.version, "digest": mou.digest}
            for key, mou in (("old", before), ("new", after))
        }
        answer({**names, "widening": widening, "changes": [_as_json(each) for each in changes]})
        return
    for each in sorted(changes, key=lambda change: list(Turn).index(change.turn)):
        out.print(f"[{_COLORS[each.turn]}]{each.turn:>9}[/]  {escape(each.text)}")
    names_of = f"{before.id} version {before.version} to {after.id} version {after.version}"
    if not changes:
        out.print(f"{names_of}: nothing changes")
        return
    verdict = "it widens: a second person must approve it" if widening else "it does not widen"
    out.print(f"{names_of}: {len(changes)} change{'s' if len(changes) > 1 else ''}, {verdict}")


def _as_json(change: Change) -> dict[str, object]:
    return {
        "turn": change.turn.value,
        "what": change.what,
        "text": change.text,
        "recipients": list(change.recipients),
        "exchange": change.exchange,
        "clauses": list(change.clauses),
        "fields": list(change.fields),
    }
