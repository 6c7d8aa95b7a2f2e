"""An agreement is approved by people, each for their party, before it is put in force; every act is signed."""

import asyncio
from dataclasses import replace

import pytest

from gateway.agency import AgencyId
from gateway.audit import verifier
from gateway.exchange import agreements
from gateway.exchange.acting import Acting, NotAllowed, NotTheirKey, UserUnknown, fingerprint
from gateway.exchange.agreements import (
    AgreementUnknown,
    NotApproved,
    VersionAmbiguous,
    VersionPassed,
    approve_mou,
    try_mou,
)
from gateway.exchange.gateway import Gateway
from gateway.exchange.laws import add_laws
from gateway.exchange.people import disable_user
from gateway.exchange.proven import CheckFailed, check_under_law
from gateway.exchange.submission import NoRecipient
from gateway.keys.personal import throwaway
from gateway.policy.certificate import certificate
from gateway.store.configuration import Agreement, AgreementState
from gateway.user import UserId, UserRole
from tests.exchange.deployed import JAIL, POLICE, PROBATION, SHELTER, Deployed, agreement, draft, release
from tests.exchange.officers import OPERATOR, activate_mou, approve_for_all, officer, stop_mou

TEXT = agreement("S-1", SHELTER, POLICE)


async def approve(place: Deployed, party: AgencyId, *, data: bytes = TEXT) -> None:
    await approve_mou(place.gateway, data, "file", party=party, by=await officer(place.gateway, party))


async def activate(place: Deployed, *, data: bytes = TEXT) -> None:
    await agreements.activate_mou(place.gateway, data, "file", by=await officer(place.gateway))


def state(place: Deployed, version: int = 1) -> AgreementState:
    return next(one.state for one in place.gateway.current.agreements if (one.mou, one.version) == ("S-1", version))


async def test_from_its_first_approval_an_agreement_is_a_draft_that_decides_nothing(place: Deployed) -> None:
    await approve(place, SHELTER)
    assert state(place) is AgreementState.DRAFT
    with pytest.raises(NoRecipient):
        await place.accept(release(), sender=SHELTER)


async def test_an_agreement_that_one_party_has_not_approved_is_not_put_in_force(place: Deployed) -> None:
    await approve(place, SHELTER)
    with pytest.raises(NotApproved) as refused:
        await activate(place)
    assert [(lack.party, lack.people) for lack in refused.value.lacks] == [(POLICE, 1)]
    assert state(place) is AgreementState.DRAFT
    await approve(place, POLICE)
    await activate(place)
    assert state(place) is AgreementState.IN_FORCE


async def test_approvals_of_other_words_do_not_count(place: Deployed) -> None:
    await approve(place, SHELTER)
    await approve(place, POLICE)
    await approve(place, SHELTER, data=agreement("S-1", SHELTER, POLICE, version=2))
    with pytest.raises(NotApproved):
        await activate(place, data=agreement("S-1", SHELTER, POLICE, version=2))


@pytest.mark.parametrize("party", [PROBATION, POLICE, OPERATOR])
async def test_nobody_approves_for_a_party_they_do_not_speak_for(place: Deployed, party: AgencyId) -> None:
    with pytest.raises(NotAllowed):
        await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=await officer(place.gateway, party))
    assert [one for one in place.gateway.current.agreements if one.mou == "S-1"] == []


async def test_an_agency_that_is_no_party_approves_nothing(place: Deployed) -> None:
    with pytest.raises(AgreementUnknown):
        await approve(place, PROBATION)


async def test_a_person_without_the_role_neither_approves_nor_decides(place: Deployed) -> None:
    clerk = await officer(place.gateway, SHELTER, number=7, roles=frozenset({UserRole.OPERATOR}))
    with pytest.raises(NotAllowed):
        await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=clerk)
    await approve_for_all(place.gateway, TEXT)
    with pytest.raises(NotAllowed):
        await agreements.activate_mou(place.gateway, TEXT, "file", by=clerk)


