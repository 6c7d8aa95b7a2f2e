"""Bytes to one tree, with limits, without DTD, entities or network.

The tree that `parse` gives is the one that is verified, validated, stored and forwarded; nobody parses the bytes
again. Order of the checks: size, encoding, markup that libxml2 would spend memory on before anybody could look,
document type, the parse itself, depth. Comments are left out of the tree, so that none can split a text
in two ("Jo<!-- -->hn") before a rule reads it; processing instructions stay, and `text` reads across them.

Errors name line and column, never what stands there. Sources: security.md section 3, items 3 and 4;
XML 1.0 (5th ed.) sections 2.8 and 4.3.3.
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from lxml import etree

from gateway.errors import Refused


class NotXml(Refused):
    """The bytes are not a well-formed XML 1.0 document."""

    code = "document.not-xml"


class DtdRefused(Refused):
    """The document has a document type declaration."""

    code = "document.dtd"


class TooLarge(Refused):
    """More bytes than a document may have."""

    code = "document.too-large"


class TooDeep(Refused):
    """Elements nested deeper than allowed."""

    code = "document.too-deep"


class TooManyParts(Refused):
    """Too many elements, too many attributes on one of them, or a name that is too long."""

    code = "document.too-complex"


class WrongEncoding(Refused):
    """Neither UTF-8 nor UTF-16 with a byte order mark, or not what the XML declaration says."""

    code = "document.encoding"


class InstructionRefused(Refused):
    """A processing instruction where none is allowed."""

    code = "document.processing-instruction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one document. A NIEM message of 1 MB has about 20,000 elements, 15 deep, 5 attributes each.

    elements_max     counted as markup in the bytes, before the parse: a CDATA section full of "<" counts too
    values_max       attributes of all elements together, counted so as well: each takes 200 bytes of memory, and time
                     wherever somebody looks through them
    attributes_max   per element, namespace declarations included
    name_length_max  in bytes of UTF-8; NIEM's longest has 98. Of a namespace's name, too: whoever asks an element for
                     its name is given all of it, so that one of a megabyte would be as many as there are elements
    """

    size_bytes_max: int = 10 * 1024 * 1024
    depth_max: int = 100
    elements_max: int = 50_000
    values_max: int = 300_000
    attributes_max: int = 100
    name_length_max: int = 500


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed document. Whoever changes the tree works on a copy."""

    root: etree._Element


def parse(data: bytes, limits: Limits = LIMITS, *, instructions: bool = True) -> Document:
    """The one tree of these bytes. Raises a leaf of `Refused` that names line and column.

    instructions  False: processing instructions are refused (SOAP 1.2 section 5)
    """
    if len(data) > limits.size_bytes_max:
        raise TooLarge(f"the document is larger than {limits.size_bytes_max:,} bytes")
    data = _utf8(data)
    _refuse_heavy_markup(data, limits)
    if b"<!DOCTYPE" in data:
        _refuse_doctype(data)
    try:
        root = etree.fromstring(data, _of_thread.parser)
    except etree.XMLSyntaxError as error:
        raise _refusal(error) from error
    if _of_thread.is_deeper(root, limits.depth_max):
        raise TooDeep(f"elements are nested more than {limits.depth_max} deep")
    if not instructions and b"<?" in data and _of_thread.instructions(root):
        raise InstructionRefused("processing instructions are not allowed here")
    return Document(root)


def to_bytes(document: Document) -> bytes:
    """The document as UTF-8 with an XML declaration. The same tree always gives the same bytes."""
    return etree.tostring(document.root, encoding="UTF-8", xml_declaration=True, with_tail=False)


def text(element: etree._Element) -> str:
    """The element's own text, whole: read across comments and processing instructions, not into child elements."""
    if len(element) == 0:
        return element.text or ""
    return (element.text or "") + "".join(child.tail or "" for child in element)


# --- encoding ---

