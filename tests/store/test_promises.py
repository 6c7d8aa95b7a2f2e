"""What every store owes: `gateway/store/interface.py`, each promise on SQLite and on PostgreSQL."""

import asyncio
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from gateway.agency import AgencyId, EndpointKind
from gateway.delivery.delivery import State
from gateway.message import DeliveryId, MessageId
from gateway.store import points
from gateway.store.interface import (
    Agreement,
    AgreementState,
    Credential,
    CredentialKind,
    Exchange,
    Known,
    Store,
    Stored,
    StoredEntry,
    StoreUnavailable,
)
from gateway.store.open import open_store
from tests.store.examples import (
    EVERYBODY,
    FUSION,
    JAIL,
    NOW,
    POLICE,
    PROBATION,
    Sequencer,
    acceptance,
    agency,
    claim_one,
    delivered,
    entry,
    failed,
    new_id,
    refused,
)

MINUTE = timedelta(minutes=1)
LEASE = 2 * MINUTE


@pytest.fixture
async def second(store_url: str):
    """Another node on the same database."""
    opened = open_store(store_url)
    await opened.open()
    yield opened
    await opened.close()


# --- facts and configuration ------------------------------------------------------------------------------------


async def test_a_fact_stands_once_set(store: Store, second: Store) -> None:
    assert await store.fact("keys") is None
    assert await store.set_fact("keys", "one") == "one"
    assert await second.set_fact("keys", "other") == "one"
    assert await second.fact("keys") == "one"


async def test_each_change_of_the_configuration_is_one_version(store: Store, second: Store) -> None:
    assert await store.configuration_version() == 0
    assert await store.change([agency(JAIL)], [entry(type="agency")]) == 1
    assert await second.change([agency(POLICE)], []) == 2
    assert await store.configuration_version() == await second.configuration_version() == 2


async def test_the_configuration_reads_as_it_was_put(store: Store) -> None:
    credential = Credential(
        fingerprint="ab" * 32,
        kind=CredentialKind.CERTIFICATE,
        agency=JAIL,
        not_before=NOW,
        not_after=NOW + timedelta(days=365),
        certificate=b"-----BEGIN CERTIFICATE-----",
    )
    agreement = Agreement(
        mou="JAIL-PD-2026-01", version=1, digest="sha-256:00", state=AgreementState.DRAFT, body=b"mou", changed_at=NOW
    )
    exchange = Exchange(id="custody-release/1.0", digest="sha-256:11", archive=b"PK\x03\x04")
    # The credential comes before the agency that it names: the order of changes in one call does not matter.
    await store.change([credential, agency(JAIL), agreement, exchange], [])
    in_force = replace(agreement, state=AgreementState.IN_FORCE, changed_at=NOW + MINUTE)
    revoked = replace(credential, revoked_at=NOW)
    suspended = replace(agency(JAIL), suspended=True)
    await store.change([in_force, revoked, suspended, replace(exchange, archive=b"PK")], [])
    configuration = await store.configuration()
    assert configuration.version == 2
    assert configuration.agencies == (suspended,)
    assert configuration.credentials == (revoked,)
    assert configuration.agreements == (in_force,)
    assert configuration.exchanges == (replace(exchange, archive=b"PK"),)


async def test_a_change_that_cannot_be_stored_changes_nothing(store: Store) -> None:
    orphan = Credential(
        fingerprint="cd" * 32, kind=CredentialKind.TOKEN, agency=POLICE, not_before=NOW, not_after=NOW + MINUTE
    )
    written = entry(type="agency")
    with pytest.raises(StoreUnavailable):
        await store.change([agency(JAIL), orphan], [written])
    assert await store.configuration_version() == 0
    assert (await store.configuration()).agencies == ()
    assert await store.entry(written.id) is None


# --- accept -----------------------------------------------------------------------------------------------------


