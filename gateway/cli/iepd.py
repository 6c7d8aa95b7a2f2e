"""`gateway iepd`: the exchanges - types of messages - that this gateway knows."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app import configuration_for
from gateway.cli.run import AsJson, Directory, answer, fail, out, run
from gateway.errors import GatewayError

app = typer.Typer(no_args_is_help=True, help="Exchanges: list, show.")


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
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """The fields of an exchange with their labels: the words an agreement uses."""
    configured = run(configuration_for(directory))
    try:
        iepd = configured.registry.by_id(exchange)
    except GatewayError as error:
        fail(error)
    if json:
        answer(
            [
                {"field": field.name, "label": field.label, "title": field.title, "path": field.text}
                for field in iepd.catalog.fields
            ]
        )
        return
    for field in iepd.catalog.fields:
        out.print(f"{field.label:<28} {field.name:<44} {field.title}")
