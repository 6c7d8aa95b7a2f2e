"""An enveloped signature: what was signed comes back, and every way to get something else past it is refused."""

import base64
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import timedelta

import pytest
import xmlsec
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS, STRUCTURES_60, WSU
from gateway.document.parse import Document, parse, to_bytes
from gateway.errors import GatewayError, Refused, Tampered
from gateway.signing.certificate import CertificateExpired, CertificateNotYetValid
from gateway.signing.enveloped import has_signature, sign_enveloped, unsigned, verify_enveloped
from gateway.signing.keyring import Signer, TrustedKeys
from gateway.signing.shape import SignatureAlgorithm, SignatureMissing, SignatureShape
from gateway.signing.signature import NotSigner, SignatureInvalid
from tests.signing.oracles import signxml_accepts, signxml_signs, xmlsec_accepts, xmlsec_signs
from tests.signing.parties import (
    JAIL,
    NOTICE,
    NOW,
    Key,
    certified,
    chained,
    jail,
    key_pem,
    notice,
    p256,
    p384,
    police,
    rsa_key,
    stranger,
    trusted,
)

SIGNED = sign_enveloped(notice(), jail())
EVIL = etree.fromstring(NOTICE.replace(b"Ada Example", b"Eve Example").replace(b'"R1"', b'"R2"'))

KEYS: dict[str, Key] = {"p-256": p256("jail"), "p-384": p384(), "rsa": rsa_key(2048)}
SIGNERS: dict[str, Signer] = {name: certified(key, JAIL) for name, key in KEYS.items()}


def verified(data: bytes, trust: TrustedKeys | None = None) -> bytes:
    """Canonical form of what verification gives back."""
    return exclusive(verify_enveloped(parse(data), trust or trusted(jail()), now=NOW).root)


def changed(change: Callable[[etree._Element], object]) -> bytes:
    """The signed notice after a change to its tree."""
    root = etree.fromstring(SIGNED)
    change(root)
    return etree.tostring(root)


def signature(root: etree._Element) -> etree._Element:
    return next(root.iter(f"{{{DS}}}Signature"))


def part(root: etree._Element, name: str) -> etree._Element:
    return next(root.iter(f"{{{DS}}}{name}"))


# --- good ones ---


@pytest.mark.parametrize("name", KEYS)
def test_what_is_signed_comes_back_without_its_signature(name: str) -> None:
    signed = sign_enveloped(notice(), SIGNERS[name])
    assert verified(signed, trusted(SIGNERS[name])) == exclusive(notice().root)
    assert has_signature(parse(signed))
    assert not has_signature(verify_enveloped(parse(signed), trusted(SIGNERS[name]), now=NOW))


def test_what_was_verified_before_is_read_again_without_its_signature() -> None:
    document = parse(sign_enveloped(notice(), SIGNERS["p-256"]))
    assert exclusive(unsigned(document).root) == exclusive(notice().root)
    assert has_signature(document)


@pytest.mark.parametrize("name", KEYS)
def test_other_peoples_tools_verify_what_we_sign(name: str) -> None:
    signed = sign_enveloped(notice(), SIGNERS[name])
    assert signxml_accepts(signed, SIGNERS[name])
    assert xmlsec_accepts(signed, SIGNERS[name])


@pytest.mark.parametrize("name", KEYS)
def test_we_verify_what_signxml_signs(name: str) -> None:
    signed = signxml_signs(NOTICE, KEYS[name], SIGNERS[name].certificate_der)
    assert verified(signed, trusted(SIGNERS[name])) == exclusive(notice().root)


@pytest.mark.parametrize("name", KEYS)
def test_we_verify_what_xmlsec_signs(name: str) -> None:
    signed = xmlsec_signs(NOTICE, KEYS[name], SIGNERS[name].certificate_der)
    assert verified(signed, trusted(SIGNERS[name])) == exclusive(notice().root)


