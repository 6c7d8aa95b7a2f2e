"""Accepting: one transaction or none, one message for an id, and every refusal recorded."""

import asyncio
import base64
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.agency import AgencyId
from gateway.audit.note import NoteKey
from gateway.audit.receipt import read_receipt
from gateway.delivery.delivery import State
from gateway.document.canonical import NamespaceRelative, sha256_text
from gateway.document.parse import NotXml, parse
from gateway.exchange.accept import ConfigurationUnsettled
from gateway.exchange.activate import put_agency, register_certificate, suspend_agency
from gateway.exchange.gateway import AgencySuspended
from gateway.exchange.submission import BadSenderId, IdConflict, InvalidMessage, NoRecipient, PastUnreached, Submission
from gateway.iepd.registry import UnknownRoot
from gateway.keys.signer import signer_of
from gateway.message import Action
from gateway.policy.grant import InForce
from gateway.signing.certificate import pem_to_der
from gateway.signing.enveloped import sign_enveloped
from gateway.signing.shape import SignatureMissing
from gateway.signing.signature import NotSigner, SignatureInvalid
from gateway.store.configuration import AgreementState
from gateway.store.interface import StoreUnavailable
from gateway.store.messages import Acceptance, Stored
from tests.exchange.deployed import (
    FUSION,
    JAIL,
    POLICE,
    PROBATION,
    PROSECUTOR,
    SHELTER,
    Deployed,
    agreement,
    release,
    sample,
)
from tests.exchange.officers import activate_mou, stop_mou
from tests.pictures import png


def told(accepted: Any) -> dict[str, str]:
    return {each.agency: each.code or each.outcome for each in accepted.recipients}


async def refusals(place: Deployed, sender: AgencyId) -> list[dict[str, Any]]:
    """What the log says was refused."""
    return [each for each in await place.log() if each["type"] == "refuse" and sender in each["parties"]]


async def test_what_is_accepted_is_stored_with_everything_that_belongs_to_it(place: Deployed) -> None:
    body = sample("fullest")
    accepted = await place.accept(body, "HCJ-1")
    store = place.gateway.store
    record = await store.message(accepted.id)
    assert record is not None
    assert record.message.digest == accepted.digest == sha256_text(body)
    assert place.gateway.payloads.open(record.original, aad=accepted.id.encode()) == body
    made = await store.disseminations(accepted.id)
    assert [each.dissemination.recipient for each in made] == sorted([POLICE, PROBATION, PROSECUTOR, FUSION])
    assert told(accepted) == {each.dissemination.recipient: "accepted" for each in made}
    assert [each.delivery for each in accepted.recipients] == [each.delivery.id for each in made]
    assert await place.said(accepted.id) == ["receive", *["disseminate"] * 4]


async def test_the_receipt_names_the_entry_of_the_reception(place: Deployed) -> None:
    accepted = await place.accept(release(), "HCJ-1")
    signer = place.gateway.keys.receipt_signer
    receipt = read_receipt(accepted.receipt, [NoteKey(signer.name, signer.public_bytes)])
    entry = await place.gateway.store.entry(accepted.entry)
    assert entry is not None
    assert receipt.leaf_hash == entry.entry.leaf_hash
    assert (receipt.message, receipt.sender, receipt.digest) == (accepted.id, JAIL, accepted.digest)


# --- once ---------------------------------------------------------------------------------------------------------


async def test_a_repeat_gets_the_first_answer_whatever_is_in_force_now(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1", only=frozenset({POLICE, FUSION, SHELTER}))
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED)
    place.clock.go(hours=5)
    again = await place.accept(release(), "HCJ-1", only=frozenset({POLICE, FUSION, SHELTER}))
    assert again.repeated
    assert not first.repeated
    assert (again.id, again.receipt, again.entry, again.received_at) == (
        first.id,
        first.receipt,
        first.entry,
        first.received_at,
    )
    assert again.recipients == first.recipients
    assert len(await place.gateway.store.messages(JAIL, None, 10)) == 1


