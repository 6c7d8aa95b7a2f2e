"""People who act: let in by an administrator, shut out at once, and always in the log."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.exchange.acting import Acting, NotAllowed, UserUnknown, allowed
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.people import AdministratorNeeded, LastAdministrator, UserTaken, add_user, disable_user
from gateway.keys.personal import throwaway
from gateway.user import User, UserId, UserRole
from tests.exchange.deployed import JAIL, Deployed
from tests.exchange.officers import OPERATOR, officer

ADMINISTRATOR = frozenset({UserRole.ADMINISTRATOR})


def somebody(place: Deployed, name: str = "dana.whitcombe", **more: Any) -> User:
    _, public_key = throwaway()
    values = {"agency": JAIL, "roles": frozenset({UserRole.SIGNATORY}), **more}
    return User(id=UserId(name), public_key=public_key, since=place.clock.now(), **values)


async def test_while_there_is_no_administrator_the_operator_of_the_machine_adds_people(place: Deployed) -> None:
    added = await add_user(place.gateway, somebody(place), actor="cli")
    assert place.gateway.current.users[added.id] == added
    entry = (await place.log())[-1]
    assert (entry["type"], entry["action"], entry["user"], entry["actor"]) == ("user", "add", added.id, "cli")
    assert (entry["roles"], entry["speaks_for"]) == (["signatory"], JAIL)


async def test_once_there_is_an_administrator_only_one_of_them_adds_people(place: Deployed) -> None:
    boss = await officer(place.gateway, roles=ADMINISTRATOR)
    with pytest.raises(AdministratorNeeded):
        await add_user(place.gateway, somebody(place), actor="cli")
    added = await add_user(place.gateway, somebody(place), by=boss)
    entry = (await place.log())[-1]
    assert (entry["user"], entry["actor"]) == (added.id, boss.user)
    assert "signature" in entry


async def test_whoever_is_no_administrator_adds_nobody(place: Deployed) -> None:
    clerk = await officer(place.gateway)
    with pytest.raises(NotAllowed):
        await add_user(place.gateway, somebody(place), by=clerk)


async def test_who_would_have_to_act_is_named_the_operator_too(place: Deployed) -> None:
    clerk = await officer(place.gateway, JAIL)
    with pytest.raises(NotAllowed, match=f"speaks for {JAIL}; this is for somebody of the gateway's operator$"):
        allowed(place.gateway, clerk, tuple(UserRole), OPERATOR)
    with pytest.raises(NotAllowed, match=r"of the gateway's operator or millbrook-police$"):
        allowed(place.gateway, clerk, tuple(UserRole), OPERATOR, AgencyId("millbrook-police"))


async def test_an_account_is_one_person_for_good(place: Deployed) -> None:
    await add_user(place.gateway, somebody(place), actor="cli")
    with pytest.raises(UserTaken):
        await add_user(place.gateway, somebody(place), actor="cli")


async def test_nobody_speaks_for_an_agency_that_is_not_there(place: Deployed) -> None:
    with pytest.raises(AgencyUnknown):
        await add_user(place.gateway, somebody(place, agency=AgencyId("nobody")), actor="cli")


async def test_the_last_administrator_stays(place: Deployed) -> None:
    boss = await officer(place.gateway, roles=ADMINISTRATOR)
    with pytest.raises(LastAdministrator):
        await disable_user(place.gateway, boss.user, by=boss)
    with pytest.raises(UserUnknown):
        await disable_user(place.gateway, "nobody", by=boss)


@pytest.mark.parametrize("name", ["", "Dana", "dana whitcombe", "dana@jail", "d" * 61, "dana..w"])
def test_what_is_no_account_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="account"):
        User(
            id=UserId(name),
            agency=JAIL,
            roles=ADMINISTRATOR,
            public_key="ab" * 32,
            since=None,  # type: ignore[arg-type]
        )


async def test_two_administrators_never_shut_each_other_out(place: Deployed) -> None:
    one = await officer(place.gateway, roles=ADMINISTRATOR)
    sign, public_key = throwaway()
    second = somebody(place, agency=OPERATOR, roles=ADMINISTRATOR)
    await add_user(place.gateway, replace(second, public_key=public_key), by=one)
    other = Acting(user=second.id, sign=sign, public_key=public_key)
    done = await asyncio.gather(
        disable_user(place.gateway, other.user, by=one),
        disable_user(place.gateway, one.user, by=other),
        return_exceptions=True,
    )
    assert sum(isinstance(each, User) for each in done) == 1
