import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from gateway.delivery.outcome import OutcomeKind
from gateway.transport.connections import Connections, Own
from gateway.transport.rest import RestTransport, multipart
from gateway.transport.tls import Trust
from tests.pretend_agency import (
    Behavior,
    DripHeaders,
    PretendServer,
    Redirect,
    Refuse,
    TakeAndBabble,
    TakeAndDripBody,
    TakeAndHangUp,
    TakeAndStall,
    serving,
)
from tests.transport.parcels import (
    COVER,
    DISSEMINATION,
    PAYLOAD,
    SECONDS,
    StoppedClock,
    authority,
    parcel,
    server_context,
)

SOON = timedelta(seconds=0.3)


@pytest.fixture
async def agency() -> AsyncIterator[PretendServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def rest() -> AsyncIterator[RestTransport]:
    transport = RestTransport(Connections(now=lambda: Own(trust=Trust(system=True))), StoppedClock())
    yield transport
    await transport.close()


async def test_cover_and_payload_arrive_byte_for_byte(agency: PretendServer, rest: RestTransport) -> None:
    outcome = await rest.send(parcel(agency.url()), deadline=SECONDS)
    (received,) = agency.mailbox.received
    assert outcome.kind is OutcomeKind.ACKNOWLEDGED
    assert (received.payload, received.cover) == (PAYLOAD, COVER)


async def test_the_request_names_message_delivery_and_dissemination(agency: PretendServer, rest: RestTransport) -> None:
    sent = parcel(agency.url())
    await rest.send(sent, deadline=SECONDS)
    (received,) = agency.mailbox.received
    assert (received.message, received.delivery, received.key) == (sent.message, sent.delivery, DISSEMINATION)


async def test_the_content_digest_is_that_of_the_body(agency: PretendServer, rest: RestTransport) -> None:
    await rest.send(parcel(agency.url()), deadline=SECONDS)
    (received,) = agency.mailbox.received
    digest = base64.b64encode(hashlib.sha256(received.body).digest()).decode()
    assert received.headers["Content-Digest"] == f"sha-256=:{digest}:"


def test_another_reader_of_mime_finds_the_cover_as_root_part() -> None:
    content_type, body = multipart(parcel("https://rms.example"))
    read = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    root, other = read.iter_parts()
    assert read.get_content_type() == "multipart/related"
    assert read.get_param("type") == "application/xml"
    assert read.get_param("start") == root["Content-ID"]
    assert (root.get_content(), other.get_content()) == (COVER, PAYLOAD)


def test_a_payload_that_holds_the_boundary_gets_another_boundary() -> None:
    sent = replace(parcel("https://rms.example"), payload=f"<a>\r\n--part-{DISSEMINATION}--</a>".encode())
    content_type, body = multipart(sent)
    read = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    assert [part.get_content() for part in read.iter_parts()] == [COVER, sent.payload]


async def test_a_payload_alone_is_the_whole_body_and_names_its_cover(
    agency: PretendServer, rest: RestTransport
) -> None:
    sent = parcel(agency.url(), payload_alone=True)
    await rest.send(sent, deadline=SECONDS)
    (received,) = agency.mailbox.received
    assert (received.body, received.headers["Content-Type"]) == (PAYLOAD, "application/xml")
    assert received.headers["Cover-URL"] == sent.cover_url


async def test_a_second_try_carries_the_same_id_and_has_no_second_effect(
    agency: PretendServer, rest: RestTransport
) -> None:
    agency.mailbox.next = [TakeAndHangUp()]
    first = await rest.send(parcel(agency.url()), deadline=SECONDS)
    second = await rest.send(parcel(agency.url()), deadline=SECONDS)
    assert (first.kind, second.kind) == (OutcomeKind.UNKNOWN, OutcomeKind.ACKNOWLEDGED)
    assert len(agency.mailbox.received) == 2
    assert len(agency.mailbox.effects) == 1


@pytest.mark.parametrize(
    ("behavior", "kind", "code"),
    [
        (Refuse(422), OutcomeKind.REFUSED, "delivery.http-422"),
        (Refuse(503), OutcomeKind.FAILED, "delivery.http-503"),
        (Refuse(503, {"Retry-After": "7"}), OutcomeKind.RETRY_LATER, "delivery.http-503"),
        (Refuse(409), OutcomeKind.DUPLICATE, "delivery.http-409"),
        (TakeAndHangUp(), OutcomeKind.UNKNOWN, "delivery.no-answer"),
        (TakeAndBabble(1_000_000, status=500), OutcomeKind.FAILED, "delivery.http-500"),
    ],
    ids=str,
)
async def test_what_an_agency_answers_is_what_the_try_came_to(
    agency: PretendServer, rest: RestTransport, behavior: Behavior, kind: OutcomeKind, code: str
) -> None:
    agency.mailbox.next = [behavior]
    outcome = await rest.send(parcel(agency.url()), deadline=SECONDS)
    assert (outcome.kind, outcome.code) == (kind, code)


@pytest.mark.parametrize("behavior", [TakeAndStall(), DripHeaders()], ids=lambda behavior: type(behavior).__name__)
async def test_one_deadline_ends_a_try_however_the_agency_drags_it_out(
    agency: PretendServer, rest: RestTransport, behavior: Behavior
) -> None:
    agency.mailbox.next = [behavior]
    started = time.monotonic()
    outcome = await rest.send(parcel(agency.url()), deadline=SOON)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "delivery.time-out")
    assert time.monotonic() - started < 2


