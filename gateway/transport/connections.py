"""Connections: kept-alive HTTP connections, apart by how far they may go and whom they trust."""

import ssl
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from gateway.agency import Endpoint
from gateway.transport.address import Reach, SocketMaker
from gateway.transport.tls import ClientIdentity, Judge, Trust, client_context

SESSIONS_MAX = 256
"""More than that many trust sets at once: the one used longest ago is closed. A worker has fewer in flight."""

KEEPALIVE_SECONDS = 4.0
"""Below the 5 s after which common servers close an idle connection: a request never meets a closing one."""

HEADER_BYTES_MAX = 16 * 1024
HEADERS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What the whole deployment trusts, what it shows, and who has the last word on servers."""

    trust: Trust
    identity: ClientIdentity | None = None
    judge: Judge | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    reach: Reach
    authorities: bytes
    client_key: bool
    trust: Trust
    identity: ClientIdentity | None
    judged: Hashable


class FarSide(Protocol):
    """Where a connection goes, and who vouches for the server there."""

    @property
    def endpoint(self) -> Endpoint:
        """The address, and how far it may be."""

    @property
    def authorities(self) -> bytes:
        """PEM, besides what the whole deployment trusts."""


class Connections:
    """Sessions by what their connections may do. One trust set is never used for another's endpoint: a partner's own
    certificate authority vouches for that partner's servers only.

    now  the gateway's own side, asked for each request: after a change new sessions are made; those before are used no
         more, and their connections end when they are idle
    """

    def __init__(self, *, now: Callable[[], Own]) -> None:
        self._now = now
        self._sessions: dict[_Key, aiohttp.ClientSession] = {}

    async def session(self, far: FarSide, reach: Reach) -> aiohttp.ClientSession:
        """The session for this endpoint. Raises `Misconfigured` when a certificate or key does not load."""
        key = self._key(far, reach)
        session = self._sessions.pop(key, None)
        if session is None:
            session = self._made(key)
        self._sessions[key] = session  # last in order: used most recently
        if len(self._sessions) > SESSIONS_MAX:
            oldest = next(iter(self._sessions))
            await self._sessions.pop(oldest).close()
        return session

    def context(self, far: FarSide) -> ssl.SSLContext:
        """The TLS context of connections to this endpoint, a new one. Raises as `session`."""
        return self._context(self._key(far, Reach.PUBLIC))

    def _key(self, far: FarSide, reach: Reach) -> _Key:
        own = self._now()
        judged = own.judge.version if own.judge is not None else None
        return _Key(reach, far.authorities, far.endpoint.client_key, own.trust, own.identity, judged)

    def _context(self, key: _Key) -> ssl.SSLContext:
        authorities = b"\n".join(part for part in (key.trust.authorities, key.authorities) if part)
        trust = Trust(authorities=authorities, system=key.trust.system)
        return client_context(trust, key.identity if key.client_key else None, lambda: self._now().judge)

    def _made(self, key: _Key) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._context(key),
            limit=0,  # the worker bounds what is in flight, for each recipient and in all
            keepalive_timeout=KEEPALIVE_SECONDS,
            socket_factory=SocketMaker(key.reach),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # nothing is asked for compressed; a bomb stays small
            trust_env=False,  # no proxy or netrc that nobody configured here
            timeout=aiohttp.ClientTimeout(total=None),  # the one deadline is over the whole attempt, in post.py
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            max_headers=HEADERS_MAX,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
        )

    async def close(self) -> None:
        """Close all of them."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()
