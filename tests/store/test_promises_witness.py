"""Promises of the store on cosigners, heads, and what was found wrong."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.store.interface import Store
from gateway.store.witness import GivenHead, Head, HeldCosignature, LogTrouble, Watch, WitnessKey
from tests.store.examples import FUSION, NOW, POLICE, Sequencer, agency, entry

MINUTE = timedelta(minutes=1)


def key(watch: Watch = Watch.COSIGNER, name: str = "witness-1") -> WitnessKey:
    return WitnessKey(
        watch=watch,
        agency=POLICE,
        key=name,
        url="https://gateway.example.gov",
        since=NOW,
        private_network=True,
        authorities=b"-----BEGIN",
    )


def head(size: int, minutes: int = 0) -> Head:
    return Head(size=size, note=f"head of {size}".encode(), at=NOW + minutes * MINUTE)


async def test_keys_of_both_ways_stay_with_their_end(store: Store) -> None:
    await store.change([agency(POLICE)], [])
    written = entry()
    await store.put_witness_key(key(), [written])
    await store.put_witness_key(key(Watch.LOG, "log-1"), [entry()])
    ended = replace(key(), ended_at=NOW + MINUTE)
    await store.put_witness_key(ended, [entry()])
    assert await store.witness_keys() == (ended, key(Watch.LOG, "log-1"))
    assert await store.entry(written.id) is not None


async def test_of_the_heads_that_wait_the_largest_stays(store: Store) -> None:
    for each in (head(5), head(9, 1), head(7, 2)):
        await store.note_head(POLICE, each)
    await store.note_head(FUSION, head(1))
    assert dict(await store.noted_heads()) == {POLICE: head(9, 1), FUSION: head(1)}
    await store.drop_noted(POLICE, 8)
    assert dict(await store.noted_heads())[POLICE] == head(9, 1)
    await store.drop_noted(POLICE, 9)
    assert dict(await store.noted_heads()) == {FUSION: head(1)}


async def test_a_countersigned_head_is_replaced_only_while_it_is_the_one_compared(store: Store) -> None:
    assert await store.seen_head(POLICE) is None
    assert await store.see_head(POLICE, head(5), instead_of=0)
    assert not await store.see_head(POLICE, head(6), instead_of=4)
    assert await store.see_head(POLICE, head(9), instead_of=5)
    assert not await store.see_head(POLICE, head(7), instead_of=5)
    assert await store.seen_head(POLICE) == head(9)


async def test_of_two_nodes_that_countersign_at_once_one_is_told_that_it_was_late(store: Store, second: Store) -> None:
    await store.see_head(POLICE, head(5), instead_of=0)
    done = await asyncio.gather(
        store.see_head(POLICE, head(9), instead_of=5), second.see_head(POLICE, head(7), instead_of=5)
    )
    assert sorted(done) == [False, True]


async def test_cosignatures_are_kept_once_and_the_newest_of_each_cosigner_is_found(store: Store) -> None:
    def made(size: int, cosigner: str, line: str = "line") -> HeldCosignature:
        return HeldCosignature(size=size, agency=POLICE, cosigner=cosigner, at=NOW, line=line)

    await store.add_cosignatures([made(5, "b"), made(5, "a")])
    await store.add_cosignatures([made(5, "a", "another"), made(8, "a")])
    await store.add_cosignatures([])
    assert await store.cosignatures(5) == (made(5, "a"), made(5, "b"))
    assert await store.newest_cosigned() == (made(8, "a"), made(5, "b"))
    assert await store.cosignatures(6) == ()


async def test_who_was_given_which_head_is_listed_newest_first(store: Store) -> None:
    first = GivenHead(agency=POLICE, size=5, way="file", at=NOW)
    later = GivenHead(agency=FUSION, size=9, way="folder", at=NOW + MINUTE)
    written = entry()
    await store.give_heads([first], [written])
    await store.give_heads([later], [])
    await store.give_heads([], [])
    assert await store.given_heads(None, 10) == (later, first)
    assert await store.given_heads(POLICE, 10) == (first,)
    assert await store.given_heads(None, 1) == (later,)
    assert await store.entry(written.id) is not None


async def test_what_stands_is_not_reported_again_until_people_have_decided(store: Store) -> None:
    found = LogTrouble(id="1", code="audit.log-cut", at=NOW, size=7, index=3)
    other = LogTrouble(id="2", code="audit.log-cut", at=NOW, agency=POLICE, size=7)
    again, kept, dropped = replace(found, id="3", at=NOW + MINUTE), entry(), entry()
    assert await store.report_trouble(found, [kept])
    assert await store.report_trouble(other, [])
    assert not await store.report_trouble(again, [dropped])
    assert await store.troubles() == (found, other)
    assert await store.entry(kept.id) is not None
    assert await store.entry(dropped.id) is None
    await store.end_troubles(NOW + MINUTE, [entry()])
    assert [each.ended_at for each in await store.troubles()] == [NOW + MINUTE] * 2
    assert await store.report_trouble(again, [])


async def test_how_far_the_log_was_verified_only_grows(store: Store) -> None:
    assert await store.verified_head() is None
    for each in (head(5), head(9), head(7)):
        await store.keep_verified(each)
    assert await store.verified_head() == head(9)


async def test_our_heads_are_read_by_size_a_page_at_a_time(store: Store) -> None:
    for _ in range(3):
        await store.record([entry(), entry()])
        await store.sequence(10, Sequencer())
    assert [size for size, _ in await store.signed_heads(0, 10)] == [2, 4, 6]
    assert await store.signed_heads(2, 1) == ((4, await store.checkpoint(4)),)
    assert await store.signed_heads(6, 10) == ()
