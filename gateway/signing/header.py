"""WS-Security header of SOAP deliveries: X.509 token, Timestamp, and one signature over what matters in the envelope.

Signed are the Body, the Timestamp, the token, every WS-Addressing header and the Cover. A verifier does not follow
references wherever they lead: each must lead to one of those places, and each of those that is there must be signed.
What comes back holds nothing else: header blocks that nobody signed are gone.
Source: OASIS WS-Security 1.1 with the X.509 Token Profile; reference processing as in `reference/security.md`, 3.6.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from gateway.clock import timestamp
from gateway.document.canonical import exclusive
from gateway.document.names import SOAP11, SOAP12, WSA, WSSE, WSU
from gateway.document.parse import Document
from gateway.errors import Refused
from gateway.signing.algorithm import Transform
from gateway.signing.cover import COVER
from gateway.signing.enveloped import SIGNATURE
from gateway.signing.keyring import Signer, TrustedKeys
from gateway.signing.shape import (
    NodeId,
    Shape,
    SignatureMissing,
    SignatureShape,
    all_ids,
    binary_text,
    certificate_of,
    read_shape,
    stripped,
    unique_ids,
)
from gateway.signing.signature import Reference, append, check_value, digest, signer_key

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
X509_TOKEN = f"{_OASIS}x509-token-profile-1.0#X509v3"
BASE64 = f"{_OASIS}soap-message-security-1.0#Base64Binary"

LEEWAY = timedelta(minutes=5)
"""How far two clocks may differ, and how old a signature may be."""

SECURITY = f"{{{WSSE}}}Security"
TIMESTAMP = f"{{{WSU}}}Timestamp"
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
TOKEN_REFERENCE = f"{{{WSSE}}}SecurityTokenReference"
WSU_ID = f"{{{WSU}}}Id"
COVER_BLOCK = f"{{{COVER}}}Cover"


Ids = Mapping[str, NodeId]


class SignatureStale(Refused):
    """Signed too long ago, not yet, or past its end."""

    code = "signature.stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """The fixed places of a signed envelope."""

    header: etree._Element
    body: etree._Element
    security: etree._Element
    timestamp: etree._Element
    signature: etree._Element
    token: etree._Element | None

    @property
    def blocks(self) -> list[etree._Element]:
        """Header blocks other than wsse:Security."""
        return [block for block in self.header if block is not self.security]

    @property
    def required(self) -> list[etree._Element]:
        """What must be signed."""
        return [self.body, self.timestamp, *(block for block in self.blocks if _must_be_signed(block))]


def _must_be_signed(block: etree._Element) -> bool:
    return block.tag == COVER_BLOCK or etree.QName(block).namespace == WSA


def sign_envelope(envelope: etree._Element, signer: Signer, *, created: datetime, expires: datetime) -> etree._Element:
    """Put a signed wsse:Security header into the envelope, and wsu:Id on what is signed; gives the same envelope back.

    The envelope has a Header (with the WS-Addressing blocks and the Cover already in it) and a Body.
    Raises what the signer raises.
    """
    header, body = _header_and_body(envelope)
    if header.find(SECURITY) is not None:
        raise ValueError("the envelope has a wsse:Security header already")
    soap = etree.QName(envelope).namespace or ""
    prefix = _free_prefix(identity for identity, _ in all_ids(envelope))
    signed = [block for block in header if _must_be_signed(block)]
    security = etree.fromstring(_security(soap, prefix, signer, created, expires))
    header.append(security)
    places = [body, *signed, *security]
    references = tuple(_reference(place, f"{prefix}{number}") for number, place in enumerate(places))
    key_info = (
        f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}">'
        f'<wsse:Reference URI="#{prefix}token" ValueType="{X509_TOKEN}"></wsse:Reference></wsse:SecurityTokenReference>'
    )
    append(security, references, signer, key_info=key_info)
    return envelope


def verify_envelope(document: Document, trusted: TrustedKeys, *, now: datetime, leeway: timedelta = LEEWAY) -> Document:
    """The verified envelope: its signed header blocks and its Body. wsse:Security and unsigned blocks are left out.

    Raises `SignatureMissing`, `SignatureShape`, `SignatureAlgorithm`, `SignatureInvalid`, `SignatureStale`,
    `NotSigner` and the certificate errors.
    """
    envelope = stripped(document.root)
    places = _places(envelope)
    shape = read_shape(places.signature, (Transform.EXCLUSIVE_C14N,))
    ids = unique_ids(envelope)
    signed = _signed(shape, ids, places)
    key = signer_key(_certificate(shape, places, ids), trusted, now=now)
    check_value(shape, key, signed)
    _check_fresh(places.timestamp, now, leeway)
    kept = [node.element for node in signed]
    for block in [places.security, *(block for block in places.blocks if block not in kept)]:
        places.header.remove(block)
    return Document(envelope)


def is_signed(envelope: etree._Element) -> bool:
    """Whether the envelope has a WS-Security header with a signature in it."""
    return envelope.find(f"{{*}}Header/{SECURITY}/{SIGNATURE}") is not None


def _free_prefix(ids: Iterable[str]) -> str:
    """A beginning of ids that none in the envelope has: the payload brings ids of its own."""
    taken = tuple(ids)
    number = 0
    while any(identity.startswith(f"wss{number}-") for identity in taken):
        number += 1
    return f"wss{number}-"


def _security(soap: str, prefix: str, signer: Signer, created: datetime, expires: datetime) -> str:
    must = "true" if soap == SOAP12 else "1"
    token = base64.b64encode(signer.certificate_der).decode()
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" xmlns:soap="{soap}" soap:mustUnderstand="{must}">'
        f'<wsse:BinarySecurityToken EncodingType="{BASE64}" ValueType="{X509_TOKEN}" wsu:Id="{prefix}token">{token}'
        f"</wsse:BinarySecurityToken><wsu:Timestamp><wsu:Created>{timestamp(created)}</wsu:Created>"
        f"<wsu:Expires>{timestamp(expires)}</wsu:Expires></wsu:Timestamp></wsse:Security>"
    )


def _reference(place: etree._Element, identity: str) -> Reference:
    """Digest of a place, by the id it has or is given now."""
    has = place.get("Id") if place.tag == COVER_BLOCK else place.get(WSU_ID)
    if not has:
        place.set(WSU_ID, identity)
    return Reference(uri=f"#{has or identity}", digest=digest(exclusive(place)))


def _header_and_body(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    soap = etree.QName(envelope).namespace
    expected = [f"{{{soap}}}Header", f"{{{soap}}}Body"]
    if soap not in {SOAP11, SOAP12} or etree.QName(envelope).localname != "Envelope":
        raise SignatureShape("the document is not a SOAP envelope")
    if [child.tag for child in envelope] != expected:
        raise SignatureShape("a signed SOAP envelope has exactly one Header and one Body")
    return envelope[0], envelope[1]


def _places(envelope: etree._Element) -> _Places:
    header, body = _header_and_body(envelope)
    securities = header.findall(SECURITY)
    if not securities:
        raise SignatureMissing("the envelope has no WS-Security header, and must be signed")
    if len(securities) > 1:
        raise SignatureShape("the envelope has more than one WS-Security header")
    security = securities[0]
    soap = etree.QName(envelope).namespace
    if security.get(f"{{{soap}}}actor") or security.get(f"{{{soap}}}role"):
        raise SignatureShape("the WS-Security header is addressed to somebody on the way")
    parts: dict[str, etree._Element] = {}
    for child in security:
        if child.tag in parts or child.tag not in {TIMESTAMP, TOKEN, SIGNATURE}:
            raise SignatureShape("a WS-Security header holds one Timestamp, one Signature, and one token at most")
        parts[str(child.tag)] = child
    if SIGNATURE not in parts:
        raise SignatureMissing("the WS-Security header has no signature")
    if TIMESTAMP not in parts:
        raise SignatureShape("the WS-Security header has no Timestamp")
    return _Places(
        header=header,
        body=body,
        security=security,
        timestamp=parts[TIMESTAMP],
        signature=parts[SIGNATURE],
        token=parts.get(TOKEN),
    )


def _signed(shape: Shape, ids: Ids, places: _Places) -> tuple[NodeId, ...]:
    """Where the References lead: only to fixed places, each once, and to all that must be signed."""
    allowed = [*places.required, *places.blocks] + ([] if places.token is None else [places.token])
    found: list[NodeId] = []
    for reference in shape.references:
        node = ids.get(reference.uri[1:])
        if not reference.uri.startswith("#") or node is None or not any(node.element is place for place in allowed):
            raise SignatureShape("a Reference leads to something other than Body, Timestamp, token or a header block")
        if any(node.element is other.element for other in found):
            raise SignatureShape("two References lead to the same element")
        found.append(node)
    for place in places.required:
        if not any(node.element is place for node in found):
            raise SignatureShape("Body, Timestamp, every WS-Addressing header and the Cover must be signed")
    return tuple(found)


def _certificate(shape: Shape, places: _Places, ids: Ids) -> bytes:
    """DER of the certificate: the token, when KeyInfo refers to it, or X509Data."""
    reference = shape.key_info
    if reference.tag == TOKEN_REFERENCE:
        if len(reference) != 1:
            raise SignatureShape("a SecurityTokenReference has exactly one child")
        reference = reference[0]
    if reference.tag != f"{{{WSSE}}}Reference":
        return certificate_of(reference)
    node = ids.get(reference.get("URI", "")[1:])
    token = places.token
    if node is None or token is None or node.element is not token:
        raise SignatureShape("the signature's token is not in the WS-Security header")
    if token.get("ValueType") != X509_TOKEN or token.get("EncodingType", BASE64) != BASE64:
        raise SignatureShape("the token must be one X.509 certificate in base64")
    return binary_text(token)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def _check_fresh(element: etree._Element, now: datetime, leeway: timedelta) -> None:
    names = [child.tag for child in element]
    if names not in ([f"{{{WSU}}}Created"], [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"]):
        raise SignatureShape("a Timestamp has Created and Expires")
    created = _moment(element[0])
    if not now - leeway <= created <= now + leeway:
        raise SignatureStale(f"Created must be within {leeway} of the gateway's clock: is the sender's clock right?")
    if len(element) == 2 and _moment(element[1]) <= now:
        raise SignatureStale("the signature's Expires has passed")


def _moment(element: etree._Element) -> datetime:
    text = (element.text or "").strip()
    if not _MOMENT.fullmatch(text):
        raise SignatureShape("a Timestamp is written in UTC, such as 2026-01-31T08:15:00.25Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise SignatureShape("a Timestamp names no such moment") from error
