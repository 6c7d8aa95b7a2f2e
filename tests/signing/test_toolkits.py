"""What partners' SOAP toolkits send, each in its own way, verifies; and only that."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import xmlsec
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS, SOAP11, SOAP12, WSA, WSSE
from gateway.document.parse import parse
from gateway.signing.header import SignedEnvelope, verify_signed
from gateway.signing.keyring import TrustedKeys
from gateway.signing.security import SignatureStale
from gateway.signing.shape import SignatureAlgorithm, SignatureShape
from gateway.signing.signature import NotSigner, SignatureInvalid
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
