"""Image: a photo without what is no picture in it.

A camera writes where and when a photo was taken, its own number, its owner's name, and a small second picture that
nobody cropped; programs add captions and what they did. No agreement lists any of that. So of a JPEG or PNG only the
parts that a picture is decoded from are put together again, and only those whose form leaves no room for more; what
cannot be read so is withheld. Pixels are not looked at. Source: ITU-T T.81, annex B; ITU-T T.871 (JFIF), section 10;
Portable Network Graphics (W3C Recommendation, third edition), sections 5 and 11.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.document.names import split
from gateway.iepd.catalog import Field

STRIPPED = "strip-metadata"
"""What a redaction says of an image that was reduced so."""

_IMAGE = re.compile(r"(Image|Photo|Picture)(?![a-z])")
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


def stripping(field: Field) -> Callable[[str], str | None] | None:
    """How a value of the field loses what is no picture; None for a field that holds no base64.

    A field is one of pictures by its label or by NIEM's name of an element around it; of any other, what begins as a
    JPEG or PNG is treated as one, and files of other kinds are left.
    """
    if field.value.builtin != "base64Binary" or field.value.is_list:
        return None
    named = any(_IMAGE.search(split(step)[1]) for step in field.path)
    return only_picture if named or "photo" in field.label.split(".") else _picture_if_one


def only_picture(text: str) -> str | None:
    """A JPEG or PNG in base64 without what is no picture; the text itself when nothing is. None: cannot be read."""
    data = _decoded(text)
    picture = stripped(data)
    if picture is None:
        return None
    return text if picture == data else base64.b64encode(picture).decode()


def _picture_if_one(text: str) -> str | None:
    return only_picture(text) if _decoded(text).startswith((_JPEG, _PNG)) else text


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def stripped(data: bytes) -> bytes | None:
    """The bytes of a JPEG or PNG that are its picture. None for anything else, and for one that breaks its rules."""
    if data.startswith(_JPEG):
        parts = _jpeg(data)
    elif data.startswith(_PNG):
        parts = _png(data)
    else:
        return None
    try:
        return b"".join(parts)
    except _Unreadable:
        return None


_PARTS_MAX = 20_000
"""Of one file: ten times what the largest picture in a message has where programs write parts of 4 KB."""


class _Unreadable(ValueError):
    """It breaks the rules of its format; caught here."""


# --- JPEG --------------------------------------------------------------------------------------------------------

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})  # DHT, DAC, DQT, DNL, DRI
_LEFT_OUT = frozenset({*range(0xE0, 0xF0), *range(0xF0, 0xFE), 0xFE})  # APPn, JPGn, COM
# In a scan FF 00 is a byte and FF D0 to FF D7 restart it; every other marker ends it.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FILL = re.compile(rb"\xff+")


def _jpeg(data: bytes) -> Iterator[bytes]:
    """Raises _Unreadable."""
    yield b"\xff\xd8"
    at, seen = 2, set[int]()
    for _ in range(_PARTS_MAX):
        marker, at = _marker(data, at)
        seen.add(marker)
        if marker == _EOI:
            if _SOS not in seen or seen.isdisjoint(_FRAMES):
                raise _Unreadable
            yield b"\xff\xd9"
            return  # what comes after it is no part of the picture
        end = at + int.from_bytes(data[at : at + 2])
        if end < at + 2 or end > len(data):
            raise _Unreadable
        if marker == _SOS:
            found = _END_OF_SCAN.search(data, end)
            if found is None:
                raise _Unreadable
            end = found.start()
        elif marker not in _FRAMES | _TABLES | _LEFT_OUT:
            raise _Unreadable
        segment = _application(marker, data[at + 2 : end]) if marker in _LEFT_OUT else data[at:end]
        if segment:
            yield bytes((0xFF, marker)) + segment
        at = end
    raise _Unreadable


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """A marker, and where what follows it begins. Any number of FF may stand before it."""
    fill = _FILL.match(data, at)
    if fill is None or fill.end() == len(data):
        raise _Unreadable
    return data[fill.end()], fill.end() + 1


def _application(marker: int, content: bytes) -> bytes:
    """What stays of a segment that programs put in: two of fixed form that say how colors and points are meant."""
    if marker == 0xE0 and content[:5] == b"JFIF\x00" and len(content) >= 14:
        return b"\x00\x10" + content[:12] + b"\x00\x00"  # its small picture of the picture is left out
    if marker == 0xEE and content[:5] == b"Adobe" and len(content) >= 12:
        return b"\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + content[11:12]  # only which colors they are
    return b""


# --- PNG ---------------------------------------------------------------------------------------------------------


class _Size(NamedTuple):
    """How many bytes a chunk may have. Those with more have room for something else."""

    least: int
    most: int


_CHUNKS = {
    b"IHDR": _Size(13, 13),
    b"PLTE": _Size(3, 768),
    b"IDAT": _Size(0, 2**31 - 1),
    b"IEND": _Size(0, 0),
    b"tRNS": _Size(1, 256),
    b"gAMA": _Size(4, 4),
    b"cHRM": _Size(32, 32),
    b"sRGB": _Size(1, 1),
    b"cICP": _Size(4, 4),
    b"sBIT": _Size(1, 4),
    b"bKGD": _Size(1, 6),
    b"pHYs": _Size(9, 9),
}


def _png(data: bytes) -> Iterator[bytes]:
    """Raises _Unreadable."""
    yield _PNG
    at, seen = len(_PNG), set[bytes]()
    for _ in range(_PARTS_MAX):
        size = int.from_bytes(data[at : at + 4])
        kind, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data) or (not seen and kind != b"IHDR"):
            raise _Unreadable
        if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise _Unreadable
        bounds = _CHUNKS.get(kind)
        fits = bounds is not None and bounds.least <= size <= bounds.most
        if fits:
            yield data[at:end]
        elif not kind[:1].islower():  # without it, no picture can be decoded
            raise _Unreadable
        seen.add(kind)
        at = end
        if kind == b"IEND" and b"IDAT" in seen:
            return  # what comes after it is no part of the picture
    raise _Unreadable
