import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.agency import EndpointKind
from gateway.delivery.delivery import Delivery, State
from gateway.delivery.outcome import refused
from gateway.exchange.relay import Relay
from gateway.exchange.requeue import BadReason, NoSuchDelivery, NotPossibleNow, Superseded, discard, requeue
from gateway.message import DeliveryId
from tests.exchange.gateways import FUSION, JAIL, POLICE, World, agency, endpoint, world
from tests.exchange.test_relay import run
from tests.pretend_agency import PretendEndpoint


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, agency(POLICE, endpoint("https://rms.invalid/in"))) as made:
        yield made


async def relayed(here: World, there: PretendEndpoint) -> None:
    await run(Relay(here.gateway, {EndpointKind.REST: there}, report=here.trouble.append))


@pytest.fixture
async def undeliverable(here: World) -> Delivery:
    (delivery,) = await here.deliver(POLICE)
    there = PretendEndpoint()
    there.outcomes = [refused("delivery.http-422")]
    await relayed(here, there)
    return await here.now_of(delivery)


async def test_a_requeued_delivery_is_sent_once_more(here: World, undeliverable: Delivery) -> None:
    here.clock.go(days=1)
    waiting = await requeue(here.gateway, undeliverable.id, actor="r.alvarez")
    assert (waiting.state, waiting.attempts) == (State.WAITING, 0)
    assert waiting.expires_at == here.clock.now() + timedelta(hours=72)
    there = PretendEndpoint()
    await relayed(here, there)
    assert there.mailbox.messages == [undeliverable.message]
    assert (await here.now_of(undeliverable)).state is State.DELIVERED


async def test_an_expired_delivery_can_be_requeued(here: World) -> None:
    (delivery,) = await here.deliver(POLICE)
    here.clock.go(hours=72)
    await relayed(here, PretendEndpoint())
    assert (await here.now_of(delivery)).state is State.EXPIRED
    await requeue(here.gateway, delivery.id, actor="r.alvarez")
    there = PretendEndpoint()
    await relayed(here, there)
    assert there.mailbox.messages == [delivery.message]


async def test_the_log_says_who_requeued_it(here: World, undeliverable: Delivery) -> None:
    await requeue(here.gateway, undeliverable.id, actor="r.alvarez")
    entry = (await here.entries(undeliverable))[-1].entry
    body = json.loads(entry.body)
    assert (body["type"], body["actor"], body["attempts"]) == ("requeue", "r.alvarez", 1)
    assert entry.parties == (JAIL, POLICE)


async def test_the_log_says_who_discarded_it_and_why(here: World, undeliverable: Delivery) -> None:
    gone = await discard(here.gateway, undeliverable.id, actor="r.alvarez", reason="sent-otherwise")
    assert gone.state is State.RECALLED
    body = json.loads((await here.entries(undeliverable))[-1].entry.body)
    assert (body["type"], body["actor"], body["reason"]) == ("discard", "r.alvarez", "sent-otherwise")


async def test_what_waits_can_be_discarded_but_not_requeued(here: World) -> None:
    (delivery,) = await here.deliver(POLICE)
    with pytest.raises(NotPossibleNow):
        await requeue(here.gateway, delivery.id, actor="r.alvarez")
    await discard(here.gateway, delivery.id, actor="r.alvarez", reason="obsolete")
    there = PretendEndpoint()
    await relayed(here, there)
    assert there.mailbox.received == []


async def test_what_arrived_can_be_neither(here: World) -> None:
    (delivery,) = await here.deliver(POLICE)
    await relayed(here, PretendEndpoint())
    with pytest.raises(NotPossibleNow):
        await requeue(here.gateway, delivery.id, actor="r.alvarez")
    with pytest.raises(NotPossibleNow):
        await discard(here.gateway, delivery.id, actor="r.alvarez", reason="obsolete")
    assert await here.said(delivery) == ["deliver"]


async def test_a_message_that_was_canceled_meanwhile_is_not_sent_after_its_cancellation(
    here: World, undeliverable: Delivery
) -> None:
    here.clock.go(minutes=1)
    await here.deliver(POLICE, first=undeliverable.first, urgent=True)
    with pytest.raises(Superseded):
        await requeue(here.gateway, undeliverable.id, actor="r.alvarez")
    assert (await here.now_of(undeliverable)).state is State.UNDELIVERABLE


async def test_a_cancellation_that_told_this_recipient_nothing_takes_the_message_back_too(
    here: World, undeliverable: Delivery
) -> None:
    here.clock.go(minutes=1)
    await here.deliver(FUSION, first=undeliverable.first, urgent=True)
    with pytest.raises(Superseded):
        await requeue(here.gateway, undeliverable.id, actor="r.alvarez")


async def test_a_cancellation_accepted_while_somebody_requeues_wins(
    here: World, undeliverable: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = here.store.move

    async def moved_too_late(*args: Any, **named: Any) -> bool:
        await here.deliver(POLICE, first=undeliverable.first, urgent=True)
        return await move(*args, **named)

    monkeypatch.setattr(here.store, "move", moved_too_late)
    with pytest.raises(NotPossibleNow):
        await requeue(here.gateway, undeliverable.id, actor="r.alvarez")
    assert (await here.now_of(undeliverable)).state is State.UNDELIVERABLE
    assert await here.said(undeliverable) == ["undeliverable"]


async def test_the_cancellation_itself_can_be_requeued(here: World) -> None:
    (first,) = await here.deliver(POLICE)
    await relayed(here, PretendEndpoint())
    here.clock.go(minutes=1)
    (cancellation,) = await here.deliver(POLICE, first=first.first, urgent=True)
    there = PretendEndpoint()
    there.outcomes = [refused("delivery.http-422")]
    await relayed(here, there)
    await requeue(here.gateway, cancellation.id, actor="r.alvarez")
    await relayed(here, there)
    assert there.mailbox.messages == [cancellation.message]


async def test_two_people_cannot_both_decide(
    here: World, undeliverable: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await here.record(undeliverable)
    await discard(here.gateway, undeliverable.id, actor="one", reason="obsolete")

    async def as_it_was(_: DeliveryId) -> object:
        return before

    monkeypatch.setattr(here.store, "delivery", as_it_was)
    with pytest.raises(NotPossibleNow):
        await requeue(here.gateway, undeliverable.id, actor="other")
    assert await here.said(undeliverable) == ["undeliverable", "discard"]


@pytest.mark.parametrize("reason", ["", "Dana Example called", "a" * 61, "too_much"])
async def test_a_reason_is_a_code_word(here: World, undeliverable: Delivery, reason: str) -> None:
    with pytest.raises(BadReason):
        await discard(here.gateway, undeliverable.id, actor="r.alvarez", reason=reason)


async def test_an_unknown_delivery_is_said_so(here: World) -> None:
    with pytest.raises(NoSuchDelivery):
        await requeue(here.gateway, DeliveryId("01950000-0000-7000-8000-000000000000"), actor="r.alvarez")
