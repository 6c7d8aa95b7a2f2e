"""Validation: every finding on one message, in our own words, with no value of the message in any of them.

libxml2 on the message path, then the reference pass. A clean message without identities costs libxml2's validation and
one XPath. Path and text are made only when something is wrong.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from lxml import etree

from gateway.document.parse import Document, to_bytes
from gateway.document.path import Locator, line_of
from gateway.finding import Finding
from gateway.iepd.package import Iepd
from gateway.iepd.reference import IDENTITIES, LARGE
from gateway.iepd.wording import Wording, Words, shown_attribute

FINDINGS_MAX = 200

SIBLINGS_WIDE = 500
"""libxml2 makes an error's path by counting the siblings before it: 200,000 wrong siblings would take two minutes."""


def validate(document: Document, iepd: Iepd, *, limit: int = FINDINGS_MAX) -> tuple[Finding, ...]:
    """All findings in document order, at most `limit` and then one that says so; () for a valid message."""
    root = document.root
    if root.tag != iepd.root:
        line = line_of(root)
        return (
            Finding(code="schema.wrong-root", text="this is not the exchange's root element", line=line, path="/*"),
        )
    validator = iepd.schema.validator
    concern = iepd.references.concern(root)
    pointing = list(iepd.references.findings(root)) if concern & IDENTITIES else []
    if concern & LARGE and _is_wide(root):
        errors = _of_wide(document, validator)
    elif validator.validate(root):
        if not pointing:
            return ()
        errors = _Errors((), root)
    else:
        errors = _Errors(_log(validator), root)
    return _Report(iepd, errors, limit).findings(pointing)


@dataclass(frozen=True, slots=True)
class _Errors:
    """What libxml2 said.

    entries  of its log
    root     of the tree that their paths lead into
    unnamed  how many more errors there are
    """

    entries: Sequence[Any]
    root: etree._Element
    unnamed: int = 0


def _log(validator: etree.XMLSchema) -> list[Any]:
    return list(cast("Iterable[Any]", validator.error_log))


def _of_wide(document: Document, validator: etree.XMLSchema) -> _Errors:
    """Validate, going around libxml2's slow paths when there are many errors."""
    root = document.root
    unplaced = _without_places(document, validator)
    if len(unplaced) > FINDINGS_MAX:
        return _from_the_front(root, validator, unplaced)
    return _Errors(() if validator.validate(root) else _log(validator), root)


def _is_wide(root: etree._Element) -> bool:
    return any(len(element) > SIBLINGS_WIDE for element in root.iter(etree.Element))


def _without_places(document: Document, validator: etree.XMLSchema) -> list[Any]:
    """The errors, found while parsing anew: quick, since they then know neither path nor line."""
    parser = etree.XMLParser(schema=validator, resolve_entities=False, no_network=True)
    with suppress(etree.XMLSyntaxError):
        etree.fromstring(to_bytes(document), parser)
    return [entry for entry in cast("Iterable[Any]", parser.error_log) if entry.domain_name == "SCHEMASV"]


def _from_the_front(root: etree._Element, validator: etree.XMLSchema, unplaced: list[Any]) -> _Errors:
    """Errors with their places, of a copy that keeps only the first of many siblings."""
    front = deepcopy(root)
    shortened = [element for element in front.iter(etree.Element) if len(element) > SIBLINGS_WIDE]
    for element in shortened:
        del element[SIBLINGS_WIDE:]
    validator.validate(front)
    # What a shortened element lacks, we took away.
    cut = {element.getroottree().getpath(element) for element in shortened}
    entries = [each for each in _log(validator) if each.type_name != "SCHEMAV_ELEMENT_CONTENT" or each.path not in cut]
    return _Errors(entries, front, len(unplaced) - len(entries)) if entries else _Errors(unplaced, root)


class _Report:
    """Turns errors into findings; only made when there are some."""

    def __init__(self, iepd: Iepd, errors: _Errors, limit: int) -> None:
        self._errors, self._limit = errors, limit
        self._prefixes = iepd.prefixes
        self._words = Words(iepd.schema.components, iepd.prefixes)
        self._locator = Locator(iepd.prefixes)

    def findings(self, references: Iterable[tuple[etree._Element, Wording]]) -> tuple[Finding, ...]:
        """All of them, sorted by place, cut at the limit."""
        found: list[tuple[etree._Element | None, Wording]] = []
        more = max(self._errors.unnamed, 0)
        for element, wording in (*self._of_schema(), *references):
            if len(found) < self._limit:
                found.append((element, wording))
            else:
                more += 1
        order = self._order({element for element, _ in found if element is not None})
        found.sort(key=lambda each: order.get(each[0], 0) if each[0] is not None else 0)
        findings = [self._finding(element, wording) for element, wording in found]
        if more:
            findings.append(Finding(code="schema.more-findings", text=f"{more} more findings are not listed"))
        return tuple(findings)

    def _of_schema(self) -> Iterator[tuple[etree._Element | None, Wording]]:
        """libxml2 often says one thing twice: the value is of the wrong form after the element may not be there."""
        said: set[tuple[object, str]] = set()
        for number, entry in enumerate(self._errors.entries):
            # Beyond the limit they are only counted.
            element = self._element(entry) if number <= self._limit else None
            wording = self._words.word(entry, element)
            key = (element, wording.attribute)
            if element is not None and key in said and wording.code == "schema.bad-value":
                continue
            said.add(key)
            yield element, wording

    def _element(self, entry: etree._LogEntry) -> etree._Element | None:
        return _follow(self._errors.root, str(entry.path)) if entry.path else None

    def _order(self, elements: set[etree._Element]) -> dict[etree._Element, int]:
        return {each: place for place, each in enumerate(self._errors.root.iter(etree.Element)) if each in elements}

    def _finding(self, element: etree._Element | None, wording: Wording) -> Finding:
        if element is None:
            return Finding(code=wording.code, text=wording.text, severity=wording.severity)
        path = self._locator.locate(element) + shown_attribute(wording.attribute, self._prefixes)
        return Finding(
            code=wording.code, text=wording.text, severity=wording.severity, path=path, line=line_of(element)
        )


def _follow(root: etree._Element, path: str) -> etree._Element | None:
    """The element of a path that libxml2 made: prefixes as written in the document, "*" for a default namespace."""
    at: etree._Element | None = None
    for step in path.strip("/").split("/"):
        name, _, rest = step.partition("[")
        position = int(rest.rstrip("]") or 1)
        family = [root] if at is None else at.iterchildren(etree.Element)
        at = next((each for each in family if _is_named(each, name) and (position := position - 1) == 0), None)
        if at is None:
            return None
    return at


def _is_named(element: etree._Element, name: str) -> bool:
    if name == "*":
        return True
    local = etree.QName(element).localname
    return name == (f"{element.prefix}:{local}" if element.prefix else local)
