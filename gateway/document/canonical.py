"""Canonical bytes of a subtree, and digests as the gateway writes them."""

import hashlib

from lxml import etree


def exclusive(element: etree._Element, *, with_comments: bool = False) -> bytes:
    """Exclusive canonical form of this element and everything in it.

    Source: W3C Exclusive XML Canonicalization 1.0; without an InclusiveNamespaces list.
    """
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=with_comments, with_tail=False)


def sha256_text(data: bytes) -> str:
    """The SHA-256 of these bytes as "sha-256:" and 64 hex digits."""
    return "sha-256:" + hashlib.sha256(data).hexdigest()
