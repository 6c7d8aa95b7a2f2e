"""`gateway report`: what auditors ask, each question one command: as a table, CSV, JSON or a page to print."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.audit import verifier
from gateway.cli.acting import As, Key, person
from gateway.cli.audit_export import handed_out
from gateway.cli.run import AsJson, Directory, answer, out, run
from gateway.cli.table import LIMIT, After, AsFormat, InPeriod, Limit, Output, in_period, tell
from gateway.exchange.acting import Acting
from gateway.exchange.answers.accounted import intelligence_review, protected_health
from gateway.exchange.answers.asked import Asked
from gateway.exchange.answers.denials import denials, denials_by_reason
from gateway.exchange.answers.disclosures import Between, disclosures
from gateway.exchange.answers.emergencies import overrides, secondary
from gateway.exchange.answers.late import late_notices
from gateway.exchange.answers.reveal import Reveal
from gateway.exchange.answers.triennial import Bundle, triennial
from gateway.exchange.gateway import Gateway
from gateway.policy.duration import parse_duration
from gateway.report.table import Table

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Answers to auditors, each one command. Every answer states period, filter, number of rows, the log's "
        "checkpoint and a digest of its rows; persons are named only with --reveal, which is recorded."
    ),
)

Revealing = Annotated[
    bool, typer.Option("--reveal", help="Show personal data. Each record opened is an entry under your name.")
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why: lower case words joined by hyphens, such as subpoena-response.")
]
MaybeAs = Annotated[str, typer.Option("--as", metavar="USER", help="Your account, with --reveal.")]
Mou = Annotated[str, typer.Option("--mou", metavar="MOU", help="Only under this agreement, or one version, MOU@2.")]
From = Annotated[str, typer.Option("--from", metavar="AGENCY", help="Only what this agency sent.")]
To = Annotated[str, typer.Option("--to", metavar="AGENCY", help="Only what this agency got.")]

YEARS_3 = timedelta(days=3 * 365)

Ask = Callable[[Gateway], Awaitable[Table]]


def ask(directory: Path, question: Ask) -> Table:
    """Open the deployment and ask."""

    async def asking() -> Table:
        async with open_deployment(directory) as gateway:
            return await question(gateway)

    return run(asking())


def asked(period: str | None, after: str, limit: int, **filters: str) -> Asked:
    """What the options ask for; those that were left out are no filters."""
    given = tuple((name, value) for name, value in filters.items() if value)
    return Asked(period=in_period(period), after=after, limit=limit, filters=given)


def revealing(reveal: bool, reason: str, user: str, key: Path | None, directory: Path) -> Reveal | None:
    """Who wants to see persons; None when nobody does."""
    if not reveal:
        if reason or user:
            raise typer.BadParameter("--reason and --as go with --reveal")
        return None
    if not reason or not user:
        raise typer.BadParameter("--reveal takes --reason WORDS and --as USER: it stands in the log who saw it and why")
    return Reveal(by=person(user, key, directory), reason=reason)


@app.command("disclosures")
def disclosures_command(
    mou: Mou = "",
    sender: From = "",
    to: To = "",
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    reveal: Revealing = False,
    reason: Reason = "",
    by: MaybeAs = "",
    key: Key = None,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Everything that was sent: to whom, under which agreement and clause, how much was withheld, and when it arrived.

    [bold]gateway report disclosures --mou JAIL-PD-2026-01 --period 2026-Q3 -o q3.csv[/]
    """
    wanted = asked(period, after, limit, mou=mou, **{"from": sender}, to=to)
    between = Between(mou=mou, sender=_agency(sender), recipient=_agency(to))
    seen = revealing(reveal, reason, by, key, directory)
    tell(
        ask(directory, lambda gateway: disclosures(gateway, wanted, between, seen)),
        format=format,
        output=output,
        json=json,
    )


def _agency(id: str) -> AgencyId | None:
    return AgencyId(id) if id else None


