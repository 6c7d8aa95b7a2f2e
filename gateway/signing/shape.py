"""The one shape a signature may have, checked before any cryptography.

XML-DSig is far more general than what anybody needs, and libraries accept what attackers make of that: signatures
wrapped around other content, transforms that select nothing, manifests, references to elsewhere. So a signature here
is exactly the elements below in their order, with exactly these attributes, and every id in the document is unique.
What does not look like this is refused, however well it verifies.

    Signature: SignedInfo, SignatureValue, KeyInfo
    SignedInfo: CanonicalizationMethod (exclusive), SignatureMethod (listed), Reference …
    Reference: Transforms (exactly those expected), DigestMethod (SHA-256, SHA-384 or SHA-512), DigestValue

Source: the profile checks of SAML stacks (OpenSAML; pysaml2 after CVE-2020-5390), and the vectors they missed.
"""

import base64
import binascii
import re
import threading
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS, split
from gateway.errors import Tampered
from gateway.signing.algorithm import REFUSED, DigestMethod, SignatureMethod, Transform
from gateway.signing.certificate import CERTIFICATE_SIZE_BYTES_MAX
from gateway.signing.type_name import are_covered, names_types
from gateway.signing.usual import read_usual

REFERENCES_MAX = 20
"""A signed SOAP message has about eight. A thousand cost a library 15 s."""

CERTIFICATES_MAX = 4
VALUE_SIZE_BYTES_MAX = 1024
"""An RSA-8192 value has exactly as many."""

PREFIXES_MAX = 100
PREFIX_LIST_LENGTH_MAX = 1000
"""WSS4J lists every prefix that is in scope: some fifty, of a message that declares all namespaces at its root."""


class SignatureShape(Tampered):
    """The signature, or its place, is not of the one form that is accepted."""

    code = "signature.shape"


class SignatureAlgorithm(Tampered):
    """An algorithm that is not on the list, or not one for this key."""

    code = "signature.algorithm"


class SignatureMissing(Tampered):
    """A signature is required and there is none."""

    code = "signature.missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeReference:
    """A ds:Reference: its URI, the declared digest, and the prefixes that its canonicalization treats inclusively."""

    uri: str
    digest: bytes
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a well-formed signature says. Nothing in it is verified yet.

    signed_info  the canonical form of ds:SignedInfo: what the value is over
    key_info     the only child of ds:KeyInfo
    """

    element: etree._Element
    signed_info: bytes
    method: SignatureMethod
    value: bytes
    references: tuple[ShapeReference, ...]
    key_info: etree._Element


class _OfThread(threading.local):
    """XPath objects of one thread: lxml locks them."""

    def __init__(self) -> None:
        self.has_comments = etree.XPath("boolean(descendant::comment())")


_of_thread = _OfThread()


def read_shape(signature: etree._Element, transforms: tuple[Transform, ...], *others: tuple[Transform, ...]) -> Shape:
    """The signature's parts. Raises `SignatureShape`, `SignatureAlgorithm`.

    transforms  what each Reference must apply, in this order
    others      what it may apply instead
    """
    chains = (transforms, *others)
    return _usual(signature, chains) or _element_by_element(signature, chains)


Chains = tuple[tuple[Transform, ...], ...]


def _usual(signature: etree._Element, chains: Chains) -> Shape | None:
    found = read_usual(signature)
    if found is None or any(reference.transforms not in chains for reference in found.references):
        return None
    if len(found.references) > REFERENCES_MAX:
        return None
    return Shape(
        element=signature,
        signed_info=found.signed_info,
        method=found.method,
        value=_decoded(found.value, VALUE_SIZE_BYTES_MAX, "SignatureValue"),
        references=tuple(
            ShapeReference(uri=each.uri, digest=_digest(each.digest, each.method)) for each in found.references
        ),
        key_info=_hint(signature[2]),
    )


def _hint(key_info: etree._Element) -> etree._Element:
    content = _elements(key_info)
    if len(content) != 1:
        raise SignatureShape("the signature's KeyInfo has exactly one child")
    return content[0]


def _element_by_element(signature: etree._Element, chains: Chains) -> Shape:
    signed_info, value, key_info = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    for element in (signature, signed_info, value, key_info):
        _only_attributes(element, "Id")
    parts = _elements(signed_info)
    if not 1 <= len(parts) - 2 <= REFERENCES_MAX:
        raise SignatureShape(f"a SignedInfo has two methods and 1 to {REFERENCES_MAX} references")
    c14n, method, *references = parts
    _named(c14n, "CanonicalizationMethod")
    _check_exclusive(c14n)
    return Shape(
        element=signature,
        signed_info=exclusive(signed_info),
        method=_method(method),
        value=_binary(value, VALUE_SIZE_BYTES_MAX),
        references=tuple(_reference(reference, chains) for reference in references),
        key_info=_hint(key_info),
    )


def certificate_of(x509_data: etree._Element) -> bytes:
    """DER of the first certificate of a ds:X509Data, by convention the signer's. A hint, nothing is trusted for it."""
    return certificates_of(x509_data)[0]


