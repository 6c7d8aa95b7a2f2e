"""WS-Security over a delivery: what must be signed is signed, in its fixed place, now."""

import contextlib
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import xmlsec
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from zeep.wsse.signature import BinarySignature, Signature

from gateway.document.canonical import exclusive
from gateway.document.names import COVER, DS, SOAP11, SOAP12, WSA, WSSE, WSU
from gateway.document.parse import parse
from gateway.errors import Refused, Tampered
from gateway.signing.certificate import to_pem
from gateway.signing.cover import sign_cover, verify_cover
from gateway.signing.header import is_signed, sign_envelope, verify_envelope
from gateway.signing.keyring import Signer
from gateway.signing.security import SignatureStale
from gateway.signing.shape import SignatureAlgorithm, SignatureMissing, SignatureShape
from gateway.signing.signature import NotSigner, SignatureInvalid
from tests.signing.oracles import xmlsec_accepts
from tests.signing.parties import (
    JAIL,
    NOTICE,
    NOW,
    certified,
    cover,
    jail,
    key_pem,
    p256,
    p384,
    police,
    rsa_key,
    trusted,
)

COVERED = sign_cover(cover(), jail())
LATER = NOW + timedelta(minutes=5)


def plain(soap: str = SOAP12, extra: bytes = b"") -> bytes:
    """An envelope as the transport makes it, with a Cover and WS-Addressing."""
    return (
        f'<e:Envelope xmlns:e="{soap}" xmlns:wsa="{WSA}"><e:Header><wsa:To>https://pd.example/in</wsa:To>'
        f"<wsa:Action>urn:deliver</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID>".encode()
        + COVERED
        + extra
        + b"</e:Header><e:Body>"
        + NOTICE
        + b"</e:Body></e:Envelope>"
    )


def signed(data: bytes = b"", signer: Signer | None = None) -> bytes:
    root = parse(data or plain()).root
    return etree.tostring(sign_envelope(root, signer or jail(), created=NOW, expires=LATER))


SIGNED = signed()


def verified(data: bytes, signer: Signer | None = None, **options: Any) -> etree._Element:
    trust = trusted(signer or jail())  # type: ignore[arg-type]
    return verify_envelope(parse(data), trust, **{"now": NOW, **options}).root


def changed(change: Callable[[etree._Element], object], data: bytes = SIGNED) -> bytes:
    root = etree.fromstring(data)
    change(root)
    return etree.tostring(root)


def one(root: etree._Element, namespace: str, name: str) -> etree._Element:
    return next(root.iter(f"{{{namespace}}}{name}"))


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
@pytest.mark.parametrize(
    "signer", [jail(), certified(p384(), JAIL), certified(rsa_key(2048), JAIL)], ids=["p-256", "p-384", "rsa"]
)
def test_a_signed_envelope_comes_back_without_its_security_header(soap: str, signer: Signer) -> None:
    root = verified(signed(plain(soap), signer), signer)
    assert exclusive(root[1][0]) == NOTICE
    assert [etree.QName(block).localname for block in root[0]] == ["To", "Action", "MessageID", "Cover"]


def test_the_cover_in_a_signed_envelope_verifies_by_itself() -> None:
    block = one(verified(SIGNED), COVER, "Cover")
    assert verify_cover(exclusive(block), trusted(jail()), now=NOW) == cover()


def test_xmlsec_verifies_the_envelope() -> None:
    """The first signature xmlsec finds is the Cover's: so judge an envelope without one."""
    data = signed(plain().replace(COVERED, b""))
    assert xmlsec_accepts(data, jail(), ("Id", WSU))
    assert not xmlsec_accepts(data.replace(b"Ada Example", b"Eve Example"), jail(), ("Id", WSU))


