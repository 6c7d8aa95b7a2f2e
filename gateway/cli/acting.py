"""`--as USER`: a person's key, unlocked for one command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.run import err, fail
from gateway.config import read_settings
from gateway.errors import GatewayError
from gateway.exchange.acting import Acting
from gateway.keys.personal import unlock
from gateway.keys.secret_file import KeyMissing
from gateway.user import UserId

PASSPHRASE = "GATEWAY_USER_PASSPHRASE"
"""Environment variable with the passphrase of a personal key, for scripts."""

SECOND_PASSPHRASE = "GATEWAY_SECOND_PASSPHRASE"
"""The same, of the second person of an act that takes two."""

FOLDER = "users"
"""Where personal keys lie in a deployment, unless --key says otherwise."""

As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="USER",
        help="Your account; the act is signed with your personal key and stands in the log under your name.",
    ),
]
Key = Annotated[
    Path | None,
    typer.Option("--key", help=f"Your key file.  \\[default: {FOLDER}/USER.key in the deployment]", dir_okay=False),
]


def acting(user: str, key: Path | None, directory: Path, *, variable: str = PASSPHRASE) -> Acting:
    """The person with their key unlocked; the passphrase is asked for, or taken from the environment variable.

    Raises `KeyMissing`, and what `config.read_settings` and `keys.personal.unlock` raise.
    """
    read_settings(directory)  # a folder that is no deployment is said before a passphrase is asked for
    path = key or key_path(directory, user)
    if not path.exists():
        raise KeyMissing(
            f"{path}: there is no such key; give the file with --key, or see who has an account: gateway user list"
        )
    sign, public_key = unlock(path, passphrase(f"Passphrase of {path}", variable=variable))
    return Acting(user=UserId(user), sign=sign, public_key=public_key)


def person(user: str, key: Path | None, directory: Path, *, variable: str = PASSPHRASE) -> Acting:
    """`acting`, ending the command with a sentence when the key does not open."""
    try:
        return acting(user, key, directory, variable=variable)
    except GatewayError as error:
        fail(error)


def signer(user: str, key: Path | None, directory: Path) -> Acting | None:
    """`person`, where an account was named at all."""
    return person(user, key, directory) if user else None


def key_path(directory: Path, user: str) -> Path:
    """Where this person's key lies in a deployment."""
    return directory / FOLDER / f"{user}.key"


def passphrase(question: str, *, confirm: bool = False, variable: str = PASSPHRASE) -> bytes:
    """From the environment, or from the person at the terminal; never from the command line, which others can read."""
    given = os.environ.get(variable)
    if given is not None:
        return given.encode()
    if not sys.stdin.isatty():
        err.print(f"[bold red]error[/] \\[user.passphrase] no terminal to ask for the passphrase: set {variable}")
        raise typer.Exit(2)
    return str(typer.prompt(question, hide_input=True, confirmation_prompt=confirm, err=True)).encode()
