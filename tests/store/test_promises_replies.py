"""Promises of the store on answers that go to registered addresses; on each database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.agency import AgencyId
from gateway.delivery.course import State
from gateway.delivery.reply import ReplyId
from gateway.message import MessageId
from gateway.retention.certificate import Person
from gateway.retention.plan import Why
from gateway.store import points
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.messages import Stored
from gateway.store.replies import Put
from gateway.store.retention import Intent, Run
from tests.store.examples import (
    AGAIN,
    JAIL,
    NOW,
    POLICE,
    acceptance,
    arrived,
    claim_reply,
    entry,
    new_id,
    new_reply,
    refused,
)
from tests.store.test_promises_failing import break_at, mend

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def claimed(store: Store, push: set[AgencyId], *, limit: int = 10, per_agency: int = 4) -> list[AgencyId]:
    claims = await store.claim_replies(
        now=NOW, lease_until=NOW + MINUTE, limit=limit, per_agency=per_agency, push=frozenset(push)
    )
    return [claim.record.reply.agency for claim in claims]


async def test_a_reply_is_kept_with_its_content_its_entry_and_its_day_of_destruction(store: Store) -> None:
    new = new_reply()
    assert await store.put_reply(new) is Put.NEW
    record = await store.reply(new.reply.id)
    assert record is not None
    assert (record.reply, record.content) == (new.reply, new.content)
    assert await store.entry(new.entry.id) is not None
    (fate,) = await store.kept_of([MessageId(new.reply.id)])
    assert fate.kept == new.kept
    assert (await store.counts()).replies == ((JAIL, State.WAITING, 1),)


async def test_there_is_one_answer_to_one_request_however_often_it_is_asked(store: Store) -> None:
    first, again, other = new_reply(), new_reply(), new_reply(agency=POLICE)
    assert await store.put_reply(first) is Put.NEW
    assert await store.put_reply(again) is Put.UNDER_WAY
    assert await store.put_reply(other) is Put.NEW  # another agency's request is another one
    assert await store.entry(again.entry.id) is None
    await claim_reply(store)
    assert await store.put_reply(new_reply()) is Put.UNDER_WAY
    assert {reply.id for reply in await store.replies(None, None, None, 10)} == {first.reply.id, other.reply.id}


@pytest.mark.parametrize("end", [State.DELIVERED, State.UNDELIVERABLE, State.EXPIRED, State.RECALLED])
async def test_one_that_ended_is_begun_again_under_its_first_id(store: Store, end: State) -> None:
    first = new_reply()
    await store.put_reply(first)
    claim = await claim_reply(store)
    await store.settle_reply(claim.lease, replace(claim.record.reply, state=end, last_error="x.y"), ())
    later = new_reply(at=NOW + 2 * DAY)
    assert await store.put_reply(later) is Put.AGAIN
    record = await store.reply(first.reply.id)
    assert record is not None
    assert record.content == first.content
    assert (record.reply.state, record.reply.attempts, record.reply.last_error) == (State.WAITING, 0, "")
    assert (record.reply.due_at, record.reply.expires_at) == (later.reply.due_at, later.reply.expires_at)
    assert await store.entry(later.entry.id) is None  # it would speak of a reply that is not there
    assert await store.entry(AGAIN + first.reply.id) is not None
    assert await store.reply(later.reply.id) is None


async def test_one_that_ended_and_is_soon_to_be_destroyed_makes_room_for_a_new_one(store: Store) -> None:
    first, later = new_reply(), new_reply(at=NOW + 4 * DAY)
    await store.put_reply(first)
    claim = await claim_reply(store)
    await store.settle_reply(claim.lease, arrived(claim.record.reply), ())
    assert await store.put_reply(later) is Put.NEW
    assert await store.reply(first.reply.id) is None
    (fate,) = await store.kept_of([MessageId(first.reply.id)])  # its key is still destroyed when it is time
    assert fate.destroyed_at is None


async def test_one_that_arrives_while_it_is_asked_again_stays_one(store: Store, second: Store) -> None:
    for number in range(25):
        asked = f"request {number}"
        await store.put_reply(new_reply(asked))
        claim = await claim_reply(store)
        again = [(store, second)[turn % 2].put_reply(new_reply(asked)) for turn in range(6)]
        _, *put = await asyncio.gather(store.settle_reply(claim.lease, arrived(claim.record.reply), ()), *again)
        assert Put.NEW not in put
        for each in await store.replies(None, None, None, 100):
            if each.state is State.WAITING:  # begun again: out of the way of the next
                await store.move_reply(arrived(each), expected=State.WAITING, entries=())
    assert len(await store.replies(None, None, None, 100)) == 25


async def test_it_is_kept_exactly_when_the_message_it_answers_is(store: Store) -> None:
    wanted = acceptance(sender_id="jms-1")
    new = new_reply(message=wanted.message.id)
    assert await store.accept(replace(wanted, reply=new)) is Stored.STORED
    assert await store.reply(new.reply.id) is not None
    entries = await store.entries_of(wanted.message.id)
    assert entries[0].entry.type == "receive"  # a repeat finds its reception first
    assert new.entry.id in {each.entry.id for each in entries}
    known = acceptance(sender_id="jms-1")
    assert await store.accept(replace(known, reply=(unkept := new_reply("two")))) is Stored.KNOWN
    stale = acceptance(configuration=7)
    assert await store.accept(replace(stale, reply=(unkept_too := new_reply("three")))) is Stored.STALE
    assert [await store.reply(each.reply.id) for each in (unkept, unkept_too)] == [None, None]


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("kind", ["accept", "refuse"])
async def test_a_write_that_fails_keeps_both_or_neither(
    store: Store, kind: str, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, new = acceptance(sender_id="jms-1"), new_reply()
    break_at(monkeypatch, f"{kind}.{side}-commit")
    accept = kind == "accept"
    with pytest.raises(StoreUnavailable):
        await (store.accept(replace(wanted, reply=new)) if accept else store.refuse(replace(refused(), reply=new)))
    mend(monkeypatch)
    assert (await store.reply(new.reply.id) is not None) == (side == "after")
    if accept:
        assert (await store.message(wanted.message.id) is not None) == (side == "after")


async def test_a_reply_that_cannot_be_kept_takes_its_message_with_it_and_no_other(store: Store) -> None:
    one = new_reply()
    await store.put_reply(one)
    clash = replace(new_reply("other"), reply=replace(new_reply().reply, id=one.reply.id))
    with pytest.raises(StoreUnavailable):
        await store.accept(replace(acceptance(sender_id="jms-1"), reply=clash))
    assert await store.known(JAIL, "jms-1") is None
    assert await store.accept(acceptance(sender_id="jms-2")) is Stored.STORED


async def test_a_fault_is_kept_with_its_refusal(store: Store) -> None:
    new = new_reply()
    await store.refuse(replace(refused(), reply=new))
    assert await store.reply(new.reply.id) is not None


async def test_claims_are_bounded_in_all_and_for_each_agency_and_only_for_those_that_are_sent_to(store: Store) -> None:
    for number in range(5):
        await store.put_reply(new_reply(str(number), at=NOW - number * MINUTE))
    await store.put_reply(new_reply("p", agency=POLICE))
    assert await claimed(store, {POLICE}, per_agency=0) == []
    assert sorted(await claimed(store, {JAIL, POLICE}, per_agency=2)) == [JAIL, JAIL, POLICE]
    assert await claimed(store, {JAIL, POLICE}, per_agency=2) == []  # two are under way
    assert await claimed(store, {JAIL}, per_agency=4, limit=1) == [JAIL]
    assert await claimed(store, set()) == []


async def test_what_is_due_longest_goes_first_and_what_is_not_due_waits(store: Store) -> None:
    for asked, at in (("late", NOW), ("early", NOW - MINUTE), ("tomorrow", NOW + DAY)):
        await store.put_reply(new_reply(asked, at=at))
    claims = [await claim_reply(store) for _ in range(2)]
    assert [claim.record.reply.due_at for claim in claims] == [NOW - MINUTE, NOW]
    assert [claim.record.reply.attempts for claim in claims] == [1, 1]
    assert await claimed(store, {JAIL}) == []


async def test_no_two_nodes_take_the_same_one_until_a_lease_runs_out(store: Store, second: Store) -> None:
    await store.put_reply(new_reply())
    first = await claim_reply(store)
    assert await claimed(second, {JAIL}) == []
    later = await claim_reply(second, now=NOW + 3 * MINUTE)
    assert later.record.reply.attempts == 2
    assert not await store.settle_reply(first.lease, arrived(first.record.reply), (lost := entry(),))
    assert await store.entry(lost.id) is None
    assert await second.settle_reply(later.lease, arrived(later.record.reply), (entry(),))
    assert not await second.settle_reply(later.lease, arrived(later.record.reply), ())
    (reply,) = await store.replies(State.DELIVERED, JAIL, None, 10)
    assert reply == arrived(later.record.reply)


async def test_a_lease_is_good_for_its_own_reply_only(store: Store) -> None:
    for asked in ("one", "two"):
        await store.put_reply(new_reply(asked))
    one, two = [await claim_reply(store) for _ in range(2)]
    assert not await store.settle_reply(one.lease, arrived(two.record.reply), ())


async def test_a_persons_act_takes_the_lease_away_and_happens_once(store: Store) -> None:
    await store.put_reply(new_reply())
    claim = await claim_reply(store)
    given_up = replace(claim.record.reply, state=State.RECALLED)
    assert not await store.move_reply(given_up, expected=State.WAITING, entries=(lost := entry(),))
    assert await store.entry(lost.id) is None
    assert await store.move_reply(given_up, expected=State.SENDING, entries=(entry(),))
    assert not await store.move_reply(given_up, expected=State.SENDING, entries=())
    assert not await store.settle_reply(claim.lease, arrived(claim.record.reply), ())


async def test_lists_go_backwards_by_key_and_choose(store: Store) -> None:
    news = [new_reply(str(number), agency=(JAIL, POLICE)[number % 2]) for number in range(5)]
    for new in news:
        await store.put_reply(new)
    ids = [new.reply.id for new in reversed(news)]
    assert [each.id for each in await store.replies(None, None, None, 3)] == ids[:3]
    assert [each.id for each in await store.replies(None, None, ids[2], 3)] == ids[3:]
    assert [each.id for each in await store.replies(State.WAITING, POLICE, None, 9)] == [ids[1], ids[3]]
    assert await store.replies(State.EXPIRED, None, None, 9) == ()
    assert await store.reply(ReplyId("nothing")) is None


async def test_counts_tell_what_was_given_up(store: Store) -> None:
    await store.put_reply(new_reply())
    claim = await claim_reply(store)
    await store.settle_reply(claim.lease, replace(claim.record.reply, state=State.UNDELIVERABLE), ())
    assert (await store.counts()).replies == ((JAIL, State.UNDELIVERABLE, 1),)


async def test_a_destroyed_one_leaves_nothing_and_its_worker_writes_nothing(store: Store) -> None:
    wanted = acceptance()
    new = new_reply(message=wanted.message.id)
    await store.accept(replace(wanted, reply=new))
    claim = await claim_reply(store)
    assert new.kept in [fate.kept for fate in await store.kept_of([wanted.message.id])]
    run = Run(
        id=new_id(),
        why=Why.TIME_IS_UP,
        at=NOW,
        operator=Person(name="worker"),
        second=None,
        entry=new_id(),
        whole=(),
        plan="{}",
        count=1,
    )
    assert await store.intend(Intent(run=run, items=(new.reply.id,), hold_acts=0, entries=()))
    assert await store.content_left(run.id) == 0  # nothing of it is destroyed yet
    await store.destroy(run.id, [new.reply.id], NOW)
    assert await store.reply(new.reply.id) is None
    assert await store.content_left(run.id) == 0
    assert not await store.settle_reply(claim.lease, arrived(claim.record.reply), ())
    fates = {fate.kept.id: fate.destroyed_at for fate in await store.kept_of([wanted.message.id])}
    assert fates[new.reply.id] == NOW


def test_the_points_of_replies_are_points() -> None:
    assert {f"{kind}.before-commit" for kind in points.REPLY_WRITES} <= set(points.POINTS)
