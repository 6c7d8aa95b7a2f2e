"""The inbox: what waits, its content, its acknowledgement."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from gateway.agency import AgencyId
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.accept import accept
from gateway.exchange.inbox import (
    PAGE_MAX,
    DeliveryBusy,
    DeliveryHeld,
    DeliveryRecalled,
    DeliveryUnknown,
    acknowledge,
    inbox_cover,
    inbox_notice,
    inbox_page,
    inbox_payload,
)
from gateway.exchange.submission import Submission
from gateway.message import Action, DeliveryId
from gateway.signing.cover import read_cover
from gateway.store.configuration import AgreementState
from tests.exchange.deployed import (
    FUSION,
    JAIL,
    POLICE,
    PROBATION,
    SHELTER,
    Deployed,
    agreement,
    release,
    sample,
)
from tests.exchange.officers import activate_mou, stop_mou

JAIL_POLICE = "JAIL-PD-2026-01"


async def sent(place: Deployed, recipient: AgencyId, id: str = "", body: bytes = b"") -> DeliveryId:
    """The delivery of a new message to this recipient."""
    accepted = await place.accept(body or release(), id)
    found = next(each.delivery for each in accepted.recipients if each.agency == recipient)
    assert found is not None
    return found


async def test_a_page_names_what_waits_and_nothing_of_its_content(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    assert (item.delivery, item.sender, item.exchange, item.mou) == (
        delivery,
        JAIL,
        "custody-release/1.0",
        "JAIL-PD-2026-01@1",
    )
    assert item.received_at == place.clock.now()
    assert not item.urgent


async def test_pages_follow_one_another_oldest_first(place: Deployed) -> None:
    wanted = [await sent(place, POLICE) for _ in range(5)]
    seen: list[DeliveryId] = []
    after = 0
    while page := await inbox_page(place.gateway, POLICE, after=after, limit=2):
        assert len(page) <= 2
        seen += [item.delivery for item in page]
        after = page[-1].position
    assert seen == wanted


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (10**9, 3)])
async def test_a_limit_beyond_all_measure_is_brought_into_bounds(place: Deployed, asked: int, given: int) -> None:
    for _ in range(3):
        await sent(place, POLICE)
    assert PAGE_MAX == 200
    assert len(await inbox_page(place.gateway, POLICE, after=0, limit=asked)) == given


async def test_reading_content_cover_and_notice_are_entries_each(place: Deployed) -> None:
    delivery = await sent(place, FUSION, body=sample("fullest"))
    payload = await inbox_payload(place.gateway, FUSION, delivery)
    cover = read_cover(await inbox_cover(place.gateway, FUSION, delivery))
    assert b"Tansley" in payload
    await inbox_notice(place.gateway, FUSION, delivery)
    entries = [each for each in await place.log() if each["type"] == "read"]
    assert [each["kind"] for each in entries] == ["payload", "cover", "notice"]
    for entry in entries:
        assert (entry["delivery"], entry["agency"], entry["parties"]) == (delivery, FUSION, [JAIL, FUSION])
    assert cover.recipient == FUSION


async def test_content_is_not_given_out_when_its_reading_cannot_be_recorded(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await sent(place, POLICE)

    async def away(entries: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(place.gateway.store, "record", away)
    with pytest.raises(ConnectionError):
        await inbox_payload(place.gateway, POLICE, delivery)


@pytest.mark.parametrize("act", [inbox_payload, inbox_cover, acknowledge])
async def test_a_delivery_of_somebody_else_is_unknown_like_one_that_never_was(place: Deployed, act: Any) -> None:
    delivery = await sent(place, POLICE)
    told = set()
    for agency, id in ((PROBATION, delivery), (JAIL, delivery), (POLICE, DeliveryId("never"))):
        with pytest.raises(DeliveryUnknown) as error:
            await act(place.gateway, agency, id)
        told.add(error.value.text)
    assert len(told) == 1


async def test_acknowledging_twice_is_one_delivery(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    first = await acknowledge(place.gateway, POLICE, delivery)
    place.clock.go(hours=1)
    assert await acknowledge(place.gateway, POLICE, delivery) == first
    assert first.state is State.DELIVERED
    assert (await place.said(first.message)).count("deliver") == 1
    assert await inbox_page(place.gateway, POLICE, after=0, limit=10) == ()


async def test_many_acknowledgements_at_once_are_one_delivery(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    done = await asyncio.gather(*(acknowledge(place.gateway, POLICE, delivery) for _ in range(10)))
    assert {each.state for each in done} == {State.DELIVERED}
    assert (await place.said(done[0].message)).count("deliver") == 1


async def test_what_is_acknowledged_can_still_be_read(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    await acknowledge(place.gateway, POLICE, delivery)
    assert b"Tansley" in await inbox_payload(place.gateway, POLICE, delivery)


@pytest.mark.parametrize("act", [inbox_payload, inbox_cover, acknowledge])
async def test_what_was_recalled_is_void(place: Deployed, act: Any) -> None:
    delivery = await sent(place, POLICE, "HCJ-1")
    await place.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-2")
    with pytest.raises(DeliveryRecalled):
        await act(place.gateway, POLICE, delivery)


async def test_a_delivery_that_somebody_else_is_changing_is_asked_for_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await sent(place, POLICE)

    async def taken(delivery: Delivery, *, expected: State, entries: object) -> bool:
        return False

    monkeypatch.setattr(place.gateway.store, "move", taken)
    with pytest.raises(DeliveryBusy):
        await acknowledge(place.gateway, POLICE, delivery)


async def test_who_loses_the_race_against_a_recall_hears_that_it_was_recalled(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await sent(place, POLICE)
    move = place.gateway.store.move

    async def recalled_first(given: Delivery, *, expected: State, entries: Any) -> bool:
        await move(replace(given, state=State.RECALLED, delivered_at=None), expected=expected, entries=())
        return await move(given, expected=expected, entries=entries)

    monkeypatch.setattr(place.gateway.store, "move", recalled_first)
    with pytest.raises(DeliveryRecalled):
        await acknowledge(place.gateway, POLICE, delivery)


async def test_nothing_is_read_under_a_suspended_agreement_until_it_is_resumed(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.SUSPENDED)
    with pytest.raises(DeliveryHeld):
        await inbox_payload(place.gateway, POLICE, delivery)
    assert [each for each in await place.log() if each["type"] == "read"] == []
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.IN_FORCE)
    assert b"Tansley" in await inbox_payload(place.gateway, POLICE, delivery)


async def listed(place: Deployed, after: int = 0) -> list[DeliveryId]:
    return [item.delivery for item in await inbox_page(place.gateway, POLICE, after=after, limit=10)]


async def test_what_is_held_is_not_listed_and_is_once_its_agreement_is_resumed_also_to_who_has_passed_it(
    place: Deployed,
) -> None:
    held = [await sent(place, POLICE) for _ in range(2)]
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    other = await place.accept(release(), sender=SHELTER)
    await stop_mou(place.gateway, JAIL_POLICE, state=AgreementState.SUSPENDED)
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    assert item.delivery == other.recipients[0].delivery
    await stop_mou(place.gateway, JAIL_POLICE, state=AgreementState.IN_FORCE)
    assert await listed(place, after=item.position) == held
    assert await listed(place) == [item.delivery, *held]


async def test_what_is_held_is_listed_again_when_a_new_version_takes_its_place(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    accepted = await place.accept(release(), sender=SHELTER)
    await stop_mou(place.gateway, "S-1", state=AgreementState.SUSPENDED)
    await sent(place, POLICE)
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE, version=2), "file")
    assert await listed(place, after=item.position) == [accepted.recipients[0].delivery]
    # Another version while it is in force moves nothing: nobody gets to see again what he has seen.
    (again,) = await inbox_page(place.gateway, POLICE, after=item.position, limit=10)
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE, version=3), "file")
    assert await listed(place, after=again.position) == []


@pytest.mark.parametrize("when", ["before the inbox is read", "after the inbox was read"])
async def test_an_agreement_resumed_by_another_process_while_a_page_is_read_hides_nothing_for_good(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    held = await sent(place, POLICE)
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    await place.accept(release(), sender=SHELTER)
    await stop_mou(place.gateway, JAIL_POLICE, state=AgreementState.SUSPENDED)
    read, resumed = place.gateway.store.inbox, []

    async with place.second() as other:

        async def crossing(*given: Any, **named: Any) -> Any:
            page = await read(*given, **named) if when.startswith("after") else None
            if not resumed:
                resumed.append(await stop_mou(other, JAIL_POLICE, state=AgreementState.IN_FORCE))
                # Above what was held: a poller that sees this one goes on from behind both.
                await accept(other, Submission(sender=SHELTER, sender_id="", body=release()))
            return page if page is not None else await read(*given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(place.gateway.store, "inbox", crossing)
            seen = await inbox_page(place.gateway, POLICE, after=0, limit=10)
        assert resumed
        later = await inbox_page(place.gateway, POLICE, after=seen[-1].position, limit=10)
    assert held in [item.delivery for item in (*seen, *later)]


async def test_a_suspension_by_another_process_holds_at_once(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    async with place.second() as other:
        await stop_mou(other, JAIL_POLICE, state=AgreementState.SUSPENDED)
    with pytest.raises(DeliveryHeld):
        await inbox_payload(place.gateway, POLICE, delivery)


async def test_agreements_that_never_settle_ask_the_poller_to_come_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = place.gateway.store.inbox

    async def restless(*given: Any, **named: Any) -> Any:
        await place.gateway.store.change([], [])
        return await read(*given, **named)

    monkeypatch.setattr(place.gateway.store, "inbox", restless)
    with pytest.raises(DeliveryBusy):
        await inbox_page(place.gateway, POLICE, after=0, limit=10)


async def test_what_waits_when_its_agreement_ends_is_not_listed_and_a_cancellation_is(place: Deployed) -> None:
    await sent(place, POLICE, "HCJ-1")
    await sent(place, POLICE, "HCJ-2")
    await stop_mou(place.gateway, JAIL_POLICE, state=AgreementState.ENDED)
    assert await listed(place) == []
    withdrawn = await sent(place, POLICE, body=release(Action.CANCEL, "HCJ-1"))
    assert await listed(place) == [withdrawn]


async def test_what_waits_when_its_agreement_ends_is_neither_read_nor_acknowledged(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED)
    for act in (inbox_payload, inbox_cover, acknowledge):
        with pytest.raises(DeliveryRecalled):
            await act(place.gateway, POLICE, delivery)


async def test_what_waits_is_not_read_on_the_day_after_the_agreements_last(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    until = place.gateway.current.mous["JAIL-PD-2026-01", 1].until
    place.clock.moment = datetime.combine(until, time(23, 59), tzinfo=UTC)
    assert b"Tansley" in await inbox_payload(place.gateway, POLICE, delivery)
    place.clock.go(minutes=1)
    for act in (inbox_payload, inbox_cover, acknowledge):
        with pytest.raises(DeliveryRecalled):
            await act(place.gateway, POLICE, delivery)


async def test_a_cancellation_is_read_although_the_agreement_ended(place: Deployed) -> None:
    await sent(place, POLICE, "HCJ-1")
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED)
    withdrawn = await sent(place, POLICE, body=release(Action.CANCEL, "HCJ-1"))
    assert b"cancel" in await inbox_payload(place.gateway, POLICE, withdrawn)


async def test_the_handling_notice_says_what_the_cover_and_the_agreement_say(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    cover = read_cover(await inbox_cover(place.gateway, POLICE, delivery))
    notice = " ".join((await inbox_notice(place.gateway, POLICE, delivery)).split())
    for said in cover.notices:
        assert said in notice
    assert "JAIL-PD-2026-01 version 1, clause E1" in notice
    assert "A request from outside is referred to the jail" in notice
    assert "Tell Lt. Dana Whitcombe (liaison): +1-555-010-4400." in notice
    assert "Calvin" not in notice


async def test_the_handling_notice_is_for_the_recipient_alone(place: Deployed) -> None:
    delivery = await sent(place, POLICE)
    with pytest.raises(DeliveryUnknown):
        await inbox_notice(place.gateway, PROBATION, delivery)