_DECLARATION = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]{0,40})"|'([^'<]{0,40})')"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]{0,40})"|'([^'<]{0,40})'))?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>"""
)
_USUAL = (
    b'<?xml version="1.0" encoding="UTF-8"?>',
    b"<?xml version='1.0' encoding='UTF-8'?>",
    b'<?xml version="1.0" encoding="utf-8"?>',
    b"<?xml version='1.0' encoding='utf-8'?>",
)
"""What nearly every writer writes; no need to look closer."""
_BOM_8 = b"\xef\xbb\xbf"
_BOMS_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _utf8(data: bytes) -> bytes:
    """The same document in UTF-8. The XML declaration must agree with what the bytes are."""
    real = _BOMS_16.get(data[:2])
    if real is not None:
        try:
            data = data[2:].decode(real).encode("utf-8")
        except UnicodeError as error:
            raise WrongEncoding("the bytes are not the UTF-16 that their byte order mark promises") from error
        declared_allowed: tuple[bytes, ...] = (b"", b"utf-16")
    else:
        data = data.removeprefix(_BOM_8)
        declared_allowed = (b"", b"utf-8", b"us-ascii")  # ASCII is UTF-8 as it stands
        if not data.isascii():
            _check_utf8(data)
            declared_allowed = (b"", b"utf-8")
    if b"\0" in data:
        raise WrongEncoding("the document holds a NUL; it must be UTF-8, or UTF-16 with a byte order mark")
    usual = real is None and data.startswith(_USUAL)
    if not usual and data.startswith(b"<?xml") and data[5:6].isspace():
        _check_declaration(data, declared_allowed)
    return data


