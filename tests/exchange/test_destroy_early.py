"""Sealed, expunged, by order of a court: gone before its time, and everybody who got it is asked to do the same."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from gateway.delivery.delivery import State
from gateway.errors import GatewayError
from gateway.exchange import planning
from gateway.exchange.acting import NotAllowed
from gateway.exchange.attesting import AttestationUnknown, attest, list_asked
from gateway.exchange.destroy_early import EarlyRefused, HeldByOrder, NothingKept, destroy_early
from gateway.exchange.destruction import check_certificate, receipt_key, verify_destruction
from gateway.exchange.holds import place_hold
from gateway.exchange.inbox import acknowledge, inbox_page, inbox_payload
from gateway.exchange.planning import shorten
from gateway.exchange.purge import Outcome, TwoPeopleNeeded, finish_runs
from gateway.exchange.status import MessageUnknown
from gateway.exchange.submission import AlreadyCanceled
from gateway.folders import shipped
from gateway.keys.payload import BucketTorn
from gateway.message import Action, MessageId
from gateway.retention.hold import Cause, Scope
from gateway.retention.kept import Kind
from gateway.retention.notice import EXCHANGE, Notice, notice_xml
from gateway.retention.plan import Why
from gateway.signing.cover import read_cover
from gateway.store import points
from gateway.store.interface import Store
from gateway.store.retention import Intent
from tests.exchange.deployed import JAIL, POLICE, PROBATION, PROSECUTOR, Deployed, agreement, release
from tests.exchange.officers import activate_mou
from tests.exchange.purging import ana, bo, fates, readable
from tests.exchange.test_emergency import go as released_in_emergency
from tests.exchange.test_purge import COURT, Crash, crash_at, sent

PAPER = "sha-256:" + "ab" * 32


async def early(place: Deployed, *messages: str, reason: Why = Why.EXPUNGED) -> Outcome:
    return await destroy_early(
        place.gateway,
        [MessageId(each) for each in messages],
        reason=reason,
        by=await ana(place, JAIL),
        second=await bo(place, JAIL),
    )


async def got(place: Deployed, message: str) -> None:
    """The police have it."""
    for each in await place.gateway.store.disseminations(MessageId(message)):
        if each.dissemination.recipient == POLICE:
            await acknowledge(place.gateway, POLICE, each.delivery.id)


async def test_it_is_gone_for_us_at_once_and_nothing_else_is(place: Deployed) -> None:
    message, other = await sent(place), await sent(place, "Desmond")
    outcome = await early(place, message)
    assert outcome.ran is not None
    assert outcome.ran.clean
    assert not any((await readable(place.gateway, message)).values())
    assert all((await readable(place.gateway, other)).values())
    said = check_certificate(outcome.ran.certificate, receipt_key(place.gateway.keys.receipt_signer))
    assert said["reason"] == "expunged"
    assert said["keys"]["buckets"] == []
    assert said["keys"]["single_count"] == said["count"] == len(await fates(place.gateway, message))
    assert (await verify_destruction(place.gateway)).passed


async def test_what_waits_is_recalled_and_past_recipients_are_told_by_the_outbox(place: Deployed) -> None:
    message = await sent(place)
    await got(place, message)
    before = {x.dissemination.recipient: x for x in await place.gateway.store.disseminations(MessageId(message))}
    outcome = await early(place, message, reason=Why.SEALED)
    assert outcome.ran is not None
    after = {x.dissemination.recipient: x for x in await place.gateway.store.disseminations(MessageId(message))}
    assert after[POLICE].delivery.state is State.DELIVERED
    assert {each.delivery.state for to, each in after.items() if to != POLICE} <= {State.RECALLED}
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    assert (item.exchange, item.urgent) == (EXCHANGE, True)
    body = await inbox_payload(place.gateway, POLICE, item.delivery)
    schema = etree.XMLSchema(etree.parse(shipped().xsd / "destruction-notice" / "1.0.xsd"))
    root = etree.fromstring(body)
    schema.assertValid(root)
    text = {etree.QName(each).localname: each.text for each in root}
    assert text["Reason"] == "sealed"
    assert text["Message"] == message
    assert text["Dissemination"] == before[POLICE].dissemination.id
    assert text["Duty"] == "destroy-and-attest"
    record = await place.gateway.store.delivery(item.delivery)
    assert record is not None
    cover = read_cover(record.cover)
    assert cover.action == "cancel"
    assert cover.mou == before[POLICE].dissemination.mou
    assert any("attest it by" in notice for notice in cover.notices)
    assert b"Calvin" not in body


async def test_attestations_are_recorded_and_the_others_followed_up(place: Deployed) -> None:
    message = await sent(place)
    await got(place, message)
    await early(place, message)
    asked = {each.attestation.recipient: each for each in await list_asked(place.gateway, open_only=True)}
    assert POLICE in asked
    mine = asked[POLICE].attestation
    place.clock.go(days=12)
    late = {each.attestation.recipient: each for each in await list_asked(place.gateway, open_only=True)}
    assert (late[POLICE].open_for.days, late[POLICE].overdue_by.days) == (12, 2)
    with pytest.raises(NotAllowed):
        await attest(place.gateway, mine.notice, by=await ana(place, PROBATION))
    with pytest.raises(AttestationUnknown):  # the operator has the recipient's paper in hand
        await attest(place.gateway, mine.notice, by=await ana(place))
    made = await attest(place.gateway, mine.notice, by=await ana(place, POLICE), document=PAPER)
    assert made.attested_at == place.clock.moment
    assert POLICE not in {each.attestation.recipient for each in await list_asked(place.gateway, open_only=True)}
    with pytest.raises(AttestationUnknown):
        await attest(place.gateway, mine.notice, by=await ana(place, POLICE))
    (entry,) = (each for each in await place.log() if each.get("kind") == "attested")
    assert (entry["recipient"], entry["message"], entry["actor"]) == (POLICE, message, made.attested_by)


async def test_a_hold_wins_over_an_order_to_destroy(place: Deployed) -> None:
    message = await sent(place)
    placed = await place_hold(
        place.gateway, Scope(agency=POLICE), cause=Cause.LITIGATION, authority=COURT, by=await ana(place)
    )
    with pytest.raises(HeldByOrder) as refused:
        await early(place, message)
    assert refused.value.holds == (placed.hold.id,)
    assert all((await readable(place.gateway, message)).values())


async def test_it_takes_two_people_of_the_owner_or_the_operator(place: Deployed) -> None:
    message = await sent(place)
    wanted = [MessageId(message)]
    with pytest.raises(TwoPeopleNeeded):
        await destroy_early(place.gateway, wanted, reason=Why.EXPUNGED, by=await ana(place), second=await ana(place))
    with pytest.raises(NotAllowed):
        await destroy_early(
            place.gateway, wanted, reason=Why.EXPUNGED, by=await ana(place, POLICE), second=await bo(place)
        )
    with pytest.raises(EarlyRefused):
        await early(place, message, reason=Why.TIME_IS_UP)
    with pytest.raises(MessageUnknown):
        await early(place, "019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")
    assert all((await readable(place.gateway, message)).values())
    await destroy_early(place.gateway, wanted, reason=Why.COURT_ORDER, by=await ana(place), second=await bo(place))
    with pytest.raises(NothingKept):
        await early(place, message)


async def test_several_messages_go_in_one_run(place: Deployed) -> None:
    messages = [await sent(place, given) for given in ("Calvin", "Desmond", "Otis")]
    outcome = await early(place, *messages)
    assert outcome.ran is not None
    for each in messages:
        assert not any((await readable(place.gateway, each)).values())
    assert len({each.attestation.message for each in await list_asked(place.gateway, open_only=True)}) == 3


@pytest.mark.parametrize("point", ["accept.after-commit", *points.PURGE_POINTS])
async def test_an_early_destruction_that_stops_anywhere_is_finished_and_tells_nobody_twice(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    message = await sent(place)
    await got(place, message)
    people = {"by": await ana(place, JAIL), "second": await bo(place, JAIL)}
    crash_at(monkeypatch, point)
    wanted = [MessageId(message)]
    with contextlib.suppress(Crash, GatewayError):
        await destroy_early(place.gateway, wanted, reason=Why.EXPUNGED, **people)
    monkeypatch.setattr(points, "watch", None)
    async with place.second() as other:
        try:
            await destroy_early(other, wanted, reason=Why.EXPUNGED, **people)
        except NothingKept:
            await finish_runs(other)
        assert await other.store.unfinished() == ()
        assert not any((await readable(other, message)).values())
        notices = [each for each in await other.store.messages(JAIL, None, 100) if each.exchange == EXCHANGE]
        assert len(notices) == 1
        asked = [each for each in await other.store.attestations(open_only=False) if each.recipient == POLICE]
        assert len(asked) == 1
        assert (await verify_destruction(other)).passed


async def test_nobody_decides_again_on_what_is_destroyed(place: Deployed) -> None:
    message = await sent(place)
    await early(place, message)
    assert {fate.kept.kind for fate in await fates(place.gateway, message)} == {Kind.ORIGINAL, Kind.DISSEMINATION}
    with pytest.raises(AlreadyCanceled):
        await place.accept(release(Action.CORRECT, message))


def test_a_notice_of_many_is_valid_too() -> None:
    notice = Notice(
        id="n",
        why=Why.TIME_IS_UP,
        at=datetime(2026, 3, 2, tzinfo=UTC),
        owner=JAIL,
        mou="JAIL-PD-2026-01@1",
        disseminations=[f"d{number}" for number in range(1500)],
    )
    schema = etree.XMLSchema(etree.parse(shipped().xsd / "destruction-notice" / "1.0.xsd"))
    root = etree.fromstring(notice_xml(notice))
    schema.assertValid(root)
    assert root.findtext("{*}Count") == "1500"


# --- agreements of shorter and longer time ----------------------------------------------------------------------


async def test_a_shorter_later_agreement_moves_due_dates_forward_and_a_longer_one_does_not(place: Deployed) -> None:
    text = agreement("JAIL-DA-9", JAIL, PROSECUTOR).decode()
    await activate_mou(place.gateway, text.encode(), "one")
    message = await sent(place)
    mine = [x.kept for x in await fates(place.gateway, message) if x.kept.mou == "JAIL-DA-9@1"]
    (before,) = mine
    longer = text.replace("version: 1", "version: 2\nsupersedes: 1").replace(
        "gateway_copy: 30 days", "gateway_copy: 1 year"
    )
    await activate_mou(place.gateway, longer.encode(), "two")
    assert await shorten(place.gateway) == 0
    shorter = text.replace("version: 1", "version: 3\nsupersedes: 2").replace(
        "gateway_copy: 30 days", "gateway_copy: 10 days"
    )
    await activate_mou(place.gateway, shorter.encode(), "three")
    assert await shorten(place.gateway) >= 1
    (after,) = [x.kept for x in await fates(place.gateway, message) if x.kept.mou == "JAIL-DA-9@1"]
    assert after == replace(before, due_at=before.counts_from + timedelta(days=10))
    shortest = text.replace("version: 1", "version: 4\nsupersedes: 3").replace(
        "gateway_copy: 30 days", "gateway_copy: 1 day"
    )
    await activate_mou(place.gateway, shortest.encode(), "four")
    place.clock.moment = before.counts_from + timedelta(days=1)
    assert await shorten(place.gateway) >= 1
    (soon,) = [x.kept for x in await fates(place.gateway, message) if x.kept.mou == "JAIL-DA-9@1"]
    noticed = place.gateway.clock.now() + timedelta(days=place.gateway.settings.retention.shorter_after_days)
    assert soon.due_at == noticed  # the day is over, but a mistake is to be noticed in time
    assert await shorten(place.gateway) == 0
    assert "due-date-moved-forward" in [x["kind"] for x in await place.log() if x["type"] == "destroy"]


async def test_what_a_bucket_has_no_room_for_is_refused_before_it_is_begun(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was begun and cannot be finished would stop every run after it."""
    message = await sent(place)
    monkeypatch.setattr(planning, "NODES_MAX", 79)
    with pytest.raises(BucketTorn):
        await early(place, message)
    assert await place.gateway.store.unfinished() == ()
    assert all((await readable(place.gateway, message)).values())
    monkeypatch.undo()
    assert (await early(place, message)).ran is not None


async def test_what_an_emergency_gives_out_while_it_is_planned_goes_too(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await sent(place)
    kind = type(place.gateway.store)
    intend, given = kind.intend, list[str]()

    async def late(self: Store, intent: Intent) -> bool:
        if not given:
            await released_in_emergency(place, message)
            given.append(message)
        return await intend(self, intent)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "intend", late)
    assert (await early(place, message)).ran is not None
    assert given
    assert all(fate.destroyed_at for fate in await fates(place.gateway, message))
    assert not any((await readable(place.gateway, message)).values())
