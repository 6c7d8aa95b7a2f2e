"""A message goes in over REST and out to everyone who may have it, and to nobody else."""

import threading
import time
from typing import Any

import requests

from gateway.agency import AgencyId
from gateway.audit.evidence import read_evidence, verify_evidence
from gateway.audit.note import NoteKey
from gateway.audit.receipt import read_receipt
from gateway.audit.tree import leaf_hash
from gateway.document.canonical import sha256_text
from tests.acceptance.messages import CONTACT, fresh_id, release, sample
from tests.acceptance.place import (
    FUSION,
    JAIL,
    LOG_SECONDS_MAX,
    NAME,
    POLICE,
    PROBATION,
    PROSECUTOR,
    Place,
    until,
)


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    """What the sender is told of each recipient: "accepted", or the code of the refusal."""
    return {each["agency"]: each["code"] or each["outcome"] for each in answer["recipients"]}


def test_a_release_notice_goes_to_everyone_an_agreement_names(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id())
    assert outcomes(answer) == dict.fromkeys((POLICE, PROBATION, PROSECUTOR, FUSION), "accepted")


def test_a_route_keeps_a_release_without_high_risk_from_the_fusion_center(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("smallest"), fresh_id())
    assert outcomes(answer) == dict.fromkeys((POLICE, PROBATION, PROSECUTOR), "accepted")


def test_a_police_contact_goes_back_to_jail_and_probation(place: Place) -> None:
    answer = place.callers[POLICE].accepted(sample("smallest", CONTACT), fresh_id())
    assert outcomes(answer) == dict.fromkeys((JAIL, PROBATION), "accepted")


def test_the_answer_names_message_time_digest_entry_and_receipt(place: Place) -> None:
    body, id = release(), fresh_id()
    answer = place.callers[JAIL].accepted(body, id)
    assert answer["sender_id"] == id
    assert answer["digest"] == sha256_text(body)
    assert answer["received_at"].endswith("Z")
    assert place.do(lambda gateway: gateway.store.entry(answer["entry"])) is not None


def test_without_an_id_of_the_sender_the_gateway_makes_one(place: Place) -> None:
    answer = place.callers[JAIL].accepted(release())
    assert answer["sender_id"] == answer["id"]


def test_a_client_certificate_is_as_good_as_a_token(place: Place) -> None:
    caller = place.caller(JAIL, by="certificate")
    assert "Authorization" not in caller.session.headers
    assert outcomes(caller.accepted(release(), fresh_id()))[POLICE] == "accepted"


def test_a_token_and_the_certificate_of_another_agency_are_refused_together(place: Place) -> None:
    caller = place.callers[PROBATION].again()
    caller.session.headers["Authorization"] = f"Bearer {place.callers[JAIL].token}"
    answer = caller.submit(release())
    caller.close()
    assert (answer.status_code, answer.json()["code"]) == (401, "identity.disagree")
    (tried,) = [each for each in place.wait_said("access-refused", JAIL, 1) if each["code"] == "identity.disagree"]
    assert (tried["agency"], tried["parties"]) == (PROBATION, [PROBATION, JAIL])
    assert len(tried["fingerprint"]) == 64


# --- to whom ------------------------------------------------------------------------------------------------------


def test_to_narrows_to_the_recipients_asked_for(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id(), to=(POLICE, FUSION))
    assert outcomes(answer) == dict.fromkeys((POLICE, FUSION), "accepted")


def test_a_refused_recipient_does_not_stop_the_others(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("smallest"), fresh_id(), to=(POLICE, FUSION, "harborlight-services"))
    told = outcomes(answer)
    assert told.pop(POLICE) == "accepted"
    assert set(told) == {FUSION, "harborlight-services"}
    assert all(code.startswith("policy.") for code in told.values())
    place.callers[JAIL].wait_for(answer["id"], "delivered", POLICE)


def test_a_recipient_who_was_asked_for_and_refused_is_in_the_log(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("smallest"), fresh_id(), to=(POLICE, FUSION))
    entries = place.do(lambda gateway: gateway.store.entries_of(answer["id"]))
    assert {each.entry.type for each in entries} >= {"receive", "disseminate", "withhold"}


def test_a_message_that_every_recipient_is_refused_is_refused_with_each_reason(place: Place) -> None:
    id = fresh_id()
    answer = place.callers[JAIL].submit(sample("smallest"), id, to=(FUSION,))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "policy.no-mou-in-force")
    assert [(each["agency"], each["outcome"]) for each in problem["recipients"]] == [(FUSION, "refused")]
    mended = place.callers[JAIL].accepted(sample("smallest"), id)  # a refused message does not occupy its id
    assert mended["sender_id"] == id


