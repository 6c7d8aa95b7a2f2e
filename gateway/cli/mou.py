"""`gateway mou`: agreements - read, put in force, suspend, end, list, explain."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.app import configuration_for, open_deployment
from gateway.cli.mou_check import check_command
from gateway.cli.mou_coverage import coverage_command
from gateway.cli.run import AsJson, Directory, answer, as_json, out, run, show
from gateway.exchange.activate import activate_mou, stop_mou
from gateway.finding import errors
from gateway.policy.read import read_mou
from gateway.store.interface import AgreementState

app = typer.Typer(no_args_is_help=True, help="Agreements: lint, check, coverage, activate, suspend, end, list.")

app.command("check")(check_command)
app.command("coverage")(coverage_command)

File = Annotated[Path, typer.Argument(help="The agreement, a YAML file.", exists=True, dir_okay=False)]


@app.command()
def lint(file: File, directory: Directory = Path(), json: AsJson = False) -> None:
    """Read an agreement strictly and say everything that is wrong with it, with line and column."""
    configured = run(configuration_for(directory))
    mou, findings = read_mou(file.read_bytes(), str(file), {iepd.id: iepd for iepd in configured.registry})
    if json:
        answer({"file": str(file), "ok": mou is not None, "findings": [as_json(finding) for finding in findings]})
    else:
        show(findings)
        if mou is not None:
            out.print(f"{file.name}: {mou.id} version {mou.version}: [green]readable[/], {len(mou.exchanges)} clauses")
    raise typer.Exit(1 if errors(findings) or mou is None else 0)


@app.command()
def activate(file: File, directory: Directory = Path()) -> None:
    """Put an agreement in force; the version before it ends. The file's bytes go into the database."""
    agreement = run(_activate(file, directory))
    out.print(f"{agreement[0]} version {agreement[1]} is in force; digest {agreement[2]}")


async def _activate(file: Path, directory: Path) -> tuple[str, int, str]:
    async with open_deployment(directory) as gateway:
        agreement = await activate_mou(gateway, file.read_bytes(), str(file), actor="cli")
        return agreement.mou, agreement.version, agreement.digest


Id = Annotated[str, typer.Argument(help="The agreement's id, such as JAIL-PD-2026-01.")]


@app.command()
def suspend(
    id: Id,
    resume: Annotated[bool, typer.Option("--resume", help="Put it in force again.")] = False,
    directory: Directory = Path(),
) -> None:
    """Suspend the version in force: nothing but cancellations goes out under it until it is resumed."""
    run(_stop(id, AgreementState.IN_FORCE if resume else AgreementState.SUSPENDED, directory))
    out.print(f"{id} is {'in force again' if resume else 'suspended'}")


@app.command()
def end(id: Id, directory: Directory = Path()) -> None:
    """End the version in force for good."""
    run(_stop(id, AgreementState.ENDED, directory))
    out.print(f"{id} has ended")


async def _stop(id: str, state: AgreementState, directory: Path) -> None:
    async with open_deployment(directory) as gateway:
        await stop_mou(gateway, id, state=state, actor="cli")


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """All versions of all agreements, with their state."""
    rows = run(_list(directory))
    if json:
        answer(rows)
        return
    for row in rows:
        out.print(f"{row['mou']:<22} v{row['version']:<3} {row['state']:<10} {escape(str(row['title']))}")


async def _list(directory: Path) -> list[dict[str, object]]:
    async with open_deployment(directory) as gateway:
        return [
            {
                "mou": one.mou,
                "version": one.version,
                "state": one.state.value,
                "digest": one.digest,
                "title": gateway.current.mou(one).title,
            }
            for one in gateway.current.agreements
        ]
