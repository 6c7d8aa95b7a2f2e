"""Handshakes that nobody finishes have a place from the moment they are taken, and give it to who comes."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from gateway.api import door
from gateway.api.connection import ConnectionLimits
from gateway.api.door import PUT_OUT
from gateway.api.server import Listener, bind, port_of, run, serving
from tests.api.certificates import Identity, make
from tests.api.wire import Echo, listening, once, status

AUTHORITY = make("Test CA", authority=True)
SERVER = make("server", issuer=AUTHORITY, client=False)
GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
OF_ADDRESS = 5
HERE, GONE = False, True

LOOPS: list[Callable[[Coroutine[object, object, None]], None]] = [asyncio.run]
if sys.platform != "win32":
    LOOPS.append(run)  # uvloop's handshakes are written anew


@dataclass
class Crowd:
    """A server behind TLS, and sockets that go to it and say nothing."""

    port: int
    told: list[str]
    sockets: list[socket.socket] = field(default_factory=list)

    async def come(self, count: int, address: str = "127.0.0.1") -> None:
        """So many more, from this address."""
        for _ in range(count):
            made = socket.create_connection(("127.0.0.1", self.port), source_address=(address, 0))
            made.setblocking(False)
            self.sockets.append(made)

    async def settle(self, *gone: bool) -> None:
        """Until the server has closed just these."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while self._gone() != list(gone):  # noqa: ASYNC110  (it is sockets that are waited for)
                    await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)  # and no more of them
        assert self._gone() == list(gone)

    def _gone(self) -> list[bool]:
        """Of each whether the server has closed it."""
        found = []
        for each in self.sockets:
            try:
                found.append(each.recv(1) == b"")
            except BlockingIOError:
                found.append(False)
            except ConnectionError:
                found.append(True)
        return found

    async def served(self, address: str = "127.0.0.1") -> bool:
        """Whether somebody who shakes hands is answered."""
        context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, ssl=context, server_hostname="localhost", local_addr=(address, 0)
                )
                writer.write(GET)
                answer = await reader.read()
                writer.close()
        except (OSError, ssl.SSLError):
            return False
        return status(answer) == 200


def server_context(folder: Path, identity: Identity = SERVER) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.write(folder, "server"))
    return context


@asynccontextmanager
async def crowd(folder: Path, limits: ConnectionLimits | None = None) -> AsyncIterator[Crowd]:
    told: list[str] = []
    few = limits or ConnectionLimits(connections_per_address_max=OF_ADDRESS)
    async with listening(Echo(), few, server_context(folder), told.append) as port:
        made = Crowd(port, told)
        try:
            yield made
        finally:
            for each in made.sockets:
                each.close()


@pytest.fixture(params=LOOPS, ids=lambda each: "asyncio" if each is asyncio.run else "uvloop")
def on(request: pytest.FixtureRequest) -> Callable[[Coroutine[object, object, None]], None]:
    return request.param  # type: ignore[no-any-return]


On = Callable[[Coroutine[object, object, None]], None]


def test_of_an_address_the_longest_quiet_handshake_gives_its_place_to_who_comes(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        async with crowd(tmp_path) as here:
            await here.come(OF_ADDRESS)
            await here.settle(*[HERE] * OF_ADDRESS)
            assert await here.served()
            await here.settle(GONE, *[HERE] * (OF_ADDRESS - 1))
            assert here.told == [PUT_OUT]
            await here.come(2)  # the place of who was served is free: one more has to go
            await here.settle(GONE, GONE, *[HERE] * OF_ADDRESS)

    on(try_it())


def test_other_addresses_keep_their_places(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        async with crowd(tmp_path) as here:
            await here.come(2, "127.0.0.2")
            await here.come(OF_ADDRESS + 3)
            await here.settle(HERE, HERE, *[GONE] * 3, *[HERE] * OF_ADDRESS)
            assert here.told == [PUT_OUT] * 3
            assert await here.served("127.0.0.2")
            await here.settle(HERE, HERE, *[GONE] * 3, *[HERE] * OF_ADDRESS)

    on(try_it())


def test_of_all_the_address_with_the_most_gives_place(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        limits = ConnectionLimits(connections_per_address_max=OF_ADDRESS, connections_max=OF_ADDRESS + 1)
        async with crowd(tmp_path, limits) as here:
            await here.come(1, "127.0.0.2")
            await here.come(OF_ADDRESS)
            await here.settle(*[HERE] * (OF_ADDRESS + 1))
            assert await here.served("127.0.0.3")
            await here.settle(HERE, GONE, *[HERE] * (OF_ADDRESS - 1))

    on(try_it())


@pytest.mark.skipif(sys.platform == "win32", reason="it has no file descriptors to be counted")
def test_a_handshake_that_ends_in_any_way_leaves_no_file_and_no_place(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        many = ConnectionLimits(connections_per_address_max=20)
        async with crowd(tmp_path, many) as here:
            assert await here.served()
            before = psutil.Process(os.getpid()).num_fds()
            for _ in range(6):
                await here.come(20)  # those before are put out
                await asyncio.sleep(0.05)
                for each in here.sockets[::2]:
                    with contextlib.suppress(OSError):
                        each.send(b"GET / HTTP/1.1\r\n\r\n")  # not TLS
            await asyncio.sleep(0.2)
            for each in here.sockets:
                each.close()
            here.sockets.clear()
            async with asyncio.timeout(5):
                while psutil.Process(os.getpid()).num_fds() > before:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await here.come(20)
            await here.settle(*[HERE] * 20)

    on(try_it())


def test_a_handshake_that_does_not_end_in_time_is_ended(
    tmp_path: Path, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HANDSHAKE_SECONDS", 0.3)

    async def try_it() -> None:
        async with crowd(tmp_path) as here:
            await here.come(1)
            await here.settle(GONE)
            assert here.told == []

    on(try_it())


def test_a_server_that_stops_ends_handshakes_that_are_under_way(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        async with crowd(tmp_path) as here:
            await here.come(3)
            port = here.port
        assert port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))

    on(try_it())


async def test_without_files_for_another_connection_the_door_waits_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    accept, failing = loop.sock_accept, [OSError(errno.EMFILE, "files"), OSError(errno.ECONNABORTED, "gone")]

    async def sometimes(listening: socket.socket) -> object:
        if failing:
            raise failing.pop()
        return await accept(listening)

    monkeypatch.setattr(loop, "sock_accept", sometimes)
    async with listening(Echo()) as port:
        assert status(await once(port, GET)) == 200
    assert failing == []


async def test_a_socket_that_listens_no_more_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a process that runs and answers nobody: a supervisor starts another one."""

    async def never(_: socket.socket) -> object:
        raise OSError(errno.EBADF, "closed")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_accept", never)
    bound = bind("127.0.0.1", 0)
    assert port_of(bound)

    async def until_it_ends() -> None:
        async with serving([Listener(app=Echo(), sockets=[bound])], limits=ConnectionLimits()) as stop:
            async with asyncio.timeout(5):
                await stop.wait()

    with pytest.raises(OSError, match="closed"):
        await until_it_ends()
