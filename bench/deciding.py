"""Rows about deciding: who gets a message, and the cut."""

import re
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from itertools import cycle, islice

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
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.access import Person, Request, category
from gateway.policy.grant import Grant, InForce, grants
from gateway.policy.mou import AccessRule, Effect, Item, Mou
from gateway.policy.redact import cut
from gateway.policy.rules import Node, SharingRules, compile_rules

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


def granted(configured: Configured, document: Document, now: datetime, recipient: AgencyId = RECIPIENT) -> Grant:
    """The grant of the message that is measured."""
    facts = evaluate(document, configured.iepds[EXCHANGE])
    (grant,), _ = configured.decide_recipients(
        sender=SENDER, exchange=EXCHANGE, facts=facts, on=now, only=frozenset([recipient])
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


SIZES = (60_000, 1_000_000)
"""Bytes of the larger messages that are cut, besides the one of 6 KB."""

SEES_MOST, SEES_LITTLE = AgencyId("harlan-probation"), RECIPIENT
"""Recipients of the larger messages, by what they see of the victims and charges that are many in them. The bare walk
of the second passes nearly all by, while the cut asks of each whether it is protected."""

RULES = (10, 100, 1_000)
"""How many lines a clause has whose cut is measured; a line may name what another one names too."""


def cutting(run: Run) -> list[Row]:
    """The cut against the bare walk, without ids and with them; larger messages, and clauses of more lines."""
    now = SystemClock().now()
    configured = drafts(now)
    rows = []
    for name, ids, first, goal in (("cut", False, 3.0, 1.5), ("cut-ids", True, 6.0, 3.0)):
        what = f"cut, against a bare allow-list walk{', with ids' if ids else ''}"
        bare, whole, told = _seconds_by_size(configured, now, run, None, RECIPIENT, ids=ids)
        rows.append(
            _row(
                name,
                what,
                whole / bare,
                (first, goal),
                ratio=f"{whole * 1e6:.0f} µs to {bare * 1e6:.0f} µs",
                note=f"{(told - whole) * 1e6:.0f} µs more to say what was withheld and why",
                more={"told_ratio": round(told / bare, 2)},
            )
        )
        ratios = {size: _ratio_of(configured, now, run, size, SEES_MOST, ids=ids) for size in SIZES}
        little = _ratio_of(configured, now, run, SIZES[-1], SEES_LITTLE, ids=ids)
        rows.append(
            _row(
                f"{name}-sizes",
                f"{what}, at its slowest of larger messages",
                max(ratios.values()),
                (first, goal),
                ratio=", ".join(f"{ratio:.2f} x at {size // 1000} KB" for size, ratio in ratios.items()),
                note=f"{little:.2f} x for a recipient who sees little of what is many in them",
                more={f"ratio_{size}": round(ratio, 2) for size, ratio in ratios.items()},
            )
        )
    by_rules = _ratios_by_rules(configured, now, run)
    rows.append(
        _row(
            "cut-rules",
            "cut, at its slowest of clauses of 10, 100 and 1,000 lines, 6 KB",
            max(by_rules.values()),
            (3.0, 1.5),
            ratio=", ".join(f"{ratio:.2f} x with {count}" for count, ratio in by_rules.items()),
            note="each against a bare walk of what it lets through",
            more={f"ratio_{count}": round(ratio, 2) for count, ratio in by_rules.items()},
        )
    )
    return rows


def _row(name: str, what: str, value: float, wanted: tuple[float, float], **words: object) -> Row:
    first, goal = wanted
    return Row(name=name, what=what, value=value, unit="x", first=first, goal=goal, least=False, **words)  # type: ignore[arg-type]


def _ratio_of(configured: Configured, now: datetime, run: Run, size: int, recipient: AgencyId, *, ids: bool) -> float:
    bare, whole, _ = _seconds_by_size(configured, now, run, size, recipient, ids=ids)
    return whole / bare


def _seconds_by_size(
    configured: Configured, now: datetime, run: Run, size: int | None, recipient: AgencyId, *, ids: bool
) -> tuple[float, float, float]:
    iepd = configured.iepds[EXCHANGE]
    body = sample() if size is None else grown(sample(), iepd, size)
    rules = configured.rules(granted(configured, parse(body), now, recipient), iepd)
    repeats = {None: 1000, 60_000: 200, 1_000_000: 25}[size]
    return _cut_seconds(body if ids else IDENTITIES.sub(b"", body), rules, iepd, repeats // (5 if run.quick else 1) + 5)


def _ratios_by_rules(configured: Configured, now: datetime, run: Run) -> dict[int, float]:
    """Ratio by number of lines. Fields a clause names beyond those the exchange has, it names again."""
    iepd = configured.iepds[EXCHANGE]
    body = IDENTITIES.sub(b"", sample())
    grant = granted(configured, parse(body), now)
    head = [field.name for field in iepd.catalog.select("message.head")]
    names = dict.fromkeys([*head, *(field.name for field in iepd.catalog.fields)])
    found = {}
    for count in RULES:
        share = tuple(Item(what=name) for name in islice(cycle(names), count))
        rules = compile_rules(grant.mou, replace(grant.clause, share=share, transforms=()), iepd)
        bare, whole, _ = _cut_seconds(body, rules, iepd, 200 if run.quick else 1000)
        found[count] = whole / bare
    return found


def grown(body: bytes, iepd: Iepd, size: int) -> bytes:
    """A message of about this many bytes: what may stand several times below its root, again and again. Ids are each
    copy's own. It is valid."""
    root = parse(body).root
    components = iepd.schema.components
    particles = components.children(components.elements[iepd.root].type).values()
    many = {name for each in particles if each.most is None for name in components.substitutes(each.name)}
    originals = [child for child in root if child.tag in many]
    each_bytes = sum(len(etree.tostring(child)) for child in originals)
    for number in range(max(0, size - len(body)) // each_bytes):
        for original in originals:
            original.addnext(_renamed(original, f"-{number}", {str(o.tag) for o in originals}))
    document = parse(etree.tostring(root))
    findings = validate(document, iepd)
    if findings:
        raise ValueError(f"the grown message is not valid: {findings[0]}")
    return etree.tostring(root)


def _renamed(original: etree._Element, ending: str, copied: set[str]) -> etree._Element:
    """A copy, its ids with this ending, and what it points at among the copied."""
    root = original.getroottree().getroot()
    named = {
        str(element.get(name))
        for child in root
        if str(child.tag) in copied
        for element in child.iter(etree.Element)
        for name in element.attrib
        if str(name).endswith("}id")
    }
    copy = deepcopy(original)
    copy.tail = None
    for element in copy.iter(etree.Element):
        for name, value in element.items():
            if str(value).removeprefix("#") in named:
                element.set(name, f"{value}{ending}")
    return copy


def _cut_seconds(body: bytes, rules: SharingRules, iepd: Iepd, repeats: int) -> tuple[float, float, float]:
    """Of the bare walk, of the cut, and of the cut with its redactions; each on a document read anew."""
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
