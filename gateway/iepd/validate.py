"""Validation: every finding on one message, in our own words, with no value of the message in any of them.

libxml2 on the message path, then the reference pass. A clean message without identities costs libxml2's validation and
one XPath. Path and text are made only when something is wrong.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from lxml import etree

from gateway.document.parse import Document, to_bytes
from gateway.document.path import Locator, line_of
from gateway.finding import Finding
from gateway.iepd.package import Iepd
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
    if not iepd.references.concern(root):
        if validator.validate(root):
            return ()
        return _Report(root, iepd, limit).findings(_log(validator), ())
    entries, places = _entries(document, iepd)
    pointing = list(iepd.references.findings(root))
    if not entries and not pointing:
        return ()
    return _Report(root, iepd, limit, places).findings(entries, pointing)


class _Places(dict[int, Any]):
    """Line to the one element that begins there, None where several do."""


def _log(validator: etree.XMLSchema) -> list[Any]:
    return list(cast("Iterable[Any]", validator.error_log))


def _entries(document: Document, iepd: Iepd) -> tuple[list[etree._LogEntry], _Places | None]:
    """The error log of a validation; with it places by line when the log has no paths."""
    validator = iepd.schema.validator
    if not (iepd.references.is_large(document.root) and _is_wide(document.root)):
        return ([] if validator.validate(document.root) else _log(validator)), None
    data = to_bytes(document)
    parser = etree.XMLParser(schema=validator, resolve_entities=False, no_network=True)
    try:
        etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        log = [entry for entry in parser.error_log if entry.domain_name == "SCHEMASV"]
        if len(log) > FINDINGS_MAX:
            return log, _by_line(data, document.root)
    return ([] if validator.validate(document.root) else _log(validator)), None


def _is_wide(root: etree._Element) -> bool:
    return len(root) > SIBLINGS_WIDE or any(len(element) > SIBLINGS_WIDE for element in root.iter(etree.Element))


def _by_line(data: bytes, root: etree._Element) -> _Places:
    """Line in `data` to the document's element that begins there."""
    copy = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    places = _Places()
    for again, element in zip(copy.iter(etree.Element), root.iter(etree.Element), strict=True):
        line = line_of(again) or 0
        places[line] = None if line in places else element
    return places


class _Report:
    """Turns errors into findings; only made when there are some."""

    def __init__(self, root: etree._Element, iepd: Iepd, limit: int, places: _Places | None = None) -> None:
        self._root, self._limit, self._places = root, limit, places
        self._prefixes = iepd.prefixes
        self._words = Words(iepd.schema.components, iepd.prefixes)
        self._locator = Locator(iepd.prefixes)

    def findings(
        self, entries: Iterable[etree._LogEntry], references: Iterable[tuple[etree._Element, Wording]]
    ) -> tuple[Finding, ...]:
        """All of them, sorted by place, cut at the limit."""
        found: list[tuple[etree._Element | None, Wording]] = []
        more = 0
        for element, wording in (*self._of_schema(entries), *references):
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

    def _of_schema(self, entries: Iterable[etree._LogEntry]) -> Iterator[tuple[etree._Element | None, Wording]]:
        """libxml2 often says one thing twice: the value is of the wrong form after the element may not be there."""
        said: set[tuple[object, str]] = set()
        number = 0
        for entry in entries:
            element = self._element(entry) if number <= self._limit else None
            number += 1
            wording = self._words.word(entry, element)
            key = (element, wording.attribute)
            if element is not None and key in said and wording.code == "schema.bad-value":
                continue
            said.add(key)
            yield element, wording

    def _element(self, entry: etree._LogEntry) -> etree._Element | None:
        if self._places is not None:
            return self._places.get(int(entry.line))
        return _follow(self._root, str(entry.path)) if entry.path else None

    def _order(self, elements: set[etree._Element]) -> dict[etree._Element, int]:
        return {each: place for place, each in enumerate(self._root.iter(etree.Element)) if each in elements}

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