def test_prefixes_named_for_inclusive_treatment_are_understood() -> None:
    """As WSS4J and .NET write it; the list is signed with the rest."""
    inclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"

    def name_prefixes(root: etree._Element, prefixes: str) -> None:
        for element in (part(root, "CanonicalizationMethod"), list(root.iter(f"{{{DS}}}Transform"))[1]):
            etree.SubElement(element, f"{{{inclusive}}}InclusiveNamespaces").set("PrefixList", prefixes)

    root = etree.fromstring(NOTICE)
    node = prepared(root, uri="")
    name_prefixes(root, "r xs")
    signed = signed_by_xmlsec(root, node)
    assert verified(signed) == exclusive(notice().root)
    with pytest.raises(SignatureInvalid):
        verified(signed.replace(b'PrefixList="r xs"', b'PrefixList="r"'))


def test_threads_verify_side_by_side() -> None:
    changed_too = [SIGNED, SIGNED.replace(b"Ada Example", b"Eva Example")] * 100  # "Ada" alone may be in the base64

    def accepted(data: bytes) -> bool:
        try:
            return verified(data) == exclusive(notice().root)
        except SignatureInvalid:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(accepted, changed_too)) == [True, False] * 100


def test_a_certificate_of_the_shared_authority_serves_too() -> None:
    assert verified(SIGNED, chained(JAIL)) == exclusive(notice().root)


def test_a_reference_to_the_roots_own_id_is_as_good_as_one_to_the_document() -> None:
    document = b'<Notice Id="n-1"><Name>Ada Example</Name></Notice>'
    signed = signxml_signs(document, p256("jail"), jail().certificate_der)
    root = etree.fromstring(document)
    by_id = sign_by_id(root)
    assert verified(signed) == verified(by_id) == exclusive(etree.fromstring(document))


def sign_by_id(root: etree._Element) -> bytes:
    """Signed by xmlsec with a Reference to the root's Id."""
    return signed_by_xmlsec(root, prepared(root, uri=f"#{root.get('Id')}"))


def prepared(root: etree._Element, uri: str) -> etree._Element:
    """The form of a signature of our profile, to be filled by xmlsec."""
    node = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformEcdsaSha256)
    root.append(node)
    reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri=uri)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    xmlsec.template.x509_data_add_certificate(xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(node)))
    return node


