"""Side by side: a sample message as it is sent, and what one recipient gets of it, line by line.

A line is an element's name and its value, set in as far as it lies deep: people read that more easily than XML.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lxml import etree

from gateway.document.parse import Document
from gateway.document.path import Locator
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.message import Redaction
from gateway.policy.outcome import WITHHELD
from gateway.policy.redact import NotReleasable, cut
from gateway.policy.rules import SharingRules
from gateway.policy.specimen import named

LINES_MAX = 2_000
TEXT_MAX = 90
LAW = "law:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. depth: how far in it stands; mark: "", "withheld" or the name of a transform; by: who says so."""

    sent: str = ""
    received: str = ""
    depth: int = 0
    mark: str = ""
    by: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    text: str
    depth: int
    path: str


def side_by_side(document: Document, rules: SharingRules, iepd: Iepd, asked: frozenset[str]) -> tuple[Line, ...] | None:
    """The lines of a message and of its cut; None when nothing of it is released.

    asked  conditions of the rules: those of law are taken to hold, since no message tells them
    """
    of_law = frozenset(condition for condition in asked if condition.startswith(LAW))
    try:
        kept = cut(document, rules, evaluate(document, iepd), iepd, holding=of_law)
    except NotReleasable:
        return None
    told = {redaction.path: redaction for redaction in kept.redactions}
    sent = _written(document.root, iepd)[:LINES_MAX]
    received = _written(kept.document.root, iepd)[:LINES_MAX]
    return tuple(_paired(sent, received, told))


def _paired(sent: Sequence[_Written], received: Sequence[_Written], told: Mapping[str, Redaction]) -> Iterator[Line]:
    left = [_key(line) if not _withheld(line, told) else (-1, line.path) for line in sent]
    matcher = SequenceMatcher(a=left, b=[_key(line) for line in received], autojunk=False)
    for kind, begin, end, other, other_end in matcher.get_opcodes():
        if kind == "equal":
            for one, right in zip(sent[begin:end], received[other:other_end], strict=True):
                yield _line(one, right.text, told)
            continue
        lesser = list(received[other:other_end])
        for one in sent[begin:end]:
            redaction = told.get(one.path)
            reduced = bool(lesser) and redaction is not None and redaction.outcome != WITHHELD
            yield _line(one, lesser.pop(0).text if reduced else "", told)
        for right in lesser:
            yield Line(received=right.text, depth=right.depth)


def _withheld(line: _Written, told: Mapping[str, Redaction]) -> bool:
    """Whether the line is told of as withheld: it is beside nothing, though the same may be said elsewhere."""
    redaction = told.get(line.path)
    return redaction is not None and redaction.outcome == WITHHELD


def _key(line: _Written) -> tuple[int, str]:
    return line.depth, line.text


def _line(left: _Written, right: str, told: Mapping[str, Redaction]) -> Line:
    redaction = told.get(left.path)
    if redaction is None:
        return Line(sent=left.text, received=right, depth=left.depth, mark="" if right else WITHHELD)
    return Line(
        sent=left.text,
        received=right,
        depth=left.depth,
        mark=redaction.outcome,
        by=redaction.clause,
        label=redaction.label,
    )


def _written(root: etree._Element, iepd: Iepd) -> list[_Written]:
    locator = Locator({uri: prefix for prefix, uri in iepd.namespaces.items() if prefix})
    return list(_lines(root, iepd, locator, 0))


def _lines(element: etree._Element, iepd: Iepd, locator: Locator, depth: int) -> Iterator[_Written]:
    name = named(str(element.tag), iepd.prefixes)
    children = list(element.iterchildren(etree.Element))
    text = "" if children else (element.text or "").strip()
    short = text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
    yield _Written(f"{name}: {short}" if text else name, depth, locator.locate(element))
    for child in children:
        yield from _lines(child, iepd, locator, depth + 1)
