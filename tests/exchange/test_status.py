"""Status and receipt: for a message's sender, by its own id or by ours."""

import pytest

from gateway.delivery.delivery import State
from gateway.exchange.inbox import acknowledge
from gateway.exchange.status import MessageUnknown, receipt, status
from tests.exchange.deployed import CONTACT, JAIL, POLICE, PROBATION, PROSECUTOR, Deployed, release, sample


async def test_each_delivery_is_told_by_recipient(place: Deployed) -> None:
    accepted = await place.accept(release(), "HCJ-1")
    found = await status(place.gateway, JAIL, "HCJ-1")
    assert found.message.id == accepted.id
    assert [each.recipient for each in found.deliveries] == sorted([POLICE, PROBATION, PROSECUTOR])
    assert {each.state for each in found.deliveries} == {State.WAITING}
    ids = {each.recipient: each.delivery for each in found.deliveries}
    await acknowledge(place.gateway, POLICE, ids[POLICE])
    later = {each.recipient: each for each in (await status(place.gateway, JAIL, accepted.id)).deliveries}
    assert later[POLICE].state is State.DELIVERED
    assert later[POLICE].delivered_at == place.clock.now()
    assert later[PROBATION].state is State.WAITING


async def test_the_receipt_is_the_one_that_was_answered(place: Deployed) -> None:
    accepted = await place.accept(release(), "HCJ-1")
    for id in ("HCJ-1", accepted.id):
        assert await receipt(place.gateway, JAIL, id) == accepted.receipt


@pytest.mark.parametrize("act", [status, receipt])
async def test_a_message_of_somebody_else_is_unknown_like_one_that_never_was(place: Deployed, act: object) -> None:
    accepted = await place.accept(release(), "HCJ-1")
    told = set()
    for agency, id in ((POLICE, accepted.id), (POLICE, "HCJ-1"), (JAIL, "HCJ-2"), (JAIL, "")):
        with pytest.raises(MessageUnknown) as error:
            await act(place.gateway, agency, id)  # type: ignore[operator]
        told.add(error.value.text)
    assert len(told) == 1


async def test_one_id_of_two_senders_means_to_each_its_own(place: Deployed) -> None:
    first = await place.accept(release(), "ONE")
    second = await place.accept(sample("smallest", CONTACT), "ONE", sender=POLICE)
    assert (await status(place.gateway, JAIL, "ONE")).message.id == first.id
    assert (await status(place.gateway, POLICE, "ONE")).message.id == second.id