async def test_an_accepted_message_is_there_with_all_that_belongs_to_it(store: Store, second: Store) -> None:
    wanted = acceptance(PROBATION, POLICE, size_bytes=9_000)
    assert await store.accept(wanted) is Stored.STORED
    message = await second.message(wanted.message.id)
    assert message is not None
    assert (message.message, message.original, message.receipt) == (wanted.message, wanted.original, wanted.receipt)
    records = await second.disseminations(wanted.message.id)
    assert [record.dissemination.recipient for record in records] == [PROBATION, POLICE] == sorted([PROBATION, POLICE])
    for record, new in zip(records, wanted.disseminations, strict=True):
        assert (record.dissemination, record.payload, record.cover) == (new.dissemination, new.payload, new.cover)
        assert record.delivery == new.delivery
        assert (record.sender, record.exchange) == (JAIL, "custody-release/1.0")
        assert await second.delivery(record.delivery.id) == record
    assert await second.entries_of(wanted.message.id) == tuple(
        StoredEntry(entry=each, index=None) for each in wanted.entries
    )


async def test_a_message_to_nobody_can_be_stored(store: Store) -> None:
    wanted = replace(acceptance(), disseminations=())
    assert await store.accept(wanted) is Stored.STORED
    assert await store.disseminations(wanted.message.id) == ()


async def test_a_second_message_with_the_senders_id_is_known_and_writes_nothing(store: Store, second: Store) -> None:
    first, repeat = acceptance(sender_id="jms-1"), acceptance(sender_id="jms-1")
    assert await store.accept(first) is Stored.STORED
    assert await second.accept(repeat) is Stored.KNOWN
    assert await second.known(JAIL, "jms-1") == Known(
        message=first.message.id, content_digest=first.content_digest, receipt=first.receipt
    )
    assert await store.message(repeat.message.id) is None
    assert await store.entries_of(repeat.message.id) == ()


async def test_ids_of_senders_are_their_own(store: Store) -> None:
    first = acceptance(sender_id="1")
    other = acceptance(sender_id="1")
    other = replace(other, message=replace(other.message, sender=POLICE))
    assert await store.accept(first) is Stored.STORED
    assert await store.accept(other) is Stored.STORED
    assert await store.known(FUSION, "1") is None


async def test_a_message_decided_under_an_old_configuration_is_stale_and_writes_nothing(
    store: Store, second: Store
) -> None:
    wanted = acceptance(sender_id="jms-1")
    await second.change([agency(POLICE)], [])
    assert await store.accept(wanted) is Stored.STALE
    assert await store.known(JAIL, "jms-1") is None
    assert await store.entries_of(wanted.message.id) == ()
    assert await store.accept(replace(wanted, configuration=1)) is Stored.STORED


async def test_a_repeat_is_known_even_when_the_configuration_changed(store: Store) -> None:
    await store.accept(acceptance(sender_id="jms-1"))
    await store.change([agency(POLICE)], [])
    assert await store.accept(acceptance(sender_id="jms-1")) is Stored.KNOWN


async def test_one_known_or_stale_or_broken_message_fails_nobody_else_in_its_batch(store: Store) -> None:
    await store.change([agency(POLICE)], [])
    old = acceptance(sender_id="old", configuration=1)
    assert await store.accept(old) is Stored.STORED
    wanted = [acceptance(configuration=1) for _ in range(40)]
    wanted[3] = acceptance(sender_id="old", configuration=1)
    wanted[5] = acceptance(configuration=0)
    wanted[7] = replace(wanted[7], message=replace(wanted[7].message, id=old.message.id))  # breaks a constraint
    twins = [acceptance(sender_id="twin", configuration=1) for _ in range(3)]
    results = await asyncio.gather(*map(store.accept, wanted + twins), return_exceptions=True)
    assert results[3] is Stored.KNOWN
    assert results[5] is Stored.STALE
    assert isinstance(results[7], StoreUnavailable)
    assert Counter(results[40:]) == {Stored.STORED: 1, Stored.KNOWN: 2}
    others = [place for place in range(40) if place not in (3, 5, 7)]
    assert {results[place] for place in others} == {Stored.STORED}
    for place in others:
        assert await store.message(wanted[place].message.id) is not None
    assert (await store.message(old.message.id)).receipt == old.receipt


async def test_of_many_nodes_that_accept_the_same_id_one_stores_it(store: Store, second: Store) -> None:
    wanted = [acceptance(sender_id=f"jms-{number % 10}") for number in range(80)]
    results = await asyncio.gather(
        *((store if number % 3 else second).accept(each) for number, each in enumerate(wanted))
    )
    assert Counter(results) == {Stored.STORED: 10, Stored.KNOWN: 70}
    assert (await store.counts()).messages == 10


