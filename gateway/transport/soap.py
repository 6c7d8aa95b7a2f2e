"""SOAP 1.2 push: WS-Addressing headers, the Cover as a header block, the payload in the Body, signed for each try.

The wsa:MessageID is the dissemination's id on every try; the WS-Security header is made anew, because its Timestamp
ages. To an endpoint that takes MTOM the large binaries travel beside the envelope.
Source: SOAP 1.2 part 2 section 7, WS-Addressing 1.0, WS-Security 1.1, SOAP MTOM.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree

from gateway.clock import Clock
from gateway.delivery.outcome import Outcome, failed
from gateway.document.names import SOAP12, WSA
from gateway.document.parse import Document, Limits, parse, to_bytes
from gateway.errors import GatewayError
from gateway.signing.header import sign_envelope
from gateway.signing.keyring import Signer
from gateway.soap.envelope import Version
from gateway.soap.mtom import pack
from gateway.transport.answer import Answer
from gateway.transport.connections import Connections
from gateway.transport.fault import read_answer
from gateway.transport.interface import Parcel
from gateway.transport.log_head import log_head_header
from gateway.transport.post import post

DELIVERY = "urn:justice-gateway:delivery:1.0"
"""Namespace of the wrapper in the Body, and the stem of the action."""

ACTION = f"{DELIVERY}:Deliver"

FRESH = timedelta(minutes=5)
"""How long the signature of one try may be believed."""

LARGE_BYTES = 256 * 1024
"""Larger envelopes are made outside the event loop."""

# Our own envelope around a document that kept the limits: somewhat more of each.
LIMITS = Limits(size_bytes_max=12 * 1024 * 1024, depth_max=110, elements_max=51_000)

_DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?<\?xml[^>]*\?>\s*")


class SoapTransport:
    """`Send` for SOAP endpoints. signer: asked for each envelope, since the key may be replaced meanwhile."""

    def __init__(self, connections: Connections, clock: Clock, signer: Callable[[], Signer]) -> None:
        self._connections = connections
        self._clock = clock
        self._signer = signer

    async def send(self, parcel: Parcel, *, deadline: timedelta) -> Outcome:
        """Try once. A SOAP answer without Fault, or an empty 2xx of a one-way service, is a delivery."""
        try:
            content_type, body = await self._request(parcel)
        except GatewayError as error:  # the signer: a token that is away, a certificate that has run out
            return failed(error.code)
        answer = await post(
            self._connections,
            parcel,
            headers=headers(parcel, content_type),
            body=body,
            deadline=deadline,
            clock=self._clock,
        )
        return read_answer(answer, message_id=message_id(parcel)) if isinstance(answer, Answer) else answer

    async def close(self) -> None:
        """Let go of connections."""
        await self._connections.close()

    async def _request(self, parcel: Parcel) -> tuple[str, bytes]:
        now = self._clock.now()
        if len(parcel.payload) <= LARGE_BYTES:
            return request(parcel, self._signer(), now)
        return await asyncio.to_thread(request, parcel, self._signer(), now)


def headers(parcel: Parcel, content_type: str) -> dict[str, str]:
    """Headers of the HTTP request; ids as in a REST push, for the recipient's access log."""
    return {
        "Content-Type": content_type,
        "Accept-Encoding": "identity",
        "User-Agent": "justice-gateway",
        "Message-Id": parcel.message,
        "Delivery-Id": parcel.delivery,
        "Idempotency-Key": parcel.dissemination,
        **log_head_header(parcel.log_head),
    }


def message_id(parcel: Parcel) -> str:
    """wsa:MessageID, the same on every try."""
    return f"urn:uuid:{parcel.dissemination}"


def envelope(parcel: Parcel) -> bytes:
    """The envelope before it is signed; Cover and payload as they are stored."""
    return b"".join(
        (
            f'<soap:Envelope xmlns:soap="{SOAP12}"><soap:Header>'
            f'<wsa:Action xmlns:wsa="{WSA}">{ACTION}</wsa:Action>'
            f'<wsa:MessageID xmlns:wsa="{WSA}">{message_id(parcel)}</wsa:MessageID>'
            f'<wsa:To xmlns:wsa="{WSA}">{escape(parcel.endpoint.url)}</wsa:To>'.encode(),
            _element(parcel.cover),
            f'</soap:Header><soap:Body><d:Deliver xmlns:d="{DELIVERY}">'.encode(),
            _element(parcel.payload),
            b"</d:Deliver></soap:Body></soap:Envelope>",
        )
    )


def request(parcel: Parcel, signer: Signer, now: datetime) -> tuple[str, bytes]:
    """Content-Type and body. Raises what the signer raises."""
    root = signed(parcel, signer, now)
    if parcel.endpoint.mtom:  # each message, with or without a photo: a WS-Policy demands MTOM of all or of none
        packed = pack(root, Version.SOAP_12, action=ACTION, token=parcel.dissemination)
        return packed.content_type, packed.body
    return f'application/soap+xml; charset=utf-8; action="{ACTION}"', to_bytes(Document(root))


def signed(parcel: Parcel, signer: Signer, now: datetime) -> etree._Element:
    """The signed envelope. Raises what the signer raises."""
    root = parse(envelope(parcel), LIMITS).root
    return sign_envelope(root, signer, created=now, expires=now + FRESH)


def _element(document: bytes) -> bytes:
    """A document's root element, without the XML declaration before it."""
    return _DECLARATION.sub(b"", document)
