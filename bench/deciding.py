"""Rows about deciding: who gets a message, and the cut."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from lxml import etree

from bench.message import EXCHANGE, RECIPIENT, SENDER, sample
from bench.run import Run
from bench.table import Row
from gateway.agency import AgencyId
from gateway.app import drafts
from gateway.clock import SystemClock
from gateway.document.parse import Document, parse
from gateway.exchange.configured import Configured
from gateway.iepd.facts import evaluate
from gateway.policy.grant import Grant, InForce, grants
from gateway.policy.mou import Mou
from gateway.policy.redact import cut
from gateway.policy.rules import Node

CLAUSES = 400
SENDERS = 50
IDENTITIES = re.compile(rb' structures:(id|ref|uri)="[^"]*"')


def quickest(acts: list[Callable[[], object]], *, repeats: int) -> list[float]:
    """Seconds of each act, in turns; each the fifth best of all its turns, since somebody else may have the machine."""
    times: list[list[float]] = [[] for _ in acts]
    for _ in range(repeats):
        for act, seconds in zip(acts, times, strict=True):
            begun = time.perf_counter()
            act()
            seconds.append(time.perf_counter() - begun)
    return [sorted(seconds)[4] for seconds in times]


def deciding(run: Run) -> list[Row]:
    """Who gets a message, of 400 clauses in force."""
    now = SystemClock().now()
    configured = drafts(now)
    iepd = configured.iepds[EXCHANGE]
    document = parse(sample())
    mou = granted(configured, document, now).mou
    spread = InForce(many(mou, senders=SENDERS))
    crowd = InForce(many(mou, senders=1))
    facts = evaluate(document, iepd)

    def decide(index: InForce, *, anew: bool) -> Callable[[], object]:
        asked = {"sender": SENDER, "exchange": EXCHANGE, "on": now.date(), "only": frozenset([RECIPIENT])}
        return lambda: grants(index, facts=evaluate(document, iepd) if anew else facts, **asked)  # type: ignore[arg-type]

    acts = [decide(spread, anew=False), decide(spread, anew=True), decide(crowd, anew=False)]
    seconds, with_facts, crowded = quickest(acts, repeats=300 if run.quick else 2000)
    return [
        Row(
            name="decision",
            what=f"policy decision, {CLAUSES} clauses",
            value=seconds * 1e6,
            unit="µs",
            first=20,
            goal=2,
            least=False,
            ratio=f"{with_facts / seconds:.1f} x as long with the message's facts asked anew",
            note=f"of {SENDERS} senders; {crowded * 1e6:.0f} µs were all {CLAUSES} of one sender",
            more={"with_facts_us": round(with_facts * 1e6, 2), "one_sender_us": round(crowded * 1e6, 2)},
        )
    ]


def granted(configured: Configured, document: Document, now: datetime) -> Grant:
    """The grant of the message that is measured."""
    facts = evaluate(document, configured.iepds[EXCHANGE])
    (grant,), _ = configured.decide_recipients(
        sender=SENDER, exchange=EXCHANGE, facts=facts, on=now, only=frozenset([RECIPIENT])
    )
    return grant


def many(mou: Mou, *, senders: int) -> list[Mou]:
    """400 clauses, one an agreement: each sender has as many, and one of them is with the recipient asked for."""
    clause = mou.exchanges[0]
    made = []
    for number in range(CLAUSES):
        place, sender = divmod(number, senders)
        made.append(
            replace(
                mou,
                id=f"BENCH-{number:04d}",
                exchanges=(
                    replace(
                        clause,
                        sender=SENDER if sender == 0 else AgencyId(f"sender-{sender}"),
                        recipients=(RECIPIENT if place == 0 else AgencyId(f"recipient-{place}"),),
                    ),
                ),
            )
        )
    return made


# --- the cut ------------------------------------------------------------------------------------------------------


Trie = dict[str, "Trie | None"]


def allowed(node: Node) -> Trie:
    """The elements that may be seen: None = a leaf."""
    return {
        tag: None if child.leaf is not None else allowed(child) for tag, child in node.children.items() if child.open
    }


def walk(source: etree._Element, target: etree._Element, trie: Trie) -> None:
    """The bare allow-list walk: nothing but names, no condition, no attribute, no note of what stays behind."""
    for child in source:
        below = trie.get(child.tag, _NOTHING)
        if below is None:
            etree.SubElement(target, child.tag).text = child.text
        elif below:
            walk(child, etree.SubElement(target, child.tag), below)


_NOTHING: Trie = {}


def cutting(run: Run) -> list[Row]:
    """The cut against the bare walk, without ids and with them."""
    now = SystemClock().now()
    configured = drafts(now)
    rows = []
    for name, body, first, goal in (
        ("cut", IDENTITIES.sub(b"", sample()), 3.0, 1.5),
        ("cut-ids", sample(), 6.0, 3.0),
    ):
        bare, whole, told = _cut_seconds(configured, body, now, repeats=200 if run.quick else 1000)
        rows.append(
            Row(
                name=name,
                what=f"cut, against a bare allow-list walk{'' if name == 'cut' else ', with ids'}",
                value=whole / bare,
                unit="x",
                first=first,
                goal=goal,
                least=False,
                ratio=f"{whole * 1e6:.0f} µs to {bare * 1e6:.0f} µs",
                note=f"{(told - whole) * 1e6:.0f} µs more to say what was withheld and why",
                more={"told_ratio": round(told / bare, 2)},
            )
        )
    return rows


def _cut_seconds(configured: Configured, body: bytes, now: datetime, *, repeats: int) -> tuple[float, float, float]:
    """Of the bare walk, of the cut, and of the cut with its redactions; each on a document read anew."""
    iepd = configured.iepds[EXCHANGE]
    rules = configured.rules(granted(configured, parse(body), now), iepd)
    trie = allowed(rules.root)

    def bare(document: Document) -> None:
        target = etree.Element(rules.tag, nsmap=dict(iepd.namespaces))
        walk(document.root, target, trie)
        etree.cleanup_namespaces(target)

    def whole(document: Document) -> None:
        cut(document, rules, evaluate(document, iepd), iepd)

    def told(document: Document) -> None:
        _ = cut(document, rules, evaluate(document, iepd), iepd).redactions

    times: list[list[float]] = [[], [], []]
    for _ in range(repeats):
        for act, seconds in zip((bare, whole, told), times, strict=True):
            document = parse(body)
            begun = time.perf_counter()
            act(document)
            seconds.append(time.perf_counter() - begun)
    one, two, three = (sorted(seconds)[4] for seconds in times)
    return one, two, three
