"""A deployment to measure: made in a folder of its own, served by processes of its own, ended with the run."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from bench.message import RECIPIENT, SENDER
from gateway.agency import Endpoint, EndpointKind
from gateway.app import init_deployment, open_deployment
from gateway.exchange.activate import issue_token, put_agency
from gateway.exchange.gateway import Gateway

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 15.0

ROOT = Path(__file__).parent.parent


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder on a disk: /tmp may be memory, where nothing that is written is durable."""
    disk = Path("/var/tmp")  # noqa: S108  (the folder made in it has a random name)
    with tempfile.TemporaryDirectory(prefix="gateway-bench-", dir=disk if disk.is_dir() else None) as name:
        yield Path(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A deployment and the sender's token."""

    directory: Path
    token: str

    def do(self, act: Callable[[Gateway], Coroutine[Any, Any, Any]]) -> Any:
        """An act of the operator, on the deployment's database."""

        async def opened() -> Any:
            async with open_deployment(self.directory) as gateway:
                return await act(gateway)

        return asyncio.run(opened())

    def deliver_to(self, url: str) -> None:
        """Push to the recipient here; "" lets it poll its inbox, as at first."""
        push = Endpoint(kind=EndpointKind.REST, url=url, private_network=True)
        endpoint = push if url else Endpoint(kind=EndpointKind.INBOX)
        self.do(
            lambda gateway: put_agency(
                gateway, replace(gateway.current.agencies[RECIPIENT], endpoint=endpoint), actor="bench"
            )
        )

    @property
    def headers(self) -> dict[str, str]:
        """Of a request of the sender."""
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/xml"}

    def head(self, *, id: str, size_bytes: int) -> bytes:
        """Request line and headers of a submission; `id` is of the same length each time."""
        headers = {
            "Host": "localhost",
            **self.headers,
            "Content-Length": str(size_bytes),
            "Idempotency-Key": id,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST /v1/messages?to={RECIPIENT} HTTP/1.1\r\n{lines}\r\n".encode()


def make(directory: Path, *, cover: str, database: str = "sqlite:///gateway.db") -> Place:
    """A new deployment with the agencies and agreements that come with the gateway."""
    raw = {
        "name": "bench.gateway.example",
        "database": database,
        "listen": {"tls": False},
        # One agency and one address bring the whole load.
        "limits": {"requests_per_agency_per_second": 100_000, "requests_per_address_per_second": 100_000},
        "keys": {"cover": cover},
    }
    asyncio.run(init_deployment(directory, raw, samples=True))
    return Place(
        directory=directory,
        token=Place(directory=directory, token="").do(lambda gateway: issue_token(gateway, SENDER, actor="bench")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A running `gateway serve`."""

    process: "subprocess.Popen[bytes]"
    port: int

    def processes(self) -> list[psutil.Process]:
        """The processes that take requests or work; not the one that only watches over them."""
        parent = psutil.Process(self.process.pid)
        return parent.children(recursive=True) or [parent]

    def cpu_seconds(self) -> float:
        """CPU time of all of them so far."""
        return sum(times.user + times.system for times in (each.cpu_times() for each in self.processes()))

    def memory_bytes(self) -> int:
        """Memory that is theirs alone."""
        return sum(each.memory_full_info().uss for each in self.processes())


@contextlib.contextmanager
def serving(place: Place, *options: str, **environment: str) -> Iterator[Serving]:
    """`gateway serve` with these options, from the moment it listens."""
    with started(place, *options, **environment) as made:
        wait_listening(made)
        yield made


@contextlib.contextmanager
def started(place: Place, *options: str, **environment: str) -> Iterator[Serving]:
    """`gateway serve` with these options, from the moment it is started."""
    port = free_port()
    command = [sys.executable, "-m", "gateway", "serve", "-C", str(place.directory), "--port", str(port), *options]
    with (place.directory / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**_as_installed(place), **environment}, stdout=log, stderr=log
        )
        try:
            yield Serving(process=process, port=port)
        finally:
            stop(process)


def _as_installed(place: Place) -> dict[str, str]:
    """The environment with compiled modules kept, as an installation keeps them, in the folder of the run."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(place.directory.parent / "compiled")}


def wait_listening(made: Serving) -> None:
    """Until the port answers."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", made.port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline or made.process.poll() is not None:
                raise
            time.sleep(0.01)
        else:
            return


def stop(process: "subprocess.Popen[Any]") -> None:
    """End a process that was started here."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
