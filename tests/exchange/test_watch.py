"""One process watches; each alert is raised once, told by every way, and over when it is over."""

import sqlite3
from datetime import timedelta

import psycopg
import pytest

from gateway.alert.alert import Code, Severity
from gateway.exchange.look import look
from gateway.exchange.resume_log import resume_log
from gateway.exchange.sequence import LogAltered, sequence
from gateway.exchange.watch import LEASE
from gateway.retention.hold import Cause, Hold, Scope
from gateway.store.interface import StoreUnavailable
from gateway.store.open import open_store
from gateway.store.rows import micros
from gateway.user import UserId, UserRole
from gateway.worker import Rhythm, Worker
from tests.exchange.deployed import JAIL, POLICE, Deployed, release
from tests.exchange.officers import officer
from tests.exchange.watching import PretendWay, look_again, watch_of
from tests.full_disk import full_disk

BEHIND = Code.LOG_BEHIND.value
NOT_WRITTEN = Code.LOG_NOT_WRITTEN.value


@pytest.fixture
def mail() -> PretendWay:
    return PretendWay("mail")


@pytest.fixture
def hook() -> PretendWay:
    return PretendWay("webhook")


@pytest.fixture
async def quiet(place: Deployed) -> Deployed:
    """A deployment whose log is in order."""
    await place.log()
    return place


async def standing(place: Deployed) -> dict[str, str]:
    """What stands, with what it is about."""
    return {each.code.value: each.subject for each in await place.gateway.store.alerts() if each.cleared_at is None}


async def test_a_stuck_sequencer_is_told_once_by_every_way_and_over_when_it_is_over(
    quiet: Deployed, mail: PretendWay, hook: PretendWay
) -> None:
    watch = watch_of(quiet.gateway, mail, hook)
    await quiet.accept(release())
    await look_again(watch, quiet.clock, seconds=9)
    assert mail.news(BEHIND) == []
    await look_again(watch, quiet.clock, seconds=2)
    for _ in range(3):
        await look_again(watch, quiet.clock, seconds=10)
    assert mail.news(BEHIND) == hook.news(BEHIND) == ["raised"]
    await quiet.log()
    await look_again(watch, quiet.clock, seconds=5)
    # Its own entry about the alert was ordered with the others.
    assert mail.news(BEHIND) == hook.news(BEHIND) == ["raised", "cleared"]
    said = [each for each in await quiet.log() if each["type"] == "alert" and each["code"] == BEHIND]
    assert [each["action"] for each in said] == ["raised", "cleared"]
    await watch.close()


async def test_another_process_takes_over_and_tells_nothing_twice(quiet: Deployed, mail: PretendWay) -> None:
    first = watch_of(quiet.gateway, mail)
    async with quiet.second() as gateway:
        second = watch_of(gateway, mail, holder="two")
        await quiet.accept(release())
        assert await look_again(first, quiet.clock, seconds=20)
        assert not await second.round()
        assert mail.news(BEHIND) == ["raised"]
        quiet.clock.go(seconds=LEASE.total_seconds() + 1)
        gateway.clock.moment = quiet.clock.now() + timedelta(seconds=1)  # type: ignore[attr-defined]
        second._clocks = None
        assert await second.round()
        assert mail.news(BEHIND) == ["raised"]
        assert not await look_again(first, quiet.clock, seconds=0)
        await first.close()
        await second.close()


async def test_a_way_that_is_closed_is_tried_again_and_the_other_tells_of_it(
    quiet: Deployed, mail: PretendWay, hook: PretendWay
) -> None:
    mail.fails = "alerts.no-answer"
    watch = watch_of(quiet.gateway, mail, hook)
    await quiet.accept(release())
    for seconds in (20, 31, 61, 121, 10):
        await look_again(watch, quiet.clock, seconds=seconds)
    assert mail.tries == 4
    assert mail.told == []
    assert hook.news(Code.NOT_SENT.value) == ["raised"]
    assert (await standing(quiet))[Code.NOT_SENT.value] == "mail"
    assert (
        watch.metrics.registry.get_sample_value(
            "gateway_alerts_told_total", {"way": "mail", "outcome": "alerts.no-answer"}
        )
        == 4
    )
    mail.fails = ""
    await look_again(watch, quiet.clock, hours=1)
    assert mail.news(BEHIND) == ["raised"]
    await look_again(watch, quiet.clock, seconds=10)
    assert hook.news(Code.NOT_SENT.value)[-1] == "cleared"
    await watch.close()


