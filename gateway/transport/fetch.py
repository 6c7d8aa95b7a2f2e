"""Fetch one public file from an address that an operator typed: bounded, without redirects, within one deadline.

Plain HTTP is allowed here and nowhere else: revocation lists are signed, and authorities publish them so because a
certificate is needed for TLS. What an attacker on the way can do is keep the newest one back, which is seen when the
one that is held runs out.
"""

import asyncio
from datetime import timedelta
from typing import Final

import aiohttp

from gateway.errors import Refused, Unavailable
from gateway.transport.address import AddressRefused, Reach, SocketMaker
from gateway.transport.tls import Trust, client_context

DEADLINE: Final = timedelta(seconds=60)


class NotFetched(Unavailable):
    """The file did not come: no connection, no answer in time, or an answer that is not the file."""

    code = "fetch.no-answer"


class FetchRefused(Refused):
    """An address that is not gone to, or a file that is too large."""

    code = "fetch.refused"


async def fetch(url: str, *, private: bool, limit: int, deadline: timedelta = DEADLINE) -> bytes:
    """The file at an address. Raises `NotFetched`, `FetchRefused`.

    private  the address may be a private one
    limit    bytes
    """
    if url.partition("://")[0].lower() not in {"http", "https"}:
        raise FetchRefused("an address begins with http:// or https://")
    connector = aiohttp.TCPConnector(
        ssl=client_context(Trust(system=True)),
        socket_factory=SocketMaker(Reach.PRIVATE if private else Reach.PUBLIC),
        force_close=True,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,  # no proxy or netrc that nobody configured here
        timeout=aiohttp.ClientTimeout(total=None),  # the one deadline is over the whole call
    )
    try:
        async with asyncio.timeout(deadline.total_seconds()), session:
            return await _got(session, url, limit)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            raise FetchRefused("the name leads to a private address: --private-network allows it") from error
        raise NotFetched("no connection to the address") from error
    except TimeoutError as error:
        raise NotFetched(f"it did not come within {deadline.total_seconds():.0f} seconds") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotFetched("the address did not answer so that it can be read") from error


async def _got(session: aiohttp.ClientSession, url: str, limit: int) -> bytes:
    headers = {"Accept-Encoding": "identity", "User-Agent": "justice-gateway"}
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        if response.status != 200:
            raise NotFetched(f"the address answered with status {response.status}; redirects are not followed")
        read = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            read += chunk
            if len(read) > limit:
                response.close()
                raise FetchRefused(f"the file is larger than {limit} bytes")
        return bytes(read)