def certificates_of(x509_data: etree._Element) -> tuple[bytes, ...]:
    """DER of every certificate of a ds:X509Data, the signer's first, those of authorities above it after."""
    _named(x509_data, "X509Data")
    certificates: list[etree._Element] = []
    for child in _elements(x509_data):
        namespace, name = split(str(child.tag))
        if (namespace, name) == (DS, "X509Certificate"):
            certificates.append(child)
        elif namespace != DS or name not in {"X509IssuerSerial", "X509SubjectName", "X509SKI"}:
            raise SignatureShape("the signature's X509Data holds something other than certificates and their names")
    if not 1 <= len(certificates) <= CERTIFICATES_MAX:
        raise SignatureShape(f"the signature's X509Data holds 1 to {CERTIFICATES_MAX} certificates")
    return tuple(map(binary_text, certificates))


def binary_text(element: etree._Element) -> bytes:
    """Bytes of an element whose whole content is base64, as large as a certificate at most."""
    text = _text(element)
    if len(text) > 2 * CERTIFICATE_SIZE_BYTES_MAX:  # before it is remembered
        raise SignatureShape(f"the signature's {_local(element)} has not the length it must have")
    return _of_certificate(text, _local(element))


@lru_cache(maxsize=256)
def _of_certificate(text: str, name: str) -> bytes:
    """Remembered: an agency shows the same one on every message. The texts of 256 are some megabytes at most."""
    return _decoded(text, CERTIFICATE_SIZE_BYTES_MAX, name)


def stripped(root: etree._Element) -> etree._Element:
    """A copy in a document of its own, as `strip` leaves one. Raises like it."""
    _check_beside(root)
    clean = deepcopy(root)
    clean.tail = None
    strip(clean)
    return clean


def strip(root: etree._Element) -> None:
    """Take comments out: those are not signed, and would split the text around them.

    Raises `SignatureShape` when processing instructions or entity references stand in it or beside its root.
    """
    _check_beside(root)
    if _of_thread.has_comments(root):  # what comes in was parsed without them
        etree.strip_tags(root, etree.Comment)
    if next(root.iter(etree.PI, etree.Entity), None) is not None:
        raise SignatureShape("a signed document has no processing instructions and no entity references")


def _check_beside(root: etree._Element) -> None:
    if root.getparent() is not None or (root.getprevious() is None and root.getnext() is None):
        return
    if [*root.itersiblings(etree.PI, preceding=True), *root.itersiblings(etree.PI)]:
        raise SignatureShape("a signed document has no processing instructions beside its root")


def check_types(signed: Iterable[tuple[etree._Element, ShapeReference]]) -> None:
    """Raises `SignatureShape` when a type is named in one of these elements, all of one document, by a prefix that the
    reference to it does not sign."""
    for number, (apex, reference) in enumerate(signed):
        if number == 0 and not names_types(apex):
            return
        if not are_covered(apex, reference.prefixes):
            raise SignatureShape("an xsi:type has a prefix that is not signed: use it in a name there, or list it")


def _reference(element: etree._Element, chains: Chains) -> ShapeReference:
    _named(element, "Reference")
    _only_attributes(element, "Id", "URI")
    uri = element.get("URI")
    if uri is None:
        raise SignatureShape("a signature's Reference has a URI")
    chain, method, digest = _children(element, "Transforms", "DigestMethod", "DigestValue")
    prefixes = _check_transforms(chain, chains)
    _only_attributes(digest)
    value = _digest(_text(digest), _digest_method(method))
    return ShapeReference(uri=uri, digest=value, prefixes=prefixes)


def _digest(text: str, method: DigestMethod) -> bytes:
    value = _decoded(text, method.size_bytes, "DigestValue")
    if len(value) != method.size_bytes:
        raise SignatureShape(f"a digest of this method has {method.size_bytes} bytes")
    return value


def _digest_method(element: etree._Element) -> DigestMethod:
    _only_attributes(element, "Algorithm")
    if _elements(element):
        raise SignatureShape("the digest method takes no parameters")
    try:
        return DigestMethod(element.get("Algorithm", ""))
    except ValueError as error:
        known = ", ".join(method.rpartition("#")[2] for method in DigestMethod)
        raise _refused(element, f"the digest method must be one of {known}") from error


def _check_transforms(chain: etree._Element, chains: Chains) -> tuple[str, ...]:
    """The prefixes that its canonicalization treats inclusively."""
    _only_attributes(chain)
    steps = _elements(chain)
    named = tuple(step.get("Algorithm") for step in steps)
    expected = next((each for each in chains if named == each), chains[0])
    for step in steps:
        _named(step, "Transform")
        if step.get("Algorithm") not in expected:
            names = ", ".join(expected)
            raise _refused(step, f"a Reference has exactly these transforms: {names}")
    if len(steps) != len(expected):
        raise SignatureShape(f"a Reference has exactly these transforms: {', '.join(expected)}")
    prefixes: tuple[str, ...] = ()
    for step, transform in zip(steps, expected, strict=True):
        if transform is Transform.EXCLUSIVE_C14N:
            prefixes = _check_exclusive(step)
        else:
            _check_algorithm(step, transform)
    return prefixes


