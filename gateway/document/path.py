"""Places in a document: absolute XPath by position, as findings, redactions and logs name them."""

from collections.abc import Mapping
from typing import cast

from lxml import etree

from gateway.document.expression import parse_expression, write_expression
from gateway.document.names import split


def locate(element: etree._Element) -> str:
    """Absolute XPath of an element, e.g. "/cr:CustodyRelease/nc:Person[2]/nc:PersonName".

    Prefixes are the document's own; a position stands only where siblings share the name. An element in a default
    namespace is written without prefix: readable, and unique all the same. For many elements of one document use
    `Locator`: positions are counted anew in each call here.
    """
    path = element.getroottree().getpath(element)
    return path if "*" not in path else Locator().locate(element)


def line_of(element: etree._Element) -> int | None:
    """1-based line of the element's start tag in the source; None for an element that was not parsed."""
    return cast("int | None", element.sourceline)


class Locator:
    """Places of many elements of one tree that nobody changes meanwhile. Each family of siblings is counted once.

    prefixes  namespace to prefix; where given, they are used in place of the document's own, so that what a sender
              calls its prefixes never shows
    """

    def __init__(self, prefixes: Mapping[str, str] | None = None) -> None:
        self._prefixes = prefixes or {}
        self._steps: dict[etree._Element, str] = {}
        self._paths: dict[etree._Element, str] = {}
        self._names: dict[str, str] = {}

    def locate(self, element: etree._Element) -> str:
        """Absolute XPath of this element, as `locate` gives it."""
        chain = []
        at: etree._Element | None = element
        while at is not None and at not in self._paths:
            chain.append(at)
            at = at.getparent()
        path = self._paths[at] if at is not None else ""
        for each in reversed(chain):
            path = self._paths[each] = f"{path}/{self._step(each)}"
        return path

    def _step(self, element: etree._Element) -> str:
        if element not in self._steps:
            parent = element.getparent()
            self._count([element] if parent is None else parent.iterchildren(etree.Element))
        return self._steps[element]

    def _count(self, family: "etree._ElementIterator | list[etree._Element]") -> None:
        by_name: dict[str, list[etree._Element]] = {}
        for child in family:
            name = self._names.get(str(child.tag)) or self._name(child)
            by_name.setdefault(name, []).append(child)
        for name, children in by_name.items():
            if len(children) == 1:
                self._steps[children[0]] = name
            else:
                self._steps.update((child, f"{name}[{place}]") for place, child in enumerate(children, start=1))

    def _name(self, element: etree._Element) -> str:
        tag = str(element.tag)
        namespace, local = split(tag)
        given = self._prefixes.get(namespace)
        if given:
            self._names[tag] = f"{given}:{local}"
            return self._names[tag]
        # The document may call one namespace by two prefixes.
        return f"{element.prefix}:{local}" if element.prefix else local


def compile_xpath(text: str, namespaces: Mapping[str, str]) -> etree.XPath:
    """An XPath of the subset in `expression`, ready to run; for one thread. Raises `ExpressionRefused`."""
    written = write_expression(parse_expression(text, namespaces))
    return etree.XPath(written, namespaces=dict(namespaces), smart_strings=False)
