"""What partners' SOAP toolkits send, each in its own way, verifies; and only that."""

import base64
import contextlib
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import xmlsec
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS, SOAP11, SOAP12, WSA, WSSE, WSU
from gateway.document.parse import parse
from gateway.errors import Refused, Tampered
from gateway.signing.header import SignedEnvelope, verify_signed
from gateway.signing.keyring import TrustedKeys
from gateway.signing.security import SignatureStale
from gateway.signing.shape import SignatureAlgorithm, SignatureShape
from gateway.signing.signature import NotSigner, SignatureInvalid
from gateway.signing.username import read_username
from tests.signing.parties import JAIL, NOTICE, NOW, certified, chained, jail, p256, police, rsa_key, trusted
from tests.signing.wss_client import ENVELOPED, EXCLUSIVE, Client, username_token

VECTORS = Path(__file__).parents[1] / "vectors"
KEYS = {"p-256": (p256("jail"), jail()), "rsa": (rsa_key(2048), certified(rsa_key(2048), JAIL))}


def plain(soap: str = SOAP11) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{soap}" xmlns:wsa="{WSA}"><e:Header><wsa:To>https://gateway.example/soap</wsa:To>'
        f"<wsa:Action>urn:submit</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID></e:Header><e:Body>".encode()
        + NOTICE
        + b"</e:Body></e:Envelope>"
    )


def client(**options: object) -> Client:
    return Client(key=p256("jail"), certificate=jail().certificate_der, **options)  # type: ignore[arg-type]


def verified(data: bytes, trust: TrustedKeys | None = None, now: datetime = NOW) -> SignedEnvelope:
    return verify_signed(parse(data), trust or trusted(jail()), now=now)


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
@pytest.mark.parametrize("names", ["token", "x509data", "serial", "subject-key", "thumbprint", "embedded"])
@pytest.mark.parametrize("kind", KEYS)
def test_every_way_to_name_the_certificate_is_understood(soap: str, names: str, kind: str) -> None:
    key, signer = KEYS[kind]
    data = Client(key=key, certificate=signer.certificate_der, names=names).sign(plain(soap), now=NOW)
    made = verified(data, trusted(signer))
    assert exclusive(made.document.root[1][0]) == NOTICE
    assert made.proof.certificate == signer.certificate_der


@pytest.mark.parametrize("names", ["serial", "subject-key", "thumbprint"])
def test_a_name_finds_registered_certificates_only(names: str) -> None:
    """An authority that vouches for the agency does not help: the message did not bring the certificate."""
    data = client(names=names).sign(plain(), now=NOW)
    for trust in (trusted(police()), chained(), TrustedKeys(agency=JAIL)):
        with pytest.raises(NotSigner, match="register it, or send it along"):
            verified(data, trust)


def test_of_two_registered_certificates_of_one_key_the_name_must_tell() -> None:
    again = certified(p256("jail"), JAIL, now=NOW + timedelta(seconds=1))
    trust = trusted(jail(), again)
    assert verified(client(names="serial").sign(plain(), now=NOW + timedelta(seconds=2)), trust, NOW).proof
    with pytest.raises(SignatureShape, match="several"):
        verified(client(names="subject-key").sign(plain(), now=NOW), trust)


def test_a_name_of_another_registered_certificate_than_the_signers_does_not_verify() -> None:
    other = certified(p256("jail's second"), JAIL)
    data = Client(key=p256("jail"), certificate=other.certificate_der, names="thumbprint").sign(plain(), now=NOW)
    with pytest.raises(SignatureInvalid):
        verified(data, trusted(jail(), other))


@pytest.mark.parametrize("prefixes", ["", "e wsa wsse wsu", " ".join(f"ns{number}" for number in range(100))])
def test_lists_of_prefixes_are_taken_as_wss4j_and_gsoap_write_them(prefixes: str) -> None:
    assert verified(client(prefixes=prefixes).sign(plain(), now=NOW)).proof