def test_everything_that_matters_is_under_the_signature() -> None:
    uris = {
        reference.get("URI") for reference in one(etree.fromstring(SIGNED), WSSE, "Security").iter(f"{{{DS}}}Reference")
    }
    root = etree.fromstring(SIGNED)
    places = [root[1], *root[0][:3], one(root, WSU, "Timestamp"), one(root, WSSE, "BinarySecurityToken")]
    wanted = {f"#{place.get(f'{{{WSU}}}Id')}" for place in places}
    assert uris == wanted | {f"#cover-{cover().dissemination}"}


def test_the_recipient_must_understand_the_security_header() -> None:
    security = one(etree.fromstring(SIGNED), WSSE, "Security")
    assert security.get(f"{{{SOAP12}}}mustUnderstand") == "true"
    security = one(etree.fromstring(signed(plain(SOAP11))), WSSE, "Security")
    assert security.get(f"{{{SOAP11}}}mustUnderstand") == "1"


def test_ids_that_the_payload_uses_are_left_to_it() -> None:
    data = plain().replace(b'r:id="R1"', b'r:id="wss0-token" r:other="x"')
    assert exclusive(verified(signed(data))[1][0]) == NOTICE.replace(b'r:id="R1"', b'r:id="wss0-token" r:other="x"')


def test_a_payload_with_repeated_ids_is_still_sent() -> None:
    data = plain().replace(NOTICE, b'<n><a id="x"/><b id="x"/></n>')
    assert is_signed(etree.fromstring(signed(data)))


def test_an_envelope_is_not_signed_twice() -> None:
    with pytest.raises(ValueError, match="already"):
        signed(SIGNED)


def test_an_unsigned_envelope_is_named_so() -> None:
    assert not is_signed(etree.fromstring(plain()))
    with pytest.raises(SignatureMissing):
        verified(plain())
    with pytest.raises(SignatureMissing):
        verified(changed(lambda root: one(root, WSSE, "Security").remove(one(root, WSSE, "Security")[-1])))


def test_a_header_block_that_nobody_signed_does_not_come_back() -> None:
    data = changed(lambda root: etree.SubElement(root[0], "{urn:other}Extra"))
    assert [etree.QName(block).localname for block in verified(data)[0]] == ["To", "Action", "MessageID", "Cover"]


@pytest.mark.parametrize("change", [(b"Ada Example", b"Eve Example"), (b"pd.example", b"evil.example")])
def test_a_changed_body_or_address_is_refused(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(SignatureInvalid):
        verified(SIGNED.replace(*change))


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=150)
def test_a_changed_byte_changes_nothing_or_is_refused(at: int, by: int) -> None:
    damaged = bytearray(SIGNED)
    damaged[at] ^= by
    with contextlib.suppress(Refused, Tampered):
        assert exclusive(verified(bytes(damaged))) == exclusive(verified(SIGNED))


def test_another_agencys_signature_is_not_the_senders() -> None:
    with pytest.raises(NotSigner):
        verified(signed(signer=police()))


# --- fresh ---


def test_a_stale_signature_is_refused() -> None:
    for now in (NOW + timedelta(minutes=6), NOW - timedelta(minutes=6)):
        with pytest.raises(SignatureStale) as refused:
            verified(SIGNED, now=now, leeway=timedelta(minutes=5))
        assert refused.value.code == "signature.stale"


def test_a_signature_past_its_end_is_refused() -> None:
    with pytest.raises(SignatureStale, match="Expires"):
        verified(SIGNED, now=LATER, leeway=timedelta(hours=1))


@pytest.mark.parametrize("text", ["yesterday", "2026-03-02T09:30:00", "2026-13-02T09:30:00Z", ""])
def test_a_timestamp_that_is_none_is_refused(text: str) -> None:
    """Signed by the agency all the same: the form is checked, whoever wrote it."""
    root = parse(plain()).root
    envelope = sign_envelope(root, jail(), created=NOW, expires=LATER)
    security = one(envelope, WSSE, "Security")
    one(security, WSU, "Created").text = text
    with pytest.raises(SignatureShape, match="Timestamp"):
        verified(resigned(envelope))


