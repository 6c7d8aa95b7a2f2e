"""`gateway agency add`: an agency from its file, and one way for its system to prove who it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.agency import Agency, AgencyId
from gateway.app import certify_request, issue_certificate, open_deployment
from gateway.cli.acting import As, Key, signer
from gateway.cli.run import AsJson, Directory, answer, err, fail, out, run, show
from gateway.errors import GatewayError
from gateway.exchange.acting import Acting
from gateway.exchange.activate import (
    check_unsigned,
    check_username,
    issue_token,
    put_agency,
    register_certificate,
    register_username,
)
from gateway.exchange.authorities import register_authority
from gateway.exchange.gateway import Gateway
from gateway.finding import errors
from gateway.keys.secret_file import read_secret
from gateway.policy.agencies import read_agency
from gateway.signing.certificate import pem_to_der
from gateway.signing.certificate_name import NameUnreadable, read_name

_CERTIFICATES = "A certificate: one of these"
_USERNAME = "A username and password, asked for besides"

_PASSWORD_FILE_SIZE_BYTES_MAX = 4096
"""More than any password that is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What an agency is given. certified: where the certificate for a request is written."""

    id: AgencyId
    agency: Agency | None
    token: bool
    issue: Path | None
    csr: Path | None
    certified: Path | None
    certificate: Path | None
    authority: Path | None
    names: tuple[str, ...]
    username: str
    password: str


def add(
    file: Annotated[
        Path | None,
        typer.Argument(help="The agency's YAML file (see policies/agencies/).", exists=True, dir_okay=False),
    ] = None,
    id: Annotated[str, typer.Option("--id", help="Only add a credential to this agency.")] = "",
    token: Annotated[bool, typer.Option("--token", help="Issue a bearer token; it is shown once.")] = False,
    username: Annotated[
        str,
        typer.Option(
            "--username",
            metavar="NAME",
            help="Ask its SOAP requests for a UsernameToken too, with this name, beside token or certificate.",
            rich_help_panel=_USERNAME,
        ),
    ] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            help="With --username: the file that holds the password, closed to other accounts.  "
            "\\[default: a new one, shown once]",
            exists=True,
            dir_okay=False,
            rich_help_panel=_USERNAME,
        ),
    ] = None,
    csr: Annotated[
        Path | None,
        typer.Option(
            "--csr",
            help="Issue a certificate for the key of this request (PKCS #10, PEM or DER). The key stays where it is.",
            exists=True,
            dir_okay=False,
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="With --csr: the certificate's file, a new one.  \\[default: AGENCY.cert.pem beside the request]",
            dir_okay=False,
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            help="Pin a certificate that the agency has already (PEM): this very one, whoever issued it.",
            exists=True,
            dir_okay=False,
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    issue: Annotated[
        Path | None,
        typer.Option(
            "--issue",
            help="Make a key and certificate in this folder, for an agency that cannot make its own key.",
            file_okay=False,
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            "--authority",
            help="Take certificates of this authority (PEM; those of authorities below it may follow in the file), "
            "when they carry a name of --subject or --san.",
            exists=True,
            dir_okay=False,
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            "--subject",
            metavar="DN",
            help="With --authority: the whole subject of the agency's certificates, CN=gateway,O=Harlan Jail,C=US.",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    san: Annotated[
        list[str] | None,
        typer.Option(
            "--san",
            metavar="NAME",
            help="With --authority: an alternative name of them, dns:HOST, uri:URI or email:ADDRESS.  "
            "\\[default: uri:urn:agency:ID]",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = None,
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Add an agency from its file, or change it, and give its system a way to prove who it is.

    Whoever adds one signs (--as): an officer of the operator, for the agency's kind, duties and state decide which law
    binds what it gets. A credential alone is signed too, once the operator has anybody who can. Old and new credentials
    stand side by side until the old one is revoked: gateway agency revoke.

    [bold]gateway agency add policies/agencies/millbrook-police.yaml --token --as USER[/]
    [bold]gateway agency add --id harlan-probation --csr probation.csr --out probation.pem --as USER[/]
    [bold]gateway agency add --id harlan-county-jail --certificate jail.pem --as USER[/]
    [bold]gateway agency add --id millbrook-police --authority state-ca.pem --san dns:gw.millbrook.example --as USER[/]
    [bold]gateway agency add --id millbrook-police --issue certificates/ --as USER[/]
    [bold]gateway agency add --id millbrook-police --username records --password-file secret.txt --as USER[/]
    """
    ways = {"--csr": csr, "--certificate": certificate, "--issue": issue, "--authority": authority}
    names = _names(subject or [], san or [])
    if names and authority is None:
        raise typer.BadParameter("--subject and --san name the certificates of an --authority")
    if password_file is not None and not username:
        raise typer.BadParameter("--password-file holds the password of --username")
    named = [name for name, value in ways.items() if value]
    _check_use(file, id, beside=token or bool(username), given=named, out=output)
    agency = _read(file) if file is not None else None
    if agency is not None and not by:
        raise typer.BadParameter("whoever adds or changes an agency signs it: give --as with your account")
    given = _Given(
        id=agency.id if agency is not None else AgencyId(id),
        agency=agency,
        token=token,
        issue=issue,
        csr=csr,
        certified=output,
        certificate=certificate,
        authority=authority,
        names=names,
        username=username,
        password=_password(password_file) if password_file is not None else "",
    )
    run(_add(given, signer(by, key, directory), directory, json))