async def test_a_2xx_counts_although_its_body_never_ends(agency: PretendServer, rest: RestTransport) -> None:
    agency.mailbox.next = [TakeAndDripBody()]
    started = time.monotonic()
    outcome = await rest.send(parcel(agency.url()), deadline=SOON)
    assert outcome.kind is OutcomeKind.ACKNOWLEDGED
    assert time.monotonic() - started < 2


async def test_a_2xx_counts_however_long_its_body_and_the_next_try_is_not_disturbed(
    agency: PretendServer, rest: RestTransport
) -> None:
    agency.mailbox.next = [TakeAndBabble(5_000_000)]
    outcomes = [await rest.send(parcel(agency.url()), deadline=SECONDS) for _ in range(2)]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ACKNOWLEDGED] * 2


async def test_a_redirect_is_not_followed(agency: PretendServer, rest: RestTransport) -> None:
    async with serving() as elsewhere:
        agency.mailbox.next = [Redirect(elsewhere.url())]
        outcome = await rest.send(parcel(agency.url()), deadline=SECONDS)
        assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "delivery.http-307")
        assert elsewhere.mailbox.requests == []


async def test_many_tries_share_kept_connections(agency: PretendServer, rest: RestTransport) -> None:
    await asyncio.gather(*(rest.send(parcel(agency.url()), deadline=SECONDS) for _ in range(20)))
    before = len(agency.peers)
    await asyncio.gather(*(rest.send(parcel(agency.url()), deadline=SECONDS) for _ in range(20)))
    assert 0 < before <= 20
    assert len(agency.peers) == before


async def test_cookies_are_neither_kept_nor_sent(agency: PretendServer, rest: RestTransport) -> None:
    agency.mailbox.next = [Refuse(503, {"Set-Cookie": "session=1"})]
    for _ in range(2):
        await rest.send(parcel(agency.url()), deadline=SECONDS)
    assert "Cookie" not in agency.mailbox.requests[-1].headers


async def test_nobody_listening_is_a_try_that_surely_did_not_arrive(rest: RestTransport) -> None:
    outcome = await rest.send(parcel(f"http://127.0.0.1:{unused_port()}/rest"), deadline=SECONDS)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "delivery.no-connection")


async def test_an_unknown_name_is_a_try_that_surely_did_not_arrive(rest: RestTransport) -> None:
    outcome = await rest.send(parcel("https://rms.invalid/in"), deadline=SECONDS)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "delivery.name-unknown")


@pytest.mark.parametrize("url", ["https://", "https://[::1", "https://rms.example:99999/", "https://2130706433/in"])
async def test_an_address_that_is_none_is_said_so(rest: RestTransport, url: str) -> None:
    outcome = await rest.send(parcel(url), deadline=SECONDS)
    assert outcome.kind in (OutcomeKind.FAILED, OutcomeKind.UNKNOWN)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_loopback_address_needs_an_administrators_leave(
    agency: PretendServer, rest: RestTransport, host: str
) -> None:
    outcome = await rest.send(parcel(f"https://{host}:{agency.port}/rest", private_network=False), deadline=SECONDS)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "delivery.address-refused")
    assert agency.peers == set()


async def test_plain_http_is_not_spoken_without_leave(agency: PretendServer, rest: RestTransport) -> None:
    outcome = await rest.send(parcel(agency.url(), private_network=False), deadline=SECONDS)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "delivery.plain-http")


