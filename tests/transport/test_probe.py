"""Trying the way to an endpoint says in words where it ends, and sends nothing that could be taken for a record."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.agency import Endpoint, EndpointKind
from gateway.document.parse import parse
from gateway.signing.enveloped import verify_enveloped
from gateway.signing.header import verify_envelope
from gateway.signing.keyring import TrustedKeys
from gateway.transport.connections import Connections, Own
from gateway.transport.probe import ping, probe
from gateway.transport.probe_words import Said, Step, Tried
from gateway.transport.tls import ClientIdentity, Trust
from tests.api.certificates import Identity, make
from tests.signing.parties import JAIL, jail
from tests.transport.parcels import SECONDS

NOW = datetime.now(UTC)
AUTHORITY = make("Partner CA", authority=True)
SERVER = make("server", issuer=AUTHORITY, client=False)
OURS = make("Gateway CA", authority=True)
ID = "01950000-0000-7000-8000-00000000d155"
SOAP = "http://www.w3.org/2003/05/soap-envelope"


@dataclass
class Partner:
    """Answers every request with the same bytes; what came stays on it."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    seen: list[bytes] = field(default_factory=list)
    silent: bool = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if b"content-length" in x), 0)
            self.seen.append(head + await reader.readexactly(length))
            if self.silent:
                await asyncio.sleep(30)
            writer.write(self.answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # a handshake alone, or a client that was turned down
        finally:
            writer.close()


def answer(status: int, body: bytes = b"", media: str = "text/html", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", f"Content-Type: {media}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def soap_fault(code: str, namespace: str = SOAP) -> bytes:
    text = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><s:Code><s:Value xmlns:c="{namespace}">c:{code}</s:Value>'
        "</s:Code><s:Reason><s:Text xml:lang='en'>no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
    )
    return answer(500, text.encode(), "application/soap+xml")


def context(folder: Path, identity: Identity, clients: Identity | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*identity.write(folder, "server"))
    if clients is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(cadata=clients.pem.decode())
    return made


@contextmanager
def plainly(tls: ssl.SSLContext) -> Iterator[int]:
    """A server as most are: what it refuses it says by an alert, which asyncio's own servers keep to themselves."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            plain.settimeout(5)
            with contextlib.suppress(OSError), tls.wrap_socket(plain, server_side=True) as wrapped:
                wrapped.recv(4096)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@dataclass(frozen=True)
class Far:
    endpoint: Endpoint
    authorities: bytes = AUTHORITY.pem


@dataclass
class Way:
    """From us to a partner on this machine."""

    folder: Path

    @asynccontextmanager
    async def to(self, partner: Partner, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
        server = await asyncio.start_server(partner, "127.0.0.1", 0, ssl=tls)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def tried(
        self,
        url: str,
        kind: EndpointKind = EndpointKind.REST,
        *,
        private: bool = True,
        deadline: timedelta = SECONDS,
        told: Callable[[Said], None] = lambda _: None,
    ) -> tuple[Said, ...]:
        certificate, key = make("gateway", issuer=OURS).write(self.folder, "ours")
        own = Own(trust=Trust(), identity=ClientIdentity(certificate=certificate, key=key, looks=()))
        connections = Connections(now=lambda: own)
        endpoint = Endpoint(kind=kind, url=url, private_network=private)
        request = ping(endpoint, jail(), id=ID, now=NOW)
        try:
            return await probe(connections, Far(endpoint), request, deadline=deadline, told=told)
        finally:
            await connections.close()

    async def asked(self, partner: Partner, kind: EndpointKind = EndpointKind.REST) -> Said:
        """The last step to a partner whose TLS is well."""
        async with self.to(partner, context(self.folder, SERVER)) as port:
            said = await self.tried(f"https://localhost:{port}/in", kind)
        assert [each.step for each in said] == list(Step)
        assert all(each.tried is Tried.GOOD and not each.code for each in said[:-1])
        return said[-1]


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(tmp_path)


def ended(said: tuple[Said, ...]) -> tuple[Step, Tried, str]:
    return said[-1].step, said[-1].tried, said[-1].code


async def test_each_step_is_told_as_it_is_known_and_the_last_is_the_answer(way: Way) -> None:
    told: list[Said] = []
    async with way.to(Partner(), context(way.folder, SERVER, OURS)) as port:
        said = await way.tried(f"https://localhost:{port}/in", told=told.append)
    assert told == list(said)
    assert [each.step for each in said] == list(Step)
    assert {each.tried for each in said} == {Tried.GOOD}
    assert "TLSv1.3" in said[3].text
    assert said[-1].status == 200


async def test_plain_http_goes_nowhere_but_to_this_machine(way: Way) -> None:
    assert ended(await way.tried("http://198.51.100.7/in", private=False)) == (
        Step.ADDRESS, Tried.WRONG, "delivery.plain-http"
    )  # fmt: skip
    async with way.to(partner := Partner(), None) as port:
        said = await way.tried(f"http://127.0.0.1:{port}/in")
    assert ended(said) == (Step.ANSWER, Tried.GOOD, "")
    assert len(partner.seen) == 1


@pytest.mark.parametrize(
    ("errno", "tried"), [(socket.EAI_NONAME, Tried.WRONG), (socket.EAI_AGAIN, Tried.AWAY)], ids=["unknown", "away"]
)
async def test_a_name_that_leads_nowhere(way: Way, monkeypatch: pytest.MonkeyPatch, errno: int, tried: Tried) -> None:
    async def nobody(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(errno, "no")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody)
    said = await way.tried("https://gw.partner.example/in")
    assert ended(said) == (Step.NAME, tried, "delivery.name-unknown")


async def test_a_private_address_is_refused_before_anything_is_sent(way: Way) -> None:
    async with way.to(partner := Partner(), None) as port:
        said = await way.tried(f"https://localhost:{port}/in", private=False)
    assert ended(said) == (Step.NAME, Tried.WRONG, "delivery.address-refused")
    assert "private_network" in said[-1].text
    assert partner.seen == []


async def test_a_port_at_which_nobody_listens(way: Way) -> None:
    async with way.to(Partner(), None) as port:
        pass
    assert ended(await way.tried(f"https://127.0.0.1:{port}/in")) == (
        Step.CONNECTION, Tried.AWAY, "delivery.no-connection"
    )  # fmt: skip


async def test_what_answers_there_is_no_tls(way: Way) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    try:
        said = await way.tried(f"https://localhost:{server.sockets[0].getsockname()[1]}/in")
    finally:
        server.close()
    assert ended(said) == (Step.TLS, Tried.WRONG, "delivery.tls")
    assert "does not speak TLS" in said[-1].text


async def test_a_server_of_an_old_tls_version(way: Way) -> None:
    old = context(way.folder, SERVER)
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with plainly(old) as port:
        said = await way.tried(f"https://localhost:{port}/in")
    assert ended(said) == (Step.TLS, Tried.WRONG, "delivery.tls")
    assert "TLS 1.2" in said[-1].text


SERVERS = {
    "unknown": (make("server", issuer=make("Other CA", authority=True), client=False), "authority that we do not know"),
    "self-signed": (make("server", client=False), "self-signed"),
    "expired": (make("server", issuer=AUTHORITY, client=False, days=(-30, -1)), "expired"),
    "early": (make("server", issuer=AUTHORITY, client=False, days=(1, 30)), "not valid yet"),
    "a client's": (make("client", issuer=AUTHORITY), "not one for servers"),
}


@pytest.mark.parametrize("fault", SERVERS)
async def test_a_server_certificate_with_a_fault(way: Way, fault: str) -> None:
    identity, words = SERVERS[fault]
    async with way.to(partner := Partner(), context(way.folder, identity)) as port:
        said = await way.tried(f"https://localhost:{port}/in")
    assert ended(said) == (Step.TLS, Tried.WRONG, "delivery.certificate-untrusted")
    assert words in said[-1].text
    assert partner.seen == []


async def test_a_server_certificate_for_another_host(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    found = loop.getaddrinfo

    async def here(_: str, port: int, **more: int) -> list[object]:
        return list(await found("127.0.0.1", port, **more))

    monkeypatch.setattr(loop, "getaddrinfo", here)
    async with way.to(Partner(), context(way.folder, SERVER)) as port:
        said = await way.tried(f"https://gw.partner.example:{port}/in")
    assert ended(said) == (Step.TLS, Tried.WRONG, "delivery.certificate-untrusted")
    assert "another host name" in said[-1].text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_our_client_certificate_is_not_taken(way: Way, version: ssl.TLSVersion) -> None:
    strict = context(way.folder, SERVER, make("Another CA", authority=True))
    strict.maximum_version = version
    with plainly(strict) as port:
        said = await way.tried(f"https://localhost:{port}/in")
    assert said[-1].tried is Tried.WRONG
    assert said[-1].code == "delivery.client-certificate"
    assert "gateway keys export" in said[-1].text


async def test_a_partner_that_never_answers_ends_at_the_deadline(way: Way) -> None:
    async with way.to(Partner(silent=True), context(way.folder, SERVER)) as port:
        said = await way.tried(f"https://localhost:{port}/in", deadline=timedelta(seconds=1))
    assert ended(said) == (Step.ANSWER, Tried.AWAY, "delivery.time-out")


REST = [
    (200, Tried.GOOD, ""),
    (202, Tried.GOOD, ""),
    (415, Tried.GOOD, ""),
    (422, Tried.GOOD, ""),
    (401, Tried.WRONG, "delivery.http-401"),
    (404, Tried.WRONG, "delivery.http-404"),
    (302, Tried.WRONG, "delivery.http-302"),
    (500, Tried.AWAY, "delivery.http-500"),
    (503, Tried.AWAY, "delivery.http-503"),
]


@pytest.mark.parametrize(("status", "tried", "code"), REST)
async def test_what_a_rest_answer_says(way: Way, status: int, tried: Tried, code: str) -> None:
    said = await way.asked(partner := Partner(answer(status, b"x", Location="https://elsewhere.example/")))
    assert (said.tried, said.code, said.status) == (tried, code, status)
    assert len(partner.seen) == 1


WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
ENVELOPE = f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode()
SOAPS = {
    "answered": (answer(200, ENVELOPE, "application/soap+xml"), Tried.GOOD, ""),
    "one-way": (answer(202), Tried.GOOD, ""),
    "faulted": (soap_fault("Sender"), Tried.GOOD, ""),
    "signature": (soap_fault("FailedCheck", WSSE), Tried.WRONG, "delivery.soap-security-fault"),
    "headers": (soap_fault("MustUnderstand"), Tried.WRONG, "delivery.soap-sender-fault"),
    "version": (soap_fault("VersionMismatch"), Tried.WRONG, "delivery.soap-sender-fault"),
    "page": (answer(200, b"<html>Welcome</html>"), Tried.WRONG, "delivery.answer-not-soap"),
    "broken": (answer(200, b"<x", "text/xml"), Tried.WRONG, "delivery.answer-malformed"),
    "let in": (answer(403, b"no"), Tried.WRONG, "delivery.http-403"),
    "busy": (answer(503, b"no"), Tried.AWAY, "delivery.http-503"),
}


@pytest.mark.parametrize("kind", SOAPS)
async def test_what_a_soap_answer_says(way: Way, kind: str) -> None:
    data, tried, code = SOAPS[kind]
    said = await way.asked(Partner(data), EndpointKind.SOAP)
    assert (said.tried, said.code) == (tried, code)


async def test_the_ping_is_signed_marked_and_no_record(way: Way) -> None:
    trusted = TrustedKeys(agency=JAIL, pins=frozenset({jail().certificate_der}))
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    rest = ping(Endpoint(kind=EndpointKind.REST, url="https://x.example/"), jail(), id=ID, now=at)
    assert rest.headers["Gateway-Test"] == "ping"
    found = verify_enveloped(parse(rest.body), trusted, now=at).root
    assert (found.tag, [each.tag.rpartition("}")[2] for each in found]) == (
        "{urn:justice-gateway:delivery:1.0}Ping", ["Id"]
    )  # fmt: skip
    soap = ping(Endpoint(kind=EndpointKind.SOAP, url="https://x.example/?a=1&b=2"), jail(), id=ID, now=at)
    assert 'action="urn:justice-gateway:delivery:1.0:Ping"' in soap.headers["Content-Type"]
    envelope = verify_envelope(parse(soap.body), trusted, now=at)
    assert "Cover" not in soap.body.decode()
    assert envelope is not None
    partner = Partner()
    await way.asked(partner)
    assert b"POST /in" in partner.seen[0]
    assert b"Idempotency-Key" not in partner.seen[0]
