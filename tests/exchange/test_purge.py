"""When time is up our copy is gone, provably, and everything else stays."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.audit import verifier
from gateway.audit.note import NoteKey, NoteSignatureWrong
from gateway.errors import GatewayError
from gateway.exchange.accept import accept
from gateway.exchange.acting import NotAllowed
from gateway.exchange.destroy_early import destroy_early
from gateway.exchange.destruction import check_certificate, destroyed_by, every_run, receipt_key, verify_destruction
from gateway.exchange.evidence import verify_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.holds import HoldRefused, HoldsNothing, HoldUnknown, lift_hold, place_hold
from gateway.exchange.inbox import acknowledge, inbox_cover, inbox_page, inbox_payload
from gateway.exchange.planning import look_at_clock
from gateway.exchange.purge import People, TwoPeopleNeeded, finish_runs, run_purge
from gateway.exchange.status import receipt, status
from gateway.exchange.submission import Submission
from gateway.keys.payload import BucketClosed, KeyGone
from gateway.keys.secret_file import KeysBusy
from gateway.message import MessageId, bucket_name
from gateway.retention.certificate import keys_digest
from gateway.retention.hold import Cause, Scope
from gateway.retention.kept import Kind
from gateway.retention.notice import EXCHANGE
from gateway.retention.plan import Asks, Why
from gateway.store import points
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import JAIL, NAME, POLICE, Deployed, release
from tests.exchange.purging import ana, bo, both, fates, purged, readable

COURT = "Superior Court of Harlan County, order 26-1187"


async def sent(place: Deployed, given: str = "Calvin", id: str = "") -> str:
    return (await place.accept(release(given=given), id)).id


async def until_due(place: Deployed, message: str) -> None:
    """Let the time of everything of this message pass, and of its bucket's week."""
    latest = max(fate.kept.due_at for fate in await fates(place.gateway, message))
    place.clock.moment = latest + timedelta(days=8)


async def kinds(place: Deployed, type: str = "destroy") -> list[str]:
    return [each["kind"] for each in await place.log() if each["type"] == type]


async def test_due_dates_are_fixed_at_intake_and_stand_in_the_log(place: Deployed) -> None:
    message = await sent(place)
    found = await fates(place.gateway, message)
    original = next(each.kept for each in found if each.kept.kind is Kind.ORIGINAL)
    made = [each.kept for each in found if each.kept.kind is Kind.DISSEMINATION]
    assert original.due_at == max(each.due_at for each in made)
    log = await place.log()
    (received,) = (each for each in log if each["type"] == "receive")
    assert received["due_at"][:19] == original.due_at.isoformat()[:19]
    disseminated = {each["dissemination"]: each for each in log if each["type"] == "disseminate"}
    assert {each.id: each.due_at.isoformat()[:19] for each in made} == {
        id: each["due_at"][:19] for id, each in disseminated.items()
    }
    assert {each.id: each.bucket for each in made} == {id: each["bucket"] for id, each in disseminated.items()}


async def test_nothing_is_destroyed_before_its_time(place: Deployed) -> None:
    message = await sent(place)
    first = min(fate.kept.due_at for fate in await fates(place.gateway, message))
    place.clock.moment = first - timedelta(seconds=1)
    outcome = await purged(place)
    assert outcome.ran is None
    assert all((await readable(place.gateway, message)).values())


async def test_what_is_due_is_gone_and_everything_else_still_reads(place: Deployed) -> None:
    gone = await sent(place, id="jms-1")
    place.clock.go(days=20)
    stays = await sent(place, "Desmond")
    await until_due(place, gone)
    place.clock.go(days=-8)  # its week is not over: single keys
    outcome = await purged(place)
    assert outcome.ran is not None
    assert outcome.ran.clean
    assert not any((await readable(place.gateway, gone)).values())
    assert all((await readable(place.gateway, stays)).values())
    assert outcome.ran.destroyed == len(await fates(place.gateway, gone))
    assert {each.destroyed_at for each in await fates(place.gateway, gone)} == {place.clock.moment}
    async with place.second() as other:
        assert not any((await readable(other, gone)).values())
        assert all((await readable(other, stays)).values())


