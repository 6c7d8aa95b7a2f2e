"""Processes of the gateway that live until they are killed, and the warm launcher they are forked from."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0


@dataclass
class Life:
    """One process. `ended` gets its exit status; negative: by that signal."""

    pid: int
    log: Path
    ended: "asyncio.Future[int]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def send(self, number: int) -> None:
        """Send a signal, if it still lives."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self, seconds: float = STOP_SECONDS_MAX) -> int:
        """Its exit status. Raises `TimeoutError` when it lives on."""
        return await asyncio.wait_for(asyncio.shield(self.ended), seconds)

    async def kill(self) -> None:
        """kill -9; back when it is dead."""
        self.send(signal.SIGKILL)
        assert await self.wait() == -signal.SIGKILL, self.tail()

    async def stop(self) -> None:
        """Ask it to end, as a service manager does, and see that it ends well."""
        self.send(signal.SIGTERM)
        assert await self.wait() == 0, self.tail()

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-3000:]


class Lives:
    """The launcher at work. `directory` is the deployment."""

    def __init__(self, directory: Path, launcher: asyncio.subprocess.Process) -> None:
        self._directory = directory
        self._launcher = launcher
        self._starting: list[asyncio.Future[Life]] = []
        self._logs: list[Path] = []
        self._living: dict[int, Life] = {}
        self._count = 0
        self._listening = asyncio.create_task(self._listen())

    async def start(self, *words: str, kill_at: str = "") -> Life:
        """`gateway words... -C directory`, killed at a point when one is named; back as soon as it is forked."""
        assert self._launcher.stdin is not None
        self._count += 1
        log = self._directory / f"{words[0]}-{self._count:04d}.log"
        order = {"words": [*words, "-C", str(self._directory)], "log": str(log), "kill_at": kill_at}
        assert self._launcher.returncode is None, "the launcher has ended; what it wrote says why"
        started: asyncio.Future[Life] = asyncio.get_running_loop().create_future()
        self._starting.append(started)
        self._logs.append(log)
        self._launcher.stdin.write(json.dumps(order).encode() + b"\n")
        return await asyncio.wait_for(started, START_SECONDS_MAX)

    async def start_cold(self, *words: str, kill_at: str = "") -> Life:
        """The same as its users start it: a new interpreter, the point in the environment."""
        self._count += 1
        log = self._directory / f"{words[0]}-{self._count:04d}.log"
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", *words, "-C", str(self._directory),
                stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=file, cwd=ROOT, start_new_session=True,
                env=os.environ | {"GATEWAY_KILL_AT": kill_at},
            )  # fmt: skip
        life = Life(process.pid, log)
        self._living[life.pid] = life
        task = asyncio.create_task(process.wait())
        task.add_done_callback(lambda done: self._over(life.pid, done.result()))
        return life

    async def run(self, *words: str) -> tuple[int, str]:
        """A command to its end: exit status and what it wrote."""
        life = await self.start(*words)
        status = await life.wait(START_SECONDS_MAX)
        return status, life.log.read_text()

    async def close(self) -> None:
        """Nothing lives on."""
        for life in tuple(self._living.values()):
            life.send(signal.SIGKILL)
        assert self._launcher.stdin is not None
        self._launcher.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._launcher.wait(), STOP_SECONDS_MAX)
        if self._launcher.returncode is None:
            self._launcher.kill()
            await self._launcher.wait()
        await self._listening
        await asyncio.gather(*(life.wait(5) for life in self._living.values()), return_exceptions=True)

    async def _listen(self) -> None:
        assert self._launcher.stdout is not None
        while line := await self._launcher.stdout.readline():
            said = json.loads(line)
            if "status" in said:
                self._over(said["pid"], said["status"])
            else:
                life = Life(said["pid"], self._logs.pop(0))
                self._living[life.pid] = life
                self._starting.pop(0).set_result(life)
        for each in self._starting:
            each.set_exception(AssertionError("the launcher has ended; what it wrote says why"))
        self._starting.clear()

    def _over(self, pid: int, status: int) -> None:
        self._living.pop(pid).ended.set_result(status)


@asynccontextmanager
async def lives(directory: Path, environment: Mapping[str, str]) -> AsyncIterator[Lives]:
    """Processes of this deployment, for the length of a block; `environment` is added to what they are given."""
    launcher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.acceptance.launcher",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=os.environ | environment,
    )  # fmt: skip
    made = Lives(directory, launcher)
    try:
        yield made
    finally:
        await made.close()
