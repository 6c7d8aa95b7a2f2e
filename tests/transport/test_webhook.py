"""Alerts by webhook: signed, once, within its deadline, to an address that may be called."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from gateway.transport.webhook import WebhookWay
from tests.alert.test_keep import NOW, notice

SECRET = b"a shared secret"


@dataclass
class Receiver:
    """What it answers is changed by assignment."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    slow: bool = False
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        if self.slow:
            await asyncio.sleep(30)
        self.calls.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    receiver.url = f"http://127.0.0.1:{port}/alerts"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def way(receiver: Receiver, **more: object) -> WebhookWay:
    given = {"gateway": "gateway.test", "private_network": True, "deadline_seconds": 2.0} | more
    return WebhookWay(receiver.url, SECRET, **given)  # type: ignore[arg-type]


async def test_the_receiver_can_tell_who_calls_and_when() -> None:
    async with receiving() as receiver:
        assert await way(receiver).tell([notice()], now=NOW) == ""
    ((headers, body),) = receiver.calls
    assert headers["X-Gateway-Timestamp"] == "2026-03-02T12:00:00.00Z"
    wanted = hmac.new(SECRET, b"2026-03-02T12:00:00.00Z." + body, hashlib.sha256).hexdigest()
    assert headers["X-Gateway-Signature"] == f"sha256={wanted}"
    assert headers["Content-Type"] == "application/json"
    assert [each["code"] for each in json.loads(body)["alerts"]] == ["delivery.backlog"]


@pytest.mark.parametrize("status", [301, 400, 500])
async def test_whatever_is_not_taken_is_a_code_and_no_redirect_is_followed(status: int) -> None:
    async with receiving() as receiver:
        receiver.status, receiver.headers = status, {"Location": receiver.url} if status == 301 else {}
        assert await way(receiver).tell([notice()], now=NOW) == f"alerts.status-{status}"
    assert len(receiver.calls) == 1


async def test_a_receiver_that_does_not_answer_is_left() -> None:
    async with receiving() as receiver:
        receiver.slow = True
        async with asyncio.timeout(5):
            assert await way(receiver, deadline_seconds=0.2).tell([notice()], now=NOW) == "alerts.time-out"
    assert await way(receiver).tell([notice()], now=NOW) == "alerts.no-answer"


async def test_a_private_address_is_called_only_where_that_is_set() -> None:
    async with receiving() as receiver:
        assert await way(receiver, private_network=False).tell([notice()], now=NOW) == "alerts.plain-http"
        secure = WebhookWay(receiver.url.replace("http:", "https:"), SECRET, gateway="gateway.test")
        assert await secure.tell([notice()], now=NOW) == "alerts.address-refused"
    assert receiver.calls == []
