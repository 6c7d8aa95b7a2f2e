"""Rows of the disclosure index: one for each person and recipient, with the message or not at all, never of victims."""

import contextlib
import json
from dataclasses import replace

import pytest
from lxml import etree

from gateway.agency import Duty
from gateway.document.parse import parse
from gateway.errors import Refused
from gateway.exchange.activate import put_agency
from gateway.keys.secret_file import KeyPermissions
from gateway.message import Action
from gateway.policy.disclosure import Disclosure, read
from gateway.policy.person import heard, name_term, number_term
from gateway.policy.subject import name_of, number
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import CONTACT, JAIL, POLICE, RELEASE, SHELTER, Deployed, exchanges, release, sample
from tests.exchange.test_emergency import go
from tests.store.test_promises_failing import break_at, mend

SID = "sid:FR1190284"
CALVIN = heard("TANSLEY|CALVIN")
NEVER = ("VictimToNotify", "Victim", "HouseholdMember", "Witness", "ProtectedPerson")


async def said(place: Deployed, *terms: str) -> list[Disclosure]:
    """What the index says of these terms."""
    subjects = place.gateway.subjects
    assert subjects is not None
    found = [read(subjects.open(each.filed)) for each in await place.gateway.store.disclosures(subjects.tokens(terms))]
    return [each for each in found if isinstance(each, Disclosure)]


async def test_each_recipient_of_a_person_has_a_row_that_says_what_the_log_says(place: Deployed) -> None:
    answer = await place.accept(sample("fullest"))
    rows = await said(place, SID)
    assert {each.recipient for each in rows} == {
        each.agency for each in answer.recipients if each.outcome == "accepted"
    }
    assert len(rows) > 1
    for each in rows:
        stored = await place.gateway.store.entry(each.entry)
        assert stored is not None
        body = json.loads(stored.entry.body)
        assert (body["type"], body["recipient"], body["mou"]) == ("disseminate", each.recipient, each.mou)
        assert (body["dissemination"], body["message"], body["purpose"]) == (
            each.dissemination,
            answer.id,
            each.purpose,
        )
        assert (each.sender, each.exchange, each.action, each.kind) == (JAIL, RELEASE, "new", "")
        assert (each.clauses, each.at) == (tuple(body["clauses"]), stored.entry.at)
        assert each.person.numbers[0] == "fbi:4417TN9"


