"""What canonicalizing with a PrefixList costs, judged before it is done.

For each element libxml2 looks up each prefix of the list from there outward, past every level and every declaration on
the way. A signed request of 190 KB that lists two hundred prefixes kept it busy for 14 seconds, to be refused after
that: digests come before the signature's value. The lists of toolkits, WSS4J's among them, cost next to nothing.
"""

import threading
from collections.abc import Iterable

from lxml import etree

from gateway.signing.shape import ShapeReference, SignatureShape

STEPS_MAX = 40_000_000
"""Half a second. A signed message of 10,000 elements takes about as many when it lists fifty prefixes."""

FREE = 5_000
"""Prefixes looked up that need no closer look, as deep as a document may be."""


class _OfThread(threading.local):
    """XPath objects of one thread: lxml locks them."""

    def __init__(self) -> None:
        self.count = etree.XPath("count(descendant-or-self::*)")


_of_thread = _OfThread()


def check_effort(signed: Iterable[tuple[etree._Element, ShapeReference]]) -> None:
    """Raises `SignatureShape` when canonicalizing these elements by the lists of their References takes too long."""
    listed = [(apex, len(reference.prefixes)) for apex, reference in signed if reference.prefixes]
    if sum(_count(apex) * prefixes for apex, prefixes in listed) <= FREE:
        return
    if sum(_places(apex) * prefixes for apex, prefixes in listed) > STEPS_MAX:
        raise SignatureShape("the InclusiveNamespaces list is too long for so large a document: list what is needed")


def _count(apex: etree._Element) -> int:
    return int(_of_thread.count(apex))  # type: ignore[arg-type]  # count() gives a number


def _places(apex: etree._Element) -> int:
    """Where one prefix is looked for, all elements together: levels and declarations from each outward."""
    around = apex.getparent()
    outward = 0 if around is None else sum(1 for _ in apex.iterancestors()) + len(around.nsmap)
    total = 0
    for event, _ in etree.iterwalk(apex, events=("start-ns", "end-ns", "start", "end")):
        outward += 1 if event in ("start", "start-ns") else -1
        if event == "start":
            total += outward
    return total
