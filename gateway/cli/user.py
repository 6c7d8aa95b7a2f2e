"""`gateway user`: people who act under a key of their own."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.acting import As, Key, acting, key_path, passphrase, person
from gateway.cli.run import AsJson, Directory, answer, fail, out, run
from gateway.errors import GatewayError
from gateway.exchange.acting import Acting, fingerprint
from gateway.exchange.people import add_user, check_new_user, disable_user
from gateway.keys.personal import make_personal_key, public_pem, read_public
from gateway.user import USER_ID, User, UserId, UserRole

app = typer.Typer(no_args_is_help=True, help="People: add, list, shut out. Acts that count are signed by a person.")

Name = Annotated[str, typer.Argument(metavar="USER", help="The account, such as dana.whitcombe.")]


@app.command()
def add(
    name: Name,
    role: Annotated[list[UserRole], typer.Option("--role", help="What the person is trusted with; may be repeated.")],
    agency: Annotated[
        str, typer.Option("--agency", help="Whom the person speaks for; left out: the gateway's operator.")
    ] = "",
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", help="PEM of a key the person made elsewhere (`gateway user key`).", exists=True),
    ] = None,
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Let a person in. Their key is made here under a passphrase, unless they bring the public half of one.

    The first administrator is added by whoever can run commands on this machine; after that an administrator adds
    people, with --as. The passphrase has at least 12 characters and is asked for; scripts set GATEWAY_USER_PASSPHRASE.

    [bold]gateway user add dana.whitcombe --agency harlan-county-jail --role signatory --role compliance-officer[/]
    """
    if not USER_ID.fullmatch(name):
        raise typer.BadParameter("an account is lower case words joined by points or hyphens: dana.whitcombe")
    made = key_path(directory, name) if public_key is None else None
    try:
        adding = acting(by, key, directory) if by else None
        run(_room(directory, name, agency, adding))
        if public_key is not None:
            known = read_public(public_key.read_bytes(), str(public_key))
        else:
            known = make_personal_key(key_path(directory, name), passphrase(f"New passphrase for {name}", confirm=True))
    except GatewayError as error:
        fail(error)
    user = run(_add(directory, name, agency, role, known, adding))
    if json:
        answer(_row(user) | ({"key": str(made)} if made else {}))
        return
    roles = ", ".join(sorted(user.roles))
    out.print(f"{user.id} ({roles}) speaks for {user.agency or 'the operator of this gateway'}")
    if made:
        out.print(f"The key is in {made}; only its passphrase opens it. It may be moved to where the person keeps it.")


async def _room(directory: Path, name: str, agency: str, adding: Acting | None) -> None:
    """Whether the person can be added at all, asked before a key file is made for them."""
    async with open_deployment(directory) as gateway:
        check_new_user(gateway, UserId(name), AgencyId(agency), adding)


async def _add(
    directory: Path, name: str, agency: str, roles: list[UserRole], public_key: str, adding: Acting | None
) -> User:
    async with open_deployment(directory) as gateway:
        user = User(
            id=UserId(name),
            agency=AgencyId(agency),
            roles=frozenset(roles),
            public_key=public_key,
            since=gateway.clock.now(),
        )
        return await add_user(gateway, user, by=adding, actor="cli")


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """Everybody who may act, and those shut out."""
    users = run(_users(directory))
    if json:
        answer([_row(user) for user in users])
        return
    wide = max((len(user.id) for user in users), default=0)
    for user in users:
        mark = " [red]shut out[/]" if user.disabled_at else ""
        out.print(f"{user.id:<{wide}}  {user.agency or '(operator)':<28} {', '.join(sorted(user.roles))}{mark}")


async def _users(directory: Path) -> list[User]:
    async with open_deployment(directory) as gateway:
        return sorted(gateway.current.users.values(), key=lambda user: user.id)


def _row(user: User) -> dict[str, object]:
    return {
        "user": user.id,
        "agency": user.agency,
        "roles": sorted(user.roles),
        "fingerprint": fingerprint(user.public_key),
        "since": user.since,
        "disabled": user.disabled_at is not None,
    }


@app.command()
def disable(name: Name, by: As, key: Key = None, directory: Directory = Path()) -> None:
    """Shut a person out at once. What they signed stays signed, and stays verifiable."""
    run(_disable(directory, name, person(by, key, directory)))
    out.print(f"{name} is shut out")


async def _disable(directory: Path, name: str, by: Acting) -> None:
    async with open_deployment(directory) as gateway:
        await disable_user(gateway, name, by=by)


@app.command("key")
def make_key(
    file: Annotated[Path, typer.Argument(help="Where the key goes; the public half goes beside it as FILE.pub.")],
) -> None:
    """Make a personal key anywhere, without a deployment, and hand its public half to another gateway's operator."""
    try:
        made = make_personal_key(file, passphrase("New passphrase", confirm=True))
    except GatewayError as error:
        fail(error)
    public = file.with_name(f"{file.name}.pub")
    public.write_bytes(public_pem(made))
    out.print(f"key {file}; public half {public}, fingerprint {fingerprint(made)}")
