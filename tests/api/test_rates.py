import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.api.app import make_app
from gateway.config import Limits, Settings
from tests.api.conftest import session
from tests.api.pretend_gateway import PretendGateway
from tests.api.wire import listening

XML = {"Content-Type": "application/xml"}
SOAP = {"Content-Type": "application/soap+xml"}


@asynccontextmanager
async def strict(gateway: PretendGateway, **limits: float) -> AsyncIterator[str]:
    """The agencies' application with limits of its own."""
    gateway.settings = Settings(limits=Limits.model_validate(limits))
    async with listening(make_app(gateway)) as port:
        yield f"http://127.0.0.1:{port}"


def as_agency(base: str, agency: str) -> aiohttp.ClientSession:
    return session(base, Authorization=f"Bearer {agency}-token")


async def test_an_agency_that_asks_too_fast_is_told_when_to_come_back_and_others_are_not(
    gateway: PretendGateway,
) -> None:
    async with (
        strict(gateway, requests_per_agency_per_second=1) as base,
        as_agency(base, "jail") as jail,
        as_agency(base, "police") as police,
    ):
        answers = [await jail.get("/v1/inbox") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert answers[-1].headers["Retry-After"]
        assert (await answers[-1].json())["code"] == "request.too-many"
        assert (await police.get("/v1/inbox")).status == 200


async def test_over_soap_it_is_a_fault_of_the_receiver_for_now(gateway: PretendGateway) -> None:
    async with strict(gateway, requests_per_agency_per_second=0.5) as base, as_agency(base, "jail") as jail:
        await jail.get("/v1/inbox")
        answer = await jail.post("/soap", data=b"<x/>", headers=SOAP)
        text = await answer.text()
        assert "request.too-many" in text
        assert ":Receiver<" in text
        assert answer.headers["Retry-After"]


async def test_an_address_that_asks_too_fast_is_refused_whoever_it_is_but_monitors_are_answered(
    gateway: PretendGateway,
) -> None:
    async with strict(gateway, requests_per_address_per_second=1) as base, session(base) as nobody:
        assert [(await nobody.get("/v1/inbox")).status for _ in range(3)] == [401, 401, 429]
        assert (await nobody.get("/healthz")).status == 200


async def test_an_agency_has_so_many_requests_under_way(gateway: PretendGateway) -> None:
    async with strict(gateway, in_flight_per_agency_max=2) as base, as_agency(base, "jail") as jail:
        host, _, port = base.removeprefix("http://").partition(":")
        head = (
            b"POST /v1/messages HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer jail-token\r\n"
            b"Content-Type: application/xml\r\nContent-Length: 9\r\n\r\n<half"
        )
        writers = []
        for _ in range(2):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(head)
            await writer.drain()
            writers.append(writer)
        await asyncio.sleep(0.1)
        assert (await jail.get("/v1/inbox")).status == 429
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.1)
        assert (await jail.get("/v1/inbox")).status == 200


@pytest.mark.parametrize("path", ["/v1/messages", "/soap"])
async def test_bodies_that_take_too_much_memory_together_are_put_off(gateway: PretendGateway, path: str) -> None:
    async with strict(gateway, bodies_bytes_max=20 * 1024 * 1024) as base, as_agency(base, "jail") as jail:
        host, _, port = base.removeprefix("http://").partition(":")
        part = b"<" + b"x" * 9_999_999
        head = (
            b"POST /v1/messages HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer jail-token\r\n"
            b"Content-Type: application/xml\r\nContent-Length: 10000001\r\n\r\n"
        )
        writers = []
        for _ in range(2):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(head + part)
            await writer.drain()
            writers.append(writer)
        await asyncio.sleep(0.5)
        answer = await jail.post(path, data=io.BytesIO(part), headers=XML if path == "/v1/messages" else SOAP)
        assert "request.busy" in await answer.text()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.2)
        gateway.submissions.clear()
        assert (await jail.post("/v1/messages", data=b"<ok/>", headers=XML)).status == 202