@pytest.mark.parametrize("precision", ["seconds", "milliseconds", "microseconds", "offset"])
def test_a_timestamp_is_taken_as_toolkits_write_it(precision: str) -> None:
    assert verified(client(precision=precision).sign(plain(), now=NOW)).proof
    with pytest.raises(SignatureStale):
        verified(client(precision=precision).sign(plain(), now=NOW - timedelta(minutes=6)))


def test_a_timestamp_without_an_end_is_fresh_for_the_leeway() -> None:
    assert verified(client().sign(plain(), now=NOW, lasts=None)).proof.until == NOW + timedelta(minutes=5)


def test_a_proof_is_stale_at_the_timestamps_own_end_when_that_is_sooner() -> None:
    proof = verified(client().sign(plain(), now=NOW, lasts=timedelta(minutes=1))).proof
    assert proof.until == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("digest", [xmlsec.constants.TransformSha384, xmlsec.constants.TransformSha512])
def test_longer_digests_are_taken(digest: object) -> None:
    assert verified(client(digest=digest).sign(plain(), now=NOW)).proof


@pytest.mark.parametrize("digest", [xmlsec.constants.TransformSha1, xmlsec.constants.TransformMd5])
def test_weak_digests_are_refused_by_name(digest: object) -> None:
    try:
        data = client(digest=digest).sign(plain(), now=NOW)
    except xmlsec.Error:
        pytest.skip("this build of xmlsec does not make it")
    with pytest.raises(SignatureAlgorithm, match=r"(SHA-1|MD5) is refused"):
        verified(data)


def test_the_enveloped_transform_is_taken_where_node_soap_puts_it_and_takes_nothing_away() -> None:
    data = client(transforms=(ENVELOPED, EXCLUSIVE)).sign(plain(), now=NOW)
    assert verified(data).proof
    for changed in (data.replace(b"Ada Example", b"Eve Example"), data.replace(b"urn:submit", b"urn:cancel")):
        with pytest.raises(SignatureInvalid):
            verified(changed)


def test_other_chains_of_transforms_are_refused() -> None:
    """They are judged by their form: that the digests fit no more is not looked at."""

    def turned(steps: etree._Element) -> None:
        steps.append(steps[0])

    def enveloped_alone(steps: etree._Element) -> None:
        steps.remove(steps[1])

    def twice(steps: etree._Element) -> None:
        steps[0].set("Algorithm", steps[1].get("Algorithm") or "")

    for change in (turned, enveloped_alone, twice):
        root = etree.fromstring(client(transforms=(ENVELOPED, EXCLUSIVE)).sign(plain(), now=NOW))
        change(next(root.iter(f"{{{DS}}}Transforms")))
        with pytest.raises((SignatureShape, SignatureAlgorithm), match="transforms"):
            verified(etree.tostring(root))


@pytest.mark.parametrize("name", ["Body", "Timestamp", "To", "Action", "MessageID"])
def test_what_must_be_signed_and_is_not_is_refused(name: str) -> None:
    with pytest.raises(SignatureShape, match="must be signed"):
        verified(client(leave_out=frozenset({name})).sign(plain(), now=NOW))


def test_a_username_token_may_stand_beside_the_signature_and_under_it() -> None:
    made = client(security=[username_token("records", "correct horse")])
    assert verified(made.sign(plain(), now=NOW)).proof


def test_a_path_of_certificates_is_refused_with_what_to_send() -> None:
    data = client().sign(plain(), now=NOW).replace(b"#X509v3", b"#X509PKIPathv1")
    with pytest.raises(SignatureShape, match="no path"):
        verified(data)


@pytest.mark.parametrize(
    "serial", ["", "-1", "1e3", "٣", "9" * 50, "0x10"], ids=["empty", "negative", "float", "other", "long", "hex"]
)
def test_a_serial_number_that_is_none_is_refused(serial: str) -> None:
    root = etree.fromstring(client(names="serial").sign(plain(), now=NOW))
    next(root.iter(f"{{{DS}}}X509SerialNumber")).text = serial
    with pytest.raises(SignatureShape, match="serial number"):
        verified(etree.tostring(root))


