"""Persons in an answer: only for an officer with a key and a reason, and each record that is opened is an entry."""

from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.exchange.acting import NotAllowed
from gateway.exchange.answers import reveal as module
from gateway.exchange.answers.asked import Asked, RowUnknown
from gateway.exchange.answers.disclosures import Between, disclosures
from gateway.exchange.answers.emergencies import overrides
from gateway.exchange.answers.reveal import DESTROYED, Reveal, TooMuchRevealed
from gateway.exchange.requeue import BadReason
from gateway.report.table import Table
from gateway.store.interface import StoreUnavailable
from gateway.user import UserRole
from tests.exchange.answers.story import tell
from tests.exchange.deployed import JAIL, POLICE, Deployed, release
from tests.exchange.officers import OPERATOR, officer


async def seen(place: Deployed, agency: AgencyId = JAIL, reason: str = "subpoena-response", **more: Any) -> Table:
    reveal = Reveal(by=await officer(place.gateway, agency, **more), reason=reason)
    return await disclosures(place.gateway, Asked(), Between(), reveal)


def persons(table: Table) -> set[object]:
    return {row[-1] for row in table.rows}


async def test_an_officer_of_the_owner_or_the_operator_sees_whom_it_was_about(place: Deployed) -> None:
    await place.accept(release())
    for agency in (JAIL, OPERATOR):
        table = await seen(place, agency)
        assert persons(table) == {"Calvin Tansley"}
        assert table.columns[-1].name == "person"


async def test_each_record_opened_is_a_signed_entry_with_the_reason_and_no_name(place: Deployed) -> None:
    one, other = await place.accept(release()), await place.accept(release(given="Nolan"))
    await seen(place)
    read = [each for each in await place.log() if each["type"] == "read" and each["kind"] == "report"]
    assert {each["message"] for each in read} == {one.id, other.id}
    assert {(each["reason"], each["actor"]) for each in read} == {("subpoena-response", f"officer-1.{JAIL}")}
    assert all("signature" in each for each in read)
    assert "Calvin" not in str(await place.log())


async def test_somebody_elses_officer_and_a_clerk_see_nobody_and_nothing_is_opened(place: Deployed) -> None:
    await place.accept(release())
    clerk = {"number": 9, "roles": frozenset({UserRole.OPERATOR})}
    for agency, more in ((POLICE, {}), (JAIL, clerk)):
        with pytest.raises(NotAllowed):
            await seen(place, agency, **more)
    assert [each for each in await place.log() if each.get("kind") == "report"] == []


@pytest.mark.parametrize("reason", ["", "Because I say so", "x" * 61])
async def test_a_reason_is_a_code_word(place: Deployed, reason: str) -> None:
    await place.accept(release())
    with pytest.raises(BadReason):
        await seen(place, reason=reason)


async def test_more_records_than_one_question_may_open_are_refused_before_any_is(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECORDS_MAX", 1)
    await place.accept(release())
    await place.accept(release(given="Nolan"))
    with pytest.raises(TooMuchRevealed):
        await seen(place)
    assert [each for each in await place.log() if each.get("kind") == "report"] == []


async def test_when_the_entry_cannot_be_written_nobody_is_shown(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.accept(release())

    async def fails(_: object) -> None:
        raise StoreUnavailable("full")

    by = await officer(place.gateway, JAIL)
    monkeypatch.setattr(place.gateway.store, "record", fails)
    monkeypatch.setattr(module, "open_stored", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(StoreUnavailable):
        await disclosures(place.gateway, Asked(), Between(), Reveal(by=by, reason="audit"))


async def test_of_a_destroyed_record_the_disclosure_stays_and_the_person_is_gone(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.accept(release())
    message = place.gateway.store.message

    async def gone(id: Any) -> None:
        assert await message(id) is not None

    monkeypatch.setattr(place.gateway.store, "message", gone)
    assert persons(await seen(place)) == {DESTROYED}


async def test_what_was_written_of_an_emergency_is_shown_with_reveal_only_and_read_with_its_reason(
    place: Deployed,
) -> None:
    await tell(place)
    plain = await overrides(place.gateway, Asked())
    assert "He has a key." not in str(plain.rows)
    roles = frozenset({UserRole.PRIVACY_OFFICER})
    by = await officer(place.gateway, JAIL, number=11, roles=roles)
    table = await overrides(place.gateway, Asked(), Reveal(by=by, reason="yearly-audit"))
    assert [row[-1] for row in table.rows] == ["He has a key."]
    (read,) = [each for each in await place.log() if each.get("kind") == "because"]
    assert (read["reason"], "signature" in read) == ("yearly-audit", True)


async def test_an_answer_does_not_go_on_from_a_row_that_there_is_not(place: Deployed) -> None:
    for _ in range(2):
        await place.accept(release(), only=frozenset({POLICE}))
    with pytest.raises(RowUnknown):
        await disclosures(place.gateway, Asked(after="bogus"), Between())
    first = await disclosures(place.gateway, Asked(limit=1), Between())
    later = await disclosures(place.gateway, Asked(limit=1, after=first.next), Between())
    assert first.filters == ()
    assert later.filters == (("after", first.next),)
    assert not {row[-2] for row in first.rows} & {row[-2] for row in later.rows}
