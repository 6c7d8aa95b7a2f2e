"""`gateway mou simulate`: what a draft would change, for whom, in how many messages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.app import configuration_for, open_deployment
from gateway.cli.run import AsJson, Directory, answer, err, out, run
from gateway.clock import SystemClock
from gateway.exchange.agreements import AgreementRefused
from gateway.exchange.configured import Configured
from gateway.exchange.difference import Effect, Shown
from gateway.exchange.simulate import MESSAGES_MAX, Replay, Simulated, Told, simulate_files, simulate_stored, since_days
from gateway.finding import errors
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou

File = Annotated[Path, typer.Argument(help="The agreement, a YAML file.", exists=True, dir_okay=False)]

DAYS_MAX = 3650

_REPLAY = re.compile(r"last-([0-9]{1,6})(d?)")

_WORDS = {
    Shown.NEWLY: "newly shown",
    Shown.NO_MORE: "shown no more",
    Shown.OTHER_FORM: "shown in another form",
}


def simulate(
    file: File,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Decide the XML files in this folder instead of stored messages.", exists=True, file_okay=False
        ),
    ] = None,
    replay: Annotated[
        str, typer.Option(help="Which stored messages: last-30d, those of 30 days; last-100, the last hundred.")
    ] = "last-30d",
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Decide messages again as if this agreement were in force today instead of the version that is, and say what would
    change: for whom, in how many messages, which labels. Nothing is stored, nothing leaves.

    Stored messages are opened for it, which is an entry of the audit log; only those the agreement speaks of are.
    """
    asked = _REPLAY.fullmatch(replay)
    if asked is None or not 0 < int(asked[1]) <= (DAYS_MAX if asked[2] else MESSAGES_MAX):
        raise typer.BadParameter("--replay is last-30d or last-100, of at most ten years or 100,000 messages")
    with _progress(hidden=json) as progress:
        task = progress.add_task("messages", total=None)
        if folder is not None:
            files = sorted(folder.glob("*.xml"))
            progress.update(task, total=len(files))
            configured = run(configuration_for(directory))
            made = simulate_files(
                configured,
                run(_drafted(file, configured)),
                _bodies(files),
                now=SystemClock().now(),
                told=lambda done: progress.update(task, completed=done),
            )
        else:
            told = lambda done, of: progress.update(task, completed=done, total=of)  # noqa: E731
            made = run(_stored(file, int(asked[1]), bool(asked[2]), directory, told))
    if json:
        answer(_data(made))
    else:
        _tell(made)


async def _stored(file: Path, number: int, days: bool, directory: Path, told: Told) -> Simulated:
    async with open_deployment(directory) as gateway:
        mou = await _drafted(file, gateway.current)
        replay = since_days(gateway.clock.now(), number) if days else Replay(last=number)
        return await simulate_stored(gateway, mou, replay, actor="cli", told=told)


async def _drafted(file: Path, configured: Configured) -> Mou:
    """The agreement. Raises `AgreementRefused`."""
    mou, findings = read_mou(
        file.read_bytes(),
        str(file),
        configured.iepds,
        agencies=configured.agencies,
        law_packs=configured.laws.ids,
    )
    if mou is None or errors(findings):
        raise AgreementRefused(str(file), errors(findings))
    return mou


def _bodies(files: list[Path]) -> Iterator[bytes]:
    return (each.read_bytes() for each in files)


def _progress(*, hidden: bool) -> Progress:
    """A bar where a person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal)


def _tell(made: Simulated) -> None:
    mou = made.mou
    instead = f"instead of version {made.instead_of}" if made.instead_of is not None else "where there is none in force"
    today = ", as if its days held today" if made.as_if_today else ""
    out.print(f"{mou.id} version {mou.version} {instead}{today}: {made.messages} messages decided twice")
    for count, why in (
        (made.destroyed, "whose time was up and whose keys are destroyed"),
        (made.unreadable, "not valid messages of a registered exchange"),
        (made.withdrawals, "cancellations, which go to those who had the first"),
    ):
        if count:
            out.print(f"not decided: {count} {why}")
    changed = [each for each in made.effects if each.changed]
    for each in changed:
        _tell_effect(each)
    if not changed:
        out.print("nothing would change")


def _tell_effect(effect: Effect) -> None:
    out.print(f"[bold]{effect.recipient}[/]: {effect.changed} of {effect.messages} messages would differ")
    if effect.released:
        out.print(f"  {effect.released} newly released")
    if effect.withdrawn:
        out.print(f"  {effect.withdrawn} no longer released")
    for (label, shown), count in effect.labels.items():
        out.print(f"  {label:<34} {_WORDS[shown]} in {count}")


def _data(made: Simulated) -> dict[str, Any]:
    return {
        "mou": made.mou.id,
        "version": made.mou.version,
        "digest": made.mou.digest,
        "instead_of": made.instead_of,
        "as_if_today": made.as_if_today,
        "messages": made.messages,
        "skipped": {
            "key_destroyed": made.destroyed,
            "not_valid": made.unreadable,
            "cancellations": made.withdrawals,
        },
        "recipients": [_effect(each) for each in made.effects],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    labels: dict[str, dict[str, int]] = {}
    for (label, shown), count in effect.labels.items():
        labels.setdefault(label, dict.fromkeys((each.value.replace("-", "_") for each in Shown), 0))
        labels[label][shown.value.replace("-", "_")] = count
    return {
        "recipient": effect.recipient,
        "messages": effect.messages,
        "changed": effect.changed,
        "newly_released": effect.released,
        "no_longer_released": effect.withdrawn,
        "labels": labels,
    }
