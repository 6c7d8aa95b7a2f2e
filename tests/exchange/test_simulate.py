"""A draft is held against stored messages or files: what it would change, for whom, in how many messages."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.exchange.configured import Configured
from gateway.exchange.difference import Effect, Shown
from gateway.exchange.simulate import Replay, Simulated, simulate_files, simulate_stored, since_days
from gateway.keys.payload import KeyGone
from gateway.message import Action
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from tests.exchange.deployed import JAIL, POLICE, PROSECUTOR, SHELTER, Deployed, agreement, draft, release, sample

PD = draft("JAIL-PD-2026-01").decode().replace("version: 1", "version: 2")


def mou_of(configured: Configured, text: str | bytes) -> Mou:
    mou, findings = read_mou(text.encode() if isinstance(text, str) else text, "draft.yaml", configured.iepds)
    assert mou is not None, findings
    return mou


async def simulated(place: Deployed, text: str | bytes, replay: Replay | None = None) -> Simulated:
    mou = mou_of(place.gateway.current, text)
    return await simulate_stored(place.gateway, mou, replay or Replay(), actor="cli")


def of(made: Simulated, recipient: str) -> Effect:
    return next(each for each in made.effects if each.recipient == recipient)


async def test_the_same_words_change_nothing(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    made = await simulated(place, PD)
    assert (made.instead_of, made.as_if_today, made.messages) == (1, False, 1)
    assert {each.recipient for each in made.effects} >= {POLICE, PROSECUTOR}
    assert [each for each in made.effects if each.changed] == []


CHANGED = {
    "withheld": ("        - person.dob\n", "", "person.dob", Shown.NO_MORE),
    "shared": ("- caution.flags", "- caution.flags\n        - juvenile.offense", "juvenile.offense", Shown.NEWLY),
    "masked otherwise": ("keep_last: 4", "keep_last: 2", "person.id.doc", Shown.OTHER_FORM),
    "reduced": (
        "transform:",
        "transform:\n        person.dob: {do: generalize, to: year}",
        "person.dob",
        Shown.OTHER_FORM,
    ),
}


@pytest.mark.parametrize(("old", "new", "label", "shown"), CHANGED.values(), ids=CHANGED)
async def test_a_changed_line_is_told_by_label_and_recipient_and_nothing_else_is(
    place: Deployed, old: str, new: str, label: str, shown: Shown
) -> None:
    await place.accept(sample("fullest"))
    await place.accept(release(given="Nolan"))
    assert old in PD
    made = await simulated(place, PD.replace(old, new, 1))
    police = of(made, POLICE)
    assert (police.released, police.withdrawn) == (0, 0)
    assert set(police.labels) == {(label, shown)}
    assert police.changed in {1, 2}
    assert of(made, PROSECUTOR).changed == 0


async def test_a_recipient_who_gets_messages_no_more_and_one_who_gets_them_newly(place: Deployed) -> None:
    await place.accept(release())
    await place.accept(release(given="Nolan"))
    made = await simulated(place, agreement("JAIL-PD-2026-01", JAIL, SHELTER, version=2))
    police, shelter = of(made, POLICE), of(made, SHELTER)
    assert (police.withdrawn, police.released, police.changed) == (2, 0, 2)
    assert police.labels["person.name", Shown.NO_MORE] == 2
    assert (shelter.withdrawn, shelter.released) == (0, 2)
    assert shelter.labels["person.name", Shown.NEWLY] == 2


async def test_a_draft_whose_days_are_to_come_is_tried_as_if_they_held_today(place: Deployed) -> None:
    await place.accept(release())
    later = agreement("S-1", JAIL, SHELTER).replace(b"from: 2026-01-01", b"from: 2027-01-01")
    made = await simulated(place, later)
    assert (made.instead_of, made.as_if_today) == (None, True)
    assert of(made, SHELTER).released == 1


async def test_nothing_is_stored_but_that_somebody_read(place: Deployed) -> None:
    await place.accept(release())
    await place.accept(release(given="Nolan"))
    before = await place.log()
    version = place.gateway.current.version
    await simulated(place, PD)
    (entry,) = (await place.log())[len(before) :]
    said = {key: entry[key] for key in ("type", "kind", "actor", "count")}
    assert said == {"type": "read", "kind": "simulate", "actor": "cli", "count": 2}
    assert place.gateway.current.version == version
    assert len(await place.gateway.store.messages(None, None, 10)) == 2


async def test_messages_the_agreement_does_not_speak_of_are_not_opened(place: Deployed) -> None:
    await place.accept(release())
    made = await simulated(place, agreement("S-1", SHELTER, POLICE))
    assert made.messages == 0
    assert "read" not in [each["type"] for each in await place.log()]


async def test_the_last_messages_or_those_of_the_last_days(place: Deployed) -> None:
    for given in ("Nolan", "Miles", "Owen"):
        await place.accept(release(given=given))
        place.clock.go(days=1)
    assert (await simulated(place, PD, Replay(last=2))).messages == 2
    assert (await simulated(place, PD, since_days(place.clock.now(), 1))).messages == 1
    assert (await simulated(place, PD, since_days(place.clock.now(), 30))).messages == 3


async def test_messages_whose_key_is_destroyed_are_counted_and_cancellations_too(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.accept(release(), "1")
    await place.accept(release(Action.CANCEL, "1"), "2")
    gone = await place.accept(release(given="Nolan"), "3")
    opened = type(place.gateway.payloads).open

    def open_(self: object, sealed: Any, *, aad: bytes) -> bytes:
        if aad == gone.id.encode():
            raise KeyGone("gone")
        return opened(self, sealed, aad=aad)  # type: ignore[arg-type]

    monkeypatch.setattr(type(place.gateway.payloads), "open", open_)
    made = await simulated(place, PD)
    assert (made.messages, made.destroyed, made.withdrawals) == (1, 1, 1)


async def test_files_are_decided_without_a_trace(place: Deployed) -> None:
    now: datetime = place.clock.now() + timedelta(minutes=1)
    bodies = [sample("fullest"), release(), b"<not-xml", b"<a/>", release(Action.CANCEL, "1")]
    before = await place.log()
    text = PD.replace("        - caution.flags\n", "")
    told: list[int] = []
    made = simulate_files(place.gateway.current, mou_of(place.gateway.current, text), bodies, now=now, told=told.append)
    assert (made.messages, made.unreadable, made.withdrawals) == (2, 2, 1)
    assert of(made, POLICE).labels == {("caution.flags", Shown.NO_MORE): 1}
    assert told == [1, 2, 3, 4, 5]
    assert await place.log() == before
