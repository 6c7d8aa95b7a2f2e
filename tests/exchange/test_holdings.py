"""What an agency may still have, by the log: for a notice of a breach."""

import csv
import io
from hashlib import sha256
from typing import Any

import pytest

from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import AgencyUnknown, issue_token, suspend_agency
from gateway.exchange.holdings import COLUMNS, Has, Holdings, export_holdings, holdings
from gateway.exchange.inbox import acknowledge, inbox_payload
from gateway.message import DeliveryId
from gateway.store.interface import StoreUnavailable
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, POLICE, PROBATION, SHELTER, Deployed, sample
from tests.exchange.officers import officer
from tests.exchange.test_emergency import go


async def sent(place: Deployed, to: str = POLICE) -> tuple[str, DeliveryId]:
    """A notice of the jail; its id, and the delivery to this agency."""
    accepted = await place.accept(sample("fullest"))
    for each in await place.gateway.store.disseminations(accepted.id):
        if each.delivery.recipient == to:
            return accepted.id, each.delivery.id
    raise AssertionError("nothing went there")


async def of(place: Deployed, agency: str = POLICE) -> Holdings:
    return await holdings(place.gateway, agency)  # type: ignore[arg-type]


async def test_what_it_has_acknowledged_what_it_perhaps_read_and_what_still_waits(place: Deployed) -> None:
    has, acknowledged = await sent(place)
    perhaps, read = await sent(place)
    _, waiting = await sent(place)
    await acknowledge(place.gateway, POLICE, acknowledged)
    await inbox_payload(place.gateway, POLICE, read)
    found = await of(place)
    assert {each.message: each.has for each in found.held} == {has: Has.YES, perhaps: Has.PERHAPS}
    assert {each.id for each in found.waiting} == {read, waiting}
    (group,) = found.groups
    assert (group.sender, group.exchange, group.count, group.perhaps) == (JAIL, "custody-release/1.0", 2, 1)
    assert group.mou.startswith("JAIL-PD-2026-01@")
    assert group.month == "2026-03"
    assert group.keep_until is not None


async def test_what_its_time_is_up_for_it_has_no_more(place: Deployed) -> None:
    _, delivery = await sent(place)
    await acknowledge(place.gateway, POLICE, delivery)
    (held,) = (await of(place)).held
    assert held.keep_until is not None
    place.clock.moment = held.keep_until
    assert len((await of(place)).held) == 1
    place.clock.go(seconds=1)
    assert (await of(place)).held == ()


async def test_what_was_never_given_to_it_is_not_there(place: Deployed) -> None:
    await sent(place)
    assert (await of(place)).held == ()
    assert (await of(place, JAIL)).held == ()
    _, delivery = await sent(place, PROBATION)
    await acknowledge(place.gateway, PROBATION, delivery)
    assert (await of(place)).held == ()
    with pytest.raises(AgencyUnknown):
        await of(place, "nobody")


async def test_what_was_released_in_an_emergency_is_there_too(place: Deployed) -> None:
    message, _ = await sent(place)
    released = await go(place, message)
    await acknowledge(place.gateway, SHELTER, DeliveryId(released.delivery))
    (held,) = (await of(place, SHELTER)).held
    assert (held.message, held.mou, held.keep_until) == (message, "EMERGENCY@1", None)


async def test_it_says_which_credentials_stop(place: Deployed) -> None:
    assert dict((await of(place)).stopped)["token"] == 0
    await issue_token(place.gateway, POLICE, actor="test")
    stopped = dict((await of(place)).stopped)
    assert (stopped["token"], stopped["certificate"], stopped["authority"]) == (1, 0, 0)


async def test_asking_is_an_entry_and_taking_the_list_out_another_with_its_digest(place: Deployed) -> None:
    message, delivery = await sent(place)
    await acknowledge(place.gateway, POLICE, delivery)
    await suspend_agency(place.gateway, POLICE, actor="test")
    found = await of(place)
    by = await officer(place.gateway, number=7, roles=frozenset({UserRole.OPERATOR}))
    text = await export_holdings(place.gateway, found, by=by)
    header, row = csv.reader(io.StringIO(text))
    assert tuple(header) == COLUMNS
    assert (row[0], row[3], row[7]) == (message, JAIL, "yes")
    read, exported = (each for each in await place.log() if each.get("kind") == "holdings")
    assert (read["agency"], read["count"], read["parties"]) == (POLICE, 1, [])
    assert exported["digest"] == f"sha-256:{sha256(text.encode()).hexdigest()}"
    assert (exported["actor"], exported["agency"], exported["count"]) == (by.user, POLICE, 1)
    assert exported["signature"]


async def test_the_list_holds_no_content_and_no_names(place: Deployed) -> None:
    _, delivery = await sent(place)
    await acknowledge(place.gateway, POLICE, delivery)
    text = await export_holdings(place.gateway, await of(place))
    body = sample("fullest").decode()
    words = {word for word in body.replace("<", " ").replace(">", " ").split() if len(word) > 4 and word.isalpha()}
    assert "Calvin" in words
    allowed = {"custody", "release"}
    assert not [word for word in words - allowed if word in text]


async def test_what_cannot_be_entered_is_not_told(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    _, delivery = await sent(place)
    await acknowledge(place.gateway, POLICE, delivery)
    found = await of(place)

    async def failing(entries: Any) -> None:
        raise StoreUnavailable("the wire is cut")

    monkeypatch.setattr(place.gateway.store, "record", failing)
    for act in (holdings(place.gateway, POLICE), export_holdings(place.gateway, found)):
        with pytest.raises(StoreUnavailable):
            await act


async def test_only_the_operator_s_people_take_the_list_out(place: Deployed) -> None:
    with pytest.raises(NotAllowed):
        await export_holdings(place.gateway, await of(place), by=await officer(place.gateway, JAIL))
    assert not [each for each in await place.log() if each["type"] == "export"]