def test_a_key_identifier_of_another_kind_is_refused() -> None:
    data = client(names="thumbprint").sign(plain(), now=NOW)
    for old, new in ((b"#ThumbprintSHA1", b"#EncryptedKeySHA1"), (b"#Base64Binary", b"#HexBinary")):
        with pytest.raises(SignatureShape, match="KeyIdentifier"):
            verified(data.replace(old, new))


def test_the_proof_is_the_same_however_the_signature_is_written() -> None:
    """Of an ECDSA value a second can be made that verifies as well: it is still the same signature."""
    data = client().sign(plain(), now=NOW)
    root = etree.fromstring(data)
    value = next(root.iter(f"{{{DS}}}SignatureValue"))
    raw = base64.b64decode(value.text or "")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    turned = order - int.from_bytes(raw[32:])
    value.text = base64.b64encode(raw[:32] + turned.to_bytes(32)).decode()
    other = etree.tostring(root)
    assert other != data
    assert verified(other).proof == verified(data).proof


def test_proofs_of_two_signatures_differ_though_they_say_the_same() -> None:
    assert verified(client().sign(plain(), now=NOW)).proof != verified(client().sign(plain(), now=NOW)).proof


def test_what_node_soap_signs_verifies() -> None:
    data = (VECTORS / "node-soap" / "poll.xml").read_bytes()
    token = next(etree.fromstring(data).iter(f"{{{WSSE}}}BinarySecurityToken")).text or ""
    now = datetime(2026, 11, 26, 0, 38, tzinfo=UTC)
    made = verify_signed(parse(data), TrustedKeys(agency=JAIL, pins=frozenset({base64.b64decode(token)})), now=now)
    assert made.document.root[1][0].tag == "{urn:justice-gateway:soap:1.0}Poll"


EDITED = [
    client(names=names, security=[username_token("records", "correct horse", created="2026-03-02T09:30:00Z")]).sign(
        plain(), now=NOW
    )
    for names in ("token", "serial", "thumbprint", "x509data")
]
SHA_1 = "http://www.w3.org/2000/09/xmldsig#sha1"
TEXTS = ("", "x", "é", "1" * 500, None, " ", "2026-13-01T00:00:00Z", "#", "#Body", SHA_1)


def edit(root: etree._Element, random: Random) -> None:
    """One edit anywhere: taken out, doubled, moved below another, renamed, other text, other attribute, another id."""
    elements = list(root.iter(etree.Element))
    element, other = random.choice(elements), random.choice(elements)
    parent = element.getparent()
    match random.randrange(7):
        case 0 if parent is not None:
            parent.remove(element)
        case 1 if parent is not None:
            parent.append(deepcopy(element))
        case 2 if len(elements) < 400:
            other.append(deepcopy(element))
        case 3:
            element.tag = other.tag
        case 4:
            element.text = random.choice(TEXTS)
        case 5 if element.attrib:
            element.set(random.choice(list(element.attrib)), random.choice(TEXTS) or "")
        case _:
            element.set(f"{{{WSU}}}Id", "id-1")


def content(envelope: etree._Element) -> tuple[tuple[bytes, ...], bytes]:
    return tuple(exclusive(block) for block in envelope[0]), exclusive(envelope[1])


@given(st.randoms(use_true_random=False), st.sampled_from(EDITED), st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_whatever_is_edited_comes_back_as_it_was_signed_or_not_at_all(random: Random, data: bytes, edits: int) -> None:
    root = etree.fromstring(data)
    for _ in range(edits):
        edit(root, random)
    with contextlib.suppress(Refused, Tampered):
        assert content(verified(etree.tostring(root)).document.root) == content(verified(data).document.root)


@given(st.randoms(use_true_random=False), st.sampled_from(EDITED))
@settings(max_examples=200, deadline=None)
def test_an_edited_username_token_is_read_or_refused(random: Random, data: bytes) -> None:
    root = etree.fromstring(data)
    for _ in range(3):
        edit(root, random)
    for token in root.iter(f"{{{WSSE}}}UsernameToken"):
        with contextlib.suppress(Refused, Tampered):
            assert read_username(token).password
