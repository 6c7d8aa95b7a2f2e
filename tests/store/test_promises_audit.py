"""Promises of the store on the log."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.agency import EndpointKind
from gateway.delivery.delivery import State
from gateway.message import MessageId
from gateway.store.interface import Store
from gateway.store.log import StoredEntry, TreeHead
from tests.store.examples import (
    FUSION,
    NOW,
    POLICE,
    Sequencer,
    acceptance,
    agency,
    delivered,
    entry,
    new_id,
)

MINUTE = timedelta(minutes=1)
LEASE = 2 * MINUTE


async def test_entries_wait_until_they_are_ordered_as_they_were_written(store: Store) -> None:
    written = [entry(type=f"type-{number}") for number in range(5)]
    for each in written:
        await store.record([each])
    sequencer = Sequencer()
    assert await store.sequence(3, sequencer) == 3
    assert await store.sequence(3, sequencer) == 2
    assert await store.sequence(3, sequencer) == 0
    assert [head.size for head in sequencer.heads] == [0, 3]
    assert sequencer.heads[1].checkpoint == await store.checkpoint(3)
    assert await store.entries(0, 10) == tuple(
        StoredEntry(entry=each, index=index) for index, each in enumerate(written)
    )
    assert [each.index for each in await store.entries(2, 2)] == [2, 3]
    assert await store.hashes(0, 1, 3) == tuple(each.leaf_hash for each in written[1:4])
    assert await store.hashes(0, 3, 10) == tuple(each.leaf_hash for each in written[3:])
    assert await store.hashes(1, 0, 1) == ()
    assert await store.checkpoint() == await store.checkpoint(5)
    assert await store.checkpoint(4) is None


async def test_an_entry_is_found_by_id_leaf_and_message_before_and_after_it_is_ordered(store: Store) -> None:
    key = MessageId(new_id())
    written = entry(key)
    await store.record([written, entry()])
    for index in (None, 0):
        stored = StoredEntry(entry=written, index=index)
        assert await store.entry(written.id) == stored
        assert await store.entry_by_leaf(written.leaf_hash) == stored
        assert await store.entries_of(key) == (stored,)
        await store.sequence(10, Sequencer())
    assert await store.entry_by_leaf(b"\x00" * 32) is None
    assert await store.entry(new_id()) is None


async def test_entries_of_some_types_are_read_page_by_page_ordered_or_not(store: Store) -> None:
    written = [entry(type=word) for word in ("trial", "receive", "approve", "trial", "read", "trial")]
    for each in written[:4]:
        await store.record([each])
    await store.sequence(10, Sequencer())
    for each in written[4:]:
        await store.record([each])
    asked = ("trial", "approve")
    first = await store.entries_of_types(asked, limit=3)
    assert [each.entry for each in first] == [written[0], written[2], written[3]]
    rest = await store.entries_of_types(asked, after=first[-1].entry.id, limit=3)
    assert rest == (StoredEntry(entry=written[5], index=None),)
    assert await store.entries_of_types((), limit=3) == ()


async def test_complete_subtrees_are_kept_above_the_leaves(store: Store) -> None:
    await store.record([entry() for _ in range(600)])
    sequencer = Sequencer()
    while await store.sequence(250, sequencer):
        pass
    assert len(await store.hashes(1, 0, 10)) == 2
    assert await store.hashes(1, 1, 1) == (await store.hashes(1, 0, 2))[1:]
    assert len(await store.hashes(0, 0, 1000)) == 600
    assert (await store.counts()).log_size == 600


async def test_when_building_the_tree_fails_nothing_is_written(store: Store) -> None:
    class NoKey(Exception):
        pass

    def fails(head: object, entries: object) -> None:
        raise NoKey

    await store.record([entry()])
    with pytest.raises(NoKey):
        await store.sequence(10, fails)
    counts = await store.counts()
    assert (counts.log_size, counts.unsequenced) == (0, 1)
    assert await store.checkpoint() is None
    assert await store.sequence(10, Sequencer()) == 1


async def test_sequencers_of_two_nodes_build_one_tree(store: Store, second: Store) -> None:
    async def write(node: Store) -> None:
        for _ in range(15):
            await node.record([entry(), entry()])

    async def order(node: Store) -> None:
        for _ in range(20):
            await node.sequence(7, Sequencer())

    await asyncio.gather(write(store), write(second), order(store), order(second))
    while await store.sequence(100, Sequencer()):
        pass
    log = await second.entries(0, 100)
    assert [each.index for each in log] == list(range(60))
    assert len({each.entry.id for each in log}) == 60
    leaves = [each.entry.leaf_hash for each in log]
    whole = TreeHead(size=60, checkpoint=None, hashes=lambda level, start, count: leaves[start : start + count])
    assert Sequencer()(whole, ()).checkpoint == await store.checkpoint(60)


async def test_counts_say_how_many_and_how_late(store: Store) -> None:
    await store.change([agency(FUSION), agency(POLICE, EndpointKind.REST)], [])
    empty = await store.counts()
    assert (empty.messages, empty.deliveries, empty.oldest, empty.unsequenced, empty.log_size) == (0, (), None, 0, 0)
    await store.accept(acceptance(FUSION, configuration=1, due_at=NOW - MINUTE))
    await store.accept(acceptance(POLICE, FUSION, configuration=1))
    ended = acceptance(POLICE, configuration=1)
    await store.accept(ended)
    await store.move(replace(ended.disseminations[0].delivery, state=State.EXPIRED), expected=State.WAITING, entries=[])
    await store.move(delivered((await store.inbox(FUSION, 0, 1))[0].delivery), expected=State.WAITING, entries=[])
    counts = await store.counts()
    assert counts.messages == 3
    assert counts.deliveries == (
        (POLICE, State.EXPIRED, 1),
        (POLICE, State.WAITING, 1),
        (FUSION, State.WAITING, 1),
    )
    assert counts.oldest == NOW
    assert (counts.unsequenced, counts.unsequenced_since) == (6, NOW)
