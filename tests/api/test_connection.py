import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from gateway.api.callers import Speaks
from gateway.api.connection import ConnectionLimits
from gateway.api.peers import EVICTED_AFTER_SECONDS
from tests.api.wire import Echo, Wire, listening, once, status, wire

POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
CLOSE = b"Connection: close\r\n"

QUICK = ConnectionLimits(
    header_seconds_max=0.3,
    body_seconds_max=0.6,
    write_seconds_max=0.5,
    idle_seconds_max=1,
    connections_per_address_max=5,
    discard_bytes_max=100_000,
    framing_bytes_max=2_000,
)


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def port(echo: Echo) -> AsyncIterator[int]:
    async with listening(echo) as port:
        yield port


@pytest.fixture
async def quick(echo: Echo) -> AsyncIterator[int]:
    async with listening(echo, QUICK) as port:
        yield port


def code(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["code"])


def answers(received: bytes) -> int:
    return len(re.findall(rb"HTTP/1\.1 [1-5]\d\d ", received))


async def test_a_request_with_a_length_is_answered(port: int, echo: Echo) -> None:
    answer = await once(port, POST + CLOSE + b"Content-Length: 3\r\n\r\nabc")
    assert status(answer) == 200
    assert echo.requests == [("/x", b"abc")]


