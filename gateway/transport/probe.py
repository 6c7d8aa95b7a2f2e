"""Try the way to a partner's endpoint, one step after the other, and say in words where it ends.

The first steps are made by themselves, so that each can be told from the next: address, name, connection, TLS. The ping
then goes by the very connections that deliveries go by: same addresses, same trust, same certificate, same deadline. It
carries no record.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.agency import Endpoint, EndpointKind
from gateway.document.names import SOAP12, WSA
from gateway.document.parse import Document, parse, to_bytes
from gateway.errors import Misconfigured
from gateway.signing.enveloped import sign_enveloped
from gateway.signing.header import sign_envelope
from gateway.signing.keyring import Signer
from gateway.transport.address import Reach, SocketMaker, allowed, reach
from gateway.transport.answer import Answer
from gateway.transport.connections import Connections, FarSide
from gateway.transport.probe_words import Said, Step, Tried, of_answer, of_connection, of_handshake, of_request
from gateway.transport.soap import DELIVERY, FRESH

ANSWER_BYTES_MAX = 64 * 1024
NAME_SECONDS_MAX = 10.0
"""What a name takes at most; the deadline of a delivery is over all of it."""

REFUSAL_SECONDS_MAX = 0.5
"""A server that says nothing for so long after the handshake has taken our certificate."""

PING_ACTION = f"{DELIVERY}:Ping"

_Address = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A signed request that carries no record."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def ping(endpoint: Endpoint, signer: Signer, *, id: str, now: datetime) -> Ping:
    """The ping for an endpoint of this kind. What knows no ping answers it with a fault, or that it is not a notice.

    SOAP: an envelope of our own namespace with the action Ping, signed like a delivery. REST: an XML document of the
    same name with our signature in it; no Cover, which would speak of a dissemination that does not exist. id: a UUID
    """
    common = {"Accept-Encoding": "identity", "User-Agent": "justice-gateway", "Gateway-Test": "ping"}
    if endpoint.kind is EndpointKind.SOAP:
        signed = sign_envelope(parse(_envelope(endpoint.url, id)).root, signer, created=now, expires=now + FRESH)
        media = f'application/soap+xml; charset=utf-8; action="{PING_ACTION}"'
        return Ping(headers={**common, "Content-Type": media}, body=to_bytes(Document(signed)))
    document = parse(f'<d:Ping xmlns:d="{DELIVERY}"><d:Id>{id}</d:Id></d:Ping>'.encode())
    return Ping(headers={**common, "Content-Type": "application/xml"}, body=sign_enveloped(document, signer))


def _envelope(url: str, id: str) -> bytes:
    to = url.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<soap:Envelope xmlns:soap="{SOAP12}"><soap:Header>'
        f'<wsa:Action xmlns:wsa="{WSA}">{PING_ACTION}</wsa:Action>'
        f'<wsa:MessageID xmlns:wsa="{WSA}">urn:uuid:{id}</wsa:MessageID>'
        f'<wsa:To xmlns:wsa="{WSA}">{to}</wsa:To>'
        f'</soap:Header><soap:Body><d:Ping xmlns:d="{DELIVERY}"></d:Ping></soap:Body></soap:Envelope>'
    ).encode()


async def probe(
    connections: Connections,
    far: FarSide,
    request: Ping,
    *,
    deadline: timedelta,
    told: Callable[[Said], None] = lambda _: None,
) -> tuple[Said, ...]:
    """What each step said, the last one being the one it ended at. Never raises for what goes wrong outside.

    told  each of them as it is known
    """
    said: list[Said] = []

    def say(step: Said) -> bool:
        said.append(step)
        told(step)
        return step.tried is Tried.GOOD

    try:
        async with asyncio.timeout(deadline.total_seconds()):
            await _steps(connections, far, request, say)
    except TimeoutError:
        reached = said[-1].step if said else Step.ADDRESS
        say(Said.away(_NEXT[reached], "delivery.time-out", "no answer within the deadline of a delivery"))
    return tuple(said)


_NEXT = {
    Step.ADDRESS: Step.NAME,
    Step.NAME: Step.CONNECTION,
    Step.CONNECTION: Step.TLS,
    Step.TLS: Step.ANSWER,
    Step.ANSWER: Step.ANSWER,
}


async def _steps(connections: Connections, far: FarSide, request: Ping, say: Callable[[Said], bool]) -> None:
    endpoint = far.endpoint
    how_far, url = reach(endpoint), urlsplit(endpoint.url)
    if not url.hostname or how_far is None:
        text = "plain HTTP goes to this machine only, where private_network allows it: register an https address"
        say(Said.wrong(Step.ADDRESS, "delivery.plain-http", text))
        return
    secure = url.scheme.lower() == "https"
    port = url.port or (443 if secure else 80)
    say(Said.good(Step.ADDRESS, f"{url.scheme} to {url.hostname}, port {port}"))
    addresses = await _named(url.hostname, port, how_far, say)
    connected = await _connected(addresses, how_far, say) if addresses else None
    if connected is None:
        return
    try:
        context = connections.context(far)
    except Misconfigured as error:
        connected.close()
        say(Said.wrong(Step.TLS, error.code, error.text))
        return
    if secure and not await _shaken_hands(connected, context, url.hostname, say):
        return
    connected.close()
    await _pinged(connections, far, how_far, request, say)


async def _named(host: str, port: int, how_far: Reach, say: Callable[[Said], bool]) -> list[_Address]:
    try:
        async with asyncio.timeout(NAME_SECONDS_MAX):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if isinstance(error, TimeoutError) or getattr(error, "errno", None) == socket.EAI_AGAIN:
            say(Said.away(Step.NAME, "delivery.name-unknown", "the name server does not answer"))
        else:
            say(Said.wrong(Step.NAME, "delivery.name-unknown", f"{host} is a name that nobody knows"))
        return []
    numbers = list(dict.fromkeys(str(each[4][0]) for each in found))
    may = [each for each in found if allowed(str(each[4][0]), how_far)]
    if not may:
        text = (
            f"{host} is {', '.join(numbers)}, which is not a public address; where that is meant, the agency's file "
            "says private_network: true"
        )
        say(Said.wrong(Step.NAME, "delivery.address-refused", text))
        return []
    say(Said.good(Step.NAME, f"{host} is {', '.join(numbers)}"))
    return may


async def _connected(addresses: list[_Address], how_far: Reach, say: Callable[[Said], bool]) -> socket.socket | None:
    loop, error = asyncio.get_running_loop(), OSError()
    for each in addresses:
        made = SocketMaker(how_far)(each)
        made.setblocking(False)
        try:
            await loop.sock_connect(made, each[4])
        except OSError as wrong:
            made.close()
            error = wrong
        except BaseException:
            made.close()
            raise
        else:
            say(Said.good(Step.CONNECTION, f"connected to {each[4][0]}"))
            return made
    say(of_connection(error))
    return None


async def _shaken_hands(
    connected: socket.socket, context: ssl.SSLContext, host: str, say: Callable[[Said], bool]
) -> bool:
    try:
        reader, writer = await asyncio.open_connection(sock=connected, ssl=context, server_hostname=host)
    except (OSError, ssl.SSLError, ValueError) as error:
        connected.close()
        return say(of_handshake(error))
    except BaseException:
        connected.close()
        raise
    tls = writer.get_extra_info("ssl_object")
    version, until = tls.version(), tls.getpeercert().get("notAfter", "")
    refusal = await _refused_after(reader)
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    if refusal is not None:
        return say(of_handshake(refusal))
    return say(Said.good(Step.TLS, f"{version}; the server's certificate is good until {until}"))


async def _refused_after(reader: asyncio.StreamReader) -> Exception | None:
    """Under TLS 1.3 a server judges a client's certificate when the client has shaken hands already."""
    try:
        async with asyncio.timeout(REFUSAL_SECONDS_MAX):
            await reader.read(1)
    except TimeoutError:
        return None
    except (OSError, ssl.SSLError) as error:
        return error if isinstance(error, ssl.SSLError) else None
    return None


async def _pinged(
    connections: Connections, far: FarSide, how_far: Reach, request: Ping, say: Callable[[Said], bool]
) -> None:
    try:
        session = await connections.session(far, how_far)
        answer = await _asked(session, far.endpoint.url, request)
    except (aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as error:
        if isinstance(error, TimeoutError):
            raise
        say(of_request(error))
        return
    say(of_answer(answer, soap=far.endpoint.kind is EndpointKind.SOAP))


async def _asked(session: aiohttp.ClientSession, url: str, request: Ping) -> Answer:
    async with session.post(url, data=request.body, headers=request.headers, allow_redirects=False) as response:
        body, whole = bytearray(), True
        async for chunk in response.content.iter_chunked(8192):
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                response.close()
                whole = False
                break
        return Answer(status=response.status, media_type=response.content_type, body=bytes(body), whole=whole)
