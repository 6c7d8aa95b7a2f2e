"""`gateway mou status` and `gateway mou history`: where agreements stand, and how they came there."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gateway.app import open_deployment
from gateway.cli.mou_table import history_table, status_table
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.cli.table import AsFormat, Output, tell
from gateway.clock import timestamp
from gateway.exchange.life import Due, History, Signature, Trial, VersionStatus, history_of, status_of

Some = Annotated[
    str | None, typer.Argument(help="The agreement's id; all of them when it is left out.", show_default=False)
]
One = Annotated[str, typer.Argument(help="The agreement's id, such as JAIL-PD-2026-01.")]

_DUE = {
    Due.REVIEW: "its review is overdue",
    Due.ENDS: "it ends within 60 days",
    Due.OVER: "its last day is over: end it, or put a new version in force",
    Due.UNSIGNED: "approvals are lacking",
    Due.UNREADABLE: "this draft does not fit the exchanges registered now",
}

_WORTH = {
    Signature.VERIFIED: "[green]signature verified[/]",
    Signature.WRONG: "[bold red]signature wrong[/]",
    Signature.NO_KEY: "[yellow]no such account here[/]",
    Signature.NONE: "[dim]not signed[/]",
}


def status(
    id: Some = None,
    directory: Directory = Path(),
    json: AsJson = False,
    format: AsFormat = None,
    output: Output = None,
) -> None:
    """Every version: its state and since when, its days, what is due, approvals there and lacking, and what was counted
    on trial."""
    rows = run(_status(id, directory))
    if format is not None or output is not None:
        tell(status_table(directory, rows, id), format=format, output=output, json=json)
        return
    if json:
        answer([_version(each) for each in rows])
        return
    for each in rows:
        _tell(each)
    if not rows:
        out.print("there is no agreement yet")


async def _status(id: str | None, directory: Path) -> tuple[VersionStatus, ...]:
    async with open_deployment(directory) as gateway:
        return await status_of(gateway, id)


def _tell(each: VersionStatus) -> None:
    one, mou = each.agreement, each.mou
    title = f", {escape(mou.title)}" if mou is not None else ""
    out.print(f"[bold]{one.mou} version {one.version}[/]: {one.state} since {each.since:%Y-%m-%d %H:%M} UTC{title}")
    if mou is not None:
        review = f", to be reviewed by {mou.review_by}" if mou.review_by else ""
        out.print(f"  from {mou.since} until {mou.until}{review}")
    for due in each.due:
        out.print(f"  [yellow]{_DUE[due]}[/]")
    for approval in each.approvals:
        out.print(f"  approved for {approval.party} by {approval.user} on {approval.at:%Y-%m-%d}")
    for lack in each.lacks:
        out.print(f"  [yellow]still needed: {lack.people} of {lack.party}[/] ({lack.because})")
    if each.trial.messages:
        _tell_trial(each.trial)


def _tell_trial(trial: Trial) -> None:
    out.print(f"  on trial: {trial.messages} messages")
    for recipient, count in trial.released.items():
        out.print(f"    {recipient} would have got {count}")
    for (recipient, code), count in trial.nothing.items():
        out.print(f"    {recipient} would have got nothing of {count} ({code})")
    for word, places in (("withheld", trial.withheld), ("reduced", trial.reduced)):
        if places:
            out.print(f"    {word}: " + ", ".join(f"{label} {count}" for label, count in places.items()))


def _version(each: VersionStatus) -> dict[str, Any]:
    one, mou = each.agreement, each.mou
    return {
        "mou": one.mou,
        "version": one.version,
        "digest": one.digest,
        "title": mou.title if mou is not None else None,
        "state": one.state.value,
        "since": timestamp(each.since),
        "from": mou.since.isoformat() if mou is not None else None,
        "until": mou.until.isoformat() if mou is not None else None,
        "review_by": mou.review_by.isoformat() if mou is not None and mou.review_by else None,
        "due": [due.value for due in each.due],
        "approvals": [
            {"party": approval.party, "user": approval.user, "at": timestamp(approval.at)}
            for approval in each.approvals
        ],
        "lacks": [{"party": lack.party, "people": lack.people, "because": lack.because} for lack in each.lacks],
        "trial": {
            "messages": each.trial.messages,
            "released": each.trial.released,
            "nothing": [
                {"recipient": recipient, "code": code, "messages": count}
                for (recipient, code), count in each.trial.nothing.items()
            ],
            "withheld": each.trial.withheld,
            "reduced": each.trial.reduced,
        },
    }


def history(
    id: One,
    directory: Directory = Path(),
    json: AsJson = False,
    format: AsFormat = None,
    output: Output = None,
) -> None:
    """Every act on an agreement as the audit log has it, in order: what, when, who, over which digest, and whether the
    signature is that person's; and for each version its digest and what each approval is worth."""
    found = run(_history(id, directory))
    if format is not None or output is not None:
        tell(history_table(directory, found), format=format, output=output, json=json)
        return
    if json:
        answer(_history_data(found))
        return
    for version in found.versions:
        out.print(f"[bold]{found.mou} version {version.version}[/]: {version.state}, digest {version.digest}")
        for approval, worth in version.approvals:
            out.print(f"  approved for {approval.party} by {approval.user}: {_WORTH[worth]}")
    for act in found.acts:
        state = f" {act.state}" if act.state and act.act == "activate" else ""
        who = f"{act.by or '-'} of {act.agency or 'the operator'}"
        out.print(f"{timestamp(act.at)}  v{act.version} {act.act}{state} by {who}: {_WORTH[act.signature]}")
        out.print(f"  [dim]digest {act.digest}, entry {act.entry}[/]")


async def _history(id: str, directory: Path) -> History:
    async with open_deployment(directory) as gateway:
        return await history_of(gateway, id)


def _history_data(found: History) -> dict[str, Any]:
    return {
        "mou": found.mou,
        "versions": [
            {
                "version": version.version,
                "digest": version.digest,
                "state": version.state.value,
                "approvals": [
                    {
                        "party": approval.party,
                        "user": approval.user,
                        "at": timestamp(approval.at),
                        "digest": approval.digest,
                        "signature": worth.value,
                    }
                    for approval, worth in version.approvals
                ],
            }
            for version in found.versions
        ],
        "acts": [
            {
                "act": act.act,
                "version": act.version,
                "state": act.state or None,
                "at": timestamp(act.at),
                "by": act.by or None,
                "agency": act.agency or None,
                "digest": act.digest,
                "signature": act.signature.value,
                "entry": act.entry,
                "index": act.index,
            }
            for act in found.acts
        ],
    }
