"""WS-Security header of SOAP deliveries: X.509 token, Timestamp, and one signature over what matters in the envelope.

Signed are the Body, the Timestamp, the token, every WS-Addressing header and the Cover. A verifier does not follow
references wherever they lead: each must lead to one of those places, and each of those that is there must be signed.
What comes back holds nothing else: header blocks that nobody signed are gone.
Source: OASIS WS-Security 1.1 with the X.509 Token Profile; reference processing as in `reference/security.md`, 3.6.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from gateway.clock import timestamp as moment_text
from gateway.document.canonical import exclusive
from gateway.document.names import COVER, SOAP11, SOAP12, WSA, WSSE, WSU, split
from gateway.document.parse import Document
from gateway.signing.algorithm import Transform
from gateway.signing.effort import check_effort
from gateway.signing.enveloped import ENVELOPED
from gateway.signing.identity import NodeId, all_ids, is_id_reference, unique_ids
from gateway.signing.key_reference import BASE64, X509_TOKEN, certificate_named
from gateway.signing.keyring import Signer, TrustedKeys
from gateway.signing.proof import Proof, proof_of
from gateway.signing.security import (
    LEEWAY,
    SECURITY,
    SIGNATURE,
    Security,
    check_fresh,
    read_security,
    read_timestamp,
)
from gateway.signing.shape import (
    Shape,
    SignatureMissing,
    SignatureShape,
    check_types,
    read_shape,
    strip,
)
from gateway.signing.signature import Reference, append, check_value, digest, signer_key
from gateway.signing.type_name import prefixes_in_values

WSU_ID = f"{{{WSU}}}Id"
COVER_BLOCK = f"{{{COVER}}}Cover"
IS_REFERENCE_PARAMETER = f"{{{WSA}}}IsReferenceParameter"


Ids = Mapping[str, NodeId]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedEnvelope:
    """An envelope whose signature was verified: go on with this document, and with nothing else."""

    document: Document
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """The fixed places of a signed envelope."""

    header: etree._Element
    body: etree._Element
    security: Security
    timestamp: etree._Element
    signature: etree._Element

    @property
    def blocks(self) -> list[etree._Element]:
        """Header blocks other than wsse:Security."""
        return [block for block in self.header if block is not self.security.element]

    @property
    def required(self) -> list[etree._Element]:
        """What must be signed."""
        return [self.body, self.timestamp, *(block for block in self.blocks if _must_be_signed(block))]


def _must_be_signed(block: etree._Element) -> bool:
    return block.tag == COVER_BLOCK or split(str(block.tag))[0] == WSA


def sign_envelope(
    envelope: etree._Element, signer: Signer, *, created: datetime, expires: datetime, must_understand: bool = True
) -> etree._Element:
    """Put a signed wsse:Security header into the envelope, and wsu:Id on what is signed; gives the same envelope back.

    The envelope has a Header (with the WS-Addressing blocks and the Cover already in it) and a Body.
    Raises what the signer raises.
    """
    header, body = _header_and_body(envelope)
    if header.find(SECURITY) is not None:
        raise ValueError("the envelope has a wsse:Security header already")
    soap = etree.QName(envelope).namespace or ""
    prefix = _free_prefix(identity for identity, _ in all_ids(envelope))
    # Reference parameters too: they say to its receiver what the message is about.
    signed = [block for block in header if _must_be_signed(block) or block.get(IS_REFERENCE_PARAMETER)]
    security = etree.fromstring(_security(soap, prefix, signer, created, expires))
    if not must_understand:
        del security.attrib[f"{{{soap}}}mustUnderstand"]
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
    """The document of `verify_signed`, for who needs nothing else."""
    return verify_signed(document, trusted, now=now, leeway=leeway).document


def verify_signed(
    document: Document, trusted: TrustedKeys, *, now: datetime, leeway: timedelta = LEEWAY
) -> SignedEnvelope:
    """The verified envelope: its signed header blocks and its Body. wsse:Security and unsigned blocks are taken out.

    The very tree that was given is taken over, and not copied.

    Everything that can be judged by its form is, before the first certificate or digest is looked at.

    Raises `SignatureMissing`, `SignatureShape`, `SignatureAlgorithm`, `SignatureInvalid`, `SignatureStale`,
    `NotSigner` and the certificate errors.
    """
    envelope = document.root
    strip(envelope)
    places = _places(envelope)
    shape = read_shape(places.signature, (Transform.EXCLUSIVE_C14N,), ENVELOPED)
    timestamp = read_timestamp(places.timestamp)
    ids = unique_ids(envelope)
    signed = _signed(shape, ids, places)
    certificate = certificate_named(shape.key_info, trusted, lambda name: _token(name, ids, places))
    check_value(shape, signer_key(certificate, trusted, now=now), signed)
    check_fresh(timestamp, now, leeway)
    proof = proof_of(shape, certificate, until=timestamp.until(leeway))
    kept = [node.element for node in signed]
    for block in [places.security.element, *(block for block in places.blocks if block not in kept)]:
        places.header.remove(block)
    return SignedEnvelope(document=Document(envelope), proof=proof)


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
        f"</wsse:BinarySecurityToken><wsu:Timestamp><wsu:Created>{moment_text(created)}</wsu:Created>"
        f"<wsu:Expires>{moment_text(expires)}</wsu:Expires></wsu:Timestamp></wsse:Security>"
    )


def _reference(place: etree._Element, identity: str) -> Reference:
    """Digest of a place, by the id it has or is given now."""
    has = place.get("Id") if place.tag == COVER_BLOCK else place.get(WSU_ID)
    if not has:
        place.set(WSU_ID, identity)
    prefixes = prefixes_in_values(place)
    octets = exclusive(place, prefixes=prefixes)
    return Reference(uri=f"#{has or identity}", digest=digest(octets), prefixes=prefixes)


def _header_and_body(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    soap, name = split(str(envelope.tag))
    expected = [f"{{{soap}}}Header", f"{{{soap}}}Body"]
    if soap not in {SOAP11, SOAP12} or name != "Envelope":
        raise SignatureShape("the document is not a SOAP envelope")
    if [child.tag for child in envelope] != expected:
        raise SignatureShape("a signed SOAP envelope has exactly one Header and one Body")
    return envelope[0], envelope[1]


def _places(envelope: etree._Element) -> _Places:
    header, body = _header_and_body(envelope)
    security = read_security(header, split(str(envelope.tag))[0])
    if security is None:
        raise SignatureMissing("the envelope has no WS-Security header, and must be signed")
    if security.signature is None:
        raise SignatureMissing("the WS-Security header has no signature")
    if security.timestamp is None:
        raise SignatureShape("the WS-Security header has no Timestamp")
    return _Places(
        header=header, body=body, security=security, timestamp=security.timestamp, signature=security.signature
    )


def _signed(shape: Shape, ids: Ids, places: _Places) -> tuple[NodeId, ...]:
    """Where the References lead: only to fixed places, each once, and to all that must be signed."""
    tokens = [each for each in (places.security.token, places.security.username) if each is not None]
    required, blocks = places.required, places.blocks
    # Elements are told apart by what they are, not by what they say: `allowed` holds on to all of them meanwhile.
    allowed = {id(place): place for place in (*required, *blocks, *tokens)}
    found: dict[int, NodeId] = {}
    for reference in shape.references:
        node = ids.get(reference.uri[1:])
        if not is_id_reference(reference.uri) or node is None or id(node.element) not in allowed:
            raise SignatureShape("a Reference leads to something other than Body, Timestamp, token or a header block")
        if id(node.element) in found:
            raise SignatureShape("two References lead to the same element")
        found[id(node.element)] = node
    if not all(id(place) in found for place in required):
        raise SignatureShape("Body, Timestamp, every WS-Addressing header and the Cover must be signed")
    signed = [(node.element, reference) for node, reference in zip(found.values(), shape.references, strict=True)]
    check_types(signed)
    check_effort(signed)
    return tuple(found.values())


def _token(name: str, ids: Ids, places: _Places) -> etree._Element | None:
    """The header's token, when this is its id."""
    node, token = ids.get(name), places.security.token
    return token if node is not None and node.element is token else None
