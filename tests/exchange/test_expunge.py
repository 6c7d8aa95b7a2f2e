"""Expunging: the person is forgotten for good, others are not, the log stays, and a stop anywhere is finished."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from gateway.audit.note import NoteKey
from gateway.exchange.acting import Acting, NotAllowed
from gateway.exchange.destroy_early import HeldByOrder, destroy_early
from gateway.exchange.emergency import SecondPersonNeeded
from gateway.exchange.evidence import verify_log
from gateway.exchange.export import RevealReason
from gateway.exchange.expunge import Expunged, Order, expunge, finish_expunging, plan_expunging, read_plan
from gateway.exchange.expunge_records import expunge_person
from gateway.exchange.holds import place_hold
from gateway.exchange.keep_disclosures import arrange
from gateway.exchange.who_saw import Asked, NobodyFound, Seen, who_saw
from gateway.keys.payload import KeyGone
from gateway.keys.subject import SubjectKeys
from gateway.message import Filed, MessageId
from gateway.policy.person import Person
from gateway.retention.hold import Cause, Scope
from gateway.retention.plan import Why
from gateway.store.interface import StoreUnavailable
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, Deployed, release, sample
from tests.exchange.officers import officer
from tests.exchange.people import CALVIN, by
from tests.exchange.purging import readable
from tests.store.test_promises_failing import break_at, mend

ORDER = "sha-256:" + "0d" * 32
NAMESAKE = by("SID=FR7770001")


def namesake() -> bytes:
    """Another man with the same name and birthday, other numbers."""
    text = sample("fullest").decode()
    for old, new in (("FR1190284", "FR7770001"), ("4417TN9", "9990XX1"), ("563317", "888001"), ("004417", "009999")):
        assert old in text
        text = text.replace(old, new)
    return text.encode()


async def people(place: Deployed) -> tuple[Acting, Acting]:
    return await officer(place.gateway, number=1), await officer(place.gateway, number=2)


async def forget(place: Deployed, person: Person = CALVIN, **more: object) -> Expunged:
    first, second = await people(place)
    order = Order(person=person, document=ORDER, **more)  # type: ignore[arg-type]
    return await expunge(place.gateway, order, first=first, second=second, settle=0)


async def ask(place: Deployed, person: Person) -> tuple[Seen, ...]:
    asked = Asked(person=person, reason=RevealReason.AUDIT)
    return await who_saw(place.gateway, asked, by=await officer(place.gateway))


async def rows(place: Deployed, person: Person) -> list[Filed]:
    assert place.gateway.subjects is not None
    found = await place.gateway.store.disclosures(place.gateway.subjects.tokens(person.numbers))
    return [each.filed for each in found]


def keys_of(place: Deployed, directory: Path | None = None) -> SubjectKeys:
    """The keys as another process finds them."""
    from gateway.app import key_store

    store = key_store(place.gateway.settings)
    found = store.subject_keys(place.clock)
    if directory is not None:
        found._directory = directory
    return found


async def test_who_is_expunged_is_found_by_nothing_and_others_as_before(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    await place.accept(namesake(), "two")
    await arrange(place.gateway)
    before, kept = await ask(place, CALVIN), await ask(place, NAMESAKE)
    made = await forget(place)
    assert made.rows == len(before)
    assert made.moved == len(kept)  # the same name sounds the same
    for subject in ("SID=FR1190284", "FBI=4417TN9", "DOC=563317", "BOOKING=HCJ-2026-004417@harlan-county-jail"):
        assert await ask(place, by(subject)) == ()
    assert await ask(place, NAMESAKE) == kept
    named = await ask(place, by(name="Tansley, Calvin", born="1991-03-17"))
    assert {each.disclosure.person for each in named} == {each.disclosure.person for each in kept}
    assert len(named) == len(kept)


async def test_old_copies_of_the_database_tell_nothing_with_the_keys_as_they_are_now(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    old = await rows(place, CALVIN)
    with sqlite3.connect(place.directory / "gateway.db") as live, sqlite3.connect(place.directory / "old.db") as copy:
        live.backup(copy)
    await forget(place)
    # Neither found by anything that is known of him, nor read, nor any of the rows in the copy.
    fresh = keys_of(place)
    known = old[0]
    assert fresh.tokens(["sid:FR1190284", "fbi:4417TN9", "doc:563317", "sound:3524|2415"]).isdisjoint(known.tokens)
    with sqlite3.connect(place.directory / "old.db") as copy:
        assert copy.execute("SELECT count(*) FROM disclosure").fetchone() == (len(old),)
    for each in old:
        with pytest.raises(KeyGone):
            fresh.open(each)


async def test_the_same_copy_tells_all_with_the_keys_of_before(place: Deployed, tmp_path: Path) -> None:
    # So that the test above can fail.
    await place.accept(sample("fullest"), "one")
    old = await rows(place, CALVIN)
    shutil.copytree(place.gateway.settings.keys_directory / "subjects", tmp_path / "before")
    await forget(place)
    before = keys_of(place, tmp_path / "before")
    assert all(b"FR1190284" in before.open(each) for each in old)


async def test_nothing_that_is_destroyed_is_left_in_the_files(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    (file,) = (place.gateway.settings.keys_directory / "subjects").glob("*.key")
    before = file.read_bytes()
    await forget(place)
    for each in (place.gateway.settings.keys_directory / "subjects").iterdir():
        assert before[40:80] not in each.read_bytes()


async def test_the_log_is_the_same_and_verifies_and_the_entries_name_nobody(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    await people(place)
    before = await place.log()
    made = await forget(place)
    after = await place.log()
    assert after[: len(before)] == before
    first, second = after[len(before) :]
    assert (first["type"], first["run"], first["document"], first["count"]) == ("expunge", made.id, ORDER, made.rows)
    assert (first["actor"], first["second"]) == ("officer-1", "officer-2")
    assert (second["type"], second["kind"], second["run"]) == ("destroy", "disclosed-person", made.id)
    assert not {"subject", "message", "commit"} & {*first, *second}
    signer = place.gateway.keys.log_signer
    report = await verify_log(place.gateway.store, [NoteKey(signer.name, signer.public_bytes)], origin=signer.name)
    assert report.verified


async def test_who_comes_again_is_found_by_what_came_again_only(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    await forget(place)
    again = await place.accept(namesake().replace(b"FR7770001", b"FR1190284"), "two")
    assert {each.disclosure.message for each in await ask(place, CALVIN)} == {again.id}


async def test_a_row_that_was_made_ready_before_and_stored_after_is_dead(place: Deployed) -> None:
    await place.accept(release(given="Calvin"), "one")
    await place.accept(sample("fullest"), "two")
    late = await rows(place, CALVIN)
    await forget(place)
    await place.gateway.store.file(late, [])
    assert await ask(place, CALVIN) == ()


async def test_two_people_of_the_operator_s_have_to_sign(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    first, second = await people(place)
    order = Order(person=CALVIN, document=ORDER)
    with pytest.raises(SecondPersonNeeded):
        await expunge(place.gateway, order, first=first, second=first, settle=0)
    with pytest.raises(NotAllowed):
        await expunge(place.gateway, order, first=first, second=await officer(place.gateway, JAIL), settle=0)
    clerk = await officer(place.gateway, number=3, roles=frozenset({UserRole.OPERATOR}))
    with pytest.raises(NotAllowed):
        await expunge(place.gateway, order, first=clerk, second=second, settle=0)
    assert await ask(place, CALVIN)


async def test_who_is_only_possibly_the_person_stays(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    named = by(name="Tansley, Calvin", born="1991-03-17")
    plan = await plan_expunging(place.gateway, Order(person=named, document=ORDER, by_name=True))
    assert plan.hits == ()
    assert plan.possible
    with pytest.raises(NobodyFound):
        await forget(place, named, by_name=True)
    assert await ask(place, CALVIN)


async def test_who_has_no_number_is_expunged_by_name_and_birthday(place: Deployed) -> None:
    text = release(given="Calvin").decode()
    born = "<nc:PersonBirthDate><nc:Date>1991-03-17</nc:Date></nc:PersonBirthDate>"
    mark = "<cr:Subject>" if "<cr:Subject>" in text else "<cr:Subject"
    assert mark == "<cr:Subject>"
    await place.accept(text.replace(mark, mark + born).encode(), "one")
    await place.accept(namesake(), "two")
    named = by(name="Tansley, Calvin", born="1991-03-17")
    assert {bool(each.disclosure.person.numbers) for each in await ask(place, named)} == {True, False}
    await forget(place, named, by_name=True)
    assert {bool(each.disclosure.person.numbers) for each in await ask(place, named)} == {True}


async def test_nothing_happens_when_it_cannot_be_written(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.accept(sample("fullest"), "one")
    await people(place)
    break_at(monkeypatch, "expunge.before-commit")
    with pytest.raises(StoreUnavailable):
        await forget(place)
    mend(monkeypatch)
    assert await ask(place, CALVIN)
    assert await place.gateway.store.expungings() == ()


@pytest.mark.parametrize("point", ["expunge.after-commit", "expunged.before-commit", "expunged.after-commit"])
async def test_what_was_stopped_is_finished_by_the_next_look(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await place.accept(sample("fullest"), "one")
    old = await rows(place, CALVIN)
    await people(place)
    break_at(monkeypatch, point)
    with pytest.raises(StoreUnavailable):
        await forget(place)
    mend(monkeypatch)
    assert await finish_expunging(place.gateway) == (0 if point == "expunged.after-commit" else 1)
    assert await place.gateway.store.expungings() == ()
    for each in old:
        with pytest.raises(KeyGone):
            keys_of(place).open(each)
    done = [each["kind"] for each in await place.log() if each["type"] == "destroy"]
    assert done == ["disclosed-person"]


async def test_another_process_stops_reading_at_once(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    old = await rows(place, CALVIN)
    async with place.second() as beside:
        assert beside.subjects is not None
        assert beside.subjects.open(old[0])
        await forget(place)
        with pytest.raises(KeyGone):
            beside.subjects.open(old[0])


async def test_a_plan_changes_nothing_and_that_it_was_read_is_written(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    first, second = await people(place)
    order = Order(person=CALVIN, document=ORDER)
    plan = await read_plan(place.gateway, order, first=first, second=second)
    assert len(plan.hits) == len(await ask(place, CALVIN))
    (entry,) = [each for each in await place.log() if each.get("kind") == "expunge-plan"]
    assert (entry["type"], entry["actor"], entry["count"]) == ("read", "officer-1", len(plan.hits))


async def test_what_is_kept_of_the_person_s_messages_goes_too_and_others_stay(place: Deployed) -> None:
    answer = await place.accept(sample("fullest"), "one")
    other = await place.accept(namesake(), "two")
    first, second = await people(place)
    order = Order(person=CALVIN, document=ORDER)
    gone = await expunge_person(place.gateway, order, first=first, second=second, settle=0)
    assert (gone.messages, len(gone.runs)) == (1, 1)
    assert not any((await readable(place.gateway, answer.id)).values())
    assert all((await readable(place.gateway, other.id)).values())
    assert await ask(place, CALVIN) == ()
    assert "FR1190284" not in str(await place.log())


async def test_a_message_that_is_gone_already_stops_nothing(place: Deployed) -> None:
    answer = await place.accept(sample("fullest"), "one")
    first, second = await people(place)
    await destroy_early(place.gateway, [MessageId(answer.id)], reason=Why.EXPUNGED, by=first, second=second)
    order = Order(person=CALVIN, document=ORDER)
    gone = await expunge_person(place.gateway, order, first=first, second=second, settle=0)
    assert (gone.messages, gone.runs) == (0, ())
    assert await ask(place, CALVIN) == ()


async def test_a_legal_hold_stops_it_all(place: Deployed) -> None:
    answer = await place.accept(sample("fullest"), "one")
    first, second = await people(place)
    await place_hold(
        place.gateway, Scope(message=MessageId(answer.id)), cause=Cause.LITIGATION, authority="Court", by=first
    )
    order = Order(person=CALVIN, document=ORDER)
    with pytest.raises(HeldByOrder):
        await expunge_person(place.gateway, order, first=first, second=second, settle=0)
    assert await ask(place, CALVIN)
    assert all((await readable(place.gateway, answer.id)).values())
