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
from gateway.policy.access import Person, Request, category
from gateway.policy.grant import Grant, InForce, grants
from gateway.policy.mou import AccessRule, Effect, Mou
from gateway.policy.redact import cut
from gateway.policy.rules import Node

CLAUSES = 400
SENDERS = 50
HELD = (10, 100, 1000)
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
    """Who gets a message, of 400 clauses in force, each in an agreement with rules of access; and whether one person
    may see it. The same with ten, a hundred and a thousand clauses and rules."""
    now = SystemClock().now()
    configured = drafts(now)
    iepd = configured.iepds[EXCHANGE]
    document = parse(sample())
    mou = granted(configured, document, now).mou
    facts = evaluate(document, iepd)
    spread, crowd = InForce(many(mou, CLAUSES, senders=SENDERS)), InForce(many(mou, CLAUSES, senders=1))
    held = [InForce(many(mou, count, senders=1, rules=count)) for count in HELD]

    def decide(index: InForce, *, anew: bool = False) -> Callable[[], object]:
        asked = {"sender": SENDER, "exchange": EXCHANGE, "on": now.date(), "only": frozenset([RECIPIENT])}
        return lambda: grants(index, facts=evaluate(document, iepd) if anew else facts, **asked)  # type: ignore[arg-type]

    def ask(index: InForce) -> Callable[[], object]:
        return lambda: index.access(request)

    clause = mou.exchanges[0]
    request = Request(
        sender=SENDER,
        recipient=RECIPIENT,
        exchange=EXCHANGE,
        purpose=clause.purpose,
        role=clause.role,
        on=now.date(),
        person=Person(mfa=True),
    )
    for index in (spread, crowd, *held):
        assert index.access(request).permitted
        assert len(grants(index, sender=SENDER, exchange=EXCHANGE, facts=facts, on=now.date())) > 0
    acts = [decide(spread), decide(spread, anew=True), decide(crowd), ask(spread)]
    acts += [act(index) for index in held for act in (decide, ask)]
    times = [1e6 * seconds for seconds in quickest(acts, repeats=300 if run.quick else 2000)]
    push, with_facts, crowded, person = times[:4]
    pushes, persons = times[4::2], times[5::2]
    return [
        Row(
            name="decision",
            what=f"policy decision, {CLAUSES} clauses",
            value=push,
            unit="µs",
            first=20,
            goal=2,
            least=False,
            ratio=(
                f"{pushes[-1] / pushes[0]:.2f} x as long with {HELD[-1]:,} clauses and rules as with {HELD[0]}; "
                f"{with_facts / push:.1f} x with the message's facts asked anew"
            ),
            note=f"{person:.2f} µs to say whether one person may see it; {crowded:.1f} µs were all of one sender",
            more={
                "with_facts_us": round(with_facts, 2),
                "one_sender_us": round(crowded, 2),
                "person_us": round(person, 2),
                **{f"push_{count}_us": round(each, 2) for count, each in zip(HELD, pushes, strict=True)},
                **{f"person_{count}_us": round(each, 2) for count, each in zip(HELD, persons, strict=True)},
            },
        )
    ]


def granted(configured: Configured, document: Document, now: datetime) -> Grant:
    """The grant of the message that is measured."""
    facts = evaluate(document, configured.iepds[EXCHANGE])
    (grant,), _ = configured.decide_recipients(
        sender=SENDER, exchange=EXCHANGE, facts=facts, on=now, only=frozenset([RECIPIENT])
    )
    return grant


def many(mou: Mou, clauses: int, *, senders: int, rules: int = 4) -> list[Mou]:
    """So many clauses, one an agreement, each with rules of access: each sender has as many of them, and one of them
    is with the recipient asked for."""
    clause = mou.exchanges[0]
    permit = AccessRule(
        id="A0",
        roles=(clause.role,),
        purposes=(clause.purpose,),
        categories=(category(clause.exchange),),
        mfa=True,
    )
    others = [replace(permit, id=f"A{each}", roles=(f"role-{each}",)) for each in range(2, rules)]
    denial = AccessRule(id="A1", effect=Effect.DENY, roles=("trainee",))
    made = []
    for number in range(clauses):
        place, sender = divmod(number, senders)
        made.append(
            replace(
                mou,
                id=f"BENCH-{number:04d}",
                access=(permit, denial, *(others if number == 0 else others[:2])),
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
