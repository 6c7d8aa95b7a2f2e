"""A message that is tried: what is said is what would happen, and nothing happens."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.exchange import rehearse as rehearsing
from gateway.exchange.activate import suspend_agency
from gateway.exchange.agreements import try_mou
from gateway.exchange.consents import add_consent
from gateway.exchange.gateway import AgencySuspended
from gateway.exchange.inbox import inbox_page, inbox_payload
from gateway.exchange.rehearse import Rehearsed, WouldReceive, rehearse
from gateway.exchange.submission import InvalidMessage, NoRecipient, Submission
from gateway.message import Action
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import FUSION, JAIL, POLICE, PROBATION, SHELTER, Deployed, agreement, release, sample
from tests.exchange.officers import activate_mou, officer
from tests.exchange.test_consents import SUD, new


async def tried(place: Deployed, body: bytes, **more: Any) -> Rehearsed:
    return await rehearse(place.gateway, Submission(sender=JAIL, sender_id="", body=body, **more))


def of(rehearsed: Rehearsed, agency: str) -> WouldReceive:
    return next(each for each in rehearsed.recipients if each.agency == agency)


async def kept(place: Deployed) -> tuple[object, ...]:
    counts = await place.gateway.store.counts()
    return counts.messages, counts.deliveries


@pytest.mark.parametrize("name", ["fullest", "smallest", "protected-victim", "household-members"])
async def test_what_is_said_is_what_a_real_one_brings(place: Deployed, name: str) -> None:
    said = await tried(place, sample(name))
    accepted = await place.accept(sample(name), "HCJ-1")
    assert {each.agency: each.code for each in said.recipients} == {
        each.agency: each.code for each in accepted.recipients
    }
    for each in said.recipients:
        page = await inbox_page(place.gateway, each.agency, after=0, limit=10)
        assert len(page) == (0 if each.code else 1)
        if page:
            assert each.payload == await inbox_payload(place.gateway, each.agency, page[0].delivery)
            (record,) = [
                found
                for found in await place.gateway.store.disseminations(accepted.id)
                if found.dissemination.recipient == each.agency
            ]
            withheld = [one.label for one in record.dissemination.redactions if one.outcome == "withheld"]
            assert each.withheld == {label: withheld.count(label) for label in withheld}
            assert each.mou == f"{record.dissemination.mou}@{record.dissemination.mou_version}"


async def test_what_is_asked_for_and_is_no_agency_is_only_counted_in_the_log(place: Deployed) -> None:
    nobody = AgencyId("odessa-fairbrook-2210-alder-street")
    said = await tried(place, release(), only=frozenset({POLICE, SHELTER, nobody}))
    assert {each.agency for each in said.recipients if each.code} == {SHELTER, nobody}
    with pytest.raises(NoRecipient):
        await tried(place, release(), only=frozenset({nobody}))
    log = await place.log()
    one, two = (each for each in log if each["type"] == "sandbox")
    assert (one["recipients"], one["refused"], one["count"]) == ([POLICE], [SHELTER], 3)
    assert (two.get("refused"), two["count"]) == (None, 1)
    assert nobody not in json.dumps(log)


async def test_nothing_is_kept_and_the_log_says_that_it_was_tried(place: Deployed) -> None:
    before = await kept(place)
    said = await tried(place, sample("fullest"))
    assert await kept(place) == before
    for agency in (POLICE, PROBATION, FUSION):
        assert await inbox_page(place.gateway, agency, after=0, limit=10) == ()
    (entry,) = [each for each in await place.log() if each["type"] == "sandbox"]
    assert entry["id"] == said.entry
    assert entry["parties"] == [JAIL]
    assert (entry["sender"], entry["channel"], entry["exchange"]) == (JAIL, "rest", "custody-release/1.0")
    assert set(entry["recipients"]) == {each.agency for each in said.recipients if not each.code}
    assert {each["type"] for each in await place.log()}.isdisjoint({"receive", "disseminate", "refuse"})


async def test_the_id_of_one_that_was_tried_is_still_free(place: Deployed) -> None:
    await rehearse(place.gateway, Submission(sender=JAIL, sender_id="HCJ-1", body=release()))
    accepted = await place.accept(release(given="Nolan"), "HCJ-1")
    assert not accepted.repeated


async def test_one_that_is_not_valid_is_refused_as_a_real_one_and_not_kept(place: Deployed) -> None:
    body = release().replace(b"<nc:PersonSurName>Tansley</nc:PersonSurName>", b"<nc:Surname>Tansley</nc:Surname>")
    with pytest.raises(InvalidMessage) as real:
        await place.accept(body)
    before = await place.log()
    with pytest.raises(InvalidMessage) as error:
        await tried(place, body)
    assert error.value.findings == real.value.findings
    (entry,) = (await place.log())[len(before) :]
    assert (entry["type"], entry["code"]) == ("sandbox", "message.invalid")
    assert "commit" not in entry


async def test_one_that_nobody_may_have(place: Deployed) -> None:
    with pytest.raises(NoRecipient):
        await rehearse(place.gateway, Submission(sender=SHELTER, sender_id="", body=release()))
    assert (await place.log())[-1]["code"] == "policy.no-mou-in-force"


async def test_recipients_are_narrowed(place: Deployed) -> None:
    said = await tried(place, sample("fullest"), only=frozenset({POLICE}))
    assert [each.agency for each in said.recipients] == [POLICE]


async def test_a_suspended_sender_is_told_nothing(place: Deployed) -> None:
    await suspend_agency(place.gateway, JAIL, actor="test")
    with pytest.raises(AgencySuspended):
        await tried(place, release())


async def test_consents_are_not_asked_and_it_is_said_that_they_would_count(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("A-1", JAIL, PROBATION, share=SUD), "file")
    without = of(await tried(place, sample("fullest")), PROBATION)
    await add_consent(place.gateway, new())
    consented = of(await tried(place, sample("fullest")), PROBATION)
    assert consented == without
    assert consented.consent_decides
    assert b"SubstanceUse" not in (consented.payload or b"")
    assert any(label.startswith("sud.") for label in consented.withheld)


async def test_a_payload_with_pseudonyms_is_not_shown(place: Deployed) -> None:
    line = b"fields:\n      transform: {person.name.last: {do: pseudonymize}}\n"
    text = agreement("A-1", JAIL, PROBATION).replace(b"fields:\n", line, 1)
    await activate_mou(place.gateway, text, "file")
    would = of(await tried(place, sample("fullest")), PROBATION)
    assert (would.payload, would.omitted) == (None, "pseudonyms")
    assert would.reduced
    assert of(await tried(place, sample("fullest")), POLICE).payload


async def test_an_answer_has_a_bound(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await tried(place, sample("fullest"))
    first, *others = [each for each in whole.recipients if each.payload]
    assert others
    monkeypatch.setattr(rehearsing, "PAYLOADS_SIZE_BYTES_MAX", len(first.payload or b""))
    bounded = await tried(place, sample("fullest"))
    assert of(bounded, first.agency) == first
    for each in others:
        assert of(bounded, each.agency) == replace(each, payload=None, omitted="size")


async def test_what_is_on_trial_is_not_told(place: Deployed) -> None:
    before = await tried(place, release())
    await try_mou(place.gateway, agreement("S-1", JAIL, SHELTER), "file", by=await officer(place.gateway))
    after = await tried(place, release())
    assert after.recipients == before.recipients


async def test_a_cancellation_would_reach_those_who_had_the_first(place: Deployed) -> None:
    accepted = await place.accept(release(), "HCJ-1")
    had = {each.agency for each in accepted.recipients if not each.code}
    said = await tried(place, release(action="cancel", earlier="HCJ-1"))
    assert {each.agency for each in said.recipients} == had
    assert (await place.gateway.store.message(accepted.id)).message.action is Action.NEW  # type: ignore[union-attr]
    again = await tried(place, release(action="cancel", earlier="HCJ-1"))
    assert again.recipients == said.recipients, "the first one canceled nothing"


async def test_an_answer_that_was_lost_leaves_an_entry_and_nothing_else(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry was stored, and the store did not say so: nothing is told, and the log says one try more."""
    store, before = place.gateway.store, await kept(place)
    record = store.record

    async def lost(entries: Any) -> None:
        await record(entries)
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store, "record", lost)
    with pytest.raises(StoreUnavailable):
        await tried(place, release())
    monkeypatch.undo()
    assert await kept(place) == before
    assert [each["type"] for each in await place.log()].count("sandbox") == 1
