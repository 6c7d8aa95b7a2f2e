"""`gateway init`: a new deployment folder, ready to serve."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.app import init_deployment
from gateway.cli.run import out, run


def init(
    directory: Annotated[
        Path, typer.Argument(help="Folder of the deployment: a new or empty one, or one to bring up to date.")
    ],
    name: Annotated[str, typer.Option(help="Name of this gateway: origin of its log, a host name.")] = "gateway.local",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8443,
    database: Annotated[str, typer.Option(help="sqlite:///FILE or postgresql://...")] = "sqlite:///gateway.db",
    cover_key: Annotated[str, typer.Option(help="Kind of the Cover key: p256, rsa2048, rsa3072, rsa4096.")] = "p256",
    empty: Annotated[
        bool, typer.Option("--empty", help="Leave out the sample agencies and agreements that come with the gateway.")
    ] = False,
) -> None:
    """Make a deployment: settings, keys, database, and what is in force.

    The exchanges that come with the gateway are registered; its sample agencies and agreements are activated too
    (by the same audited acts as your own), unless --empty is given.
    """
    raw = {
        "name": name,
        "database": database,
        "listen": {"host": host, "port": port},
        "keys": {"cover": cover_key},
    }
    done = run(init_deployment(directory, raw, samples=not empty))
    for line in done:
        out.print(f"[green]✓[/] {escape(line)}")
    where = escape(str(directory))
    out.print(
        f"\nNext: [bold]gateway serve -C {where}[/] runs it; [bold]gateway agency add -C {where} …[/] "
        f"adds an agency; [bold]gateway doctor -C {where}[/] checks it."
    )
