"""The load: a sender with many connections, made to cost little beside what it measures.

Requests are bytes made before the clock starts, all but the id; answers are looked at no further than they must be.
Run as a program, since it needs a process of its own: a job as JSON on standard input, what came of it as JSON on
standard output.
"""

import asyncio
import itertools
import json
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CONNECTIONS = 16
ID_MARK = "~" * 24
"""Stands in the head of a request where its id goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send.

    head         request line and headers, `ID_MARK` in the place of the id
    rate         requests a second, sent at even distances whatever the answers do; 0 = the next after each answer
    authority    PEM file: speak TLS, trust this
    warm         answers before the clock starts
    most         stop after so many answers; 0 = when the seconds are over
    """

    port: int
    head: str
    body: str
    seconds: float = 4.0
    rate: float = 0.0
    authority: str = ""
    warm: int = 50
    most: int = 0
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of it. Milliseconds are from when a request should have been sent to its whole answer."""

    answers: int
    seconds: float
    statuses: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds if self.seconds else 0.0


class Refused(Exception):
    """Something was answered otherwise than 202."""


def load(job: Job) -> Load:
    """Send it from a process of its own, to the end."""
    with begin(job) as process:
        return finish(process, job)


def begin(job: Job) -> "subprocess.Popen[str]":
    """Start sending."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.client"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(job)) + "\n")
    process.stdin.close()
    return process


def finish(process: "subprocess.Popen[str]", job: Job) -> Load:
    """What came of it. Raises `Refused`."""
    assert process.stdout is not None
    told = process.stdout.read()
    if process.wait(job.seconds + 60) != 0:
        raise Refused("the load ended early")
    made = Load(**json.loads(told))
    if set(made.statuses) != {"202"}:
        raise Refused(f"not all was accepted: {made.statuses}")
    return made


# --- in the process that sends ------------------------------------------------------------------------------------


class Sender:
    """All connections together: who sends when, and what came back."""

    def __init__(self, job: Job) -> None:
        head, _, tail = job.head.partition(ID_MARK)
        self.head, self.tail = head.encode(), tail.encode() + Path(job.body).read_bytes()
        self.job = job
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.started = self.cpu_started = self.ended = self.cpu_ended = 0.0
        self.answered = 0
        self.done = asyncio.Event()
        self._ids = self._fresh()
        self._slots = itertools.count()

    def _fresh(self) -> Iterator[bytes]:
        run = f"{time.time_ns():020x}"[-12:]
        return (f"b-{run}-{number:09d}".encode() for number in itertools.count())

    def request(self) -> bytes:
        """The next request."""
        return b"".join((self.head, next(self._ids), self.tail))

    def due(self, now: float) -> float:
        """When the next request should be sent."""
        if not self.job.rate or not self.started:
            return now
        return self.started + next(self._slots) / self.job.rate

    def answer(self, status: str, seconds: float) -> bool:
        """Note one. False when nothing more is to be sent."""
        self.answered += 1
        now = time.perf_counter()
        if not self.started:
            if self.answered >= self.job.warm:
                self.started, self.cpu_started = now, time.process_time()
            return True
        if self.ended:
            return False
        self.statuses[status] += 1
        self.times.append(seconds)
        if now - self.started >= self.job.seconds or len(self.times) == self.job.most:
            self.ended, self.cpu_ended = now, time.process_time()
            self.done.set()
            return False
        return True

    def result(self) -> Load:
        """The sum of it."""
        ranked = sorted(self.times)
        return Load(
            answers=len(ranked),
            seconds=self.ended - self.started,
            statuses=dict(self.statuses),
            p50_ms=ranked[len(ranked) // 2] * 1000,
            p99_ms=ranked[int(len(ranked) * 0.99)] * 1000,
            cpu_seconds=self.cpu_ended - self.cpu_started,
        )


class Connection(asyncio.Protocol):
    """One keep-alive connection: one request under way at a time."""

    def __init__(self, sender: Sender, loop: asyncio.AbstractEventLoop) -> None:
        self._sender = sender
        self._loop = loop
        self._transport: Any = None
        self._answer = b""
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._next()

    def _next(self) -> None:
        now = time.perf_counter()
        self._due = self._sender.due(now)
        if self._due > now:
            self._loop.call_later(self._due - now, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if not self._sender.ended:
            self._transport.write(self._sender.request())

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        answer = self._answer = self._answer + data
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = answer.find(b"content-length: ", 0, end) + 16
        if len(answer) < end + 4 + int(answer[at : answer.find(b"\r", at)]):
            return
        self._answer = b""
        if self._sender.answer(answer[9:12].decode(), time.perf_counter() - self._due):
            self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        """A gateway that hangs up ends the run: its rate would mean nothing."""
        if not self._sender.ended:
            self._sender.statuses["connection lost"] += 1
            self._sender.done.set()


async def send(job: Job) -> Load:
    """Send until the job is done."""
    loop = asyncio.get_running_loop()
    sender = Sender(job)
    tls = ssl.create_default_context(cafile=job.authority) if job.authority else None

    async def connect() -> Any:
        name = "localhost" if tls else None
        transport, _ = await loop.create_connection(
            lambda: Connection(sender, loop), "127.0.0.1", job.port, ssl=tls, server_hostname=name
        )
        return transport

    # One after the other, so that the gateway's processes share them.
    connections = [await connect() for _ in range(job.connections)]
    await sender.done.wait()
    for transport in connections:
        transport.abort()
    if not sender.times or not sender.ended:
        return Load(answers=0, seconds=0, statuses=dict(sender.statuses))
    return sender.result()


def main() -> None:
    """Read the job, do it, tell."""
    import uvloop  # noqa: PLC0415  (there is none for Windows)

    job = Job(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(asdict(runner.run(send(job))), sys.stdout)


if __name__ == "__main__":
    main()
