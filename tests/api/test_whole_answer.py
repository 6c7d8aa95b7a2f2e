import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from gateway.api.whole_answer import WholeAnswer
from tests.api.wire import Echo, listening, once, status


@dataclass
class Cycle:
    """A request that is being answered."""

    response_started: bool = False


@dataclass
class Line:
    """A transport that remembers what left by it, write by write."""

    sent: list[bytes] = field(default_factory=list)
    closed: bool = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True


def answering(line: Line, *, started: bool = True) -> WholeAnswer:
    return WholeAnswer(cast("Any", Cycle(response_started=started)), cast("asyncio.Transport", line))


def test_head_and_body_leave_in_one_write() -> None:
    line = Line()
    answer = answering(line)
    answer.write(b"head")
    assert line.sent == []
    answer.write(b"body")
    answer.write(b"more")
    assert line.sent == [b"headbody", b"more"]


def test_100_continue_leaves_at_once() -> None:
    line = Line()
    answering(line, started=False).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert len(line.sent) == 1


def test_a_head_without_a_body_leaves_when_the_answer_ends() -> None:
    line = Line()
    answer = answering(line)
    answer.write(b"head")
    answer.flush()
    answer.flush()
    assert line.sent == [b"head"]


def test_a_head_without_a_body_leaves_before_the_connection_is_closed() -> None:
    line = Line()
    answer = answering(line)
    answer.write(b"head")
    answer.close()
    assert line.sent == [b"head"]
    assert line.closed


async def test_a_head_request_is_answered_with_the_head_alone() -> None:
    async with listening(Echo()) as port:
        answer = await once(port, b"HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert status(answer) == 200
    assert answer.endswith(b"\r\n\r\n")


async def test_a_head_request_is_answered_on_a_connection_that_is_kept() -> None:
    async with listening(Echo()) as port:
        head = b"HEAD /x HTTP/1.1\r\nHost: a\r\n"
        answer = await once(port, head + b"\r\n" + head + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