def test_a_sealed_juvenile_record_goes_to_nobody_whose_route_excludes_it(place: Place) -> None:
    answer = place.callers[JAIL].submit(sample("juvenile"), fresh_id())
    assert (answer.status_code, answer.json()["code"]) == (403, "policy.no-mou-in-force")


# --- once ---------------------------------------------------------------------------------------------------------


def test_the_same_id_with_the_same_content_gives_the_same_receipt_and_nothing_twice(place: Place) -> None:
    pair = place.pair()
    body, id = release(), fresh_id()
    first = pair.caller.accepted(body, id)
    pair.caller.wait_for(first["id"], "delivered")
    again = pair.caller.submit(body, id)
    assert again.status_code == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first
    other = pair.caller.accepted(release(), fresh_id())  # delivered after whatever the repeat would have made
    pair.caller.wait_for(other["id"], "delivered")
    assert pair.mailbox.messages == [first["id"], other["id"]]
    assert len(pair.mailbox.received) == 2


def test_white_space_between_attributes_does_not_make_it_another_message(place: Place) -> None:
    id, body = fresh_id(), release()
    first = place.callers[JAIL].accepted(body, id)
    rewritten = body.replace(b'<?xml version="1.0" encoding="UTF-8"?>', b"").replace(b"\n  xmlns:", b" xmlns:")
    assert rewritten != body
    assert place.callers[JAIL].accepted(rewritten, id)["receipt"] == first["receipt"]


def test_the_same_id_with_other_content_is_a_conflict(place: Place) -> None:
    id = fresh_id()
    place.callers[JAIL].accepted(release(), id)
    answer = place.callers[JAIL].submit(release(given="Karl"), id)
    assert (answer.status_code, answer.json()["code"]) == (409, "message.id-conflict")


def test_two_agencies_may_use_the_same_id(place: Place) -> None:
    id = fresh_id()
    first = place.callers[JAIL].accepted(release(), id)
    second = place.callers[POLICE].accepted(sample("smallest", CONTACT), id)
    assert first["id"] != second["id"]


def test_twenty_at_once_under_one_id_become_one_message(place: Place) -> None:
    pair = place.pair()
    body, id = release(), fresh_id()
    answers: list[requests.Response] = []
    go = threading.Barrier(20)

    def send() -> None:
        caller = pair.caller.again()
        go.wait(30)
        answers.append(caller.submit(body, id))
        caller.close()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1
    pair.caller.wait_for(answers[0].json()["id"], "delivered")
    assert len(pair.mailbox.received) == 1
    assert len(pair.mailbox.effects) == 1


# --- the receipt --------------------------------------------------------------------------------------------------


def test_the_receipt_verifies_and_its_leaf_is_in_the_log_within_ten_seconds(place: Place) -> None:
    body = release()
    began = time.monotonic()
    answer = place.callers[JAIL].accepted(body, fresh_id())
    key = NoteKey.read((place.parts / "receipt.vkey").read_text())
    receipt = read_receipt(answer["receipt"], [key])
    assert (receipt.message, receipt.sender) == (answer["id"], AgencyId(JAIL))
    assert receipt.digest == sha256_text(body)

    def in_log() -> bool:
        stored = place.do(lambda gateway: gateway.store.entry_by_leaf(receipt.leaf_hash))
        return stored is not None and stored.index is not None

    until(in_log, "the receipt's leaf in the log", LOG_SECONDS_MAX)
    assert time.monotonic() - began < LOG_SECONDS_MAX
    proof = place.callers[JAIL].get("/v1/audit/proof", entry=receipt.leaf_hash.hex())
    assert proof.status_code == 200
    evidence = read_evidence(proof.text)
    assert leaf_hash(evidence.body) == receipt.leaf_hash
    log_key = NoteKey.read((place.parts / "log.vkey").read_text())
    assert verify_evidence(evidence, [log_key], origin=NAME).body == evidence.body


def test_the_receipt_can_be_had_again(place: Place) -> None:
    id = fresh_id()
    answer = place.callers[JAIL].accepted(release(), id)
    for name in (id, answer["id"]):
        assert place.callers[JAIL].get(f"/v1/messages/{name}/receipt").text == answer["receipt"]


def test_message_and_receipt_of_another_agency_are_not_there(place: Place) -> None:
    answer = place.callers[JAIL].accepted(release(), fresh_id())
    for path in ("", "/receipt"):
        other = place.callers[POLICE].get(f"/v1/messages/{answer['id']}{path}")
        assert (other.status_code, other.json()["code"]) == (404, "message.unknown")
    proof = place.callers[FUSION].get("/v1/audit/proof", entry=answer["entry"])
    assert (proof.status_code, proof.json()["code"]) == (404, "audit.entry-unknown")
