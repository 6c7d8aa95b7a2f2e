"""kill -9 at random moments and at each named point, under load, on both kinds of database.

Nothing that was acknowledged is lost, nothing arrives as two messages, and the log verifies. Fifty kills on each;
GATEWAY_KILLS raises the number, GATEWAY_KILL_SEED repeats a run.
"""

import asyncio
import contextlib
import os
import random
import secrets
import time
from pathlib import Path

import psutil
import pytest

from tests.acceptance.killing import (
    BUCKET_POINTS,
    COMMANDS,
    NAMED,
    REACHED,
    SERVE_POINTS,
    WORKER_POINTS,
    Scene,
    plan,
    scene,
)
from tests.acceptance.lives import Life

KILLS = int(os.environ.get("GATEWAY_KILLS", "50"))
"""On each kind of database."""

KILLS_APART = KILLS * 2 // 5
"""Of these, with the server and the worker in processes of their own."""

SEED = int(os.environ.get("GATEWAY_KILL_SEED") or secrets.randbelow(10**6))

SECONDS_PER_KILL_MAX = 12.0
"""Far more than is needed, so that a busy machine does not fail the test; a test that hangs ends."""

ONE = ("serve",)
SERVER = ("serve", "--no-worker")
WORKER = ("worker",)


def tell(capsys: pytest.CaptureFixture[str], what: str, there: Scene, figures: object, began: float) -> None:
    """The figures of a run, whatever pytest shows."""
    starts = sorted(there.restart_seconds)
    kind = there.database.partition(":")[0]
    with capsys.disabled():
        print(
            f"\n{kind}, {what}: {there.kills} kills (seed {SEED}) in {time.monotonic() - began:.0f} s; {figures}; "
            f"start to ready {starts[0]:.1f} to {starts[-1]:.1f} s, median {starts[len(starts) // 2]:.1f} s"
        )


async def test_one_process_killed_again_and_again_loses_nothing_and_sends_nothing_as_two_messages(
    empty_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    async with (
        asyncio.timeout(120 + KILLS * SECONDS_PER_KILL_MAX),
        scene(tmp_path / "deployment", empty_url, SEED) as there,
    ):
        for point in BUCKET_POINTS:  # while there are no buckets yet
            await there.kill_at(ONE, point)
        await there.kill_at(ONE, "accept.after-commit", cold=True)
        for point in plan((*NAMED, *COMMANDS), KILLS - KILLS_APART - len(BUCKET_POINTS) - 1, there.chance):
            if point in COMMANDS:
                await there.kill_command(ONE, point)
            elif point:
                await there.kill_at(ONE, point)
            else:
                await there.kill_somewhere(ONE)
        figures = await there.judged(await there.running(ONE))
        assert there.reached >= {*REACHED, *BUCKET_POINTS}
    tell(capsys, "one process", there, figures, began)


async def test_server_and_worker_killed_each_by_itself_lose_nothing_and_send_nothing_as_two_messages(
    empty_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    async with (
        asyncio.timeout(120 + KILLS_APART * SECONDS_PER_KILL_MAX),
        scene(tmp_path / "deployment", empty_url, SEED) as there,
    ):

        async def kill(words: tuple[str, ...], points: tuple[str, ...], kills: int) -> Life:
            for number, point in enumerate(plan(points, kills, random.Random(SEED + kills))):  # noqa: S311
                if point:
                    await there.kill_at(words, point, cold=number == 0)
                else:
                    await there.kill_somewhere(words)
            return await there.running(words)

        async with asyncio.TaskGroup() as group:
            server = group.create_task(kill(SERVER, SERVE_POINTS, KILLS_APART // 2))
            worker = group.create_task(kill(WORKER, WORKER_POINTS, KILLS_APART - KILLS_APART // 2))
        figures = await there.judged(server.result(), worker.result())
        assert there.reached >= {*SERVE_POINTS, *WORKER_POINTS}
    tell(capsys, "server and worker apart", there, figures, began)


async def children(above: Life) -> list[psutil.Process]:
    """Two servers and the worker, when all of them are there."""
    while True:
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            every = psutil.Process(above.pid).children()
            found = [each for each in every if "spawn_main" in " ".join(each.cmdline())]
            if len(found) == 3:
                return found
        await asyncio.sleep(0.1)


async def test_several_processes_lose_nothing_when_one_is_killed_or_the_one_above_them(
    sqlite_file_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    async with (
        asyncio.timeout(180),
        scene(tmp_path / "deployment", sqlite_file_url, SEED) as there,
    ):
        above = await there.lives.start_cold("serve", "--processes", "2")
        await there.answered_again()
        there.chance.choice(await children(above)).kill()
        there.kills += 1
        orphans = await children(above)
        await there.answered_again()
        await above.kill()
        there.kills += 1
        _, left = await asyncio.to_thread(psutil.wait_procs, orphans, 20)
        assert left == []  # they hold the port
        figures = await there.judged(await there.running(ONE))
    tell(capsys, "several processes", there, figures, began)
