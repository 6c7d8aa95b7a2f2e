"""A raw socket, for what no well-behaved client would send; and a small application to talk to."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.callers import Callers
from gateway.api.connection import ConnectionLimits
from gateway.api.server import Listener, bind, port_of, serving

PATIENCE_SECONDS = 5.0


@dataclass
class Echo:
    """Answers with the path and the body; what it has seen stays on it."""

    requests: list[tuple[str, bytes]] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    disconnected: int = 0
    read_body: bool = True
    hold: asyncio.Event | None = None
    answer: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        body = b""
        while self.read_body:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected += 1
                return
            body += message["body"]
            if not message["more_body"]:
                break
        if self.hold is not None:
            await self.hold.wait()
        self.requests.append((scope["path"], body))
        content = self.answer if self.answer is not None else scope["path"].encode() + b"|" + body
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def listening(
    app: ASGIApp,
    limits: ConnectionLimits | None = None,
    tls: ssl.SSLContext | None = None,
    refused: Callable[[str], None] = lambda _: None,
    callers: Callers | None = None,
) -> AsyncIterator[int]:
    """The application on a free port of loopback."""
    bound = bind("127.0.0.1", 0)
    port = port_of(bound)
    listener = Listener(app=app, sockets=[bound], tls=tls)
    async with serving([listener], limits=limits or ConnectionLimits(), refused=refused, callers=callers):
        yield port


@dataclass
class Wire:
    """One connection. Reading ends when the other side closes, or fails after `PATIENCE_SECONDS`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
            return b""

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of one answer with a Content-Length."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            return int(head.split()[1]), await self.reader.readexactly(length)


@contextlib.asynccontextmanager
async def wire(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A connection to loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def once(port: int, *parts: bytes) -> bytes:
    """Send, and read until the server closes."""
    async with wire(port) as connection:
        for part in parts:
            await connection.send(part)
        return await connection.until_closed()


def status(answer: bytes) -> int:
    """Of the first answer."""
    return int(answer.split(b" ", 2)[1]) if answer else 0