def signed_by_xmlsec(root: etree._Element, node: etree._Element) -> bytes:
    context = xmlsec.SignatureContext()
    if root.get("Id"):
        context.register_id(root, "Id")
    context.key = xmlsec.Key.from_memory(key_pem(p256("jail")), xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(jail().certificate_der, xmlsec.constants.KeyDataFormatCertDer)
    context.sign(node)
    return etree.tostring(root)


def test_signing_leaves_the_callers_document_alone() -> None:
    document = notice()
    sign_enveloped(document, jail())
    assert exclusive(document.root) == exclusive(notice().root)


def test_what_comes_back_is_the_very_tree_that_was_verified() -> None:
    document = parse(SIGNED)
    assert verify_enveloped(document, trusted(jail()), now=NOW).root is document.root


def test_a_document_that_calls_the_signature_namespace_by_another_name_can_be_signed() -> None:
    document = parse(f'<n xmlns:dsig="{DS}" xmlns:ds="urn:other"><ds:x/></n>'.encode())
    signed = sign_enveloped(document, jail())
    assert verified(signed) == exclusive(document.root)
    assert signxml_accepts(signed, jail())


def test_text_after_the_signature_stays_where_it_was() -> None:
    signed = signxml_signs(b"<n>before<a/>after</n>", p256("jail"), jail().certificate_der)
    laid_out = changed_layout(signed)
    assert verified(laid_out) == b"<n>before<a></a>after</n>"


def changed_layout(signed: bytes) -> bytes:
    """White space inside the signature element is not signed where no SignedInfo is."""
    return signed.replace(b"<ds:KeyInfo>", b"\n  <ds:KeyInfo>\n").replace(b"</ds:KeyInfo>", b"\n</ds:KeyInfo>\n")


def test_a_comment_in_a_signed_document_does_not_come_back() -> None:
    """Comments are not signed: an attacker adds them to split a text in two."""
    root = etree.fromstring(SIGNED.replace(b"Ada Example", b"Ada<!-- -->Example").replace(b"Ada<", b"Ada <"))
    given_back = verify_enveloped(Document(root), trusted(jail()), now=NOW)
    assert given_back.root[0].text == "Ada Example"
    assert exclusive(given_back.root) == exclusive(notice().root)


# --- whose signature ---


def test_an_unsigned_document_is_named_so() -> None:
    with pytest.raises(SignatureMissing) as refused:
        verified(NOTICE)
    assert refused.value.code == "signature.missing"


def test_another_agencys_good_signature_is_not_the_senders() -> None:
    with pytest.raises(NotSigner) as refused:
        verified(sign_enveloped(notice(), police()))
    assert refused.value.code == "signature.not-signer"
    with pytest.raises(NotSigner):
        verified(sign_enveloped(notice(), police()), chained(JAIL))


def test_a_stranger_who_calls_itself_the_jail_is_refused() -> None:
    with pytest.raises(NotSigner):
        verified(sign_enveloped(notice(), stranger()), chained(JAIL))


def test_an_expired_certificate_says_so_to_its_owner() -> None:
    with pytest.raises(CertificateExpired):
        verify_enveloped(parse(SIGNED), trusted(jail()), now=NOW + timedelta(days=2000))
    with pytest.raises(CertificateNotYetValid):
        verify_enveloped(parse(SIGNED), trusted(jail()), now=NOW - timedelta(days=2))


def test_the_registered_certificate_on_a_strangers_signature_does_not_help() -> None:
    def swap(root: etree._Element) -> None:
        good = part(etree.fromstring(SIGNED), "X509Certificate").text
        part(root, "X509Certificate").text = good

    root = etree.fromstring(sign_enveloped(notice(), stranger()))
    swap(root)
    with pytest.raises(SignatureInvalid):
        verified(etree.tostring(root))


# --- changed content ---


def test_a_changed_document_is_refused() -> None:
    with pytest.raises(SignatureInvalid) as refused:
        verified(SIGNED.replace(b"Ada", b"Eva"))
    assert refused.value.code == "signature.invalid"
    assert isinstance(refused.value, Tampered)
    assert "Eva" not in refused.value.text


def test_an_added_element_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verified(changed(lambda root: root.insert(0, etree.Element("added"))))


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=200)
def test_a_changed_byte_changes_nothing_or_is_refused(at: int, by: int) -> None:
    damaged = bytearray(SIGNED)
    damaged[at] ^= by
    with contextlib.suppress(Refused, Tampered):
        assert verified(bytes(damaged)) == exclusive(notice().root)


# --- wrapping: the good signature stays, other content is read ---


def wrapped_beside() -> bytes:
    """The signed original kept inside a new root that says something else."""
    evil = deepcopy(EVIL)
    evil.append(etree.fromstring(SIGNED))
    return etree.tostring(evil)


def wrapped_in_object() -> bytes:
    """The signed original moved into ds:Object of its own signature."""
    original = etree.fromstring(SIGNED)
    sig = signature(original)
    evil = deepcopy(EVIL)
    evil.append(sig)
    etree.SubElement(sig, f"{{{DS}}}Object").append(original)
    return etree.tostring(evil)


def wrapped_with_signature_outside() -> bytes:
    """The signature under the new root, referring by id to the original that hangs further down."""
    original = etree.fromstring(sign_by_id(etree.fromstring(b'<n Id="n-1"><Name>Ada</Name></n>')))
    sig = signature(original)
    evil = etree.fromstring(b'<n Id="n-2"><Name>Eve</Name></n>')
    etree.SubElement(evil, "hidden").append(original)
    evil.append(sig)
    return etree.tostring(evil)


def signature_not_last() -> bytes:
    return changed(lambda root: root.insert(0, signature(root)))


def signature_deeper() -> bytes:
    return changed(lambda root: root[0].append(signature(root)))


def signature_twice() -> bytes:
    return changed(lambda root: root.insert(0, deepcopy(signature(root))))


@pytest.mark.parametrize(
    "attack",
    [
        wrapped_beside,
        wrapped_in_object,
        wrapped_with_signature_outside,
        signature_not_last,
        signature_deeper,
        signature_twice,
    ],
)
def test_a_wrapped_or_moved_signature_is_refused(attack: Callable[[], bytes]) -> None:
    with pytest.raises((SignatureShape, SignatureInvalid)):
        verified(attack())


