"""`gateway keys`: the gateway's own keys - what there is, and what partners need of it."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app import key_store
from gateway.cli.run import AsJson, Directory, answer, fail, out
from gateway.config import read_settings
from gateway.errors import GatewayError
from gateway.keys.files import KeyStore

app = typer.Typer(no_args_is_help=True, help="The gateway's keys: list, export.")


def _opened(directory: Path) -> KeyStore:
    try:
        return key_store(read_settings(directory))
    except GatewayError as error:
        fail(error)


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """Every key, by fingerprint; nothing secret is shown."""
    keys = _opened(directory).list()
    if json:
        answer(
            [
                {
                    "name": key.name,
                    "algorithm": key.algorithm,
                    "fingerprint": key.fingerprint,
                    "created": key.created,
                    "expires": key.expires,
                }
                for key in keys
            ]
        )
        return
    for key in keys:
        until = f"certificate until {key.expires:%Y-%m-%d}" if key.expires else ""
        out.print(f"{key.name:<8} {key.algorithm:<10} {key.fingerprint[:16]}…  {until}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files.", file_okay=False)],
    directory: Directory = Path(),
) -> None:
    """Write what partners are given: the authority, the Cover certificate, the keys of log and receipts."""
    parts = _opened(directory).public_parts()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        (folder / name).write_bytes(content)
        out.print(f"{folder / name}")
