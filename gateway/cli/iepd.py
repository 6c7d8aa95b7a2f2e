"""`gateway iepd`: the exchanges - types of messages - that this gateway knows."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.app import configuration_for
from gateway.cli import iepd_add
from gateway.cli.run import AsJson, Directory, answer, fail, out, run
from gateway.errors import GatewayError
from gateway.iepd.catalog import Field
from gateway.iepd.labels import SENSITIVE, STEMS
from gateway.iepd.package import Iepd, unclassified

app = typer.Typer(no_args_is_help=True, help="Exchanges: list, show, labels, check, add.")

app.command()(iepd_add.check)
app.command()(iepd_add.add)


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """All registered exchanges; outside a deployment, those that come with the gateway."""
    configured = run(configuration_for(directory))
    rows = [
        {
            "exchange": iepd.id,
            "title": iepd.title,
            "root": iepd.root,
            "fields": len(iepd.catalog.fields),
            "digest": iepd.digest,
        }
        for iepd in configured.registry
    ]
    if json:
        answer(rows)
        return
    for row in rows:
        out.print(f"{row['exchange']:<24} {row['title']} ({row['fields']} fields)")


@app.command()
def show(
    exchange: Annotated[str, typer.Argument(help="Id of the exchange, such as custody-release/1.0.")],
    withheld: Annotated[
        bool, typer.Option("--unclassified", help="Only places that are withheld always: unclassified, not confirmed.")
    ] = False,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """The fields of an exchange with their labels: the words an agreement uses."""
    configured = run(configuration_for(directory))
    try:
        iepd = configured.registry.by_id(exchange)
    except GatewayError as error:
        fail(error)
    if withheld:
        _show_withheld(iepd, json)
        return
    if json:
        answer([_row(field) for field in iepd.catalog.fields])
        return
    for field in iepd.catalog.fields:
        out.print(f"{field.label:<28} {field.name:<44} {escape(field.title)}")


@app.command()
def labels(json: AsJson = False) -> None:
    """The first words of labels, and what each covers: the vocabulary of catalogs, agreements and law packs."""
    if json:
        answer([{"label": stem, "covers": text, "sensitive": stem in SENSITIVE} for stem, text in STEMS.items()])
        return
    for stem, text in STEMS.items():
        out.print(f"{stem:<26} {text}")


def _show_withheld(iepd: Iepd, json: bool) -> None:
    """Every place that no agreement can share, with what was proposed for it."""
    proposed = {field.text: field for field in iepd.catalog.proposed}
    places = unclassified(iepd)
    if json:
        answer([_row(proposed[path]) if path in proposed else {"path": path} for path in places])
        return
    for path in places:
        what = f"proposed: {proposed[path].label}" if path in proposed else "unclassified"
        out.print(f"{what:<44} {escape(path)}")


def _row(field: Field) -> dict[str, str]:
    return {"field": field.name, "label": field.label, "title": field.title, "path": field.text}