ID_ATTRIBUTES = [
    "Id",
    "ID",
    "id",
    "iD",
    "xml:id",
    "wsu:Id",
    "s:id",
    "AssertionID",
    "ResponseID",
]


@pytest.mark.parametrize("first", ID_ATTRIBUTES)
@pytest.mark.parametrize("second", ID_ATTRIBUTES)
def test_two_elements_of_one_id_are_refused_in_whatever_attributes_they_stand(first: str, second: str) -> None:
    namespaces = f'xmlns:wsu="{WSU}" xmlns:s="{STRUCTURES_60}"'
    document = parse(f'<n {namespaces}><a {first}="P1"/><b {second}="P1"/></n>'.encode())
    with pytest.raises(SignatureShape, match="same id"):
        verified(sign_enveloped(document, jail()))


def test_a_reference_to_something_smaller_than_the_root_is_refused() -> None:
    root = etree.fromstring(b'<n><part Id="p-1"><Name>Ada</Name></part><Name>anything</Name></n>')
    small = etree.fromstring(sign_by_id(etree.fromstring(etree.tostring(root[0]))))
    root.append(signature(small))
    with pytest.raises(SignatureShape, match="root"):
        verified(etree.tostring(root))


# --- what the signature may not hold ---

TRANSFORMS = [
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2002/06/xmldsig-filter2",
    "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "https://example.org/unknown",
    "",
]


@pytest.mark.parametrize("uri", TRANSFORMS)
def test_an_unexpected_transform_is_refused_by_name(uri: str) -> None:
    def swap(root: etree._Element) -> None:
        list(root.iter(f"{{{DS}}}Transform"))[1].set("Algorithm", uri)

    with pytest.raises(SignatureAlgorithm):
        verified(changed(swap))


def test_a_transform_more_is_refused() -> None:
    def add(root: etree._Element) -> None:
        chain = part(root, "Transforms")
        chain.append(deepcopy(chain[-1]))

    with pytest.raises(SignatureShape):
        verified(changed(add))


def test_transforms_in_another_order_are_refused() -> None:
    with pytest.raises((SignatureShape, SignatureAlgorithm)):
        verified(changed(lambda root: part(root, "Transforms").append(part(root, "Transform"))))


def test_a_transform_with_a_program_in_it_is_refused() -> None:
    def add(root: etree._Element) -> None:
        xpath = etree.SubElement(part(root, "Transform"), f"{{{DS}}}XPath")
        xpath.text = "false()"

    with pytest.raises(SignatureShape):
        verified(changed(add))


METHODS = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "none",
    "",
]


@pytest.mark.parametrize("uri", METHODS)
def test_a_signature_method_that_is_not_listed_is_refused_by_name(uri: str) -> None:
    with pytest.raises(SignatureAlgorithm) as refused:
        verified(changed(lambda root: part(root, "SignatureMethod").set("Algorithm", uri)))
    assert refused.value.code == "signature.algorithm"


SHA_1 = "http://www.w3.org/2000/09/xmldsig#sha1"


@pytest.mark.parametrize("uri", [SHA_1, "http://www.w3.org/2001/04/xmlenc#ripemd160", "urn:sha256", ""])
def test_a_digest_that_is_not_listed_is_refused(uri: str) -> None:
    with pytest.raises(SignatureAlgorithm):
        verified(changed(lambda root: part(root, "DigestMethod").set("Algorithm", uri)))


def test_sha_1_is_refused_by_name_and_the_text_says_where_its_switch_is() -> None:
    rsa_sha_1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    for name, uri in (("DigestMethod", SHA_1), ("SignatureMethod", rsa_sha_1)):
        with pytest.raises(SignatureAlgorithm, match=r"SHA-1 is refused.*ws-security\.md"):
            verified(changed(lambda root, name=name, uri=uri: part(root, name).set("Algorithm", uri)))


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_longer_digests_are_taken(digest: str) -> None:
    data = signxml_signs(NOTICE, p256("jail"), jail().certificate_der, digest_algorithm=digest)
    assert verified(data) == NOTICE


