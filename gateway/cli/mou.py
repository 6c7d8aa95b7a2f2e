"""`gateway mou`: agreements - write, read, explain, compare, print, sign, put in force, suspend, end, list."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli import mou_lint, mou_new, mou_render, mou_schema
from gateway.cli.acting import As, Key, person
from gateway.cli.mou_check import check_command
from gateway.cli.mou_coverage import coverage_command
from gateway.cli.mou_diff import diff
from gateway.cli.mou_explain import explain
from gateway.cli.mou_replay import replay
from gateway.cli.mou_simulate import simulate
from gateway.cli.mou_status import history, status
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.exchange.acting import Acting
from gateway.exchange.agreements import (
    activate_mou,
    approve_mou,
    lacks_of,
    read_draft,
    stop_mou,
    try_mou,
)
from gateway.exchange.life import mou_of
from gateway.exchange.withdraw import withdraw_approval
from gateway.policy.approval import Lack
from gateway.store.configuration import Agreement, AgreementState, Approval, Withdrawal
from gateway.user import UserId

app = typer.Typer(no_args_is_help=True, help="Agreements, from the first draft to the end.")

app.command()(explain)
app.command()(diff)
app.command()(simulate)
app.command()(replay)
app.command()(status)
app.command()(history)
app.command("check")(check_command)
app.command("coverage")(coverage_command)

File = Annotated[Path, typer.Argument(help="The agreement, a YAML file.", exists=True, dir_okay=False)]


app.command()(mou_new.new)
app.command()(mou_lint.lint)
app.command()(mou_schema.schema)
app.command()(mou_render.render)


@app.command()
def activate(
    file: File,
    by: As,
    trial: Annotated[
        bool, typer.Option("--trial", help="Only try it: messages are decided and counted, nothing leaves.")
    ] = False,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Put an agreement in force, once every party has approved it; the version before it ends.

    The file's bytes go into the database: what is in force is what the database holds. Whoever activates signs.
    """
    run(_readable(file, directory))
    agreement, waits = run(_activate(file, directory, trial, person(by, key, directory)))
    state = "on trial" if trial else "in force"
    out.print(f"{agreement.mou} version {agreement.version} is {state}; digest {agreement.digest}")
    if waits:
        out.print(f"Its first day is {waits}: nothing goes under it before.")


async def _readable(file: Path, directory: Path) -> None:
    """Everything that is wrong with the file is told before anybody is asked for a passphrase."""
    async with open_deployment(directory) as gateway:
        read_draft(gateway.current, file.read_bytes(), str(file))


async def _activate(file: Path, directory: Path, trial: bool, by: Acting) -> tuple[Agreement, date | None]:
    """The agreement, and its first day when that is still to come."""
    async with open_deployment(directory) as gateway:
        act = try_mou if trial else activate_mou
        agreement = await act(gateway, file.read_bytes(), str(file), by=by)
        first = gateway.current.mou(agreement).since
        return agreement, first if first > gateway.current.day(gateway.clock.now()) else None


@app.command()
def sign(
    file: File,
    party: Annotated[str, typer.Option("--for", metavar="AGENCY", help="The party you approve for.")],
    by: As,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Approve this version for a party you speak for, with your personal key, over the digest of the whole file.

    From its first approval on the version is a draft in the database.
    """
    run(_readable(file, directory))
    approval, lacks = run(_sign(file, AgencyId(party), directory, person(by, key, directory)))
    out.print(f"{approval.user} approved {approval.mou} version {approval.version} for {party}")
    for lack in lacks:
        out.print(f"still needed: {lack.people} of {lack.party} ({lack.because})")
    if not lacks:
        out.print("all parties have approved: [bold]gateway mou activate[/] puts it in force")


async def _sign(file: Path, party: AgencyId, directory: Path, by: Acting) -> tuple[Approval, tuple[Lack, ...]]:
    async with open_deployment(directory) as gateway:
        data = file.read_bytes()
        approval = await approve_mou(gateway, data, str(file), party=party, by=by)
        mou = read_draft(gateway.current, data, str(file)).mou
        return approval, lacks_of(gateway.current, mou, gateway.clock.now())


Id = Annotated[str, typer.Argument(help="The agreement's id, such as JAIL-PD-2026-01.")]
Version = Annotated[
    int | None,
    typer.Option("--version", help="Which version, where one is in force and another on trial.", show_default=False),
]


@app.command()
def withdraw(
    id: Id,
    party: Annotated[str, typer.Option("--for", metavar="AGENCY", help="The party whose approval is taken back.")],
    by: As,
    version: Annotated[
        int | None, typer.Option(help="Of which version.", show_default="the one that waits for approvals")
    ] = None,
    of: Annotated[str | None, typer.Option(metavar="USER", help="Whose approval.", show_default="your own")] = None,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Take an approval back before the version is in force, signed; it cannot be activated without another.

    Your own, or with --of that of somebody else of your agency, who may have left.
    """
    asked = (id, version, AgencyId(party), UserId(of) if of else None)
    done = run(_withdraw(asked, directory, person(by, key, directory)))
    out.print(f"the approval of {done.user} for {party} on {id} version {done.version} counts no more")


async def _withdraw(asked: tuple[str, int | None, AgencyId, UserId | None], directory: Path, by: Acting) -> Withdrawal:
    id, version, party, of = asked
    async with open_deployment(directory) as gateway:
        return await withdraw_approval(gateway, id, version, party=party, of=of, by=by)


@app.command()
def suspend(
    id: Id,
    by: As,
    resume: Annotated[bool, typer.Option("--resume", help="Put it in force again, once it passes its check.")] = False,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Suspend the version in force: nothing but cancellations goes out under it until it is resumed."""
    state = AgreementState.IN_FORCE if resume else AgreementState.SUSPENDED
    run(_stop(id, state, directory, person(by, key, directory)))
    out.print(f"{id} is {'in force again' if resume else 'suspended'}")


@app.command()
def end(id: Id, by: As, version: Version = None, key: Key = None, directory: Directory = Path()) -> None:
    """End the version in force, suspended, or on trial, for good."""
    ended = run(_stop(id, AgreementState.ENDED, directory, person(by, key, directory), version))
    out.print(f"{id} version {ended.version} has ended")


async def _stop(id: str, state: AgreementState, directory: Path, by: Acting, version: int | None = None) -> Agreement:
    async with open_deployment(directory) as gateway:
        return await stop_mou(gateway, id, state=state, by=by, version=version)


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
                "title": mou.title if (mou := mou_of(gateway.current, one)) is not None else "",
            }
            for one in gateway.current.agreements
        ]
