"""Messages of one chain accepted at the same moment see each other, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import app
from gateway.app import open_deployment
from gateway.delivery.delivery import State
from gateway.exchange.submission import Accepted, AlreadyCanceled
from gateway.message import Action
from gateway.store.messages import Acceptance, Stored
from tests.compiled import compiled_once
from tests.exchange.deployed import JAIL, NAME, POLICE, PROBATION, SHELTER, Deployed, clock_of, release
from tests.exchange.gateways import SetClock
from tests.exchange.test_emergency import go


@pytest.fixture
async def on_each(store_url: str, tmp_path: Path) -> AsyncIterator[Deployed]:
    """A deployment with all that is shipped, on SQLite and on PostgreSQL."""
    clock = SetClock()
    with compiled_once(), clock_of(clock):
        await app.init_deployment(tmp_path / "deployment", {"name": NAME, "database": store_url}, samples=True)
        async with open_deployment(tmp_path / "deployment") as gateway:
            yield Deployed(gateway=gateway, clock=clock, directory=tmp_path / "deployment")


def write_together(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> list[Stored]:
    """The next two acceptances are both decided before either is written; what the store says of each write."""
    write, both, said = place.gateway.store.accept, asyncio.Barrier(2), []

    async def together(acceptance: Acceptance) -> Stored:
        if len(said) < 2:
            await both.wait()
        said.append(await write(acceptance))
        return said[-1]

    monkeypatch.setattr(place.gateway.store, "accept", together)
    return said


async def states(place: Deployed, accepted: Accepted) -> dict[str, State]:
    records = await place.gateway.store.disseminations(accepted.id)
    return {each.dissemination.recipient: each.delivery.state for each in records}


async def test_an_update_to_a_new_recipient_does_not_miss_the_cancellation(
    on_each: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await on_each.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    said = write_together(on_each, monkeypatch)
    update, cancel = await asyncio.gather(
        on_each.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2", only=frozenset({PROBATION})),
        on_each.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-3"),
        return_exceptions=True,
    )
    assert isinstance(cancel, Accepted)
    assert Stored.STALE in said
    assert await states(on_each, first) == {POLICE: State.RECALLED}
    told = await states(on_each, cancel)
    if isinstance(update, Accepted):  # it was first: so whoever was to get it is told of the cancellation
        assert told == {POLICE: State.WAITING, PROBATION: State.WAITING}
        assert await states(on_each, update) == {PROBATION: State.RECALLED}
    else:
        assert isinstance(update, AlreadyCanceled)
        assert told == {POLICE: State.WAITING}


async def test_a_cancellation_does_not_miss_the_emergency_release_it_crosses(
    on_each: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await on_each.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    write, said = on_each.gateway.store.accept, []

    async def late(acceptance: Acceptance) -> Stored:
        if not said:
            await go(on_each, first.id, to=SHELTER)
        said.append(await write(acceptance))
        return said[-1]

    monkeypatch.setattr(on_each.gateway.store, "accept", late)
    cancel = await on_each.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-2")
    assert said == [Stored.STALE, Stored.STORED]
    assert await states(on_each, cancel) == {POLICE: State.WAITING, SHELTER: State.WAITING}


async def test_of_a_correction_and_a_cancellation_at_once_the_cancellation_is_last(
    on_each: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await on_each.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    said = write_together(on_each, monkeypatch)
    # The correction also goes to whoever the agreements name for it now.
    correct, cancel = await asyncio.gather(
        on_each.accept(release(Action.CORRECT, "HCJ-1", given="Karl"), "HCJ-2"),
        on_each.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-3"),
        return_exceptions=True,
    )
    assert isinstance(cancel, Accepted)
    assert Stored.STALE in said
    assert await states(on_each, first) == {POLICE: State.RECALLED}
    told = await states(on_each, cancel)
    assert set(told.values()) == {State.WAITING}
    if isinstance(correct, Accepted):
        corrected = await states(on_each, correct)
        assert set(corrected.values()) == {State.RECALLED}
        assert set(told) == set(corrected) > {POLICE}
    else:
        assert isinstance(correct, AlreadyCanceled)
        assert set(told) == {POLICE}


async def test_of_two_cancellations_at_once_one_is_refused(on_each: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await on_each.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    write_together(on_each, monkeypatch)
    answers = await asyncio.gather(
        *(on_each.accept(release(Action.CANCEL, "HCJ-1"), f"HCJ-{number}") for number in (2, 3)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", "AlreadyCanceled"]
    assert len(await on_each.gateway.store.messages(JAIL, None, 10)) == 2


async def test_nothing_follows_a_cancellation_that_nobody_was_to_get(
    on_each: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await on_each.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    write = on_each.gateway.store.accept

    async def told_nobody(acceptance: Acceptance) -> Stored:
        return await write(replace(acceptance, disseminations=()))

    with monkeypatch.context() as patch:
        patch.setattr(on_each.gateway.store, "accept", told_nobody)
        await on_each.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-2")
    with pytest.raises(AlreadyCanceled):
        await on_each.accept(release(Action.UPDATE, first.id), "HCJ-3")