async def test_another_key_is_not_the_persons(place: Deployed) -> None:
    sign, public_key = throwaway()
    known = await officer(place.gateway, SHELTER)
    stranger = replace(known, sign=sign, public_key=public_key)
    with pytest.raises(NotTheirKey):
        await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=stranger)
    nobody = replace(stranger, user=UserId("nobody"))
    with pytest.raises(UserUnknown):
        await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=nobody)


async def test_somebody_who_was_shut_out_acts_no_more(place: Deployed) -> None:
    gone = await officer(place.gateway, SHELTER)
    boss = await officer(place.gateway, number=9, roles=frozenset({UserRole.ADMINISTRATOR}))
    await disable_user(place.gateway, gone.user, by=boss)
    with pytest.raises(UserUnknown):
        await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=gone)


async def test_an_outsider_verifies_each_act_from_its_entry_and_the_persons_key(place: Deployed) -> None:
    await activate_mou(place.gateway, TEXT, "file")
    await stop_mou(place.gateway, "S-1", state=AgreementState.SUSPENDED)
    said = [each for each in await place.log() if each.get("mou") == "S-1@1" and "signature" in each]
    assert [each["type"] for each in said] == ["approve"] * 4 + ["activate", "suspend"]
    users = place.gateway.current.users
    for each in said:
        key = users[each["actor"]].public_key
        assert each["fingerprint"] == fingerprint(key)
        verifier.check_act(each, bytes.fromhex(key))
        with pytest.raises(verifier.Failed):
            verifier.check_act(each | {"mou": "S-1@2"}, bytes.fromhex(key))


async def test_an_agreement_on_trial_lets_nothing_out(place: Deployed) -> None:
    await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    assert state(place) is AgreementState.TRIAL
    with pytest.raises(NoRecipient):
        await place.accept(release(), sender=SHELTER)


async def test_a_version_on_trial_is_approved_and_put_in_force(place: Deployed) -> None:
    await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    await activate_mou(place.gateway, TEXT, "file")
    assert state(place) is AgreementState.IN_FORCE
    with pytest.raises(VersionPassed):
        await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))


async def test_a_trial_is_ended_like_an_agreement_in_force(place: Deployed) -> None:
    await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    await stop_mou(place.gateway, "S-1", state=AgreementState.ENDED)
    assert state(place) is AgreementState.ENDED


async def test_of_a_version_in_force_and_one_on_trial_it_is_said_which_ends(place: Deployed) -> None:
    await activate_mou(place.gateway, TEXT, "file")
    await try_mou(place.gateway, TEXT.replace(b"version: 1", b"version: 2"), "file", by=await officer(place.gateway))
    with pytest.raises(VersionAmbiguous):
        await stop_mou(place.gateway, "S-1", state=AgreementState.ENDED)
    with pytest.raises(AgreementUnknown):
        await stop_mou(place.gateway, "S-1", state=AgreementState.ENDED, version=3)
    await stop_mou(place.gateway, "S-1", state=AgreementState.ENDED, version=2)
    assert (state(place), state(place, 2)) == (AgreementState.IN_FORCE, AgreementState.ENDED)


# --- the check ---------------------------------------------------------------------------------------------------

HALF = agreement("S-1", JAIL, POLICE, share="message.head, message.sealed, juvenile.mark, condition.no-contact")
"""Whom a person must keep away from is withheld, and no order can be sent without it."""


@pytest.mark.parametrize("trial", [True, False])
async def test_an_agreement_that_cannot_keep_what_it_promises_is_neither_tried_nor_put_in_force(
    place: Deployed, *, trial: bool
) -> None:
    act = try_mou if trial else activated
    with pytest.raises(CheckFailed) as refused:
        await act(place.gateway, HALF, "half.yaml", by=await officer(place.gateway))
    (finding,) = refused.value.findings
    assert (finding.code, finding.path, finding.file) == ("mou.promise-lost", "clause E1", "half.yaml")
    assert b"condition.no-contact" in HALF.splitlines()[(finding.line or 0) - 1]
    said = [each["type"] for each in await place.log() if each.get("mou") == "S-1@1"]
    assert said == ([] if trial else ["approve"] * 4)


