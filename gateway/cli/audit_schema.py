"""`gateway audit schema`: what an entry of the log may hold, for whoever reads or archives it."""

from typing import Annotated

import typer

from gateway.audit.catalog import FORMS, EntryType
from gateway.audit.event import EVENTS, content, page, schemas
from gateway.audit.event import schema as schema_of
from gateway.cli.run import AsJson, answer, out


def schema(
    type: Annotated[EntryType | None, typer.Argument(help="A type of entry; left out: all.", metavar="TYPE")] = None,
    as_page: Annotated[bool, typer.Option("--page", help="The page docs/events.md, for all types.")] = False,
    json: AsJson = False,
) -> None:
    """What each event holds: who, what, when, where, source, outcome (CJIS AU-3); --json gives the JSON Schema 2020-12.

    [bold]gateway audit schema read[/]
    [bold]gateway audit schema --json > entry.schema.json[/]
    """
    if as_page:
        out.print(page(), markup=False, end="")
    elif json:
        answer(schemas() if type is None else schema_of(type))
    elif type is None:
        for each in EntryType:
            out.print(f"{each.value:<16} {EVENTS[each].says}", markup=False)
    else:
        _show(type)


def _show(type: EntryType) -> None:
    tells = content(type)
    rows = {
        "what": ", ".join(tells.what),
        "when": ", ".join(tells.when),
        "where": tells.where,
        "source": ", ".join(tells.source),
        "outcome": ", ".join(tells.outcome),
        "who": ", ".join(tells.who),
        "must have": ", ".join(key for key, _, _, must in FORMS[type].rows if must),
        "may have": ", ".join(key for key, _, _, must in FORMS[type].rows if not must),
    }
    out.print(f"{type.value}: {EVENTS[type].says} ({EVENTS[type].area})\n", markup=False)
    for name, says in rows.items():
        out.print(f"  {name:<10} {says}", markup=False)
