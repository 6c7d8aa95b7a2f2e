from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.delivery.after import EXPIRED
from gateway.delivery.delivery import State
from gateway.exchange import expire as expiring
from gateway.exchange.expire import expire
from tests.exchange.gateways import FUSION, POLICE, World, agency, endpoint, world


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, agency(POLICE, endpoint("https://rms.invalid/in")), agency(FUSION)) as made:
        yield made


async def test_what_nobody_fetched_in_time_expires_and_the_rest_stays(here: World) -> None:
    (old,) = await here.deliver(FUSION)
    here.clock.go(hours=71)
    (young,) = await here.deliver(FUSION)
    here.clock.go(hours=1)
    assert await expire(here.gateway, {POLICE}) == 1
    ended = await here.now_of(old)
    assert (ended.state, ended.last_error) == (State.EXPIRED, EXPIRED)
    assert (await here.now_of(young)).state is State.WAITING
    assert await here.said(old) == ["expire"]


async def test_deliveries_to_a_suspended_agency_expire_too(here: World) -> None:
    (delivery,) = await here.deliver(POLICE)
    here.clock.go(hours=72)
    assert await expire(here.gateway, {POLICE}) == 0, "its workers do that"
    assert await expire(here.gateway, ()) == 1
    assert (await here.now_of(delivery)).state is State.EXPIRED


async def test_every_page_is_looked_through(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "PAGE", 2)
    for _ in range(5):
        await here.deliver(FUSION)
        here.clock.go(seconds=1)
    here.clock.go(hours=72)
    assert await expire(here.gateway, {POLICE}) == 5


async def test_one_that_was_acknowledged_meanwhile_is_left_alone(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (delivery,) = await here.deliver(FUSION)
    here.clock.go(hours=72)
    found = here.store.delivery

    async def acknowledged_just_now(id: object) -> object:
        record = await found(delivery.id)
        done = replace(delivery, state=State.DELIVERED, delivered_at=here.clock.now(), evidence="transport")
        await here.store.move(done, expected=State.WAITING, entries=())
        return record

    monkeypatch.setattr(here.store, "delivery", acknowledged_just_now)
    assert await expire(here.gateway, {POLICE}) == 0
    monkeypatch.undo()
    assert (await here.now_of(delivery)).state is State.DELIVERED