async def test_no_message_is_accepted_under_a_configuration_that_is_gone(store: Store, second: Store) -> None:
    """Acceptances race with changes: each is STORED under the version that stood, or STALE."""
    order: list[tuple[str, object]] = []

    async def accept_some() -> None:
        for _ in range(15):
            version = await store.configuration_version()
            result = await store.accept(acceptance(configuration=version))
            order.append(("accepted" if result is Stored.STORED else "stale", version))
            if result is Stored.STALE:
                assert await store.configuration_version() > version

    async def change_some() -> None:
        for _ in range(15):
            version = await second.change([agency(POLICE)], [])
            # From here on nobody may be accepted under an older version.
            late = await second.accept(acceptance(configuration=version - 1))
            assert late is Stored.STALE

    await asyncio.gather(accept_some(), accept_some(), change_some())
    assert await store.configuration_version() == 15


async def test_a_refusal_does_not_occupy_an_id(store: Store) -> None:
    wanted = refused()
    await store.refuse(wanted)
    await store.refuse(replace(refused(), original=None))
    (found,) = await store.entries_of(wanted.id)
    assert found.entry == wanted.entries[0]
    assert (await store.counts()).messages == 0


async def test_messages_are_listed_newest_first_in_pages(store: Store) -> None:
    wanted = [acceptance() for _ in range(5)]
    for each in wanted:
        await store.accept(each)
    other = acceptance()
    await store.accept(replace(other, message=replace(other.message, sender=POLICE)))
    newest_first = tuple(each.message for each in reversed(wanted))
    page = await store.messages(JAIL, None, 2)
    assert page == newest_first[:2]
    assert await store.messages(JAIL, page[-1].id, 10) == newest_first[2:]
    assert len(await store.messages(None, None, 10)) == 6
    assert await store.messages(None, other.message.id, 1) == newest_first[:1]


# --- every write fails ------------------------------------------------------------------------------------------


def _fails_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """The database breaks at this point, each time."""

    def broken(reached: str) -> None:
        if reached == point:
            # Raised by either library, as each store would see it.
            raise _BrokenDatabase

    monkeypatch.setattr(points, "watch", broken)


class _BrokenDatabase(psycopg.OperationalError, sqlite3.OperationalError):
    """The disk is full, or the connection is gone."""


async def _write(store: Store, kind: str, marker: str) -> object:
    """One write of a kind; its audit entry has the type `marker`."""
    written = (entry(type=marker),)
    if kind == "claim":
        return await claim_one(store)
    if kind in ("settle", "move"):
        claim = await claim_one(store)
        if kind == "settle":
            return await store.settle(claim.lease, delivered(claim.record.delivery), written)
        return await store.move(delivered(claim.record.delivery), expected=State.SENDING, entries=written)
    writes = {
        "accept": lambda: store.accept(replace(acceptance(sender_id="one"), entries=written)),
        "refuse": lambda: store.refuse(replace(refused(), entries=written)),
        "record": lambda: store.record(written),
        "change": lambda: store.change([agency()], written),
        "fact": lambda: store.set_fact("keys", "one"),
        "sequence": lambda: store.sequence(10, Sequencer()),
    }
    return await writes[kind]()


async def _state(store: Store) -> object:
    """All that the writes of `_write` would show."""
    await store.sequence(100, Sequencer())
    return (
        await store.fact("keys"),
        await store.configuration(),
        await store.known(JAIL, "one"),
        {(each.id, each.state, each.attempts) for each in await store.deliveries(None, None, None, 10)},
        [each.entry.type for each in await store.entries(0, 100)],
    )


