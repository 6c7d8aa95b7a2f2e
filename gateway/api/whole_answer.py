"""WholeAnswer: the head of an answer waits for the first of its body, so that both leave in one write.

uvicorn writes them one after the other and uvloop sends each at once: two system calls, and a client woken for a head
it can do nothing with.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class WholeAnswer:
    """The transport of one answer, as far as uvicorn's cycle uses one."""

    def __init__(self, cycle: RequestResponseCycle, transport: asyncio.Transport) -> None:
        self._cycle = cycle
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Write, but for the head: it waits for the next write, or for the end of the answer."""
        # Before the answer starts there is only "100 Continue", which somebody waits for.
        if self._head is None and self._cycle.response_started:
            self._head = data
            return
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def flush(self) -> None:
        """Write a head that no body followed."""
        if self._head:
            self.write(b"")

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Send what was written, then close."""
        self.flush()
        self._transport.close()