async def test_with_no_way_set_what_stands_is_only_shown(quiet: Deployed) -> None:
    watch = watch_of(quiet.gateway)
    await quiet.accept(release())
    await look_again(watch, quiet.clock, seconds=20)
    assert BEHIND in await standing(quiet)
    assert await quiet.gateway.store.notices(10) == ()
    await watch.close()


# --- no log, no release -------------------------------------------------------------------------------------------


async def accept_many(place: Deployed) -> None:
    """More than the free pages of a file hold."""
    for _ in range(50):
        await place.accept(release())


async def test_a_full_disk_is_told_out_of_memory_within_a_round_and_written_when_it_is_over(
    quiet: Deployed, mail: PretendWay, hook: PretendWay
) -> None:
    hook.fails = "alerts.no-answer"
    watch = watch_of(quiet.gateway, mail, hook)
    await look_again(watch, quiet.clock, seconds=1)
    with full_disk(quiet.gateway.store):
        with pytest.raises(StoreUnavailable):
            await accept_many(quiet)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await look_again(watch, quiet.clock, seconds=10)
        assert quiet.gateway.health.is_failing(quiet.clock.now())
        assert mail.news(NOT_WRITTEN) == ["raised"]
        assert hook.tries == 2  # tried again, with a pause that grows
    hook.fails = ""
    await look_again(watch, quiet.clock, seconds=10)
    assert not quiet.gateway.health.is_failing(quiet.clock.now())
    assert mail.news(NOT_WRITTEN) == ["raised", "cleared"]
    (kept,) = [each for each in await quiet.gateway.store.alerts() if each.code is Code.LOG_NOT_WRITTEN]
    assert kept.cleared_at is not None
    assert kept.cleared_at - kept.raised_at == timedelta(seconds=30)
    await watch.close()


