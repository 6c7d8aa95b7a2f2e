"""Content-Digest: a body's digest in a header, so that what was cut or changed on its way is seen before it is read.

    Content-Digest: sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:

It protects from accidents, not from an attacker, who writes a new one: that is what TLS and signatures are for.
Read strictly: what two readers may understand in two ways is refused. Source: RFC 9530; RFC 9651, section 3.2.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from gateway.errors import Refused

CONTENT_DIGEST = "Content-Digest"
REPR_DIGEST = "Repr-Digest"
"""Of the representation. No body that is taken here has a Content-Encoding or is a part of one: both are the same."""
WANT_CONTENT_DIGEST = "Want-Content-Digest"

ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512"}
"""The two of RFC 9530 that are not deprecated, and Python's names. An unknown one is passed over, as the RFC asks."""

FIELD_LENGTH_MAX = 1000
WANTED = "sha-256=10, sha-512=9"
"""What a refused client is told: these are understood."""


class DigestMismatch(Refused):
    """The body is not the one that its Content-Digest or Repr-Digest was made of."""

    code = "request.digest-mismatch"


class DigestMalformed(Refused):
    """Content-Digest or Repr-Digest is not written as RFC 9530 has it."""

    code = "request.digest-malformed"


class DigestUnsupported(Refused):
    """None of the algorithms named is known here. Taking the body would look as if it had been compared."""

    code = "request.digest-unsupported"


def content_digest(body: bytes, algorithm: str = "sha-256") -> str:
    """The header's value."""
    return f"{algorithm}=:{base64.b64encode(_digest(algorithm, body)).decode()}:"


def content_digest_header(body: bytes, algorithm: str = "sha-256") -> dict[str, str]:
    """The header."""
    return {CONTENT_DIGEST: content_digest(body, algorithm)}


def check_digest(lines: Sequence[str], body: bytes) -> None:
    """Compare the body with every digest of it that is of a known algorithm.

    lines  of Content-Digest or of Repr-Digest, in order; none = nothing was said, and nothing is compared

    Raises `DigestMalformed`, `DigestUnsupported`, `DigestMismatch`.
    """
    if not lines:
        return
    found = {name: value for name, value in _read(", ".join(lines)).items() if name in ALGORITHMS}
    if not found:
        raise DigestUnsupported(f"a digest of the body is of {' or '.join(ALGORITHMS)}; others are not compared")
    for name, value in found.items():
        if not hmac.compare_digest(_digest(name, body), value):
            raise DigestMismatch("the body is not the one that its digest was made of: changed or cut on its way?")


def _digest(algorithm: str, body: bytes) -> bytes:
    return hashlib.new(ALGORITHMS[algorithm], body).digest()


def wanted(lines: Sequence[str]) -> str:
    """The algorithm that Want-Content-Digest likes best of those known; sha-256 when it says nothing of use.

    It is a wish: one that cannot be read is no reason to refuse what was asked for.
    """
    field = ", ".join(lines)
    if not lines or len(field) > FIELD_LENGTH_MAX:
        return "sha-256"
    likes = {}
    for member in field.split(","):
        match = _PREFERENCE.fullmatch(member.strip(" \t"))
        if match is None:
            return "sha-256"
        likes[match[1]] = int(match[2])
    return max(ALGORITHMS, key=lambda name: likes.get(name, 0))


# --- structured fields: a dictionary of byte sequences ---

_KEY = r"[a-z*][a-z0-9_\-.*]*+"
_BARE_ITEM = (
    r"(?:"
    r"-?[0-9]{1,15}(?:\.[0-9]{1,3})?"  # integer, decimal
    r'|"(?:[ !#-\[\]-~]|\\["\\])*+"'  # string
    r"|[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*+"  # token
    r"|:[A-Za-z0-9+/=]*+:"  # byte sequence
    r"|\?[01]"  # boolean
    r"|@-?[0-9]{1,15}"  # date
    r")"
)
_PARAMETERS = rf"(?:;[ ]*+{_KEY}(?:={_BARE_ITEM})?)*+"
_MEMBER = re.compile(rf"({_KEY})=:([A-Za-z0-9+/=]*+):{_PARAMETERS}")
_COMMA = re.compile(r"[ \t]*+,[ \t]*+")
_PREFERENCE = re.compile(rf"({_KEY})=(10|[0-9])")


def _read(field: str) -> dict[str, bytes]:
    """Name to digest. Stricter than RFC 9651, which lets the last of two members of one name win."""
    field = field.strip(" ")
    if len(field) > FIELD_LENGTH_MAX:
        raise DigestMalformed(f"a digest header has at most {FIELD_LENGTH_MAX} characters")
    found: dict[str, bytes] = {}
    position = 0
    while position < len(field):
        member = _MEMBER.match(field, position)
        if member is None or member[1] in found:
            raise DigestMalformed("a digest header is a list such as sha-256=:base64:, each algorithm once")
        found[member[1]] = _bytes(member[2])
        position = member.end()
        comma = _COMMA.match(field, position)
        if position < len(field) and (comma is None or comma.end() == len(field)):
            raise DigestMalformed("the members of a digest header are parted by one comma")
        position = comma.end() if comma is not None else position
    return found


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise DigestMalformed("a digest is written in base64") from error
    if base64.b64encode(data).decode() != text:
        raise DigestMalformed("a digest is written in base64 as everybody writes it")
    return data
