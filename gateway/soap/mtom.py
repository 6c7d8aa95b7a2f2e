"""MTOM: an envelope whose binaries travel beside it in the same HTTP message.

Which part is the envelope, what every toolkit writes around it, and the same the other way. Toolkits agree on little
else than `multipart/related` and a root part of `application/xop+xml`: node-soap says `start-info="text/xml"` for
SOAP 1.2 too, some leave `start` or `start-info` away, Metro and .NET hide the action inside `start-info`, others in
`type` of the root part. So the version is the envelope's own, and an action is looked for in all these places.
Source: SOAP MTOM (W3C Recommendation, 25 January 2005), section 4; XOP section 4; RFC 2387.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from gateway.errors import Refused
from gateway.media_type import CHARSETS, MediaType, contradicts, media_type_of, quoted
from gateway.soap import multipart
from gateway.soap.envelope import VERSION_OF_MEDIA_TYPE, Version, serialize
from gateway.soap.multipart import MultipartMalformed, Part
from gateway.soap.xop import Binary, take_out

MULTIPART = "multipart/related"
XOP_XML = "application/xop+xml"
OWN = "justice-gateway"
"""What our Content-IDs end in, behind an id that is new for each message."""


class NotMtom(Refused):
    """A multipart whose root part is not an XOP document: SOAP with Attachments, most often."""

    code = "mtom.media-type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A message taken apart.

    root     the envelope as it came, an xop:Include for each binary
    parts    the binaries
    actions  each action that the media types of the message and of its root part name
    """

    root: bytes = field(repr=False)
    parts: tuple[Part, ...]
    actions: frozenset[str]


def version_meant(media_type: MediaType) -> Version | None:
    """The version that the outer media type speaks of. A hint: it is for faults about what could not be read."""
    return VERSION_OF_MEDIA_TYPE.get(media_type_of(media_type.start_info).name)


def read(body: bytes, media_type: MediaType) -> Package:
    """Raises `NotMtom`, `MultipartMalformed`, `MultipartTooComplex`."""
    parts = multipart.read(body, media_type.boundary)
    root = _root(parts, multipart.without_brackets(media_type.start))
    if root.media_type.name != XOP_XML or root.media_type.charset not in CHARSETS:
        raise NotMtom(f"the root part of {MULTIPART} is {XOP_XML}, in UTF-8; attachments are taken as MTOM only")
    envelope = bytes(root.data())
    if contradicts(root.media_type.charset, envelope):
        raise NotMtom("the charset of the root part is another encoding than the part's")
    types = (media_type, media_type_of(media_type.start_info), root.media_type, media_type_of(root.media_type.type))
    return Package(
        root=envelope,
        parts=tuple(part for part in parts if part is not root),
        actions=frozenset(each.action for each in types if each.action),
    )


def _root(parts: Sequence[Part], start: str) -> Part:
    """The part that `start` names; without one, the first. Source: RFC 2387, section 3.2."""
    found = [part for part in parts if part.content_id == start] if start else parts[:1]
    if len(found) != 1 or sum(part.content_id == found[0].content_id for part in parts) > 1:
        raise MultipartMalformed("start names exactly one part, and no other has its Content-ID")
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A message ready to go."""

    content_type: str
    body: bytes = field(repr=False)
    parts: int


def pack(envelope: etree._Element, version: Version, *, action: str, token: str) -> Packed:
    """The envelope with its large binaries beside it. They are taken out of its Body: the tree is changed.

    Sign before, never after. token: new for each message, and nothing its content could hold.
    """
    body = envelope.find(version.name_of("Body"))
    binaries = () if body is None else take_out(body, f"{token}.{OWN}")
    return _write(serialize(envelope), binaries, version, action, token)


def _write(root: bytes, binaries: Sequence[Binary], version: Version, action: str, token: str) -> Packed:
    root_id = f"<root@{token}.{OWN}>"
    parts = [(_head(f"{XOP_XML}; charset=utf-8; type={quoted(version.media_type)}", root_id), root)]
    parts += [(_head("application/octet-stream", f"<{each.content_id}>"), each.content) for each in binaries]
    boundary = f"part-{token}"
    while any(f"--{boundary}".encode() in content for _, content in parts):
        boundary += "-"
    content_type = (
        f"{MULTIPART}; type={quoted(XOP_XML)}; start={quoted(root_id)}; start-info={quoted(version.media_type)}; "
        f"boundary={quoted(boundary)}"
    )
    if version is Version.SOAP_12:
        content_type += f"; action={quoted(action)}"
    return Packed(content_type=content_type, body=multipart.write(boundary, parts), parts=len(binaries))


def _head(content_type: str, content_id: str) -> dict[str, str]:
    return {"Content-Type": content_type, "Content-Transfer-Encoding": "binary", "Content-ID": content_id}
