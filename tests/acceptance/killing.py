"""kill -9, again and again, under load: the deployment, the kills, and the way to the judgment.

Recipients and sender live through it all; only what was killed is started again.
"""

import asyncio
import json
import random
import signal
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from gateway.agency import AgencyId, Endpoint, EndpointKind
from gateway.app import init_deployment, key_store, open_deployment
from gateway.audit.note import NoteKey
from gateway.cli.acting import PASSPHRASE, SECOND_PASSPHRASE
from gateway.config import read_settings
from gateway.delivery.delivery import State
from gateway.exchange.activate import issue_token, put_agency
from gateway.exchange.gateway import Gateway
from gateway.folders import shipped
from gateway.policy.agencies import read_agency
from gateway.store.open import open_store
from gateway.store.points import POINTS, REPLY_WRITES, SELDOM
from tests.acceptance.judge import Figures, Judge
from tests.acceptance.lives import Life, Lives, lives
from tests.acceptance.load import Load, Recorder
from tests.acceptance.place import AGREEMENT, JAIL, POLICE, PROBATION, PROSECUTOR, SHARE, SHELTER, free_port
from tests.exchange.officers import activate_mou
from tests.pretend_agency import PretendServer, serving

RELAY = {"wait_seconds_first": 0.3, "wait_seconds_max": 2, "attempt_seconds_max": 4, "lease_seconds": 3}
"""Short waits: what a killed worker held is sent again six seconds later, the shortest lease such an attempt allows."""

RANDOM_SECONDS_MAX = 2.5
"""A random kill comes within this after the start, the start itself included."""

REACH_SECONDS_MAX = 60.0
DRAIN_SECONDS_MAX = 90.0

BUCKET_POINTS = ("os.link", "os.remove")
"""Around the step that makes a new bucket of payload keys: killed before it, and before what follows it."""

AT_START = "fact."
BY_COMMAND = ("change.", "release.")

OFFICER, SUPERVISOR, OPERATOR = "ana", "bo", "cy"
PASSPHRASES = dict.fromkeys((PASSPHRASE, SECOND_PASSPHRASE), "a passphrase of those who release")

PASSES = {"accept": 25, "refuse": 2, "record": 8, "move": 8, "claim": 12, "settle": 15, "relay": 40, "sequence": 2}
"""A process is killed when it comes to a point for the first time, or for one of the next: by chance, up to this."""

REACHED = tuple(point for point in POINTS if point.partition(".")[0] not in {*SELDOM, *REPLY_WRITES})
"""Points that a gateway under load comes to, and those of the commands; `tests/store` sees to the others, and
`test_replies_kills.py` to those of answers that go elsewhere."""

NAMED = tuple(point for point in REACHED if not point.startswith(BY_COMMAND))
COMMANDS = tuple(point for point in REACHED if point.startswith(BY_COMMAND))
WORKER_POINTS = tuple(point for point in NAMED if point.partition(".")[0] in ("claim", "settle", "sequence", "relay"))
SERVE_POINTS = tuple(point for point in NAMED if point.partition(".")[0] in ("accept", "refuse", "record", "move"))


