"""`gateway integrate`: a folder for an agency's programmer, with everything to connect and a client that works."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import Agency, AgencyId
from gateway.app import issue_certificate, key_store, open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.errors import Misconfigured
from gateway.exchange.acting import Acting
from gateway.exchange.activate import AgencyUnknown, check_unsigned, issue_token, register_certificate
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.integrate.client import Client, client, names
from gateway.integrate.identity import as_pkcs12, together
from gateway.integrate.pack import PEM, PKCS12, TOKEN, Credentials, Exchanged, Partner, SignsNot, pack
from gateway.signing.certificate import pem_to_der

CLIENTS = names()


class PackFolderTaken(Misconfigured):
    """The folder for the pack holds something: nothing is written over."""

    code = "integrate.folder-taken"


class PackUnwritten(Misconfigured):
    """The folder could not be written; a credential issued into it may be lost."""

    code = "integrate.unwritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the pack is to hold, and where it goes."""

    agency: AgencyId
    client: Client
    folder: Path
    signed: bool
    token: bool
    issue: bool
    certificate: Path | None

    @property
    def shows_something(self) -> bool:
        return self.token or self.issue or self.certificate is not None


def integrate(
    agency: Annotated[str, typer.Argument(help="The agency's id, such as millbrook-police.")],
    client_name: Annotated[
        str, typer.Option("--client", metavar="|".join(CLIENTS), help="The toolkit of the agency's system.")
    ] = "curl",
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="A new or empty folder.  \\[default: AGENCY-CLIENT]", file_okay=False),
    ] = None,
    token: Annotated[bool, typer.Option("--token", help="Issue a bearer token into it.")] = False,
    issue: Annotated[bool, typer.Option("--issue", help="Issue a key and certificate into it.")] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            help="Register the agency's own certificate (PEM); its key stays there.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="The client signs what it sends (X.509 WS-Security).")
    ] = False,
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Write a folder that an agency's programmer connects with: README, WSDL, credential, samples, a working client.

    Hand it over by a safe way: it holds secrets that are kept nowhere else. The README begins with one curl line and
    goes on to the client, which submits, polls, acknowledges and asks how a message stands. The samples are those of
    the exchanges that agreements in force let this agency send.

    With neither --token nor --issue nor --certificate no credential is issued, and the programmer puts in the one the
    agency has. A credential is issued by the same act as with [bold]gateway agency add[/], and signed (--as) once the
    operator has anybody who can.

    [bold]gateway integrate millbrook-police --client curl --token[/]
    [bold]gateway integrate harlan-county-jail --client zeep --issue --signed --as USER[/]
    """
    if client_name not in CLIENTS:
        raise typer.BadParameter(f"there is no client {client_name}; there are {', '.join(CLIENTS)}")
    if issue and certificate is not None:
        raise typer.BadParameter(
            "--issue makes a key and certificate, --certificate registers the agency's own: one of them"
        )
    asked = _Asked(
        agency=AgencyId(agency),
        client=client(client_name),
        folder=folder or Path(f"{agency}-{client_name}"),
        signed=signed,
        token=token,
        issue=issue,
        certificate=certificate,
    )
    written = run(_integrate(asked, person(by, key, directory) if by else None, directory))
    if json:
        answer({"agency": agency, "client": client_name, "folder": str(asked.folder), "files": written})
        return
    for name in written:
        out.print(f"{escape(str(asked.folder / name))}")
    out.print(f"\nNext: the agency's programmer reads {escape(str(asked.folder / 'README.md'))}.")
    if token or issue:
        err.print("The folder holds a secret that is stored nowhere else: hand it over by a safe way.")


async def _integrate(asked: _Asked, by: Acting | None, directory: Path) -> list[str]:
    async with open_deployment(directory) as gateway:
        agency = gateway.current.agencies.get(asked.agency)
        if agency is None:
            raise AgencyUnknown(f"there is no agency {asked.agency}")
        if asked.shows_something and by is None:
            check_unsigned(gateway)
        if asked.signed and not (asked.client.signs and (asked.issue or asked.certificate)):
            raise SignsNot(_why_not(asked.client))
        _make(asked.folder)
        # Credentials first: an act that is refused leaves an empty folder, and can be done again.
        held = await _credentials(gateway, asked, by)
        partner = _partner(gateway, agency)
    _write(asked.folder, pack(partner, asked.client, held, signed=asked.signed))
    return sorted(path.relative_to(asked.folder).as_posix() for path in asked.folder.rglob("*") if path.is_file())


def _why_not(client: Client) -> str:
    if not client.signs:
        return f"{client.title} cannot sign messages; leave --signed out, or take another client"
    return "a message is signed under a certificate; add --issue or --certificate"


async def _credentials(gateway: Gateway, asked: _Asked, by: Acting | None) -> Credentials:
    """Issued, registered and written."""
    token = certificate = key = password = ""
    if asked.issue:
        wants_rsa = asked.client.key == "rsa"
        files = await issue_certificate(gateway, asked.agency, asked.folder, by=by, wants_rsa=wants_rsa)
        certificate, key = Path(files["certificate"]).name, Path(files["key"]).name
        forms, password = _forms(
            asked, (asked.folder / key).read_bytes(), Path(files["certificate"]).read_bytes(), gateway
        )
        _write(asked.folder, forms)
    elif asked.certificate is not None:
        der = pem_to_der(asked.certificate.read_bytes())
        registered = await register_certificate(gateway, asked.agency, der, by=by, actor="cli")
        certificate = f"{asked.agency}.cert.pem"
        _write(asked.folder, {certificate: registered.certificate})
    if asked.token:
        token = TOKEN
        value = await issue_token(gateway, asked.agency, by=by, actor="cli")
        _write(asked.folder, {TOKEN: f"{value}\n".encode()})
    return Credentials(token=token, certificate=certificate, key=key, pkcs12_password=password)


def _forms(asked: _Asked, key: bytes, certificate: bytes, gateway: Gateway) -> tuple[Mapping[str, bytes], str]:
    """Key and certificate as this toolkit wants them, and the password of what has one."""
    files, password = {}, ""
    if "pem" in asked.client.forms:
        files[PEM] = together(key, certificate)
    for form in asked.client.forms & {"pkcs12", "pkcs12-3des"}:
        password = gateway.clock.random(16).hex()
        is_old = form == "pkcs12-3des"
        files[PKCS12] = as_pkcs12(key, certificate, name=asked.agency, password=password, is_old=is_old)
    return files, password


def _partner(gateway: Gateway, agency: Agency) -> Partner:
    parts = key_store(gateway.settings).public_parts()
    sends, gets = _exchanged(gateway.current, agency.id, gateway)
    return Partner(
        agency=agency,
        gateway=gateway.settings.name,
        address=gateway.settings.public_url,
        authority=parts["authority.pem"],
        cover=parts["cover.pem"],
        sends=sends,
        gets=gets,
        asks_username=agency.id in gateway.current.usernames,
    )


def _exchanged(
    configured: Configured, agency: AgencyId, gateway: Gateway
) -> tuple[tuple[Exchanged, ...], tuple[Exchanged, ...]]:
    """What agreements in force today let it send, and what they bring it."""
    today = configured.day(gateway.clock.now())
    clauses = [clause for mou in configured.in_force.mous if mou.in_force(today) for clause in mou.exchanges]
    to: dict[str, set[AgencyId]] = {}
    by: dict[str, set[AgencyId]] = {}
    for clause in clauses:
        if clause.sender == agency:
            to.setdefault(clause.exchange, set()).update(clause.recipients)
        if agency in clause.recipients:
            by.setdefault(clause.exchange, set()).add(clause.sender)
    sends = tuple(
        Exchanged(exchange=id, partners=tuple(sorted(found)), samples=configured.registry.by_id(id).samples)
        for id, found in sorted(to.items())
    )
    return sends, tuple(Exchanged(exchange=id, partners=tuple(sorted(found))) for id, found in sorted(by.items()))


def _make(folder: Path) -> None:
    """A folder of the pack's own, for nobody else to read."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise PackFolderTaken(f"{folder} holds something already; give a new folder with --out")
        folder.chmod(0o700)
    except OSError as error:
        raise PackFolderTaken(f"{folder} cannot be used: {error.strerror}") from error


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Each anew: a link that somebody put there in between is not followed."""
    try:
        for name, data in files.items():
            file = folder / name
            for above in reversed(Path(name).parents):  # one by one: of those between, mkdir forgets the mode
                (folder / above).mkdir(exist_ok=True, mode=0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(data)
    except OSError as error:
        raise PackUnwritten(
            f"{folder} cannot be written: {error.strerror}; what was issued into it is lost: revoke it with "
            "`gateway agency revoke`"
        ) from error
