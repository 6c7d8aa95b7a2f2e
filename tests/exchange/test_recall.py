"""What waits under an agreement that has ended is recalled, with an entry, whoever would have claimed it."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from gateway.delivery.delivery import State
from gateway.exchange import recall
from gateway.exchange.activate import suspend_agency
from gateway.exchange.recall import recall_ended
from gateway.message import Action
from gateway.store.configuration import AgreementState
from tests.exchange.deployed import POLICE, PROBATION, Deployed, release
from tests.exchange.officers import stop_mou

MOU = "JAIL-PD-2026-01"


async def states(place: Deployed, message: str) -> dict[str, State]:
    records = await place.gateway.store.disseminations(message)  # type: ignore[arg-type]
    return {each.dissemination.recipient: each.delivery.state for each in records}


async def test_nothing_is_recalled_while_agreements_are_in_force_or_suspended(place: Deployed) -> None:
    accepted = await place.accept(release())
    assert await recall_ended(place.gateway) == 0
    await stop_mou(place.gateway, MOU, state=AgreementState.SUSPENDED)
    assert await recall_ended(place.gateway) == 0
    assert set((await states(place, accepted.id)).values()) == {State.WAITING}


async def test_what_waits_under_an_ended_agreement_is_recalled_with_an_entry(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "PAGE", 2)
    sent = [await place.accept(release()) for _ in range(5)]
    await suspend_agency(place.gateway, POLICE, actor="test")
    await stop_mou(place.gateway, MOU, state=AgreementState.ENDED)
    count = await recall_ended(place.gateway)
    found = [await states(place, each.id) for each in sent]
    assert [each[POLICE] for each in found] == [State.RECALLED] * 5
    assert [each[PROBATION] for each in found] == [State.WAITING] * 5
    entries = [each for each in await place.log() if each["type"] == "recall"]
    assert len(entries) == count >= 5
    assert {(each["mou"], each["reason"]) for each in entries} == {(f"{MOU}@1", "mou-ended")}
    assert await recall_ended(place.gateway) == 0


async def test_what_waits_is_recalled_when_the_last_day_is_over_and_a_cancellation_stays(place: Deployed) -> None:
    first, other = await place.accept(release(), "HCJ-1"), await place.accept(release(), "HCJ-2")
    cancel = await place.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-3")
    until = place.gateway.current.mous[MOU, 1].until
    place.clock.moment = datetime.combine(until, time(23, 59), tzinfo=UTC)
    await recall_ended(place.gateway)
    assert (await states(place, other.id))[POLICE] is State.WAITING
    place.clock.go(minutes=1)
    await recall_ended(place.gateway)
    assert (await states(place, other.id))[POLICE] is State.RECALLED
    assert (await states(place, first.id))[POLICE] is State.RECALLED
    assert (await states(place, cancel.id))[POLICE] is State.WAITING


async def test_one_that_was_claimed_meanwhile_is_left_to_its_worker(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = await place.accept(release())
    await stop_mou(place.gateway, MOU, state=AgreementState.ENDED)
    found = place.gateway.store.delivery

    async def acknowledged_just_now(id: Any) -> Any:
        record = await found(id)
        assert record is not None
        done = replace(record.delivery, state=State.DELIVERED, delivered_at=place.clock.now(), evidence="transport")
        await place.gateway.store.move(done, expected=State.WAITING, entries=())
        return record

    with monkeypatch.context() as patch:
        patch.setattr(place.gateway.store, "delivery", acknowledged_just_now)
        assert await recall_ended(place.gateway) == 0
    assert (await states(place, accepted.id))[POLICE] is State.DELIVERED