async def activated(gateway: Gateway, data: bytes, file: str, *, by: Acting) -> Agreement:
    await approve_for_all(gateway, data, file)
    return await agreements.activate_mou(gateway, data, file, by=by)


async def test_law_is_part_of_the_check(place: Deployed) -> None:
    """Probation may be told from whom a person must keep away where it enforces the order, and for nothing else."""
    text = draft("JAIL-PROB-2026-02").replace(b"JAIL-PROB-2026-02", b"S-1")
    wrong = text.replace(b"protective-order-enforcement", b"supervision")
    with pytest.raises(CheckFailed) as refused:
        await try_mou(place.gateway, wrong, "file", by=await officer(place.gateway))
    assert "34 U.S.C. 12291(b)(2)(D)" in refused.value.findings[0].text
    await try_mou(place.gateway, text, "file", by=await officer(place.gateway))
    assert state(place) is AgreementState.TRIAL


NEW_LAW = b"""\
law: us-heads
title: Heads
jurisdiction: federal
version: 1
effective: {from: 2026-01-01}
source: An act 1
binds: always
rules:
  - {id: one, section: An act 1, text: Heads go to nobody., labels: [message.head], withhold: always}
"""


async def test_what_was_suspended_is_checked_again_before_it_goes_on(place: Deployed) -> None:
    await activate_mou(place.gateway, TEXT, "file")
    await stop_mou(place.gateway, "S-1", state=AgreementState.SUSPENDED)
    await add_laws(place.gateway, [("heads.yaml", NEW_LAW)], by=await officer(place.gateway))
    with pytest.raises(CheckFailed):
        await stop_mou(place.gateway, "S-1", state=AgreementState.IN_FORCE)
    assert state(place) is AgreementState.SUSPENDED


async def test_the_certificate_in_the_log_is_made_again_from_the_same_words_exchanges_and_law(place: Deployed) -> None:
    await activate_mou(place.gateway, TEXT, "file")
    (entry,) = [each for each in await place.log() if each["type"] == "check" and each["mou"] == "S-1@1"]
    current = place.gateway.current
    made = check_under_law(current, current.mous["S-1", 1], TEXT, "file", on=current.day(place.clock.now()))
    assert entry["digest"] == certificate(made).digest
    assert (entry["laws"], entry["actor"]) == (current.laws.digest, "officer-1")


async def test_of_two_versions_activated_at_the_same_moment_one_is_in_force(place: Deployed) -> None:
    second, third = (agreement("S-1", SHELTER, POLICE, version=version) for version in (2, 3))
    await approve_for_all(place.gateway, second)
    await approve_for_all(place.gateway, third)
    by = await officer(place.gateway)
    done = await asyncio.gather(
        *(agreements.activate_mou(place.gateway, data, "file", by=by) for data in (second, third)),
        return_exceptions=True,
    )
    assert any(isinstance(each, Agreement) for each in done)
    await place.gateway.refresh()
    in_force = [one.version for one in place.gateway.current.agreements if one.state is AgreementState.IN_FORCE]
    assert len([v for v in in_force if v in {2, 3}]) == 1


async def test_an_approval_that_was_only_written_into_the_database_does_not_count(place: Deployed) -> None:
    await approve(place, SHELTER)
    (given,) = [one for one in place.gateway.current.approvals if one.mou == "S-1"]
    stranger = await officer(place.gateway, POLICE)
    forged = [replace(given, party=POLICE, user=stranger.user), replace(given, party=POLICE)]
    await place.gateway.store.change(forged, [])
    with pytest.raises(NotApproved) as refused:
        await activate(place)
    assert [(lack.party, lack.people) for lack in refused.value.lacks] == [(POLICE, 1)]