async def test_the_same_content_written_otherwise_is_a_repeat(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1")
    again = await place.accept(b"<!-- once more -->" + release().partition(b"?>")[2].strip(), "HCJ-1")
    assert again.receipt == first.receipt


async def test_other_content_under_the_same_id_is_a_conflict_and_the_first_stands(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1")
    with pytest.raises(IdConflict):
        await place.accept(release(given="Karl"), "HCJ-1")
    known = await place.gateway.store.known(JAIL, "HCJ-1")
    assert known is not None
    assert known.message == first.id


async def test_other_recipients_under_the_same_id_are_a_conflict(place: Deployed) -> None:
    await place.accept(release(), "ONE", only=frozenset({POLICE}))
    await place.accept(release(), "ALL")
    for id, only in (("ONE", {PROBATION}), ("ONE", {POLICE, PROBATION}), ("ONE", set()), ("ALL", {POLICE})):
        with pytest.raises(IdConflict):
            await place.accept(release(), id, only=frozenset(only))
    assert (await place.accept(release(), "ONE", only=frozenset({POLICE}))).repeated
    assert (await place.accept(release(), "ALL")).repeated


async def test_a_repeat_of_what_was_stored_before_recipients_counted_gets_the_first_answer(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.exchange.accept.with_asked", lambda content_digest, only, key: content_digest)
    only = frozenset({POLICE, SHELTER})
    first = await place.accept(release(), "HCJ-1", only=only)
    await place.accept(release(Action.CORRECT, "HCJ-1"), "HCJ-2", only=frozenset({PROBATION}))
    await place.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-3", only=frozenset({PROSECUTOR}))
    monkeypatch.undo()
    assert (await place.accept(release(), "HCJ-1", only=only)).receipt == first.receipt
    assert (await place.accept(release(Action.CORRECT, "HCJ-1"), "HCJ-2", only=frozenset({PROBATION}))).repeated
    assert (await place.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-3", only=frozenset({PROSECUTOR}))).repeated
    with pytest.raises(IdConflict):
        await place.accept(release(), "HCJ-1", only=frozenset({PROBATION}))


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
async def test_one_id_corrects_or_cancels_one_message(place: Deployed, action: Action) -> None:
    one = await place.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    await place.accept(release(), "HCJ-2", only=frozenset({POLICE}))
    first = await place.accept(release(action), "K", act=(action, "HCJ-1"))
    assert (await place.accept(release(action), "K", act=(action, one.id))).receipt == first.receipt
    for other in ("HCJ-2", "HCJ-9"):
        with pytest.raises(IdConflict):
            await place.accept(release(action), "K", act=(action, other))
    assert not (await place.accept(release(action), "K-2", act=(action, "HCJ-2"))).repeated


NOBODY = AgencyId("odessa-fairbrook-2210-alder-street")


async def test_what_is_asked_for_and_is_no_agency_is_told_to_the_sender_and_only_counted_in_the_log(
    place: Deployed, capfd: pytest.CaptureFixture[str]
) -> None:
    first = await place.accept(release(), "HCJ-1", only=frozenset({POLICE, SHELTER, NOBODY}))
    told_first = {POLICE: "accepted", SHELTER: "policy.no-mou-in-force", NOBODY: "policy.no-mou-in-force"}
    assert told(first) == told_first
    again = await place.accept(release(), "HCJ-1", only=frozenset({POLICE, SHELTER, NOBODY}))
    assert (again.repeated, told(again)) == (True, told_first)
    with pytest.raises(NoRecipient) as refused:
        await place.accept(release(), "HCJ-2", only=frozenset({NOBODY}))
    assert [each.agency for each in refused.value.outcomes] == [NOBODY]
    log = await place.log()
    (received,) = (each for each in log if each["type"] == "receive")
    assert (received["recipients"], received["refused"], received["count"]) == ([POLICE], [SHELTER], 3)
    (refusal,) = (each for each in log if each["type"] == "refuse")
    assert refusal["count"] == 1
    assert [each["recipient"] for each in log if each["type"] == "withhold"] == [SHELTER]
    assert NOBODY not in json.dumps(log)
    assert NOBODY not in "".join(capfd.readouterr())


async def test_a_refused_message_does_not_occupy_its_id(place: Deployed) -> None:
    with pytest.raises(NoRecipient):
        await place.accept(sample("juvenile"), "HCJ-1", only=frozenset({POLICE}))
    assert await place.gateway.store.known(JAIL, "HCJ-1") is None
    assert not (await place.accept(release(), "HCJ-1")).repeated


async def test_many_at_once_under_one_id_become_one_message(place: Deployed) -> None:
    answers = await asyncio.gather(*(place.accept(release(), "HCJ-1") for _ in range(20)))
    assert len({answer.receipt for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1
    assert len(await place.gateway.store.messages(JAIL, None, 30)) == 1


async def test_without_an_id_each_submission_is_a_message_of_its_own(place: Deployed) -> None:
    one, two = await place.accept(release()), await place.accept(release())
    assert one.id != two.id
    assert one.sender_id == one.id


@pytest.mark.parametrize("id", ["two words", "tab\t", "naïve", "x" * 256, "nul\0"])
def test_an_id_that_cannot_be_written_in_a_header_is_refused(id: str) -> None:
    with pytest.raises(BadSenderId):
        Submission(sender=JAIL, sender_id=id, body=b"")


# --- the database fails -------------------------------------------------------------------------------------------


async def test_a_write_that_failed_leaves_nothing_and_can_be_tried_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(acceptance: Acceptance) -> Stored:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(place.gateway.store, "accept", away)
        with pytest.raises(StoreUnavailable):
            await place.accept(release(), "HCJ-1")
    assert await place.gateway.store.known(JAIL, "HCJ-1") is None
    assert not (await place.accept(release(), "HCJ-1")).repeated


async def test_a_write_that_was_stored_although_it_failed_is_a_repeat_when_tried_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = place.gateway.store.accept

    async def lost(acceptance: Acceptance) -> Stored:
        await write(acceptance)
        raise StoreUnavailable("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(place.gateway.store, "accept", lost)
        with pytest.raises(StoreUnavailable):
            await place.accept(release(), "HCJ-1")
    assert (await place.accept(release(), "HCJ-1")).repeated
    assert len(await place.gateway.store.messages(JAIL, None, 10)) == 1


async def test_a_refusal_that_cannot_be_recorded_is_not_answered_as_one(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(refused: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(place.gateway.store, "refuse", away)
    with pytest.raises(StoreUnavailable):
        await place.accept(b"not XML")


# --- what is in force changes meanwhile ---------------------------------------------------------------------------


async def test_what_was_decided_under_an_agreement_that_ended_meanwhile_is_decided_again(place: Deployed) -> None:
    async with place.second() as other:
        await stop_mou(other, "JAIL-PROB-2026-02", state=AgreementState.ENDED)
    accepted = await place.accept(release(), "HCJ-1")
    assert PROBATION not in told(accepted)
    assert POLICE in told(accepted)


async def test_what_was_refused_under_a_configuration_that_changed_meanwhile_is_decided_again(place: Deployed) -> None:
    async with place.second() as other:
        await activate_mou(other, agreement("SHELTER-1", SHELTER, POLICE), "file")
    assert told(await place.accept(release(), sender=SHELTER)) == {POLICE: "accepted"}
    assert await refusals(place, SHELTER) == []


async def test_an_agency_suspended_meanwhile_sends_nothing_any_more(place: Deployed) -> None:
    async with place.second() as other:
        await suspend_agency(other, JAIL, actor="test")
    with pytest.raises(AgencySuspended):
        await place.accept(release(), "HCJ-1")
    assert [each["code"] for each in await refusals(place, JAIL)] == ["agency.suspended"]


async def test_a_configuration_that_never_settles_asks_the_sender_to_come_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stale(acceptance: Acceptance) -> Stored:
        return Stored.STALE

    monkeypatch.setattr(place.gateway.store, "accept", stale)
    with pytest.raises(ConfigurationUnsettled):
        await place.accept(release(), "HCJ-1")


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        (b"not XML", NotXml),
        (b"<note/>", UnknownRoot),
        (release().replace(b"<ec:RecordSealedIndicator>false", b"<ec:RecordSealedIndicator>perhaps"), InvalidMessage),
    ],
)
async def test_what_cannot_be_read_is_refused_and_recorded(place: Deployed, body: bytes, leaf: type[Exception]) -> None:
    with pytest.raises(leaf):
        await place.accept(body, "HCJ-1")
    (entry,) = await refusals(place, JAIL)
    assert entry["code"] == leaf.code  # type: ignore[attr-defined]
    assert (entry["sender"], entry["channel"], entry["size_bytes"]) == (JAIL, "rest", len(body))
    assert "HCJ-1" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("as_of", "code"),
    [("2044-01-01T08:00:00Z", "message.as-of-ahead"), ("12026-01-01T08:00:00Z", "message.as-of-impossible")],
)
async def test_an_as_of_time_that_would_make_a_juvenile_an_adult_is_refused(
    place: Deployed, as_of: str, code: str
) -> None:
    body = re.sub(rb"(<ec:MessageAsOfDateTime>)[^<]+", rb"\g<1>" + as_of.encode(), release())
    with pytest.raises(InvalidMessage) as refused:
        await place.accept(body, "HCJ-1")
    assert [each.code for each in refused.value.findings] == [code]
    assert [each["code"] for each in await refusals(place, JAIL)] == ["message.invalid"]


async def test_a_sender_without_any_agreement_is_refused(place: Deployed) -> None:
    with pytest.raises(NoRecipient) as refused:
        await place.accept(release(), sender=SHELTER)
    assert refused.value.outcomes == ()


async def test_when_all_who_were_asked_for_are_refused_each_is_named(place: Deployed) -> None:
    with pytest.raises(NoRecipient) as refused:
        await place.accept(release(), only=frozenset({FUSION, SHELTER}))
    assert {each.agency: each.code for each in refused.value.outcomes} == {
        FUSION: "policy.not-routed",
        SHELTER: "policy.no-mou-in-force",
    }
    (entry,) = await refusals(place, JAIL)
    assert entry["refused"] == sorted([FUSION, SHELTER])


async def test_hundreds_of_recipients_asked_for_in_vain_are_refused_like_one(place: Deployed) -> None:
    many = frozenset(AgencyId(f"agency-{number}-{'x' * 50}") for number in range(900))
    accepted = await place.accept(release(), "HCJ-1", only=many | {POLICE})
    assert told(accepted)[POLICE] == "accepted"
    assert len(accepted.recipients) == 901
    with pytest.raises(NoRecipient) as refused:
        await place.accept(release(), only=many)
    assert len(refused.value.outcomes) == 900


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
async def test_what_cannot_be_told_to_a_past_recipient_is_refused_and_changes_nothing(
    place: Deployed, action: Action
) -> None:
    first = await place.accept(release(), "HCJ-1", only=frozenset({POLICE, PROBATION}))
    whole = place.gateway.current
    gone = {key: mou for key, mou in whole.mous.items() if key[0] != "JAIL-PD-2026-01"}
    in_force = InForce(mou for mou in whole.in_force.mous if mou.id != "JAIL-PD-2026-01")
    place.gateway.current = replace(whole, mous=gone, in_force=in_force)
    with pytest.raises(PastUnreached) as refused:
        await place.accept(release(action, "HCJ-1"), "HCJ-2")
    assert [each.agency for each in refused.value.outcomes] == [POLICE]
    assert {each.delivery.state for each in await place.gateway.store.chain(first.id)} == {State.WAITING}
    assert (await refusals(place, JAIL))[-1]["code"] == "policy.not-releasable"
    place.gateway.current = whole
    assert set(told(await place.accept(release(action, "HCJ-1"), "HCJ-2")).values()) >= {"accepted"}


# --- signatures ---------------------------------------------------------------------------------------------------


async def signer(place: Deployed, id: AgencyId) -> Any:
    """A signer for an agency, its certificate registered."""
    issued = place.authority.new_agency_key(id, id, now=place.clock.now())
    await register_certificate(place.gateway, id, pem_to_der(issued.certificate), actor="test")
    key = load_pem_private_key(issued.key, None)
    return signer_of(key, x509.load_pem_x509_certificate(issued.certificate))  # type: ignore[arg-type]


async def test_a_signed_message_goes_on_without_its_signature(place: Deployed) -> None:
    signed = sign_enveloped(parse(release()), await signer(place, JAIL))
    accepted = await place.accept(signed, "HCJ-1")
    (made, *_) = await place.gateway.store.disseminations(accepted.id)
    payload = place.gateway.payloads.open(made.payload, aad=made.dissemination.id.encode())
    assert b"Signature" not in payload
    assert (await place.accept(release(), "HCJ-1")).repeated  # the content counts, signed or not


async def test_a_signature_that_does_not_fit_is_refused_whether_or_not_one_was_asked_for(place: Deployed) -> None:
    signed = sign_enveloped(parse(release()), await signer(place, JAIL))
    with pytest.raises(SignatureInvalid):
        await place.accept(signed.replace(b">Calvin<", b">Karl<"))
    with pytest.raises(NotSigner):
        await place.accept(signed, sender=POLICE)
    assert [each["code"] for each in await refusals(place, JAIL)] == ["signature.invalid"]


async def test_an_agency_that_signs_is_believed_nothing_unsigned(place: Deployed) -> None:
    await put_agency(place.gateway, replace(place.gateway.current.agencies[JAIL], signs=True), actor="test")
    with pytest.raises(SignatureMissing):
        await place.accept(release(), "HCJ-1")
    signed = sign_enveloped(parse(release()), await signer(place, JAIL))
    assert told(await place.accept(signed, "HCJ-1"))[POLICE] == "accepted"


async def test_a_large_message_is_worked_on_beside_the_event_loop(place: Deployed) -> None:
    picture = base64.b64encode(png(b"invented picture" * 20_000))
    body = re.sub(rb"(<nc:Base64BinaryObject>)[^<]*", rb"\g<1>" + picture, sample("with-photo"))
    assert len(body) > 256 * 1024
    assert told(await place.accept(body))[POLICE] == "accepted"


async def test_a_relative_namespace_is_the_senders_mistake_and_recorded(place: Deployed) -> None:
    body = release().replace(b"xmlns:nc=", b'xmlns:unused="relative" xmlns:nc=')
    with pytest.raises(NamespaceRelative):
        await place.accept(body, "HCJ-1")
    assert [each["code"] for each in await refusals(place, JAIL)] == ["document.relative-namespace"]
