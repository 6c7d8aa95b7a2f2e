"""`gateway keys`: the gateway's own keys - what there is, and what partners need of it."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app import key_store, open_deployment
from gateway.cli.acting import As, Key, passphrase, person
from gateway.cli.run import AsJson, Directory, answer, fail, out, run
from gateway.config import read_settings
from gateway.errors import GatewayError
from gateway.exchange.acting import Acting
from gateway.exchange.rotate_log_key import Handover, rotate_log_key
from gateway.keys.archive_lock import make_recovery_key
from gateway.keys.files import KeyStore

RECOVERY = "GATEWAY_BACKUP_PASSPHRASE"
"""Environment variable with the passphrase of a recovery key, as for `gateway restore`."""

app = typer.Typer(no_args_is_help=True, help="The gateway's keys: list, export, change the log's, one for backups.")


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
def rotate(
    what: Annotated[str, typer.Argument(metavar="log", help="Which key: the log's.")],
    by: As,
    reason: Annotated[str, typer.Option(help="A code word for the log: scheduled, compromised.")] = "scheduled",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Change the log's key: the old key and the new one sign one head of the log, and from there on the new one alone.

    The old private key is destroyed, its public half kept with the sizes it signed. Running processes take the new
    one up by themselves. One that was interrupted is finished by the same command. Partners and outsiders who hold the
    old key follow by that head, which names the new one: GET /v1/audit/keys, or handover-*.checkpoint of an export.
    """
    if what != "log":
        raise typer.BadParameter("only the log's key is changed so: gateway keys rotate log")
    done = run(_rotate(directory, person(by, key, directory), reason))
    if json:
        answer({"old": str(done.old), "new": str(done.new), "size": done.size, "checkpoint": done.note.decode()})
        return
    out.print(f"from {done.size} entries on the log is signed by {done.new}")
    out.print("Give partners the new key: gateway keys export FOLDER; both have signed this head:")
    out.print(done.note.decode(), markup=False, soft_wrap=True, end="")


async def _rotate(directory: Path, by: Acting, reason: str) -> Handover:
    async with open_deployment(directory) as gateway:
        return await rotate_log_key(gateway, by=by, reason=reason)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files.", file_okay=False)],
    directory: Directory = Path(),
) -> None:
    """Write what partners are given: the authority, the Cover certificate, keys of log, receipts and cosignatures."""
    parts = _opened(directory).public_parts()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        (folder / name).write_bytes(content)
        out.print(f"{folder / name}")


@app.command()
def recovery(
    file: Annotated[Path, typer.Argument(help="File for the private half; FILE.pub becomes the public half.")],
) -> None:
    """Make a recovery key: its public half locks backups, only its private half opens them.

    The gateway needs FILE.pub alone; name it as backup.recovery_key in gateway.toml. Keep FILE off this machine: on a
    stick in a safe, with its passphrase known to two people. Without it no backup can ever be opened.
    """
    try:
        public = make_recovery_key(file, passphrase("Passphrase of the recovery key", confirm=True, variable=RECOVERY))
    except GatewayError as error:
        fail(error)
    out.print(f"private half: {file}\npublic half:  {public}")
    out.print(f'In gateway.toml:\n  \\[backup]\n  recovery_key = "{public.name}"')
