"""What the demo shows at its end: who got what, why not more, whether anything leaked, and the log's proof."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gateway.audit.verifier
from gateway.agency import AgencyId, EndpointKind
from gateway.cli.demo.canary import allowed, found
from gateway.cli.demo.stage import PARTNERS, Stage
from gateway.cli.demo.story import KINDS
from gateway.delivery.delivery import State
from gateway.exchange.evidence import evidence_of_message
from gateway.exchange.export import export
from gateway.exchange.gateway import Gateway
from gateway.exchange.selection import About

VERIFIER = Path(gateway.audit.verifier.__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One recipient of one message. `seconds` is from sending to reception, None when it did not arrive."""

    message: str
    recipient: AgencyId
    state: State
    mou: str
    shared: int
    reduced: int
    withheld: int
    clauses: tuple[str, ...]
    kinds: frozenset[str]
    seconds: float | None


async def lines(stage: Stage, gateway: Gateway) -> tuple[Line, ...]:
    """A line for each dissemination, in the order they were sent."""
    received = stage.received()
    made: list[Line] = []
    for sent in stage.accepted():
        for record in await stage.records(gateway, sent):
            each = record.dissemination
            event = received.get((each.message, each.recipient))
            made.append(
                Line(
                    message=each.message,
                    recipient=each.recipient,
                    state=record.delivery.state,
                    mou=f"{each.mou}@{each.mou_version}",
                    shared=each.shared,
                    reduced=each.reduced,
                    withheld=each.withheld,
                    kinds=frozenset(
                        one.label.partition(".")[0] for one in each.redactions if one.outcome == "withheld"
                    ),
                    clauses=tuple(f"{each.mou} {clause}" for clause in each.clauses),
                    seconds=event["at"] - sent.at if event else None,
                )
            )
    return tuple(made)


KINDS_OF_DATA = {
    "medical": "medical needs",
    "sud": "substance use treatment",
    "victim": "victims",
    "victim-services": "what victim services hold",
    "thirdparty": "household members and others",
    "communication": "privileged communication",
    "affiliation": "affiliations",
    "intel": "sources",
    "condition": "no-contact orders",
    "investigation": "open investigations",
    "location": "addresses",
    "risk": "the risk assessment",
    "person": "some of the person's description",
    "need": "needs",
}
"""First word of a label, in officers' words."""


def in_plain_words(stage: Stage, made: Sequence[Line]) -> Iterator[str]:
    """What became of the first full release notice, a sentence for each recipient; and of what went nowhere."""
    notice = next((sent for sent in stage.accepted() if sent.scene.sample == "fullest.xml"), None)
    for line in made:
        if notice is not None and line.message == notice.answer["id"]:
            kinds = [text for word, text in KINDS_OF_DATA.items() if word in line.kinds]
            yield (
                f"{line.recipient} got {line.shared} fields of the jail's full release notice, and {line.reduced} in a "
                f"lesser form; kept from it, in part or whole: {', '.join(kinds)} ({', '.join(line.clauses)})."
            )
    gone = [sent for sent in stage.sent if "juvenile" in sent.scene.title and not sent.accepted]
    yield f"The {len(gone)} records of a juvenile went to nobody, and the answer is that of no agreement at all."
    canceled = [sent for sent in stage.accepted() if sent.scene.title == "cancellation"]
    told_of = sum(1 for line in made if line.message in {sent.answer["id"] for sent in canceled})
    yield f"{len(canceled)} notices were withdrawn; {told_of} recipients who had them were told, ahead of the queue."


HEAD = f"  {'recipient':<26}{'outcome':<13}{'shared':>6}{'reduced':>8}{'withheld':>9}{'seconds':>8}  clause"


