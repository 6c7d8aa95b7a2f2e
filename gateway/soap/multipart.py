"""multipart/related, taken apart and put together: strict, and bounded before anything is made of it.

A part is a view of the body, never a copy; nothing is kept for a part beyond `PARTS_MAX`. What two readers could take
apart in two ways is refused: a boundary that is only the beginning of a line, a header twice, lines that end in LF
alone, a multipart inside. Text before the first boundary and behind the last belongs to nobody (RFC 2046, section
5.1.1) and is passed over, a little of it.
Source: RFC 2045, RFC 2046 section 5.1, RFC 2387.
"""

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.errors import Refused
from gateway.media_type import MediaType, media_type_of

PARTS_MAX = 100
"""Of one message, the root part among them. A message with more photos than that is several messages."""

HEAD_BYTES_MAX = 4 * 1024
HEADERS_MAX = 20
OUTSIDE_BYTES_MAX = 1024
"""Before the first boundary and behind the last: mail clients write "This is a multi-part message" there."""

ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})
"""Content-Transfer-Encodings that change nothing. base64 is decoded; quoted-printable is for mail."""

BASE64 = "base64"


class MultipartMalformed(Refused):
    """The body is not a multipart of the one form that is taken."""

    code = "mtom.malformed"


class MultipartTooComplex(Refused):
    """More parts, or longer heads of parts, than a message may have."""

    code = "mtom.too-complex"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part.

    content_id  without angle brackets; "" when it has none
    encoded     its bytes are base64 text (Content-Transfer-Encoding)
    content     as it came
    """

    content_id: str = ""
    media_type: MediaType
    encoded: bool = False
    content: memoryview = field(repr=False)

    def data(self) -> bytes | memoryview:
        """Its bytes, decoded. Raises `MultipartMalformed`."""
        if not self.encoded:
            return self.content
        text = bytes(self.content).translate(None, b"\r\n")
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error as error:
            raise MultipartMalformed("a part that calls itself base64 is not") from error

    @property
    def size_bytes_max(self) -> int:
        """Never less than the decoded bytes will be; exact for a part that is not base64."""
        return len(self.content) * 3 // 4 if self.encoded else len(self.content)


def read(body: bytes, boundary: str) -> tuple[Part, ...]:
    """The parts in their order. Raises `MultipartMalformed`, `MultipartTooComplex`."""
    if not _BOUNDARY.fullmatch(boundary):
        raise MultipartMalformed("boundary is 1 to 70 letters, digits and '()+_,-./:=? and is named in Content-Type")
    delimiter = b"--" + boundary.encode("ascii")
    view = memoryview(body)
    at = _first(body, delimiter)
    parts: list[Part] = []
    while not _is_last(body, at):
        if len(parts) == PARTS_MAX:
            raise MultipartTooComplex(f"a message has at most {PARTS_MAX} parts")
        begin = _line_after(body, at)
        content = _head_end(body, begin)
        end = body.find(b"\r\n" + delimiter, content)
        if end < 0 or body.startswith(delimiter, content):  # the latter: an empty part to one reader, text to another
            raise MultipartMalformed("a part has no end, or begins with the boundary")
        parts.append(_part(body[begin : content - 2], view[content:end]))
        at = end + 2 + len(delimiter)
    if not parts:
        raise MultipartMalformed("there is no part between the boundaries")
    return tuple(parts)


_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
"""Source: RFC 2046, section 5.1.1."""

_PADDING = re.compile(rb"[ \t]{0,100}\r\n")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_DECIDES = ("content-id", "content-type", "content-transfer-encoding")


def _first(body: bytes, delimiter: bytes) -> int:
    """The place behind the first boundary."""
    if body.startswith(delimiter):
        return len(delimiter)
    found = body.find(b"\r\n" + delimiter, 0, OUTSIDE_BYTES_MAX + len(delimiter))
    if found < 0:
        raise MultipartMalformed("the body does not begin with the boundary that Content-Type names, lines end in CRLF")
    return found + 2 + len(delimiter)


def _is_last(body: bytes, at: int) -> bool:
    if body[at : at + 2] != b"--":
        return False
    rest = len(body) - (at + 2)
    if rest > OUTSIDE_BYTES_MAX or (rest and not _PADDING.match(body, at + 2) and not _is_padding(body[at + 2 :])):
        raise MultipartMalformed("something follows the closing boundary")
    return True


def _is_padding(rest: bytes) -> bool:
    return not rest.strip(b" \t\r\n")


def _line_after(body: bytes, at: int) -> int:
    end = _PADDING.match(body, at)
    if end is None:
        raise MultipartMalformed("a line begins with the boundary and goes on, or does not end in CRLF")
    return end.end()


def _head_end(body: bytes, begin: int) -> int:
    """Where the part's content begins, behind the empty line."""
    found = body.find(b"\r\n\r\n", begin, begin + HEAD_BYTES_MAX)
    if found >= 0:
        return found + 4
    if len(body) > begin + HEAD_BYTES_MAX:
        raise MultipartTooComplex(f"the head of a part is at most {HEAD_BYTES_MAX:,} bytes, and ends in an empty line")
    raise MultipartMalformed("a part has no end of its head: an empty line, lines end in CRLF")


def _part(head: bytes, content: memoryview) -> Part:
    headers = _headers(head)
    media_type = media_type_of(headers.get("content-type", ""))
    if media_type.name.startswith(("multipart/", "message/")):
        raise MultipartMalformed("a part is no multipart itself")
    encoding = headers.get("content-transfer-encoding", "").lower()
    if encoding not in ENCODINGS | {BASE64}:
        raise MultipartMalformed("Content-Transfer-Encoding is binary, 8bit, 7bit or base64")
    return Part(
        content_id=without_brackets(headers.get("content-id", "")),
        media_type=media_type,
        encoded=encoding == BASE64,
        content=content,
    )


def _headers(head: bytes) -> Mapping[str, str]:
    """Those that decide something; the others are passed over, a file's name in whatever letters among them."""
    lines = head.decode("latin-1").replace("\r\n ", "  ").replace("\r\n\t", "  ").split("\r\n")[:-1]
    if len(lines) > HEADERS_MAX:
        raise MultipartTooComplex(f"a part has at most {HEADERS_MAX} headers")
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise MultipartMalformed("a header of a part is not of the form 'Name: value'")
        name = name.lower()
        if name not in _DECIDES:
            continue
        if name in found or (name == "content-id" and not value.isascii()):
            raise MultipartMalformed("Content-ID, Content-Type and Content-Transfer-Encoding stand once; ids are ASCII")
        found[name] = value.strip()
    return found


def without_brackets(content_id: str) -> str:
    """A Content-ID, or the `start` parameter that names one: some toolkits leave the angle brackets away."""
    return content_id[1:-1] if content_id[:1] == "<" and content_id[-1:] == ">" else content_id


def write(boundary: str, parts: Iterable[tuple[Mapping[str, str], bytes]]) -> bytes:
    """The parts, each with its headers, in one body. Whoever calls has seen that no part holds the boundary."""
    pieces: list[bytes] = []
    for headers, content in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        pieces += [f"--{boundary}\r\n{head}\r\n".encode("ascii"), content, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces)
