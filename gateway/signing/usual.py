"""A ds:Signature read at one glance, when it is of the form that nearly everybody writes.

Its canonical form must then be the text below and no other: so everything that `shape` asks of it element by element
holds at once, in half the time. Whatever is not this text is left to `shape`, which reads the rarer forms and says what
is wrong with the others. A test compares the two over every vector.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS
from gateway.signing.algorithm import DigestMethod, SignatureMethod, Transform

PREFIXES = (b"ds:", b"", b"dsig:")
"""What toolkits write. A list, so that no message chooses what is compiled."""

_REFERENCE = r"""
<{p}Reference {id} \ URI="{open}[^"<&]*+)"> {s}
<{p}Transforms> {s}
{open}(?:<{p}Transform\ Algorithm="{enveloped}"></{p}Transform> {s} )?)
<{p}Transform\ Algorithm="{exclusive}"></{p}Transform> {s}
</{p}Transforms> {s}
<{p}DigestMethod\ Algorithm="{open}{digests})"></{p}DigestMethod> {s}
<{p}DigestValue>{open}[A-Za-z0-9+/=\ \t\n]*+)</{p}DigestValue> {s}
</{p}Reference> {s}
"""

# Of KeyInfo only where it begins and ends: with three children of the Signature it is the third. What is in it is read
# from the tree.
_SIGNATURE = r"""
<{p}Signature\ {declared}="{ds}" {id}> {s}
(<{p}SignedInfo {id}> {s}
<{p}CanonicalizationMethod\ Algorithm="{exclusive}"></{p}CanonicalizationMethod> {s}
<{p}SignatureMethod\ Algorithm="({methods})"></{p}SignatureMethod> {s}
((?: {reference} )++)
</{p}SignedInfo>) {s}
<{p}SignatureValue {id}> ([A-Za-z0-9+/=\ \t\n]*+) </{p}SignatureValue> {s}
<{p}KeyInfo {id}> .* </{p}KeyInfo> {s}
</{p}Signature>
"""

_SPACE = r"[\ \t\n]*+"
_ID = r'(?:\ Id="[^"<]*+")?'
_START = re.compile(rb"<([a-z]*+:?)Signature ")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualReference:
    """One ds:Reference; `digest` is the text of its DigestValue, still to be decoded."""

    uri: str
    transforms: tuple[Transform, ...]
    method: DigestMethod
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualSignature:
    """What it says; `value` is the text of SignatureValue, still to be decoded.

    signed_info  the canonical form of SignedInfo: what the value is over
    """

    signed_info: bytes
    method: SignatureMethod
    references: tuple[UsualReference, ...]
    value: str


def read_usual(signature: etree._Element) -> UsualSignature | None:
    """What this ds:Signature says, or None when it is not of the usual form."""
    if len(signature) != 3:
        return None
    canonical = exclusive(signature)
    start = _START.match(canonical)
    if start is None or start[1] not in PREFIXES:
        return None
    whole, one = _patterns(start[1])
    match = whole.fullmatch(canonical)
    if match is None:
        return None
    references = tuple(
        UsualReference(
            uri=each[1].decode(),
            transforms=_ENVELOPED if each[2] else _ALONE,
            method=_DIGESTS[each[3]],
            digest=each[4].decode(),
        )
        for each in one.finditer(match[3])
    )
    return UsualSignature(
        signed_info=_alone(match[1], start[1]),
        method=_METHODS[match[2]],
        references=references,
        value=match[4].decode(),
    )


def _alone(signed_info: bytes, prefix: bytes) -> bytes:
    """Standing alone it declares the namespace itself, before its attributes."""
    start = len(prefix) + len("<SignedInfo")
    return b'%b %b="%b"%b' % (signed_info[:start], _declared(prefix).encode(), DS.encode(), signed_info[start:])


def _declared(prefix: bytes) -> str:
    return f"xmlns:{prefix[:-1].decode()}" if prefix else "xmlns"


_DIGESTS = {method.encode(): method for method in DigestMethod}
_METHODS = {method.encode(): method for method in SignatureMethod}
_ALONE = (Transform.EXCLUSIVE_C14N,)
_ENVELOPED = (Transform.ENVELOPED, Transform.EXCLUSIVE_C14N)


@lru_cache(maxsize=len(PREFIXES))
def _patterns(prefix: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """The whole text with its parts, and one Reference with its."""
    words = {
        "p": prefix.decode(),
        "s": _SPACE,
        "ds": re.escape(DS),
        "id": _ID,
        "declared": _declared(prefix),
        "exclusive": re.escape(Transform.EXCLUSIVE_C14N),
        "enveloped": re.escape(Transform.ENVELOPED),
        "digests": _any_of(DigestMethod),
        "methods": _any_of(SignatureMethod),
    }
    reference = _REFERENCE.format(**words, open="(?:")
    whole = _SIGNATURE.format(**words, reference=reference)
    one = _REFERENCE.format(**words, open="(")
    return re.compile(whole.strip().encode(), re.VERBOSE | re.DOTALL), re.compile(one.encode(), re.VERBOSE)


def _any_of(algorithms: Iterable[str]) -> str:
    return "|".join(map(re.escape, algorithms))
