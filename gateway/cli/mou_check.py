"""`gateway mou check`: prove an agreement before it is in force."""

import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gateway.app import configuration_for
from gateway.cli.run import EXIT_FINDINGS, AsJson, Directory, answer, as_json, err, out, run, show
from gateway.clock import SystemClock
from gateway.exchange.configured import Configured
from gateway.exchange.proven import check_under_law
from gateway.finding import errors
from gateway.policy.certificate import Certificate, certificate
from gateway.policy.check import Check
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from gateway.policy.remark import Remark
from gateway.report.page import page

File = Annotated[Path, typer.Argument(help="The agreement, a YAML file.", exists=True, dir_okay=False)]


def check_command(
    file: File,
    html: Annotated[Path | None, typer.Option(help="Write the whole report to this file, as one HTML page.")] = None,
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Prove an agreement before it is in force: that under the law of today what goes out is always valid, and that
    what it promises arrives.

    Says what is wrong with the smallest example of it and the ways out; then the certificate's digest. Ends with 1
    when the agreement is refused.
    """
    configured = run(configuration_for(directory))
    data = file.read_bytes()
    mou = read_agreement(data, str(file), configured)
    today = configured.day(SystemClock().now())
    with err.status(f"proving {mou.id}") as status:
        made = check_under_law(
            configured,
            mou,
            data,
            str(file),
            on=today,
            begun=lambda clause: status.update(f"proving {mou.id}, clause {clause.id}"),
        )
        certified = certificate(made)
        if html is not None:
            html.write_text(page(made, certified), encoding="utf-8")
    if json:
        answer(_data(made, certified, str(file)))
    else:
        _tell(made, certified, str(file), html)
    raise typer.Exit(0 if made.passed else EXIT_FINDINGS)


def read_agreement(data: bytes, file: str, configured: Configured) -> Mou:
    """The agreement in a file; ends the command with its findings where it is none."""
    mou, findings = read_mou(data, file, configured.iepds, agencies=configured.agencies, law_packs=configured.laws.ids)
    if mou is None or errors(findings):
        show(findings)
        err.print(f"{escape(Path(file).name)}: cannot be read as an agreement; gateway mou lint says the same")
        raise typer.Exit(EXIT_FINDINGS)
    return mou


def _tell(made: Check, certified: Certificate, file: str, html: Path | None) -> None:
    for remark in made.remarks:
        _tell_remark(remark, file)
    mou = made.mou
    verdict = "[green]passed[/]" if made.passed else "[bold red]refused[/]"
    proven = sum(1 for each in made.clauses if each.proven)
    out.print(f"{mou.id} version {mou.version}: {verdict}, {proven} of {len(made.clauses)} clauses proven")
    out.print(f"certificate {certified.digest}")
    if html is not None:
        out.print(f"report in {escape(str(html))}")


def _tell_remark(remark: Remark, file: str) -> None:
    show([remark.finding(file)])
    if remark.picture is None:
        return
    err.print(f"  [dim]the smallest message that shows it, values invented; at {escape(remark.picture.where)}:[/]")
    for heading, lines in (("sent", remark.picture.before), ("what is left", remark.picture.after or ("nothing",))):
        err.print(f"  [bold]{heading}[/]")
        for line in lines:
            err.print(f"    {escape(line)}")


def _data(made: Check, certified: Certificate, file: str) -> dict[str, Any]:
    return {
        "file": file,
        "mou": made.mou.id,
        "version": made.mou.version,
        "passed": made.passed,
        "findings": [_finding(remark, file) for remark in made.remarks],
        "certificate": {"digest": certified.digest, "content": json_.loads(certified.data)},
    }


def _finding(remark: Remark, file: str) -> dict[str, Any]:
    picture = remark.picture
    return {
        **as_json(remark.finding(file)),
        "text": remark.text,
        "column": remark.column,
        "clause": remark.clause,
        "fields": list(remark.fields),
        "ways_out": list(remark.ways),
        "picture": None
        if picture is None
        else {"where": picture.where, "sent": list(picture.before), "left": list(picture.after)},
    }