def _method(element: etree._Element) -> SignatureMethod:
    _named(element, "SignatureMethod")
    _only_attributes(element, "Algorithm")
    if _elements(element):  # HMACOutputLength and its like
        raise SignatureShape("the signature method takes no parameters")
    try:
        return SignatureMethod(element.get("Algorithm", ""))
    except ValueError as error:
        known = ", ".join(method.rpartition("#")[2] for method in SignatureMethod)
        raise _refused(element, f"the signature method must be one of {known}") from error


def _refused(element: etree._Element, rule: str) -> SignatureAlgorithm:
    """What was asked for is named when it is one of those that toolkits come with; nothing else of the message is."""
    name = REFUSED.get(element.get("Algorithm", ""))
    if name is None:
        return SignatureAlgorithm(rule)
    return SignatureAlgorithm(
        f"{name} is refused: {rule}; docs/integrate/ws-security.md has the switch of each toolkit"
    )


def _check_algorithm(element: etree._Element, expected: Transform) -> None:
    _only_attributes(element, "Algorithm")
    if element.get("Algorithm") != expected:
        raise _refused(element, f"the signature's {_local(element)} must be {expected}")
    if _elements(element):
        raise SignatureShape(f"the signature's {_local(element)} takes no parameters")


def _check_exclusive(element: etree._Element) -> tuple[str, ...]:
    """Exclusive C14N; it may name prefixes to be treated inclusively, as WSS4J does, and these come back."""
    _only_attributes(element, "Algorithm")
    if element.get("Algorithm") != Transform.EXCLUSIVE_C14N:
        raise _refused(element, f"the signature's {_local(element)} must be {Transform.EXCLUSIVE_C14N}")
    parameters = _elements(element)
    if not parameters:
        return ()
    prefixes = parameters[0]
    if len(parameters) > 1 or prefixes.tag != f"{{{Transform.EXCLUSIVE_C14N}}}InclusiveNamespaces":
        raise SignatureShape("canonicalization takes no parameters but InclusiveNamespaces")
    _only_attributes(prefixes, "PrefixList")
    listed = prefixes.get("PrefixList", "")
    names = tuple(listed.split())
    if len(listed) > PREFIX_LIST_LENGTH_MAX or len(names) > PREFIXES_MAX or _elements(prefixes):
        raise SignatureShape("the InclusiveNamespaces list is too long")
    return names


def _children(element: etree._Element, *names: str) -> list[etree._Element]:
    children = _elements(element)
    if [child.tag for child in children] != [_TAGS[name] for name in names]:
        raise SignatureShape(f"the signature's {_local(element)} has exactly {', '.join(names)}, in this order")
    return children


def _elements(element: etree._Element) -> list[etree._Element]:
    """Children; there is nothing but white space between them."""
    children = list(element)
    for text in (element.text, *[child.tail for child in children]):
        if text and not text.isspace():
            raise SignatureShape(f"the signature's {_local(element)} has text between its elements")
    return children


def _named(element: etree._Element, name: str) -> None:
    if element.tag != _TAGS[name]:
        raise SignatureShape(f"the signature lacks {name} in its place")


def _only_attributes(element: etree._Element, *allowed: str) -> None:
    for attribute in element.keys():  # noqa: SIM118  (an element's own iterator gives its children)
        if attribute not in allowed:
            raise SignatureShape(f"the signature's {_local(element)} has an attribute that does not belong there")


_SPACE = re.compile(r"[ \t\r\n]+")


def _binary(element: etree._Element, size_bytes_max: int) -> bytes:
    """Bytes of an element whose whole content is base64 text."""
    return _decoded(_text(element), size_bytes_max, _local(element))


def _text(element: etree._Element) -> str:
    if len(element):
        raise SignatureShape(f"the signature's {_local(element)} holds base64 text and nothing else")
    return element.text or ""


def _decoded(text: str, size_bytes_max: int, name: str) -> bytes:
    """Decoded base64, white space aside; only its one canonical spelling is taken."""
    text = _SPACE.sub("", text)
    if not 0 < len(text) <= (size_bytes_max + 2) // 3 * 4:
        raise SignatureShape(f"the signature's {name} has not the length it must have")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureShape(f"the signature's {name} is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise SignatureShape(f"the signature's {name} is not base64 as everybody writes it")
    return data


_SPOKEN_OF = frozenset(
    {
        "Signature",
        "SignedInfo",
        "SignatureValue",
        "KeyInfo",
        "CanonicalizationMethod",
        "SignatureMethod",
        "Reference",
        "Transforms",
        "Transform",
        "DigestMethod",
        "DigestValue",
        "X509Data",
        "X509Certificate",
        "BinarySecurityToken",
    }
)


_TAGS = {name: f"{{{DS}}}{name}" for name in _SPOKEN_OF}


def _local(element: etree._Element) -> str:
    """Local name of an element of the profile; never a name the sender made up, for it goes into texts."""
    name = split(str(element.tag))[1]
    return name if name in _SPOKEN_OF else "content"
