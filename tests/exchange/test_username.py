"""Usernames asked for beside the transport's credential: compared once, counted when wrong, and nobody is shut out."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.exchange import passwords
from gateway.exchange.activate import WeakPassword, register_username
from gateway.exchange.passwords import FAILURES_MAX, LOCKED, UsernameLocked, UsernameWrong
from gateway.exchange.revoke import revoke_credential
from gateway.exchange.username import UsernameInClear, asks_username, check_username
from gateway.signing.security import SignatureStale
from gateway.signing.username import UsernameToken
from tests.exchange.deployed import JAIL, POLICE, Deployed

PASSWORD = "correct horse battery"


async def show(
    place: Deployed, password: str = PASSWORD, *, username: str = "records", address: str = "192.0.2.1", **more: Any
) -> None:
    agency: AgencyId = more.pop("agency", JAIL)
    shown = UsernameToken(username=username, password=password, **more)
    await check_username(place.gateway, agency, shown, address=address)


@pytest.fixture
async def registered(place: Deployed) -> Deployed:
    await register_username(place.gateway, JAIL, "records", PASSWORD, actor="test")
    return place


async def test_an_agency_is_asked_once_it_has_one(place: Deployed) -> None:
    assert not asks_username(place.gateway, JAIL)
    await register_username(place.gateway, JAIL, "records", PASSWORD, actor="test")
    assert asks_username(place.gateway, JAIL)
    assert not asks_username(place.gateway, POLICE)


async def test_name_and_password_must_both_be_right_and_which_was_wrong_is_not_said(registered: Deployed) -> None:
    await show(registered)
    texts = set()
    for wrong in ({"password": PASSWORD[:-1]}, {"username": "record"}, {"username": "nobody", "password": "x" * 12}):
        with pytest.raises(UsernameWrong) as refused:
            await show(registered, **wrong)  # type: ignore[arg-type]
        texts.add(str(refused.value))
    assert len(texts) == 1


async def test_none_at_all_is_refused(registered: Deployed) -> None:
    with pytest.raises(UsernameWrong, match="UsernameToken"):
        await check_username(registered.gateway, JAIL, None, address="192.0.2.1")


async def test_one_that_nobody_asked_for_is_refused_like_a_wrong_one(registered: Deployed) -> None:
    with pytest.raises(UsernameWrong):
        await show(registered, agency=POLICE)


async def test_a_right_password_is_compared_by_scrypt_once(
    registered: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    real = passwords.fits_record
    monkeypatch.setattr(passwords, "fits_record", lambda *given: compared.append(1) or real(*given))
    await asyncio.gather(*(show(registered) for _ in range(20)))
    assert len(compared) == 1
    with pytest.raises(UsernameWrong):
        await show(registered, "wrong password")
    with pytest.raises(UsernameWrong):
        await show(registered, username="nobody")  # a name that is not there takes as long
    assert len(compared) == 3


async def test_after_five_wrong_ones_the_address_waits_and_others_do_not(registered: Deployed) -> None:
    for _ in range(FAILURES_MAX):
        with pytest.raises(UsernameWrong):
            await show(registered, "wrong password")
    with pytest.raises(UsernameLocked):
        await show(registered, "wrong password")
    with pytest.raises(UsernameLocked):
        await show(registered)  # the right one too: else it could be guessed on
    await show(registered, address="192.0.2.2")
    registered.clock.moment += LOCKED
    await show(registered)


async def test_many_wrong_ones_at_once_are_counted_before_they_are_compared(registered: Deployed) -> None:
    tries = (show(registered, f"wrong password {number}") for number in range(30))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, UsernameWrong) for each in done) == FAILURES_MAX
    assert sum(isinstance(each, UsernameLocked) for each in done) == 30 - FAILURES_MAX


async def test_wrong_ones_long_ago_are_forgotten(registered: Deployed) -> None:
    for _ in range(FAILURES_MAX * 2):
        with pytest.raises(UsernameWrong):
            await show(registered, "wrong password")
        registered.clock.go(minutes=4)
    await show(registered)


async def test_how_old_a_token_is_counts_when_it_says_so(registered: Deployed) -> None:
    await show(registered, created=registered.clock.now() - timedelta(minutes=4))
    with pytest.raises(SignatureStale):
        await show(registered, created=registered.clock.now() - timedelta(minutes=6))


async def test_two_stand_side_by_side_until_the_old_one_is_revoked(registered: Deployed) -> None:
    await show(registered)
    (old,) = registered.gateway.current.usernames[JAIL]
    _, issued = await register_username(registered.gateway, JAIL, "records", actor="test")
    await show(registered)
    await show(registered, issued)
    await revoke_credential(registered.gateway, JAIL, old.fingerprint[:12], actor="test")
    await show(registered, issued)
    with pytest.raises(UsernameWrong):
        await show(registered)  # though this process knows that it was right once


async def test_when_the_last_is_revoked_none_is_asked_for_but_an_expired_one_still_is(registered: Deployed) -> None:
    (one,) = registered.gateway.current.usernames[JAIL]
    registered.clock.go(days=366)
    assert asks_username(registered.gateway, JAIL)
    with pytest.raises(UsernameWrong):
        await show(registered)
    await revoke_credential(registered.gateway, JAIL, one.fingerprint, actor="test")
    assert not asks_username(registered.gateway, JAIL)


async def test_without_tls_it_is_refused(registered: Deployed) -> None:
    listen = registered.gateway.settings.listen.model_copy(update={"tls": False, "public_url": ""})
    registered.gateway.settings = registered.gateway.settings.model_copy(update={"listen": listen})
    with pytest.raises(UsernameInClear):
        await show(registered)


async def test_the_entry_says_who_and_when_and_nothing_of_name_or_password(registered: Deployed) -> None:
    (one,) = registered.gateway.current.usernames[JAIL]
    (entry,) = [each for each in await registered.log() if each.get("kind") == "username"]
    assert (entry["type"], entry["action"], entry["agency"]) == ("credential", "register", JAIL)
    assert entry["fingerprint"] == one.fingerprint
    assert "records" not in str(entry)
    assert PASSWORD not in str(await registered.log())


async def test_the_password_is_not_in_the_database(registered: Deployed) -> None:
    stored = (await registered.gateway.store.configuration()).credentials
    (one,) = [each for each in stored if each.kind == "username"]
    assert PASSWORD.encode() not in one.secret
    assert one.certificate == b""
    assert "secret" not in repr(one)


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("two words", PASSWORD), ("records", "short"), ("é", PASSWORD)]
)
async def test_weak_ones_are_not_registered(place: Deployed, name: str, password: str) -> None:
    with pytest.raises(WeakPassword):
        await register_username(place.gateway, JAIL, name, password, actor="test")