@pytest.mark.parametrize("kind", points.WRITES)
async def test_a_write_that_fails_writes_nothing(store: Store, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.accept(acceptance())
    before = await _state(store)
    if kind in ("settle", "move"):
        held = await claim_one(store)
        await store.move(replace(held.record.delivery, state=State.WAITING), expected=State.SENDING, entries=[])
        before = await _state(store)
    if kind == "sequence":
        await store.record([entry()])
        size = (await store.counts()).log_size
    _fails_at(monkeypatch, f"{kind}.before-commit")
    with pytest.raises(StoreUnavailable):
        await _write(store, kind, "lost")
    monkeypatch.setattr(points, "watch", None)
    if kind == "sequence":
        assert (await store.counts()).log_size == size
        assert (await store.counts()).unsequenced == 1
    elif kind in ("settle", "move"):
        assert [each.state for each in await store.deliveries(None, None, None, 10)] == [State.SENDING]
        assert "lost" not in [each.entry.type for each in await store.entries(0, 100)]
    else:
        assert await _state(store) == before
    await _write_again(store, kind)


async def _write_again(store: Store, kind: str) -> None:
    """The store works on after an error."""
    if kind not in ("settle", "move"):
        await _write(store, kind, "again")


@pytest.mark.parametrize("kind", points.WRITES)
async def test_a_write_may_fail_although_it_was_stored(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.accept(acceptance())
    before = await _state(store)
    if kind == "sequence":
        await store.record([entry(type="kept")])
    _fails_at(monkeypatch, f"{kind}.after-commit")
    with pytest.raises(StoreUnavailable):
        await _write(store, kind, "kept")
    monkeypatch.setattr(points, "watch", None)
    assert await _state(store) != before


async def test_a_repeat_of_a_message_that_was_stored_unseen_is_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = acceptance(sender_id="jms-1")
    _fails_at(monkeypatch, "accept.after-commit")
    with pytest.raises(StoreUnavailable):
        await store.accept(wanted)
    monkeypatch.setattr(points, "watch", None)
    assert await store.accept(acceptance(sender_id="jms-1")) is Stored.KNOWN
    known = await store.known(JAIL, "jms-1")
    assert known is not None
    assert known.receipt == wanted.receipt


async def test_a_closed_store_says_so(store_url: str) -> None:
    store = open_store(store_url)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.accept(acceptance())
        with pytest.raises(StoreUnavailable):
            await store.configuration_version()
        with pytest.raises(StoreUnavailable):
            await store.configuration()
        await store.open()
        await store.close()


async def test_what_is_under_way_is_finished_when_the_store_closes(store_url: str) -> None:
    store = open_store(store_url)
    await store.open()
    writes = [asyncio.create_task(store.accept(acceptance())) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert {await write for write in writes} == {Stored.STORED}


async def test_a_caller_who_goes_away_disturbs_nobody(store: Store) -> None:
    writes = [asyncio.create_task(store.accept(acceptance())) for _ in range(10)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    assert {await write for write in writes[1::2]} == {Stored.STORED}


# --- claim and settle -------------------------------------------------------------------------------------------


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


# --- recall -----------------------------------------------------------------------------------------------------


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


async def test_messages_of_one_chain_in_one_batch_recall_each_other_in_turn(store: Store) -> None:
    notice = acceptance(POLICE)
    await store.accept(notice)
    later = [acceptance(POLICE, after=notice, recalls=(POLICE,)) for _ in range(6)]
    await asyncio.gather(*map(store.accept, later))
    states = [(await _states(store, each.message.id))[POLICE] for each in (notice, *later)]
    assert Counter(states) == {State.RECALLED: 6, State.WAITING: 1}


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


# --- deliveries and inbox ---------------------------------------------------------------------------------------


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


async def test_a_poller_sees_everything_whoever_commits_first(store: Store, second: Store) -> None:
    """It never goes back, and many nodes write at once: a position below the cursor that is committed later would be lost."""
    seen: list[MessageId] = []
    writing = True

    async def poll() -> None:
        after = 0
        last = False
        while not last:
            last = not writing
            page = await store.inbox(FUSION, after, 50)
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


# --- audit ------------------------------------------------------------------------------------------------------


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
    replay = Sequencer()
    leaves = [each.entry.leaf_hash for each in log]
    head = replace_head(leaves)
    assert replay(head, ()).checkpoint == await store.checkpoint(60)


def replace_head(leaves: list[bytes]):
    """A finished tree with these leaves."""
    from gateway.store.interface import TreeHead

    return TreeHead(size=len(leaves), checkpoint=None, hashes=lambda level, start, count: leaves[start : start + count])


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