def test_a_digest_shorter_or_longer_than_its_method_makes_it_is_refused() -> None:
    sha_512 = "http://www.w3.org/2001/04/xmlenc#sha512"
    with pytest.raises(SignatureShape, match="64 bytes"):
        verified(changed(lambda root: part(root, "DigestMethod").set("Algorithm", sha_512)))


@pytest.mark.parametrize(
    "uri", ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", ""]
)
def test_a_canonicalization_other_than_the_exclusive_is_refused(uri: str) -> None:
    with pytest.raises(SignatureAlgorithm):
        verified(changed(lambda root: part(root, "CanonicalizationMethod").set("Algorithm", uri)))


def test_a_method_for_another_kind_of_key_is_refused() -> None:
    """Key confusion: an RSA method over an ECDSA key, and the reverse."""
    rsa_sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    with pytest.raises(SignatureAlgorithm, match="kind of key"):
        verified(changed(lambda root: part(root, "SignatureMethod").set("Algorithm", rsa_sha256)))


def test_hmac_with_the_public_certificate_as_its_secret_is_refused() -> None:
    root = etree.fromstring(NOTICE)
    node = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformHmacSha256)
    root.append(node)
    reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, jail().certificate_der)
    context.sign(node)
    key_info = etree.SubElement(node, f"{{{DS}}}KeyInfo")
    key_info.append(deepcopy(part(etree.fromstring(SIGNED), "X509Data")))
    with pytest.raises(SignatureAlgorithm):
        verified(etree.tostring(root))


def add_child(parent: str, child: str) -> Callable[[etree._Element], object]:
    return lambda root: etree.SubElement(part(root, parent), child)


def set_attribute(element: str, name: str, value: str) -> Callable[[etree._Element], object]:
    return lambda root: part(root, element).set(name, value)


def drop(element: str) -> Callable[[etree._Element], object]:
    def change(root: etree._Element) -> None:
        found = part(root, element)
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return change


def set_text(element: str, text: str) -> Callable[[etree._Element], object]:
    def change(root: etree._Element) -> None:
        part(root, element).text = text

    return change


def second_reference(root: etree._Element) -> None:
    part(root, "SignedInfo").append(deepcopy(part(root, "Reference")))


def many_references(root: etree._Element) -> None:
    for _ in range(1000):
        part(root, "SignedInfo").append(deepcopy(part(root, "Reference")))


def manifest(root: etree._Element) -> None:
    holder = etree.SubElement(signature(root), f"{{{DS}}}Object")
    etree.SubElement(holder, f"{{{DS}}}Manifest").append(deepcopy(part(root, "Reference")))


def only_key_value(root: etree._Element) -> None:
    key_info = part(root, "KeyInfo")
    key_info.remove(key_info[0])
    etree.SubElement(key_info, f"{{{DS}}}KeyValue")


