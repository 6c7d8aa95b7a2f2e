"""The body of a request: its media type judged first, then read with its bytes counted, then parsed."""

import asyncio
from collections.abc import Collection

from starlette.requests import Request

from gateway.api.admission import Admitted
from gateway.document.parse import Document, Limits, WrongEncoding, parse
from gateway.errors import Refused
from gateway.media_type import CHARSETS, MediaType, contradicts, media_type_of
from gateway.transport.content_digest import CONTENT_DIGEST, REPR_DIGEST, check_digest

OFF_LOOP_SIZE_BYTES = 256 * 1024
"""Larger documents are digested and parsed outside the event loop."""


class BodyTooLarge(Refused):
    """More bytes than a request may have."""

    code = "request.too-large"


class MediaTypeRefused(Refused):
    """Content-Type is missing, or is not one that is read here."""

    code = "request.media-type"


class ContentEncodingRefused(Refused):
    """The body is compressed. A few bytes could then stand for gigabytes."""

    code = "request.content-encoding"


class ClientGone(Exception):
    """The client closed the connection before its request was whole: nobody is left to answer."""


def check_head(request: Request, media_types: Collection[str], size_bytes_max: int) -> MediaType:
    """Judge the body by the headers alone, before a byte of it is asked for.

    Raises `MediaTypeRefused`, `ContentEncodingRefused`, `BodyTooLarge`.
    """
    headers = request.headers
    media_type = media_type_of(headers.get("content-type", ""))
    if media_type.name not in media_types or media_type.charset not in CHARSETS:
        raise MediaTypeRefused(f"the Content-Type is one of {', '.join(sorted(media_types))}, in UTF-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ContentEncodingRefused("the body is sent as it is, without Content-Encoding")
    length = headers.get("content-length")
    if length is not None and int(length) > size_bytes_max:
        raise _too_large(size_bytes_max)
    return media_type


def check_charset(media_type: MediaType, body: bytes) -> None:
    """Raises `WrongEncoding` when the media type names another encoding than the body's."""
    if contradicts(media_type.charset, body):
        raise WrongEncoding("the charset of the Content-Type is another encoding than the body's")


async def read_body(request: Request, size_bytes_max: int) -> bytes:
    """The whole body, the one its sender made its digest of, when a header brings one.

    Raises `BodyTooLarge` as soon as it is, `ClientGone`, and the errors of `check_digest`.
    """
    body = await _read_counted(request, size_bytes_max)
    for name in (CONTENT_DIGEST, REPR_DIGEST):
        lines = request.headers.getlist(name)
        if len(body) > OFF_LOOP_SIZE_BYTES and lines:
            await asyncio.to_thread(check_digest, lines, body)
        else:
            check_digest(lines, body)
    return body


async def _read_counted(request: Request, size_bytes_max: int) -> bytes:
    admitted: Admitted = request.state.trace.admitted
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body"):  # the common case: all at once
        body: bytes = message.get("body", b"")
        if len(body) > size_bytes_max:
            raise _too_large(size_bytes_max)
        admitted.hold(len(body))
        return body
    parts, size_bytes = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size_bytes += len(part)
        if size_bytes > size_bytes_max:
            raise _too_large(size_bytes_max)
        admitted.hold(len(part))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await request.receive()


async def parsed(data: bytes, limits: Limits) -> Document:
    """The XML of a SOAP body, which holds no processing instructions. Raises what `parse` raises."""
    if len(data) <= OFF_LOOP_SIZE_BYTES:
        return parse(data, limits, instructions=False)
    return await asyncio.to_thread(parse, data, limits, instructions=False)


def _too_large(size_bytes_max: int) -> BodyTooLarge:
    return BodyTooLarge(f"a request body is at most {size_bytes_max:,} bytes")
