"""Handshakes that nobody finishes have a place from the moment they are taken, and give it to who comes."""

import asyncio
import contextlib
import errno
import gc
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from gateway.api import door
from gateway.api.connection import ConnectionLimits
from gateway.api.door import HANDSHAKE_SECONDS, PUT_OUT, Handshake, Handshakes
from gateway.api.server import Listener, bind, port_of, run, serving
from tests.api.certificates import Identity, make
from tests.api.wire import Echo, listening, once, status
from tests.signing.pki import made

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

    async def served(self, address: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> bool:
        """Whether somebody who shakes hands is answered."""
        context = context or ssl.create_default_context(cadata=AUTHORITY.pem.decode())
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


def test_of_all_the_oldest_gives_place(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        limits = ConnectionLimits(connections_per_address_max=OF_ADDRESS, connections_max=OF_ADDRESS + 1)
        async with crowd(tmp_path, limits) as here:
            await here.come(1, "127.0.0.2")
            await here.come(OF_ADDRESS)
            await here.settle(*[HERE] * (OF_ADDRESS + 1))
            assert await here.served("127.0.0.3")
            await here.settle(GONE, *[HERE] * OF_ADDRESS)

    on(try_it())


@pytest.mark.skipif(sys.platform == "win32", reason="it has no file descriptors to be counted")
def test_a_handshake_that_ends_in_any_way_leaves_no_file_and_no_place(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        many = ConnectionLimits(connections_per_address_max=20)
        async with crowd(tmp_path, many) as here:
            assert await here.served()
            gc.collect()  # what earlier tests left may not make up for what is left here
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
        bound = bind("127.0.0.1", 0)
        here = Crowd(port_of(bound), [])
        listener = Listener(app=Echo(), sockets=[bound], tls=server_context(tmp_path))
        async with asyncio.timeout(HANDSHAKE_SECONDS / 2):  # it waits for none of them
            async with serving([listener], limits=ConnectionLimits()):
                await here.come(3)
                await here.settle(*[HERE] * 3)
            await here.settle(*[GONE] * 3)
        for each in here.sockets:
            each.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", here.port))

    on(try_it())


def test_what_is_closed_before_it_began_leaves_no_file(tmp_path: Path, on: On) -> None:
    async def try_it() -> None:
        one, other = socket.socketpair()
        handshake = Handshake(one, "", Handshakes(per_address_max=1, all_max=1, refused=lambda _: None))
        task = handshake.begin(lambda **_: asyncio.Protocol(), server_context(tmp_path))
        handshake.end()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert one.fileno() == -1
        other.close()

    on(try_it())


class Client:
    """A client whose last words of the handshake, and its request, are held back."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    async def last_words(self) -> bytes:
        """What ends the handshake, and a request behind it."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await loop.sock_sendall(self.socket, self._out.read())
                self._in.write(await loop.sock_recv(self.socket, 65536))
            else:
                break
        self._tls.write(GET)
        return self._out.read()

    async def answer(self) -> bytes:
        """What the server has to say, until it closes."""
        said = b""
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(5):
                while part := await asyncio.get_running_loop().sock_recv(self.socket, 65536):
                    self._in.write(part)
                    with contextlib.suppress(ssl.SSLWantReadError):
                        while more := self._tls.read(65536):
                            said += more
        self.socket.close()
        return said


@pytest.mark.parametrize("newcomer", ["first", "last"])
def test_who_is_put_out_in_the_moment_in_which_it_shakes_hands_has_asked_nothing(
    tmp_path: Path, on: On, newcomer: str
) -> None:
    """A request that was begun and whose answer is lost would be a record that was taken, and its sender not told."""

    async def try_it() -> None:
        echo, told = Echo(), []
        limits = ConnectionLimits(connections_per_address_max=1)
        async with listening(echo, limits, server_context(tmp_path), told.append) as port:
            for tried in range(1, 11):
                client = Client(port)
                words = await client.last_words()
                if newcomer == "first":
                    other = socket.create_connection(("127.0.0.1", port))
                client.socket.send(words)
                if newcomer == "last":
                    other = socket.create_connection(("127.0.0.1", port))
                # Nothing was awaited: the server finds both at once.
                answered = bool(await client.answer())
                assert answered == bool(echo.requests), tried
                echo.requests.clear()
                other.close()
                await asyncio.sleep(0.02)

    on(try_it())


def test_a_certificate_that_the_library_cannot_read_ends_the_handshake_and_nothing_else(
    tmp_path: Path, on: On, caplog: pytest.LogCaptureFixture
) -> None:
    # The library would not sign it so: what it signed is altered, and OpenSSL does not verify what is trusted itself.
    odd = made("odd", (x509.SubjectAlternativeName([x509.RFC822Name("aaaa@b.example")]), False), now=datetime.now(UTC))
    chain = tmp_path / "odd.pem"
    der = odd.der.replace(b"aaaa@", b"\xff\xfe\xfd\xfc@")
    chain.write_text(ssl.DER_cert_to_PEM_cert(der) + odd.key_pem.decode())
    server = server_context(tmp_path)
    server.verify_mode = ssl.CERT_OPTIONAL
    server.load_verify_locations(str(chain))

    async def try_it() -> None:
        told: list[str] = []
        async with listening(Echo(), None, server, told.append) as port:
            here = Crowd(port, told)
            client = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
            client.load_cert_chain(chain)
            assert not await here.served(context=client)
            assert await here.served()

    on(try_it())
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_without_files_for_another_connection_the_oldest_handshake_gives_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    accept, failing = loop.sock_accept, [OSError(errno.EMFILE, "files")]
    async with crowd(tmp_path) as here:
        await here.come(3)
        await here.settle(*[HERE] * 3)

        async def sometimes(listening: socket.socket) -> object:
            if failing:
                raise failing.pop()
            return await accept(listening)

        monkeypatch.setattr(loop, "sock_accept", sometimes)
        assert await here.served()  # taken by the call that was under way
        await here.settle(GONE, HERE, HERE)
        assert here.told == [PUT_OUT]


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
