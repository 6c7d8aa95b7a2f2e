import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.agency import EndpointKind
from gateway.delivery.delivery import Delivery, State
from gateway.delivery.outcome import Outcome
from gateway.exchange.gateway import Gateway
from gateway.store.interface import StoreUnavailable
from gateway.store.open import open_store
from gateway.telemetry import Metrics
from gateway.transport.connections import Connections, Own
from gateway.transport.interface import Parcel
from gateway.transport.rest import RestTransport
from gateway.transport.tls import Trust
from gateway.worker import Rhythm, run_worker
from tests.exchange.gateways import FUSION, POLICE, World, agency, endpoint, world
from tests.pretend_agency import PretendEndpoint, serving

BRISK = Rhythm(idle=0.02, sequence=0.02, expire=0.02, pause_max=0.2)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, agency(POLICE, endpoint("https://rms.invalid/in")), agency(FUSION)) as made:
        yield made


@asynccontextmanager
async def working(gateway: Gateway, send: Any, **more: Any) -> AsyncIterator[asyncio.Task[None]]:
    """A worker that is told to stop at the end."""
    stop = asyncio.Event()
    given = {"rhythm": BRISK} | more
    task = asyncio.create_task(run_worker(gateway, stop, sends={EndpointKind.REST: send}, **given))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


async def until(done: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - what is waited for happens in the code under test
            await asyncio.sleep(0.005)


async def until_it_is(here: World, delivery: Delivery, state: State) -> None:
    async with asyncio.timeout(10):
        while (await here.now_of(delivery)).state is not state:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_it_delivers_what_comes_and_orders_the_log(here: World) -> None:
    there, metrics = PretendEndpoint(), Metrics()
    async with working(here.gateway, there, metrics=metrics):
        deliveries = [(await here.deliver(POLICE))[0] for _ in range(5)]
        await until(lambda: len(there.mailbox.effects) == 5)
        await until(lambda: metrics.registry.get_sample_value("gateway_log_sequenced_total") == 5)
    assert there.mailbox.messages == [each.message for each in deliveries]
    assert (await here.store.counts()).unsequenced == 0


async def test_it_is_woken_by_what_is_accepted_in_its_process(here: World) -> None:
    there, wake = PretendEndpoint(), asyncio.Event()
    async with working(here.gateway, there, wake=wake, rhythm=replace(BRISK, idle=3600)):
        await asyncio.sleep(0.05)
        await here.deliver(POLICE)
        wake.set()
        await until(lambda: len(there.mailbox.effects) == 1)


async def test_it_expires_what_nobody_fetched(here: World) -> None:
    (delivery,) = await here.deliver(FUSION)
    here.clock.go(hours=73)
    async with working(here.gateway, PretendEndpoint()):
        await until_it_is(here, delivery, State.EXPIRED)


async def test_several_workers_on_one_database_send_each_delivery_once(here: World) -> None:
    there = PretendEndpoint()
    store = open_store(here.gateway.settings.database_url)
    await store.open()
    other = type(here.gateway)(
        store=store,
        keys=here.gateway.keys,
        payloads=here.gateway.payloads,
        clock=here.clock,
        settings=here.gateway.settings,
        current=here.gateway.current,
    )
    async with working(here.gateway, there), working(other, there):
        for _ in range(40):
            await here.deliver(POLICE)
        await until(lambda: len(there.mailbox.effects) == 40)
    await store.close()
    assert len(there.mailbox.received) == 40


async def test_told_to_stop_it_finishes_what_is_under_way(here: World) -> None:
    there = PretendEndpoint()
    there.hold = asyncio.Event()
    (delivery,) = await here.deliver(POLICE)
    async with working(here.gateway, there):
        await until(lambda: there.under_way == 1)
        asyncio.get_running_loop().call_later(0.1, there.hold.set)
    assert (await here.now_of(delivery)).state is State.DELIVERED


async def test_told_to_stop_it_claims_nothing_more(here: World) -> None:
    there = PretendEndpoint()
    async with working(here.gateway, there):
        await asyncio.sleep(0.05)
    (delivery,) = await here.deliver(POLICE)
    await asyncio.sleep(0.1)
    assert (await here.now_of(delivery)).attempts == 0


async def test_what_takes_longer_than_the_grace_is_left_to_its_lease(here: World) -> None:
    there = PretendEndpoint()
    there.hold = asyncio.Event()
    (delivery,) = await here.deliver(POLICE)
    async with working(here.gateway, there, grace=timedelta(seconds=0.1)):
        await until(lambda: there.under_way == 1)
    assert (await here.now_of(delivery)).state is State.SENDING
    here.clock.go(seconds=61)
    there.hold.set()
    async with working(here.gateway, there):
        await until(lambda: len(there.mailbox.effects) == 1)


async def test_a_database_that_is_away_for_a_while_stops_nothing(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    there, failures = PretendEndpoint(), [StoreUnavailable("host db-7 went away")] * 3
    claim = here.store.claim

    async def failing(**given: Any) -> object:
        if failures:
            raise failures.pop()
        return await claim(**given)

    monkeypatch.setattr(here.store, "claim", failing)
    await here.deliver(POLICE)
    with capture_logs() as logged:
        async with working(here.gateway, there):
            await until(lambda: len(there.mailbox.effects) == 1)
    waits = [line for line in logged if line["event"] == "worker.waits"]
    assert [(line["act"], line["code"]) for line in waits] == [("relay", "store.unavailable")] * 3
    assert "db-7" not in str(logged)


async def test_a_mistake_of_ours_is_logged_by_place_and_the_worker_goes_on(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = PretendEndpoint()

    async def broken(*_: object) -> int:
        raise KeyError("Dana Example")

    monkeypatch.setattr(here.store, "sequence", broken)
    with capture_logs() as logged:
        async with working(here.gateway, there):
            await here.deliver(POLICE)
            await until(lambda: len(there.mailbox.effects) == 1)
            await until(lambda: any(line["event"] == "worker.broken" for line in logged))
    (line, *_) = [line for line in logged if line["event"] == "worker.broken"]
    assert (line["act"], isinstance(line["exc_info"], KeyError)) == ("sequence", True)


async def test_a_transport_that_breaks_costs_its_delivery_a_lease_and_no_more(here: World) -> None:
    class Breaking(PretendEndpoint):
        async def send(self, parcel: Parcel, *, deadline: timedelta) -> Outcome:
            if not self.closed:
                self.closed = True
                raise ZeroDivisionError
            return await super().send(parcel, deadline=deadline)

    there = Breaking()
    (delivery,) = await here.deliver(POLICE)
    with capture_logs() as logged:
        async with working(here.gateway, there):
            await until(lambda: any(line["event"] == "worker.broken" for line in logged))
            await here.deliver(POLICE)
            await until(lambda: len(there.mailbox.effects) == 1)
            here.clock.go(seconds=61)
            await until(lambda: len(there.mailbox.effects) == 2)
            await until_it_is(here, delivery, State.DELIVERED)
    assert (await here.now_of(delivery)).attempts == 2


async def test_a_burst_goes_out_over_real_sockets_within_seconds(tmp_path: Path) -> None:
    async with serving() as there, world(tmp_path, agency(POLICE, endpoint(there.url()))) as here:
        rest = RestTransport(Connections(now=lambda: Own(trust=Trust())), here.clock)
        for _ in range(100):
            await here.deliver(POLICE)
        async with working(here.gateway, rest):
            await until(lambda: len(there.mailbox.effects) == 100)
        await rest.close()
        assert len(there.mailbox.received) == 100
        assert len(there.peers) <= here.gateway.settings.relay.in_flight_per_recipient_max
