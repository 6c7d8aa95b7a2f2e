"""`gateway keys`: the gateway's own keys - what there is, and what partners need of it."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app import key_store
from gateway.cli.acting import passphrase
from gateway.cli.keys_revoke import crl, discard, retire
from gateway.cli.keys_rotate import rotate
from gateway.cli.run import AsJson, Directory, answer, fail, out
from gateway.clock import timestamp
from gateway.config import read_settings
from gateway.errors import GatewayError
from gateway.keys.archive_lock import make_recovery_key
from gateway.keys.files import KeyStore
from gateway.keys.listed import USED_AS, KeyFile, KeyState
from gateway.keys.published import explained

RECOVERY = "GATEWAY_BACKUP_PASSPHRASE"
"""Environment variable with the passphrase of a recovery key, as for `gateway restore`."""

app = typer.Typer(no_args_is_help=True, help="The gateway's own keys: list, export, change them, one for backups.")


def _opened(directory: Path) -> KeyStore:
    try:
        return key_store(read_settings(directory))
    except GatewayError as error:
        fail(error)


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """Every key, by fingerprint: those in use, the next ones, and the old ones by which something still counts.

    Nothing secret is shown. What each is for, and when to change it: docs/keys.md.
    """
    keys = _opened(directory).list()
    if json:
        answer([_row(key) for key in keys])
        return
    for key in keys:
        shown = f"{key.name:<8} {key.state:<8} {key.algorithm or '-':<11} {key.fingerprint[:16]}…"
        out.print(f"{shown}  {_said(key)}".rstrip())


def _row(key: KeyFile) -> dict[str, object]:
    return {
        "name": key.name,
        "role": USED_AS[key.name],
        "state": key.state.value,
        "algorithm": key.algorithm,
        "fingerprint": key.fingerprint,
        "created": key.created,
        "expires": key.expires,
        "certificate": key.certificate or None,
        "issuer": key.issuer or None,
        "valid_from": key.valid_from,
        "takes_over": timestamp(key.since) if key.since else None,
        "until": timestamp(key.until) if key.until else None,
        "until_size": key.until_size,
    }


def _said(key: KeyFile) -> str:
    """What else there is to say of it."""
    parts = []
    if key.expires:
        parts.append(f"certificate until {key.expires:%Y-%m-%d}")
    if key.state is KeyState.NEXT:
        waits = "waits for its certificate" if not key.algorithm else "not ordered to take over yet"
        parts.append(f"takes over {timestamp(key.since)}" if key.since else waits)
    if key.until:
        parts.append(f"signed until {timestamp(key.until)}")
    if key.until_size is not None:
        parts.append(f"signed until {key.until_size} entries")
    if key.state is KeyState.OLD and key.name == "ca":
        parts.append("its certificates count until it is retired")
    return ", ".join(parts)


app.command()(rotate)
app.command()(discard)
app.command()(retire)
app.command()(crl)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files.", file_okay=False)],
    directory: Directory = Path(),
) -> None:
    """Write what partners are given: certificates and public keys in use, the next ones, and the old ones that still
    count; README.txt says what to do with each."""
    keys = _opened(directory)
    parts = dict(keys.public_parts())
    parts["README.txt"] = explained(sorted(parts), keys.list()).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for gone in folder.glob("*.next.*"):  # of an earlier export: it may have taken over meanwhile
        if gone.name not in parts:
            gone.unlink()
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
