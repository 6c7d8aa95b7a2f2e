"""What a worker does of retention, by itself."""

from datetime import timedelta

import pytest

from gateway.errors import GatewayError
from gateway.exchange.purge import run_purge
from gateway.exchange.purge_due import DueLoop
from gateway.store import points
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import Deployed
from tests.exchange.purging import both, fates, readable
from tests.exchange.test_purge import Crash, crash_at, few_are_many, sent


async def live(place: Deployed, loop: DueLoop, days: int) -> None:
    """A worker that runs on."""
    for _ in range(days * 12):
        place.clock.go(hours=2)
        await loop.turn()


async def test_what_is_due_goes_without_anybody_when_it_is_little(place: Deployed) -> None:
    loop = DueLoop(place.gateway)
    await loop.turn()
    with pytest.raises(GatewayError):
        await place.accept(b"<lonely/>")
    await live(place, loop, 6)
    assert (await place.gateway.store.holding(place.clock.moment)).kept == 1
    await live(place, loop, 3)
    assert (await place.gateway.store.holding(place.clock.moment)).kept == 0


async def test_what_takes_two_people_waits_for_them(place: Deployed) -> None:
    few_are_many(place)
    loop = DueLoop(place.gateway)
    message = await sent(place)
    await loop.turn()
    latest = max(fate.kept.due_at for fate in await fates(place.gateway, message))
    await live(place, loop, (latest - place.clock.moment).days + 3)
    assert all((await readable(place.gateway, message)).values())
    assert (await run_purge(place.gateway, await both(place))).ran is not None


async def test_a_stopped_run_is_finished_at_the_start_of_a_worker(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await sent(place)
    place.clock.moment = max(fate.kept.due_at for fate in await fates(place.gateway, message)) + timedelta(days=1)
    people = await both(place)
    crash_at(monkeypatch, "intend.after-commit")
    with pytest.raises((Crash, StoreUnavailable)):
        await run_purge(place.gateway, people)
    monkeypatch.setattr(points, "watch", None)
    assert all((await readable(place.gateway, message)).values())
    await DueLoop(place.gateway).turn()
    assert not any((await readable(place.gateway, message)).values())
    assert await place.gateway.store.unfinished() == ()


async def test_a_worker_leaves_a_run_of_somebody_else_alone(place: Deployed) -> None:
    message = await sent(place)
    place.clock.moment = max(fate.kept.due_at for fate in await fates(place.gateway, message)) + timedelta(days=1)
    with place.gateway.payloads.alone():
        await DueLoop(place.gateway).turn()
    assert all((await readable(place.gateway, message)).values())
