"""MTOM at the edge: a request in parts becomes the one tree all stages look at; an answer leaves in parts."""

import asyncio
import re
from dataclasses import dataclass

from lxml import etree
from starlette.requests import Request

from gateway.api.body import OFF_LOOP_SIZE_BYTES
from gateway.api.soap_acts import LIMITS
from gateway.document.parse import Document, parse
from gateway.media_type import MediaType
from gateway.soap import mtom
from gateway.soap.envelope import VERSION_OF_MEDIA_TYPE, Version
from gateway.soap.mtom import MULTIPART, Packed
from gateway.soap.xop import expand

MEDIA_TYPES = frozenset({*VERSION_OF_MEDIA_TYPE, MULTIPART})
"""What POST /soap takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A request whose parts are in their places, and the actions that its media types name."""

    document: Document
    actions: frozenset[str]


async def unpacked(data: bytes, media_type: MediaType, size_bytes_max: int) -> Unpacked:
    """The whole tree of a multipart request.

    size_bytes_max  of the tree's document too, not only of the body

    Raises `MultipartMalformed`, `MultipartTooComplex`, `NotMtom`, `IncludeInvalid`, and what `parse` raises.
    """
    if len(data) <= OFF_LOOP_SIZE_BYTES:
        return _unpacked(data, media_type, size_bytes_max)
    return await asyncio.to_thread(_unpacked, data, media_type, size_bytes_max)


def _unpacked(data: bytes, media_type: MediaType, size_bytes_max: int) -> Unpacked:
    package = mtom.read(data, media_type)
    document = parse(package.root, LIMITS, instructions=False)
    most = min(size_bytes_max, LIMITS.size_bytes_max)
    expand(document.root, package.parts, size_bytes=len(package.root), size_bytes_max=most)
    return Unpacked(document=document, actions=package.actions)


async def packed(envelope: etree._Element, version: Version, *, action: str, token: str) -> Packed:
    """The answer in parts; one part when it holds no large binary. They are taken out of the tree."""
    return await asyncio.to_thread(mtom.pack, envelope, version, action=action, token=token)


def reads_parts(request: Request, media_type: MediaType) -> bool:
    """Whether this client can read an answer in parts.

    One that names multipart/related in Accept says so: Metro does, always. One that sends parts itself can, as long as
    it takes anything (Apache CXF) or says nothing. But a client that names what it reads, and this is not among it,
    is believed: node-soap sends parts and cannot read them, and would show a photo as an empty element.
    """
    ranges = [_range(each) for each in request.headers.get("accept", "").lower().split(",")]
    named = {name for name, wanted in ranges if wanted}
    refused = {name for name, wanted in ranges if not wanted}
    if MULTIPART in named | refused:
        return MULTIPART in named
    return media_type.name == MULTIPART and named <= {"", "*/*", "multipart/*"} and not refused


_NEVER = re.compile(r"\s*q\s*=\s*0(?:\.0{0,3})?\s*")


def _range(text: str) -> tuple[str, bool]:
    """A media range of Accept, and whether it is wanted at all (q=0: it is not)."""
    name, *parameters = text.split(";")
    return name.strip(), not any(_NEVER.fullmatch(each) for each in parameters)
