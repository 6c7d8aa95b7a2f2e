"""WS-Security over TLS with a client certificate, signed and verified by others' code: xmlsec's, zeep's, the JDK's."""

import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import xmlsec
import zeep
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree
from zeep.exceptions import Fault, SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, MemorySignature, Signature
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU as ZEEP_WSU
from zeep.wsse.utils import get_security_header, get_timestamp

from gateway.agency import EndpointKind
from gateway.document.names import WSSE, WSU
from gateway.exchange.activate import register_username
from gateway.exchange.revoke import revoke_credential
from tests.acceptance.caller import Caller
from tests.acceptance.envelopes import MEDIA_TYPES, SERVICE, SOAP11, SOAP12, code_of, envelope, submit_envelope
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import Pair, Place, until
from tests.signing.wss_client import Client, username_token

VERIFY = Path(__file__).parents[1] / "signing" / "Verify.java"
BOTH = pytest.mark.parametrize("version", [SOAP11, SOAP12], ids=["1.1", "1.2"])


class Signing:
    """A sender with a client certificate, which it signs with too."""

    def __init__(self, place: Place, pair: Pair) -> None:
        self.place, self.pair = place, pair
        self.caller: Caller = place.caller(pair.sender, by="certificate")
        assert self.caller.certificate is not None
        certificate, key = self.caller.certificate
        self.client = Client(
            key=load_pem_private_key(key.read_bytes(), None),  # type: ignore[arg-type]
            certificate=ssl.PEM_cert_to_DER_cert(certificate.read_text()),
        )
        self.files = (str(key), str(certificate))
        self.cover = place.cover_file

    def signed(self, data: bytes, *, age: float = 0) -> bytes:
        return self.client.sign(data, now=datetime.now(UTC) - timedelta(seconds=age))

    def post(self, data: bytes, version: str, **headers: str) -> requests.Response:
        return self.caller.post("/soap", data, Content_Type=MEDIA_TYPES[version], **headers)


@pytest.fixture(scope="module")
def signing(place: Place) -> Signing:
    return Signing(place, place.pair(EndpointKind.INBOX))


def verified_by_xmlsec(data: bytes, cover: Path) -> bool:
    root = etree.fromstring(data)
    signature = root.find(f".//{{{WSSE}}}Security/{{*}}Signature")
    assert signature is not None
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(str(cover), xmlsec.constants.KeyDataFormatCertPem)
    for element in root.iter(etree.Element):
        if element.get(f"{{{WSU}}}Id") is not None:
            context.register_id(element, "Id", WSU)
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def of(answer: requests.Response, name: str) -> str:
    return etree.fromstring(answer.content).findtext(f".//{{{SERVICE}}}{name}") or ""


@BOTH
def test_a_signed_message_is_accepted_once_and_answered_signed(signing: Signing, version: str) -> None:
    data = signing.signed(submit_envelope(release(), version, message_id=fresh_id()))
    first = signing.post(data, version)
    assert (first.status_code, of(first, "Repeated")) == (200, "false")
    assert verified_by_xmlsec(first.content, signing.cover)
    changed = first.content.replace(of(first, "Id").encode(), b"0" * 36)
    assert not verified_by_xmlsec(changed, signing.cover)
    again = signing.post(data, version)
    assert (of(again, "Id"), of(again, "Receipt"), of(again, "Repeated")) == (
        of(first, "Id"),
        of(first, "Receipt"),
        "true",
    )

    def entries() -> list[dict[str, Any]]:
        said = signing.place.said("receive", signing.pair.sender)
        return [each for each in said if each["message"] == of(first, "Id")]

    until(lambda: len(entries()) == 1, "the message is in the log")
    (entry,) = entries()
    assert len(entry["fingerprint"]) == 64


@BOTH
def test_one_signature_makes_no_second_message_under_another_id(signing: Signing, version: str) -> None:
    data = signing.signed(submit_envelope(release(), version))
    assert signing.post(data, version, Idempotency_Key=fresh_id()).status_code == 200
    replayed = signing.post(data, version, Idempotency_Key=fresh_id())
    assert code_of(replayed) == "signature.replayed"
    assert verified_by_xmlsec(replayed.content, signing.cover)
    assert code_of(signing.post(data, version)) == "signature.replayed"  # nor under the signature's own name


@BOTH
def test_what_was_changed_stale_or_is_anothers_is_refused_in_a_signed_fault(
    place: Place, signing: Signing, version: str
) -> None:
    data = submit_envelope(release(), version, message_id=fresh_id())
    changed = signing.signed(data).replace(b"<g:Payload", b"<g:To>millbrook-police</g:To><g:Payload")
    for refused, code in (
        (signing.post(changed, version), "signature.invalid"),
        (signing.post(signing.signed(data, age=400), version), "signature.stale"),
    ):
        assert (refused.status_code, code_of(refused)) == (400 if version == SOAP12 else 500, code)
        assert verified_by_xmlsec(refused.content, signing.cover)
    other = Signing(place, place.pair(EndpointKind.INBOX))
    assert code_of(other.post(signing.signed(data), version)) == "signature.not-signer"


