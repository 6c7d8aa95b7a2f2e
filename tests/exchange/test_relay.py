import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.agency import Agency, EndpointKind
from gateway.delivery.breaker import BreakerRule
from gateway.delivery.delivery import Delivery, State
from gateway.delivery.outcome import Outcome, duplicate, failed, refused, retry_later, unknown
from gateway.exchange import attempt
from gateway.exchange.destination import Standing, standings
from gateway.exchange.relay import Relay, pace_of
from gateway.exchange.schedules import schedule_of
from gateway.message import Message, MessageId, Sealed
from gateway.store import points
from gateway.store.configuration import AgreementState
from gateway.store.interface import StoreUnavailable
from gateway.store.messages import Acceptance, Stored
from gateway.telemetry import Metrics
from gateway.transport.connections import Connections, Own
from gateway.transport.interface import Send
from gateway.transport.rest import RestTransport
from gateway.transport.soap import SoapTransport
from gateway.transport.tls import Trust
from tests.exchange.gateways import (
    FUSION,
    JAIL,
    MOU,
    POLICE,
    PROBATION,
    World,
    agency,
    agreement,
    endpoint,
    mou_until,
    quick_settings,
    world,
)
from tests.pretend_agency import Fault, PretendEndpoint, Refuse, TakeAndHangUp, TakeAndStall, serving

DOWN = failed("delivery.no-connection")
URL = "https://rms.invalid/in"
TODAY = date(2026, 3, 2)


def police(url: str = URL) -> Agency:
    return agency(POLICE, endpoint(url))


def probation(url: str = "https://probation.invalid/in", kind: EndpointKind = EndpointKind.REST) -> Agency:
    return agency(PROBATION, endpoint(url, kind))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, police(), probation(), agency(FUSION)) as made:
        yield made


@pytest.fixture
def there() -> PretendEndpoint:
    return PretendEndpoint()


def relay_to(made: World, send: Send, trouble: list[BaseException] | None = None, **more: object) -> Relay:
    report = (made.trouble if trouble is None else trouble).append
    sends = dict.fromkeys((EndpointKind.REST, EndpointKind.SOAP), send)
    return Relay(made.gateway, sends, report=report, **more)  # type: ignore[arg-type]


async def run(relay: Relay) -> int:
    """Send what is due, to the last one."""
    count = 0
    while started := await relay.fill():
        count += started
        while relay.in_flight:
            relay.stirred.clear()
            await relay.stirred.wait()
    return count