def resigned(envelope: etree._Element) -> bytes:
    """The envelope with its references and value made anew over what it holds now."""
    sig = one(envelope, WSSE, "Security")[-1]
    by_id = {element.get(f"{{{WSU}}}Id") or element.get("Id"): element for element in envelope.iter(etree.Element)}
    for reference in sig.iter(f"{{{DS}}}Reference"):
        target = by_id[(reference.get("URI") or "")[1:]]
        one(reference, DS, "DigestValue").text = b64encode(sha256(exclusive(target)).digest()).decode()
    one(sig, DS, "SignatureValue").text = b64encode(jail().sign(exclusive(sig[0]))).decode()
    return etree.tostring(envelope)


def test_the_means_of_these_tests_make_good_signatures() -> None:
    assert exclusive(verified(resigned(etree.fromstring(SIGNED)))) == exclusive(verified(SIGNED))


# --- wrapping ---


def body_wrapped(root: etree._Element) -> None:
    """The signed Body moved into a header, another Body in its place."""
    body = root[1]
    evil = etree.Element(body.tag)
    evil.append(etree.fromstring(NOTICE.replace(b"Ada", b"Eve")))
    etree.SubElement(root[0], "{urn:w}Wrapper").append(body)
    root.append(evil)


def body_wrapped_same_id(root: etree._Element) -> None:
    identity = root[1].get(f"{{{WSU}}}Id") or ""
    body_wrapped(root)
    root[1].set(f"{{{WSU}}}Id", identity)


def timestamp_wrapped(root: etree._Element) -> None:
    """The old, signed Timestamp kept elsewhere, a fresh one in its place."""
    security = one(root, WSSE, "Security")
    old = one(security, WSU, "Timestamp")
    fresh = deepcopy(old)
    fresh.set(f"{{{WSU}}}Id", "fresh")
    old.addprevious(fresh)
    etree.SubElement(root[0], "{urn:w}Wrapper").append(old)


def address_wrapped(root: etree._Element) -> None:
    to = root[0][0]
    evil = deepcopy(to)
    evil.set(f"{{{WSU}}}Id", "evil")
    evil.text = "https://evil.example/"
    to.addprevious(evil)
    etree.SubElement(root[0], "{urn:w}Wrapper").append(to)


def cover_replaced(root: etree._Element) -> None:
    block = one(root, COVER, "Cover")
    other = etree.fromstring(sign_cover(cover(dissemination="d-2", purpose="curiosity"), jail()))
    block.addprevious(other)
    etree.SubElement(root[0], "{urn:w}Wrapper").append(block)


def second_cover(root: etree._Element) -> None:
    root[0].append(etree.fromstring(sign_cover(cover(dissemination="d-2"), jail())))


def second_body(root: etree._Element) -> None:
    root.append(deepcopy(root[1]))


def second_security(root: etree._Element) -> None:
    root[0].append(deepcopy(one(root, WSSE, "Security")))


def second_timestamp(root: etree._Element) -> None:
    one(root, WSU, "Timestamp").addnext(deepcopy(one(root, WSU, "Timestamp")))


def two_username_tokens(root: etree._Element) -> None:
    for _ in range(2):
        etree.SubElement(one(root, WSSE, "Security"), f"{{{WSSE}}}UsernameToken")


def encrypted_key(root: etree._Element) -> None:
    etree.SubElement(one(root, WSSE, "Security"), "{http://www.w3.org/2001/04/xmlenc#}EncryptedKey")


def for_somebody_else(root: etree._Element) -> None:
    one(root, WSSE, "Security").set(f"{{{SOAP12}}}role", "urn:somebody")


def added_address(root: etree._Element) -> None:
    etree.SubElement(root[0], f"{{{WSA}}}ReplyTo").text = "https://evil.example/"