async def test_a_bucket_of_which_nothing_remains_goes_whole(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    outcome = await purged(place)
    assert outcome.ran is not None
    buckets = {fate.kept.bucket for fate in await fates(place.gateway, message)}
    assert buckets <= set(outcome.ran.run.whole)
    assert all(place.gateway.payloads.nodes_in(bucket) == 0 for bucket in buckets)
    assert not any((await readable(place.gateway, message)).values())


async def test_a_destroyed_message_is_answered_with_its_end_whoever_asks(place: Deployed) -> None:
    message = await sent(place, id="jms-1")
    before = await place.gateway.store.message(MessageId(message))
    item = (await inbox_page(place.gateway, POLICE, after=0, limit=10))[0]
    await acknowledge(place.gateway, POLICE, item.delivery)
    await until_due(place, message)
    await purged(place)
    for ask in (
        lambda: inbox_payload(place.gateway, POLICE, item.delivery),
        lambda: inbox_cover(place.gateway, POLICE, item.delivery),
        lambda: receipt(place.gateway, JAIL, "jms-1"),
        lambda: accept(place.gateway, Submission(sender=JAIL, sender_id="jms-1", body=release())),
        lambda: accept(place.gateway, Submission(sender=JAIL, sender_id="jms-1", body=release(given="Otis"))),
    ):
        with pytest.raises(KeyGone) as refused:
            await ask()
        assert refused.value.code == "key.destroyed"
    told = await status(place.gateway, JAIL, "jms-1")
    assert before is not None
    assert told.message == replace(before.message, digest="")
    assert {each.recipient for each in told.deliveries} >= {POLICE}


async def test_refused_submissions_go_after_a_week(place: Deployed) -> None:
    with pytest.raises(GatewayError):
        await place.accept(b"<lonely/>")
    place.clock.go(days=7)
    outcome = await purged(place)
    assert outcome.ran is not None
    (gone,) = await destroyed_by(place.gateway, outcome.ran.run.id)
    assert gone.kind is Kind.REFUSED
    assert not place.gateway.payloads.remembers(gone.bucket, gone.index)


async def test_the_certificate_says_what_how_by_whom_and_is_verified_at_home(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    outcome = await purged(place)
    assert outcome.ran is not None
    key = receipt_key(place.gateway.keys.receipt_signer)
    said = check_certificate(outcome.ran.certificate, key)
    found = await destroyed_by(place.gateway, outcome.ran.run.id)
    assert said["count"] == len(found) == sum(each["count"] for each in said["classes"])
    assert said["method"] == "cryptographic erase, NIST SP 800-88r2"
    assert said["reason"] == "time-is-up"
    assert (said["operator"]["name"], said["second"]["name"]) == ("officer-11", "officer-12")
    assert said["residue"]["result"] == "none"
    assert said["residue"]["searched_for"] > 10
    assert said["residue"]["tried"] == len(found)
    assert said["residue"]["files"] >= 3
    assert said["keys"]["digest"] == keys_digest(found)
    assert set(said["keys"]["buckets"]) == set(outcome.ran.run.whole)
    assert "JAIL-PD-2026-01@1" in {each["mou"] for each in said["classes"]}
    entry = await place.gateway.store.entry(said["log"]["entry"])
    assert entry is not None
    assert (entry.index, entry.entry.leaf_hash.hex()) == (said["log"]["index"], said["log"]["leaf"])
    with pytest.raises(NoteSignatureWrong):
        check_certificate(outcome.ran.certificate.replace('"count":', '"count" :', 1), key)
    stored = await place.gateway.store.run(outcome.ran.run.id)
    assert stored is not None
    assert stored.certificate.decode() == outcome.ran.certificate


async def test_both_people_sign_the_intent_and_an_outsider_can_verify_it(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    outcome = await purged(place)
    assert outcome.ran is not None
    (intent,) = (each for each in await place.log() if each["type"] == "destroy" and each["kind"] == "intent")
    for user, second in (("actor", ""), ("second", "second_")):
        public = place.gateway.current.users[intent[user]].public_key
        verifier.check_act(intent, bytes.fromhex(public), second)
    verifier.check_signers(intent)
    assert outcome.plan.digest == intent["digest"]


async def test_the_log_says_intent_then_certificate_and_stays_whole(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    await purged(place)
    assert await kinds(place) == ["intent", "certificate"]
    signer = place.gateway.keys.log_signer
    report = await verify_log(place.gateway.store, [NoteKey(signer.name, signer.public_bytes)], origin=NAME)
    assert (report.root_ok, report.findings, report.entries) == (True, (), len(await place.log()))


async def test_nothing_is_done_twice(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    first, second = await purged(place), await purged(place)
    assert first.ran is not None
    assert second.ran is None or second.ran.destroyed == 0


# --- two people -------------------------------------------------------------------------------------------------


def few_are_many(place: Deployed) -> None:
    """Settings under which the smallest run takes two people."""
    asked = place.gateway.settings.retention.model_copy(update={"second_person_from": 1})
    place.gateway.settings = place.gateway.settings.model_copy(update={"retention": asked})


async def test_a_large_share_takes_two_people(place: Deployed) -> None:
    few_are_many(place)
    await place.gateway.store.see(await look_at_clock(place.gateway))
    message = await sent(place)
    latest = max(fate.kept.due_at for fate in await fates(place.gateway, message))
    while place.clock.moment < latest:
        place.clock.go(hours=23)
        await look_at_clock(place.gateway)
    for people in (People(program="worker"), People(first=await ana(place))):
        with pytest.raises(TwoPeopleNeeded) as refused:
            await run_purge(place.gateway, people)
        assert refused.value.asked == (Asks.SHARE,)
    with pytest.raises(TwoPeopleNeeded):
        await run_purge(place.gateway, People(first=await ana(place), second=await ana(place)))
    assert all((await readable(place.gateway, message)).values())
    assert (await purged(place)).ran is not None


async def test_a_clock_that_jumped_takes_two_people_until_they_have_looked(place: Deployed) -> None:
    await look_at_clock(place.gateway)
    message = await sent(place)
    await until_due(place, message)
    await sent(place, "Desmond")  # what is written after the jump hides nothing
    for _ in range(3):
        with pytest.raises(TwoPeopleNeeded) as refused:
            await run_purge(place.gateway, People(program="worker"))
        assert refused.value.asked == (Asks.CLOCK,)
        place.clock.go(hours=1)
    assert (await purged(place)).ran is not None
    seen = await place.gateway.store.seen()
    assert seen is not None
    assert not seen.jumped


async def test_an_empty_bucket_on_a_clock_that_jumped_takes_two_people(place: Deployed) -> None:
    """It may be one of weeks to come: closed, it would refuse all that is due then once the clock is right again."""
    await look_at_clock(place.gateway)
    now, safe = place.clock.moment, place.gateway.payloads
    bucket = bucket_name(now + timedelta(days=70))
    safe.seal_salted(b"never stored", bucket=bucket, aad=b"", random=bytes(17))
    place.clock.go(days=400)
    with pytest.raises(TwoPeopleNeeded) as refused:
        await run_purge(place.gateway, People(program="worker"))
    assert refused.value.asked == (Asks.CLOCK,)
    place.clock.moment = now
    assert safe.seal_salted(b"stored", bucket=bucket, aad=b"", random=bytes(17))


async def test_two_people_of_an_agency_who_stand_for_one_message_do_not_confirm_the_clock(place: Deployed) -> None:
    await look_at_clock(place.gateway)
    message, other = await sent(place), await sent(place, "Desmond")
    await until_due(place, message)
    people = {"by": await ana(place, JAIL), "second": await bo(place, JAIL)}
    await destroy_early(place.gateway, [MessageId(message)], reason=Why.OWNER, **people)
    seen = await place.gateway.store.seen()
    assert seen is not None
    assert seen.jumped
    with pytest.raises(TwoPeopleNeeded) as refused:
        await run_purge(place.gateway, People(program="worker"))
    assert Asks.CLOCK in refused.value.asked
    assert all((await readable(place.gateway, other)).values())


async def test_a_small_run_on_a_good_clock_goes_by_itself(place: Deployed) -> None:
    await look_at_clock(place.gateway)
    with pytest.raises(GatewayError):
        await place.accept(b"<lonely/>")
    for _ in range(8 * 24):
        place.clock.go(hours=1)
        await look_at_clock(place.gateway)
    outcome = await run_purge(place.gateway, People(program="worker"))
    assert outcome.ran is not None
    said = check_certificate(outcome.ran.certificate, receipt_key(place.gateway.keys.receipt_signer))
    assert said["operator"]["name"] == "worker"
    assert said["second"] is None


async def test_people_of_an_agency_do_not_stand_for_everybodys_data(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    with pytest.raises(NotAllowed):
        await run_purge(place.gateway, People(first=await ana(place, JAIL), second=await bo(place)))


async def test_one_run_at_a_time(place: Deployed) -> None:
    with place.gateway.payloads.alone(), pytest.raises(KeysBusy):
        await purged(place)


# --- holds ------------------------------------------------------------------------------------------------------


async def test_a_hold_wins_and_its_release_is_looked_at_at_once(place: Deployed) -> None:
    held, free = await sent(place), await sent(place, "Desmond")
    placed = await place_hold(
        place.gateway,
        Scope(message=MessageId(held)),
        cause=Cause.LITIGATION,
        authority=COURT,
        by=await ana(place),
    )
    await until_due(place, held)
    outcome = await purged(place)
    assert outcome.ran is not None
    assert outcome.plan.held == {placed.hold.id: len(await fates(place.gateway, held))}
    assert all((await readable(place.gateway, held)).values())
    assert not any((await readable(place.gateway, free)).values())
    said = check_certificate(outcome.ran.certificate, receipt_key(place.gateway.keys.receipt_signer))
    assert said["held"] == [{"hold": placed.hold.id, "count": len(await fates(place.gateway, held))}]
    lifted = await lift_hold(place.gateway, placed.hold.id, by=await ana(place))
    assert lifted.due == len(await fates(place.gateway, held))
    assert (await purged(place)).ran is not None
    assert not any((await readable(place.gateway, held)).values())
    with pytest.raises(HoldUnknown):
        await lift_hold(place.gateway, placed.hold.id, by=await ana(place))
    assert [each["reason"] for each in await place.log() if each["type"] in {"hold", "release"}] == ["litigation"] * 2


@pytest.mark.parametrize(
    "scope",
    [
        Scope(mou="JAIL-PD-2026-01"),
        Scope(mou="JAIL-PD-2026-01@1"),
        Scope(agency=POLICE),
        Scope(agency=JAIL),
        Scope(exchange="custody-release/1.0"),
    ],
)
async def test_every_scope_keeps_the_whole_message(place: Deployed, scope: Scope) -> None:
    message = await sent(place)
    await place_hold(place.gateway, scope, cause=Cause.AUDIT, authority=COURT, by=await ana(place))
    await until_due(place, message)
    assert (await purged(place)).ran is None
    assert all((await readable(place.gateway, message)).values())


async def test_a_hold_ends_by_itself(place: Deployed) -> None:
    message = await sent(place)
    until = place.clock.moment + timedelta(days=30)
    await place_hold(
        place.gateway,
        Scope(message=MessageId(message)),
        cause=Cause.OTHER,
        authority=COURT,
        by=await ana(place),
        until=until,
    )
    await until_due(place, message)
    assert (await purged(place)).ran is not None


async def test_a_hold_needs_an_authority_and_somebody_who_may(place: Deployed) -> None:
    scope = Scope(agency=POLICE)
    for authority in ("", "x" * 201, "two\nlines"):
        with pytest.raises(HoldRefused):
            await place_hold(place.gateway, scope, cause=Cause.OTHER, authority=authority, by=await ana(place))
    with pytest.raises(NotAllowed):
        await place_hold(place.gateway, scope, cause=Cause.OTHER, authority=COURT, by=await ana(place, JAIL))
    with pytest.raises(NotAllowed):
        await place_hold(place.gateway, scope, cause=Cause.OTHER, authority=COURT, by=await bo(place))
    placed = await place_hold(
        place.gateway, Scope(agency=JAIL), cause=Cause.OTHER, authority=COURT, by=await ana(place, JAIL)
    )
    with pytest.raises(NotAllowed):
        await lift_hold(place.gateway, placed.hold.id, by=await ana(place, POLICE))
    await lift_hold(place.gateway, placed.hold.id, by=await ana(place, JAIL))


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(agency=AgencyId("millbrok-police")), "did you mean 'millbrook-police'"),
        (Scope(mou="JAIL-PD-2026-02"), "there is no agreement JAIL-PD-2026-02 here"),
        (Scope(exchange="custody-release/9.0"), "did you mean 'custody-release/1.0'"),
        (Scope(message=MessageId("HCJ-1")), "the log knows no message with this id"),
    ],
    ids=["agency", "agreement", "record type", "message"],
)
async def test_a_hold_on_what_is_not_here_is_refused_for_it_would_keep_nothing(
    place: Deployed, scope: Scope, said: str
) -> None:
    with pytest.raises(HoldsNothing, match=said):
        await place_hold(place.gateway, scope, cause=Cause.OTHER, authority=COURT, by=await ana(place))
    assert await place.gateway.store.holds() == ()


# --- crashes ----------------------------------------------------------------------------------------------------


class Crash(Exception):
    """As if the process ended here: nothing after it is done."""


def crash_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    def watch(reached: str) -> None:
        if reached == point:
            raise Crash

    monkeypatch.setattr(points, "watch", watch)


@pytest.mark.parametrize("point", points.PURGE_POINTS)
async def test_a_run_that_stops_anywhere_is_finished_or_never_was(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    gone = await sent(place)
    place.clock.go(days=20)
    stays = await sent(place, "Desmond")
    await until_due(place, gone)
    people = await both(place)
    crash_at(monkeypatch, point)
    with contextlib.suppress(Crash, StoreUnavailable):
        await run_purge(place.gateway, people)
    monkeypatch.setattr(points, "watch", None)
    async with place.second() as other:
        await finish_runs(other)
        assert await other.store.unfinished() == ()
        outcome = await run_purge(other, People(first=people.first, second=people.second))
        assert not any((await readable(other, gone)).values())
        assert all((await readable(other, stays)).values())
        runs = [each async for each in _runs(other)]
        assert sum(each.count for each in runs) == len(await fates(other, gone)), outcome
        verified = await verify_destruction(other)
        assert verified.passed
        assert verified.unfinished == 0
        notices = [each for each in await other.store.messages(JAIL, None, 100) if each.exchange == EXCHANGE]
        assert len({each.sender_id for each in notices}) == len(notices)


async def _runs(gateway: Gateway):  # type: ignore[no-untyped-def]
    async for each in every_run(gateway):
        yield each


@pytest.mark.parametrize("point", ["intend.after-commit", points.KEYS_GONE])
async def test_a_hold_that_came_after_a_crash_saves_what_still_has_its_key(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    message, other = await sent(place), await sent(place, "Desmond")
    await until_due(place, message)
    people = await both(place)
    crash_at(monkeypatch, point)
    with pytest.raises((Crash, StoreUnavailable)):
        await run_purge(place.gateway, people)
    monkeypatch.setattr(points, "watch", None)
    placed = await place_hold(
        place.gateway, Scope(message=MessageId(message)), cause=Cause.AUDIT, authority=COURT, by=await ana(place)
    )
    assert placed.running
    (ran,) = await finish_runs(place.gateway)
    saved = point == "intend.after-commit"
    assert all((await readable(place.gateway, message)).values()) is saved
    assert not any((await readable(place.gateway, other)).values())
    assert ran.spared == (len(await fates(place.gateway, message)) if saved else 0)
    assert (await verify_destruction(place.gateway)).passed


async def test_what_is_sealed_while_its_bucket_goes_is_never_lost(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed before the keys of its bucket go, stored after: the sender is told to try again, or it is sealed anew."""
    behind = place.clock.moment  # of a node whose clock stays there: it seals into the old buckets
    gone = await sent(place)
    await until_due(place, gone)
    ahead = place.clock.moment
    people = await both(place)

    store = place.gateway.store
    accept_stored = store.accept

    async def late(acceptance: Any) -> Any:
        monkeypatch.setattr(store, "accept", accept_stored)
        now, place.clock.moment = place.clock.moment, ahead
        await run_purge(place.gateway, people)
        place.clock.moment = now
        return await accept_stored(acceptance)

    monkeypatch.setattr(store, "accept", late)
    place.clock.moment = behind
    with pytest.raises(BucketClosed):
        await sent(place, "Otis")
    far = place.clock.moment + timedelta(days=900)
    assert {each.exchange for each in await place.gateway.store.due(far, None, 99)} <= {EXCHANGE}


# --- shorter agreements -----------------------------------------------------------------------------------------


async def test_partners_are_told_once_and_notices_of_notices_are_not_sent(place: Deployed) -> None:
    message = await sent(place)
    await until_due(place, message)
    outcome = await purged(place)
    assert outcome.ran is not None
    assert outcome.ran.told
    notices = [each for each in await place.gateway.store.messages(JAIL, None, 100) if each.exchange == EXCHANGE]
    for notice in notices:
        await until_due(place, notice.id)
    again = await purged(place)
    assert again.ran is not None
    assert again.ran.told == ()


async def test_a_key_directory_that_came_back_is_found_and_mended(place: Deployed) -> None:
    message = await sent(place)
    buckets = {path: path.read_bytes() for path in (place.directory / "keys" / "buckets").glob("*.key")}
    await until_due(place, message)
    place.clock.go(days=-8)
    await purged(place)
    assert (await verify_destruction(place.gateway)).passed
    for path, content in buckets.items():
        path.write_bytes(content)
    found = await verify_destruction(place.gateway)
    assert not found.passed
    assert found.runs[0].opened == len(await fates(place.gateway, message))
    await verify_destruction(place.gateway, mend=True)
    assert (await verify_destruction(place.gateway)).passed


async def test_canaries_are_searched_for_where_a_person_says(place: Deployed) -> None:
    canary = place.directory / "backup" / "old.xml"
    canary.parent.mkdir()
    canary.write_bytes(b"x" * 9_000_000 + b"CANARY-4711")
    found = await verify_destruction(place.gateway, canaries=[b"CANARY-4711"], also=[canary.parent])
    assert found.looked is not None
    assert found.looked.found == 1
    assert not found.passed
    assert (await verify_destruction(place.gateway, canaries=[b"CANARY-4711"])).passed
