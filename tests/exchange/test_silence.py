"""An alert that somebody knows of is not told of for a time; who silenced it stands in the log, signed."""

from datetime import timedelta

import pytest

from gateway.alert.alert import Code
from gateway.audit import verifier
from gateway.exchange.acting import NotAllowed
from gateway.exchange.silence import AlertUnknown, TooLong, silence_alert
from gateway.exchange.watch import about_of
from tests.exchange.deployed import JAIL, Deployed
from tests.exchange.officers import officer
from tests.exchange.watching import PretendWay, look_again, watch_of

REVIEW = Code.LOG_REVIEW


async def test_it_is_not_told_again_until_its_time_is_over(place: Deployed) -> None:
    mail, by = PretendWay("mail"), await officer(place.gateway)
    await place.log()
    watch = watch_of(place.gateway, mail)
    await look_again(watch, place.clock, days=9)
    await silence_alert(place.gateway, REVIEW, "", place.clock.now() + timedelta(days=3), by=by)
    for _ in range(2):
        await look_again(watch, place.clock, days=1)
    assert mail.news(REVIEW.value) == ["raised"]
    await look_again(watch, place.clock, days=1)
    assert mail.news(REVIEW.value) == ["raised", "reminder"]
    await watch.close()


async def test_who_silenced_it_is_signed(place: Deployed) -> None:
    by = await officer(place.gateway)
    watch = watch_of(place.gateway)
    await look_again(watch, place.clock, days=9)
    until = place.clock.now() + timedelta(days=1)
    await silence_alert(place.gateway, REVIEW, "", until, by=by)
    await silence_alert(place.gateway, REVIEW, "", None, by=by)
    said = [each for each in await place.log() if each["type"] == "alert" and "signature" in each]
    assert [(each["action"], each["code"]) for each in said] == [("silence", REVIEW), ("tell-again", REVIEW)]
    for each in said:
        verifier.check_act(each, bytes.fromhex(by.public_key))
    await watch.close()


async def test_what_does_not_stand_is_not_silenced_nor_for_ever_nor_by_anybody(place: Deployed) -> None:
    by = await officer(place.gateway)
    now = place.clock.now()
    with pytest.raises(AlertUnknown):
        await silence_alert(place.gateway, REVIEW, "", now + timedelta(days=1), by=by)
    for until in (now, now + timedelta(days=31)):
        with pytest.raises(TooLong):
            await silence_alert(place.gateway, REVIEW, "", until, by=by)
    with pytest.raises(NotAllowed):
        await silence_alert(place.gateway, REVIEW, "", None, by=await officer(place.gateway, JAIL))


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("", ""),
        ("millbrook-police", "recipient"),
        ("JAIL-PD-2026-01@1", "mou"),
        ("cover.next", "kind"),
        ("No Such", ""),
    ],
)
def test_an_entry_names_what_an_alert_is_about(subject: str, key: str) -> None:
    assert about_of(subject) == ({key: subject} if key else {})