async def test_a_due_delivery_arrives_and_the_log_says_so(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    assert await run(relay_to(here, there)) == 1
    stands = await here.now_of(delivery)
    assert (stands.state, stands.evidence, stands.attempts) == (State.DELIVERED, "transport", 1)
    assert stands.delivered_at == here.clock.now()
    (entry,) = await here.entries(delivery)
    body = json.loads(entry.entry.body)
    assert (body["type"], body["recipient"], body["mou"], body["channel"]) == (
        "deliver",
        POLICE,
        f"{MOU}@1",
        "rest",
    )
    assert entry.entry.parties == (JAIL, POLICE)


async def test_what_arrives_is_what_was_sealed(here: World, there: PretendEndpoint) -> None:
    await here.deliver(POLICE, payload=b"<one/>")
    await here.deliver(POLICE, payload=b"<two/>")
    await run(relay_to(here, there))
    assert sorted(each.payload for each in there.mailbox.received) == [b"<one/>", b"<two/>"]


async def test_a_try_that_failed_waits_and_then_arrives(here: World, there: PretendEndpoint) -> None:
    there.outcomes = [DOWN]
    (delivery,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    await run(relay)
    stands = await here.now_of(delivery)
    assert (stands.state, stands.last_error) == (State.WAITING, "delivery.no-connection")
    assert timedelta(seconds=4) <= stands.due_at - here.clock.now() <= timedelta(seconds=5)
    assert await run(relay) == 0
    here.clock.go(seconds=5)
    assert await run(relay) == 1
    assert (await here.now_of(delivery)).state is State.DELIVERED
    assert await here.said(delivery) == ["fail", "deliver"]


async def test_a_refusal_for_good_is_undeliverable(here: World, there: PretendEndpoint) -> None:
    there.outcomes = [refused("delivery.http-422")]
    (delivery,) = await here.deliver(POLICE)
    await run(relay_to(here, there))
    assert (await here.now_of(delivery)).state is State.UNDELIVERABLE
    assert await here.said(delivery) == ["undeliverable"]


async def test_a_delivery_whose_time_ran_out_is_not_sent(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    here.clock.go(hours=72)
    await run(relay_to(here, there))
    assert (await here.now_of(delivery)).state is State.EXPIRED
    assert there.mailbox.received == []
    assert await here.said(delivery) == ["expire"]


async def test_one_that_killed_its_worker_at_every_try_is_given_up(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE, attempts=100)
    await run(relay_to(here, there))
    stands = await here.now_of(delivery)
    assert (stands.state, stands.last_error) == (State.UNDELIVERABLE, attempt.WORN_OUT)
    assert there.mailbox.received == []


async def test_an_inbox_is_left_to_its_owner(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(FUSION)
    assert await run(relay_to(here, there)) == 0
    assert (await here.now_of(delivery)).state is State.WAITING


async def test_deliveries_to_a_suspended_agency_wait_until_it_is_back(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    here.put(replace(police(), suspended=True))
    relay = relay_to(here, there)
    assert await run(relay) == 0
    here.put(police())
    assert await run(relay) == 1
    assert (await here.now_of(delivery)).state is State.DELIVERED


async def test_one_recipient_that_stalls_holds_up_nobody_else(tmp_path: Path) -> None:
    slow, quick = PretendEndpoint(), PretendEndpoint()
    slow.hold = asyncio.Event()
    async with world(tmp_path, police(), probation(kind=EndpointKind.SOAP), in_flight_per_recipient_max=2) as here:
        for _ in range(5):
            await here.deliver(POLICE)
        for _ in range(20):
            await here.deliver(PROBATION)
        relay = Relay(
            here.gateway,
            {EndpointKind.REST: slow, EndpointKind.SOAP: quick},
            report=here.trouble.append,
        )
        while len(quick.mailbox.received) < 20:
            await relay.fill()
            await asyncio.sleep(0.001)
        assert slow.under_way_most == 2
        slow.hold.set()
        await relay.drain(timedelta(seconds=5))


async def test_never_more_than_its_lane_is_under_way_to_a_recipient(tmp_path: Path) -> None:
    there = PretendEndpoint()
    async with world(tmp_path, police(), in_flight_per_recipient_max=3) as here:
        for _ in range(12):
            await here.deliver(POLICE)
        await asyncio.gather(*(run(relay_to(here, there)) for _ in range(2)))
        assert len(there.mailbox.received) == 12
        assert there.under_way_most <= 3


async def test_a_cancellation_goes_ahead_of_the_queue(tmp_path: Path) -> None:
    there = PretendEndpoint()
    async with world(tmp_path, police(), in_flight_per_recipient_max=1) as here:
        for _ in range(3):
            await here.deliver(POLICE)
        (cancellation,) = await here.deliver(POLICE, urgent=True)
        await run(relay_to(here, there))
        assert there.mailbox.messages[0] == cancellation.message


async def test_two_messages_of_a_chain_never_travel_at_once(here: World, there: PretendEndpoint) -> None:
    there.hold = asyncio.Event()
    (one,) = await here.deliver(POLICE)
    await here.deliver(POLICE, first=one.first)
    relay = relay_to(here, there)
    assert await relay.fill() == 1
    assert await relay.fill() == 0
    there.hold.set()
    await relay.drain(timedelta(seconds=5))
    assert await run(relay) == 1


# --- an endpoint that is down -----------------------------------------------------------------------------------------

RULE = BreakerRule(failures_max=3, hold_first=timedelta(seconds=30), hold_max=timedelta(minutes=5))


async def test_an_endpoint_that_is_down_is_left_alone_and_the_tries_are_saved(tmp_path: Path) -> None:
    there = PretendEndpoint()
    async with world(tmp_path, police(), in_flight_per_recipient_max=1) as here:
        deliveries = [(await here.deliver(POLICE))[0] for _ in range(10)]
        there.outcomes = [DOWN] * 3
        relay = relay_to(here, there, rule=RULE)
        assert await run(relay) == 3
        assert [(await here.now_of(each)).attempts for each in deliveries].count(0) == 7
        here.clock.go(seconds=30)
        there.outcomes = [DOWN]
        assert await run(relay) == 1, "one goes first, to see"
        here.clock.go(seconds=60)
        assert await run(relay) == 10, "it answers again: all go"
        assert [(await here.now_of(each)).state for each in deliveries] == [State.DELIVERED] * 10


async def test_an_endpoint_that_asks_for_time_gets_it(here: World, there: PretendEndpoint) -> None:
    there.outcomes = [retry_later("delivery.http-503", timedelta(seconds=90))]
    await here.deliver(POLICE)
    relay = relay_to(here, there)
    await run(relay)
    await here.deliver(POLICE)
    assert await run(relay) == 0
    here.clock.go(seconds=90)
    assert await run(relay) == 2


async def test_a_new_address_starts_with_a_clean_breaker(tmp_path: Path) -> None:
    there = PretendEndpoint()
    async with world(tmp_path, police(), in_flight_per_recipient_max=1) as here:
        for _ in range(4):
            await here.deliver(POLICE)
        there.outcomes = [DOWN] * 3
        relay = relay_to(here, there, rule=RULE)
        assert await run(relay) == 3
        here.put(police("https://new.invalid/in"))
        assert await run(relay) == 1


# --- agreements that stop ---------------------------------------------------------------------------------------------


async def test_under_a_suspended_agreement_deliveries_wait(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    here.put(agreements=(agreement(AgreementState.SUSPENDED),))
    relay = relay_to(here, there)
    await run(relay)
    stands = await here.now_of(delivery)
    assert (stands.state, stands.attempts, there.mailbox.received) == (State.WAITING, 0, [])
    assert await here.said(delivery) == []
    here.put(agreements=(agreement(AgreementState.IN_FORCE),))
    here.clock.go(minutes=1)
    await run(relay)
    assert (await here.now_of(delivery)).state is State.DELIVERED


async def test_when_the_agreement_ended_what_waits_is_recalled(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    here.put(agreements=(agreement(AgreementState.ENDED),))
    await run(relay_to(here, there))
    assert ((await here.now_of(delivery)).state, there.mailbox.received) == (State.RECALLED, [])
    assert await here.said(delivery) == ["recall"]


async def test_when_the_agreements_last_day_is_over_what_waits_is_recalled(here: World, there: PretendEndpoint) -> None:
    here.configured.until = here.clock.now().date()
    here.clock.moment = here.clock.moment.replace(hour=23, minute=59)
    (in_time,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    await run(relay)
    there.outcomes = [DOWN]
    (late,) = await here.deliver(POLICE)
    await run(relay)
    here.clock.go(minutes=1)
    await run(relay)
    assert (await here.now_of(in_time)).state is State.DELIVERED
    assert (await here.now_of(late)).state is State.RECALLED
    assert await here.said(late) == ["fail", "recall"]
    assert f'"mou":"{MOU}@1"'.encode() in (await here.entries(late))[-1].entry.body


async def test_a_cancellation_goes_out_although_the_agreement_ended(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE, urgent=True)
    here.put(agreements=(agreement(AgreementState.ENDED),))
    await run(relay_to(here, there))
    assert (await here.now_of(delivery)).state is State.DELIVERED


@pytest.mark.parametrize(
    ("states", "first"),
    [
        ([AgreementState.IN_FORCE], Standing.SEND),
        ([AgreementState.SUSPENDED], Standing.HOLD),
        ([AgreementState.ENDED, AgreementState.DRAFT], Standing.RECALL),
        ([AgreementState.ENDED, AgreementState.TRIAL], Standing.RECALL),
        ([AgreementState.TRIAL], Standing.TEST),
        ([AgreementState.TRIAL, AgreementState.DRAFT], Standing.TEST),
        ([AgreementState.IN_FORCE, AgreementState.DRAFT], Standing.SEND),
        ([AgreementState.ENDED], Standing.RECALL),
        ([AgreementState.ENDED, AgreementState.IN_FORCE], Standing.SEND),
        ([AgreementState.ENDED, AgreementState.SUSPENDED], Standing.HOLD),
        ([AgreementState.ENDED, AgreementState.ENDED], Standing.RECALL),
        ([AgreementState.SUSPENDED, AgreementState.IN_FORCE], Standing.HOLD),
    ],
)
def test_what_becomes_of_deliveries_of_a_version(states: list[AgreementState], first: Standing) -> None:
    versions = [agreement(state, version) for version, state in enumerate(states, start=1)]
    mous = {(MOU, each.version): mou_until(TODAY, version=each.version) for each in versions}
    assert standings(versions, mous, TODAY)[MOU, 1] is first


@pytest.mark.parametrize("before", [AgreementState.IN_FORCE, AgreementState.SUSPENDED])
def test_a_trial_that_ended_is_recalled_although_the_version_before_it_goes_on(before: AgreementState) -> None:
    versions = [agreement(before, 1), agreement(AgreementState.ENDED, 2)]
    mous = {(MOU, each.version): mou_until(TODAY, version=each.version) for each in versions}
    assert standings(versions, mous, TODAY)[MOU, 2] is Standing.RECALL


ENDED, IN_FORCE, SUSPENDED = AgreementState.ENDED, AgreementState.IN_FORCE, AgreementState.SUSPENDED


@pytest.mark.parametrize(
    ("versions", "first"),
    [
        ([(IN_FORCE, -9, 0)], Standing.SEND),
        ([(IN_FORCE, -9, -1)], Standing.RECALL),
        ([(SUSPENDED, -9, -1)], Standing.RECALL),
        ([(ENDED, -9, -1), (IN_FORCE, 0, 9)], Standing.SEND),
        ([(ENDED, -9, 9), (IN_FORCE, -9, -1)], Standing.RECALL),
        ([(ENDED, -9, 0), (IN_FORCE, 1, 9)], Standing.SEND),  # its own days last until those of the next begin
        ([(ENDED, -9, -1), (IN_FORCE, 1, 9)], Standing.RECALL),  # today nothing is in force
        ([(ENDED, -9, 9), (SUSPENDED, 1, 9)], Standing.HOLD),
        ([(AgreementState.TRIAL, -9, -1)], Standing.RECALL),
    ],
)
def test_no_delivery_goes_out_on_a_day_when_its_agreement_does_not_hold(
    versions: list[tuple[AgreementState, int, int]], first: Standing
) -> None:
    held = [agreement(state, number) for number, (state, _, _) in enumerate(versions, start=1)]
    mous = {
        (MOU, number): mou_until(TODAY + timedelta(until), since=TODAY + timedelta(since), version=number)
        for number, (_, since, until) in enumerate(versions, start=1)
    }
    assert standings(held, mous, TODAY)[MOU, 1] is first


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_a_lost_lease_writes_nothing(here: World, there: PretendEndpoint) -> None:
    there.hold = asyncio.Event()
    (delivery,) = await here.deliver(POLICE)
    slow = relay_to(here, there)
    await slow.fill()
    here.clock.go(seconds=61)
    other = PretendEndpoint()
    other.outcomes = [refused("delivery.http-422")]
    await run(relay_to(here, other))
    there.hold.set()
    await slow.drain(timedelta(seconds=5))
    assert (await here.now_of(delivery)).state is State.UNDELIVERABLE
    assert await here.said(delivery) == ["undeliverable"]


async def test_a_notice_that_was_put_off_arrives_before_the_update_to_it(here: World, there: PretendEndpoint) -> None:
    there.outcomes = [DOWN] * 4
    (notice,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    for _ in range(3):
        await run(relay)
        here.clock.go(minutes=1)
    (update,) = await here.deliver(POLICE, first=notice.message)
    await run(relay)
    assert there.mailbox.messages == []  # the notice was tried first, in vain; the update waits for it
    here.clock.go(hours=1)
    await run(relay)
    assert there.mailbox.messages == [notice.message, update.message]


async def test_what_was_recalled_while_it_failed_stays_recalled(here: World, there: PretendEndpoint) -> None:
    there.hold, there.outcomes = asyncio.Event(), [DOWN]
    (one,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    await relay.fill()
    message = await here.store.message(one.message)
    assert message is not None
    later = replace(
        message.message, id=MessageId(here.gateway.new_id(here.clock.now())), sender_id="later", earlier=one.message
    )
    stored = await here.store.accept(_recall(here, later, message.original))
    assert stored is Stored.STORED
    there.hold.set()
    await relay.drain(timedelta(seconds=5))
    assert (await here.now_of(one)).state is State.RECALLED


def _recall(here: World, message: Message, original: Sealed) -> Acceptance:
    return Acceptance(
        configuration=here.configured.version,
        message=message,
        content_digest=b"1" * 32,
        original=original,
        receipt=b"receipt",
        disseminations=(),
        entries=(),
        chain_size=2,
        recalls=(POLICE,),
    )


async def test_a_payload_that_was_altered_is_undeliverable_and_the_operator_hears(
    here: World, there: PretendEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivery,) = await here.deliver(POLICE)
    opening = here.gateway.payloads.open
    monkeypatch.setattr(
        type(here.gateway.payloads), "open", lambda _, sealed, *, aad: opening(sealed, aad=aad + b"other")
    )
    trouble: list[BaseException] = []
    await run(relay_to(here, there, trouble))
    stands = await here.now_of(delivery)
    assert (stands.state, stands.last_error, there.mailbox.received) == (State.UNDELIVERABLE, "payload.tampered", [])
    assert [type(each).__name__ for each in trouble] == ["PayloadTampered"]


async def test_a_key_directory_that_is_away_costs_a_try_and_no_delivery(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    buckets = here.gateway.settings.keys_directory / "buckets"
    buckets.rename(buckets.with_name("away"))
    trouble: list[BaseException] = []
    relay = relay_to(here, there, trouble)
    await run(relay)
    assert ((await here.now_of(delivery)).state, len(trouble)) == (State.WAITING, 1)
    buckets.with_name("away").rename(buckets)
    here.clock.go(seconds=5)
    await run(relay)
    assert (await here.now_of(delivery)).state is State.DELIVERED


async def test_an_outcome_that_could_not_be_written_at_first_is_written_without_a_second_send(
    here: World, there: PretendEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "SETTLE_PAUSES_SECONDS", (0.0, 0.0))
    (delivery,) = await here.deliver(POLICE)
    settle, failures = here.store.settle, [StoreUnavailable("away"), StoreUnavailable("away")]

    async def failing(*given: object) -> bool:
        if failures:
            raise failures.pop()
        return await settle(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(here.store, "settle", failing)
    await run(relay_to(here, there))
    assert ((await here.now_of(delivery)).state, len(there.mailbox.received)) == (State.DELIVERED, 1)


async def test_an_outcome_that_was_stored_although_the_write_raised_is_not_written_twice(
    here: World, there: PretendEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "SETTLE_PAUSES_SECONDS", (0.0, 0.0))
    (delivery,) = await here.deliver(POLICE)
    settle, failures = here.store.settle, [StoreUnavailable("no word")]

    async def failing(*given: object) -> bool:
        done = await settle(*given)  # type: ignore[arg-type]
        if failures:
            raise failures.pop()
        return done

    monkeypatch.setattr(here.store, "settle", failing)
    await run(relay_to(here, there))
    assert await here.said(delivery) == ["deliver"]


@pytest.mark.parametrize("point", [points.BEFORE_SEND, points.AFTER_SEND])
async def test_a_worker_that_dies_leaves_the_delivery_to_the_next_one_and_one_effect(
    here: World, there: PretendEndpoint, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    class PowerCut(Exception):
        pass

    def cut(reached: str) -> None:
        if reached == point:
            raise PowerCut

    (delivery,) = await here.deliver(POLICE)
    trouble: list[BaseException] = []
    monkeypatch.setattr(points, "watch", cut)
    await run(relay_to(here, there, trouble))
    monkeypatch.setattr(points, "watch", None)
    assert [type(each) for each in trouble] == [PowerCut]
    assert (await here.now_of(delivery)).state is State.SENDING
    here.clock.go(seconds=61)
    await run(relay_to(here, there))
    stands = await here.now_of(delivery)
    assert (stands.state, stands.attempts) == (State.DELIVERED, 2)
    assert len(there.mailbox.effects) == 1


async def test_what_is_under_way_when_the_grace_is_over_falls_due_again(here: World, there: PretendEndpoint) -> None:
    there.hold = asyncio.Event()
    (delivery,) = await here.deliver(POLICE)
    relay = relay_to(here, there)
    await relay.fill()
    await relay.drain(timedelta(seconds=0.05))
    assert (relay.in_flight, (await here.now_of(delivery)).state) == (0, State.SENDING)


async def test_metrics_count_what_arrived_and_what_did_not(here: World, there: PretendEndpoint) -> None:
    there.outcomes = [DOWN]
    metrics = Metrics()
    await here.deliver(POLICE)
    relay = relay_to(here, there, metrics=metrics)
    await run(relay)
    here.clock.go(seconds=5)
    await run(relay)
    found = metrics.registry.get_sample_value
    assert found("gateway_delivered_total", {"recipient": POLICE}) == 1
    assert found("gateway_delivery_failed_total", {"recipient": POLICE, "code": DOWN.code}) == 1
    assert found("gateway_delivery_seconds_sum") == 5


def test_a_lease_outlasts_an_attempt_whatever_the_settings_say(tmp_path: Path) -> None:
    made = quick_settings(tmp_path, lease_seconds=1, attempt_seconds_max=30)
    assert pace_of(made).lease > schedule_of(made).attempt_deadline


# --- over real sockets ------------------------------------------------------------------------------------------------


@pytest.fixture
async def sends(here: World) -> AsyncIterator[dict[EndpointKind, Send]]:
    connections = Connections(now=lambda: Own(trust=Trust()))
    made: dict[EndpointKind, Send] = {
        EndpointKind.REST: RestTransport(connections, here.clock),
        EndpointKind.SOAP: SoapTransport(connections, here.clock, lambda: here.gateway.keys.cover_signer),
    }
    yield made
    await connections.close()


async def test_one_message_reaches_a_rest_and_a_soap_endpoint(here: World, sends: dict[EndpointKind, Send]) -> None:
    async with serving() as pd, serving() as office:
        here.put(police(pd.url()), probation(office.url("/soap"), EndpointKind.SOAP))
        deliveries = await here.deliver(POLICE, PROBATION)
        await run(Relay(here.gateway, sends, report=here.trouble.append))
        assert [(await here.now_of(each)).state for each in deliveries] == [State.DELIVERED] * 2
        assert [len(each.mailbox.effects) for each in (pd, office)] == [1, 1]


async def test_whatever_the_recipients_do_every_message_arrives_and_none_twice(
    here: World, sends: dict[EndpointKind, Send]
) -> None:
    async with serving() as pd, serving() as office:
        here.put(police(pd.url()), probation(office.url("/soap"), EndpointKind.SOAP))
        pd.mailbox.next = [TakeAndHangUp(), Refuse(503), Refuse(429, {"Retry-After": "3"}), TakeAndHangUp()]
        office.mailbox.next = [Fault("Receiver"), TakeAndHangUp(), TakeAndStall()]
        deliveries: list[Delivery] = []
        for _ in range(6):
            deliveries += await here.deliver(POLICE, PROBATION)
        relay = Relay(here.gateway, sends, report=here.trouble.append)
        for _ in range(12):
            await run(relay)
            here.clock.go(minutes=5)
        assert {(await here.now_of(each)).state for each in deliveries} == {State.DELIVERED}
        messages = {each.message for each in deliveries}
        assert set(pd.mailbox.messages) == set(office.mailbox.messages) == messages
        assert len(pd.mailbox.effects) == len(office.mailbox.effects) == 6
        assert len(pd.mailbox.received) > 6, "some came twice on the wire, and had one effect"
        assert not pd.mailbox.conflicting


HAD = duplicate("delivery.http-409")


@pytest.mark.parametrize("before", [DOWN, failed("delivery.tls"), failed("delivery.http-500"), HAD])
async def test_a_recipient_is_not_believed_to_have_what_never_arrived(
    here: World, there: PretendEndpoint, before: Outcome
) -> None:
    (delivery,) = await here.deliver(POLICE)
    there.outcomes = [before, HAD]
    for _ in range(2):
        await run(relay_to(here, there))
        here.clock.go(minutes=1)
    stands = await here.now_of(delivery)
    assert (stands.state, stands.attempts, stands.last_error) == (State.WAITING, 2, HAD.code)
    await run(relay_to(here, there))
    assert (await here.now_of(delivery)).state is State.DELIVERED
    assert len(there.mailbox.received) == 1


async def test_what_a_try_without_an_answer_may_have_brought_is_remembered_over_others(
    here: World, there: PretendEndpoint
) -> None:
    (delivery,) = await here.deliver(POLICE)
    there.outcomes = [unknown("delivery.no-answer"), DOWN, HAD]
    for _ in range(3):
        await run(relay_to(here, there))
        here.clock.go(minutes=1)
    stands = await here.now_of(delivery)
    assert (stands.state, stands.attempts, stands.evidence) == (State.DELIVERED, 3, "transport")


async def test_a_try_whose_worker_ended_may_have_arrived(here: World, there: PretendEndpoint) -> None:
    (delivery,) = await here.deliver(POLICE)
    now = here.clock.now()
    await here.gateway.store.claim(
        now=now, lease_until=now + timedelta(minutes=1), limit=1, per_recipient=1, push=frozenset({POLICE})
    )
    there.outcomes = [DOWN, HAD]
    for _ in range(2):
        here.clock.go(minutes=2)
        await run(relay_to(here, there))
    stands = await here.now_of(delivery)
    assert (stands.state, stands.attempts) == (State.DELIVERED, 3)
