"""From a law pack's file to a LawPack, strictly, with everything that is wrong with it in one go.

The language is closed: every key is one that is read here, every word one of a list. There are no expressions, no
order among rules, and nothing by which a rule could let anything through that an agreement does not share.
"""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import TypeVar

from gateway.agency import JUSTICE, AgencyKind, Duty
from gateway.document.source import Node, Table, Value, read_source
from gateway.finding import Finding
from gateway.policy.condition import Origin
from gateway.policy.digest import digest_of
from gateway.policy.label import LABEL
from gateway.policy.law import FEDERAL, Basis, Binds, LawPack, LawRule, Mandates
from gateway.policy.mou import Deadline
from gateway.policy.reading import Reading, nearest

PACK_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SECTION = re.compile(r"[^\s](.{0,98}[^\s])?")
_JURISDICTION = re.compile(rf"{FEDERAL}|[A-Z]{{2}}")
_FACT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MOMENT = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*")

_REQUIRED = ("law", "title", "jurisdiction", "version", "effective", "source", "binds", "rules")
_RULE_REQUIRED = ("id", "section", "text")
_SPEAKS = ("labels", "except", "origins", "origin_unknown", "when", "to", "purposes", "exchanges", "sender_duties")
_DOES = ("withhold", "withhold_message", "mandate", "send_at_least", "notice", "onward", "keep_at_most")
_RULE_OPTIONAL = (*_SPEAKS, *_DOES, "before", "effective")
_BASIS = ("labels", "to", "purposes", "duties", "consent", "fact")

JUSTICE_WORD = "justice"
"""Stands for every kind of agency that administers criminal justice."""

_W = TypeVar("_W", bound=StrEnum)


class _Unknown(StrEnum):
    """What a rule on origins says of data that comes from nobody knows where."""

    APPLIES = "applies"
    PASSES = "passes"


def read_law(data: bytes, file: str) -> tuple[LawPack | None, tuple[Finding, ...]]:
    """The pack a file holds, or None with everything that is wrong with it."""
    root, findings = read_source(data, file)
    if root is None:
        return None, findings
    reading = Reading("law", file)
    reading.findings.extend(findings)
    pack = _pack(reading, root)
    ordered = sorted(reading.findings, key=lambda finding: (finding.line or 0, finding.column or 0))
    return (None if ordered else pack), tuple(ordered)


def _pack(reading: Reading, root: Table) -> LawPack | None:
    reading.table(root, _REQUIRED)
    since, until = _effective(reading, root)
    binds = reading.choice(root, "binds", Binds)
    hint = f"a jurisdiction is {FEDERAL} or a state's two capital letters: NY"
    jurisdiction = reading.pattern(root, "jurisdiction", _JURISDICTION, hint)
    if binds is Binds.PARTY and jurisdiction == FEDERAL:
        hint = "a federal law binds always or where it is named; 'party' asks for a state"
        reading.wrong("bad-binding", hint, root.entries["binds"])
    rules: dict[str, LawRule] = {}
    for node in reading.items(root, "rules", filled=True):
        rule = _rule(reading, node)
        if rule is None:
            continue
        if rule.id in rules:
            reading.wrong("rule-twice", "another rule has this id", node)
        rules[rule.id] = rule
    pack = reading.pattern(root, "law", PACK_ID, "a pack's id is lower case words joined by hyphens: ny-149")
    title, source = reading.text(root, "title"), reading.text(root, "source")
    version = reading.number(root, "version")
    if binds is None or reading.findings:
        return None
    return LawPack(
        id=pack,
        title=title,
        jurisdiction=jurisdiction,
        version=version,
        since=since,
        until=until,
        source=source,
        binds=binds,
        rules=tuple(rules.values()),
        digest=digest_of(root),
    )


def _effective(reading: Reading, table: Table) -> tuple[date, date]:
    node = table.entries.get("effective")
    days = None if node is None else reading.table(node, ("from",), ("until",))
    if days is None:
        return date.min, date.max
    since, until = reading.day(days, "from") or date.min, reading.day(days, "until") or date.max
    if until < since:
        reading.wrong("bad-date", "the last day lies before the first", days.entries["until"])
    return since, until


# --- a rule -------------------------------------------------------------------------------------------------------


def _rule(reading: Reading, node: Node) -> LawRule | None:
    table = reading.table(node, _RULE_REQUIRED, _RULE_OPTIONAL)
    if table is None:
        return None
    if not set(_DOES) & set(table.entries):
        reading.wrong("does-nothing", f"a rule does something: one of {', '.join(_DOES)}", table)
    labels = _labels(reading, table, "labels")
    _refuse_misfits(reading, table)
    whole = "withhold_message" in table.entries
    since, until = _effective(reading, table)
    hint = "a section is what a redaction is explained by, at most 100 characters: 42 CFR 2.31"
    unknown = reading.choice(table, "origin_unknown", _Unknown)
    return LawRule(
        id=reading.word(table, "id", "a rule's id"),
        section=reading.pattern(table, "section", _SECTION, hint),
        text=reading.text(table, "text"),
        labels=labels,
        exempt=_labels(reading, table, "except"),
        origins=_words(reading, table, "origins", Origin),
        unknown=unknown is not _Unknown.PASSES,
        when=_fact(reading, table, "when"),
        kinds=_kinds(reading, table),
        purposes=_purposes(reading, table),
        exchanges=_plain_words(reading, table, "exchanges", "an exchange without its version"),
        sender_duties=_words(reading, table, "sender_duties", Duty),
        withholds=whole or "withhold" in table.entries,
        whole=whole,
        bases=_bases(reading, table, "withhold_message" if whole else "withhold"),
        mandate=reading.choice(table, "mandate", Mandates),
        deadline=_deadline(reading, table),
        notice=reading.text(table, "notice"),
        no_onward=_no_onward(reading, table),
        keep=reading.duration(table, "keep_at_most"),
        since=since,
        until=until,
    )


