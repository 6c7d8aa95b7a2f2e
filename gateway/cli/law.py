"""`gateway law`: law packs - list, explain, a draft of a new one, what is wrong with a draft, put in force."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gateway.agency import AgencyId
from gateway.app import configuration_for, open_deployment
from gateway.cli.acting import As, Key, person
from gateway.cli.run import AsJson, Directory, answer, as_json, fail, out, run, show
from gateway.clock import SystemClock
from gateway.errors import Refused
from gateway.exchange.acting import Acting
from gateway.exchange.configured import Configured
from gateway.exchange.laws import add_laws
from gateway.policy.label import covers
from gateway.policy.law import LawPack, LawRule, parties
from gateway.policy.law_draft import draft
from gateway.policy.law_read import PACK_ID, read_law
from gateway.policy.law_words import Asking, binding, effects, matching, scope, verdict, whose
from gateway.policy.reading import nearest

app = typer.Typer(
    no_args_is_help=True,
    help="Law packs: rules of law that no agreement loosens. List, explain, draft, put in force.",
)


class LawNotFound(Refused):
    """No law pack, section or label is called this."""

    code = "law.not-found"


class LawFileTaken(Refused):
    """A draft does not overwrite a file."""

    code = "law.file-exists"


class LawNameRefused(Refused):
    """A pack's id has a form."""

    code = "law.bad-name"


@app.command("list")
def list_(directory: Directory = Path(), json: AsJson = False) -> None:
    """All law packs: whose law, since when, and when each binds."""
    configured = run(configuration_for(directory))
    if json:
        answer([_pack_json(pack, configured) for pack in configured.laws.packs])
        return
    for pack in configured.laws.packs:
        out.print(f"[bold]{pack.id:<22}[/] {escape(pack.title)}")
        named = ", named by the settings" if pack.id in configured.laws.named else ""
        out.print(f"{'':<22} {escape(whose(pack))}; {binding(pack)}{named}; {_count(pack)}")


@app.command()
def explain(
    what: Annotated[str, typer.Argument(help='A pack ("cfr42-2"), a section ("42 CFR 2.31"), a label ("sud.need").')],
    to: Annotated[str, typer.Option("--to", help="The recipient, an agency of this gateway.")] = "",
    sender: Annotated[str, typer.Option("--from", help="The sender, an agency of this gateway.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="What the clause is for, such as custody-safety.")] = "",
    directory: Directory = Path(),
    json: AsJson = False,
) -> None:
    """Say in sentences what law says of a label, or what a pack or one section of it says.

    With --to and --purpose, only what it says of that recipient and purpose:

    [bold]gateway law explain victim.name --to harlan-probation --purpose supervision[/]
    """
    configured = run(configuration_for(directory))
    try:
        found, label = _find(configured, what)
        asking = _asking(configured, label, to=to, sender=sender, purpose=purpose)
    except Refused as error:
        fail(error)
    if label and asking.between is not None:  # of two agencies' own case, only what binds them today
        binds = configured.laws.binding(SystemClock().now().date(), (), asking.between.states)
        found = [(pack, rule) for pack, rule in found if rule in binds]
    told = [(pack, rule, said) for pack, rule in found if (said := verdict(rule, asking))]
    if json:
        answer([{**_rule_json(pack, rule), "says": said} for pack, rule, said in told])
        return
    if not told:
        out.print(f"No rule of law speaks of {escape(what)}{' in that case' if to or sender or purpose else ''}.")
    for pack, rule, said in told:
        out.print(f"[bold]{escape(rule.section)}[/] ({pack.id}, {binding(pack)})")
        out.print(f"  {escape(rule.text)}")
        out.print(f"  {escape(scope(rule))}", style="dim")
        out.print(f"  {escape(said)}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Id of the pack: lower case words joined by hyphens, such as ny-149.")],
    file: Annotated[Path | None, typer.Option("--out", help="File to write.", show_default="NAME.yaml")] = None,
) -> None:
    """Write a commented draft of a law pack for counsel to fill in. It binds nobody before `gateway law add`."""
    target = file or Path(f"{name}.yaml")
    if not PACK_ID.fullmatch(name) or len(name) > 63:
        fail(LawNameRefused(f"{name!r}: a pack's id is lower case words joined by hyphens, such as ny-149"))
    text = draft(name, str(target), SystemClock().now().date())
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        fail(LawFileTaken(f"{target}: there is a file already; a draft overwrites nothing"))
    except OSError as error:
        fail(LawFileTaken(f"{target}: cannot be written: {error.strerror}"))
    out.print(f"{escape(str(target))}: a draft; fill it in, then [bold]gateway law lint {escape(str(target))}[/]")


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="The pack, a YAML file.", exists=True, dir_okay=False)],
    json: AsJson = False,
) -> None:
    """Read a law pack strictly and say everything that is wrong with it, with line and column."""
    pack, findings = read_law(file.read_bytes(), str(file))
    if json:
        answer({"file": str(file), "ok": pack is not None, "findings": [as_json(finding) for finding in findings]})
    else:
        show(findings)
        if pack is not None:
            out.print(f"{escape(file.name)}: {pack.id} version {pack.version}: [green]readable[/], {_count(pack)}")
    raise typer.Exit(0 if pack is not None else 1)


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Packs, YAML files.", exists=True, dir_okay=False)],
    by: As,
    key: Key = None,
    directory: Directory = Path(),
) -> None:
    """Put law packs in force here; of several versions of one pack the latest binds. Whoever adds them signs.

    What binds is what the database holds: every process takes it up at once, and each decision records under which
    packs it was made.
    """
    added = run(_add(directory, files, person(by, key, directory)))
    for pack in added:
        out.print(f"{pack.id} version {pack.version} is in force; {binding(pack)}; digest {pack.digest}")
    if not added:
        out.print("nothing new: these packs are in force as they are")


