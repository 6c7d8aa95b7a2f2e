"""An enveloped signature: ds:Signature as the last child of a document's root.

Verify, go on with the document that `verify_enveloped` gives back, and with nothing else: it is the very tree that was
verified, without the signature and without comments, which a signature does not cover.
"""

from datetime import datetime

from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS
from gateway.document.parse import Document, to_bytes
from gateway.signing.algorithm import Transform
from gateway.signing.effort import check_effort
from gateway.signing.identity import NodeId, is_id_reference, unique_ids
from gateway.signing.keyring import Signer, TrustedKeys
from gateway.signing.shape import (
    Shape,
    SignatureMissing,
    SignatureShape,
    certificates_of,
    check_types,
    read_shape,
    strip,
    stripped,
)
from gateway.signing.signature import Reference, append, check_value, digest, signer_key
from gateway.signing.type_name import prefixes_in_values

ENVELOPED = (Transform.ENVELOPED, Transform.EXCLUSIVE_C14N)
"""The transforms of an enveloped signature, in this order."""

SIGNATURE = f"{{{DS}}}Signature"


def has_signature(document: Document) -> bool:
    """Whether there is a ds:Signature anywhere in it, in the right place or not."""
    return next(document.root.iter(SIGNATURE), None) is not None


def sign_enveloped(document: Document, signer: Signer) -> bytes:
    """The document with its signature, ready to send. Raises what the signer raises."""
    signed = stripped(document.root)
    prefixes = prefixes_in_values(signed)
    octets = exclusive(signed, prefixes=prefixes)
    reference = Reference(uri="", digest=digest(octets), transforms=ENVELOPED, prefixes=prefixes)
    append(signed, (reference,), signer)
    return to_bytes(Document(signed))


def verify_enveloped(document: Document, trusted: TrustedKeys, *, now: datetime) -> Document:
    """The verified document without its signature: the very tree that was given, taken over and not copied.

    Raises `SignatureMissing`, `SignatureShape`, `SignatureAlgorithm`, `SignatureInvalid`, `NotSigner`, and the
    certificate errors for a certificate that is the agency's but expired, not yet valid or not for signing.
    """
    return Document(_without(verify_root(document.root, trusted, now=now)))


def unsigned(document: Document) -> Document:
    """A copy without its signature, of a document that was verified when it came in."""
    copy = stripped(document.root)
    _signature_of(copy)
    return Document(_without(copy))


def verify_root(root: etree._Element, trusted: TrustedKeys, *, now: datetime) -> etree._Element:
    """The root, verified, without comments, the signature still in it. Raises like `verify_enveloped`."""
    if root.getparent() is not None:
        raise ValueError("an enveloped signature is verified in a document of its own")
    strip(root)
    shape = read_shape(_signature_of(root), ENVELOPED)
    ids = _signed_ids(root, shape)
    check_types([(root, shape.references[0])])
    check_effort([(root, shape.references[0])])
    certificate, *others = certificates_of(shape.key_info)
    key = signer_key(certificate, trusted, now=now, others=others)
    check_value(shape, key, ids)
    return root


def _signature_of(root: etree._Element) -> etree._Element:
    """The only ds:Signature, which is the root's last child."""
    signatures = list(root.iter(SIGNATURE))
    if not signatures:
        raise SignatureMissing("the document is not signed, and must be")
    if len(signatures) > 1:
        raise SignatureShape("the document has more than one signature")
    if signatures[0] is not root[-1]:
        raise SignatureShape("the signature is not the last child of the root element")
    return signatures[0]


def _signed_ids(root: etree._Element, shape: Shape) -> tuple[NodeId, ...]:
    """The id attribute by which the only Reference names the root; none when it means the whole document."""
    ids = unique_ids(root)
    if len(shape.references) != 1:
        raise SignatureShape("an enveloped signature has exactly one Reference")
    uri = shape.references[0].uri
    if not uri:
        return ()
    node = ids.get(uri[1:])
    if not is_id_reference(uri) or node is None or node.element is not root:
        raise SignatureShape("the signature's Reference is not to the document's root")
    return (node,)


def _without(root: etree._Element) -> etree._Element:
    """Take the signature out; text after it stays where a reader of the signed document found it."""
    signature = root[-1]
    tail = signature.tail or ""
    before = signature.getprevious()
    if before is None:
        root.text = (root.text or "") + tail or None
    else:
        before.tail = (before.tail or "") + tail or None
    signature.tail = None
    root.remove(signature)
    return root