def token_elsewhere(root: etree._Element) -> None:
    one(root, WSSE, "Reference").set("URI", "#nowhere")


def token_of_another_type(root: etree._Element) -> None:
    one(root, WSSE, "BinarySecurityToken").set("ValueType", "urn:kerberos")


def reference_outside(root: etree._Element) -> None:
    one(one(root, WSSE, "Security"), DS, "Reference").set("URI", "https://example.org/")


def reference_to_payload(root: etree._Element) -> None:
    one(one(root, WSSE, "Security"), DS, "Reference").set("URI", "#R1")


def reference_repeated(root: etree._Element) -> None:
    reference = one(one(root, WSSE, "Security"), DS, "Reference")
    reference.addnext(deepcopy(reference))


def no_timestamp(root: etree._Element) -> None:
    one(root, WSSE, "Security").remove(one(root, WSU, "Timestamp"))


def body_first(root: etree._Element) -> None:
    root.insert(0, root[1])


def body_not_referred_to(root: etree._Element) -> None:
    signed_info = one(one(root, WSSE, "Security"), DS, "SignedInfo")
    signed_info.remove(signed_info[2])


@pytest.mark.parametrize(
    "attack",
    [
        body_wrapped,
        body_wrapped_same_id,
        timestamp_wrapped,
        address_wrapped,
        cover_replaced,
        second_cover,
        second_body,
        second_security,
        second_timestamp,
        two_username_tokens,
        encrypted_key,
        for_somebody_else,
        added_address,
        token_elsewhere,
        token_of_another_type,
        reference_outside,
        reference_to_payload,
        reference_repeated,
        no_timestamp,
        body_first,
        body_not_referred_to,
    ],
)
def test_an_envelope_of_another_shape_is_refused(attack: Callable[[etree._Element], None]) -> None:
    with pytest.raises(SignatureShape):
        verified(changed(attack))


def test_an_enveloped_transform_is_refused_in_a_header() -> None:
    """It would take the signature out of what is signed, and more than ours stands in an envelope."""

    def add(root: etree._Element) -> None:
        transform = one(one(root, WSSE, "Security"), DS, "Transform")
        transform.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#enveloped-signature")

    with pytest.raises(SignatureAlgorithm):
        verified(changed(add))


def test_what_is_no_envelope_is_refused() -> None:
    with pytest.raises(SignatureShape, match="SOAP"):
        verified(NOTICE)


# --- other people's clients ---


class ZeepKey:
    """Files of the jail's key and certificate, as zeep wants them."""

    def __init__(self, folder: Any) -> None:
        self.key = folder / "jail.key.pem"
        self.key.write_bytes(key_pem(p256("jail")))
        self.certificate = folder / "jail.cert.pem"
        self.certificate.write_bytes(to_pem(jail().certificate_der))


@pytest.mark.parametrize("kind", [BinarySignature, Signature])
def test_we_verify_what_zeep_signs(kind: Any, tmp_path: Any) -> None:
    """zeep signs Body and Timestamp, nothing of WS-Addressing: so a client that sends that signs by other means."""
    files = ZeepKey(tmp_path)
    ecdsa = xmlsec.constants.TransformEcdsaSha256
    envelope = etree.fromstring(
        f'<e:Envelope xmlns:e="{SOAP12}"><e:Header><w:Security xmlns:w="{WSSE}"><u:Timestamp xmlns:u="{WSU}">'
        f"<u:Created>2026-03-02T09:30:00Z</u:Created></u:Timestamp></w:Security></e:Header><e:Body>".encode()
        + NOTICE
        + b"</e:Body></e:Envelope>"
    )
    plugin = kind(
        str(files.key),
        str(files.certificate),
        signature_method=ecdsa,
        digest_method=xmlsec.constants.TransformSha256,
    )
    envelope, _ = plugin.apply(envelope, {})
    assert exclusive(verified(etree.tostring(envelope))[1][0]) == NOTICE
