"""A pretended agency: a whole recipient, in memory or behind a real socket, changed by plain assignment.

`Mailbox` remembers everything that came and what of it had a visible effect: like any good recipient it drops repeats
by Idempotency-Key (REST) or wsa:MessageID (SOAP). `PretendEndpoint` puts it behind the gateway's `Send` without a
network; `PretendServer` puts it behind a socket, where it can misbehave in every way that partners do.

Run as a program it is the recording recipient of the kill tests and of the demo:
`python -m tests.pretend_agency --port 0 --record FILE` prints its base URL and appends one JSON line, fsynced before
the answer, for each thing received.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from gateway.delivery.outcome import Outcome, acknowledged, unknown
from gateway.transport.interface import Parcel
from tests.pretend_wire import Received, envelope, fault, read_envelope, read_parts, read_reply

BODY_BYTES_MAX = 16 * 1024 * 1024


# --- what it does with what comes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Take:
    """Keep it and say so."""

    status: int = 202


@dataclass(frozen=True)
class Refuse:
    """Do not keep it; answer with this status."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """Do not keep it; answer with a SOAP fault of this code (Sender or Receiver)."""

    code: str
    subcode: str = ""


@dataclass(frozen=True)
class TakeAndHangUp:
    """Keep it, then close the connection without an answer."""


@dataclass(frozen=True)
class TakeAndStall:
    """Keep it and never answer."""


@dataclass(frozen=True)
class DripHeaders:
    """Never keep it; send the answer's headers byte by byte, for ever."""

    pause_seconds: float = 0.02


@dataclass(frozen=True)
class TakeAndDripBody:
    """Keep it, answer 200, and send the body byte by byte, for ever."""

    pause_seconds: float = 0.02


@dataclass(frozen=True)
class Redirect:
    """Send the gateway elsewhere."""

    to: str
    status: int = 307


@dataclass(frozen=True)
class TakeAndBabble:
    """Keep it and answer with this much."""

    size_bytes: int
    status: int = 200


@dataclass(frozen=True)
class TakeAndSay:
    """Keep it and answer with these very bytes."""

    body: bytes
    content_type: str
    status: int = 200


Behavior = (
    Take
    | Refuse
    | Fault
    | TakeAndHangUp
    | TakeAndStall
    | DripHeaders
    | TakeAndDripBody
    | Redirect
    | TakeAndBabble
    | TakeAndSay
)


# --- what it remembers --------------------------------------------------------------------------------------------


