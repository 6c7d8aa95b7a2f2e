"""Promises of the store on deliveries: claim, settle, recall."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.agency import AgencyId
from gateway.delivery.delivery import Delivery, State
from gateway.message import DeliveryId, MessageId
from gateway.store.interface import Store
from gateway.store.log import StoredEntry
from gateway.store.messages import Acceptance, Stored
from tests.store.examples import (
    EVERYBODY,
    FUSION,
    NOW,
    POLICE,
    PROBATION,
    acceptance,
    claim_one,
    delivered,
    entry,
    failed,
    new_id,
)

MINUTE = timedelta(minutes=1)
LEASE = 2 * MINUTE


# --- claim and settle ---------------------------------------------------------------------------------------------


async def test_what_is_claimed_is_under_way_with_one_try_more(store: Store) -> None:
    wanted = acceptance(size_bytes=9_000)
    await store.accept(wanted)
    claim = await claim_one(store)
    (new,) = wanted.disseminations
    assert claim.record.delivery == replace(new.delivery, state=State.SENDING, attempts=1)
    assert (claim.record.payload, claim.record.cover) == (new.payload, new.cover)
    assert await store.claim(now=NOW, lease_until=NOW + LEASE, limit=5, per_recipient=5, push=EVERYBODY) == ()


async def test_only_what_is_due_and_can_be_pushed_is_claimed(store: Store) -> None:
    await store.accept(acceptance(POLICE, due_at=NOW + MINUTE))
    await store.accept(acceptance(PROBATION))
    claims = {"lease_until": NOW + LEASE, "limit": 5, "per_recipient": 5}
    assert await store.claim(now=NOW, push=frozenset({POLICE, FUSION}), **claims) == ()
    assert len(await store.claim(now=NOW + MINUTE, push=frozenset({POLICE, FUSION}), **claims)) == 1
    assert await store.claim(now=NOW, push=frozenset(), **claims) == ()


async def test_urgent_ones_go_first_then_the_longest_due(store: Store) -> None:
    late = acceptance(POLICE, due_at=NOW - 2 * MINUTE)
    later = acceptance(PROBATION, due_at=NOW - 3 * MINUTE)
    urgent = acceptance(FUSION, urgent=True, due_at=NOW - MINUTE)
    for each in (late, later, urgent):
        await store.accept(each)
    claims = await store.claim(now=NOW, lease_until=NOW + LEASE, limit=2, per_recipient=5, push=EVERYBODY)
    assert [claim.record.dissemination.message for claim in claims] == [urgent.message.id, later.message.id]


async def test_one_recipient_takes_no_more_than_its_share(store: Store, second: Store) -> None:
    for _ in range(6):
        await store.accept(acceptance(POLICE))
    await store.accept(acceptance(PROBATION))
    terms = {"now": NOW, "lease_until": NOW + LEASE, "limit": 10, "push": EVERYBODY}
    first = await store.claim(per_recipient=2, **terms)
    assert Counter(claim.record.dissemination.recipient for claim in first) == {POLICE: 2, PROBATION: 1}
    assert await second.claim(per_recipient=2, **terms) == ()
    more = await second.claim(per_recipient=3, **terms)
    assert [claim.record.dissemination.recipient for claim in more] == [POLICE]


async def test_a_long_lane_does_not_hide_the_others(store: Store) -> None:
    for _ in range(30):
        await store.accept(acceptance(POLICE, due_at=NOW - MINUTE))
    await store.accept(acceptance(PROBATION))
    claims = await store.claim(now=NOW, lease_until=NOW + LEASE, limit=5, per_recipient=2, push=EVERYBODY)
    assert Counter(claim.record.dissemination.recipient for claim in claims) == {POLICE: 2, PROBATION: 1}


async def test_two_of_one_chain_never_travel_to_one_recipient_at_once(store: Store, second: Store) -> None:
    notice = acceptance(POLICE, PROBATION)
    await store.accept(notice)
    await store.accept(acceptance(POLICE, after=notice, urgent=True))
    terms = {"now": NOW, "lease_until": NOW + LEASE, "limit": 10, "per_recipient": 5, "push": EVERYBODY}
    claims = await store.claim(**terms)
    assert sorted(claim.record.dissemination.recipient for claim in claims) == [PROBATION, POLICE]
    assert next(claim for claim in claims if claim.record.dissemination.recipient == POLICE).record.delivery.urgent
    assert await second.claim(**terms) == ()
    for claim in claims:
        assert await store.settle(claim.lease, delivered(claim.record.delivery), [])
    (rest,) = await second.claim(**terms)
    assert rest.record.dissemination.message == notice.message.id


async def test_many_workers_never_get_one_delivery_twice(store: Store, second: Store) -> None:
    for _ in range(12):
        await store.accept(acceptance(POLICE, PROBATION, FUSION))
    got: list[DeliveryId] = []

    async def worker(node: Store) -> None:
        while claims := await node.claim(now=NOW, lease_until=NOW + LEASE, limit=4, per_recipient=100, push=EVERYBODY):
            got.extend(claim.record.delivery.id for claim in claims)
            await asyncio.gather(*(node.settle(claim.lease, delivered(claim.record.delivery), []) for claim in claims))

    await asyncio.gather(*(worker(node) for node in (store, second, store, second)))
    assert len(got) == len(set(got)) == 36
    assert {each.attempts for each in await store.deliveries(State.DELIVERED, None, None, 100)} == {1}


async def test_a_settled_delivery_is_as_its_outcome_says_and_its_entry_is_written(store: Store) -> None:
    wanted = acceptance()
    await store.accept(wanted)
    claim = await claim_one(store)
    outcome = failed(claim.record.delivery)
    written = entry(wanted.message.id, "fail")
    assert await store.settle(claim.lease, outcome, [written])
    record = await store.delivery(outcome.id)
    assert record is not None
    assert record.delivery == outcome
    assert (await store.entry(written.id)) == StoredEntry(entry=written, index=None)
    again = await claim_one(store, now=outcome.due_at)
    assert again.record.delivery.attempts == 2


async def test_a_lease_that_ran_out_is_due_again_and_the_first_worker_writes_nothing(
    store: Store, second: Store
) -> None:
    await store.accept(acceptance())
    slow = await claim_one(store)
    quick = await claim_one(second, now=NOW + LEASE)
    assert quick.record.delivery.attempts == 2
    written = entry(type="deliver")
    assert not await store.settle(slow.lease, delivered(slow.record.delivery), [written])
    assert await store.entry(written.id) is None
    assert await second.settle(quick.lease, delivered(quick.record.delivery), [])
    assert not await second.settle(quick.lease, delivered(quick.record.delivery), [])


async def test_a_lease_that_ran_out_unnoticed_still_settles(store: Store) -> None:
    await store.accept(acceptance())
    claim = await claim_one(store, lease=timedelta(seconds=1))
    assert await store.settle(claim.lease, delivered(claim.record.delivery), [])


async def test_a_lease_is_good_for_one_outcome_even_at_the_same_moment(store: Store) -> None:
    await store.accept(acceptance())
    claim = await claim_one(store)
    outcome = delivered(claim.record.delivery)
    results = await asyncio.gather(*(store.settle(claim.lease, outcome, [entry(type="deliver")]) for _ in range(4)))
    assert sorted(results) == [False, False, False, True]
    assert (await store.counts()).unsequenced == 3


async def test_a_lapsed_try_counts_for_its_chain_but_not_for_its_lane(store: Store) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    lapsed = await claim_one(store)
    await store.accept(acceptance(POLICE, after=notice, urgent=True))
    claims = await store.claim(now=NOW + LEASE, lease_until=NOW + 2 * LEASE, limit=5, per_recipient=1, push=EVERYBODY)
    assert [claim.record.delivery.id for claim in claims] == [lapsed.record.delivery.id]


# --- the order of a chain -----------------------------------------------------------------------------------------


async def _put_off(store: Store, until: datetime) -> Delivery:
    """The one delivery that is due, tried in vain."""
    claim = await claim_one(store)
    waiting = replace(claim.record.delivery, state=State.WAITING, due_at=until, last_error="delivery.http-503")
    assert await store.settle(claim.lease, waiting, [])
    return waiting


async def test_an_older_message_of_a_chain_is_due_with_the_newer_one_and_goes_before_it(
    store: Store, second: Store
) -> None:
    notice, other = acceptance(POLICE, PROBATION), acceptance(POLICE, due_at=NOW + 2 * LEASE)
    for each in (notice, other):
        await store.accept(each)
    terms = {"limit": 9, "per_recipient": 9, "push": EVERYBODY}
    for claim in await store.claim(now=NOW, lease_until=NOW + LEASE, **terms):
        failing = replace(failed(claim.record.delivery), due_at=NOW + 2 * LEASE)
        assert await store.settle(claim.lease, failing, [])
    update = acceptance(POLICE, after=notice)
    await second.accept(update)
    older = await claim_one(store)
    assert older.record.dissemination.message == notice.message.id
    assert older.record.dissemination.recipient == POLICE
    assert await store.settle(older.lease, delivered(older.record.delivery), [])
    assert (await claim_one(store)).record.dissemination.message == update.message.id


async def test_a_newer_message_waits_while_an_older_one_of_its_chain_is_put_off(store: Store) -> None:
    notice = acceptance()
    await store.accept(notice)
    first, second = acceptance(after=notice), acceptance(after=notice, chain_size=4)
    await store.accept(first)
    await store.accept(second)
    await _put_off(store, NOW + LEASE)
    terms = {"limit": 9, "per_recipient": 9, "push": EVERYBODY}
    assert await store.claim(now=NOW, lease_until=NOW + LEASE, **terms) == ()
    arrived = []
    while claims := await store.claim(now=NOW + LEASE, lease_until=NOW + 2 * LEASE, **terms):
        for claim in claims:
            arrived.append(claim.record.dissemination.message)
            assert await store.settle(claim.lease, delivered(claim.record.delivery), [])
    assert arrived == [notice.message.id, first.message.id, second.message.id]


@pytest.mark.parametrize("end", [State.UNDELIVERABLE, State.EXPIRED, State.RECALLED])
async def test_what_has_ended_keeps_no_newer_message_waiting(store: Store, end: State) -> None:
    notice = acceptance()
    await store.accept(notice)
    waiting = await _put_off(store, NOW + LEASE)
    update = acceptance(after=notice, due_at=NOW)
    await store.accept(update)
    assert await store.move(replace(waiting, state=end), expected=State.WAITING, entries=[])
    assert (await claim_one(store)).record.dissemination.message == update.message.id


async def test_what_an_agreement_holds_keeps_no_newer_message_waiting(store: Store) -> None:
    notice = acceptance()
    await store.accept(notice)
    update = acceptance(after=notice)
    await store.accept(update)
    await _put_off(store, NOW + LEASE)
    made = notice.disseminations[0].dissemination
    terms = {"now": NOW, "lease_until": NOW + LEASE, "limit": 9, "per_recipient": 9, "push": EVERYBODY}
    assert await store.claim(**terms) == ()
    (claim,) = await store.claim(held={f"{made.mou}@{made.mou_version}"}, **terms)
    assert claim.record.dissemination.message == update.message.id


async def test_an_urgent_one_waits_for_no_older_one_that_is_put_off_or_not_urgent(store: Store) -> None:
    notice = acceptance()
    await store.accept(notice)
    await _put_off(store, NOW + LEASE)
    urgent = acceptance(after=notice, urgent=True)
    await store.accept(urgent)
    assert (await claim_one(store)).record.dissemination.message == urgent.message.id


async def test_of_two_urgent_ones_that_are_due_the_older_message_goes_first(store: Store) -> None:
    notice = acceptance(urgent=True)
    await store.accept(notice)
    await _put_off(store, NOW + LEASE)
    later = acceptance(after=notice, urgent=True, due_at=NOW - LEASE)
    await store.accept(later)
    await _put_off(store, NOW + LEASE)
    assert (await claim_one(store)).record.dissemination.message == later.message.id


async def test_what_is_over_time_waits_for_nothing(store: Store) -> None:
    notice = acceptance()
    await store.accept(notice)
    update = acceptance(after=notice, due_at=NOW - timedelta(days=3))
    await store.accept(update)
    await _put_off(store, NOW + LEASE)
    assert (await claim_one(store)).record.dissemination.message == update.message.id


async def test_other_recipients_and_other_chains_wait_for_nothing(store: Store) -> None:
    notice = acceptance()
    await store.accept(notice)
    await _put_off(store, NOW + LEASE)
    update, other = acceptance(PROBATION, after=notice), acceptance(POLICE)
    for each in (update, other):
        await store.accept(each)
    terms = {"now": NOW, "lease_until": NOW + LEASE, "limit": 9, "per_recipient": 9, "push": EVERYBODY}
    claims = await store.claim(**terms)
    assert {claim.record.dissemination.message for claim in claims} == {update.message.id, other.message.id}


# --- recall -------------------------------------------------------------------------------------------------------


async def _states(store: Store, message: MessageId) -> dict[AgencyId, State]:
    return {each.dissemination.recipient: each.delivery.state for each in await store.disseminations(message)}


async def test_a_cancellation_recalls_what_still_waits_for_its_recipients_only(store: Store) -> None:
    notice, unrelated = acceptance(POLICE, PROBATION), acceptance(POLICE)
    for each in (notice, unrelated):
        await store.accept(each)
    cancellation = acceptance(POLICE, after=notice, recalls=(POLICE, FUSION), urgent=True)
    assert await store.accept(cancellation) is Stored.STORED
    assert await _states(store, notice.message.id) == {POLICE: State.RECALLED, PROBATION: State.WAITING}
    assert await _states(store, cancellation.message.id) == {POLICE: State.WAITING}
    assert await _states(store, unrelated.message.id) == {POLICE: State.WAITING}


async def test_a_cancellation_recalls_everything_of_the_chain_before_it(store: Store) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    update = acceptance(POLICE, after=notice)
    await store.accept(update)
    await store.accept(acceptance(POLICE, after=update, recalls=(POLICE,)))
    assert await _states(store, notice.message.id) == {POLICE: State.RECALLED}
    assert await _states(store, update.message.id) == {POLICE: State.RECALLED}


@pytest.mark.parametrize("recalls", [(), (POLICE,)])
async def test_of_messages_of_one_chain_at_one_moment_one_is_stored_and_the_others_are_stale(
    store: Store, second: Store, recalls: tuple[AgencyId, ...]
) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    later = [acceptance(POLICE, after=notice, recalls=recalls) for _ in range(12)]
    results = await asyncio.gather(
        *((store if number % 3 else second).accept(each) for number, each in enumerate(later))
    )
    assert Counter(results) == {Stored.STORED: 1, Stored.STALE: 11}
    winner = later[results.index(Stored.STORED)]
    assert await store.chain_messages(notice.message.id) == (notice.message, winner.message)
    for each in later:
        assert (await store.message(each.message.id) is None) == (each is not winner)


async def test_messages_of_one_chain_that_are_decided_again_recall_each_other_in_turn(
    store: Store, second: Store
) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    later = [acceptance(POLICE, after=notice, recalls=(POLICE,)) for _ in range(6)]

    async def decided_until_stored(node: Store, each: Acceptance) -> None:
        while await node.accept(each) is Stored.STALE:
            each = replace(each, chain_size=await node.chain_size(notice.message.id))

    await asyncio.gather(
        *(decided_until_stored(store if number % 2 else second, each) for number, each in enumerate(later))
    )
    states = [(await _states(store, each.message.id))[POLICE] for each in (notice, *later)]
    assert Counter(states) == {State.RECALLED: 6, State.WAITING: 1}


async def test_a_message_of_a_chain_fails_nobody_else_in_its_batch(store: Store) -> None:
    notices = [acceptance(sender_id=f"jms-{number}") for number in range(4)]
    for each in notices:
        await store.accept(each)
    known = acceptance(after=notices[0], chain_size=7, sender_id="jms-0")
    late = acceptance(after=notices[1], chain_size=0)
    wanted = [known, late, acceptance(after=notices[2]), acceptance(), acceptance(after=notices[3])]
    results = await asyncio.gather(*map(store.accept, wanted))
    assert results == [Stored.KNOWN, Stored.STALE, Stored.STORED, Stored.STORED, Stored.STORED]


async def test_a_known_or_stale_cancellation_recalls_nothing(store: Store) -> None:
    notice = acceptance(POLICE, sender_id="jms-1")
    await store.accept(notice)
    repeat = acceptance(POLICE, after=notice, recalls=(POLICE,), sender_id="jms-1")
    assert await store.accept(repeat) is Stored.KNOWN
    assert await store.accept(replace(repeat, configuration=9)) is Stored.KNOWN
    assert await store.accept(acceptance(after=notice, recalls=(POLICE,), configuration=9)) is Stored.STALE
    assert await _states(store, notice.message.id) == {POLICE: State.WAITING}


@pytest.mark.parametrize(("arrived", "ends"), [(False, State.RECALLED), (True, State.DELIVERED)])
async def test_a_try_recalled_under_way_ends_recalled_unless_it_arrived(
    store: Store, second: Store, arrived: bool, ends: State
) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    claim = await claim_one(store)
    await second.accept(acceptance(POLICE, after=notice, recalls=(POLICE,)))
    assert await _states(store, notice.message.id) == {POLICE: State.SENDING}
    outcome = delivered(claim.record.delivery) if arrived else failed(claim.record.delivery)
    assert await store.settle(claim.lease, outcome, [])
    assert await _states(store, notice.message.id) == {POLICE: ends}


async def test_a_recalled_try_whose_worker_is_gone_is_over(store: Store) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    lost = await claim_one(store)
    cancellation = acceptance(POLICE, after=notice, recalls=(POLICE,))
    await store.accept(cancellation)
    next_claim = await claim_one(store, now=NOW + LEASE)
    assert next_claim.record.dissemination.message == cancellation.message.id
    assert await _states(store, notice.message.id) == {POLICE: State.RECALLED}
    assert not await store.settle(lost.lease, delivered(lost.record.delivery), [])


async def test_a_recall_that_races_with_claims_leaves_nothing_waiting(store: Store, second: Store) -> None:
    for _ in range(8):
        notice = acceptance(POLICE, PROBATION)
        await store.accept(notice)
        terms = {"now": NOW, "lease_until": NOW + LEASE, "limit": 1, "per_recipient": 100}
        push = frozenset({POLICE, PROBATION})
        _, *claims = await asyncio.gather(
            second.accept(acceptance(FUSION, after=notice, recalls=(POLICE, PROBATION))),
            store.claim(push=push, **terms),
            second.claim(push=push, **terms),
        )
        for claim in (each for some in claims for each in some):
            assert await store.settle(claim.lease, failed(claim.record.delivery), [])
        assert await _states(store, notice.message.id) == {POLICE: State.RECALLED, PROBATION: State.RECALLED}


async def test_the_whole_chain_names_everybody_who_was_to_get_something(store: Store) -> None:
    notice = acceptance(POLICE, PROBATION)
    update = acceptance(FUSION, after=notice)
    for each in (notice, update, acceptance(FUSION)):
        await store.accept(each)
    chain = await store.chain(notice.message.id)
    assert sorted(record.dissemination.recipient for record in chain) == [PROBATION, POLICE, FUSION]
    assert await store.chain(MessageId(new_id())) == ()


async def test_a_chain_is_all_its_messages_also_those_that_nobody_gets(store: Store) -> None:
    notice = acceptance(POLICE)
    cancellation = replace(acceptance(after=notice), disseminations=())
    for each in (notice, acceptance(), cancellation):
        await store.accept(each)
    assert await store.chain_messages(notice.message.id) == (notice.message, cancellation.message)
    assert await store.chain_messages(MessageId(new_id())) == ()
