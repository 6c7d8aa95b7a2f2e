"""One POST to a partner: one deadline over all of it, one bound on the answer, no redirect, no second try inside."""

import asyncio
import io
from collections.abc import Mapping
from datetime import timedelta

import aiohttp

from gateway.clock import Clock
from gateway.delivery.outcome import Outcome, failed, unknown
from gateway.errors import Misconfigured
from gateway.transport.address import AddressRefused, reach
from gateway.transport.answer import Answer, retry_after
from gateway.transport.connections import Connections, FarSide
from gateway.transport.tls import certificate_code

ANSWER_BYTES_MAX = 64 * 1024
"""Receipts and faults are a few kilobytes."""

PIECEMEAL_BYTES = 256 * 1024
"""Larger bodies are written in pieces, so that other messages go on meanwhile."""


class _Started:
    """The answer as it grows: what is known of it when the time runs out."""

    status: int | None = None
    media_type = ""
    content_type = ""
    wait: timedelta | None = None
    whole = False

    def __init__(self) -> None:
        self.body = bytearray()


async def post(
    connections: Connections,
    parcel: FarSide,
    *,
    headers: Mapping[str, str],
    body: bytes,
    deadline: timedelta,
    clock: Clock,
) -> Answer | Outcome:
    """The answer, or the outcome of a try that got none."""
    far = reach(parcel.endpoint)
    if far is None:
        return failed("delivery.plain-http")
    started = _Started()
    try:
        session = await connections.session(parcel, far)
        # A reader's own time-outs begin anew with each byte; a partner that drips headers would hold us for ever.
        async with asyncio.timeout(deadline.total_seconds()):
            await _exchange(session, parcel.endpoint.url, headers, body, started, clock)
    except Misconfigured as error:
        return failed(error.code)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # TimeoutError is an OSError; ValueError is aiohttp's word for some malformed addresses and answers.
        if started.status is None:
            return _without_answer(error)
    if started.status is None:
        return unknown("delivery.no-answer")
    return Answer(
        status=started.status,
        media_type=started.media_type,
        content_type=started.content_type,
        body=bytes(started.body),
        whole=started.whole,
        retry_after=started.wait,
    )


async def _exchange(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    started: _Started,
    clock: Clock,
) -> None:
    data = body if len(body) <= PIECEMEAL_BYTES else io.BytesIO(body)
    async with session.post(url, data=data, headers=headers, allow_redirects=False) as response:
        started.media_type = response.content_type
        started.content_type = response.headers.get("Content-Type", "")
        started.wait = retry_after(response.headers.get("Retry-After"), clock.now())
        started.status = response.status
        async for chunk in response.content.iter_chunked(8192):
            started.body += chunk
            if len(started.body) > ANSWER_BYTES_MAX:
                response.close()
                return
        started.whole = True


def _without_answer(error: Exception) -> Outcome:
    """FAILED only where the request cannot have been sent; otherwise it may have arrived."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return failed("delivery.name-unknown")
        case aiohttp.ClientConnectorCertificateError():
            return failed(certificate_code(error.certificate_error))
        case aiohttp.ClientConnectorSSLError():
            return failed("delivery.tls")
        case aiohttp.ClientConnectorError():
            refused = isinstance(error.os_error, AddressRefused)
            return failed("delivery.address-refused" if refused else "delivery.no-connection")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return failed("delivery.address-invalid")
        case TimeoutError():
            return unknown("delivery.time-out")
        case _:
            return unknown("delivery.no-answer")
