"""ds:Signature: written by a template that is canonical by construction, checked by xmlsec behind `shape`.

Writing a document that is put together as bytes needs no parser and no canonicalizer: what the template gives is
exclusive C14N already, so the bytes that are signed are those a verifier arrives at (a test compares). Checking runs
xmlsec on a signature whose form `gateway.signing.shape` has passed, with a key that comes from the agency's
registered certificates and never from the message.
Source: XML Signature 1.1; Exclusive XML Canonicalization 1.0.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

# After lxml, always: whichever is loaded first brings the libxml2 that both then use.
from xmlsec import Error as XmlsecError
from xmlsec import Key, SignatureContext, constants

from gateway.document.canonical import exclusive
from gateway.document.names import DS, EC, split
from gateway.errors import Tampered
from gateway.signing.algorithm import DigestMethod, PublicKey, SignatureMethod, Transform, fits, value_size_bytes
from gateway.signing.certificate import CertificateUnreadable, CertificateUntrusted, check, read_certificate
from gateway.signing.identity import NodeId
from gateway.signing.keyring import Signer, TrustedKeys
from gateway.signing.shape import Shape, SignatureAlgorithm, SignatureShape


class SignatureInvalid(Tampered):
    """The bytes are not those that were signed."""

    code = "signature.invalid"


class NotSigner(Tampered):
    """Signed, but with a certificate that does not speak for the agency it claims to come from."""

    code = "signature.not-signer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One thing that is signed.

    uri         "" for the whole document, "#id" for one element
    digest      SHA-256 of its canonical form, 32 bytes
    prefixes    those treated inclusively in that form
    """

    uri: str
    digest: bytes
    transforms: tuple[Transform, ...] = (Transform.EXCLUSIVE_C14N,)
    prefixes: tuple[str, ...] = ()


def digest(canonical: bytes) -> bytes:
    """SHA-256 of a canonical form."""
    return sha256(canonical).digest()


def write(references: tuple[Reference, ...], signer: Signer) -> bytes:
    """A ds:Signature element in canonical form, for a document that is put together as bytes."""
    content = _signed_info(references, signer.algorithm)
    value = signer.sign(f'<ds:SignedInfo xmlns:ds="{DS}">{content}'.encode())
    return _element(content, value, _x509_data(signer.certificate_der))


def rewritten(shape: Shape, references: tuple[Reference, ...], certificate: bytes) -> bytes:
    """What `write` would have given for a signature of this method, value and certificate."""
    return _element(_signed_info(references, shape.method), shape.value, _x509_data(certificate))


def append(parent: etree._Element, references: tuple[Reference, ...], signer: Signer, *, key_info: str = "") -> None:
    """Sign in a tree: ds:Signature as the last child of `parent`.

    key_info    content of ds:KeyInfo; "" puts the signer's certificate there as X509Data
    """
    content = key_info or _x509_data(signer.certificate_der)
    # The element is our own text of fixed form: it needs none of the limits of what comes from outside.
    element = etree.fromstring(_element(_signed_info(references, signer.algorithm), b"", content))
    parent.append(element)
    # Canonicalized where it stands: the tree may know the namespace by another prefix, which lxml then takes over.
    element[1].text = _base64(signer.sign(exclusive(element[0])))


def _element(content: str, value: bytes, key_info: str) -> bytes:
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{content}'
        f"<ds:SignatureValue>{_base64(value)}</ds:SignatureValue><ds:KeyInfo>{key_info}</ds:KeyInfo></ds:Signature>"
    ).encode()


def _signed_info(references: tuple[Reference, ...], method: SignatureMethod) -> str:
    """Content and end tag of ds:SignedInfo; the start tag differs between the signed and the written form."""
    parts = "".join(
        f'<ds:Reference URI="{reference.uri}"><ds:Transforms>{_transforms(reference)}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{DigestMethod.SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_base64(reference.digest)}</ds:DigestValue></ds:Reference>"
        for reference in references
    )
    return (
        f'<ds:CanonicalizationMethod Algorithm="{Transform.EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>{parts}</ds:SignedInfo>'
    )


def _transforms(reference: Reference) -> str:
    listed = ""
    if reference.prefixes:
        prefixes = " ".join(reference.prefixes)
        listed = f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="{prefixes}"></ec:InclusiveNamespaces>'
    inside = {Transform.EXCLUSIVE_C14N: listed}
    return "".join(
        f'<ds:Transform Algorithm="{transform}">{inside.get(transform, "")}</ds:Transform>'
        for transform in reference.transforms
    )


def _x509_data(certificate: bytes) -> str:
    return f"<ds:X509Data><ds:X509Certificate>{_base64(certificate)}</ds:X509Certificate></ds:X509Data>"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyingKey:
    """A public key, and the same as xmlsec wants it."""

    public: PublicKey
    xmlsec: Key


def signer_key(
    certificate: bytes, trusted: TrustedKeys, *, now: datetime, others: Sequence[bytes] = ()
) -> VerifyingKey:
    """The key of the certificate a message came with, once it is known to be the agency's.

    others  certificates beside it in the message: hints for the way up to a registered authority

    Raises `NotSigner` for one that is not, and the other certificate errors for one that is but cannot be used.
    """
    try:
        public = check(certificate, trusted, now=now, others=others)
    except (CertificateUntrusted, CertificateUnreadable) as error:
        raise NotSigner(f"the signing certificate is not one registered for {trusted.agency}") from error
    return VerifyingKey(public=public, xmlsec=_xmlsec_key(certificate))


def check_value(shape: Shape, key: VerifyingKey, ids: Iterable[NodeId] = ()) -> None:
    """Check digests and signature value in the tree that `shape` was read from.

    ids     attributes that References may name, each unique in the tree

    Raises `SignatureAlgorithm`, `SignatureShape`, `SignatureInvalid`.
    """
    if not fits(shape.method, key.public):
        raise SignatureAlgorithm("the signature method is not one for the signer's kind of key")
    if len(shape.value) != value_size_bytes(key.public):
        raise SignatureShape("the signature value has not the length of the signer's key")
    context = SignatureContext()
    try:
        context.key = key.xmlsec
        for node in ids:
            namespace, name = split(node.attribute)
            context.register_id(node.element, name, namespace or None)
        context.verify(shape.element)
    except XmlsecError as error:
        raise SignatureInvalid("the signature does not fit what was received: changed on its way?") from error


@lru_cache(maxsize=256)
def _xmlsec_key(certificate: bytes) -> Key:
    """A certificate's key as xmlsec wants it. Reading one costs as much as using it; a context takes a duplicate."""
    public = read_certificate(certificate).public_key()
    return Key.from_memory(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), constants.KeyDataFormatDer
    )