class Mailbox:
    """Everything that came, and the effects: each key once.

    next       behaviors for the next requests, in order; then `otherwise`
    record     a file that gets a JSON line for each thing kept
    """

    def __init__(self, record: Path | None = None) -> None:
        self.next: list[Behavior] = []
        self.otherwise: Behavior = Take()
        self.requests: list[Received] = []
        self.received: list[Received] = []
        self.effects: dict[str, Received] = {}
        self.conflicting: set[str] = set()
        self._record = record

    def behavior(self) -> Behavior:
        """What to do with the request that just came."""
        return self.next.pop(0) if self.next else self.otherwise

    def keep(self, received: Received) -> None:
        """Keep it, durably when there is a record; a repeat has no second effect."""
        self.received.append(received)
        first = self.effects.setdefault(received.key, received)
        if first.payload != received.payload:
            self.conflicting.add(received.key)
        if self._record is not None:
            self._write(received, repeated=first is not received)

    def _write(self, received: Received, *, repeated: bool) -> None:
        line = {
            "key": received.key,
            "message": received.message,
            "delivery": received.delivery,
            "digest": hashlib.sha256(received.payload).hexdigest(),
            "repeated": repeated,
        }
        assert self._record is not None
        with self._record.open("ab") as file:
            file.write(json.dumps(line, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def messages(self) -> list[str]:
        """Our message ids, in the order in which they first had an effect."""
        return [received.message for received in self.effects.values()]


# --- in memory ----------------------------------------------------------------------------------------------------


class PretendEndpoint:
    """`Send` straight into a mailbox. `outcomes` are given for the next sends, in order, without keeping anything."""

    def __init__(self, mailbox: Mailbox | None = None) -> None:
        self.mailbox = mailbox or Mailbox()
        self.outcomes: list[Outcome] = []
        self.hold: asyncio.Event | None = None
        self.under_way = 0
        self.under_way_most = 0
        self.closed = False

    async def send(self, parcel: Parcel, *, deadline: timedelta) -> Outcome:
        """Keep it, unless told otherwise."""
        self.under_way += 1
        self.under_way_most = max(self.under_way_most, self.under_way)
        try:
            return await self._send(parcel, deadline)
        finally:
            self.under_way -= 1

    async def _send(self, parcel: Parcel, deadline: timedelta) -> Outcome:
        if self.hold is not None:
            try:
                async with asyncio.timeout(deadline.total_seconds()):
                    await self.hold.wait()
            except TimeoutError:
                return unknown("delivery.time-out")
        if self.outcomes:
            return self.outcomes.pop(0)
        self.mailbox.keep(
            Received(
                key=parcel.dissemination,
                message=parcel.message,
                delivery=parcel.delivery,
                payload=parcel.payload,
                cover=parcel.cover,
            )
        )
        return acknowledged()

    async def close(self) -> None:
        """Nothing to let go of."""
        self.closed = True


# --- behind a socket ----------------------------------------------------------------------------------------------


class PretendServer:
    """A mailbox behind a socket: POST anything to `/rest` or `/soap`, answers to `/reply`.

    peers    addresses that requests came from: one for each connection
    hung_up  when (`time.monotonic`) the gateway closed a connection on which an answer was dripped
    """

    def __init__(self, mailbox: Mailbox | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.mailbox = mailbox or Mailbox()
        self.peers: set[object] = set()
        self.hung_up: list[float] = []
        self._tls = tls
        self._ended = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Self:
        """Listen."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/rest", self._rest)
        app.router.add_post("/soap", self._soap)
        app.router.add_post("/reply", self._reply)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def close(self) -> None:
        """Stop listening; what still stalls ends."""
        self._ended.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def url(self, path: str = "/rest", host: str = "127.0.0.1") -> str:
        """Address of an endpoint of this agency."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{host}:{self.port}{path}"

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        cover, payload = read_parts(request.headers.get("Content-Type", ""), body)
        return await self._act(
            request,
            Received(
                key=request.headers.get("Idempotency-Key", ""),
                message=request.headers.get("Message-Id", ""),
                delivery=request.headers.get("Delivery-Id", ""),
                payload=payload,
                cover=cover,
                body=body,
                headers=dict(request.headers),
                client_certificate=_peer_certificate(request),
            ),
        )

    async def _soap(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        return await self._act(request, read_envelope(body, dict(request.headers), _peer_certificate(request)))

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        return await self._act(request, read_reply(body, dict(request.headers), _peer_certificate(request)))

    async def _act(self, request: web.Request, received: Received) -> web.StreamResponse:
        self.mailbox.requests.append(received)
        self.peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        behavior = self.mailbox.behavior()
        match behavior:
            case Refuse():
                return web.Response(status=behavior.status, headers=behavior.headers)
            case Fault():
                return _xml(fault(behavior.code, behavior.subcode), 400 if behavior.code == "Sender" else 500)
            case Redirect():
                return web.Response(status=behavior.status, headers={"Location": behavior.to})
            case DripHeaders():
                return await self._drip(request, b"HTTP/1.1 200 OK\r\nX-Slow: ", behavior.pause_seconds)
        self.mailbox.keep(received)
        return await self._answer(request, behavior)

    async def _answer(self, request: web.Request, behavior: Behavior) -> web.StreamResponse:
        match behavior:
            case TakeAndHangUp():
                return self._hang_up(request)
            case TakeAndStall():
                await self._ended.wait()
                return self._hang_up(request)
            case TakeAndDripBody():
                start = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"
                return await self._drip(request, start, behavior.pause_seconds)
            case TakeAndBabble():
                return web.Response(status=behavior.status, body=b"x" * behavior.size_bytes)
            case TakeAndSay():
                return web.Response(
                    status=behavior.status, body=behavior.body, headers={"Content-Type": behavior.content_type}
                )
        if request.path == "/soap":
            return _xml(envelope('<t:Taken xmlns:t="urn:pretend"/>'), 200)
        return web.Response(status=behavior.status if isinstance(behavior, Take) else 202)

    async def _drip(self, request: web.Request, start: bytes, pause_seconds: float) -> web.StreamResponse:
        transport = request.transport  # aiohttp forgets it when the other side hangs up
        assert transport is not None
        transport.write(start)
        with contextlib.suppress(ConnectionError):
            while not self._ended.is_set() and not transport.is_closing():
                transport.write(b"z")
                await asyncio.sleep(pause_seconds)
        if not self._ended.is_set():
            self.hung_up.append(time.monotonic())
        return self._hang_up(request)

    @staticmethod
    def _hang_up(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _peer_certificate(request: web.Request) -> bytes | None:
    secured: Any = request.transport.get_extra_info("ssl_object") if request.transport else None
    return secured.getpeercert(binary_form=True) if secured else None


@contextlib.asynccontextmanager
async def serving(mailbox: Mailbox | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[PretendServer]:
    """A listening agency for the length of a test."""
    server = await PretendServer(mailbox, tls).start()
    try:
        yield server
    finally:
        await server.close()


def _xml(body: bytes, status: int) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/soap+xml", charset="utf-8")


# --- as a program -------------------------------------------------------------------------------------------------


def recorded(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a record; a last line cut off by a kill is left out."""
    for line in file.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)


async def _serve(port: int, record: Path) -> None:
    server = await PretendServer(Mailbox(record)).start(port=port)
    sys.stdout.write(f"http://127.0.0.1:{server.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--record", type=Path, required=True)
    given = arguments.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(given.port, given.record))


if __name__ == "__main__":
    main()
