"""Promises of the store on inboxes, and on what officers do with deliveries."""

import asyncio
from dataclasses import replace

from gateway.delivery.delivery import State
from gateway.message import DeliveryId, MessageId
from gateway.store.configuration import Relisted
from gateway.store.interface import Store
from tests.store.examples import (
    FUSION,
    POLICE,
    PROBATION,
    acceptance,
    claim_one,
    delivered,
    entry,
    new_id,
)


async def test_a_delivery_moves_only_from_where_it_is_expected(store: Store) -> None:
    wanted = acceptance()
    await store.accept(wanted)
    outcome = delivered(wanted.disseminations[0].delivery)
    written = entry(wanted.message.id, "acknowledge")
    assert not await store.move(outcome, expected=State.UNDELIVERABLE, entries=[written])
    assert await store.entry(written.id) is None
    results = await asyncio.gather(*(store.move(outcome, expected=State.WAITING, entries=()) for _ in range(3)))
    assert sorted(results) == [False, False, True]
    record = await store.delivery(outcome.id)
    assert record is not None
    assert record.delivery == outcome
    assert not await store.move(replace(outcome, id=DeliveryId(new_id())), expected=State.WAITING, entries=[])


async def test_a_delivery_does_not_move_when_its_chain_has_grown(store: Store, second: Store) -> None:
    notice = acceptance()
    await store.accept(notice)
    ended = replace(notice.disseminations[0].delivery, state=State.UNDELIVERABLE)
    assert await store.move(ended, expected=State.WAITING, entries=[])
    chain_size = await store.chain_size(notice.message.id)
    await second.accept(acceptance(after=notice))
    again, written = replace(ended, state=State.WAITING), entry(notice.message.id, "requeue")
    assert not await store.move(again, expected=State.UNDELIVERABLE, entries=[written], chain_size=chain_size)
    assert await store.entry(written.id) is None
    assert await store.move(again, expected=State.UNDELIVERABLE, entries=[written], chain_size=chain_size + 2)


async def test_a_worker_loses_its_lease_when_an_officer_discards_what_it_sends(store: Store) -> None:
    await store.accept(acceptance())
    claim = await claim_one(store)
    discarded = replace(claim.record.delivery, state=State.RECALLED)
    assert await store.move(discarded, expected=State.SENDING, entries=[])
    assert not await store.settle(claim.lease, delivered(claim.record.delivery), [])


async def test_an_inbox_is_read_in_pages_by_position(store: Store) -> None:
    wanted = [acceptance(FUSION, POLICE) for _ in range(5)]
    for each in wanted:
        await store.accept(each)
    first = await store.inbox(FUSION, 0, 2)
    rest = await store.inbox(FUSION, first[-1].position, 10)
    assert [record.dissemination.message for record in (*first, *rest)] == [each.message.id for each in wanted]
    assert {record.dissemination.recipient for record in rest} == {FUSION}
    await store.move(delivered(first[0].delivery), expected=State.WAITING, entries=[])
    assert [record.delivery.id for record in await store.inbox(FUSION, 0, 1)] == [first[1].delivery.id]


async def test_what_is_requeued_stands_above_what_was_polled_meanwhile(store: Store) -> None:
    first, second = acceptance(FUSION), acceptance(FUSION)
    for each in (first, second):
        await store.accept(each)
    delivery = first.disseminations[0].delivery
    assert await store.move(replace(delivery, state=State.RECALLED), expected=State.WAITING, entries=[])
    (polled,) = await store.inbox(FUSION, 0, 10)
    assert await store.move(delivery, expected=State.RECALLED, entries=[])
    (requeued,) = await store.inbox(FUSION, polled.position, 10)
    assert requeued.delivery.id == delivery.id


async def test_urgent_ones_can_be_read_alone_and_keep_their_positions(store: Store) -> None:
    for each in (acceptance(FUSION), acceptance(FUSION, urgent=True), acceptance(FUSION), acceptance(urgent=True)):
        await store.accept(each)
    await store.accept(acceptance(FUSION, urgent=True))
    everything = await store.inbox(FUSION, 0, 10)
    assert [record.delivery.urgent for record in everything] == [False, True, False, True]
    first, second = await store.inbox(FUSION, 0, 10, urgent=True)
    assert (first, second) == (everything[1], everything[3])
    assert await store.inbox(FUSION, first.position, 10, urgent=True) == (second,)
    assert await store.inbox(FUSION, 0, 1, urgent=True) == (first,)
    await store.move(delivered(first.delivery), expected=State.WAITING, entries=[])
    assert await store.inbox(FUSION, 0, 10, urgent=True) == (second,)


MOU = "JAIL-PD-2026-01"


