"""WS-Security at the SOAP edge: what is signed is verified before it is believed, and answered with a signature."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from lxml import etree

from gateway.document.names import DS, SOAP11, SOAP12, WSA, WSSE, WSU
from gateway.document.parse import parse
from gateway.errors import Unavailable
from gateway.exchange.submission import IdConflict
from gateway.signing.header import is_signed, verify_envelope
from gateway.signing.keyring import TrustedKeys
from gateway.signing.username import password_record
from gateway.soap.service import SERVICE, action_of
from gateway.store.configuration import Credential, CredentialKind
from tests.api.conftest import session
from tests.api.pretend_gateway import JAIL, PretendGateway
from tests.api.test_soap import BOTH, POLL, SUBMIT, Answer, enveloped, post
from tests.signing.oracles import xmlsec_accepts
from tests.signing.parties import certified, p256, rsa_key, trusted
from tests.signing.wss_client import DIGEST, Client, username_token

START = datetime.now(UTC)
JAILS = certified(p256("jail at the edge"), JAIL.id, now=START)
STRANGERS = certified(p256("stranger at the edge"), JAIL.id, now=START)
GATEWAYS = certified(rsa_key(2048), "the-gateway", now=START)  # type: ignore[arg-type]
TYPES = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}
ID = "<wsa:MessageID>urn:uuid:7</wsa:MessageID>"


@pytest.fixture(autouse=True)
def keys(gateway: PretendGateway) -> Any:
    """The gateway has a Cover key, and the jail a registered certificate."""
    gateway.current.trust = lambda one: trusted(JAILS) if one == JAIL.id else TrustedKeys(agency=one)
    gateway.keys = SimpleNamespace(cover_signer=GATEWAYS)  # type: ignore[attr-defined]
    return gateway.keys  # type: ignore[attr-defined]


def client_of(**options: Any) -> Client:
    return Client(key=p256("jail at the edge"), certificate=JAILS.certificate_der, **options)


def signed(body: str = SUBMIT, version: str = SOAP12, header: str = ID, *, age: float = 0, **options: Any) -> bytes:
    now = datetime.now(UTC) - timedelta(seconds=age)
    return client_of(**options).sign(enveloped(body, version, header=header), now=now)


def code_of(answer: Answer) -> str:
    return answer.root.findtext(f".//{{{SERVICE}}}Problem/{{{SERVICE}}}Code") or ""


def verified(answer: Answer) -> etree._Element:
    """The answer's envelope, verified by the gateway's certificate alone; xmlsec alone verifies it too."""
    assert xmlsec_accepts(answer.data, GATEWAYS, ("Id", WSU))
    return verify_envelope(parse(answer.data), trusted(GATEWAYS, agency="the-gateway"), now=datetime.now(UTC)).root  # type: ignore[arg-type]


@BOTH
@pytest.mark.parametrize("names", ["token", "serial", "thumbprint"])
async def test_a_signed_submission_goes_on_with_its_proof(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str, names: str
) -> None:
    answer = await post(client, signed(version=version, names=names), TYPES[version])
    assert answer.status == 200
    (submission,) = gateway.submissions
    assert submission.sender_id == "urn:uuid:7"
    assert submission.proof is not None
    assert submission.proof.certificate == JAILS.certificate_der
    assert etree.fromstring(submission.body).tag == "{urn:n}Notice"


@BOTH
async def test_the_answer_to_a_signed_request_is_signed_with_everything_that_matters_in_it(
    client: aiohttp.ClientSession, version: str
) -> None:
    answer = await post(client, signed(version=version), TYPES[version])
    root = verified(answer)
    assert root[1][0].tag == f"{{{SERVICE}}}SubmitResponse"
    assert root[0].findtext(f"{{{WSA}}}RelatesTo") == "urn:uuid:7"
    assert root[0].findtext(f"{{{WSA}}}Action") == action_of("SubmitResponse")
    (security,) = answer.root.iter(f"{{{WSSE}}}Security")
    assert [name for name in security.attrib if name.endswith("mustUnderstand")] == []


@BOTH
async def test_a_fault_to_a_signed_request_is_signed_too(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str
) -> None:
    gateway.fails = IdConflict("used before")
    root = verified(await post(client, signed(version=version), TYPES[version]))
    assert root.findtext(f".//{{{SERVICE}}}Code") == "message.id-conflict"
    assert root[0].findtext(f"{{{WSA}}}RelatesTo") == "urn:uuid:7"


async def test_that_a_signature_does_not_hold_is_told_under_the_gateways_own(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    answer = await post(client, signed().replace(b">text<", b">test<"))
    assert verified(answer).findtext(f".//{{{SERVICE}}}Code") == "signature.invalid"
    assert gateway.submissions == []
    assert gateway.refusals == [(JAIL.id, "signature.invalid", "soap")]


async def test_answers_without_addressing_are_signed_as_well(client: aiohttp.ClientSession) -> None:
    root = verified(await post(client, signed(POLL, header="")))
    assert root[1][0].tag == f"{{{SERVICE}}}PollResponse"


async def test_unsigned_requests_are_answered_unsigned(client: aiohttp.ClientSession) -> None:
    assert not is_signed((await post(client, enveloped(SUBMIT))).root)


async def test_unless_the_agency_wants_its_answers_signed(base: str, gateway: PretendGateway) -> None:
    gateway.tokens["wants-it"] = replace(JAIL, sign_answers=True)
    async with session(base, Authorization="Bearer wants-it") as client:
        assert verified(await post(client, enveloped(SUBMIT))) is not None
        refused = await post(client, b"<not", TYPES[SOAP12])
        assert verified(refused).findtext(f".//{{{SERVICE}}}Code", "").startswith("document.")


async def test_another_agencys_signature_is_refused_whoever_connects(
    police: aiohttp.ClientSession, client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    assert code_of(await post(police, signed())) == "signature.not-signer"
    strangers = Client(key=p256("stranger at the edge"), certificate=STRANGERS.certificate_der)
    answer = await post(client, strangers.sign(enveloped(SUBMIT), now=datetime.now(UTC)))
    assert code_of(answer) == "signature.not-signer"
    assert gateway.submissions == []


@pytest.mark.parametrize("age", [400, -400])
async def test_a_signature_of_another_time_is_refused(client: aiohttp.ClientSession, age: float) -> None:
    assert code_of(await post(client, signed(age=age))) == "signature.stale"


async def test_how_far_clocks_may_differ_is_a_setting(base: str, gateway: PretendGateway) -> None:
    gateway.settings = gateway.settings.model_copy(
        update={"signatures": gateway.settings.signatures.model_copy(update={"leeway_seconds": 30})}
    )
    async with session(base, Authorization="Bearer jail-token") as client:
        assert code_of(await post(client, signed(age=40))) == "signature.stale"
        assert (await post(client, signed(age=20))).status == 200


async def test_what_nobody_signed_does_not_reach_the_verbs(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    """An address that was added on the way is refused; a header block that means nothing here is left out."""
    header = b'<x:Note xmlns:x="urn:x">added</x:Note>'
    assert (await post(client, signed().replace(b"</s:Header>", header + b"</s:Header>"))).status == 200
    added = b'<wsa:To xmlns:wsa="%s">https://elsewhere.example/soap</wsa:To>' % WSA.encode()
    refused = await post(client, signed(header="").replace(b"</s:Header>", added + b"</s:Header>"))
    assert code_of(refused).startswith(("signature.", "soap."))
    assert len(gateway.submissions) == 1


async def test_a_body_that_was_wrapped_is_not_the_one_that_is_done(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    root = etree.fromstring(signed())
    body = root[-1]
    evil = etree.SubElement(root, body.tag)
    evil.append(etree.fromstring(SUBMIT.replace(">text<", ">evil<")))
    etree.SubElement(root[0], "{urn:w}Wrapper").append(body)
    assert code_of(await post(client, etree.tostring(root))) == "signature.shape"
    assert gateway.submissions == []


async def test_the_signatures_own_name_is_the_id_of_a_message_that_names_none(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    """So the same bytes, sent again because no answer came, are one message."""
    data = signed(header="")
    for _ in range(2):
        await post(client, data)
    first, again = gateway.submissions
    assert first.sender_id == again.sender_id
    assert first.sender_id.startswith("urn:sha-256:")
    await post(client, signed(header=""))
    assert gateway.submissions[2].sender_id != first.sender_id


async def test_an_idempotency_key_is_taken_beside_a_signature_that_names_no_id(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    await post(client, signed(header=""), **{"Idempotency-Key": "jms-1"})
    answer = await post(client, signed(), **{"Idempotency-Key": "jms-1"})
    assert [each.sender_id for each in gateway.submissions] == ["jms-1"]
    assert code_of(answer) == "message.bad-id"


@pytest.mark.parametrize("body", [POLL, f'<g:Status xmlns:g="{SERVICE}"><g:Id>m-1</g:Id></g:Status>'])
async def test_polls_and_questions_may_be_asked_again_with_the_same_signature(
    client: aiohttp.ClientSession, body: str
) -> None:
    data = signed(body)
    assert [(await post(client, data)).status for _ in range(2)] == [200, 200]


async def test_the_security_header_is_understood(client: aiohttp.ClientSession) -> None:
    data = signed()
    assert b"mustUnderstand" in data
    assert (await post(client, data)).status == 200


def security(content: str, more: str = "") -> str:
    return f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}" s:mustUnderstand="1" {more}>{content}</w:Security>'


def stamp(age: float) -> str:
    created = (datetime.now(UTC) - timedelta(seconds=age)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"<u:Timestamp><u:Created>{created}</u:Created></u:Timestamp>"


async def test_a_timestamp_alone_is_judged_and_proves_nothing(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    answer = await post(client, enveloped(SUBMIT, header=security(stamp(10))))
    assert answer.status == 200
    assert not is_signed(answer.root)
    assert gateway.submissions[0].proof is None
    assert code_of(await post(client, enveloped(SUBMIT, header=security(stamp(1000))))) == "signature.stale"


@pytest.mark.parametrize(
    "header",
    [
        security("") + security(""),
        security("", 's:role="urn:somebody"'),
        security('<x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#"/>'),
        security(f'<d:Signature xmlns:d="{DS}"/>'),
        security("<u:Timestamp/>"),
    ],
    ids=["two", "for somebody else", "encrypted", "empty signature", "empty timestamp"],
)
async def test_a_security_header_of_another_shape_is_refused(client: aiohttp.ClientSession, header: str) -> None:
    answer = await post(client, enveloped(SUBMIT, header=header))
    assert (answer.status, code_of(answer)) == (400, "signature.shape")


async def test_a_large_signed_message_is_verified_beside_the_event_loop(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    large = SUBMIT.replace(">text<", f">{'x' * 300_000}<")
    assert verified(await post(client, signed(large))) is not None
    assert len(gateway.submissions[0].body) > 300_000


async def test_when_the_key_is_away_the_fault_is_told_unsigned(client: aiohttp.ClientSession, keys: Any) -> None:
    class Away(Unavailable):
        """The token is not plugged in."""

        code = "key.away"

    class NoSigner:
        algorithm = GATEWAYS.algorithm
        certificate_der = GATEWAYS.certificate_der

        def sign(self, _: bytes) -> bytes:
            raise Away("no token")

    keys.cover_signer = NoSigner()
    answer = await post(client, signed())
    assert (answer.status, code_of(answer)) == (500, "key.away")
    assert not list(answer.root.iter(f"{{{WSSE}}}Security"))


# --- usernames ----------------------------------------------------------------------------------------------------

PASSWORD = "correct horse battery"


@pytest.fixture
def asked(gateway: PretendGateway) -> None:
    """The jail's requests must carry a UsernameToken."""
    secret = password_record("records", PASSWORD, b"s" * 16)
    now = datetime.now(UTC)
    held = Credential(
        fingerprint=sha256(secret).hexdigest(),
        kind=CredentialKind.USERNAME,
        agency=JAIL.id,
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=1),
        secret=secret,
    )
    gateway.current.usernames = {JAIL.id: (held,)}


