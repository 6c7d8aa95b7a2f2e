"""What an accepted message writes: sealed, signed, entered, with the moments that follow from its agreement."""

import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.agency import AgencyId, Endpoint, EndpointKind, SignatureForm
from gateway.audit.entry import commit
from gateway.delivery.delivery import State
from gateway.document.canonical import exclusive, sha256_text
from gateway.document.parse import parse
from gateway.message import Action, bucket_name
from gateway.signing.cover import Cover, verify_cover
from gateway.signing.enveloped import has_signature, verify_enveloped
from gateway.signing.keyring import TrustedKeys
from gateway.store.configuration import AgreementState
from gateway.store.messages import DisseminationRecord
from tests.exchange.deployed import FUSION, JAIL, POLICE, PROBATION, Deployed, release, sample
from tests.exchange.officers import stop_mou


def trusted(place: Deployed) -> TrustedKeys:
    der = place.gateway.keys.cover_signer.certificate_der
    return TrustedKeys(agency=AgencyId("the-gateway"), pins=frozenset({der}))


async def made_for(place: Deployed, recipient: AgencyId, message: str) -> DisseminationRecord:
    records = await place.gateway.store.disseminations(message)  # type: ignore[arg-type]
    return next(each for each in records if each.dissemination.recipient == recipient)


def payload_of(place: Deployed, record: DisseminationRecord) -> bytes:
    return place.gateway.payloads.open(record.payload, aad=record.dissemination.id.encode())


def cover_of(place: Deployed, record: DisseminationRecord) -> Cover:
    return verify_cover(record.cover, trusted(place), now=place.clock.now())


async def entry_for(place: Deployed, message: str, type: str, recipient: str = "") -> dict[str, Any]:
    entries = await place.gateway.store.entries_of(message)  # type: ignore[arg-type]
    bodies = [json.loads(each.entry.body) for each in entries if each.entry.type == type]
    return next(body for body in bodies if body.get("recipient", "") == recipient)


async def test_the_cover_says_what_the_agreement_says_of_the_payload(place: Deployed) -> None:
    accepted = await place.accept(sample("fullest"), "HCJ-1")
    record = await made_for(place, POLICE, accepted.id)
    cover = cover_of(place, record)
    mou = place.gateway.current.mous["JAIL-PD-2026-01", 1]
    assert (cover.message, cover.dissemination, cover.sender, cover.recipient) == (
        accepted.id,
        record.dissemination.id,
        JAIL,
        POLICE,
    )
    assert (cover.mou, cover.mou_version, cover.mou_digest, cover.clauses) == (mou.id, 1, mou.digest, ("E1",))
    assert (cover.purpose, cover.role) == ("release-notification", "patrol-officer")
    duty = "sign in with a second factor and hold the training cjis-security, not expired (rule A1)"
    assert cover.notices == (
        *mou.exchanges[0].notices,
        f"Whoever opens this must {duty}. The receiving agency attests to it.",
    )
    assert cover.fields_withheld
    assert cover.onward_sharing == ""
    assert cover.contact == "liaison +1-555-010-4400"
    assert cover.keep_until is not None
    assert abs(cover.keep_until - place.clock.now() - timedelta(days=365)) <= timedelta(days=1)
    assert cover.payload_digest == sha256_text(payload_of(place, record)) == record.dissemination.payload_digest


async def test_a_payload_is_canonical_so_that_it_can_be_made_again_out_of_an_envelope(place: Deployed) -> None:
    accepted = await place.accept(sample("fullest"))
    record = await made_for(place, PROBATION, accepted.id)
    payload = payload_of(place, record)
    assert exclusive(parse(payload).root, prefixes=cover_of(place, record).payload_prefixes) == payload


async def test_an_enveloped_endpoint_gets_a_signed_payload_but_never_over_soap(place: Deployed) -> None:
    enveloped = Endpoint(kind=EndpointKind.INBOX, signature=SignatureForm.ENVELOPED)
    await place.connect(POLICE, enveloped)
    soap = Endpoint(kind=EndpointKind.SOAP, url="https://127.0.0.1:1/", signature=SignatureForm.ENVELOPED)
    await place.connect(PROBATION, soap)
    accepted = await place.accept(sample("fullest"))
    signed = parse(payload_of(place, await made_for(place, POLICE, accepted.id)))
    assert has_signature(signed)
    verify_enveloped(signed, trusted(place), now=place.clock.now())
    assert not has_signature(parse(payload_of(place, await made_for(place, PROBATION, accepted.id))))


async def test_what_waits_in_an_inbox_waits_as_long_as_the_gateway_keeps_its_copy(place: Deployed) -> None:
    await place.connect(POLICE, Endpoint(kind=EndpointKind.REST, url="https://127.0.0.1:1/"))
    accepted = await place.accept(release())
    now = place.clock.now()
    pushed, polled = [(await made_for(place, each, accepted.id)).delivery for each in (POLICE, PROBATION)]
    assert pushed.expires_at - now == timedelta(hours=72)
    assert polled.expires_at - now == timedelta(days=30)
    assert (pushed.state, pushed.attempts, pushed.due_at) == (State.WAITING, 0, now)


