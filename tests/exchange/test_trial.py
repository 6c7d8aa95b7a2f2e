"""An agreement on trial decides real messages and is counted; nothing leaves by it but to test endpoints."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.agency import AgencyId, Endpoint, EndpointKind
from gateway.delivery.delivery import State
from gateway.exchange import agreements
from gateway.exchange.activate import suspend_agency
from gateway.exchange.agreements import try_mou
from gateway.exchange.inbox import DeliveryRecalled, inbox_page, inbox_payload
from gateway.exchange.recall import recall_ended
from gateway.exchange.submission import NoRecipient
from gateway.message import Action
from gateway.store.configuration import AgreementState
from tests.exchange.deployed import (
    FUSION,
    JAIL,
    POLICE,
    SHELTER,
    Deployed,
    agreement,
    release,
    sample,
)
from tests.exchange.officers import approve_for_all, officer, stop_mou

MOU = "S-1"
TEXT = agreement(MOU, SHELTER, POLICE)
INBOX = Endpoint(kind=EndpointKind.INBOX)


async def on_trial(place: Deployed, data: bytes = TEXT) -> None:
    await try_mou(place.gateway, data, "file", by=await officer(place.gateway))


async def connect_test(place: Deployed, agency: AgencyId, *, test: bool = True) -> None:
    """Let the agency have a test endpoint, or a real one again."""
    await place.connect(agency, replace(INBOX, test=test))


async def trials(place: Deployed) -> list[dict[str, Any]]:
    return [each for each in await place.log() if each["type"] == "trial"]


async def refused(place: Deployed, body: bytes = b"", **more: Any) -> NoRecipient:
    with pytest.raises(NoRecipient) as error:
        await place.accept(body or release(), sender=SHELTER, **more)
    return error.value


async def test_a_message_with_nothing_in_force_is_refused_and_its_trial_is_written_with_the_refusal(
    place: Deployed,
) -> None:
    await on_trial(place)
    error = await refused(place, sample("fullest"))
    assert error.outcomes == ()
    log = await place.log()
    refusal = next(each for each in log if each["type"] == "refuse")
    (entry,) = await trials(place)
    assert entry["message"] == refusal["message"]
    assert (entry["sender"], entry["recipient"], entry["mou"]) == (SHELTER, POLICE, "S-1@1")
    assert (entry["clauses"], entry["purpose"]) == (["E1"], "release-notification")
    assert entry["parties"] == [SHELTER]
    assert entry["shared"] > 0
    assert entry["withheld"]
    assert "code" not in entry
    assert await place.gateway.store.inbox(POLICE, 0, 10) == ()


async def test_a_trial_beside_what_is_in_force_is_written_with_the_acceptance_and_nothing_leaves(
    place: Deployed,
) -> None:
    without = await place.accept(release(), "1")
    await on_trial(place, agreement(MOU, JAIL, SHELTER))
    accepted = await place.accept(release(given="Nolan"), "2")
    assert [each.agency for each in accepted.recipients] == [each.agency for each in without.recipients]
    assert await place.said(accepted.id) == [*(await place.said(without.id)), "trial"]
    assert [each["recipient"] for each in await trials(place)] == [SHELTER]
    assert await place.gateway.store.inbox(SHELTER, 0, 10) == ()


async def test_a_recipient_that_would_get_nothing_on_trial_is_counted_with_its_code(place: Deployed) -> None:
    await on_trial(place)
    await suspend_agency(place.gateway, POLICE, actor="test")
    await refused(place)
    (entry,) = await trials(place)
    assert entry["code"] == "agency.suspended"
    assert "shared" not in entry


async def test_several_agreements_on_trial_are_counted_each_for_itself(place: Deployed) -> None:
    await on_trial(place)
    await on_trial(place, agreement("S-2", SHELTER, POLICE))
    await refused(place)
    assert [each["mou"] for each in await trials(place)] == ["S-1@1", "S-2@1"]


async def test_a_sender_who_asks_for_some_is_decided_for_those_alone(place: Deployed) -> None:
    await on_trial(place)
    await refused(place, only=frozenset({FUSION}))
    assert await trials(place) == []


async def test_a_trial_of_others_costs_nobody_an_entry(place: Deployed) -> None:
    await on_trial(place)
    accepted = await place.accept(release())
    assert "trial" not in await place.said(accepted.id)


# --- test endpoints -----------------------------------------------------------------------------------------------


async def test_a_test_endpoint_gets_what_the_trial_decides(place: Deployed) -> None:
    await on_trial(place)
    await connect_test(place, POLICE)
    accepted = await place.accept(release(), sender=SHELTER)
    assert [(each.agency, each.outcome) for each in accepted.recipients] == [(POLICE, "accepted")]
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    assert item.mou == "S-1@1"
    assert b"Calvin" in await inbox_payload(place.gateway, POLICE, item.delivery)
    assert await place.said(accepted.id) == ["receive", "disseminate", "trial", "read"]
    made = next(each for each in await place.log() if each["type"] == "disseminate" and each["mou"] == "S-1@1")
    assert made["kind"] == "trial"


async def test_a_version_in_force_goes_before_one_on_trial_also_at_a_test_endpoint(place: Deployed) -> None:
    await connect_test(place, POLICE)
    await on_trial(place, agreement(MOU, JAIL, POLICE))
    accepted = await place.accept(release())
    records = await place.gateway.store.disseminations(accepted.id)
    made = {each.dissemination.recipient: each.dissemination.mou for each in records}
    assert made[POLICE] == "JAIL-PD-2026-01"
    assert [each["recipient"] for each in await trials(place)] == [POLICE]


async def test_what_waits_at_a_test_endpoint_is_recalled_when_the_trial_ends(place: Deployed) -> None:
    await on_trial(place)
    await connect_test(place, POLICE)
    accepted = await place.accept(release(), sender=SHELTER)
    assert await recall_ended(place.gateway) == 0
    await stop_mou(place.gateway, MOU, state=AgreementState.ENDED)
    assert await recall_ended(place.gateway) == 1
    (record,) = await place.gateway.store.disseminations(accepted.id)
    assert record.delivery.state is State.RECALLED


async def test_what_was_tried_is_recalled_also_when_a_later_version_comes_into_force(place: Deployed) -> None:
    await on_trial(place)
    await connect_test(place, POLICE)
    accepted = await place.accept(release(), sender=SHELTER)
    later = agreement(MOU, SHELTER, POLICE, version=2)
    await approve_for_all(place.gateway, later)
    await agreements.activate_mou(place.gateway, later, "file", by=await officer(place.gateway))
    (record,) = await place.gateway.store.disseminations(accepted.id)
    assert record.delivery.state is State.RECALLED
    states = {one.version: one.state for one in place.gateway.current.agreements if one.mou == MOU}
    assert states == {1: AgreementState.ENDED, 2: AgreementState.IN_FORCE}


async def test_what_was_tried_goes_out_when_that_very_version_comes_into_force(place: Deployed) -> None:
    await on_trial(place)
    await connect_test(place, POLICE)
    await place.accept(release(), sender=SHELTER)
    await approve_for_all(place.gateway, TEXT)
    await agreements.activate_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    assert len(await inbox_page(place.gateway, POLICE, after=0, limit=10)) == 1


async def test_an_endpoint_that_is_no_test_any_more_gets_nothing_of_a_trial(place: Deployed) -> None:
    await on_trial(place)
    await connect_test(place, POLICE)
    await place.accept(release(), sender=SHELTER)
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    await connect_test(place, POLICE, test=False)
    assert await inbox_page(place.gateway, POLICE, after=0, limit=10) == ()
    with pytest.raises(DeliveryRecalled):
        await inbox_payload(place.gateway, POLICE, item.delivery)
    await refused(place, release(given="Nolan"))


async def test_a_correction_of_what_was_tried_comes_by_the_version_on_trial(place: Deployed) -> None:
    await on_trial(place)
    await connect_test(place, POLICE)
    await place.accept(release(), "1", sender=SHELTER)
    corrected = await place.accept(release(Action.CORRECT, "1", given="Nolan"), "2", sender=SHELTER)
    (record,) = await place.gateway.store.disseminations(corrected.id)
    assert (record.dissemination.mou, record.dissemination.mou_version) == (MOU, 1)
    assert b"Nolan" in await inbox_payload(place.gateway, POLICE, record.delivery.id)
    await connect_test(place, POLICE, test=False)  # an ordinary correction would go out all the same
    with pytest.raises(DeliveryRecalled):
        await inbox_payload(place.gateway, POLICE, record.delivery.id)
    await connect_test(place, POLICE)
    await stop_mou(place.gateway, MOU, state=AgreementState.ENDED)
    last = await place.accept(release(Action.CORRECT, "2", given="Miles"), "3", sender=SHELTER)
    (record,) = await place.gateway.store.disseminations(last.id)
    assert b"Miles" not in await inbox_payload(place.gateway, POLICE, record.delivery.id)
