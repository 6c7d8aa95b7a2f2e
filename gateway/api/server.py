"""One process that serves: sockets, the event loop, the two listeners, and the end of it.

`--processes N` is several of these over the same bound sockets, or each with its own under SO_REUSEPORT; nothing
here is shared between processes.
"""

import asyncio
import contextlib
import functools
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import uvicorn
from starlette.types import ASGIApp

from gateway.api.callers import Callers
from gateway.api.connection import ConnectionLimits, GatewayProtocol
from gateway.api.door import Door, Handshakes
from gateway.api.peers import Peers
from gateway.config import Limits
from gateway.errors import Misconfigured

GRACE_SECONDS = 10
"""A stopping server gives requests under way this long; supervisors kill after 30 to 90 seconds."""

T = TypeVar("T")


class AddressUnusable(Misconfigured):
    """The host or port cannot be listened on."""

    code = "listen.address-unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One application, the bound sockets it is reached by, and TLS if it has it."""

    app: ASGIApp
    sockets: Sequence[socket.socket]
    tls: ssl.SSLContext | None = None


def connection_limits(limits: Limits) -> ConnectionLimits:
    """The settings' bounds; what the settings do not name keeps its default."""
    return ConnectionLimits(
        header_bytes_max=limits.header_bytes_max,
        headers_max=limits.headers_max,
        header_seconds_max=limits.header_seconds_max,
        body_seconds_max=limits.body_seconds_max,
        connections_per_address_max=limits.connections_per_address_max,
    )


def bind(host: str, port: int, *, share: bool = False) -> socket.socket:
    """A listening-to-be socket; port 0 takes a free one (`address_of` tells which).

    share  several processes bind the same port, and the kernel spreads connections over them (not on Windows)

    Raises `AddressUnusable`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there SO_REUSEADDR lets two programs steal each other's port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except (OSError, AttributeError, OverflowError) as error:
        bound.close()
        raise AddressUnusable(f"cannot listen on {host} port {port}: another program may use it") from error
    bound.setblocking(False)
    return bound


def port_of(bound: socket.socket) -> int:
    """The port a bound socket has."""
    return int(bound.getsockname()[1])


class _Server(uvicorn.Server):
    """uvicorn's server, behind doors of our own, with no hand on the process's signals."""

    def __init__(
        self,
        listener: Listener,
        protocol: Callable[..., asyncio.Protocol],
        limits: ConnectionLimits,
        door: Callable[..., Door],
    ) -> None:
        config = uvicorn.Config(
            app=listener.app,
            http=cast("type[asyncio.Protocol]", protocol),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # X-Forwarded-For is anybody's claim
            server_header=False,
            timeout_keep_alive=limits.idle_seconds_max,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._tls = listener.tls
        self._door = door

    async def open(self, sockets: Sequence[socket.socket]) -> None:
        """Listen: connections are taken from here on."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.on_tick(0)  # fills in the Date header, which the main loop then keeps

        def protocol(*, connected: Callable[[], bool]) -> asyncio.Protocol:
            made: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
            state = {"server_state": self.server_state, "app_state": self.lifespan.state}
            return made(connected=connected, config=self.config, **state)

        doors = [self._door(each, protocol=protocol, tls=self._tls) for each in sockets]
        for door in doors:
            door.open(self._stop_taking)
        self.servers = cast("list[asyncio.Server]", doors)
        self.started = True

    def _stop_taking(self) -> None:
        self.should_exit = True

    async def run_until(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; requests under way are finished, new connections are not taken."""
        watch = asyncio.create_task(self._exit_at(stop))
        try:
            await self.main_loop()
            await self.shutdown()
        finally:
            watch.cancel()
            for connection in tuple(self.server_state.connections):
                connection.transport.abort()

    async def _exit_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.should_exit = True


@contextlib.asynccontextmanager
async def serving(
    listeners: Sequence[Listener],
    *,
    limits: ConnectionLimits,
    refused: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    callers: Callers | None = None,
) -> AsyncIterator[asyncio.Event]:
    """Serve all listeners while the block runs; gives the event that stops them. They accept when it is entered.

    refused  told the code of each connection that was refused before it was a request
    callers  gets to know who speaks on which connection
    """
    stop = stop or asyncio.Event()
    bounds = {"per_address_max": limits.connections_per_address_max, "all_max": limits.connections_max}
    peers, handshakes = Peers(**bounds), Handshakes(**bounds, refused=refused)
    protocol = functools.partial(
        GatewayProtocol, limits=limits, peers=peers, callers=callers or Callers(), refused=refused
    )
    door = functools.partial(Door, handshakes=handshakes)
    servers = [_Server(listener, protocol, limits, door) for listener in listeners]
    for server, listener in zip(servers, listeners, strict=True):
        await server.open(listener.sockets)
    tasks = [asyncio.create_task(server.run_until(stop)) for server in servers]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())  # one listener that ends, ends all
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def serve(
    listeners: Sequence[Listener],
    *,
    limits: ConnectionLimits,
    refused: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    callers: Callers | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or `stop`, then finish what is under way."""
    async with serving(listeners, limits=limits, refused=refused, stop=stop, callers=callers) as stopping:
        with stop_on_signals(stopping):
            await stopping.wait()


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set the event while the block runs (main thread only)."""
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda *_: loop.call_soon_threadsafe(stop.set)) for each in wanted}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the fastest event loop there is (uvloop; asyncio's on Windows)."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415  (there is none for Windows)

    return uvloop.new_event_loop
