import asyncio
import os
import signal
import sys

import pytest

from gateway.api.connection import ConnectionLimits
from gateway.api.server import AddressUnusable, Listener, bind, connection_limits, port_of, run, serve, serving
from gateway.config import Limits
from tests.api.wire import Echo, once, status, wire

GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def test_two_listeners_count_an_addresss_connections_together() -> None:
    limits = ConnectionLimits(connections_per_address_max=2)
    one, two = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
    ports = port_of(one), port_of(two)
    listeners = [Listener(app=Echo(), sockets=[one]), Listener(app=Echo(), sockets=[two])]
    async with serving(listeners, limits=limits), wire(ports[0]), wire(ports[1]):
        assert [status(await once(port)) for port in ports] == [429, 429]


async def test_a_request_under_way_is_finished_when_the_server_stops() -> None:
    echo = Echo(hold=asyncio.Event())
    bound = bind("127.0.0.1", 0)
    port = port_of(bound)
    async with serving([Listener(app=echo, sockets=[bound])], limits=ConnectionLimits()) as stop, wire(port) as held:
        await held.send(GET)
        await asyncio.sleep(0.05)
        stop.set()
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            await once(port)
        assert echo.hold is not None
        echo.hold.set()
        assert status(await held.until_closed()) == 200


@pytest.mark.skipif(sys.platform == "win32", reason="signals to oneself are of Unix")
async def test_a_signal_stops_the_server() -> None:
    bound = bind("127.0.0.1", 0)
    port = port_of(bound)
    served = asyncio.create_task(serve([Listener(app=Echo(), sockets=[bound])], limits=ConnectionLimits()))
    await asyncio.sleep(0.1)
    assert status(await once(port, GET)) == 200
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        await served


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SO_REUSEPORT")
def test_processes_may_share_a_port() -> None:
    first = bind("127.0.0.1", 0, share=True)
    second = bind("127.0.0.1", port_of(first), share=True)
    assert port_of(first) == port_of(second)
    first.close()
    second.close()


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    taken = bind("127.0.0.1", 0)
    taken.listen()
    with pytest.raises(AddressUnusable, match=f"port {port_of(taken)}"):
        bind("127.0.0.1", port_of(taken))
    taken.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop")
def test_the_fast_loop_is_used() -> None:
    async def loop() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(loop()).startswith("uvloop")


def test_the_settings_bounds_reach_the_connection() -> None:
    made = connection_limits(Limits(headers_max=20, header_seconds_max=3))
    assert (made.headers_max, made.header_seconds_max) == (20, 3)