async def test_postgresql_without_room_is_told_in_the_same_way(
    quiet: Deployed, mail: PretendWay, migrated_postgres_url: str
) -> None:
    quiet.gateway.store = store = open_store(migrated_postgres_url)
    await store.open()
    try:
        watch = watch_of(quiet.gateway, mail)
        with psycopg.connect(migrated_postgres_url, autocommit=True) as db:
            db.execute(
                "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
            )
            for table in ("entry", "alert_probe"):
                db.execute(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()")
            with pytest.raises(StoreUnavailable):
                await watch.round()
            assert mail.news(NOT_WRITTEN) == ["raised"]
            for table in ("entry", "alert_probe"):
                db.execute(f"DROP TRIGGER no_room ON {table}")
        await look_again(watch, quiet.clock, seconds=10)
        assert mail.news(NOT_WRITTEN) == ["raised", "cleared"]
        await watch.close()
    finally:
        await store.close()


async def test_a_log_that_was_altered_is_told_and_stays_told_until_two_people_have_decided(
    quiet: Deployed, mail: PretendWay
) -> None:
    await quiet.accept(release())
    with sqlite3.connect(quiet.directory / "gateway.db") as db:
        db.execute("DROP TRIGGER checkpoint_is_not_changed")
        db.execute("DROP TRIGGER checkpoint_is_not_deleted")
        newest = db.execute("SELECT max(size) FROM checkpoint").fetchone()[0]
        body = db.execute("SELECT body FROM checkpoint WHERE size = ?", (newest,)).fetchone()[0]
        db.execute("DELETE FROM checkpoint WHERE size = ?", (newest,))
    db.close()
    worker = Worker(quiet.gateway, {}, ways=(mail,), rhythm=Rhythm())
    with pytest.raises(LogAltered):
        await worker._sequence()
    watch = worker._watch
    await look_again(watch, quiet.clock, seconds=1)
    assert mail.news(Code.LOG_ALTERED.value) == ["raised"]
    with sqlite3.connect(quiet.directory / "gateway.db") as db:
        db.execute("INSERT INTO checkpoint (size, body) VALUES (?, ?)", (newest, body))
    db.close()
    await worker._sequence()
    await look_again(watch, quiet.clock, seconds=1)
    assert mail.news(Code.LOG_ALTERED.value) == ["raised"]
    operators = frozenset({UserRole.OPERATOR})
    people = [await officer(quiet.gateway, number=number, roles=operators) for number in (7, 8)]
    await resume_log(quiet.gateway, reason="database-repaired", first=people[0], second=people[1])
    await look_again(watch, quiet.clock, seconds=1)
    assert mail.news(Code.LOG_ALTERED.value) == ["raised", "cleared"]
    await watch.close()


async def test_an_altered_entry_is_found_by_reading_the_log_again(quiet: Deployed, mail: PretendWay) -> None:
    with sqlite3.connect(quiet.directory / "gateway.db") as db:
        db.execute("DROP TRIGGER entry_is_not_changed")
        db.execute("UPDATE entry SET body = CAST(replace(body, 'init', 'else') AS BLOB) WHERE number = 1")
    db.close()
    watch = watch_of(quiet.gateway, mail)
    for _ in range(3):
        await look_again(watch, quiet.clock, seconds=10)
    assert mail.news(Code.LOG_VERIFY_FAILED.value) == ["raised"]
    await watch.close()


# --- what is looked at ----------------------------------------------------------------------------------------------


async def test_a_look_sees_agreements_keys_and_that_nobody_reviewed_the_log(quiet: Deployed) -> None:
    now = quiet.clock.now()
    seen = await look(quiet.gateway, now)
    assert {each.mou for each in seen.terms} >= {"JAIL-PD-2026-01@1"}
    assert {each.name for each in seen.expiries if each.own} >= {"tls", "cover", "client"}
    assert seen.reviewed is not None
    assert seen.reviewed < now
    assert seen.deliveries == ()


async def test_deliveries_given_up_are_seen_by_recipient(quiet: Deployed, mail: PretendWay) -> None:
    await quiet.accept(release())
    await quiet.log()
    watch = watch_of(quiet.gateway, mail)
    await look_again(watch, quiet.clock, minutes=16)
    found = {each.code: each for each in await quiet.gateway.store.alerts()}
    assert Code.UNDELIVERABLE not in found
    with sqlite3.connect(quiet.directory / "gateway.db") as db:
        db.execute("UPDATE delivery SET state = 'undeliverable' WHERE recipient = ?", (POLICE,))
    db.close()
    await look_again(watch, quiet.clock, minutes=2)
    found = {each.code: each for each in await quiet.gateway.store.alerts()}
    assert (found[Code.UNDELIVERABLE].subject, found[Code.UNDELIVERABLE].count) == (POLICE, 1)
    assert found[Code.UNDELIVERABLE].severity is Severity.WARNING
    assert JAIL not in str(mail.told)
    await watch.close()


async def test_what_is_told_names_nobody_in_the_message(quiet: Deployed, mail: PretendWay) -> None:
    await quiet.accept(release(given="Unmistakable"))
    watch = watch_of(quiet.gateway, mail)
    await look_again(watch, quiet.clock, minutes=20)
    assert mail.told
    assert "Unmistakable" not in str(mail.told)
    await watch.close()


async def test_sequencing_clears_nothing_that_it_did_not_look_at(quiet: Deployed) -> None:
    quiet.gateway.health.altered = True
    await sequence(quiet.gateway.store, quiet.gateway.keys.log_signer, origin="gateway.test")
    assert quiet.gateway.health.altered


async def test_what_missed_its_deadline_is_seen_by_recipient(quiet: Deployed) -> None:
    await quiet.accept(release())
    now = quiet.clock.now()
    with sqlite3.connect(quiet.directory / "gateway.db") as db:
        db.execute("UPDATE deadline SET at = ?", (micros(now),))
    db.close()
    assert (await look(quiet.gateway, now)).late == ()
    quiet.clock.go(minutes=1)
    assert dict((await look(quiet.gateway, quiet.clock.now())).late)[POLICE] == 1


async def test_what_a_run_should_have_destroyed_is_seen_and_what_a_hold_keeps_is_not(quiet: Deployed) -> None:
    accepted = await quiet.accept(release())
    assert (await look(quiet.gateway, quiet.clock.now())).retention_due == 0
    quiet.clock.go(days=2000)
    seen = await look(quiet.gateway, quiet.clock.now())
    assert seen.retention_due == 4  # the original, and what each of three recipients got
    hold = Hold(
        id=quiet.gateway.new_id(quiet.clock.now()),
        scope=Scope(message=accepted.id),
        cause=Cause.LITIGATION,
        authority="invented court order",
        by=UserId("ana"),
        agency=JAIL,
        at=quiet.clock.now(),
    )
    await quiet.gateway.store.place_hold(hold, [])
    assert (await look(quiet.gateway, quiet.clock.now())).retention_due == 0
