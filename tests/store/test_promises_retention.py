"""Promises of the store on what is kept and how it ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.message import MessageId
from gateway.retention.certificate import Person
from gateway.retention.hold import Cause, Hold, Scope
from gateway.retention.kept import Kept, Kind
from gateway.retention.plan import Why
from gateway.retention.seen import Seen
from gateway.store import points
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.messages import Acceptance, Stored
from gateway.store.retention import Attestation, Finish, Intent, Run
from gateway.user import UserId
from tests.store.examples import JAIL, NOW, POLICE, PROBATION, acceptance, entry, new_id, refused, release
from tests.store.test_promises_failing import break_at, mend

DAY = timedelta(days=1)


def kept_of(made: Acceptance, *, due: timedelta = DAY, bucket: str = "2027-W05") -> Acceptance:
    """The same, with what a gateway writes of how long it is kept."""
    message = made.message

    def kept(kind: Kind, id: str, index: int, **more: str) -> Kept:
        return Kept(
            id=id,
            kind=kind,
            message=message.id,
            sender=message.sender,
            exchange=message.exchange,
            at=message.received_at,
            counts_from=NOW,
            due_at=NOW + due,
            bucket=bucket,
            index=index,
            **more,
        )

    return replace(
        made,
        original=replace(made.original, bucket=bucket),
        kept=kept(Kind.ORIGINAL, message.id, made.original.index),
        disseminations=tuple(
            replace(
                new,
                payload=replace(new.payload, bucket=bucket),
                kept=kept(
                    Kind.DISSEMINATION,
                    new.dissemination.id,
                    new.payload.index,
                    recipient=new.dissemination.recipient,
                    mou=f"{new.dissemination.mou}@{new.dissemination.mou_version}",
                    clause=new.dissemination.clauses[0],
                ),
            )
            for new in made.disseminations
        ),
    )


async def stored(store: Store, *recipients: str, due: timedelta = DAY, bucket: str = "2027-W05", **more) -> Acceptance:
    made = kept_of(acceptance(*recipients, **more), due=due, bucket=bucket)
    assert await store.accept(made) is Stored.STORED
    return made


def parts(made: Acceptance) -> list[Kept]:
    found = [made.kept, *(new.kept for new in made.disseminations)]
    return [each for each in found if each is not None]


def ids(made: Acceptance) -> list[str]:
    return sorted(each.id for each in parts(made))


def run_of(*, whole: tuple[str, ...] = (), count: int = 2) -> Run:
    return Run(
        id=new_id(),
        why=Why.TIME_IS_UP,
        at=NOW,
        operator=Person(name="worker"),
        second=Person(name="bo", agency="harlan-county-jail", fingerprint="ab" * 32),
        entry=new_id(),
        whole=whole,
        plan="{}",
        count=count,
    )


async def intended(store: Store, items: list[str], *, whole: tuple[str, ...] = ()) -> Run:
    run = run_of(whole=whole, count=len(items))
    acts = await store.hold_acts()
    assert await store.intend(Intent(run=run, items=items, hold_acts=acts, entries=(entry(type="destroy"),)))
    return run


def hold_of(**scope: object) -> Hold:
    return Hold(
        id=new_id(),
        scope=Scope(**scope),  # type: ignore[arg-type]
        cause=Cause.LITIGATION,
        authority="Superior Court, order 26-1187",
        by=UserId("ana"),
        agency=JAIL,
        at=NOW,
        until=NOW + 30 * DAY,
    )


async def test_what_is_kept_is_stored_with_its_message_and_falls_due(store: Store, second: Store) -> None:
    soon, late = await stored(store, POLICE, PROBATION), await stored(store, due=5 * DAY)
    assert list(await second.due(NOW, None, 10)) == []
    due = await second.due(NOW + DAY, None, 10)
    assert sorted(due, key=lambda each: each.id) == sorted(parts(soon), key=lambda each: each.id)
    assert len(await second.due(NOW + 5 * DAY, None, 10)) == len(parts(soon)) + len(parts(late))
    held = await second.holding(NOW + DAY)
    assert (held.kept, held.due, held.oldest_due) == (5, 3, NOW + DAY)


async def test_due_ones_come_page_by_page(store: Store) -> None:
    for week in (3, 1, 2):
        await stored(store, bucket=f"2027-W0{week}")
    seen: list[Kept] = []
    while page := await store.due(NOW + DAY, (seen[-1].bucket, seen[-1].id) if seen else None, 2):
        seen += page
    assert [each.bucket for each in seen] == ["2027-W01"] * 2 + ["2027-W02"] * 2 + ["2027-W03"] * 2
    assert len({each.id for each in seen}) == 6


async def test_refused_ones_and_what_was_written_of_a_release_are_kept_too(store: Store) -> None:
    message = await stored(store)
    wanted = release(message)
    text = replace(message.kept, id=f"{wanted.disseminations[0].dissemination.id}/because", kind=Kind.BECAUSE)
    await store.release(replace(wanted, kept=text))
    submission = refused()
    mine = replace(message.kept, id=submission.id, message=submission.id, kind=Kind.REFUSED, exchange="")
    await store.refuse(replace(submission, kept=mine))
    assert {each.id for each in await store.due(NOW + DAY, None, 10)} == {*ids(message), text.id, mine.id}
    assert {each.kept.id for each in await store.kept_of([message.message.id])} == {*ids(message), text.id}
    assert [each.kept for each in await store.kept_of([submission.id])] == [mine]


async def test_a_due_date_moves_forward_and_never_back(store: Store) -> None:
    message = await stored(store, due=5 * DAY)
    await store.move_due([replace(each, due_at=NOW + DAY) for each in parts(message)], (entry(),))
    assert len(await store.due(NOW + DAY, None, 10)) == 2
    await store.move_due([replace(each, due_at=NOW + 9 * DAY) for each in parts(message)], ())
    assert {each.kept.due_at for each in await store.kept_of([message.message.id])} == {NOW + DAY}


async def test_a_run_destroys_its_own_and_leaves_what_lists_and_the_log_need(store: Store, second: Store) -> None:
    gone, stays = await stored(store, POLICE, PROBATION), await stored(store)
    run = await intended(store, ids(gone))
    assert [each.kept.id for each in await second.items(run.id, "", 10)] == ids(gone)
    assert {each.id for each in await second.due(NOW + DAY, None, 10)} == set(ids(stays))
    await store.destroy(run.id, ids(gone), NOW)
    record = await second.message(gone.message.id)
    assert record is not None
    assert (record.original.ciphertext, record.original.nonce, record.receipt, record.message.digest) == (
        b"",
        b"",
        b"",
        "",
    )
    assert (record.original.bucket, record.original.index) == (gone.original.bucket, gone.original.index)
    assert replace(record.message, digest=gone.message.digest) == gone.message
    for each in await second.disseminations(gone.message.id):
        assert (each.payload.ciphertext, each.payload.nonce, each.cover, each.dissemination.payload_digest) == (
            b"",
            b"",
            b"",
            "",
        )
        assert each.dissemination.redactions
    known = await second.known(JAIL, gone.message.sender_id)
    assert known is not None
    assert (known.message, known.content_digest, known.receipt) == (gone.message.id, b"", b"")
    assert await second.entries_of(gone.message.id) == await store.entries_of(gone.message.id) != ()
    whole = await second.message(stays.message.id)
    assert whole is not None
    assert (whole.original, whole.receipt) == (stays.original, stays.receipt)
    (other,) = await second.disseminations(stays.message.id)
    assert (other.payload, other.cover) == (stays.disseminations[0].payload, stays.disseminations[0].cover)
    assert (await second.holding(NOW)).kept == 2
    assert {each.destroyed_at for each in await second.items(run.id, "", 10)} == {NOW}


async def test_destroying_again_is_as_good_as_once(store: Store) -> None:
    gone = await stored(store)
    run = await intended(store, ids(gone))
    await store.destroy(run.id, ids(gone)[:1], NOW)
    await store.destroy(run.id, ids(gone), NOW + DAY)
    assert [each.destroyed_at for each in await store.items(run.id, "", 10)] == [NOW, NOW + DAY]
    await store.destroy(run.id, ids(gone), NOW + 2 * DAY)
    assert [each.destroyed_at for each in await store.items(run.id, "", 10)] == [NOW, NOW + DAY]


async def test_only_what_the_run_names_is_destroyed(store: Store) -> None:
    gone, stays = await stored(store), await stored(store)
    run = await intended(store, ids(gone))
    await store.destroy(run.id, [*ids(gone), *ids(stays)], NOW)
    record = await store.message(stays.message.id)
    assert record is not None
    assert record.original == stays.original


async def test_refused_ones_and_texts_are_destroyed_too(store: Store) -> None:
    message = await stored(store)
    wanted = release(message)
    about = wanted.disseminations[0].dissemination.id
    text = replace(message.kept, id=f"{about}/because", kind=Kind.BECAUSE)
    await store.release(replace(wanted, kept=text))
    submission = refused()
    mine = replace(message.kept, id=submission.id, message=submission.id, kind=Kind.REFUSED, exchange="")
    await store.refuse(replace(submission, kept=mine))
    run = await intended(store, [text.id, mine.id])
    await store.destroy(run.id, [text.id, mine.id], NOW)
    left = await store.because(about)
    assert left is not None
    assert left.ciphertext == b""
    assert (await store.holding(NOW)).kept == 2


async def test_nothing_is_in_two_runs(store: Store) -> None:
    gone = await stored(store)
    await intended(store, ids(gone))
    again = Intent(run=run_of(), items=ids(gone), hold_acts=0, entries=(entry(),))
    assert not await store.intend(again)
    assert len(await store.unfinished()) == 1


async def test_a_hold_that_came_in_between_stops_the_run(store: Store, second: Store) -> None:
    gone = await stored(store)
    acts = await store.hold_acts()
    await second.place_hold(hold_of(message=gone.message.id), (entry(type="hold"),))
    assert not await store.intend(Intent(run=run_of(), items=ids(gone), hold_acts=acts, entries=(entry(),)))
    assert await store.unfinished() == ()
    lifted = replace((await store.holds())[0], released_at=NOW, released_by=UserId("bo"))
    acts = await store.hold_acts()
    await second.place_hold(lifted, ())
    assert not await store.intend(Intent(run=run_of(), items=ids(gone), hold_acts=acts, entries=(entry(),)))
    assert await second.holds() == (lifted,)


async def test_a_bucket_that_holds_something_else_does_not_go_whole(store: Store) -> None:
    gone = await stored(store)
    await stored(store)
    run = run_of(whole=("2027-W05",))
    assert not await store.intend(Intent(run=run, items=ids(gone), hold_acts=0, entries=(entry(),)))
    assert len(await store.remaining("2027-W05")) == 4


async def test_what_was_decided_before_a_bucket_went_is_decided_again(store: Store) -> None:
    """It is sealed with keys that are destroyed by the time it is stored."""
    gone = await stored(store)
    late = kept_of(acceptance())
    await intended(store, ids(gone), whole=("2027-W05",))
    assert await store.accept(late) is Stored.STALE
    assert await store.configuration_version() == 1


async def test_single_keys_disturb_nobody(store: Store) -> None:
    gone = await stored(store)
    await intended(store, ids(gone))
    assert await store.accept(kept_of(acceptance())) is Stored.STORED


async def test_a_run_is_unfinished_until_its_certificate_is_there(store: Store, second: Store) -> None:
    gone = await stored(store)
    run = await intended(store, ids(gone))
    assert await second.unfinished() == (run,)
    asked = Attestation(
        notice=gone.disseminations[0].dissemination.id,
        delivery=gone.disseminations[0].delivery.id,
        run=run.id,
        message=gone.message.id,
        owner=JAIL,
        recipient=POLICE,
        asked_at=NOW,
        attest_by=NOW + DAY,
    )
    finish = Finish(run=run.id, at=NOW, certificate=b"signed", entries=(entry(type="destroy"),), attestations=(asked,))
    await store.finish(finish)
    size = (await store.counts()).unsequenced
    await store.finish(replace(finish, certificate=b"another", entries=(entry(type="destroy"),)))
    assert (await store.counts()).unsequenced == size
    assert await second.unfinished() == ()
    done = replace(run, done_at=NOW, certificate=b"signed")
    assert await second.run(run.id) == done
    assert await second.runs(NOW, NOW + DAY, "", 10) == (done,)
    assert await second.runs(None, NOW, "", 10) == ()
    assert await second.attestations(open_only=True) == (asked,)
    attested = replace(asked, attested_at=NOW + DAY, attested_by="lee", document="sha-256:" + "ab" * 32)
    assert await store.attest(attested, (entry(),))
    assert not await second.attest(attested, (entry(),))
    assert await second.attestations(open_only=True) == ()
    assert await second.attestations(open_only=False) == (attested,)


async def test_what_is_spared_falls_due_again(store: Store) -> None:
    gone = await stored(store)
    run = await intended(store, ids(gone))
    await store.spare(run.id, ids(gone)[:1], (entry(),))
    assert [each.id for each in await store.due(NOW + DAY, None, 10)] == ids(gone)[:1]
    await store.destroy(run.id, ids(gone), NOW)
    assert (await store.holding(NOW)).kept == 1


async def test_what_still_waits_of_a_run_is_told(store: Store) -> None:
    gone, other = await stored(store, POLICE, PROBATION), await stored(store)
    run = await intended(store, ids(gone))
    assert set(await store.waiting_in(run.id)) == {new.delivery.id for new in gone.disseminations}
    assert other.disseminations[0].delivery.id not in await store.waiting_in(run.id)


async def test_what_is_kept_under_a_version_is_told(store: Store) -> None:
    made = await stored(store, POLICE, PROBATION)
    mine = sorted(new.dissemination.id for new in made.disseminations)
    assert [each.id for each in await store.kept_under("JAIL-PD-2026-01@1", "", 10)] == mine
    assert [each.id for each in await store.kept_under("JAIL-PD-2026-01@1", mine[0], 10)] == mine[1:]
    assert await store.kept_under("JAIL-PD-2026-01@2", "", 10) == ()


async def test_the_clock_is_remembered(store: Store, second: Store) -> None:
    assert await store.seen() is None
    await store.see(Seen(at=NOW))
    await second.see(Seen(at=NOW + DAY, jumped_from=NOW))
    assert await store.seen() == Seen(at=NOW + DAY, jumped_from=NOW)


async def test_every_scope_of_a_hold_comes_back(store: Store) -> None:
    held = [
        hold_of(message=MessageId(new_id())),
        hold_of(mou="JAIL-PD-2026-01@1", agency=POLICE),
        hold_of(exchange="custody-release/1.0", since=NOW, until=NOW + DAY),
    ]
    for each in held:
        await store.place_hold(each, ())
    assert list(await store.holds()) == held
    assert await store.hold_acts() == 3


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("kind", points.RETENTION)
async def test_a_write_that_fails_is_whole_or_not_there_and_can_be_repeated(
    store: Store, kind: str, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await stored(store)
    run = run_of()
    intent = Intent(run=run, items=ids(gone), hold_acts=0, entries=(entry(type="destroy"),))
    asked = Attestation(
        notice=gone.disseminations[0].dissemination.id,
        delivery=gone.disseminations[0].delivery.id,
        run=run.id,
        message=gone.message.id,
        owner=JAIL,
        recipient=POLICE,
        asked_at=NOW,
        attest_by=NOW + DAY,
    )
    finish = Finish(run=run.id, at=NOW, certificate=b"signed", entries=(entry(),), attestations=(asked,))
    if kind in {"destroy", "finish", "attest"}:
        assert await store.intend(intent)
    if kind == "attest":
        await store.finish(finish)
    writes = {
        "retain": lambda: store.see(Seen(at=NOW)),
        "intend": lambda: store.intend(intent),
        "destroy": lambda: store.destroy(run.id, ids(gone), NOW),
        "finish": lambda: store.finish(finish),
        "hold": lambda: store.place_hold(hold_of(mou="X"), (entry(),)),
        "attest": lambda: store.attest(replace(asked, attested_at=NOW, attested_by="lee"), (entry(),)),
    }

    async def shows() -> object:
        return (
            await store.seen(),
            await store.unfinished(),
            await store.runs(None, None, "", 10),
            await store.holding(NOW + DAY),
            await store.message(gone.message.id),
            await store.holds(),
            await store.attestations(open_only=False),
            (await store.counts()).unsequenced,
        )

    before = await shows()
    break_at(monkeypatch, f"{kind}.{side}-commit")
    with pytest.raises(StoreUnavailable):
        await writes[kind]()
    mend(monkeypatch)
    if side == "before":
        assert await shows() == before
        await writes[kind]()
    assert await shows() != before
