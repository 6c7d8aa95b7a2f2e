"""XOP: binary content of a document that travels beside it, put in its place; and taken out again.

What is verified, validated, cut, digested and stored is always the whole document, each binary in its place as
canonical base64. So a signature over an envelope that came in parts is one over that form, as WSS4J makes and checks
it (`expandXopInclude`), and an answer is signed before anything is taken out of it.
Source: XML-binary Optimized Packaging (W3C Recommendation, 25 January 2005), sections 2 to 4.
"""

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from lxml import etree

from gateway.document.names import XOP
from gateway.document.parse import TooLarge
from gateway.errors import Refused
from gateway.soap.multipart import Part

INCLUDE = f"{{{XOP}}}Include"
PREFIX = "xop"

TAKEN_OUT_BYTES_MIN = 4 * 1024
"""Smaller ones stay in: a part has some 300 bytes of its own, and a text of 5,400 letters without a space that is not
base64 but looks like it is rare. Were one taken out all the same, every reader of XOP gets the same text back."""

TAKEN_OUT_MAX = 49
"""Apache CXF by default reads 50 parts of a message. The largest go."""


class IncludeInvalid(Refused):
    """An xop:Include, or a part, is not of the one form that is taken."""

    code = "mtom.include"


def expand(root: etree._Element, parts: Iterable[Part], *, size_bytes: int, size_bytes_max: int) -> None:
    """Put every part into the tree, in the place of the xop:Include that names it.

    size_bytes      of the document without its parts
    size_bytes_max  of the document with them. Judged before a part is encoded

    Raises `IncludeInvalid`, `TooLarge`, and `MultipartMalformed` for a part that is not the base64 it says it is.
    """
    names = _names(parts)
    places: dict[str, etree._Element] = {}
    for element in root.iter(f"{{{XOP}}}*"):
        part = names.get(_href(element)) or names.get(unquote(_href(element)))
        if part is None:
            raise IncludeInvalid("an xop:Include names no part of this message")
        if part.content_id in places:
            raise IncludeInvalid("two xop:Include name the same part")
        places[part.content_id] = element
        size_bytes += (part.size_bytes_max + 2) // 3 * 4
    if len(places) != len({part.content_id for part in names.values()}):
        raise IncludeInvalid("a part is named by no xop:Include: attachments beside the document are not taken")
    if size_bytes > size_bytes_max:
        raise TooLarge(f"with its parts in their places the document is larger than {size_bytes_max:,} bytes")
    for content_id, element in places.items():
        parent = _parent(element)
        parent.remove(element)
        parent.text = _base64(names[content_id])


def _names(parts: Iterable[Part]) -> dict[str, Part]:
    """Parts by what an href may call them. Toolkits differ in whether a Content-ID is percent-encoded already: Apache
    CXF writes the same in both places, .NET encodes in the href only. No two parts may be called the same either way.
    """
    names: dict[str, Part] = {}
    for part in parts:
        if not part.content_id:
            raise IncludeInvalid("a part has no Content-ID")
        for name in {part.content_id, unquote(part.content_id)}:
            if names.setdefault(name, part) is not part:
                raise IncludeInvalid("two parts have the same Content-ID")
    return names


def _href(element: etree._Element) -> str:
    """What an Include names, as it is written. Its place is judged here, too."""
    if element.tag != INCLUDE or len(element) or (element.text or "").strip() or element.attrib.keys() != ["href"]:
        raise IncludeInvalid("of XOP's namespace only an empty xop:Include with nothing but its href is taken")
    parent = _parent(element)
    if len(parent) != 1 or (parent.text or "").strip() or (element.tail or "").strip():
        raise IncludeInvalid("an xop:Include is the only thing in its element")
    href = element.get("href", "")
    if href[:4].lower() != "cid:":
        raise IncludeInvalid("an xop:Include names a part of the same message (cid:); no address is ever followed")
    return href[4:]


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    if parent is None:
        raise IncludeInvalid("an xop:Include stands in an element")
    return parent


def _base64(part: Part) -> str:
    return binascii.b2a_base64(part.data(), newline=False).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """What was taken out of a document."""

    content_id: str
    content: bytes = field(repr=False)


def take_out(inside: etree._Element, domain: str) -> tuple[Binary, ...]:
    """Take the large binaries out of what is below this element, and leave an xop:Include for each.

    Only canonical base64 is taken out: what is put back is then the same text (XOP section 3.1), and what was signed
    stays so. domain: what the Content-IDs end in, and nobody else's.
    """
    found = [(element, len(element.text or "")) for element in inside.iter(etree.Element) if _is_large(element)]
    least = sorted((length for _, length in found), reverse=True)[:TAKEN_OUT_MAX][-1:]
    chosen = [element for element, length in found if [length] >= least][:TAKEN_OUT_MAX]
    return tuple(_taken_out(element, f"{number}@{domain}") for number, element in enumerate(chosen, start=1))


_BASE64 = re.compile(r"[A-Za-z0-9+/]*+={0,2}")


def _is_large(element: etree._Element) -> bool:
    text = element.text or ""
    if len(element) or len(text) < TAKEN_OUT_BYTES_MIN * 4 // 3 or len(text) % 4 or not _BASE64.fullmatch(text):
        return False
    return binascii.b2a_base64(binascii.a2b_base64(text[-4:]), newline=False).decode() == text[-4:]


def _taken_out(element: etree._Element, content_id: str) -> Binary:
    content = binascii.a2b_base64(element.text or "")
    element.text = None
    etree.SubElement(element, INCLUDE, {"href": f"cid:{content_id}"}, nsmap={PREFIX: XOP})
    return Binary(content_id=content_id, content=content)
