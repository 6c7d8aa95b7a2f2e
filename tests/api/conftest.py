import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp
import pytest

from gateway.api.app import make_app
from tests.api.pretend_gateway import PretendGateway
from tests.api.wire import listening

ON_EVERY_LOOP = ("test_connection.py", "test_tls.py")
"""Their promises are about sockets, which the two event loops drive with code of their own."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ON_EVERY_LOOP and sys.platform != "win32":
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> PretendGateway:
    pretend = PretendGateway()
    pretend.put_in_place(monkeypatch)
    return pretend


@pytest.fixture
async def base(gateway: PretendGateway) -> AsyncIterator[str]:
    """The agencies' application, docs included, on loopback."""
    async with listening(make_app(gateway, docs=True)) as port:
        yield f"http://127.0.0.1:{port}"


async def _read(answer: aiohttp.ClientResponse) -> None:
    await answer.read()  # so that its connection goes back to the session


def session(base: str, **headers: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(base, headers=headers, raise_for_status=_read)


@pytest.fixture
async def client(base: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that presents the jail's token."""
    async with session(base, Authorization="Bearer jail-token") as jail:
        yield jail


@pytest.fixture
async def police(base: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that presents the police's token."""
    async with session(base, Authorization="Bearer police-token") as police:
        yield police


@pytest.fixture
async def nobody(base: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without a credential."""
    async with session(base) as nobody:
        yield nobody
