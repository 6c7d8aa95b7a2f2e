"""`gateway iepd add` and `gateway iepd check`: any message specification, NIEM 2.0 to 6.0, from its folder or zip."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from gateway.app import open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import EXIT_FINDINGS, AsJson, Directory, answer, as_json, err, fail, out, run, show
from gateway.errors import GatewayError, Refused
from gateway.exchange.acting import Acting
from gateway.exchange.activate import register_exchanges
from gateway.finding import errors
from gateway.folders import read_specification, shipped_schemas
from gateway.iepd.confirm import confirm as confirm_catalog
from gateway.iepd.draft import Draft
from gateway.iepd.fields import FILE
from gateway.iepd.intake import Intake, Wanted, take_in, updated, warnings
from gateway.iepd.package import unclassified

Folder = Annotated[Path, typer.Argument(help="Folder or zip of the specification, as published.", exists=True)]
Root = Annotated[
    str,
    typer.Option("--root", help="Root element of the message: Name, prefix:Name or {namespace}Name.", metavar="QNAME"),
]
Id = Annotated[str, typer.Option("--id", help="Id to give it, such as custody-release/1.0.", metavar="NAME/VERSION")]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without", metavar="FILE", help="Leave this file or folder out, such as one of two for a namespace. Repeat."
    ),
]


class NotConfirmed(Refused):
    """No officer has confirmed a field: everything in the exchange would be withheld."""

    code = "iepd.not-confirmed"


class NotReviewed(Refused):
    """There is no catalog that an officer can have reviewed."""

    code = "iepd.nothing-to-confirm"


class NotOneLine(Refused):
    """The catalog is written in a way that cannot be changed line by line."""

    code = "iepd.cannot-confirm"


class FileThere(Refused):
    """A file that would be written is there already."""

    code = "iepd.file-there"


def check(folder: Folder, root: Root = "", id: Id = "", without: Without = None, json: AsJson = False) -> None:
    """Say what registering a specification would give: what is refused, unclassified or not confirmed, which samples
    are not valid. Nothing is stored and nothing is written. Exit 1 when it could not be registered as it is.

    [bold]gateway iepd check our-booking-iepd/ --root BookingReport[/]
    """
    intake = _take_in(folder, Wanted(root=root, id=id, without=tuple(without or ())), json)
    _tell(intake, folder, json)
    ready = bool(intake.iepd.catalog.fields) and not any(errors(each) for each in intake.samples.values())
    if not json and not intake.iepd.catalog.fields:
        err.print(
            f"no field is confirmed yet: [bold]gateway iepd add {escape(str(folder))}[/] writes a draft to review"
        )
    raise typer.Exit(0 if ready else EXIT_FINDINGS)


def add(
    folder: Folder,
    root: Root = "",
    id: Id = "",
    without: Without = None,
    draft: Annotated[
        Path | None,
        typer.Option("--draft", metavar="OUT", help="Only write fields.yaml with a proposal for each place, here."),
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Confirm every field of fields.yaml as it stands, then register.")
    ] = False,
    by: As = "",
    key: Key = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Register a message specification of NIEM 2.0 to 6.0 from its folder or zip.

    Without a fields.yaml one is drafted, with a label proposed for each place, and nothing is registered: review it,
    then add the folder again. A field that nobody confirmed is withheld from everyone.

    [bold]gateway iepd add our-booking-iepd/ --root BookingReport[/]         writes the draft
    [bold]gateway iepd add our-booking-iepd/ --confirm --as dana.whitcombe[/]  confirms it and registers
    """
    if confirm and not by:
        raise typer.BadParameter("--confirm needs --as USER: who confirms labels signs, and goes into the log")
    if confirm and draft is not None:
        raise typer.BadParameter("--draft only writes a draft; confirm it when it has been reviewed")
    wanted = Wanted(root=root, id=id, without=tuple(without or ()))
    intake = _take_in(folder, wanted, json)
    text = b""
    try:
        if draft is not None or (intake.draft is not None and not confirm):
            _write_draft(intake, draft or (folder / FILE if folder.is_dir() else Path(FILE)), json)
            raise typer.Exit(0 if draft is not None else EXIT_FINDINGS)
        if confirm:
            text = _confirmed(intake, folder)
            intake = _take_in(folder, wanted, json, text)
        if not intake.iepd.catalog.fields:
            raise NotConfirmed(f"no field is confirmed, so all would be withheld: review {FILE}, then use --confirm")
        if not by:
            raise typer.BadParameter("registering needs --as USER: an officer of the gateway's operator")
    except GatewayError as error:
        _refuse(error, folder, json)
    run(_register(intake, person(by, key, directory), directory))
    if text:
        (folder / FILE).write_bytes(text)
    _tell(intake, folder, json, registered=True)


