"""Canonical bytes of a subtree, and digests as the gateway writes them."""

import hashlib
from collections.abc import Sequence

from lxml import etree

from gateway.errors import Refused


class NamespaceRelative(Refused):
    """A namespace is named by a relative reference: XML allows it, canonical XML does not."""

    code = "document.relative-namespace"


def exclusive(element: etree._Element, *, with_comments: bool = False, prefixes: Sequence[str] = ()) -> bytes:
    """Exclusive canonical form of this element and everything in it.

    prefixes  the InclusiveNamespaces PrefixList: these are declared once, on the element, and not wherever they are
              used; prefixes that stand only in values (xsi:type) need to be in it

    Raises `NamespaceRelative`. Source: W3C Exclusive XML Canonicalization 1.0; Canonical XML 1.0, section 1.3.
    """
    listed = list(prefixes) or None
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=with_comments,
            with_tail=False,
            inclusive_ns_prefixes=listed,
        )
    except etree.C14NError as error:
        raise NamespaceRelative("a namespace is named by a relative reference; it must be an absolute one") from error


def declared_prefixes(element: etree._Element) -> tuple[str, ...]:
    """Every namespace prefix in scope at this element, sorted; "#default" for the default namespace."""
    return tuple(sorted(prefix or "#default" for prefix in element.nsmap))


def sha256_text(data: bytes) -> str:
    """The SHA-256 of these bytes as "sha-256:" and 64 hex digits."""
    return "sha-256:" + hashlib.sha256(data).hexdigest()
