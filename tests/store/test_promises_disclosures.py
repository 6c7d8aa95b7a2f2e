"""Promises of the store on the disclosure index."""

import asyncio
from dataclasses import replace

from gateway.message import Filed
from gateway.store.interface import Store
from gateway.store.messages import Stored
from tests.store.examples import POLICE, acceptance, agency, entry, filed, order, release

FIRST, LAST = -(2**63), 2**63 - 1
"""The least and the greatest token."""


async def found(store: Store, *tokens: int) -> list[Filed]:
    return [each.filed for each in await store.disclosures(tokens)]


async def test_rows_come_with_their_message_and_are_found_by_each_token(store: Store, second: Store) -> None:
    one, other = filed(FIRST, 5, LAST), filed(5)
    assert await store.accept(replace(acceptance(POLICE), disclosures=(one, other))) is Stored.STORED
    for token in one.tokens:
        assert one in await found(second, token)
    assert await found(second, 5) == [one, other]
    assert await found(second, 6) == await found(second) == []


async def test_rows_are_found_once_whether_they_are_arranged_or_not(store: Store, second: Store) -> None:
    rows = [filed(5, 6, number) for number in range(10, 20)]
    await store.file(rows, [])
    assert (await store.counts()).unarranged == 10
    assert await found(second, 5, 6, 12) == rows
    assert await store.arrange_disclosures(4) == 4
    assert await found(second, 5, 6, 12) == rows
    assert await asyncio.gather(store.arrange_disclosures(100), second.arrange_disclosures(100)) in ([6, 0], [0, 6])
    assert (await store.counts()).unarranged == 0
    assert await found(second, 5, 6, 12) == rows
    assert await found(second, 12) == [rows[2]]


async def test_what_is_not_stored_leaves_no_row(store: Store) -> None:
    wanted = acceptance(POLICE, sender_id="one")
    await store.accept(wanted)
    repeat = replace(acceptance(POLICE, sender_id="one"), disclosures=(filed(5),))
    assert await store.accept(repeat) is Stored.KNOWN
    await store.change([agency()], [])
    assert await store.accept(replace(acceptance(POLICE), disclosures=(filed(5),))) is Stored.STALE
    assert await store.release(replace(release(wanted), disclosures=(filed(5),))) is Stored.STALE
    assert await found(store, 5) == []


async def test_an_emergency_release_has_rows_too(store: Store, second: Store) -> None:
    message = acceptance(POLICE)
    await store.accept(message)
    row = filed(5)
    assert await store.release(replace(release(message), disclosures=(row,))) is Stored.STORED
    assert await found(second, 5) == [row]


async def test_a_generation_is_dropped_piece_by_piece_and_nothing_else(store: Store, second: Store) -> None:
    old, new = [filed(5) for _ in range(5)], filed(5, generation="2026-Q2.1")
    await store.file([*old, new], [])
    await store.arrange_disclosures(3)
    assert await second.oldest_generation() == "2026-Q1.1"
    assert await store.drop_disclosures("2026-Q1.1", 4) == 4
    assert await store.drop_disclosures("2026-Q1.1", 4) == 1
    assert await store.drop_disclosures("2026-Q1.1", 4) == 0
    assert await found(second, 5) == [new]
    assert await second.oldest_generation() == "2026-Q2.1"
    assert (await store.counts()).unarranged == 1
    await store.drop_disclosures("2026-Q2.1", 4)
    assert await second.oldest_generation() is None


async def test_expunging_deletes_and_moves_rows_and_remembers_what_is_to_be_destroyed(
    store: Store, second: Store
) -> None:
    gone, old, stays = filed(5, 6), filed(6), filed(7)
    await store.file([gone, old, stays], [])
    await store.arrange_disclosures(2)
    numbers = [each.number for each in await store.disclosures([5, 6])]
    moved, wanted, entries = filed(60, generation="2026-Q1.2"), order(), [entry(type="expunge")]
    assert await store.expunge(wanted, numbers, [moved], entries)
    assert await found(second, 5, 6, 7, 60) == [stays, moved]
    assert await second.expungings() == (wanted,)
    assert await second.entry(entries[0].id) is not None
    done = entry(type="destroy")
    assert await second.expunged(wanted.id, [done])
    assert not await store.expunged(wanted.id, [entry(type="destroy")])
    assert await store.expungings() == ()
    assert await store.entry(done.id) is not None


async def test_expunging_writes_nothing_when_a_row_is_no_longer_there(store: Store) -> None:
    await store.file([filed(5), filed(6)], [])
    numbers = [each.number for each in await store.disclosures([5, 6])]
    assert await store.expunge(order(), numbers[:1], [], [])
    late = entry(type="expunge")
    assert not await store.expunge(order(), numbers, [filed(8)], [late])
    assert [each.tokens for each in await found(store, 5, 6, 8)] == [(6,)]
    assert len(await store.expungings()) == 1
    assert await store.entry(late.id) is None


async def test_numbers_of_deleted_rows_are_not_given_again(store: Store) -> None:
    await store.file([filed(5)], [])
    ((first),) = await store.disclosures([5])
    await store.drop_disclosures("2026-Q1.1", 10)
    await store.file([filed(5)], [])
    (second,) = await store.disclosures([5])
    assert second.number > first.number