@BOTH
def test_polls_acknowledgements_and_questions_may_be_signed_and_asked_again(signing: Signing, version: str) -> None:
    for inside in ("<g:Poll/>", "<g:Poll><g:Limit>1</g:Limit></g:Poll>"):
        data = signing.signed(envelope(inside, version))
        answers = [signing.post(data, version) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 200]
        assert all(verified_by_xmlsec(each.content, signing.cover) for each in answers)


def test_the_jdk_verifies_signed_answers_and_refuses_changed_ones(signing: Signing, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("needs a JDK")
    lines, expected = [], []
    for version in (SOAP11, SOAP12):
        for name, inside in (("good", "<g:Status><g:Id>unknown</g:Id></g:Status>"), ("poll", "<g:Poll/>")):
            answer = signing.post(signing.signed(envelope(inside, version, message_id=fresh_id())), version).content
            for verdict, content in (("true", answer), ("false", answer.replace(b"urn:uuid:", b"urn:uuid:0"))):
                file = tmp_path / f"{name}-{version[-5:-1]}-{verdict}.xml"
                file.write_bytes(content)
                lines.append(f"{signing.cover}\t{file}")
                expected.append(verdict)
    listing = tmp_path / "listing"
    listing.write_text("\n".join(lines))
    done = subprocess.run([java, str(VERIFY), str(listing)], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == expected


# --- zeep ---------------------------------------------------------------------------------------------------------


def with_timestamp_and_gateways_certificate(kind: type[MemorySignature], cover: Path) -> type[MemorySignature]:
    """What zeep leaves to its users, as docs/integrate/ws-security.md has it: a Timestamp, and whose answers are."""

    class Signed(kind):  # type: ignore[valid-type,misc]
        def apply(self, envelope: Any, headers: Any) -> Any:
            stamp = ZEEP_WSU.Timestamp(ZEEP_WSU.Created(get_timestamp(zulu_timestamp=True)))
            get_security_header(envelope).append(stamp)
            return super().apply(envelope, headers)

        def verify(self, envelope: Any) -> Any:
            return MemorySignature(b"", cover.read_bytes()).verify(envelope)

    return Signed


@pytest.mark.parametrize("kind", [BinarySignature, Signature])
@pytest.mark.parametrize("port", ["Gateway11", "Gateway12"])
def test_zeep_signs_and_verifies_what_comes_back(signing: Signing, kind: Any, port: str) -> None:
    plugin = with_timestamp_and_gateways_certificate(kind, signing.cover)(
        *signing.files,
        signature_method=xmlsec.constants.TransformEcdsaSha256,
        digest_method=xmlsec.constants.TransformSha256,
    )
    transport = zeep.Transport(session=signing.caller.session, timeout=30)
    service = zeep.Client(f"{signing.caller.url}/soap?wsdl", transport=transport, wsse=plugin).bind(
        "GatewayService", port
    )
    answer = service.Submit(Payload={"_value_1": etree.fromstring(release())})
    assert answer.Repeated is False
    assert answer.SenderId.startswith("urn:sha-256:")
    assert service.Status(Id=answer.Id).Action == "new"
    with pytest.raises((Fault, SignatureVerificationFailed)) as caught:
        service.Status(Id="unknown")
    assert isinstance(caught.value, Fault)


# --- usernames ----------------------------------------------------------------------------------------------------


@BOTH
def test_a_username_is_asked_for_beside_the_certificate(place: Place, version: str) -> None:
    signing = Signing(place, place.pair(EndpointKind.INBOX))
    held, password = place.do(lambda gateway: register_username(gateway, signing.pair.sender, "records", actor="test"))
    poll = envelope("<g:Poll/>", version)
    until(lambda: code_of(signing.post(poll, version)) == "identity.username", "the username is asked for")
    signing.client.security = [username_token("records", password)]
    assert signing.post(signing.signed(poll), version).status_code == 200
    service = zeep.Client(
        f"{signing.caller.url}/soap?wsdl",
        transport=zeep.Transport(session=signing.caller.session, timeout=30),
        wsse=UsernameToken("records", password),
    ).bind("GatewayService", "Gateway11" if version == SOAP11 else "Gateway12")
    assert service.Poll().Next is not None
    signing.client.security = [username_token("records", "not the password")]
    assert code_of(signing.post(signing.signed(poll), version)) == "identity.username"
    place.do(lambda gateway: revoke_credential(gateway, signing.pair.sender, held.fingerprint, actor="test"))
