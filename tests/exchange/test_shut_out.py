"""What is under way to an agency that is shut out is broken off, waits, and goes out when it is let in again."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import serving, worker
from gateway.delivery.breaker import CLOSED, BreakerRule
from gateway.delivery.delivery import State
from gateway.exchange.activate import SHUT_OUT_SECONDS, register_certificate, suspend_agency
from gateway.exchange.relay import Relay
from gateway.exchange.revoke import revoke_credential
from gateway.signing.certificate import pem_to_der
from gateway.store.configuration import CredentialKind
from gateway.transport import connections
from tests.exchange.deployed import JAIL, Deployed
from tests.exchange.gateways import POLICE, PROBATION, World, agency, endpoint, world
from tests.pretend_agency import PretendEndpoint

URL = "https://rms.invalid/in"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, agency(POLICE, endpoint(URL)), agency(PROBATION, endpoint(f"{URL}2"))) as made:
        yield made


def relay_to(here: World, there: PretendEndpoint) -> Relay:
    sends = dict.fromkeys((endpoint(URL).kind,), there)
    return Relay(here.gateway, sends, report=here.trouble.append, rule=BreakerRule(failures_max=1))


def shut(here: World, *, suspended: bool = True) -> None:
    here.put(agency(POLICE, endpoint(URL), suspended=suspended))


async def test_a_try_under_way_is_broken_off_and_waits_until_the_agency_is_let_in_again(here: World) -> None:
    there = PretendEndpoint()
    there.hold = asyncio.Event()
    (to_police,), (to_probation,) = await here.deliver(POLICE), await here.deliver(PROBATION)
    relay = relay_to(here, there)
    await relay.fill()
    await asyncio.sleep(0.05)
    assert there.under_way == 2
    assert relay.cut_off() == 0  # nobody is shut out
    shut(here)
    assert relay.cut_off() == 1
    assert relay.cut_off() == 0
    async with asyncio.timeout(2):
        while (await here.now_of(to_police)).state is not State.WAITING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert there.under_way == 1  # the other one goes on
    stopped = await here.now_of(to_police)
    assert (stopped.last_error, stopped.attempts) == ("agency.suspended", 1)
    (entry,) = await here.entries(to_police)
    assert json.loads(entry.entry.body)["code"] == "agency.suspended"
    there.hold.set()
    await relay.drain(timedelta(seconds=5))
    assert (await here.now_of(to_probation)).state is State.DELIVERED
    here.clock.go(minutes=5)
    assert await relay.fill() == 0  # held
    shut(here, suspended=False)
    await relay.fill()  # its circuit breaker says nothing against it
    await relay.drain(timedelta(seconds=5))
    assert (await here.now_of(to_police)).state is State.DELIVERED
    assert set(there.mailbox.effects) == {to_police.dissemination, to_probation.dissemination}


async def test_a_try_that_is_given_up_at_the_end_of_the_process_is_not_settled(here: World) -> None:
    there = PretendEndpoint()
    there.hold = asyncio.Event()
    (delivery,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    await relay.fill()
    await asyncio.sleep(0.05)
    await relay.drain(timedelta())
    assert (await here.now_of(delivery)).state is State.SENDING
    assert await here.said(delivery) == []


async def test_an_agency_that_is_gone_between_claim_and_send_gets_nothing(here: World) -> None:
    there = PretendEndpoint()
    (delivery,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    await relay.fill()
    shut(here)  # before the try had its turn
    assert relay.cut_off() == 1
    await relay.drain(timedelta(seconds=5))
    assert there.mailbox.effects == {}
    assert (await here.now_of(delivery)).state is State.WAITING
    assert await here.said(delivery) == []


def test_what_processes_look_at_adds_up_to_less_than_is_promised() -> None:
    rhythm = worker.Rhythm()
    assert serving.REFRESH_SECONDS < SHUT_OUT_SECONDS
    assert rhythm.shut_out < SHUT_OUT_SECONDS
    assert rhythm.shut_out + connections.KEEPALIVE_SECONDS < SHUT_OUT_SECONDS
    assert CLOSED.failures == 0


async def test_who_is_shut_out_or_comes_with_a_revoked_credential_speaks_no_more(place: Deployed) -> None:
    gateway = place.gateway
    issued = place.authority.new_agency_key(JAIL, JAIL, now=place.clock.now())
    pem = issued.certificate
    held = await register_certificate(gateway, JAIL, pem_to_der(pem), actor="test")
    assert held.kind is CredentialKind.CERTIFICATE
    assert gateway.still_speaks(JAIL, (held.fingerprint,))
    assert not gateway.still_speaks(replace(gateway.current.agencies[JAIL], id="nobody").id, ())  # type: ignore[arg-type]
    assert await suspend_agency(gateway, JAIL, actor="test")
    assert not gateway.still_speaks(JAIL, (held.fingerprint,))
    assert not await suspend_agency(gateway, JAIL, actor="test")  # so already
    assert [each["action"] for each in await place.log() if each["type"] == "agency"][-1:] == ["suspend"]
    await suspend_agency(gateway, JAIL, actor="test", suspended=False)
    assert gateway.still_speaks(JAIL, (held.fingerprint,))
    await revoke_credential(gateway, JAIL, held.fingerprint, actor="test")
    assert not gateway.still_speaks(JAIL, (held.fingerprint,))
    assert gateway.still_speaks(JAIL, ())
