"""Ask a partner's gateway: one GET or POST, one deadline over all of it, one bound on the answer, no redirect."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

import aiohttp

from gateway.agency import Endpoint, EndpointKind
from gateway.errors import Unavailable
from gateway.transport.address import reach
from gateway.transport.connections import Connections

DEADLINE: Final = timedelta(seconds=10)

ANSWER_BYTES_MAX: Final = 64 * 1024
"""Heads, proofs and keys are a few kilobytes."""


class PartnerAway(Unavailable):
    """A partner's gateway did not answer, or not so that it can be read."""

    code = "partner.no-answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner's gateway. url: base URL; authorities: PEM, who vouches for its server."""

    url: str
    private_network: bool = False
    authorities: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What it answered."""

    status: int
    body: bytes = field(repr=False)


class Ask(Protocol):
    """One way to ask."""

    async def ask(self, partner: Partner, path: str, body: bytes | None = None) -> Said:
        """GET, or POST of a body. Raises `PartnerAway`; any status that came is an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Far:
    endpoint: Endpoint
    authorities: bytes


class HttpAsk:
    """`Ask` over the connections of the process."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def ask(self, partner: Partner, path: str, body: bytes | None = None) -> Said:
        """GET, or POST of a body."""
        url = partner.url.rstrip("/") + path
        endpoint = Endpoint(kind=EndpointKind.REST, url=url, private_network=partner.private_network)
        how_far = reach(endpoint)
        if how_far is None:
            raise PartnerAway("plain HTTP is for an allowed loopback address only")
        try:
            session = await self._connections.session(_Far(endpoint=endpoint, authorities=partner.authorities), how_far)
            async with asyncio.timeout(DEADLINE.total_seconds()):
                return await _exchange(session, url, body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PartnerAway("the partner's gateway did not answer") from error


async def _exchange(session: aiohttp.ClientSession, url: str, body: bytes | None) -> Said:
    headers = {"Accept-Encoding": "identity", "User-Agent": "justice-gateway"}
    if body is not None:
        headers["Content-Type"] = "text/plain; charset=utf-8"
    verb = "GET" if body is None else "POST"
    async with session.request(verb, url, data=body, headers=headers, allow_redirects=False) as response:
        read = bytearray()
        async for chunk in response.content.iter_chunked(8192):
            read += chunk
            if len(read) > ANSWER_BYTES_MAX:
                response.close()
                raise PartnerAway("the partner's answer is too long")
        return Said(status=response.status, body=bytes(read))