@app.command("late-notices")
def late_notices_command(
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Notices that arrived after their deadline, or have not arrived though it is past: by how much, and why.

    Deadlines are those of clauses (deliver within, send_at_least before) and of law packs, such as the 48 hours of
    N.Y. Correction Law 149. The period is that of the deadline.
    """
    wanted = asked(period, after, limit)
    tell(ask(directory, lambda gateway: late_notices(gateway, wanted)), format=format, output=output, json=json)


@app.command("overrides")
def overrides_command(
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    reveal: Revealing = False,
    reason: Reason = "",
    by: MaybeAs = "",
    key: Key = None,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """All emergency releases: when, whose data, to whom, justified by what, released by which two people.

    With --reveal also what they wrote of it, which is kept sealed.
    """
    wanted = asked(period, after, limit)
    seen = revealing(reveal, reason, by, key, directory)
    tell(ask(directory, lambda gateway: overrides(gateway, wanted, seen)), format=format, output=output, json=json)


@app.command("denials")
def denials_command(
    by_reason: Annotated[bool, typer.Option("--by-reason", help="How many for each reason, instead of each.")] = False,
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Messages that were rejected, recipients who were denied, accesses that were refused, each with its reason."""
    wanted = asked(period, after, limit, **{"by-reason": "yes" if by_reason else ""})
    question = denials_by_reason if by_reason else denials
    tell(ask(directory, lambda gateway: question(gateway, wanted)), format=format, output=output, json=json)


@app.command("secondary")
def secondary_command(
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Everything that went outside the parties of an agreement: to whom, on which basis, for which reason."""
    wanted = asked(period, after, limit)
    tell(ask(directory, lambda gateway: secondary(gateway, wanted)), format=format, output=output, json=json)


@app.command("cfr23-review")
def cfr23_review_command(
    within: Annotated[str, typer.Option("--within", help="Due within this time: 90 days, P90D, 5 years.")] = "90 days",
    period: InPeriod = None,
    limit: Limit = LIMIT,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Criminal intelligence that was given and is due for its 28 CFR 23.20(h) review, or past it; the period is that of
    the giving."""
    span = parse_duration(within)
    if span is None:
        raise typer.BadParameter(f"{within!r} is no duration: write 90 days, 5 years or P90D", param_hint="--within")
    wanted = asked(period, "", limit, within=within)
    tell(
        ask(directory, lambda gateway: intelligence_review(gateway, wanted, within=span)),
        format=format,
        output=output,
        json=json,
    )


@app.command("protected-health")
def protected_health_command(
    period: InPeriod = None,
    after: After = "",
    limit: Limit = LIMIT,
    reveal: Revealing = False,
    reason: Reason = "",
    by: MaybeAs = "",
    key: Key = None,
    format: AsFormat = None,
    output: Output = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Every disclosure of health or substance use records, with the consents it went by and the notices of law that
    traveled with it (42 CFR 2.32; 45 CFR 164.528)."""
    wanted = asked(period, after, limit)
    seen = revealing(reveal, reason, by, key, directory)
    tell(
        ask(directory, lambda gateway: protected_health(gateway, wanted, seen)),
        format=format,
        output=output,
        json=json,
    )


@app.command("cjis-triennial")
def cjis_triennial_command(
    by: As,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The zip to write.", dir_okay=False)
    ] = Path("cjis-triennial.zip"),
    period: InPeriod = None,
    key: Key = None,
    json: AsJson = False,
    directory: Directory = Path(),
) -> None:
    """Everything for the triennial audit in one signed zip: agreements, people and their second factor, weekly reviews
    of the log, cryptography, destruction and holds, incidents; each as CSV, JSON and a page, with the entries they cite
    and their proofs. The verifier that checks it is in it. Without --period, the three years up to today.

    [bold]gateway report cjis-triennial -o audit-2026.zip --as dana.whitcombe[/]
    """
    acting = person(by, key, directory)
    made = run(_triennial(directory, period, acting, output))
    if json:
        answer({"file": str(output), "digest": made.statement.digest, "entry": made.entry, "tables": made.tables})
        return
    out.print(f"written: {escape(str(output))}: {made.cited} entries with proofs")
    for name, rows in made.tables.items():
        out.print(f"  {name}: {rows} rows")
    out.print(f"log: {made.entry}")


async def _triennial(directory: Path, period: str | None, by: Acting, output: Path) -> Bundle:
    async with open_deployment(directory) as gateway:
        today = gateway.clock.now().date()
        wanted = Asked(period=in_period(period or f"{today - YEARS_3}/{today}"))
        with handed_out(output) as file:
            source = Path(verifier.__file__).read_bytes()
            return await triennial(gateway, wanted, file, by=by, verifier=source)