def _refuse_misfits(reading: Reading, table: Table) -> None:
    """Keys that say nothing without another, or contradict it."""
    has = table.entries.keys()
    if "labels" not in has and has & set(_DOES) != {"send_at_least"}:
        reading.wrong("missing-key", "the key 'labels' is missing here: the fields the rule speaks of", table)
    if {"withhold", "withhold_message"} <= has:
        hint = "a rule withholds fields or the whole message, not both"
        reading.wrong("bad-rule", hint, table.entries["withhold_message"])
    for key, needs in (("except", "labels"), ("origin_unknown", "origins"), ("before", "send_at_least")):
        if key in has and needs not in has:
            reading.wrong("bad-rule", f"{key!r} says nothing without {needs!r}", table.entries[key])
    if "withhold_message" in has and "origins" in has:
        hint = "a whole message has no one origin; say it of fields"
        reading.wrong("bad-rule", hint, table.entries["origins"])


def _bases(reading: Reading, table: Table, key: str) -> tuple[Basis, ...]:
    node = table.entries.get(key)
    if node is None or (isinstance(node, Value) and node.value == "always"):
        return ()
    if isinstance(node, Value):
        hint = "write 'always', or a table: {unless: [{purposes: [...]}, {consent: true}]}"
        reading.wrong("wrong-type", hint, node)
        return ()
    below = reading.table(node, ("unless",))
    if below is None:
        return ()
    found = [_basis(reading, each, whole=key != "withhold") for each in reading.items(below, "unless", filled=True)]
    return tuple(basis for basis in found if basis is not None)


def _basis(reading: Reading, node: Node, *, whole: bool) -> Basis | None:
    table = reading.table(node, (), _BASIS)
    if table is None:
        return None
    if not table.entries:
        reading.wrong("empty-basis", "a ground that asks for nothing would undo the rule", table)
    for key in ("labels", "consent", "fact"):
        if whole and key in table.entries:
            hint = f"whether a whole message goes is decided by recipient and purpose, not by {key}"
            reading.wrong("bad-rule", hint, table.entries[key])
    if "consent" in table.entries and not reading.flag(table, "consent", absent=False):
        reading.wrong("bad-rule", "a ground asks for consent or does not speak of it", table.entries["consent"])
    return Basis(
        labels=_labels(reading, table, "labels"),
        kinds=_kinds(reading, table),
        purposes=_purposes(reading, table),
        duties=_words(reading, table, "duties", Duty),
        consent="consent" in table.entries,
        fact=_fact(reading, table, "fact"),
    )


# --- lists of words -----------------------------------------------------------------------------------------------


def _labels(reading: Reading, table: Table, key: str) -> tuple[str, ...]:
    found = []
    for node in reading.items(table, key, filled=True):
        text = reading.text_of(node)
        if text and not LABEL.fullmatch(text):
            hint = "a label is lower case words joined by points and hyphens: person.name, medical.*"
            reading.wrong("bad-word", hint, node)
        found.append(text)
    return tuple(found)


def _words(reading: Reading, table: Table, key: str, words: type[_W]) -> tuple[_W, ...]:
    found = []
    known = [str(word) for word in words]
    for node in reading.items(table, key, filled=True):
        text = reading.text_of(node)
        if text in known:
            found.append(words(text))
        elif text:
            reading.wrong("unknown-word", f"this must be one of {', '.join(known)}{nearest(text, known)}", node)
    return tuple(found)


def _kinds(reading: Reading, table: Table) -> tuple[AgencyKind, ...]:
    known = [JUSTICE_WORD, *map(str, AgencyKind)]
    found: list[AgencyKind] = []
    for node in reading.items(table, "to", filled=True):
        text = reading.text_of(node)
        if text == JUSTICE_WORD:
            found += sorted(JUSTICE)
        elif text in known:
            found.append(AgencyKind(text))
        elif text:
            reading.wrong("unknown-word", f"a recipient is one of {', '.join(known)}{nearest(text, known)}", node)
    return tuple(dict.fromkeys(found))


def _purposes(reading: Reading, table: Table) -> tuple[str, ...]:
    return _plain_words(reading, table, "purposes", "a purpose")


def _plain_words(reading: Reading, table: Table, key: str, what: str) -> tuple[str, ...]:
    nodes: Iterable[Node] = reading.items(table, key, filled=True)
    return tuple(reading.word_of(node, what) for node in nodes)


def _fact(reading: Reading, table: Table, key: str) -> str:
    hint = "a fact is named here by its last word, whatever the exchange puts before it: juvenile, reasonable-suspicion"
    return reading.pattern(table, key, _FACT, hint)


def _no_onward(reading: Reading, table: Table) -> bool:
    node = table.entries.get("onward")
    if node is None:
        return False
    if not isinstance(node, Value) or node.value != "none":
        reading.wrong("unknown-word", "law can only forbid passing on: 'none'", node)
    return True


def _deadline(reading: Reading, table: Table) -> Deadline | None:
    length = reading.duration(table, "send_at_least")
    before = reading.pattern(table, "before", _MOMENT, "a moment is named by a fact: release.scheduled")
    if length is None:
        return None
    if not before:
        hint = "send_at_least and before go together: send_at_least: 48 hours, before: release.scheduled"
        reading.wrong("half-a-deadline", hint, table)
        return None
    return Deadline(at_least=length, before=before)
