"""`gateway mou lint`: agreements read strictly, everything wrong with all of them said at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.app import configuration_for
from gateway.cli.mou_table import lint_table
from gateway.cli.run import AsJson, Directory, answer, as_json, out, run, show
from gateway.cli.table import AsFormat, Output, tell
from gateway.exchange.configured import Configured
from gateway.finding import Finding
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou

Files = Annotated[
    list[Path], typer.Argument(help="Agreements, YAML files.", exists=True, dir_okay=False, metavar="FILE...")
]


@dataclass(frozen=True, slots=True)
class Linted:
    """One file, and what was found."""

    file: Path
    mou: Mou | None
    findings: tuple[Finding, ...]


def lint(
    files: Files,
    directory: Directory = Path(),
    json: AsJson = False,
    format: AsFormat = None,
    output: Output = None,
) -> None:
    """Read agreements strictly and say everything that is wrong with them, with line and column.

    Exchanges, agencies and law packs are those of the deployment in this folder; in any other folder, the samples that
    come with the gateway. Codes are stable, texts are not. Ends with 1 when anything is wrong.
    """
    configured = run(configuration_for(directory))
    linted = [read(file, configured) for file in sorted(dict.fromkeys(files))]
    if format is not None or output is not None:
        findings = [finding for each in linted for finding in each.findings]
        names = [str(each.file) for each in linted]
        tell(lint_table(directory, findings, names), format=format, output=output, json=json)
    elif json:
        answer(
            {
                "ok": all(each.mou is not None for each in linted),
                "files": [_as_json(each) for each in linted],
                "findings": [
                    as_json(finding) | {"column": finding.column} for each in linted for finding in each.findings
                ],
            }
        )
    else:
        for each in linted:
            show(each.findings)
        for each in linted:
            _line(each)
        wrong = sum(len(each.findings) for each in linted)
        if len(linted) > 1:
            good = sum(each.mou is not None for each in linted)
            out.print(f"{len(linted)} agreements: {good} readable, {wrong} finding{'s' if wrong != 1 else ''}")
    raise typer.Exit(0 if all(each.mou is not None for each in linted) else 1)


def read(file: Path, configured: Configured) -> Linted:
    """One agreement, read in this deployment."""
    iepds = {iepd.id: iepd for iepd in configured.registry}
    mou, findings = read_mou(
        file.read_bytes(), str(file), iepds, agencies=configured.agencies, law_packs=configured.laws.ids
    )
    return Linted(file, mou, findings)


def _as_json(each: Linted) -> dict[str, object]:
    mou = each.mou
    named = {} if mou is None else {"mou": mou.id, "version": mou.version, "digest": mou.digest}
    return {"file": str(each.file), "ok": mou is not None, **named}


def _line(each: Linted) -> None:
    name = escape(each.file.name)
    if each.mou is None:
        out.print(f"{name}: [red]{len(each.findings)} finding{'s' if len(each.findings) != 1 else ''}[/]")
    else:
        clauses = len(each.mou.exchanges)
        what = f"{each.mou.id} version {each.mou.version}"
        out.print(f"{name}: {what}: [green]readable[/], {clauses} clause{'s' if clauses != 1 else ''}")