async def test_every_copy_lies_in_the_bucket_of_the_latest_day_it_can_be_due(place: Deployed) -> None:
    accepted = await place.accept(release())
    record = await place.gateway.store.message(accepted.id)
    assert record is not None
    due = bucket_name(place.clock.now() + timedelta(days=60))  # an inbox's 30 days, then the 30 days it is kept
    made = await place.gateway.store.disseminations(accepted.id)
    assert {record.original.bucket, *(each.payload.bucket for each in made)} == {due}


@pytest.mark.parametrize(("action", "urgent"), [(Action.UPDATE, False), (Action.CORRECT, True), (Action.CANCEL, True)])
async def test_what_mends_an_earlier_message_is_urgent(place: Deployed, action: Action, urgent: bool) -> None:
    first = await place.accept(release(), "HCJ-1")
    second = await place.accept(release(action, "HCJ-1"), "HCJ-2")
    record = await made_for(place, POLICE, second.id)
    assert record.delivery.urgent is urgent
    assert record.delivery.first == first.id
    assert cover_of(place, record).earlier == first.id
    assert cover_of(place, record).action is action


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
@pytest.mark.parametrize("ended", [False, True])
async def test_cover_and_payload_name_a_message_that_the_recipient_was_given(
    place: Deployed, action: Action, ended: bool
) -> None:
    first = await place.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    update = await place.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2", only=frozenset({PROBATION}))
    if ended:
        await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED)
    last = await place.accept(release(action, "HCJ-2"), "HCJ-3")
    named = {}
    for recipient in (POLICE, PROBATION):
        record = await made_for(place, recipient, last.id)
        head = parse(payload_of(place, record)).root
        named[recipient] = (cover_of(place, record).earlier, head.findtext("{*}MessageEarlierID"))
    assert named == {POLICE: (first.id, "HCJ-1"), PROBATION: (update.id, "HCJ-2")}
    stored = await place.gateway.store.message(last.id)
    assert stored is not None
    assert stored.message.earlier == update.id


async def test_a_correction_recalls_what_still_waits_and_an_update_does_not(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1")
    update = await place.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2")
    assert (await made_for(place, POLICE, first.id)).delivery.state is State.WAITING
    correction = await place.accept(release(Action.CORRECT, "HCJ-2"), "HCJ-3")
    for message, state in ((first, State.RECALLED), (update, State.RECALLED), (correction, State.WAITING)):
        assert (await made_for(place, POLICE, message.id)).delivery.state is state


# --- the log ------------------------------------------------------------------------------------------------------


async def test_the_entry_of_a_reception_commits_to_the_bytes_and_the_senders_id_and_holds_neither(
    place: Deployed,
) -> None:
    body = sample("fullest")
    accepted = await place.accept(body, "HCJ-OUT-1")
    record = await place.gateway.store.message(accepted.id)
    assert record is not None
    entry = await entry_for(place, accepted.id, "receive")
    salt = place.gateway.payloads.salt_of(record.original)
    assert entry["commit"] == commit(salt, "HCJ-OUT-1", body)
    assert "HCJ-OUT-1" not in json.dumps(entry)
    assert entry["recipients"] == [each.agency for each in accepted.recipients]
    assert (entry["channel"], entry["size_bytes"], entry["parties"]) == ("rest", len(body), [JAIL])


async def test_the_entry_of_a_dissemination_counts_by_label_and_names_no_value(place: Deployed) -> None:
    accepted = await place.accept(sample("fullest"))
    record = await made_for(place, FUSION, accepted.id)
    entry = await entry_for(place, accepted.id, "disseminate", FUSION)
    made = record.dissemination
    assert entry["shared"] == made.shared
    assert sum(entry["withheld"].values()) == made.withheld
    assert sum(entry["reduced"].values()) == made.reduced > 0
    assert entry["reduced"]["person.dob"] == 1
    assert entry["mou"] == "JAIL-FUSION-2026-03@1"
    assert entry["parties"] == [JAIL]  # that something was withheld is not the recipient's to know
    assert entry["cover_digest"] == sha256_text(record.cover)
    salt = place.gateway.payloads.salt_of(record.payload)
    assert entry["commit"] == commit(salt, accepted.sender_id, payload_of(place, record))
    assert "Tansley" not in json.dumps(entry)


async def test_a_recipient_refused_beside_others_has_an_entry_of_its_own(place: Deployed) -> None:
    accepted = await place.accept(release(), only=frozenset({POLICE, FUSION}))
    entry = await entry_for(place, accepted.id, "withhold", FUSION)
    assert (entry["code"], entry["sender"]) == ("policy.not-routed", JAIL)
    assert (await entry_for(place, accepted.id, "receive"))["refused"] == [FUSION]


async def test_waiting_workers_are_told(place: Deployed) -> None:
    place.gateway.accepted.clear()
    await place.accept(release())
    assert place.gateway.accepted.is_set()
