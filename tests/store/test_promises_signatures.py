"""Promises of the store on signatures: one of them makes one message, whoever shows it again, wherever."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.store.interface import Store
from gateway.store.messages import Acceptance, SignatureUse, Stored
from gateway.store.open import open_store
from tests.store.examples import JAIL, NOW, POLICE, acceptance

MADE = SignatureUse(digest=b"a" * 32, until=NOW)
OTHER = SignatureUse(digest=b"b" * 32, until=NOW + timedelta(minutes=5))


def signed(sender_id: str, signature: SignatureUse = MADE) -> Acceptance:
    return replace(acceptance(sender_id=sender_id), signature=signature)


async def test_a_signature_makes_one_message(store: Store) -> None:
    assert await store.accept(signed("one")) is Stored.STORED
    assert await store.accept(signed("two")) is Stored.REPLAYED
    assert await store.accept(signed("two", OTHER)) is Stored.STORED


async def test_of_a_replayed_message_nothing_is_written_and_its_id_stays_free(store: Store) -> None:
    await store.accept(signed("one"))
    before = await store.counts()
    await store.accept(signed("two"))
    assert await store.counts() == before
    assert await store.known(JAIL, "two") is None
    assert await store.accept(acceptance(sender_id="two")) is Stored.STORED


async def test_a_repeat_under_the_same_id_is_known_whatever_its_signature(store: Store) -> None:
    await store.accept(signed("one"))
    assert await store.accept(signed("one")) is Stored.KNOWN
    assert await store.accept(signed("one", OTHER)) is Stored.KNOWN
    assert await store.accept(signed("two", OTHER)) is Stored.STORED


async def test_a_stale_acceptance_does_not_use_up_its_signature(store: Store) -> None:
    assert await store.accept(replace(signed("one"), configuration=7)) is Stored.STALE
    assert await store.accept(signed("one")) is Stored.STORED


async def test_a_signature_is_its_senders_own(store: Store) -> None:
    await store.accept(signed("one"))
    mine = signed("one")
    assert await store.accept(replace(mine, message=replace(mine.message, sender=POLICE))) is Stored.STORED


async def test_of_many_at_once_with_one_signature_one_is_stored(store_url: str, store: Store) -> None:
    """By two processes, as it were: each store has connections of its own."""
    second = open_store(store_url)
    await second.open()
    tries = [each.accept(signed(f"{number}")) for number in range(20) for each in (store, second)]
    results = await asyncio.gather(*tries)
    await second.close()
    assert results.count(Stored.STORED) == 1
    assert set(results) <= {Stored.STORED, Stored.REPLAYED, Stored.KNOWN}
    assert (await store.counts()).messages == 1


async def test_one_that_is_replayed_fails_nobody_beside_it(store: Store) -> None:
    await store.accept(signed("zero"))
    group = [acceptance(sender_id="a"), signed("b"), acceptance(sender_id="c"), signed("d", OTHER), signed("e", OTHER)]
    results = await asyncio.gather(*(store.accept(each) for each in group))
    assert results[:3] == [Stored.STORED, Stored.REPLAYED, Stored.STORED]
    assert sorted(results[3:]) == [Stored.REPLAYED, Stored.STORED]  # whichever came first


async def test_stale_signatures_are_forgotten_and_others_are_not(store: Store) -> None:
    await store.accept(signed("one"))
    await store.accept(signed("two", OTHER))
    assert (await store.counts()).signatures == 2
    assert await store.forget_signatures(NOW, 10) == 0
    assert await store.forget_signatures(NOW + timedelta(seconds=1), 10) == 1
    assert await store.forget_signatures(NOW + timedelta(seconds=1), 10) == 0
    assert (await store.counts()).signatures == 1
    assert await store.accept(signed("three", OTHER)) is Stored.REPLAYED


async def test_no_more_are_forgotten_at_once_than_asked(store: Store) -> None:
    for number in range(5):
        await store.accept(signed(f"{number}", replace(MADE, digest=bytes([number]) * 32)))
    assert await store.forget_signatures(NOW + timedelta(days=1), 3) == 3
    assert await store.forget_signatures(NOW + timedelta(days=1), 3) == 2
