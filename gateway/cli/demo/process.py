"""The demo's processes: the gateway, and a partner process for each agency."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import Unavailable

START_SECONDS_MAX = 30.0
ANSWER_SECONDS_MAX = 60.0

SAFE_PATH = "-P"
"""Python's option to import nothing from the folder that the demo is run in."""


class ProcessFailed(Unavailable):
    """A process of the demo did not start or did not answer; its log says more."""

    code = "demo.process"


@dataclass(slots=True, kw_only=True)
class PartnerProcess:
    """A running agency. Events that nobody waits for are kept in `received`."""

    agency: str
    process: Process
    address: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    _answers: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)
    _reader: "asyncio.Task[None] | None" = None

    @classmethod
    async def start(cls, agency: str, config: Mapping[str, str], folder: Path) -> "PartnerProcess":
        """Start it and wait until it is ready."""
        file = folder / f"{agency}.json"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as told:
            told.write(json.dumps(config))
        with (folder / f"{agency}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, SAFE_PATH, "-m", "gateway.cli.demo.partner", str(file),
                stdin=PIPE, stdout=PIPE, stderr=log, limit=4 * 1024 * 1024,
            )  # fmt: skip
        partner = cls(agency=agency, process=process)
        partner._reader = asyncio.create_task(partner._read())
        try:
            ready = await partner._answer(START_SECONDS_MAX)
        except BaseException:  # canceled too: nobody else knows of the process yet
            await partner.stop()
            raise
        partner.address = ready["address"]
        return partner

    async def ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Give it one command and get its answer."""
        if self.process.stdin is None:
            raise ProcessFailed(f"{self.agency} has no standard input")
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        await self.process.stdin.drain()
        return await self._answer(ANSWER_SECONDS_MAX)

    async def stop(self) -> None:
        """Let it end by itself; end it if it does not."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), 5)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self._reader is not None:
            await self._reader

    async def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            answer = await asyncio.wait_for(self._answers.get(), seconds)
        except TimeoutError as error:
            raise ProcessFailed(f"{self.agency} did not answer within {seconds:.0f} s") from error
        if answer["event"] == "ended":
            raise ProcessFailed(f"the process of {self.agency} ended; see its log")
        return answer

    async def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101  (it was started with a pipe)
        async for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] in {"received", "refused"}:
                self.received.append(event)
            else:
                await self._answers.put(event)
        await self._answers.put({"event": "ended"})


@dataclass(slots=True, kw_only=True)
class GatewayProcess:
    """The running gateway, as `gateway serve` starts it."""

    process: Process

    @classmethod
    async def start(cls, directory: Path, log: Path) -> "GatewayProcess":
        """Start it; `wait_ready` on its health address tells when it takes requests."""
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, SAFE_PATH, "-m", "gateway", "serve", "-C", str(directory),
                stdout=file, stderr=file, start_new_session=os.name != "nt",
            )  # fmt: skip
        return cls(process=process)

    async def stop(self) -> None:
        """End it cleanly."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), 20)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