async def test_a_chunked_request_is_answered(port: int, echo: Echo) -> None:
    answer = await once(port, POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
    assert status(answer) == 200
    assert echo.requests == [("/x", b"abcde")]


MALFORMED = {
    "length and transfer coding": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer coding and length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two equal lengths": b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a negative length": b"Content-Length: -3\r\n\r\nabc",
    "a hexadecimal length": b"Content-Length: 0x3\r\n\r\nabc",
    "gzip and chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked and identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\n\r\nabc",
    "nearly chunked": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "an empty transfer coding": b"Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc",
    "a chunk size of letters": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a prefixed chunk size": b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than it says": b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a chunk size ended by LF": b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    "trailers": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nAuthorization: Bearer t\r\n\r\n",
    "a folded line": b"X: a\r\n b\r\n\r\n",
    "a NUL in a value": b"X: a\0b\r\n\r\n",
    "a CR in a value": b"X: a\rb\r\n\r\n",
    "no colon": b"nonsense\r\n\r\n",
    "no name": b": x\r\n\r\n",
    "Host twice": b"Host: b\r\n\r\n",
    "Authorization twice": b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "Idempotency-Key twice": b"Idempotency-Key: a\r\nidempotency-key: b\r\n\r\n",
    "Content-Type twice": b"Content-Type: text/xml\r\nContent-Type: text/html\r\n\r\n",
}


@pytest.mark.parametrize("rest", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_two_readers_would_read_differently_is_refused(port: int, echo: Echo, rest: bytes) -> None:
    answer = await once(port, POST + rest + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(answer) == 400
    assert answers(answer) == 1
    assert b"connection: close" in answer.lower()
    assert echo.requests == []


ODD = {
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "a blank in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: a\n\n",
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "the server itself": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes outside ASCII": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/1.0 in chunks": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "an unknown method": b"FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", ODD.values(), ids=ODD.keys())
async def test_what_is_not_a_request_of_http_1_1_is_refused(port: int, echo: Echo, request_bytes: bytes) -> None:
    assert status(await once(port, request_bytes)) == 400
    assert echo.requests == []


async def test_a_refusal_is_a_problem_and_its_code_is_told(echo: Echo) -> None:
    told: list[str] = []
    async with listening(echo, refused=told.append) as port:
        answer = await once(port, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc")
    assert b"content-type: application/problem+json" in answer.lower()
    assert code(answer) == "connection.malformed"
    assert told == ["connection.malformed"]


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"a" * 40_000 + b"\r\n\r\n",
        b"X: " + b"a" * 31_000 + b"\r\nY: " + b"b" * 31_000 + b"\r\n\r\n",
        b"".join(b"X%d: a\r\n" % number for number in range(101)) + b"\r\n",
        b"X" * 40_000,  # a header that never ends
    ],
    ids=["one large", "two large", "too many", "endless"],
)
async def test_headers_beyond_the_limits_are_refused(port: int, echo: Echo, head: bytes) -> None:
    answer = await once(port, POST + head)
    assert status(answer) == 431
    assert echo.requests == []


async def test_an_endless_request_line_is_refused(port: int) -> None:
    assert status(await once(port, b"GET /" + b"a" * 40_000)) == 431


async def test_headers_within_the_limits_are_taken(port: int) -> None:
    head = b"".join(b"X%d: %s\r\n" % (number, b"a" * 300) for number in range(97))
    assert status(await once(port, POST + CLOSE + head + b"\r\n")) == 200


async def test_slow_headers_are_cut_although_each_byte_comes_in_time(quick: int, echo: Echo) -> None:
    async with wire(quick) as connection:
        for byte in POST[:20]:
            await connection.send(bytes([byte]))
            await asyncio.sleep(0.02)
        answer = await connection.until_closed()
    assert status(answer) == 408
    assert code(answer) == "connection.too-slow"
    assert echo.scopes == []


async def test_a_slow_body_is_cut_and_the_application_is_told(quick: int, echo: Echo) -> None:
    async with wire(quick) as connection:
        await connection.send(POST + b"Content-Length: 1000\r\n\r\n")
        for _ in range(10):
            await connection.send(b"a")
            await asyncio.sleep(0.02)
        answer = await connection.until_closed()
    assert status(answer) == 408
    assert echo.disconnected == 1
    assert echo.requests == []


async def test_an_early_deadline_holds_after_a_request_that_had_a_later_one(quick: int) -> None:
    async with wire(quick) as connection:
        await connection.send(POST + b"Content-Length: 1\r\n\r\n")
        await asyncio.sleep(0.4)  # the timer now waits for the end of the body's time
        await connection.send(b"a")
        assert (await connection.answer())[0] == 200
        await connection.send(b"GET /y")
        began = asyncio.get_running_loop().time()
        assert status(await connection.until_closed()) == 408
    assert asyncio.get_running_loop().time() - began < 0.5


async def test_a_connection_that_says_nothing_is_closed_without_a_word(quick: int) -> None:
    assert await once(quick) == b""


async def test_an_idle_connection_is_closed_after_its_time(quick: int) -> None:
    async with wire(quick) as connection:
        await connection.send(POST + b"\r\n")
        assert (await connection.answer())[0] == 200
        assert await connection.until_closed() == b""


async def test_a_peer_that_does_not_read_its_answer_is_cut(echo: Echo) -> None:
    echo.answer = b"a" * 20_000_000
    async with listening(echo, QUICK) as port, wire(port) as connection:
        await connection.send(POST + b"\r\n")
        await asyncio.sleep(1.0)
        assert len(await connection.until_closed()) < len(echo.answer)


async def test_chunks_of_mostly_framing_are_cut(quick: int, echo: Echo) -> None:
    async with wire(quick) as connection:
        await connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 5_000)
        answer = await connection.until_closed()
    assert status(answer) == 400
    assert code(answer) == "connection.framing"


async def test_connections_of_one_address_are_counted_and_given_back(quick: int) -> None:
    async with wire(quick), wire(quick), wire(quick), wire(quick), wire(quick):
        answer = await once(quick)
        assert status(answer) == 429
        assert code(answer) == "connection.too-many"
        assert b"retry-after" in answer.lower()
    await asyncio.sleep(0.05)
    assert status(await once(quick, POST + CLOSE + b"\r\n")) == 200


@pytest.fixture
async def full(echo: Echo) -> AsyncIterator[int]:
    """A listener that has place for five, and patience with each."""
    async with listening(echo, ConnectionLimits(connections_per_address_max=5)) as port:
        yield port


async def test_who_sits_on_half_a_request_gives_way_to_who_comes(full: int) -> None:
    async with wire(full) as first, wire(full), wire(full), wire(full), wire(full):
        await first.send(b"GET /slow")
        await asyncio.sleep(2 * EVICTED_AFTER_SECONDS)
        assert status(await once(full, POST + CLOSE + b"\r\n")) == 200
        with suppress(ConnectionError):  # an end, or a reset: it is told nothing
            assert await first.until_closed() == b""


async def test_who_is_being_answered_is_not_put_out(full: int, echo: Echo) -> None:
    answering = echo.hold = asyncio.Event()
    async with wire(full) as busy, wire(full), wire(full), wire(full), wire(full):
        await busy.send(POST + CLOSE + b"\r\n")
        await asyncio.sleep(2 * EVICTED_AFTER_SECONDS)
        echo.hold = None
        for _ in range(3):
            assert status(await once(full, POST + CLOSE + b"\r\n")) == 200
        answering.set()
        assert status(await busy.until_closed()) == 200


async def sitting(port: int, connection: Wire) -> None:
    """Whoever comes gets in, and this one has gone for it."""
    await asyncio.sleep(2 * EVICTED_AFTER_SECONDS)
    assert status(await once(port, POST + CLOSE + b"\r\n")) == 200
    with suppress(ConnectionError):
        await connection.until_closed()


async def test_a_stranger_who_sits_on_half_a_body_gives_way_to_who_comes(full: int) -> None:
    async with wire(full) as first, wire(full), wire(full), wire(full), wire(full):
        await first.send(POST + b"Content-Length: 1000\r\n\r\nabc")
        await sitting(full, first)


async def test_who_was_answered_and_sits_on_the_rest_of_the_body_gives_way_to_who_comes(echo: Echo) -> None:
    echo.read_body = False
    limits = ConnectionLimits(connections_per_address_max=5)
    async with (
        listening(echo, limits) as port,
        wire(port) as first,
        wire(port),
        wire(port),
        wire(port),
        wire(port),
    ):
        await first.send(POST + b"Content-Length: 1000\r\n\r\nabc")
        assert (await first.answer())[0] == 200
        await sitting(port, first)


async def test_the_body_of_somebody_known_is_waited_for(echo: Echo) -> None:
    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/known":
            scope["extensions"]["speaks"](Speaks("jail", ()))  # type: ignore[arg-type]
        await echo(scope, receive, send)

    limits = ConnectionLimits(connections_per_address_max=5)
    async with (
        listening(known, limits) as port,
        wire(port) as first,
        wire(port),
        wire(port),
        wire(port),
        wire(port),
    ):
        await first.send(b"POST /known HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        await asyncio.sleep(2 * EVICTED_AFTER_SECONDS)
        for _ in range(3):
            assert status(await once(port, POST + CLOSE + b"\r\n")) == 200
        await first.send(b"def")
        assert await first.answer() == (200, b"/known|abcdef")


async def test_100_continue_is_sent_when_the_body_is_wanted(port: int) -> None:
    async with wire(port) as connection:
        await connection.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(b"abc")
        assert await connection.answer() == (200, b"/x|abc")


async def test_a_client_that_waits_for_100_continue_in_vain_is_not_read_on(echo: Echo) -> None:
    echo.read_body = False
    async with listening(echo) as port, wire(port) as connection:
        await connection.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        answer = await connection.until_closed()
    assert status(answer) == 200
    assert b"100 Continue" not in answer


async def test_another_expectation_is_not_met(port: int) -> None:
    assert status(await once(port, POST + b"Expect: miracles\r\n\r\n")) == 417


async def flood(connection: Wire) -> None:
    for _ in range(50):
        await connection.send(b"a" * 100_000)
        await asyncio.sleep(0.01)


async def test_after_an_early_answer_the_rest_of_the_body_is_dropped_and_the_next_request_read(echo: Echo) -> None:
    echo.read_body = False
    async with listening(echo, QUICK) as port, wire(port) as connection:
        await connection.send(POST + b"Content-Length: 50000\r\n\r\n" + b"a" * 20_000)
        assert (await connection.answer())[0] == 200
        await connection.send(b"a" * 30_000 + b"GET /y HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await connection.answer())[1] == b"/y|"


async def test_after_an_early_answer_a_large_rest_ends_the_connection(echo: Echo) -> None:
    echo.read_body = False
    async with listening(echo, QUICK) as port, wire(port) as connection:
        await connection.send(POST + b"Content-Length: 5000000\r\n\r\n")
        assert (await connection.answer())[0] == 200
        with pytest.raises((ConnectionError, RuntimeError)):  # RuntimeError: how uvloop says it, as a client
            await flood(connection)


async def test_connection_close_is_honored(port: int) -> None:
    answer = await once(port, POST + CLOSE + b"\r\n", b"GET /y HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer.lower()


async def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    async with wire(port) as connection:
        await connection.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(3)))
        assert [(await connection.answer())[1] for _ in range(3)] == [b"/0|", b"/1|", b"/2|"]


async def test_a_bad_request_never_answers_in_front_of_one_that_is_under_way(echo: Echo) -> None:
    echo.hold = asyncio.Event()
    async with listening(echo) as port, wire(port) as connection:
        await connection.send(POST + b"Content-Length: 3\r\n\r\nabc" + b"\0nonsense\r\n\r\n")
        await asyncio.sleep(0.05)
        echo.hold.set()
        answer = await connection.until_closed()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answers(answer) == 1


async def test_bad_chunks_behind_a_request_under_way_do_not_take_its_answer(echo: Echo) -> None:
    echo.hold = asyncio.Event()
    async with listening(echo) as port, wire(port) as connection:
        await connection.send(POST + b"\r\n" + POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        await asyncio.sleep(0.05)
        echo.hold.set()
        answer = await connection.until_closed()
    assert answer.count(b"HTTP/1.1 200") == 1
    assert echo.requests == [("/x", b"")]


async def test_too_many_waiting_requests_end_the_connection_after_the_good_ones(echo: Echo) -> None:
    echo.hold = asyncio.Event()
    async with listening(echo, ConnectionLimits(pipeline_max=2)) as port, wire(port) as connection:
        await connection.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
        await asyncio.sleep(0.05)
        echo.hold.set()
        assert (await connection.until_closed()).count(b"HTTP/1.1 200") == 3


async def test_an_upgrade_is_ignored_and_the_body_is_kept(port: int, echo: Echo) -> None:
    """As Java's HttpClient asks on plain HTTP: httptools alone takes the body for another protocol."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    body = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    async with wire(port) as connection:
        await connection.send(POST + upgrade + b"Content-Length: %d\r\n\r\n" % len(body))
        await connection.send(body)
        assert (await connection.answer())[0] == 200
        await connection.send(b"GET /y HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await connection.answer())[1] == b"/y|"
    assert echo.requests == [("/x", body), ("/y", b"")]


async def test_an_upgrade_with_its_body_in_one_piece_is_one_request(port: int, echo: Echo) -> None:
    await once(port, POST + CLOSE + b"Upgrade: websocket\r\nContent-Length: 3\r\n\r\nabc")
    async with wire(port) as connection:
        await connection.send(POST + b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc")
        assert await connection.answer() == (200, b"/x|abc")
    assert echo.requests == [("/x", b"abc")] * 2


async def test_nobody_believes_x_forwarded_for(port: int, echo: Echo) -> None:
    await once(port, POST + CLOSE + b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n")
    assert echo.scopes[0]["client"][0] == "127.0.0.1"
    assert echo.scopes[0]["scheme"] == "http"


async def test_the_server_does_not_say_what_it_is(port: int) -> None:
    answer = await once(port, POST + CLOSE + b"\r\n")
    assert b"server:" not in answer.lower()
    assert b"date:" in answer.lower()
