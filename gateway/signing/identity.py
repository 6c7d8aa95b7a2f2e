"""The ids of a signed document: what a Reference may lead to, and nothing that another reader takes for another.

All attributes that anybody's stack might take for an id share one space of names: two elements with one id are what
signature wrapping is made of.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from gateway.document.names import split
from gateway.signing.shape import SignatureShape

IDS_MAX = 60_000
"""More than one for each element that a document may have."""

ID_NAMES = frozenset({"id", "assertionid", "requestid", "responseid"})
"""Local names, in lower case, of attributes that some stack takes for an id: Id, ID, id, xml:id, wsu:Id, SAML's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeId:
    """An element and the attribute ("{namespace}local") by which a Reference finds it."""

    element: etree._Element
    attribute: str


class _OfThread(threading.local):
    """XPath objects of one thread: lxml locks them."""

    def __init__(self) -> None:
        # A walk in C, a third of what looking at each element's attributes costs. Each of ID_NAMES has a d; most
        # attributes of a signature (Algorithm, URI) have none. Of those that have one only ids come back: a document
        # may be full of others.
        lower = "translate(local-name(),'ADEINOPQRSTU','adeinopqrstu')"
        named = " or ".join(
            f"string-length(local-name())={len(each)} and {lower}='{each}'" for each in sorted(ID_NAMES, key=len)
        )
        ids = f"descendant-or-self::*/@*[contains(local-name(),'d') or contains(local-name(),'D')][{named}]"
        self._attributes = etree.XPath(ids)
        self._counts = etree.XPath("count(descendant-or-self::*/@*)"), etree.XPath(f"count({ids})")

    def are_too_many(self, root: etree._Element) -> bool:
        """Whether there are more than `IDS_MAX`, before one of them is an object. Attributes are counted first: of most
        documents there is no more to be asked."""
        return all(count(root) > IDS_MAX for count in self._counts)  # type: ignore[operator]  # count() gives a number

    def attributes(self, root: etree._Element) -> list[etree._ElementUnicodeResult]:
        """The attributes in the tree that may be ids; each knows its name and its element."""
        found: list[etree._ElementUnicodeResult] = self._attributes(root)  # type: ignore[assignment]  # a path to them
        return found


_of_thread = _OfThread()


def unique_ids(root: etree._Element) -> Mapping[str, NodeId]:
    """Every id in the tree. Raises `SignatureShape` when one stands twice, or they are too many."""
    if _of_thread.are_too_many(root):
        raise SignatureShape("the signed document has too many ids")
    found: dict[str, NodeId] = {}
    for identity, node in all_ids(root):
        if identity in found:
            raise SignatureShape("two elements of the signed document have the same id")
        found[identity] = node
    return found


def all_ids(root: etree._Element) -> Iterator[tuple[str, NodeId]]:
    """Every id in the tree, repeated ones too."""
    for attribute in _of_thread.attributes(root):
        name = str(attribute.attrname)
        if _is_id(name) and (element := attribute.getparent()) is not None:
            yield attribute.strip(), NodeId(element=element, attribute=name)


@lru_cache(maxsize=1024)
def _is_id(attribute: str) -> bool:
    return split(attribute)[1].lower() in ID_NAMES


_ID_REFERENCE = re.compile(r"#[^\W\d][\w.\-]*")


def is_id_reference(uri: str) -> bool:
    """Whether it is "#" and an id. "#xpointer(id('a'))" is none, though an attribute may say "xpointer(id('a'))":
    xmlsec would go elsewhere than we do."""
    return _ID_REFERENCE.fullmatch(uri) is not None
