"""REST push: Cover and payload in one multipart/related POST, or the payload alone with its Cover's address.

Source: RFC 2387 (multipart/related), RFC 9530 (Content-Digest).
"""

from datetime import timedelta

from gateway.clock import Clock
from gateway.delivery.outcome import Outcome
from gateway.transport.answer import Answer, outcome
from gateway.transport.connections import Connections
from gateway.transport.content_digest import content_digest_header
from gateway.transport.interface import Parcel
from gateway.transport.log_head import log_head_header
from gateway.transport.post import post

XML = "application/xml"


class RestTransport:
    """`Send` for REST endpoints."""

    def __init__(self, connections: Connections, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock

    async def send(self, parcel: Parcel, *, deadline: timedelta) -> Outcome:
        """Try once. A 2xx is a delivery, whatever its body says and whether or not it came whole."""
        content_type, body = request(parcel)
        answer = await post(
            self._connections,
            parcel,
            headers=headers(parcel, content_type, body),
            body=body,
            deadline=deadline,
            clock=self._clock,
        )
        return outcome(answer) if isinstance(answer, Answer) else answer

    async def close(self) -> None:
        """Let go of connections."""
        await self._connections.close()


def request(parcel: Parcel) -> tuple[str, bytes]:
    """Content-Type and body."""
    if parcel.endpoint.payload_alone:
        return XML, parcel.payload
    return multipart(parcel)


def multipart(parcel: Parcel) -> tuple[str, bytes]:
    """The Cover as root part, the payload second; the parts' bytes are sent as they are stored."""
    boundary = _boundary(parcel)
    cover_id, payload_id = (f"{name}.{parcel.dissemination}@gateway" for name in ("cover", "payload"))
    body = b"".join(
        (
            _part_head(boundary, cover_id),
            parcel.cover,
            b"\r\n",
            _part_head(boundary, payload_id),
            parcel.payload,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return f'multipart/related; type="{XML}"; start="<{cover_id}>"; boundary="{boundary}"', body


def _part_head(boundary: str, content_id: str) -> bytes:
    return f"--{boundary}\r\nContent-Type: {XML}\r\nContent-ID: <{content_id}>\r\n\r\n".encode()


def _boundary(parcel: Parcel) -> str:
    # The id is made after the payload and holds 74 random bits; the loop is for the one who would doubt it.
    boundary = f"part-{parcel.dissemination}"
    while boundary.encode() in parcel.payload or boundary.encode() in parcel.cover:
        boundary += "-"
    return boundary


def headers(parcel: Parcel, content_type: str, body: bytes) -> dict[str, str]:
    """Headers of the request; the same on every try, but for the head of the log."""
    made = {
        "Content-Type": content_type,
        "Accept-Encoding": "identity",
        "User-Agent": "justice-gateway",
        "Message-Id": parcel.message,
        "Delivery-Id": parcel.delivery,
        "Idempotency-Key": parcel.dissemination,
        **content_digest_header(body),
    }
    if parcel.endpoint.payload_alone:
        made["Cover-URL"] = parcel.cover_url
    return made | log_head_header(parcel.log_head)