async def _add(directory: Path, files: list[Path], by: Acting) -> list[LawPack]:
    async with open_deployment(directory) as gateway:
        return await add_laws(gateway, [(str(file), file.read_bytes()) for file in files], by=by)


def _find(configured: Configured, what: str) -> tuple[list[tuple[LawPack, LawRule]], str]:
    """The rules meant, and the label when one was. Raises `LawNotFound`."""
    every = [(pack, rule) for pack in configured.laws.packs for rule in pack.rules]
    pack = configured.laws.pack(what)
    if pack is not None:
        return [(pack, rule) for rule in pack.rules], ""
    if found := [each for each in every if each[1].section.casefold() == what.casefold()]:
        return found, ""
    labels = {label for iepd in configured.registry for label in iepd.catalog.labels()}
    labels |= {label for _, rule in every for label in rule.labels}
    if what in labels or any(covers(what, label) for label in labels):
        speaking = set(matching((rule for _, rule in every), what))
        return [each for each in every if each[1] in speaking], what
    known = {*configured.laws.ids, *(rule.section for _, rule in every), *labels}
    raise LawNotFound(f"no law pack, section or label is called {what!r}{nearest(what, known)}")


def _asking(configured: Configured, label: str, *, to: str, sender: str, purpose: str) -> Asking:
    for id in (to, sender):
        if id and id not in configured.agencies:
            raise LawNotFound(f"there is no agency {id!r} here{nearest(id, configured.agencies)}")
    agencies = configured.agencies
    known = parties(agencies.get(AgencyId(sender)), agencies.get(AgencyId(to))) if to or sender else None
    return Asking(label=label, to=to, purpose=purpose, between=known)


def _pack_json(pack: LawPack, configured: Configured) -> dict[str, Any]:
    return {
        "law": pack.id,
        "title": pack.title,
        "jurisdiction": pack.jurisdiction,
        "version": pack.version,
        "from": pack.since,
        "until": None if pack.until.year == 9999 else pack.until,
        "source": pack.source,
        "binds": pack.binds.value,
        "named": pack.id in configured.laws.named,
        "digest": pack.digest,
        "rules": [_rule_json(pack, rule) for rule in pack.rules],
    }


def _rule_json(pack: LawPack, rule: LawRule) -> dict[str, Any]:
    return {
        "law": pack.id,
        "rule": rule.id,
        "section": rule.section,
        "text": rule.text,
        "labels": list(rule.labels),
        "scope": scope(rule),
        "effects": list(effects(rule)),
    }


def _count(pack: LawPack) -> str:
    return f"{len(pack.rules)} rule{'s' if len(pack.rules) != 1 else ''}"