async def _register(intake: Intake, by: Acting, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        await register_exchanges(gateway, [intake.iepd], by=by)


def _take_in(folder: Path, wanted: Wanted, json: bool, fields: bytes = b"") -> Intake:
    """The specification, with this `fields.yaml` where one is given; a refusal is told in full."""
    try:
        name = folder.resolve().stem if folder.is_file() else folder.resolve().name
        files = read_specification(folder)
        return take_in({**files, FILE: fields} if fields else files, name, wanted, shipped_schemas())
    except GatewayError as error:
        _refuse(error, folder, json)


def _refuse(error: GatewayError, folder: Path, json: bool) -> NoReturn:
    if not json:
        fail(error)
    findings = [as_json(each) for each in getattr(error, "findings", ())]
    answer({"folder": str(folder), "ok": False, "code": error.code, "text": error.text, "findings": findings})
    raise typer.Exit(EXIT_FINDINGS)


def _confirmed(intake: Intake, folder: Path) -> bytes:
    """The folder's catalog with every field confirmed. Raises for what no officer can have looked at."""
    if intake.draft is not None or not (folder / FILE).is_file():
        raise NotReviewed(f"{folder}: there is no {FILE} to confirm; draft one first, and review it")
    text = confirm_catalog(intake.iepd)
    if text is None:
        raise NotOneLine(
            f"{folder / FILE}: each field must stand on one line, as in a draft, to be confirmed by command"
        )
    return text


def _write_draft(intake: Intake, place: Path, json: bool) -> None:
    """Write what an officer reviews; never over a file that is there."""
    written = intake.draft or updated(intake)
    try:
        with place.open("xb") as file:
            file.write(written.text)
    except FileExistsError as error:
        raise FileThere(f"{place}: there already; give another place with --draft") from error
    except OSError as error:
        raise FileThere(f"{place}: cannot be written") from error
    if json:
        answer({"draft": str(place), "fields": written.fields, "unclassified": written.unclassified} | _labels(written))
        return
    out.print(f"[green]draft[/] {escape(str(place))}: {written.fields} places, {written.unclassified} unclassified")
    for stem, count in sorted(written.labels.items()):
        out.print(f"{count:>8} {stem}")
    out.print("Nothing is registered. Review the draft, then: gateway iepd add FOLDER --confirm --as USER")


def _labels(written: Draft) -> dict[str, object]:
    return {"labels": dict(sorted(written.labels.items()))}


def _tell(intake: Intake, folder: Path, json: bool, *, registered: bool = False) -> None:
    """What the specification is worth: counts, findings, samples."""
    iepd = intake.iepd
    told = warnings(intake)
    if json:
        answer(
            {
                "folder": str(folder),
                "ok": True,
                "registered": registered,
                "exchange": iepd.id,
                "root": iepd.root,
                "schema_set": iepd.digest,
                "fields": len(iepd.catalog.fields),
                "not_confirmed": len(iepd.catalog.proposed),
                "unclassified": len(unclassified(iepd)),
                "findings": [as_json(each) for each in told],
                "samples": [
                    {"file": name, "valid": not errors(found), "findings": [as_json(each) for each in found]}
                    for name, found in intake.samples.items()
                ],
            }
        )
        return
    show(told)
    valid = sum(1 for found in intake.samples.values() if not errors(found))
    out.print(f"{iepd.id}: {escape(iepd.title)}, root {escape(iepd.root)}")
    out.print(f"{len(iepd.catalog.fields):>8} fields confirmed")
    out.print(f"{len(iepd.catalog.proposed):>8} fields without a confirmed label: withheld")
    out.print(f"{len(unclassified(iepd)):>8} places unclassified: withheld")
    out.print(f"{len(intake.samples):>8} samples, {valid} valid")
    if registered:
        out.print(f"[green]registered[/] {iepd.id}")