def with_token(token: etree._Element, version: str = SOAP12, body: str = SUBMIT) -> bytes:
    return enveloped(body, version, header=security(etree.tostring(token).decode()))


@BOTH
@pytest.mark.usefixtures("asked")
async def test_a_username_token_is_asked_for_beside_the_transports_credential(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str
) -> None:
    token = username_token("records", PASSWORD)
    assert (await post(client, with_token(token, version), TYPES[version])).status == 200
    for refused in (
        await post(client, enveloped(SUBMIT, version), TYPES[version]),
        await post(client, with_token(username_token("records", "wrong password"), version), TYPES[version]),
        await post(client, enveloped(POLL, version), TYPES[version]),
    ):
        assert (refused.status, code_of(refused)) == (401, "identity.username")
        assert PASSWORD.encode() not in refused.data
    assert len(gateway.submissions) == 1
    assert [code for _, code, _ in gateway.refusals] == ["identity.username"] * 3


@pytest.mark.usefixtures("asked")
async def test_it_never_stands_for_the_transports_credential(base: str) -> None:
    async with session(base) as nobody:
        answer = await post(nobody, with_token(username_token("records", PASSWORD)))
    assert (answer.status, code_of(answer)) == (401, "identity.unknown")


@pytest.mark.usefixtures("asked")
async def test_it_stands_with_a_signature_and_under_it(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    assert (await post(client, signed(security=[username_token("records", PASSWORD)]))).status == 200
    assert gateway.submissions[0].proof is not None
    assert code_of(await post(client, signed())) == "identity.username"


@pytest.mark.usefixtures("asked")
async def test_a_password_digest_is_refused_by_name(client: aiohttp.ClientSession) -> None:
    answer = await post(client, with_token(username_token("records", "mR8=", kind=DIGEST)))
    assert (answer.status, code_of(answer)) == (401, "identity.password-digest")


async def test_a_username_token_that_nobody_asked_for_is_refused(client: aiohttp.ClientSession) -> None:
    answer = await post(client, with_token(username_token("records", PASSWORD)))
    assert code_of(answer) == "identity.username"
