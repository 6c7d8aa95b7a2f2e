"""GatewayProtocol: one HTTP connection, with a bound on everything and the peer's certificate in the scope.

uvicorn's own protocol has no limit on header bytes, no deadline while a request arrives, and does not show the
peer's certificate. Here every request has a bounded head, a deadline for its head and one for the whole of it; what
is ambiguous (a header twice that may stand once, trailers, a transfer coding besides `chunked`) is refused, since
two readers of an ambiguous request disagree about where it ends. llhttp, under httptools, itself refuses
Content-Length beside Transfer-Encoding, two Content-Lengths, bad chunks, bare LF and folded lines; the tests
hold it to that.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.api.callers import Callers, Speaks
from gateway.api.door import PUT_OUT
from gateway.api.network import network_of
from gateway.api.peers import Peers
from gateway.api.problem import MEDIA_TYPE, RETRY_AFTER_SECONDS, Problem
from gateway.api.tls import client_chain
from gateway.api.whole_answer import WholeAnswer

LINGER_SECONDS = 2.0
"""After a refusal what still arrives is read and dropped this long: a reset would take the answer with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Bounds of one connection, and of all of them together.

    header_bytes_max      request line and headers; nginx takes 32 KB, Apache 8 KB a line
    headers_max           count; Apache's default
    header_seconds_max    from the first byte (or the opening of the connection) to the end of the head
    body_seconds_max      from the first byte to the end of the body: a slow sender's deadline, head included
    write_seconds_max     how long a peer may leave our answer unread
    idle_seconds_max      between two requests of a connection
    pipeline_max          requests that wait on one connection for the answer to an earlier one
    discard_bytes_max     body that may still come after the request was answered (refused)
    framing_bytes_max     chunk sizes and chunk extensions of one body, beside its content
    connections_per_address_max, connections_max   open at once
    """

    header_bytes_max: int = 32 * 1024
    headers_max: int = 100
    header_seconds_max: float = 10
    body_seconds_max: float = 60
    write_seconds_max: float = 60
    idle_seconds_max: int = 15
    pipeline_max: int = 8
    discard_bytes_max: int = 1024 * 1024
    framing_bytes_max: int = 1024 * 1024
    connections_per_address_max: int = 256
    connections_max: int = 4000


def _problem(status: int, code: str, detail: str) -> Problem:
    headers = (("Retry-After", str(RETRY_AFTER_SECONDS)),) if status == 429 else ()
    return Problem(status=status, code=f"connection.{code}", detail=detail, headers=headers)


MALFORMED = _problem(400, "malformed", "this is not a well-formed HTTP/1.1 request")
AMBIGUOUS = _problem(400, "ambiguous", "a header that may stand once stands twice, or Host is missing")
TRAILERS = _problem(400, "trailers", "headers after a chunked body are not taken")
TRANSFER_CODING = _problem(400, "transfer-coding", "the only transfer coding taken is chunked")
METHOD = _problem(400, "method", "this is neither a proxy, nor is there anything to ask of the server as a whole")
EXPECTATION = _problem(417, "expectation", "the only expectation met is 100-continue")
HEAD_TOO_LARGE = _problem(431, "headers-too-large", "the request's headers are too large or too many")
TOO_SLOW = _problem(408, "too-slow", "the request did not arrive in time")
FRAMING = _problem(400, "framing", "the body's chunks are mostly framing")
PIPELINE = _problem(429, "pipeline", "too many requests wait on this connection")
TOO_MANY = _problem(429, "too-many", "too many connections are open")

SINGLE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"idempotency-key",
        b"soapaction",
        b"transfer-encoding",
    }
)
"""Headers that decide something here, and so may stand once."""

HOP = frozenset({b"connection", b"upgrade", b"http2-settings"})


class _Refusal(Exception):
    """Leaves a callback of the parser; never seen outside this module."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class GatewayProtocol(HttpToolsProtocol):
    """One connection. `refused` is told the code of each refusal; it and the three before are bound by `server.py`,
    `connected` by the door."""

    def __init__(
        self,
        *,
        limits: ConnectionLimits,
        peers: Peers,
        callers: Callers,
        refused: Callable[[str], None],
        connected: Callable[[], bool],
        **uvicorn: Any,
    ) -> None:
        super().__init__(**uvicorn)
        self._limits = limits
        self._peers = peers
        self._callers = callers
        self._tell = refused
        self._connected = connected
        self._address: str | None = None
        self._tls: dict[object, object] | None = None
        self._running: RequestResponseCycle | None = None
        self._answering: WholeAnswer | None = None
        self._closed = False  # nothing more is read as HTTP
        # The request that is arriving.
        self._head = True
        self._upgrading = False
        self._raw_bytes = 0
        self._body_bytes = 0
        self._discarded_bytes = 0
        self._started = 0.0
        # One timer, moved lazily: a busy connection does not make and cancel a timer for each request.
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Count the peer, keep its certificate, and start the clock on its first request."""
        super().connection_made(transport)
        if not self._connected():
            self._stop()
            transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            certificate = tls.getpeercert(True)
            self._tls = {
                "client_certificate": certificate,
                "client_chain": client_chain(tls) if certificate is not None else (),
            }
        address = network_of(self.client[0]) if self.client else ""
        if not self._peers.enter(address, self.loop.time()):
            self._refuse(TOO_MANY)
            return
        self._address = address
        self._peers.quiet(address, self, self.loop.time())
        self._due(self._limits.header_seconds_max)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of timers and of the peer's place."""
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._deadline = None
        self._callers.leave(self)
        self._leave()
        super().connection_lost(exc)

    def cut(self) -> None:
        """Its agency was shut out: nothing more is read or sent, whatever is under way."""
        self._stop()
        self.transport.abort()

    def _speaks(self, speaks: Speaks) -> None:
        if not self.transport.is_closing():
            self._callers.speaks(self, speaks)
            self._busy()

    def _busy(self) -> None:
        """Something is under way: a whole request of anybody's, or the body of somebody known. A stranger's body that
        is still to come is not: it is as easily begun as a head, and may take six times as long."""
        if self._address is not None:
            self._peers.busy(self._address, self)

    def put_out(self) -> None:
        """Nothing was under way here, and somebody else needs the place: nobody is told why."""
        self._leave()
        self._stop()
        self._tell(PUT_OUT)
        self.transport.abort()

    def _leave(self) -> None:
        if self._address is not None:
            self._peers.leave(self._address, self)
            self._address = None

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer."""
        if self._closed:
            return
        self._unset_keepalive_if_required()
        if self._deadline is None:
            self._due(self._limits.header_seconds_max)
        self._raw_bytes += len(data)
        if not self._feed(data):
            return
        if self._head:
            if self._raw_bytes > self._limits.header_bytes_max:
                self._refuse(HEAD_TOO_LARGE)
        elif self._raw_bytes - self._body_bytes > self._limits.framing_bytes_max:
            self._refuse(FRAMING)

    def _feed(self, data: bytes) -> bool:
        """Parse; False when the connection is not read any further."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            refusal = error.__context__
            self._refuse(refusal.problem if isinstance(refusal, _Refusal) else MALFORMED)
        return not self._closed

    def _go_on_without_upgrade(self, rest: bytes) -> bool:
        """Read the request again as if it asked for no upgrade.

        RFC 9110, section 7.8: a server may ignore Upgrade. Java's HttpClient asks for h2c with every first request
        on plain HTTP; httptools then takes the body for another protocol, and it would be read as the next request.
        """
        kept = [(name, value) for name, value in self.headers if name not in HOP]
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in kept:
            head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self._upgrading = False
        return self._feed(b"".join([*head, b"\r\n", rest]))

    # callbacks of the parser; raising ends the connection

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self._deadline is None:
            self._due(self._limits.header_seconds_max)
        extensions: dict[str, Any] = {"speaks": self._speaks}
        if self._tls is not None:
            extensions["tls"] = self._tls
        self.scope["extensions"] = extensions

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; or a trailer, which could slip in an identity after it was checked."""
        if not self._head:
            raise _Refusal(TRAILERS)
        super().on_header(name, value)
        if len(self.headers) > self._limits.headers_max:
            raise _Refusal(HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is whole: judge it, then let uvicorn start the request."""
        self._judge_head()
        if self.parser.should_upgrade():
            self._upgrading = True
            return
        if len(self.pipeline) >= self._limits.pipeline_max:
            raise _Refusal(PIPELINE)
        super().on_headers_complete()
        self._head = False
        self._body_bytes = self._discarded_bytes = 0
        self._deadline = self._started + self._limits.body_seconds_max

    def _judge_head(self) -> None:
        size_bytes = len(self.url)
        seen = set()
        for name, value in self.headers:
            size_bytes += len(name) + len(value) + 4  # ": " and CRLF
            if name in SINGLE:
                if name in seen:
                    raise _Refusal(AMBIGUOUS)
                seen.add(name)
                _judge_header(name, value.lower())
        if size_bytes > self._limits.header_bytes_max:
            raise _Refusal(HEAD_TOO_LARGE)
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise _Refusal(MALFORMED)
        if version == "1.1" and b"host" not in seen:
            raise _Refusal(AMBIGUOUS)
        if version == "1.0" and b"transfer-encoding" in seen:  # faulty framing: RFC 9112, section 6.1
            raise _Refusal(AMBIGUOUS)
        if self.parser.get_method() == b"CONNECT" or self.url == b"*":
            raise _Refusal(METHOD)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > self._limits.discard_bytes_max:
                self._stop()
                self.transport.close()
                return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; the next byte begins another."""
        if self._upgrading:
            return
        super().on_message_complete()
        if not self.cycle.response_complete:
            self._busy()
        self._head = True
        self._raw_bytes = 0
        self._deadline = None

    # answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        cycle.transport = self._answering = WholeAnswer(cycle, self.transport)  # type: ignore[assignment]  # enough of one
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """An answer is out. A client that waits for 100 Continue sends no body now: then nothing can follow."""
        if self._answering is not None:
            self._answering.flush()
        super().on_response_complete()
        answered = self._running is not None and self._running.response_complete  # and not one of the pipeline begun
        # Also while a body of it is still to come, which nobody waits for: else who is refused at once holds its place
        # for a minute by sending none.
        if answered and (self._head or self._running is self.cycle) and self._address is not None:
            self._peers.quiet(self._address, self, self.loop.time())
        if not self._head and self.expect_100_continue and not self._body_bytes and self._running is self.cycle:
            self._stop()
            self.transport.close()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._write_timer = self.loop.call_later(self._limits.write_seconds_max, self.transport.abort)

    def pause_writing(self) -> None:
        """The peer does not read; it may do so for a while."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.write_seconds_max, self.transport.abort)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Idle for too long."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    # refusing

    def _refuse(self, problem: Problem) -> None:
        """Answer with this problem and close; but never in front of an answer that is owed to an earlier request."""
        began = self._raw_bytes > 0
        self._stop()
        self._tell(problem.code)
        arriving = None if self._head else self.cycle
        if arriving is not None and self.pipeline and self.pipeline[0][0] is arriving:
            self.pipeline.popleft()
        owed = self._running is not None and not self._running.response_complete
        if owed and self._running is not arriving:
            last = self.pipeline[0][0] if self.pipeline else self._running
            assert last is not None  # noqa: S101  (owed)
            last.keep_alive = False
            return
        if arriving is not None:
            if arriving.response_started:
                self.transport.close()
                return
            arriving.disconnected = True  # the application stops reading; what it answers goes nowhere
            arriving.message_event.set()
        if began or problem is TOO_MANY:
            self._answer(problem)
        else:
            self.transport.close()

    def _answer(self, problem: Problem) -> None:
        body = problem.to_json("")
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *problem.headers,
        ]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
        self.transport.write(STATUS_LINE[problem.status] + head + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.flow.resume_reading()
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()  # TLS reads and drops until the peer's close_notify, or its own timeout

    def _stop(self) -> None:
        self._closed = True
        self._deadline = None
        self._unset_keepalive_if_required()

    # deadlines

    def _due(self, seconds: float) -> None:
        self._started = self.loop.time()
        self._deadline = self._started + seconds
        if self._timer is not None and self._timer.when() > self._deadline:  # it still waits for an earlier body
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._on_timer)
        else:
            self._refuse(TOO_SLOW)


def _judge_header(name: bytes, value: bytes) -> None:
    if name == b"transfer-encoding" and value != b"chunked":
        raise _Refusal(TRANSFER_CODING)
    if name == b"expect" and value != b"100-continue":
        raise _Refusal(EXPECTATION)