def told(stage: Stage, made: Sequence[Line]) -> Iterator[str]:
    """Message, recipient, outcome, fields shared / reduced / withheld, delivery time, clause: a line each."""
    yield f"[bold]{HEAD}[/]"
    for sent in stage.sent:
        scene = sent.scene
        yield f"[bold]{scene.exchange.partition('/')[0]}: {scene.title}[/] [dim]from {scene.agency}[/]"
        if not sent.accepted:
            yield f"  [red]{'nobody':<26}{sent.code}[/]"
        elif scene.repeat:
            yield f"  [green]{'nobody again':<26}the first receipt once more[/]"
        else:
            yield from (_line(line) for line in made if line.message == sent.answer["id"])
            for each in sent.answer.get("recipients", ()):
                if each["outcome"] == "refused":
                    yield f"  [red]{each['agency']:<26}{each['code']}[/]"


def _line(line: Line) -> str:
    color = "green" if line.state is State.DELIVERED else "yellow"
    seconds = f"{line.seconds:.2f}" if line.seconds is not None else "-"
    counts = f"{line.shared:>6}{line.reduced:>8}{line.withheld:>9}{seconds:>8}"
    return f"  {line.recipient:<26}[{color}]{line.state.value:<13}[/]{counts}  {', '.join(line.clauses)}"


def leaks(stage: Stage, gateway: Gateway) -> tuple[str, ...]:
    """Where a canary stands that may not: what agencies received, the database, the logs. Names of files only."""
    may_see: dict[AgencyId, set[bytes]] = {agency: set() for agency in KINDS}
    every: set[bytes] = set()
    for sent in stage.sent:
        if sent.scene.planted is not None:
            every |= {canary.mark for canary in sent.scene.planted.canaries}
            for agency in KINDS:
                may_see[agency] |= allowed(sent.scene.planted, gateway.current, sent.scene.agency, agency)
    leaking: list[str] = []
    for agency in KINDS:
        for file in sorted((stage.directory / PARTNERS / f"{agency}.received").iterdir()):
            if found(file.read_bytes()) - may_see[agency]:
                leaking.append(f"{agency}: {file.name}")  # noqa: PERF401  (two loops in one line read badly)
    own = [file for file in stage.directory.rglob("*") if file.is_file() and PARTNERS not in file.parts]
    leaking += [file.name for file in own if found(file.read_bytes()) & every]
    return tuple(leaking)


async def verify_offline(stage: Stage, gateway: Gateway) -> dict[str, Any]:
    """Export the log and let the single-file verifier check it, and one entry's evidence, in a process of its own."""
    folder = stage.directory / "evidence"
    folder.mkdir(mode=0o700)
    with (folder / "log.zip").open("w+b") as file:
        exported = await export(gateway, About(), file, verifier=VERIFIER.read_bytes())
    message = stage.accepted()[0].answer["id"]
    evidence = await evidence_of_message(gateway.store, message)
    (folder / "entry.tlog-proof").write_text(evidence[0], encoding="utf-8")
    key = (stage.directory / PARTNERS / "log.vkey").read_text(encoding="utf-8").strip()
    whole = _verifier(folder / "log.zip", "--key", key)
    entry = _verifier(folder / "entry.tlog-proof", "--key", key)
    return {"entries": exported.entries, "verified": whole and entry}


def _verifier(*arguments: str | Path) -> bool:
    command = [sys.executable, str(VERIFIER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0  # noqa: S603


def summary(
    stage: Stage, made: Iterable[Line], leaking: Sequence[str], audit: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """The demo as data; names are a contract."""
    made = tuple(made)
    arrived = Counter(KINDS[line.recipient] for line in made if line.state is State.DELIVERED)
    return {
        "messages": len(stage.accepted()),
        "refused": sum(1 for sent in stage.sent if not sent.accepted),
        "deliveries": {kind.value: arrived[kind.value] for kind in EndpointKind},
        "withheld": sum(line.withheld for line in made),
        "leaks": len(leaking),
        "audit": audit,
        "seconds": round(seconds, 2),
    }
