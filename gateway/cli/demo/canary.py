"""Canaries: marks that nobody else writes, one in each place of a message that can hold one.

What a recipient may see is worked out here from the agreements' lists alone, without the code that cuts; then all
that recipients received and all that lies on the disk is searched, decoded from base64 and gzip too. A canary where
it may not be is a leak.
"""

import base64
import binascii
import gzip
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from gateway.agency import AgencyId
from gateway.document.expression import write_expression
from gateway.document.names import split
from gateway.document.parse import Document, to_bytes
from gateway.exchange.configured import Configured
from gateway.iepd.catalog import Field
from gateway.iepd.facts import Facts, evaluate
from gateway.iepd.package import Iepd
from gateway.policy.mou import Clause, Grain

MARK = re.compile(rb"cnry[a-z2-7]{12}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{24,}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_IDENTITY = ("id", "ref", "uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One planted mark. `field` is None where nobody may ever see it: comments, identities."""

    mark: bytes
    field: Field | None
    element: etree._Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A message with its canaries. `facts` are those of the planted message, which the gateway will compute too."""

    body: bytes
    iepd: Iepd
    facts: Facts
    canaries: tuple[Canary, ...]


def plant(document: Document, iepd: Iepd) -> Planted:
    """A copy of the message with a canary in every leaf that can hold one, in its identities, and in a comment."""
    root = deepcopy(document.root)
    canaries = [*_in_leaves(root, iepd), *_in_identities(root)]
    mark = _mark()
    root.insert(0, etree.Comment(f" {mark} "))
    canaries.append(Canary(mark=mark.encode(), field=None, element=root))
    planted = Document(root)
    return Planted(body=to_bytes(planted), iepd=iepd, facts=evaluate(planted, iepd), canaries=tuple(canaries))


def _mark() -> str:
    return "cnry" + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def _in_leaves(root: etree._Element, iepd: Iepd) -> Iterator[Canary]:
    routed = " ".join(write_expression(fact.test) for fact in iepd.facts)
    header = set(iepd.message_paths.values())
    for element in list(root.iter(etree.Element)):
        field = iepd.catalog.find(_path(element, root))
        if field is None or field.path in header or len(element):
            continue
        if split(str(element.tag))[1] in routed:
            continue  # a route or condition reads this value; a mark in it would change who may have the message
        mark = _mark()
        if _write(element, field, mark):
            yield Canary(mark=mark.encode(), field=field, element=element)


def _write(element: etree._Element, field: Field, mark: str) -> bool:
    text = element.text or ""
    if field.kind == "binary" and field.value.builtin == "base64Binary":
        element.text = base64.b64encode(_in_picture(base64.b64decode(text), mark.encode())).decode()
        return True
    value = field.value
    open_text = field.kind == "string" and not value.enumeration and not value.patterns and not value.is_list
    if not open_text or (value.length_max is not None and len(text) + len(mark) + 1 > value.length_max):
        return False
    element.text = f"{text} {mark}"
    return True


def _in_picture(data: bytes, mark: bytes) -> bytes:
    """The mark among a PNG's own data, which is all of it that goes out; behind any other file."""
    if not data.endswith(_PNG_END):
        return data + mark
    chunk = b"IDAT" + mark
    whole = len(mark).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    return data.removesuffix(_PNG_END) + whole + _PNG_END


def _in_identities(root: etree._Element) -> Iterator[Canary]:
    """Ids and what points at them get the same mark; absolute ones stay."""
    marks: dict[str, str] = {}
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            namespace, local = split(str(name))
            if local not in _IDENTITY or "/structures/" not in namespace:
                continue
            hashed, plain = str(value).startswith("#"), str(value).lstrip("#")
            if local == "uri" and not hashed:
                continue
            if plain not in marks:
                marks[plain] = _mark()
                yield Canary(mark=marks[plain].encode(), field=None, element=element)
            element.set(name, f"{'#' if hashed else ''}{plain}-{marks[plain]}")


def _path(element: etree._Element, root: etree._Element) -> tuple[str, ...]:
    steps = [str(element.tag)]
    for ancestor in element.iterancestors():
        if ancestor is root:
            return tuple(reversed(steps))
        steps.append(str(ancestor.tag))
    return ()


def allowed(planted: Planted, configured: Configured, sender: AgencyId, recipient: AgencyId) -> frozenset[bytes]:
    """The marks this recipient may see: those of fields that a clause shares whole, at places where no condition
    of the clause forbids it. Not one that is masked, generalized, replaced or removed."""
    clauses = [
        clause
        for mou in configured.in_force.mous
        for clause in mou.exchanges
        if clause.exchange == planted.iepd.id and clause.sender == sender and recipient in clause.recipients
    ]
    return frozenset(
        canary.mark
        for canary in planted.canaries
        if canary.field is not None and any(_shares(clause, canary, canary.field, planted.facts) for clause in clauses)
    )


def _shares(clause: Clause, canary: Canary, field: Field, facts: Facts) -> bool:
    transforms = [each for each in clause.transforms if _names(each.what, field)]
    if any(each.to is Grain.CITY_STATE for each in transforms):
        return any(word in split(field.path[-1])[1] for word in ("City", "County", "State", "Country"))
    if transforms:
        return False
    listed = [item for item in clause.share if _names(item.what, field)]
    return any(not item.unless or facts.of(canary.element, item.unless) is False for item in listed)


def _names(what: str, field: Field) -> bool:
    return what in {field.name, field.label} or (what.endswith(".*") and field.label.startswith(what[:-1]))


def found(data: bytes, depth: int = 3) -> frozenset[bytes]:
    """Every mark in some bytes: as they are, in base64 within them, in gzip or deflate within them."""
    marks = set(MARK.findall(data))
    if depth == 0:
        return frozenset(marks)
    for run in _BASE64.findall(data):
        text = b"".join(run.split()).rstrip(b"=")
        for start in range(4):  # a run may begin with characters that are not of the base64
            piece = text[start:]
            try:
                decoded = base64.b64decode(piece + b"=" * (-len(piece) % 4), validate=True)
            except (binascii.Error, ValueError):
                continue
            marks |= set(MARK.findall(decoded))
            if decoded.startswith(b"\x1f\x8b"):
                marks |= found(_unpacked(decoded), depth - 1)
    if data.startswith(b"\x1f\x8b"):
        marks |= found(_unpacked(data), depth - 1)
    return frozenset(marks)


def _unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""


def leaks(seen: Mapping[str, bytes], may_see: frozenset[bytes]) -> dict[str, frozenset[bytes]]:
    """Where marks stand that may not: by name of the thing searched."""
    everything = {name: found(data) - may_see for name, data in seen.items()}
    return {name: marks for name, marks in everything.items() if marks}
