"""A recipient's system that costs little: it takes every POST, counts it, and tells the count to a GET.

Run as a program: prints its port.
"""

import asyncio
import contextlib
import http.client
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.place import stop

TAKEN = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A running one."""

    port: int

    @property
    def url(self) -> str:
        """Where to push to."""
        return f"http://127.0.0.1:{self.port}/"

    def count(self) -> int:
        """How many it has taken."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/")
        count = int(connection.getresponse().read())
        connection.close()
        return count


@contextlib.contextmanager
def recipient() -> Iterator[Recipient]:
    """One, while the block runs."""
    root = Path(__file__).parent.parent
    process = subprocess.Popen([sys.executable, "-m", "bench.recipient"], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Recipient(port=int(process.stdout.readline()))
    finally:
        stop(process)


# --- in the process of its own ------------------------------------------------------------------------------------


class Counted:
    """How many came."""

    taken = 0


class Connection(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._transport: Any = None
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        self._request += data
        end = self._request.find(b"\r\n\r\n")
        if end < 0:
            return
        if self._request.startswith(b"GET"):
            count = str(self._counted.taken)
            self._transport.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(count)}\r\n\r\n{count}".encode())
            self._request = b""
            return
        at = self._request.lower().find(b"content-length: ", 0, end) + 16
        if len(self._request) >= end + 4 + int(self._request[at : self._request.find(b"\r", at)]):
            self._request = b""
            self._counted.taken += 1
            self._transport.write(TAKEN)


async def listen() -> None:
    """Until killed."""
    counted = Counted()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counted), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Serve."""
    import uvloop  # noqa: PLC0415  (there is none for Windows)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listen())


if __name__ == "__main__":
    main()
