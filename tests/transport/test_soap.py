import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from gateway.agency import AgencyId
from gateway.delivery.outcome import OutcomeKind
from gateway.document.canonical import exclusive
from gateway.document.names import COVER as COVER_NAMESPACE
from gateway.document.names import SOAP12, WSA
from gateway.document.parse import parse
from gateway.errors import Misconfigured
from gateway.message import Action, DisseminationId, MessageId
from gateway.signing.cover import Cover, sign_cover, verify_cover
from gateway.signing.header import verify_envelope
from gateway.signing.keyring import TrustedKeys
from gateway.transport.connections import Connections, Own
from gateway.transport.soap import ACTION, DELIVERY, LARGE_BYTES, SoapTransport, request
from gateway.transport.tls import Trust
from tests.pretend_agency import Behavior, Fault, PretendServer, Refuse, TakeAndHangUp, TakeAndSay, serving
from tests.pretend_wire import envelope, put_together
from tests.transport.parcels import COVER, DISSEMINATION, PAYLOAD, SECONDS, StoppedClock, parcel
from tests.transport.signers import TestSigner

SIGNER = TestSigner()
NOW = StoppedClock().now()
TRUSTED = TrustedKeys(agency=AgencyId("gateway"), pins=frozenset({SIGNER.certificate_der}))
SOAP_TYPE = "application/soap+xml; charset=utf-8"


