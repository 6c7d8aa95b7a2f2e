"""Promises of the store on emergency releases."""

from dataclasses import replace
from datetime import timedelta

from gateway.message import DisseminationId, MessageId
from gateway.store.interface import Store
from gateway.store.messages import Stored
from tests.store.examples import (
    FUSION,
    JAIL,
    NOW,
    POLICE,
    acceptance,
    agency,
    claim_one,
    entry,
    release,
)


async def test_a_release_is_there_with_all_that_belongs_to_it(store: Store, second: Store) -> None:
    message = acceptance(POLICE)
    await store.accept(message)
    wanted = release(message)
    assert await store.release(wanted) is Stored.STORED
    records = {each.dissemination.recipient: each for each in await second.disseminations(message.message.id)}
    assert set(records) == {POLICE, FUSION, JAIL}
    made = wanted.disseminations[0]
    stored = records[FUSION]
    assert (stored.dissemination, stored.payload, stored.cover) == (made.dissemination, made.payload, made.cover)
    assert (stored.delivery, stored.sender) == (made.delivery, JAIL)
    assert await second.because(made.dissemination.id) == wanted.because
    assert await second.because(wanted.disseminations[1].dissemination.id) is None
    assert await second.entry(wanted.entries[0].id) is not None
    assert [each.delivery.id for each in await second.inbox(JAIL, 0, 10)] == [wanted.disseminations[1].delivery.id]


async def test_a_release_stands_above_all_that_was_answered_of_an_inbox(store: Store) -> None:
    message = acceptance(FUSION)
    await store.accept(message)
    (before,) = await store.inbox(FUSION, 0, 10)
    await store.release(release(message))
    (after,) = await store.inbox(FUSION, before.position, 10)
    assert after.delivery.urgent


async def test_a_release_goes_ahead_of_the_queue(store: Store) -> None:
    message = acceptance(FUSION, due_at=NOW - timedelta(hours=1))
    await store.accept(message)
    wanted = release(message)
    await store.release(wanted)
    assert (await claim_one(store)).record.delivery.id == wanted.disseminations[0].delivery.id


async def test_what_was_decided_under_another_configuration_or_chain_writes_nothing(store: Store) -> None:
    message = acceptance(POLICE)
    await store.accept(message)
    await store.change([agency(JAIL)], [])
    assert await store.release(release(message)) is Stored.STALE
    await store.accept(acceptance(POLICE, after=message, configuration=1))
    assert await store.release(release(message, configuration=1)) is Stored.STALE
    assert {each.dissemination.recipient for each in await store.disseminations(message.message.id)} == {POLICE}
    assert await store.emergencies(None, None, "", 10) == ()
    assert await store.release(release(message, configuration=1, chain_size=4)) is Stored.STORED


async def test_a_cancellation_that_was_decided_without_a_release_is_stale(store: Store, second: Store) -> None:
    message = acceptance(POLICE)
    await store.accept(message)
    unaware, aware = acceptance(after=message), acceptance(after=message, chain_size=4)
    assert await second.release(release(message)) is Stored.STORED
    assert await store.accept(unaware) is Stored.STALE
    assert await store.accept(aware) is Stored.STORED


async def test_a_chain_grows_by_each_message_and_each_of_its_disseminations(store: Store) -> None:
    message = acceptance(POLICE, FUSION)
    await store.accept(message)
    await store.accept(acceptance())
    assert await store.chain_size(message.message.id) == 3
    await store.accept(acceptance(POLICE, after=message))
    assert await store.chain_size(message.message.id) == 5
    await store.release(release(message, chain_size=5))
    assert await store.chain_size(message.message.id) == 7


async def test_a_message_that_is_not_there_is_not_released(store: Store) -> None:
    gone = acceptance(POLICE)
    unknown = replace(gone.message, id=MessageId("019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d"))
    assert await store.release(release(replace(gone, message=unknown), chain_size=0)) is Stored.STALE


async def test_the_releases_of_a_period_are_found_oldest_first_and_counted(store: Store, second: Store) -> None:
    message = acceptance(POLICE)
    await store.accept(message)
    entries = [entry(message.message.id, "emergency", NOW + timedelta(days=day)) for day in range(3)]
    for each in entries:
        wanted = release(message, chain_size=await store.chain_size(message.message.id))
        await store.release(replace(wanted, entries=(each, entry(message.message.id, "disseminate"))))
    assert [each.entry for each in await second.emergencies(None, None, "", 10)] == entries
    assert [each.entry for each in await second.emergencies(None, None, entries[0].id, 1)] == entries[1:2]
    since, until = entries[1].at, entries[2].at
    assert [each.entry for each in await second.emergencies(since, until, "", 10)] == entries[1:2]
    assert (await second.counts()).emergencies == 3


async def test_of_a_dissemination_nobody_wrote_of_there_is_nothing(store: Store) -> None:
    assert await store.because(DisseminationId("019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")) is None
