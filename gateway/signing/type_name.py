"""Types named in values (xsi:type="nc:TextType"), and whether a signature covers what their prefixes stand for.

Exclusive canonicalization writes a namespace declaration only where an element or attribute is named by its prefix. A
prefix that stands in a value alone may be bound to another namespace after signing, and nothing that was signed has
changed: so it must be used by a name at that place, or stand in the PrefixList. xsi:type is the only such value: NIEM
has no elements or attributes whose content is a qualified name (NDR, rules against xs:QName and xs:NOTATION).
Source: Exclusive XML Canonicalization 1.0, sections 1.3 and 3.
"""

import threading
from collections.abc import Collection, Iterator

from lxml import etree

from gateway.document.names import XSI

TYPE = f"{{{XSI}}}type"
DEFAULT = "#default"
"""How a PrefixList names the namespace of names without a prefix."""


class _OfThread(threading.local):
    """XPath objects of one thread: lxml locks them."""

    def __init__(self) -> None:
        self.names_types = etree.XPath("boolean(/descendant::*/@xsi:type)", namespaces={"xsi": XSI})
        self._typed = etree.XPath("descendant-or-self::*[@xsi:type]", namespaces={"xsi": XSI})

    def typed(self, apex: etree._Element) -> list[etree._Element]:
        """The elements whose type is named."""
        found: list[etree._Element] = self._typed(apex)  # type: ignore[assignment]  # a path to elements gives elements
        return found


_of_thread = _OfThread()


def names_types(element: etree._Element) -> bool:
    """Whether the document that this element is in names a type anywhere. Few messages do, and it is quickly told."""
    return bool(_of_thread.names_types(element))


def prefixes_in_values(apex: etree._Element) -> tuple[str, ...]:
    """The prefixes that a PrefixList must name, so that a signature of this element covers its types' names; sorted."""
    return tuple(
        sorted({prefix or DEFAULT for element, prefix in _named(apex) if not _is_written(element, apex, prefix)})
    )


def are_covered(apex: etree._Element, listed: Collection[str]) -> bool:
    """Whether what stands for the prefixes of every type named in this element is signed with it.

    listed  the PrefixList of the transform that canonicalizes it
    """
    return all((prefix or DEFAULT) in listed or _is_written(element, apex, prefix) for element, prefix in _named(apex))


def _named(apex: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Elements whose type is named, and the prefix it is named by; "" for none."""
    for element in _of_thread.typed(apex):
        name = element.get(TYPE, "").strip()
        yield element, name.partition(":")[0] if ":" in name else ""


def _is_written(element: etree._Element, apex: etree._Element, prefix: str) -> bool:
    """Whether the canonical form of `apex` says at this element what the prefix stands for, and says what is so.

    The nearest element that is named with the prefix, or has an attribute that is, decides what is written; a binding
    that came in between is not written at all.
    """
    if prefix == "xml":  # bound for good
        return True
    bound = element.nsmap.get(prefix or None)
    node: etree._Element | None = element
    while node is not None:
        if (node.prefix or "") == prefix or (prefix and _has_attribute(node, prefix)):
            return node.nsmap.get(prefix or None) == bound
        node = node.getparent() if node is not apex else None
    return False


def _has_attribute(element: etree._Element, prefix: str) -> bool:
    return bool(element.xpath("boolean(@*[starts-with(name(), $start)])", start=f"{prefix}:"))
