"""Who is known and turned away is recorded, and cannot fill the log."""

import pytest

from gateway.exchange.access import record_access_refused
from gateway.exchange.gateway import AgencySuspended, CredentialsDisagree
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import JAIL, POLICE, PROBATION, Deployed

FINGERPRINT = "ab" * 32


def disagree() -> CredentialsDisagree:
    return CredentialsDisagree(by_token=POLICE, by_certificate=JAIL, token_fingerprint=FINGERPRINT)


async def test_a_suspended_agency_that_tries_is_an_entry_of_its_own(place: Deployed) -> None:
    await record_access_refused(place.gateway, AgencySuspended(JAIL), channel="rest")
    (entry,) = [each for each in await place.log() if each["type"] == "access-refused"]
    assert (entry["agency"], entry["code"], entry["channel"], entry["count"]) == (JAIL, "agency.suspended", "rest", 1)
    assert entry["parties"] == [JAIL]


async def test_of_credentials_that_disagree_the_token_is_named_by_its_fingerprint(place: Deployed) -> None:
    await record_access_refused(place.gateway, disagree(), channel="rest")
    (entry,) = [each for each in await place.log() if each["type"] == "access-refused"]
    assert (entry["agency"], entry["parties"], entry["fingerprint"]) == (JAIL, [JAIL, POLICE], FINGERPRINT)
    assert entry["code"] == "identity.disagree"


async def test_a_thousand_tries_are_a_few_entries_that_say_how_many(place: Deployed) -> None:
    before = len(await place.log())
    for _ in range(1000):
        await record_access_refused(place.gateway, AgencySuspended(JAIL), channel="rest")
        place.clock.go(seconds=1)
    said = [each for each in await place.log() if each["type"] == "access-refused"]
    assert [each["count"] for each in said] == [1, 600]
    assert len(await place.log()) == before + 2


async def test_each_agency_each_channel_and_each_reason_is_counted_by_itself(place: Deployed) -> None:
    for agency in (JAIL, PROBATION):
        for channel in ("rest", "soap"):
            await record_access_refused(place.gateway, AgencySuspended(agency), channel=channel)
    await record_access_refused(place.gateway, disagree(), channel="rest")
    assert len([each for each in await place.log() if each["type"] == "access-refused"]) == 5


async def test_what_the_log_did_not_take_is_no_refusal_that_was_recorded_and_is_counted_next_time(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(entries: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(place.gateway.store, "record", away)
        with pytest.raises(StoreUnavailable):
            await record_access_refused(place.gateway, AgencySuspended(JAIL), channel="rest")
    await record_access_refused(place.gateway, AgencySuspended(JAIL), channel="rest")
    (entry,) = [each for each in await place.log() if each["type"] == "access-refused"]
    assert entry["count"] == 2