# --- TLS --------------------------------------------------------------------------------------------------------------


def transport(**given: object) -> RestTransport:
    return RestTransport(Connections(now=lambda: Own(**given)), StoppedClock())  # type: ignore[arg-type]


async def outcomes(rest: RestTransport, urls: Iterable[str], **changes: object) -> list[str]:
    try:
        made = [
            await rest.send(replace(parcel(url), **changes), deadline=SECONDS)  # type: ignore[arg-type]
            for url in urls
        ]
    finally:
        await rest.close()
    return [outcome.code or outcome.kind for outcome in made]


async def test_a_server_is_trusted_by_its_authority_and_its_host_name(tmp_path: Path) -> None:
    ours = authority("ours")
    server = server_context(ours.issue(tmp_path, "agency", ("localhost",)))
    async with serving(tls=server) as agency:
        urls = [agency.url(host="localhost"), agency.url(host="127.0.0.1")]
        assert await outcomes(transport(trust=Trust(authorities=ours.pem)), urls) == [
            "acknowledged",
            "delivery.certificate-untrusted",
        ]


async def test_a_server_of_an_unknown_authority_gets_nothing(tmp_path: Path) -> None:
    server = server_context(authority("theirs").issue(tmp_path, "agency", ("localhost",)))
    async with serving(tls=server) as agency:
        made = await outcomes(
            transport(trust=Trust(authorities=authority("ours").pem, system=True)), [agency.url(host="localhost")]
        )
        assert made == ["delivery.certificate-untrusted"]
        assert agency.mailbox.requests == []


async def test_an_agencys_own_authority_is_trusted_for_that_agency_alone(tmp_path: Path) -> None:
    ours, theirs = authority("ours"), authority("theirs")
    server = server_context(theirs.issue(tmp_path, "agency", ("localhost",)))
    async with serving(tls=server) as agency:
        url = agency.url(host="localhost")
        assert await outcomes(transport(trust=Trust(authorities=ours.pem)), [url], authorities=theirs.pem) == [
            "acknowledged"
        ]
        one = transport(trust=Trust(authorities=ours.pem))
        first = await one.send(replace(parcel(url), authorities=theirs.pem), deadline=SECONDS)
        assert (first.code, await outcomes(one, [url])) == ("", ["delivery.certificate-untrusted"])


async def test_a_pinned_server_certificate_is_enough(tmp_path: Path) -> None:
    files = authority("theirs").issue(tmp_path, "agency", ("localhost",))
    async with serving(tls=server_context(files)) as agency:
        made = await outcomes(
            transport(trust=Trust()), [agency.url(host="localhost")], authorities=files.certificate.read_bytes()
        )
        assert made == ["acknowledged"]


async def test_the_gateway_shows_its_client_certificate_where_the_endpoint_wants_it(tmp_path: Path) -> None:
    ours = authority("ours")
    server = server_context(ours.issue(tmp_path, "agency", ("localhost",)), clients=ours)
    identity = ours.issue(tmp_path, "gateway")
    trust = Trust(authorities=ours.pem)
    async with serving(tls=server) as agency:
        url = agency.url(host="localhost")
        assert await outcomes(transport(trust=trust, identity=identity), [url]) == ["acknowledged"]
        assert agency.mailbox.received[0].client_certificate is not None
        without = parcel(url, client_key=False).endpoint
        (code,) = await outcomes(transport(trust=trust, identity=identity), [url], endpoint=without)
        assert code in ("delivery.no-answer", "delivery.tls")
        assert len(agency.mailbox.requests) == 1


async def test_a_client_key_that_does_not_load_is_told_to_the_operator_by_code(tmp_path: Path) -> None:
    identity = authority("ours").issue(tmp_path, "gateway")
    identity.key.write_bytes(b"not a key")
    rest = transport(trust=Trust(), identity=identity)
    assert await outcomes(rest, ["https://rms.example/in"]) == ["tls.client-key"]


async def test_authorities_that_are_no_certificates_are_told_by_code() -> None:
    rest = transport(trust=Trust())
    assert await outcomes(rest, ["https://rms.example/in"], authorities=b"nothing") == ["tls.authorities"]


async def test_a_server_that_speaks_no_tls_gets_nothing(agency: PretendServer) -> None:
    made = await outcomes(transport(trust=Trust()), [f"https://127.0.0.1:{agency.port}/rest"])
    assert made[0] in ("delivery.tls", "delivery.no-connection")
    assert agency.mailbox.requests == []
