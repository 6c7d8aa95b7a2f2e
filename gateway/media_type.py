"""MediaType: a Content-Type header read, in whatever order, case and quoting its sender writes the parameters.

Source: RFC 9110, sections 5.6.4, 5.6.6 and 8.3.1; RFC 2387 (multipart/related). More is taken than the grammar allows,
where toolkits write it: unquoted values with colons and slashes, apostrophes for quotation marks around charset and
action, a semicolon at the end. What two readers could read in two ways is not taken at all.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii", "utf-16"})
"""What the document parser reads."""

CACHED_LENGTH_MAX = 200
"""Longer headers, and those with a boundary, which is new in each request, would only push the others out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """name and charset in lower case; the others as they are written; "" for what is not there.

    name        type/subtype; "" when the header is missing or cannot be read in one way only
    action      of SOAP 1.2
    boundary, start, type, start_info    of multipart/related; `type` also of application/xop+xml
    """

    name: str
    charset: str = ""
    action: str = ""
    boundary: str = ""
    start: str = ""
    type: str = ""
    start_info: str = ""


UNREADABLE = MediaType(name="")

_NAME = re.compile(r"[ \t]*([^\s;=\"]*)[ \t]*")
_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*(?:([^\s;="]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"|([^";]*))|[^\s;="]*)[ \t]*""", re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def media_type_of(header: str) -> MediaType:
    """A Content-Type header read; `UNREADABLE` when it cannot be."""
    if len(header) > CACHED_LENGTH_MAX or "boundary" in header.lower():
        return _read(header)
    return _cached(header)


def _read(header: str) -> MediaType:
    name = _NAME.match(header)
    values = None if name is None else _parameters(header, name.end())
    if name is None or values is None:
        return UNREADABLE
    return MediaType(
        name=name[1].lower(),
        charset=_without_apostrophes(values.get("charset", "")).lower(),
        action=_without_apostrophes(values.get("action", "")),
        boundary=values.get("boundary", ""),
        start=values.get("start", ""),
        type=values.get("type", ""),
        start_info=values.get("start-info", ""),
    )


_cached = functools.lru_cache(maxsize=256)(_read)


def _parameters(header: str, position: int) -> Mapping[str, str] | None:
    """By name in lower case. None when there is something else, or one parameter twice with two values."""
    values: dict[str, str] = {}
    while position < len(header):
        match = _PARAMETER.match(header, position)
        if match is None:
            return None
        position = match.end()
        if match[1] is None:  # nothing between two semicolons, or a word alone
            continue
        value = _QUOTED_PAIR.sub(r"\1", match[2]) if match[2] is not None else match[3].strip()
        if values.setdefault(match[1].lower(), value) != value:
            return None
    return values


def _without_apostrophes(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "'" else value


def contradicts(charset: str, data: bytes) -> bool:
    """Whether bytes are another encoding than the charset says that their media type names, one of `CHARSETS`.

    A byte order mark counts for more than the charset, and the charset for more than what stands inside: without a mark
    it is believed by others on the way, who would read other text than the parser. Source: RFC 7303, section 3.
    """
    if data.startswith(_MARKS):
        return False
    return charset == "utf-16" or (charset == "us-ascii" and not data.isascii())


_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def quoted(value: str) -> str:
    """A parameter's value as a quoted string."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
