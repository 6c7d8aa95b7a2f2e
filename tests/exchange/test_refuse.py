"""A refused submission: an entry in the log, and its bytes sealed for seven days."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.audit.entry import commit
from gateway.exchange.gateway import AgencySuspended
from gateway.exchange.refuse import record_refusal
from gateway.exchange.submission import InvalidMessage, NoRecipient, RecipientOutcome, Submission
from gateway.finding import Finding
from gateway.message import bucket_name
from gateway.store.messages import RefusedMessage
from tests.exchange.deployed import FUSION, JAIL, POLICE, PROBATION, Deployed

SUBMISSION = Submission(sender=JAIL, sender_id="HCJ-1", body=b"<invented/>", channel="soap")


async def recorded(place: Deployed, monkeypatch: pytest.MonkeyPatch, error: Any) -> RefusedMessage:
    """What is given to the store, which takes it too."""
    given: list[RefusedMessage] = []
    write = place.gateway.store.refuse

    async def refuse(refused: RefusedMessage) -> None:
        given.append(refused)
        await write(refused)

    monkeypatch.setattr(place.gateway.store, "refuse", refuse)
    await record_refusal(place.gateway, SUBMISSION, error, place.clock.now())
    (refused,) = given
    return refused


async def test_its_bytes_are_kept_sealed_and_the_entry_commits_to_them(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = await recorded(place, monkeypatch, AgencySuspended(JAIL))
    assert refused.original is not None
    assert refused.original.bucket == bucket_name(place.clock.now() + timedelta(days=7))
    assert place.gateway.payloads.open(refused.original, aad=refused.id.encode()) == SUBMISSION.body
    (entry,) = [each for each in await place.log() if each["type"] == "refuse"]
    assert entry["commit"] == commit(place.gateway.payloads.salt_of(refused.original), "HCJ-1", SUBMISSION.body)
    assert (entry["message"], entry["channel"], entry["code"]) == (refused.id, "soap", "agency.suspended")
    assert entry["configuration"] == place.gateway.current.version


async def test_findings_are_counted_and_not_told(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = tuple(Finding(code="schema.bad", text="wrong", path=f"/a[{number}]") for number in range(3))
    await recorded(place, monkeypatch, InvalidMessage(findings))
    (entry,) = [each for each in await place.log() if each["type"] == "refuse"]
    assert (entry["code"], entry["count"]) == ("message.invalid", 3)
    assert "wrong" not in str(entry)


async def test_who_was_refused_is_named(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = RecipientOutcome(agency=FUSION, outcome="refused", code="policy.not-routed")
    await recorded(place, monkeypatch, NoRecipient("nobody", (outcome,)))
    (entry,) = [each for each in await place.log() if each["type"] == "refuse"]
    assert (entry["code"], entry["refused"]) == ("policy.no-mou-in-force", [FUSION])


async def test_of_very_many_who_were_refused_the_first_are_named_and_all_are_counted(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.exchange.submission.LISTED_MAX", 2)
    asked = (FUSION, POLICE, PROBATION, AgencyId("no-agency-of-ours"))
    outcomes = tuple(RecipientOutcome(agency=each, outcome="refused") for each in asked)
    await recorded(place, monkeypatch, NoRecipient("nobody", outcomes))
    (entry,) = [each for each in await place.log() if each["type"] == "refuse"]
    assert (entry["refused"], entry["count"]) == ([FUSION, POLICE], 4)