def _check_use(file: Path | None, id: str, *, beside: bool, given: list[str], out: Path | None) -> None:
    """Raises `BadParameter` for what does not go together."""
    if (file is None) == (not id):
        raise typer.BadParameter("give the agency's file, or --id of one that is there")
    if len(given) > 1:
        raise typer.BadParameter(f"{' and '.join(given)}: give one certificate at a time")
    if out is not None and "--csr" not in given:
        raise typer.BadParameter("--out names the certificate's file of --csr")
    if file is None and not beside and not given:
        ways = "--token, --csr, --certificate, --authority, --issue or --username"
        raise typer.BadParameter(f"say what {id} is given: {ways}")


def _names(subjects: list[str], alternative: list[str]) -> tuple[str, ...]:
    for name in alternative:
        if name.startswith("subject:"):
            raise typer.BadParameter("--san is dns:HOST, uri:URI or email:ADDRESS; a subject is given with --subject")
    try:
        return tuple(map(read_name, (*(f"subject:{each}" for each in subjects), *alternative)))
    except NameUnreadable as error:
        raise typer.BadParameter(error.text) from error


def _read(file: Path) -> Agency:
    agency, findings = read_agency(file.read_bytes(), str(file))
    show(findings)
    if agency is None or errors(findings):
        raise typer.Exit(1)
    return agency


async def _add(given: _Given, by: Acting | None, directory: Path, json: bool) -> None:
    async with open_deployment(directory) as gateway:
        done = await _given_to(gateway, given, by)
    if given.certificate is not None and b"PRIVATE KEY-----" in given.certificate.read_bytes():
        err.print(
            "[yellow]warning[/] \\[certificate.with-key] the file holds a private key too: whoever carried it can pass "
            "for the agency. Ask for a certificate of a new key, without the key, then: gateway agency revoke"
        )
    if json:
        answer(done)
        return
    for what, value in done.items():
        out.print(f"{what:>12}  {value}")
    for shown in ("token", "password"):
        if shown in done:
            err.print(f"The {shown} is not stored and cannot be shown again: hand it over by a safe way.")


async def _given_to(gateway: Gateway, given: _Given, by: Acting | None) -> dict[str, str]:
    """What was made, by name."""
    if by is None:
        check_unsigned(gateway)
    if given.username:
        check_username(given.username, given.password)
    if given.agency is not None:
        await put_agency(gateway, given.agency, by=by)
    done = {"agency": str(given.id)}
    if given.token:
        done["token"] = await issue_token(gateway, given.id, by=by, actor="cli")
    done |= await _certificate(gateway, given, by)
    if given.username:  # last: from then on it is asked for
        done |= await _username(gateway, given, by)
    return done


async def _certificate(gateway: Gateway, given: _Given, by: Acting | None) -> dict[str, str]:
    """Give it the certificate that was asked for, if one was."""
    if given.issue is not None:
        return dict(await issue_certificate(gateway, given.id, given.issue, by=by))
    if given.csr is not None:
        certified = given.certified or given.csr.with_name(f"{given.id}.cert.pem")
        return dict(await certify_request(gateway, given.id, given.csr, certified, by=by))
    if given.certificate is not None:
        pem = given.certificate.read_bytes()
        credential = await register_certificate(gateway, given.id, pem_to_der(pem), by=by, actor="cli")
        return {"certificate": credential.fingerprint}
    if given.authority is not None:
        pem = given.authority.read_bytes()
        known = await register_authority(gateway, given.id, pem, given.names, by=by, actor="cli")
        return {"authority": known.fingerprint, "names": ", ".join(known.names)}
    return {}


async def _username(gateway: Gateway, given: _Given, by: Acting | None) -> dict[str, str]:
    """Register the username; a password that was made for it is shown."""
    _, issued = await register_username(gateway, given.id, given.username, given.password, by=by, actor="cli")
    return {"username": given.username} | ({} if given.password else {"password": issued})


def _password(file: Path) -> str:
    try:
        content = read_secret(file, size_bytes_max=_PASSWORD_FILE_SIZE_BYTES_MAX + 1)
    except GatewayError as error:
        fail(error)
    try:
        password = content.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file}: a password is UTF-8 text") from error
    if not password or len(content) > _PASSWORD_FILE_SIZE_BYTES_MAX:
        raise typer.BadParameter(f"{file}: holds no password, or far more than one")
    return password