@pytest.fixture
async def agency() -> AsyncIterator[PretendServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def soap() -> AsyncIterator[SoapTransport]:
    transport = SoapTransport(Connections(now=lambda: Own(trust=Trust(system=True))), StoppedClock(), lambda: SIGNER)
    yield transport
    await transport.close()


async def test_the_agency_gets_payload_and_cover_as_they_were_signed(
    agency: PretendServer, soap: SoapTransport
) -> None:
    outcome = await soap.send(parcel(agency.url("/soap")), deadline=SECONDS)
    (received,) = agency.mailbox.received
    assert outcome.kind is OutcomeKind.ACKNOWLEDGED
    for came, stored in ((received.payload, PAYLOAD), (received.cover, COVER)):
        assert exclusive(etree.fromstring(came)) == exclusive(etree.fromstring(stored))


async def test_the_message_id_is_that_of_the_dissemination_on_every_try(
    agency: PretendServer, soap: SoapTransport
) -> None:
    agency.mailbox.next = [TakeAndHangUp()]
    for _ in range(2):
        await soap.send(parcel(agency.url("/soap")), deadline=SECONDS)
    assert list(agency.mailbox.effects) == [f"urn:uuid:{DISSEMINATION}"]
    assert len(agency.mailbox.received) == 2


async def test_what_arrives_is_verified_by_the_signature_of_the_gateway(
    agency: PretendServer, soap: SoapTransport
) -> None:
    sent = parcel(agency.url("/soap"))
    await soap.send(sent, deadline=SECONDS)
    document = parse(agency.mailbox.received[0].body, instructions=False)
    root = verify_envelope(document, TRUSTED, now=StoppedClock().now()).root
    assert root.findtext(f"{{{SOAP12}}}Header/{{{WSA}}}Action") == ACTION
    assert root.findtext(f"{{{SOAP12}}}Header/{{{WSA}}}To") == sent.endpoint.url
    assert root.find(f"{{{SOAP12}}}Body/{{{DELIVERY}}}Deliver/{{urn:r}}Release") is not None


async def test_the_media_type_names_the_action(agency: PretendServer, soap: SoapTransport) -> None:
    await soap.send(parcel(agency.url("/soap")), deadline=SECONDS)
    assert agency.mailbox.received[0].headers["Content-Type"] == (
        f'application/soap+xml; charset=utf-8; action="{ACTION}"'
    )


async def test_each_try_is_signed_anew(agency: PretendServer) -> None:
    clock = StoppedClock()
    soap = SoapTransport(Connections(now=lambda: Own(trust=Trust())), clock, lambda: SIGNER)
    for _ in range(2):
        await soap.send(parcel(agency.url("/soap")), deadline=SECONDS)
        clock.moment += timedelta(hours=1)
    await soap.close()
    late = parse(agency.mailbox.received[1].body)
    assert verify_envelope(late, TRUSTED, now=clock.moment - timedelta(hours=1)).root is not None


def test_an_address_with_an_ampersand_stays_an_address() -> None:
    sent = parcel("https://rms.example/in?unit=7&kind=<release>")
    root = parse(request(sent, SIGNER, StoppedClock().now())[1]).root
    assert root.findtext(f"{{{SOAP12}}}Header/{{{WSA}}}To") == sent.endpoint.url


async def test_a_payload_of_a_megabyte_arrives_too(agency: PretendServer, soap: SoapTransport) -> None:
    photo = b"<r:Photo xmlns:r='urn:r'>" + b"QUJD" * LARGE_BYTES + b"</r:Photo>"
    outcome = await soap.send(replace(parcel(agency.url("/soap")), payload=photo), deadline=SECONDS)
    assert outcome.kind is OutcomeKind.ACKNOWLEDGED
    assert len(agency.mailbox.received[0].payload) >= 4 * LARGE_BYTES


PHOTO = bytes(range(256)) * 40
WITH_PHOTO = f"<r:R xmlns:r='urn:r'><r:Photo>{base64.b64encode(PHOTO).decode()}</r:Photo></r:R>".encode()


async def test_to_an_endpoint_that_takes_mtom_photos_travel_beside_the_envelope(
    agency: PretendServer, soap: SoapTransport
) -> None:
    sent = replace(parcel(agency.url("/soap"), mtom=True), payload=WITH_PHOTO)
    outcome = await soap.send(sent, deadline=SECONDS)
    (received,) = agency.mailbox.received
    assert outcome.kind is OutcomeKind.ACKNOWLEDGED
    assert PHOTO in received.body
    assert received.headers["Content-Type"].endswith(f'; action="{ACTION}"')
    assert exclusive(etree.fromstring(received.payload)) == exclusive(etree.fromstring(WITH_PHOTO))


async def test_the_signature_is_over_the_envelope_with_its_photos_in_it(
    agency: PretendServer, soap: SoapTransport
) -> None:
    await soap.send(replace(parcel(agency.url("/soap"), mtom=True), payload=WITH_PHOTO), deadline=SECONDS)
    (received,) = agency.mailbox.received
    whole = put_together(received.headers["Content-Type"], received.body)
    document = parse(etree.tostring(whole), instructions=False)
    assert verify_envelope(document, TRUSTED, now=NOW).root.findtext(".//{urn:r}Photo")


async def test_an_endpoint_that_takes_mtom_gets_every_message_so(agency: PretendServer, soap: SoapTransport) -> None:
    await soap.send(parcel(agency.url("/soap"), mtom=True), deadline=SECONDS)
    (received,) = agency.mailbox.received
    assert received.headers["Content-Type"].startswith('multipart/related; type="application/xop+xml"')
    assert exclusive(etree.fromstring(received.payload)) == exclusive(etree.fromstring(PAYLOAD))


async def test_without_mtom_photos_stay_where_they_are(agency: PretendServer, soap: SoapTransport) -> None:
    await soap.send(replace(parcel(agency.url("/soap")), payload=WITH_PHOTO), deadline=SECONDS)
    assert agency.mailbox.received[0].headers["Content-Type"].startswith("application/soap+xml")
    assert base64.b64encode(PHOTO) in agency.mailbox.received[0].body


SENDER, RECEIVER, SECURITY = (f"delivery.soap-{name}-fault" for name in ("sender", "receiver", "security"))


@pytest.mark.parametrize(
    ("behavior", "kind", "code"),
    [
        (Fault("Sender"), OutcomeKind.REFUSED, SENDER),
        (Fault("MustUnderstand"), OutcomeKind.REFUSED, SENDER),
        (Fault("Receiver"), OutcomeKind.FAILED, RECEIVER),
        (Fault("Sender", "wsse:FailedCheck"), OutcomeKind.FAILED, SECURITY),
        (Refuse(503, {"Retry-After": "9"}), OutcomeKind.RETRY_LATER, "delivery.http-503"),
        (Refuse(404), OutcomeKind.FAILED, "delivery.http-404"),
        (TakeAndSay(b"", SOAP_TYPE, 202), OutcomeKind.ACKNOWLEDGED, ""),
        (TakeAndSay(b"<html>Log in</html>", "text/html"), OutcomeKind.UNKNOWN, "delivery.answer-not-soap"),
        (TakeAndSay(b"<broken", SOAP_TYPE), OutcomeKind.UNKNOWN, "delivery.answer-malformed"),
        (TakeAndSay(b"<!DOCTYPE a><a/>", SOAP_TYPE), OutcomeKind.UNKNOWN, "delivery.answer-malformed"),
        (TakeAndSay(b"<?go on?><a/>", SOAP_TYPE), OutcomeKind.UNKNOWN, "delivery.answer-malformed"),
        (TakeAndSay(b"<a/>", SOAP_TYPE), OutcomeKind.UNKNOWN, "delivery.answer-malformed"),
        (TakeAndSay(envelope("x" * 70_000), SOAP_TYPE), OutcomeKind.UNKNOWN, "delivery.answer-malformed"),
        (TakeAndHangUp(), OutcomeKind.UNKNOWN, "delivery.no-answer"),
    ],
    ids=str,
)
async def test_what_an_agency_answers_is_what_the_try_came_to(
    agency: PretendServer, soap: SoapTransport, behavior: Behavior, kind: OutcomeKind, code: str
) -> None:
    agency.mailbox.next = [behavior]
    outcome = await soap.send(parcel(agency.url("/soap")), deadline=SECONDS)
    assert (outcome.kind, outcome.code) == (kind, code)


async def test_a_signer_that_cannot_sign_is_a_try_that_did_not_arrive(agency: PretendServer) -> None:
    class TokenAway(Misconfigured):
        code = "key.away"

    class Away(TestSigner):
        def sign(self, data: bytes) -> bytes:
            raise TokenAway("the token is not there")

    soap = SoapTransport(Connections(now=lambda: Own(trust=Trust())), StoppedClock(), Away)
    outcome = await soap.send(parcel(agency.url("/soap")), deadline=SECONDS)
    await soap.close()
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "key.away")
    assert agency.mailbox.requests == []


