"""The SOAP envelope, 1.1 and 1.2: one Header at most, one Body with one child, and nothing else.

Source: SOAP 1.1 (W3C Note, 8 May 2000), sections 4 and 6; SOAP 1.2 Part 1 (Second Edition), sections 2 and 5.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from lxml import etree

from gateway.document.names import SOAP11, SOAP12
from gateway.document.parse import Document
from gateway.errors import Refused


class Version(Enum):
    """The two versions by their envelope's namespace."""

    SOAP_11 = SOAP11
    SOAP_12 = SOAP12

    @property
    def media_type(self) -> str:
        """Without parameters."""
        return MEDIA_TYPES[self]

    @property
    def content_type(self) -> str:
        """As an answer carries it."""
        return f"{MEDIA_TYPES[self]}; charset=utf-8"

    def name_of(self, local: str) -> str:
        """`{namespace}local`."""
        return f"{{{self.value}}}{local}"


MEDIA_TYPES = {Version.SOAP_11: "text/xml", Version.SOAP_12: "application/soap+xml"}
VERSION_OF_MEDIA_TYPE = {media_type: version for version, media_type in MEDIA_TYPES.items()}

PREFIX = "soap"

NEXT = {
    Version.SOAP_11: "http://schemas.xmlsoap.org/soap/actor/next",
    Version.SOAP_12: f"{SOAP12}/role/next",
}
ULTIMATE_RECEIVER = f"{SOAP12}/role/ultimateReceiver"
TRUE = frozenset({"1", "true"})

BLOCKS_MAX = 100
"""Header blocks. A signed request with addressing has about eight. Each is looked at several times, and a fault names
those that were not understood, each with its namespace: an answer to thousands would be many times as large."""


class NotAnEnvelope(Refused):
    """The document is not a SOAP envelope of the one shape that is taken."""

    code = "soap.malformed"


class VersionMismatch(Refused):
    """An Envelope of neither version."""

    code = "soap.version-mismatch"


class MediaTypeMismatch(Refused):
    """The Content-Type is not that of the envelope's version."""

    code = "soap.media-type"

    def __init__(self, version: Version) -> None:
        super().__init__(f"a SOAP {label(version)} envelope is sent as {version.media_type}")
        self.version = version


class MustUnderstand(Refused):
    """A header block that must be understood is not. `names` are qualified names, `{namespace}local`."""

    code = "soap.must-understand"

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__("a header block marked mustUnderstand is not one that is processed here")
        self.names = names


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An envelope taken apart.

    headers  the header blocks, in order
    body     the one child of the Body
    """

    version: Version
    headers: tuple[etree._Element, ...]
    body: etree._Element


def read(document: Document, media_type: str = "") -> Envelope:
    """Take an envelope apart. `media_type` is checked against the version; "" = there was none to check.

    Raises `NotAnEnvelope`, `VersionMismatch`, `MediaTypeMismatch`.
    """
    root = document.root
    name = etree.QName(root)
    if name.localname != "Envelope":
        raise NotAnEnvelope("the root element is not a SOAP Envelope")
    try:
        version = Version(name.namespace)
    except ValueError as error:
        raise VersionMismatch("the Envelope is neither SOAP 1.1 nor SOAP 1.2") from error
    if media_type and media_type != version.media_type:
        raise MediaTypeMismatch(version)
    parts = elements(root)
    tags = [part.tag for part in parts]
    header, body = version.name_of("Header"), version.name_of("Body")
    if tags not in ([body], [header, body]):
        raise NotAnEnvelope("an Envelope holds one Body, after one Header at most, and nothing else")
    content = elements(parts[-1])
    if len(content) != 1:
        raise NotAnEnvelope(f"a Body holds one element, not {len(content)}")
    headers = tuple(elements(parts[0])) if len(parts) == 2 else ()
    if len(headers) > BLOCKS_MAX:
        raise NotAnEnvelope(f"a Header holds at most {BLOCKS_MAX} blocks")
    return Envelope(version=version, headers=headers, body=content[0])


def check_understood(envelope: Envelope, understood: frozenset[str]) -> None:
    """Raises `MustUnderstand` when a block for us demands what we do not do. Blocks for other roles are not ours."""
    unknown = tuple(
        str(block.tag)
        for block in envelope.headers
        if block.tag not in understood
        and (block.get(envelope.version.name_of("mustUnderstand")) or "").strip() in TRUE
        and is_for_us(block, envelope.version)
    )
    if unknown:
        raise MustUnderstand(unknown)


def is_for_us(block: etree._Element, version: Version) -> bool:
    """Not for somebody else on the way."""
    if version is Version.SOAP_11:
        return block.get(version.name_of("actor"), "") in {"", NEXT[version]}
    return block.get(version.name_of("role"), "") in {"", NEXT[version], ULTIMATE_RECEIVER}


def write(version: Version, body: etree._Element, headers: Iterable[etree._Element] = ()) -> bytes:
    """An envelope's bytes: UTF-8 with XML declaration. The elements are moved into it.

    Only prefixed names are declared, no default namespace: content without a namespace stays without one.
    """
    return serialize(build(version, body, headers))


def build(version: Version, body: etree._Element, headers: Iterable[etree._Element] = ()) -> etree._Element:
    """The envelope as an element, for who signs parts of it."""
    envelope = etree.Element(version.name_of("Envelope"), nsmap={PREFIX: version.value})
    blocks = tuple(headers)
    if blocks:
        etree.SubElement(envelope, version.name_of("Header")).extend(blocks)
    etree.SubElement(envelope, version.name_of("Body")).append(body)
    return envelope


def serialize(envelope: etree._Element) -> bytes:
    """UTF-8 with XML declaration."""
    data: bytes = etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)
    return data


def elements(parent: etree._Element) -> list[etree._Element]:
    """Child elements. Raises `NotAnEnvelope` for text between them; comments are passed over."""
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text and not text.isspace() for text in texts):
        raise NotAnEnvelope("there is text between elements where only elements may be")
    return [child for child in parent if isinstance(child.tag, str)]


def label(version: Version) -> str:
    """ "1.1" or "1.2"."""
    return "1.1" if version is Version.SOAP_11 else "1.2"