async def test_what_an_agreement_holds_back_is_not_listed_and_urgent_messages_are(store: Store) -> None:
    held, urgent, other = acceptance(FUSION), acceptance(FUSION, urgent=True), acceptance(FUSION)
    (new,) = other.disseminations
    other = replace(other, disseminations=(replace(new, dissemination=replace(new.dissemination, mou_version=2)),))
    for each in (held, urgent, other):
        await store.accept(each)
    listed = await store.inbox(FUSION, 0, 10, withheld={f"{MOU}@1", "OTHER@1"})
    assert [record.dissemination.message for record in listed] == [urgent.message.id, other.message.id]
    assert [record.dissemination.message for record in await store.inbox(FUSION, 0, 1, withheld={f"{MOU}@1"})] == [
        urgent.message.id
    ]
    assert await store.waiting_under([f"{MOU}@1"], 10) == (held.disseminations[0].delivery.id,)
    assert set(await store.waiting_under([f"{MOU}@1", f"{MOU}@2"], 10)) == {
        each.disseminations[0].delivery.id for each in (held, other)
    }
    assert len(await store.waiting_under([f"{MOU}@1", f"{MOU}@2"], 1)) == 1
    assert await store.waiting_under([], 10) == ()


async def test_what_is_relisted_stands_above_what_was_polled_meanwhile_in_its_order(store: Store) -> None:
    held = [acceptance(FUSION, POLICE) for _ in range(3)]
    for each in held:
        await store.accept(each)
    read = acceptance(FUSION)
    await store.accept(read)
    await store.move(delivered(held[1].disseminations[0].delivery), expected=State.WAITING, entries=[])
    before = await store.inbox(FUSION, 0, 10)
    others = await store.inbox(POLICE, 0, 10)
    version = await store.change([], [entry(type="activate")], Relisted(mou=MOU, recipients=(FUSION, PROBATION)))
    assert version == await store.configuration_version() == 1
    after = await store.inbox(FUSION, before[-1].position, 10)
    assert [record.delivery.id for record in after] == [record.delivery.id for record in before]
    assert await store.inbox(POLICE, 0, 10) == others
    await store.accept(replace(acceptance(FUSION), configuration=1))
    assert len(await store.inbox(FUSION, after[-1].position, 10)) == 1
    await store.change([], [], Relisted(mou="OTHER", recipients=(FUSION,)))
    assert [record.position for record in await store.inbox(FUSION, 0, 3)] == [record.position for record in after]


async def test_a_poller_sees_everything_whoever_commits_first(store: Store, second: Store) -> None:
    """It never goes back: a position below its cursor that is committed later would be lost."""
    seen: list[MessageId] = []
    writing = True

    async def poll() -> None:
        after = 0
        done = False
        while not done:
            all_written = not writing
            page = await store.inbox(FUSION, after, 50)
            done = all_written and not page
            assert [record.position for record in page] == sorted({record.position for record in page})
            for record in page:
                after = record.position
                seen.append(record.dissemination.message)
            await asyncio.sleep(0)

    poller = asyncio.create_task(poll())
    wanted = [acceptance(FUSION, *((POLICE, PROBATION)[: number % 3])) for number in range(120)]
    await asyncio.gather(*((store if number % 2 else second).accept(each) for number, each in enumerate(wanted)))
    writing = False
    await poller
    assert sorted(seen) == sorted(each.message.id for each in wanted)
    assert len(seen) == len(set(seen))


async def test_deliveries_are_listed_newest_first_by_state_and_recipient(store: Store) -> None:
    wanted = [acceptance(POLICE, FUSION) for _ in range(4)]
    for each in wanted:
        await store.accept(each)
    deliveries = [new.delivery for each in wanted for new in each.disseminations]
    undeliverable = replace(deliveries[2], state=State.UNDELIVERABLE, last_error="delivery.gone")
    await store.move(undeliverable, expected=State.WAITING, entries=[])
    await store.move(delivered(deliveries[4]), expected=State.WAITING, entries=[])
    assert await store.deliveries(State.UNDELIVERABLE, None, None, 10) == (undeliverable,)
    assert await store.deliveries(State.UNDELIVERABLE, FUSION, None, 10) == ()
    assert await store.deliveries(State.DELIVERED, POLICE, None, 10) == (delivered(deliveries[4]),)
    newest_first = sorted((each.id for each in deliveries), reverse=True)
    page = await store.deliveries(None, None, None, 3)
    assert [each.id for each in page] == newest_first[:3]
    assert [each.id for each in await store.deliveries(None, None, page[-1].id, 10)] == newest_first[3:]
    assert len(await store.deliveries(State.WAITING, FUSION, None, 10)) == 4