async def test_rows_are_found_by_every_number_and_by_how_the_name_sounds(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    rows = await said(place, SID)
    for term in ("fbi:4417TN9", "doc:563317", "booking:harlan-county-jail/HCJ2026004417", heard("ROURKE|CAL")):
        assert await said(place, term) == rows
    assert await said(place, heard(name_term("Tannsley", "Kalvin"))) == rows
    assert await said(place, "sid:FR1190285", heard("PELL|GORDON")) == []


async def test_two_subjects_have_rows_of_their_own(place: Deployed) -> None:
    await place.accept(sample("fullest", CONTACT), sender=POLICE)
    calvin, gordon = await said(place, SID), await said(place, heard("PELL|GORDON"))
    assert calvin
    assert {each.entry for each in calvin} == {each.entry for each in gordon}
    assert {each.person.key for each in (*calvin, *gordon)} == {SID, "name:PELL|GORDON|1986-09-23"}


async def test_what_takes_something_back_has_rows_too(place: Deployed) -> None:
    first = await place.accept(release(given="Calvin"), "one")
    await place.accept(release(Action.CORRECT, earlier=first.sender_id, given="Kalvin"), "two")
    await place.accept(release(Action.CANCEL, earlier=first.sender_id), "three")
    assert [each.action for each in await said(place, CALVIN) if each.recipient == POLICE] == [
        "new",
        "correct",
        "cancel",
    ]


async def test_a_repeat_adds_no_row(place: Deployed) -> None:
    await place.accept(release(), "one")
    before = await said(place, CALVIN)
    assert (await place.accept(release(), "one")).repeated
    assert await said(place, CALVIN) == before


async def test_an_acceptance_that_fails_leaves_no_row(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(monkeypatch, "accept.before-commit")
    with pytest.raises(StoreUnavailable):
        await place.accept(release(), "one")
    mend(monkeypatch)
    assert await said(place, CALVIN) == []
    break_at(monkeypatch, "accept.after-commit")
    with pytest.raises(StoreUnavailable):
        await place.accept(release(), "one")
    mend(monkeypatch)
    assert len(await said(place, CALVIN)) == len((await place.accept(release(), "one")).recipients)


async def test_without_the_keys_of_the_index_nothing_is_accepted(place: Deployed) -> None:
    await place.accept(release(), "one")
    (file,) = (place.gateway.settings.keys_directory / "subjects").glob("*.key")
    file.chmod(0o644)
    file.touch()
    with pytest.raises(KeyPermissions):
        await place.accept(release(), "two")
    assert await place.gateway.store.known(JAIL, "two") is None


async def test_health_data_that_went_is_told_by_its_labels(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    labels = {each.recipient: set(each.health) for each in await said(place, SID)}
    for recipient, found in labels.items():
        (stored,) = await place.gateway.store.messages(JAIL, None, 1)
        records = await place.gateway.store.disseminations(stored.id)
        (record,) = [each for each in records if each.dissemination.recipient == recipient]
        payload = parse(place.gateway.payloads.open(record.payload, aad=record.dissemination.id.encode()))
        needs = list(payload.root.iter("{*}MedicalNeed", "{*}MentalHealthNeed", "{*}SubstanceUseNeed"))
        assert bool(found) == bool(needs)


# --- never of victims ---


def identifiers(document: etree._Element) -> set[str]:
    """What people who are never in the index are known by in a message, one way of writing."""
    found: set[str] = set()
    for role in NEVER:
        for element in document.iter(f"{{*}}{role}"):
            for each in element.iter("{*}IdentificationID", "{*}PersonSurName", "{*}PersonGivenName"):
                found |= {number(each.text or ""), name_of(each.text or "")}
    return found - {""}


def terms(document: etree._Element) -> set[str]:
    """By what they would be found."""
    found: set[str] = set()
    for role in NEVER:
        for element in document.iter(f"{{*}}{role}"):
            numbers = [each.text or "" for each in element.iter("{*}IdentificationID")]
            found |= {
                number_term(kind, each, agency=JAIL) for kind in ("sid", "fbi", "doc", "booking") for each in numbers
            }
            parts = [element.findtext(f".//{{*}}{part}") or "" for part in ("PersonSurName", "PersonGivenName")]
            if all(parts):
                found.add(heard(name_term(*parts)))
    return found - {""}


async def test_no_identifier_of_a_victim_or_a_third_party_is_anywhere_in_the_index(place: Deployed) -> None:
    kept: set[str] = set()
    sought: set[str] = set()
    for exchange, sender in ((RELEASE, JAIL), (CONTACT, POLICE)):
        for name, data in exchanges()[exchange].samples.items():
            if "/" in name or any(word in name for word in ("correct", "cancel", "update")):
                continue
            root = parse(data).root
            kept |= identifiers(root)
            sought |= terms(root)
            # That law or no agreement lets one of them go is no matter here.
            with contextlib.suppress(Refused):
                await place.accept(data, sender=sender)
    subjects = place.gateway.subjects
    assert subjects is not None
    assert len(kept) > 10
    assert "FAIRBROOK" in kept
    rows = await place.gateway.store.disclosures(subjects.tokens([SID, CALVIN, heard("PELL|GORDON")]))
    assert rows
    # In the rows, decrypted: no canary. By the terms of those people: no row.
    plain = b"".join(subjects.open(each.filed) for each in rows).decode()
    own = {"TANSLEY", "CALVIN", "PELL", "GORDON"}  # subjects, in some samples in another role
    assert not [each for each in kept - own if len(each) > 3 and each in plain]
    alike = {heard("TANSLEY|CALVIN"), heard("ROURKE|CAL"), heard("PELL|GORDON")}
    assert await place.gateway.store.disclosures(subjects.tokens(sought - alike)) == ()
    # In the files of the database, as they are: neither theirs nor anybody's.
    files = b"".join(each.read_bytes() for each in place.directory.glob("gateway.db*"))
    assert not [each for each in kept | {"FR1190284", "TANSLEY"} if len(each) > 4 and each.encode() in files]


async def test_what_a_victim_service_provider_sends_is_in_no_index(place: Deployed) -> None:
    jail = place.gateway.current.agencies[JAIL]
    provider = replace(jail, duties=jail.duties | {Duty.VICTIM_SERVICE_PROVIDER})
    await put_agency(place.gateway, provider, actor="test")
    await place.accept(release(), "one")
    assert await said(place, CALVIN) == []


async def test_an_emergency_release_has_a_row_for_whoever_got_it_and_none_for_its_owner(place: Deployed) -> None:
    answer = await place.accept(sample("fullest"))
    before = await said(place, SID)
    await go(place, answer.id)
    more = [each for each in await said(place, SID) if each not in before]
    assert [(each.recipient, each.kind, each.mou.split("@")[0]) for each in more] == [
        (SHELTER, "emergency", "EMERGENCY")
    ]


async def test_an_emergency_release_that_fails_leaves_no_row(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await place.accept(sample("fullest"))
    before = await said(place, SID)
    break_at(monkeypatch, "release.before-commit")
    with pytest.raises(StoreUnavailable):
        await go(place, answer.id)
    mend(monkeypatch)
    assert await said(place, SID) == before
