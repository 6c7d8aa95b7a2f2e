"""The weekly review: what is shown is what is signed, each week goes on from the last, and who is late is told."""

from datetime import timedelta

import pytest

from gateway.alert.alert import Code
from gateway.audit import verifier
from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import suspend_agency
from gateway.exchange.review import list_reviews, sign_review, week_of
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import JAIL, POLICE, Deployed, release
from tests.exchange.officers import officer
from tests.exchange.watching import PretendWay, look_again, watch_of


async def test_the_first_week_is_the_whole_log_and_the_next_goes_on_from_it(place: Deployed) -> None:
    by = await officer(place.gateway)
    place.clock.go(seconds=1)
    first = await week_of(place.gateway, actor=by.user)
    assert dict(first.counts)["agency"] == 6
    assert {row.type for row in first.rows} >= {"agency", "register", "activate", "user"}
    await sign_review(place.gateway, first, by=by)
    place.clock.go(days=7)
    await place.accept(release())
    await suspend_agency(place.gateway, POLICE, actor="cli")
    place.clock.go(seconds=1)
    second = await week_of(place.gateway, actor=by.user)
    assert second.since == first.until.replace(microsecond=first.until.microsecond // 10_000 * 10_000)
    assert dict(second.counts) == {"agency": 1, "disseminate": 3, "receive": 1, "read": 1, "review": 1}
    assert [(row.type, dict(row.says)["action"]) for row in second.rows] == [("agency", "suspend")]


async def test_the_signature_is_over_what_was_shown(place: Deployed) -> None:
    by = await officer(place.gateway)
    place.clock.go(seconds=1)
    week = await week_of(place.gateway, actor=by.user)
    await sign_review(place.gateway, week, by=by)
    (entry,) = [each for each in await place.log() if each["type"] == "review"]
    assert (entry["count"], entry["counts"], entry["digest"]) == (week.count, dict(week.counts), week.digest)
    verifier.check_act(entry, bytes.fromhex(by.public_key))
    with pytest.raises(verifier.Failed):
        verifier.check_act(entry | {"count": week.count - 1}, bytes.fromhex(by.public_key))
    (told,) = await list_reviews(place.gateway)
    assert (told.by, told.count, told.entry) == (by.user, week.count, entry["id"])


async def test_that_the_log_was_read_is_an_entry_and_nothing_is_shown_without(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await week_of(place.gateway, actor="cli")
    assert [each["kind"] for each in await place.log() if each["type"] == "read"] == ["review"]

    async def away(_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(place.gateway.store, "record", away)
    with pytest.raises(StoreUnavailable):
        await week_of(place.gateway, actor="cli")


async def test_only_an_officer_of_the_operator_signs_it_off(place: Deployed) -> None:
    week = await week_of(place.gateway, actor="cli")
    with pytest.raises(NotAllowed):
        await sign_review(place.gateway, week, by=await officer(place.gateway, JAIL))
    assert await list_reviews(place.gateway) == []


async def test_who_is_late_is_told_until_it_is_signed(place: Deployed) -> None:
    mail = PretendWay("mail")
    by = await officer(place.gateway)
    await place.log()
    watch = watch_of(place.gateway, mail)
    await look_again(watch, place.clock, days=6)
    assert mail.news(Code.LOG_REVIEW.value) == []
    await look_again(watch, place.clock, days=2)
    assert mail.news(Code.LOG_REVIEW.value) == ["raised"]
    await sign_review(place.gateway, await week_of(place.gateway, actor=by.user), by=by)
    await look_again(watch, place.clock, minutes=2)
    assert mail.news(Code.LOG_REVIEW.value) == ["raised", "cleared"]
    await watch.close()


async def test_a_moment_is_in_one_week_only(place: Deployed) -> None:
    by = await officer(place.gateway)
    place.clock.go(seconds=1)
    first = await week_of(place.gateway, actor=by.user)
    await sign_review(place.gateway, first, by=by)
    place.clock.go(seconds=1)
    second = await week_of(place.gateway, actor=by.user)
    total = len(await place.log())
    # The last entry is that this second week was read, after it was counted.
    assert first.count + second.count == total - 1
    assert second.until - first.until == timedelta(seconds=1)
