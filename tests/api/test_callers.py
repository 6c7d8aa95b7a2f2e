"""A connection ends when its agency is shut out, whatever is under way on it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256

import pytest
from starlette.types import Receive, Scope, Send

from gateway.agency import AgencyId
from gateway.api.authenticate import identify
from gateway.api.callers import Callers, Speaks
from tests.api.pretend_gateway import JAIL, POLICE, PretendGateway
from tests.api.wire import Echo, listening, wire

JAILS = b"Authorization: Bearer jail-token\r\n"
POLICES = b"Authorization: Bearer police-token\r\n"


@dataclass
class Identified:
    """Knows who calls before it echoes."""

    echo: Echo
    gateway: PretendGateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identify(scope, self.gateway)
        await self.echo(scope, receive, send)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def callers() -> Callers:
    return Callers()


@pytest.fixture
async def port(echo: Echo, callers: Callers) -> AsyncIterator[int]:
    async with listening(Identified(echo, PretendGateway(certificates={})), callers=callers) as port:
        yield port


def all_but(agency: AgencyId) -> Callable[[Speaks], bool]:
    return lambda speaks: speaks.agency != agency


def get(headers: bytes) -> bytes:
    return b"GET /x HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n"


async def test_a_connection_that_is_kept_open_ends_and_others_go_on(port: int, callers: Callers) -> None:
    async with wire(port) as jail, wire(port) as police:
        for each, headers in ((jail, JAILS), (police, POLICES)):
            await each.send(get(headers))
            assert (await each.answer())[0] == 200
        assert callers.cut(all_but(JAIL.id)) == 1
        assert await jail.until_closed() == b""
        await police.send(get(POLICES))
        assert (await police.answer())[0] == 200
        assert callers.cut(all_but(JAIL.id)) == 0


async def test_a_body_that_still_comes_is_not_read_any_further(port: int, echo: Echo, callers: Callers) -> None:
    async with wire(port) as jail:
        await jail.send(b"POST /x HTTP/1.1\r\nHost: a\r\n" + JAILS + b"Content-Length: 1000\r\n\r\nhalf")
        await until(lambda: len(echo.scopes) == 1)
        assert callers.cut(all_but(JAIL.id)) == 1
        assert await jail.until_closed() == b""
    await until(lambda: echo.disconnected == 1)
    assert echo.requests == []


async def test_a_large_answer_that_is_read_slowly_ends_in_the_middle(port: int, echo: Echo, callers: Callers) -> None:
    echo.answer = b"x" * 64 * 1024 * 1024
    async with wire(port) as jail:
        await jail.send(get(JAILS))
        assert await jail.reader.read(100)
        assert callers.cut(all_but(JAIL.id)) == 1
        assert len(await jail.until_closed()) < len(echo.answer) // 2


async def test_what_waits_for_the_application_ends(port: int, echo: Echo, callers: Callers) -> None:
    echo.hold = asyncio.Event()
    async with wire(port) as jail:
        await jail.send(get(JAILS))
        await until(lambda: len(echo.scopes) == 1)
        callers.cut(all_but(JAIL.id))
        assert await jail.until_closed() == b""
        echo.hold.set()


async def test_a_connection_speaks_for_whom_it_was_identified_as_last(port: int, callers: Callers) -> None:
    async with wire(port) as proxy:
        for headers in (JAILS, POLICES):
            await proxy.send(get(headers))
            assert (await proxy.answer())[0] == 200
        assert callers.cut(all_but(JAIL.id)) == 0
        assert callers.cut(all_but(POLICE.id)) == 1
        assert await proxy.until_closed() == b""


async def test_it_is_known_by_which_credential_it_speaks(port: int, callers: Callers) -> None:
    seen: list[Speaks] = []
    async with wire(port) as jail:
        await jail.send(get(JAILS))
        await jail.answer()
        callers.cut(lambda speaks: not seen.append(speaks))  # type: ignore[func-returns-value]
    assert seen == [Speaks(JAIL.id, (sha256(b"jail-token").hexdigest(),))]


async def test_a_closed_connection_is_forgotten(port: int, callers: Callers) -> None:
    async with wire(port) as jail:
        await jail.send(get(JAILS + b"Connection: close\r\n"))
        await jail.until_closed()
        assert callers.cut(lambda _: False) == 0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.01)
