"""Alerts by webhook: one signed POST of JSON; one deadline over all of it, no redirect, no proxy, no second try."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import aiohttp

from gateway.agency import Endpoint, EndpointKind
from gateway.alert.alert import Notice
from gateway.alert.words import SIGNATURE_HEADER, TIMESTAMP_HEADER, as_json, signature
from gateway.clock import timestamp
from gateway.transport.address import AddressRefused, SocketMaker, reach
from gateway.transport.tls import Trust, client_context

DEADLINE_SECONDS: Final = 10.0


class WebhookWay:
    """A receiver that checks the signature. What it answers with 2xx it has."""

    name = "webhook"

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        gateway: str,
        private_network: bool = False,
        authorities: bytes = b"",
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._endpoint = Endpoint(kind=EndpointKind.REST, url=url, private_network=private_network)
        self._secret, self._gateway, self._deadline = secret, gateway, deadline_seconds
        self._trust = Trust(authorities=authorities, system=True)

    async def tell(self, notices: Sequence[Notice], *, now: datetime) -> str:
        """Try once; "" when it was taken, else a code."""
        far = reach(self._endpoint)
        if far is None:
            return "alerts.plain-http"
        body, sent_at = as_json(self._gateway, notices, now=now), timestamp(now)
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: sent_at,
            SIGNATURE_HEADER: signature(self._secret, sent_at, body),
        }
        # A connection of its own each time: alerts are rare, and a kept one would be closed by then.
        connector = aiohttp.TCPConnector(
            ssl=client_context(self._trust), socket_factory=SocketMaker(far), force_close=True
        )
        try:
            async with asyncio.timeout(self._deadline), _session(connector) as session:
                answer = await session.post(self._endpoint.url, data=body, headers=headers, allow_redirects=False)
                async with answer:
                    return "" if 200 <= answer.status < 300 else f"alerts.status-{answer.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _code(error)

    async def close(self) -> None:
        """Nothing is kept open."""


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # no proxy or netrc that nobody configured here
        timeout=aiohttp.ClientTimeout(total=None),  # the one deadline is over the whole call
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
    )


def _code(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "alerts.time-out"
        case aiohttp.ClientConnectorCertificateError():
            return "alerts.certificate-untrusted"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, AddressRefused):
            return "alerts.address-refused"
        case _:
            return "alerts.no-answer"
