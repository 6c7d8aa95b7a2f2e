"""A decision of the past is made again under the version of then, and compared with what was recorded."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.exchange.consents import add_consent, revoke_consent
from gateway.exchange.redecide import (
    DecisionUnknown,
    Redecided,
    Then,
    VersionAltered,
    VersionGone,
    decide_again,
    redecide,
)
from gateway.exchange.stored import open_stored
from gateway.keys.payload import KeyGone
from gateway.message import Action
from gateway.policy.law import Laws
from gateway.store.configuration import AgreementState
from tests.exchange.deployed import JAIL, POLICE, PROBATION, Deployed, agreement, draft, release, sample
from tests.exchange.officers import activate_mou, stop_mou
from tests.exchange.test_consents import SUD, new

PD = draft("JAIL-PD-2026-01").decode()


async def again(place: Deployed, id: str) -> dict[str, Redecided]:
    return {each.dissemination.recipient: each for each in await redecide(place.gateway, id, actor="cli")}


async def test_what_was_decided_a_year_ago_under_a_replaced_version_comes_out_the_same(place: Deployed) -> None:
    accepted = await place.accept(sample("fullest"))
    narrower = PD.replace("version: 1", "version: 2").replace("        - person.dob\n", "")
    await activate_mou(place.gateway, narrower.encode(), "file")
    place.clock.go(days=20)
    found = await again(place, accepted.id)
    assert len(found) == 4
    assert [each for each in found.values() if not each.same] == []
    police = found[POLICE]
    assert police.dissemination.mou_version == 1
    assert police.shared[0] > 0
    assert (police.payload, police.laws, police.consents, police.configuration) == (True, False, False, True)


async def test_one_dissemination_is_named_by_its_own_id_or_by_its_delivery(place: Deployed) -> None:
    await place.accept(release(given="Nolan"))
    accepted = await place.accept(release())
    record = (await place.gateway.store.disseminations(accepted.id))[1]
    for id in (record.dissemination.id, record.delivery.id):
        (found,) = await redecide(place.gateway, id, actor="cli")
        assert found.dissemination == record.dissemination
        assert found.same
        assert not found.configuration
    with pytest.raises(DecisionUnknown):
        await again(place, "019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")


async def test_that_a_message_is_opened_is_written(place: Deployed) -> None:
    accepted = await place.accept(release())
    count = len(await again(place, accepted.id))
    entry = (await place.log())[-1]
    said = {key: entry[key] for key in ("type", "kind", "actor", "message", "count", "parties")}
    assert said == {
        "type": "read",
        "kind": "replay",
        "actor": "cli",
        "message": accepted.id,
        "count": count,
        "parties": [JAIL],
    }


async def test_corrections_cancellations_and_withdrawals_come_out_the_same(place: Deployed) -> None:
    await place.accept(release(), "1")
    corrected = await place.accept(release(Action.CORRECT, "1", given="Nolan"), "2")
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED)
    withdrawn = await place.accept(release(Action.CORRECT, "2", given="Miles"), "3")
    canceled = await place.accept(release(Action.CANCEL, "3"), "4")
    for each in (corrected, withdrawn, canceled):
        found = await again(place, each.id)
        assert POLICE in found
        assert [one for one in found.values() if not one.same] == []


async def test_what_was_named_otherwise_to_one_recipient_comes_out_the_same(place: Deployed) -> None:
    await place.accept(release(), "1", only=frozenset({POLICE}))
    await place.accept(release(Action.UPDATE, "1"), "2", only=frozenset({PROBATION}))
    canceled = await place.accept(release(Action.CANCEL, "2"), "3")
    found = await again(place, canceled.id)
    assert {name: (one.same, one.payload) for name, one in found.items()} == {
        POLICE: (True, True),
        PROBATION: (True, True),
    }


async def recorded(place: Deployed, **changes: Any) -> Redecided:
    """A decision made again whose record says something else."""
    accepted = await place.accept(sample("fullest"))
    found = await place.gateway.store.message(accepted.id)
    assert found is not None
    made = next(
        each.dissemination
        for each in await place.gateway.store.disseminations(accepted.id)
        if each.dissemination.recipient == POLICE
    )
    configured = place.gateway.current
    now = place.clock.now()
    changed = replace(made, **{key: value(made) if callable(value) else value for key, value in changes.items()})
    return decide_again(
        configured,
        found.message,
        open_stored(place.gateway, found),
        changed,
        consents=(),
        then=Then(laws=configured.laws.digest, configuration=configured.version),
        now=now,
    )


async def test_a_place_that_fared_otherwise_is_named_with_both_outcomes(place: Deployed) -> None:
    found = await recorded(place, redactions=lambda made: made.redactions[1:])
    assert not found.same
    (place_,) = found.deviations
    assert place_.then == "shared"
    assert place_.now.startswith(("withheld by", "mask by"))
    assert place_.path.startswith("/cr:CustodyRelease/")


async def test_another_number_of_shared_places_is_a_difference(place: Deployed) -> None:
    found = await recorded(place, shared=1)
    assert not found.same
    assert found.shared[0] == 1 < found.shared[1]


async def test_a_recipient_whom_the_clause_does_not_name_would_get_nothing(place: Deployed) -> None:
    found = await recorded(place, recipient=PROBATION)
    assert (found.same, found.code) == (False, "policy.not-routed")


async def test_a_version_that_is_not_there_or_has_other_words_is_said(place: Deployed) -> None:
    with pytest.raises(VersionGone):
        await recorded(place, mou_version=9)
    with pytest.raises(VersionAltered):
        await recorded(place, mou_digest="sha-256:" + "0" * 64)


async def test_one_whose_version_is_not_here_hides_none_of_the_others(place: Deployed) -> None:
    accepted = await place.accept(release())
    current = place.gateway.current
    held = tuple(one for one in current.agreements if one.mou != "JAIL-PD-2026-01")
    place.gateway.current = replace(current, agreements=held)
    found = await again(place, accepted.id)
    assert (found[POLICE].decided, found[POLICE].same, found[POLICE].code) == (False, False, "mou.version-gone")
    assert found[PROBATION].same


async def test_other_law_packs_than_those_of_then_are_told(place: Deployed) -> None:
    accepted = await place.accept(sample("fullest"))
    current = place.gateway.current
    place.gateway.current = replace(current, laws=Laws(), compiled={})
    found = await again(place, accepted.id)
    assert found[POLICE].laws


async def test_a_consent_that_came_or_went_since_is_told_and_those_of_then_decide(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("A-1", JAIL, PROBATION, share=SUD), "file")
    place.clock.go(minutes=1)
    without = await place.accept(sample("fullest"))
    place.clock.go(minutes=1)
    (consent,) = await add_consent(place.gateway, new())
    place.clock.go(minutes=1)
    with_one = await place.accept(sample("fullest"))
    first, second = [(await again(place, each.id))[PROBATION] for each in (without, with_one)]
    assert (first.same, first.consents) == (True, True)
    assert (second.same, second.consents) == (True, False)
    assert first.shared[0] < second.shared[0]
    place.clock.go(minutes=1)
    await revoke_consent(place.gateway, consent.id)
    first, second = [(await again(place, each.id))[PROBATION] for each in (without, with_one)]
    assert (first.same, first.consents) == (True, False)
    assert (second.same, second.consents) == (True, True)


async def test_what_is_destroyed_cannot_be_decided_again(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = await place.accept(release())

    def gone(self: object, sealed: Any, *, aad: bytes) -> bytes:
        raise KeyGone("gone")

    monkeypatch.setattr(type(place.gateway.payloads), "open", gone)
    with pytest.raises(KeyGone):
        await again(place, accepted.id)