@dataclass
class Scene:
    """A deployment under load, and its processes."""

    directory: Path
    database: str
    url: str
    lives: Lives
    load: Load
    chance: random.Random
    keys: dict[str, bytes]
    kills: int = 0
    reached: set[str] = field(default_factory=set)
    restart_seconds: list[float] = field(default_factory=list)

    # --- kills ----------------------------------------------------------------------------------------------------

    async def kill_at(self, words: Sequence[str], point: str, *, cold: bool = False) -> None:
        """Start it to be killed at a point, and see that it is."""
        passes = PASSES.get(point.partition(".")[0])
        setting = f"{point}:{self.chance.randint(1, passes)}" if passes else point
        start = self.lives.start_cold if cold else self.lives.start
        life = await start(*words, kill_at=setting)
        try:
            status = await life.wait(REACH_SECONDS_MAX)
        except TimeoutError:
            raise AssertionError(f"{words} never came to {setting}; it wrote:\n{life.tail()}") from None
        assert status == -signal.SIGKILL, f"{words} ended with {status} before {setting}; it wrote:\n{life.tail()}"
        self.reached.add(point)
        self.kills += 1

    async def kill_somewhere(self, words: Sequence[str]) -> None:
        """Start it, and kill it at a random moment."""
        life = await self.lives.start(*words)
        watch = asyncio.create_task(self._time_start(life)) if words[0] == "serve" else None
        await asyncio.sleep(self.chance.uniform(0.05, RANDOM_SECONDS_MAX))
        await life.kill()
        if watch is not None:
            watch.cancel()
        self.kills += 1

    async def kill_command(self, words: Sequence[str], point: str) -> None:
        """Kill somebody's command while the gateway runs: what it does is there whole, or not at all."""
        life = await self.running(words)
        done = point.endswith("after-commit")
        if point.startswith("release."):
            await self._kill_release(point, done)
        else:
            was = await self._suspended()
            await self.kill_at(self._suspend(resume=was), point)
            assert await self._suspended() is (not was if done else was)
        await life.kill()
        self.kills += 1

    async def _kill_release(self, point: str, done: bool) -> None:
        """Two people release a message to an agency that no agreement gives anything."""
        await self.answered_again()
        if await self._suspended():
            status, told = await self.lives.run(*self._suspend(resume=True))
            assert status == 0, told
        message = self.load.keep_one()
        act = ("emergency", "release", message, "--to", SHELTER, "--reason", "imminent-danger")
        await self.kill_at((*act, "--as", OFFICER, "--second", SUPERVISOR), point)
        status, told = await self.lives.run("emergency", "list", "--json")
        assert status == 0, told
        assert [each["message"] for each in json.loads(told)["rows"]].count(message) == int(done)

    def _suspend(self, *, resume: bool) -> tuple[str, ...]:
        return ("agency", "suspend", SHELTER, *(("--resume", "--as", OPERATOR) if resume else ()))

    async def running(self, words: Sequence[str]) -> Life:
        """Start it; back when it takes requests, if that is what it is for."""
        life = await self.lives.start(*words)
        if words[0] == "serve":
            await self._time_start(life)
        assert not life.ended.done(), life.tail()
        return life

    async def answered_again(self, seconds: float = REACH_SECONDS_MAX) -> None:
        """Until a message that was first sent from now on has its answer."""
        from_now = len(self.load.sent)
        deadline = time.monotonic() + seconds
        while not any(sent.answers for sent in self.load.sent[from_now:]):
            assert time.monotonic() < deadline, f"nothing is accepted any more; {self.load.trouble[:3]}"
            await asyncio.sleep(0.05)

    async def _time_start(self, life: Life) -> None:
        began = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            while not life.ended.done():
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with http.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            self.restart_seconds.append(time.monotonic() - began)
                            return
                assert time.monotonic() < began + REACH_SECONDS_MAX, life.tail()
                await asyncio.sleep(0.03)

    async def _suspended(self) -> bool:
        status, told = await self.lives.run("agency", "list", "--json")
        assert status == 0, told
        return any(each["suspended"] for each in json.loads(told) if each["agency"] == SHELTER)

    # --- the end --------------------------------------------------------------------------------------------------

    async def judged(self, *alive: Life) -> Figures:
        """Let everything arrive, verify the log, judge; then these processes end as they should."""
        await self.load.finish(DRAIN_SECONDS_MAX)
        await self._settled()
        judge = Judge(self.load)
        status, told = await self.lives.run("audit", "verify", "--json", *self._kept_checkpoints())
        if status != 0 or not json.loads(told)["verified"]:
            judge.say(f"gateway audit verify: {told}")
        entries = await self._exported(judge)
        figures = await judge.judge(entries, NoteKey.read(self.keys["receipt.vkey"].decode()))
        for life in alive:
            await life.stop()
        return figures

    async def _settled(self) -> None:
        """Until nothing is on its way any more, but to those who empty no inbox, and every entry is in the log."""
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        store = open_store(self.database)
        await store.open()
        try:
            while True:
                counts = await store.counts()
                under_way = [
                    each
                    for each in counts.deliveries
                    if each[1] in (State.WAITING, State.SENDING) and each[0] not in (JAIL, SHELTER)
                ]
                if not under_way and not counts.unsequenced:
                    return
                if time.monotonic() > deadline:
                    self.load.trouble.append(f"not done in time: {under_way}, {counts.unsequenced} entries")
                    return
                await asyncio.sleep(0.2)
        finally:
            await store.close()

    def _kept_checkpoints(self) -> Iterable[str]:
        """Heads of the log that somebody else has kept during the kills, as options: the log must go on from each."""
        for number, checkpoint in enumerate(self.load.checkpoints):
            file = self.directory / f"checkpoint-{number:03d}"
            file.write_bytes(checkpoint)
            yield from ("--checkpoint", str(file))

    async def _exported(self, judge: Judge) -> list[dict[str, Any]]:
        """Entries of the log as an outsider gets and verifies them."""
        folder, package = self.directory / "export", self.directory / "log.zip"
        status, told = await self.lives.run("audit", "export", "--all", "-o", str(package))
        assert status == 0, told
        with zipfile.ZipFile(package) as opened:
            opened.extractall(folder)
        program = await asyncio.create_subprocess_exec(
            sys.executable, folder / "verifier.py", package, "--key", folder / "keys/log.vkey",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        written, _ = await program.communicate()
        if program.returncode != 0:
            judge.say(f"verifier.py: {written.decode()}")
        lines = (folder / "log.jsonl").read_text().splitlines()
        return [entry | {"body": json.loads(entry["body"])} for entry in map(json.loads, lines)]


@asynccontextmanager
async def scene(directory: Path, database: str, seed: int) -> AsyncIterator[Scene]:
    """A new deployment, its recipients, and a sender that has begun to send; no gateway runs yet."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    port = free_port()
    listen = {"host": "127.0.0.1", "port": port, "tls": False}
    raw = {"name": "gateway.kills", "database": database, "listen": listen, "relay": RELAY}
    await init_deployment(directory, raw, samples=False)
    url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        load = Load(url, seed)
        servers = {
            agency: await stack.enter_async_context(serving(Recorder(agency, load.came, chance)))
            for agency in (POLICE, PROBATION)
        }
        async with open_deployment(directory) as gateway:
            tokens = await _populate(gateway, servers)
        keys = dict(key_store(read_settings(directory)).public_parts())
        processes = await stack.enter_async_context(lives(directory, PASSPHRASES))
        for user, role, agency in (
            (OFFICER, "privacy-officer", ("--agency", JAIL)),
            (SUPERVISOR, "supervisor", ("--agency", JAIL)),
            (OPERATOR, "operator", ()),
        ):
            status, told = await processes.run("user", "add", user, *agency, "--role", role)
            assert status == 0, told
        stack.push_async_callback(load.close)
        load.start(tokens, sender=JAIL, inbox=PROSECUTOR)
        yield Scene(directory, database, url, processes, load, chance, keys)


async def _populate(gateway: Gateway, servers: dict[AgencyId, PretendServer]) -> dict[AgencyId, str]:
    """The jail, three who get its notices - pushed by REST, pushed by SOAP, from an inbox - and one who gets none."""
    for id in (JAIL, POLICE, PROBATION, PROSECUTOR, SHELTER):
        agency, _ = read_agency((shipped().policies / "agencies" / f"{id}.yaml").read_bytes(), id)
        assert agency is not None
        if id in servers:
            kind = EndpointKind.REST if id == POLICE else EndpointKind.SOAP
            endpoint = Endpoint(kind=kind, url=servers[id].url(f"/{kind}"), private_network=True)
            agency = replace(agency, endpoint=endpoint)
        await put_agency(gateway, agency, actor="test")
    for number, id in enumerate((POLICE, PROBATION, PROSECUTOR)):
        text = AGREEMENT.format(mou=f"KILL-{number}", version=1, sender=JAIL, recipient=id, share=SHARE)
        await activate_mou(gateway, text.encode(), f"KILL-{number}.yaml")
    return {id: await issue_token(gateway, id, actor="test") for id in (JAIL, PROSECUTOR)}


def plan(points: Sequence[str], kills: int, chance: random.Random) -> list[str]:
    """What to kill at, in order: every point at least once, "" for a random moment, as many in all."""
    named = list(points)
    while len(named) < kills:
        named.append(chance.choice(points) if chance.random() < 0.3 else "")
    chance.shuffle(named)
    return named