async def test_the_cover_cut_out_of_the_header_is_verified_by_itself(
    agency: PretendServer, soap: SoapTransport
) -> None:
    now = StoppedClock().now()
    written = Cover(
        dissemination=DisseminationId(DISSEMINATION),
        message=MessageId("01950000-0000-7000-8000-000000003e55"),
        action=Action.NEW,
        sender=AgencyId("harlan-county-jail"),
        recipient=AgencyId("harlan-probation"),
        exchange="custody-release/1.0",
        mou="JAIL-PROB-2026-02",
        mou_version=1,
        mou_digest="sha-256:" + "0" * 64,
        clauses=("E1",),
        purpose="supervision",
        role="supervision-officer",
        fields_withheld=True,
        contact="liaison 555-0100",
        created=now,
        payload_digest="sha-256:" + "1" * 64,
    )
    sent = replace(parcel(agency.url("/soap")), cover=sign_cover(written, SIGNER))
    assert (await soap.send(sent, deadline=SECONDS)).kind is OutcomeKind.ACKNOWLEDGED
    verified = verify_envelope(parse(agency.mailbox.received[0].body), TRUSTED, now=now).root
    (block,) = verified.findall(f"{{{SOAP12}}}Header/{{{COVER_NAMESPACE}}}Cover")
    assert verify_cover(exclusive(block), TRUSTED, now=now) == written


def test_two_disseminations_of_one_message_have_two_message_ids() -> None:
    ids = ("01950000-0000-7000-8000-000000000001", "01950000-0000-7000-8000-000000000002")
    path = f"{{{SOAP12}}}Header/{{{WSA}}}MessageID"
    found = [
        parse(request(replace(parcel("https://a.example"), dissemination=DisseminationId(each)), SIGNER, NOW)[1])
        for each in ids
    ]
    assert [document.root.findtext(path) for document in found] == [f"urn:uuid:{each}" for each in ids]