def _check_utf8(data: bytes) -> None:
    """Strict: no overlong form, no surrogate."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise WrongEncoding(f"line {line}: the bytes are not UTF-8") from error


def _check_declaration(data: bytes, allowed: tuple[bytes, ...]) -> None:
    match = _DECLARATION.match(data)
    if match is None:
        raise NotXml("line 1: the XML declaration is not well-formed")
    version = match[1] or match[2]
    if version != b"1.0":
        raise NotXml("line 1: only XML 1.0 is read")
    if (match[3] or match[4] or b"").lower() not in allowed:
        raise WrongEncoding("line 1: the XML declaration names another encoding than UTF-8 (or UTF-16 with its mark)")


# --- markup counted in the bytes ---


@lru_cache(maxsize=16)
def _leaps(reach: int) -> re.Pattern[bytes]:
    """As far as leaps of nearly `reach` bytes lead from one "<" to another."""
    near = reach * 3 // 4
    return re.compile(rb"(?s:(?:<.{%d}[^<]{0,%d}+(?=<))*+)" % (near, reach - near - 3))


_ATTRIBUTE = re.compile(rb"""\s*+([^\s<>/="']++)\s*+=\s*+("[^"<]*+"|'[^'<]*+')""")
_VALUE = re.compile(rb"""=\s*+["']""")
_NAME = re.compile(rb"""<([^\s<>/="']*+)""")
_NO_START_TAG = (b"/", b"!", b"?")


def _refuse_heavy_markup(data: bytes, limits: Limits) -> None:
    """Count elements, attributes and name lengths before libxml2 builds anything.

    "<" never stands inside a start tag, so what lies between two of them holds at most one tag; a short tag can
    break no limit, since an attribute takes five bytes. Looking at bytes costs a tenth of looking at nodes.
    """
    if len(data) > limits.elements_max and data.count(b"<") - data.count(b"</") > limits.elements_max:
        raise TooManyParts(f"the document has more than {limits.elements_max:,} elements")
    if data.count(b"=") > limits.values_max and next(islice(_VALUE.finditer(data), limits.values_max, None), None):
        raise TooManyParts(f"the document has more than {limits.values_max:,} attributes")
    reach = min(limits.name_length_max, 5 * limits.attributes_max)
    for start, tag in _long_tags(data, reach):
        if tag[1:2] not in _NO_START_TAG and not _is_within(tag, limits):
            line = data.count(b"\n", 0, start) + 1
            raise TooManyParts(
                f"line {line}: an element has more than {limits.attributes_max} attributes, "
                f"or a name is longer than {limits.name_length_max} bytes"
            )


def _long_tags(data: bytes, reach: int) -> Iterator[tuple[int, bytes]]:
    """Every "<" that has no other one within reach, with all up to the next: (place, bytes)."""
    leaps = _leaps(reach)
    start = data.find(b"<")
    while 0 <= start <= len(data) - reach:
        if (match := leaps.match(data, start)) is not None:
            start = match.end()
        last = data.rfind(b"<", start + 1, start + reach)
        if last < 0:
            last = data.find(b"<", start + 1)
            yield start, data[start : last if last >= 0 else len(data)]
        start = last


def _is_within(tag: bytes, limits: Limits) -> bool:
    """Whether one start tag keeps the limits. A tag that is not well-formed is left to the parser."""
    # Almost always the root with its namespace declarations, or a long text behind a short tag.
    if tag.count(b"=") <= limits.attributes_max and max(map(len, tag.split(b'"'))) <= limits.name_length_max:
        return True
    name = _NAME.match(tag)
    if name is None or len(name[1]) > limits.name_length_max:
        return False
    position, attributes = name.end(), 0
    while attribute := _ATTRIBUTE.match(tag, position):
        attributes += 1
        if attributes > limits.attributes_max or len(attribute[1]) > limits.name_length_max:
            return False
        declares = attribute[1] == b"xmlns" or attribute[1].startswith(b"xmlns:")
        if declares and len(attribute[2]) - 2 > limits.name_length_max:
            return False
        position = attribute.end()
    return True


# --- document type ---


class _DoctypeFound(Exception):
    """Raised inside the parser at a document type declaration, before any of it is read."""


class _DoctypeWatch:
    """A parser target that builds nothing."""

    def start(self, tag: str, attributes: Any) -> None:
        """Not of interest."""

    def end(self, tag: str) -> None:
        """Not of interest."""

    def doctype(self, *_: object) -> None:
        """The parser calls this before it reads the internal subset."""
        raise _DoctypeFound

    def close(self) -> None:
        """Nothing was built."""


def _refuse_doctype(data: bytes) -> None:
    """Let the parser say whether "<!DOCTYPE" is a declaration or only stands in a CDATA section."""
    try:
        etree.fromstring(data, _parser(target=_DoctypeWatch()))
    except _DoctypeFound as error:
        raise DtdRefused("the document has a document type declaration (DOCTYPE); leave it out") from error
    except etree.XMLSyntaxError as error:
        raise _refusal(error) from error


# --- the parser ---


def _parser(**more: Any) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",  # what _utf8 has made sure of, whatever the declaration says
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        collect_ids=False,
        **more,
    )


class _OfThread(threading.local):
    """Parser and XPath objects of one thread: lxml locks them, and threads would wait for each other."""

    def __init__(self) -> None:
        self.parser = _parser()
        self.instructions = etree.XPath("boolean(//processing-instruction())")
        self._depths: dict[int, etree.XPath] = {}

    def is_deeper(self, root: etree._Element, depth: int) -> bool:
        """Whether an element lies more than `depth` deep. Most documents end a look at the first 16 levels."""
        return bool(self._level(min(depth, 16))(root)) and (depth <= 16 or bool(self._level(depth)(root)))

    def _level(self, depth: int) -> etree.XPath:
        found = self._depths.get(depth)
        if found is None:
            found = self._depths[depth] = etree.XPath(f"boolean({'/*' * (depth + 1)})")
        return found


_of_thread = _OfThread()

_RESOURCE_LIMIT = 114  # XML_ERR_RESOURCE_LIMIT: libxml2's own bounds, behind ours
_INVALID_ENCODING = 81  # XML_ERR_INVALID_ENCODING
_NOT_WELL_FORMED = {
    4: "the document is empty or does not begin with an element",
    5: "something stands after the end of the root element",
    9: "a character that XML does not allow",
    26: "an entity that is not declared; only &amp; &lt; &gt; &quot; &apos; and character references are known",
    38: "a less-than sign in an attribute value, or an attribute value that does not end",
    39: "an attribute value without quotation marks",
    41: "an attribute without a value",
    42: "the same attribute twice on one element",
    68: "a name was expected",
    73: "a start tag that does not end",
    76: "an end tag that does not match its start tag",
    77: "an element that is not closed",
    201: "a namespace prefix that is not declared",
}
"""Our words for the commoner of libxml2's error numbers (xmlerror.h)."""


def _refusal(error: etree.XMLSyntaxError) -> Refused:
    """Our error for libxml2's: number and place are taken over, its text is not (it quotes the document)."""
    line, column = error.position
    where = f"line {line}, column {column}: "
    code = getattr(error, "code", 0)  # lxml-stubs do not know it
    if code == _RESOURCE_LIMIT:
        if "depth" in str(error):
            return TooDeep(where + "elements are nested too deep")
        return TooManyParts(where + "a text, a name or an attribute value is too long")
    if code == _INVALID_ENCODING:
        return WrongEncoding(where + "the bytes are not UTF-8")
    return NotXml(where + _NOT_WELL_FORMED.get(code, "not well-formed XML"))