SHAPES: dict[str, Callable[[etree._Element], object]] = {
    "ds:Object": add_child("Signature", f"{{{DS}}}Object"),
    "manifest": manifest,
    "second reference": second_reference,
    "a thousand references": many_references,
    "no reference": drop("Reference"),
    "external reference": set_attribute("Reference", "URI", "https://example.org/other.xml"),
    "file reference": set_attribute("Reference", "URI", "file:///etc/hostname"),
    "dangling reference": set_attribute("Reference", "URI", "#nowhere"),
    "xpointer reference": set_attribute("Reference", "URI", "#xpointer(/)"),
    "bare id reference": set_attribute("Reference", "URI", "R1"),
    "no URI": lambda root: part(root, "Reference").attrib.pop("URI"),
    "typed reference": set_attribute("Reference", "Type", "http://www.w3.org/2000/09/xmldsig#Manifest"),
    "HMAC output length": add_child("SignatureMethod", f"{{{DS}}}HMACOutputLength"),
    "parameter of a digest": add_child("DigestMethod", "parameter"),
    "unknown child of SignedInfo": add_child("SignedInfo", "more"),
    "unknown child of KeyInfo": add_child("KeyInfo", f"{{{DS}}}KeyName"),
    "only a bare key": only_key_value,
    "no KeyInfo": drop("KeyInfo"),
    "no certificate": drop("X509Certificate"),
    "no signature value": drop("SignatureValue"),
    "no transforms": drop("Transforms"),
    "no canonicalization": drop("CanonicalizationMethod"),
    "empty SignedInfo": lambda root: part(root, "SignedInfo").clear(),
    "empty signature value": set_text("SignatureValue", ""),
    "not base64": set_text("SignatureValue", "!!!!"),
    "another base64 spelling": set_text("DigestValue", "A" * 42 + "B="),
    "short digest": set_text("DigestValue", "AAAA"),
    "huge signature value": set_text("SignatureValue", "A" * 100_000),
    "huge certificate": set_text("X509Certificate", "A" * 100_000),
    "text between elements": set_text("SignedInfo", "text"),
    "element in a value": add_child("SignatureValue", "b"),
    "revocation list": add_child("X509Data", f"{{{DS}}}X509CRL"),
    "certificate of another namespace": add_child("X509Data", "{urn:other}X509Certificate"),
    "odd attribute": set_attribute("Signature", "onload", "x"),
    "inclusive prefixes twice": lambda root: [
        etree.SubElement(part(root, "CanonicalizationMethod"), "{http://www.w3.org/2001/10/xml-exc-c14n#}Inclusive")
    ],
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_signature_of_another_shape_is_refused_before_any_cryptography(name: str) -> None:
    with pytest.raises(SignatureShape) as refused:
        verified(changed(SHAPES[name]))
    assert refused.value.code == "signature.shape"


def test_many_prefixes_are_refused() -> None:
    def add(root: etree._Element) -> None:
        tag = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
        etree.SubElement(part(root, "CanonicalizationMethod"), tag).set("PrefixList", "p " * 501)

    with pytest.raises(SignatureShape, match="too long"):
        verified(changed(add))


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("cut", [1, -1, 32])
def test_a_truncated_or_lengthened_value_is_refused(name: str, cut: int) -> None:
    root = etree.fromstring(sign_enveloped(notice(), SIGNERS[name]))
    value = base64.b64decode(part(root, "SignatureValue").text or "")
    other = value[:-cut] if cut > 0 else value + b"\x00"
    part(root, "SignatureValue").text = base64.b64encode(other).decode()
    with pytest.raises(SignatureShape, match="length"):
        verified(etree.tostring(root), trusted(SIGNERS[name]))


@pytest.mark.parametrize("value", [bytes(64), b"\xff" * 64, bytes(63) + b"\x01"])
def test_values_that_no_signer_makes_are_refused(value: bytes) -> None:
    """r or s zero, or beyond the curve's order: CVE-2022-21449 accepted the first of these for every document."""
    with pytest.raises(SignatureInvalid):
        verified(changed(set_text("SignatureValue", base64.b64encode(value).decode())))


def test_a_processing_instruction_beside_the_root_or_in_it_is_refused() -> None:
    for place in (b"<?hidden x?>" + SIGNED.partition(b"?>")[2], SIGNED.replace(b"Ada Example", b"Ada<?x y?> Example")):
        with pytest.raises(SignatureShape, match="processing instructions"):
            verified(place)


def test_what_is_verified_is_what_is_written_on() -> None:
    given_back = verify_enveloped(parse(SIGNED), trusted(jail()), now=NOW)
    assert exclusive(parse(to_bytes(given_back)).root) == exclusive(notice().root)


def test_no_refusal_repeats_what_was_sent() -> None:
    texts = []
    for change in SHAPES.values():
        with pytest.raises(GatewayError) as refused:
            verified(changed(change))
        texts.append(refused.value.text)
    assert not any("Ada" in text or "nowhere" in text or "onload" in text for text in texts)


def test_only_a_document_of_its_own_is_verified() -> None:
    outer = etree.Element("outer")
    outer.append(etree.fromstring(SIGNED))
    with pytest.raises(ValueError, match="of its own"):
        verify_enveloped(Document(outer[0]), trusted(jail()), now=NOW)
