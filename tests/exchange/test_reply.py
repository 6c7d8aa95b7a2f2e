"""Answers that go elsewhere: kept with what they answer, encrypted, destroyed after a week, sent with patience."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from gateway.agency import Agency, AgencyId, AgencyKind, Endpoint, EndpointKind
from gateway.delivery.course import State
from gateway.delivery.outcome import Outcome, acknowledged, failed, refused
from gateway.errors import GatewayError, Tampered
from gateway.exchange.activate import put_agency, suspend_agency
from gateway.exchange.gateway import AgencySuspended
from gateway.exchange.purge import People, run_purge
from gateway.exchange.reply import fault_of, goes_elsewhere, put_answer, registered
from gateway.exchange.reply_acts import ReplyUnknown, TooLate, discard_reply, requeue_reply
from gateway.exchange.reply_relay import ReplyRelay
from gateway.exchange.requeue import NotPossibleNow
from gateway.exchange.submission import IdConflict, InvalidMessage
from gateway.retention.kept import Kind
from gateway.store import points
from gateway.store.interface import StoreUnavailable
from gateway.store.replies import Put, ReplyRecord
from gateway.transport.letter import Letter
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, POLICE, Deployed, check_signatures, release
from tests.exchange.officers import officer
from tests.exchange.replying import ADDRESS, AnsweredElsewhere

LETTERBOX = Endpoint(kind=EndpointKind.SOAP, url=ADDRESS)


@dataclass
class Letters:
    """`SendLetter` into a list. `outcomes` are given in order, then all arrive."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Letter] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def send(self, letter: Letter, *, deadline: timedelta) -> Outcome:
        assert deadline > timedelta()
        if self.hold is not None:
            await self.hold.wait()
        self.sent.append(letter)
        return self.outcomes.pop(0) if self.outcomes else acknowledged()


@dataclass
class Relaying:
    relay: ReplyRelay
    letters: Letters
    trouble: list[BaseException]

    async def turn(self) -> int:
        """One look, and all that it began, finished."""
        started = await self.relay.fill()
        await self.relay.drain(timedelta(seconds=10))
        return started


@pytest.fixture
async def at(place: Deployed) -> Deployed:
    await register(place, LETTERBOX)
    return place


@pytest.fixture
def relaying(at: Deployed) -> Relaying:
    letters, trouble = Letters(), list[BaseException]()
    return Relaying(relay=ReplyRelay(at.gateway, letters, report=trouble.append), letters=letters, trouble=trouble)


async def register(deployed: Deployed, *endpoints: Endpoint) -> None:
    agency = replace(deployed.gateway.current.agencies[JAIL], reply_to=endpoints)
    await put_agency(deployed.gateway, agency, actor="test")


async def only(deployed: Deployed) -> ReplyRecord:
    (reply,) = await deployed.gateway.store.replies(None, None, None, 10)
    record = await deployed.gateway.store.reply(reply.id)
    assert record is not None
    return record


def content(deployed: Deployed, record: ReplyRecord) -> bytes:
    return deployed.gateway.payloads.open(record.content, aad=record.reply.id.encode())


async def actions(deployed: Deployed) -> list[str]:
    return [each["action"] for each in await deployed.log() if each["type"] == "reply"]


def elsewhere(**more: object) -> AnsweredElsewhere:
    return AnsweredElsewhere(agency=JAIL, **more)  # type: ignore[arg-type]


def test_an_address_is_known_by_what_it_names_and_called_as_it_is_registered() -> None:
    agency = Agency(id=JAIL, name="Jail", kind=AgencyKind.JAIL, reply_to=(LETTERBOX,))
    assert registered(agency, "HTTPS://RMS.Harlan.example:443/replies/") is LETTERBOX
    assert registered(agency, ADDRESS + "/more") is None
    assert registered(replace(agency, reply_to=()), ADDRESS) is None


@pytest.mark.parametrize(
    ("error", "goes"),
    [
        (InvalidMessage(()), True),
        (Tampered("x"), True),
        (AgencySuspended(JAIL), False),
        (StoreUnavailable("x"), False),
        (ValueError("x"), False),
    ],
)
def test_only_what_is_decided_is_said_elsewhere(error: Exception, goes: bool) -> None:
    assert goes_elsewhere(elsewhere(), error) is goes
    assert not goes_elsewhere(elsewhere(fault_to=""), error)
    assert not goes_elsewhere(None, error)


async def test_a_submission_and_its_answer_are_kept_together_and_it_is_sealed(at: Deployed) -> None:
    replying = elsewhere()
    accepted = await at.accept(release(), "HCJ-1", replying=replying)
    record = await only(at)
    assert content(at, record) == f"<answer>{record.reply.message_id} {accepted.id}</answer>".encode()
    assert accepted.id.encode() not in record.content.ciphertext
    assert (record.reply.message, record.reply.address, record.reply.code) == (accepted.id, ADDRESS, "")
    assert await at.said(accepted.id) == ["receive", *["disseminate"] * 3, "reply"]


async def test_one_whose_answer_does_not_go_elsewhere_has_none(at: Deployed) -> None:
    await at.accept(release(), replying=elsewhere(reply_to=""))
    await at.accept(release())
    assert await at.gateway.store.replies(None, None, None, 10) == ()


async def test_a_repeat_finds_the_answer_that_is_on_its_way(at: Deployed, relaying: Relaying) -> None:
    replying = elsewhere()
    for _ in range(3):
        await at.accept(release(), "HCJ-1", replying=replying)
    first = (await only(at)).reply
    assert (await actions(at)) == ["kept"]
    await relaying.turn()
    await at.accept(release(), "HCJ-1", replying=replying)
    again = (await only(at)).reply
    assert (again.id, again.state) == (first.id, State.WAITING)
    await relaying.turn()
    assert [letter.message_id for letter in relaying.letters.sent] == [first.message_id] * 2
    assert {letter.envelope for letter in relaying.letters.sent} == {relaying.letters.sent[0].envelope}
    assert (await actions(at)) == ["kept", "delivered", "again", "delivered"]
    assert {each["reply"] for each in await at.log() if each["type"] == "reply"} == {first.id}


async def test_a_refusal_and_its_fault_are_kept_together(at: Deployed) -> None:
    await at.accept(release(), "HCJ-1")
    with pytest.raises(IdConflict):
        await at.accept(release(given="Other"), "HCJ-1", replying=elsewhere())
    record = await only(at)
    assert record.reply.code == "message.id-conflict"
    assert b"message.id-conflict" in content(at, record)
    assert record.reply.message is not None
    assert await at.said(record.reply.message) == ["refuse", "reply"]


@pytest.mark.parametrize("point", ["accept.before-commit", "accept.after-commit"])
async def test_what_is_not_acknowledged_is_asked_again_and_answered_once(
    at: Deployed, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(reached: str) -> None:
        if reached == point:
            raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(points, "watch", broken)
    with pytest.raises(StoreUnavailable):
        await at.accept(release(), "HCJ-1", replying=elsewhere())
    monkeypatch.setattr(points, "watch", None)
    kept = await at.gateway.store.replies(None, None, None, 10)
    assert len(kept) == (point == "accept.after-commit")
    await at.accept(release(), "HCJ-1", replying=elsewhere())
    record = await only(at)
    assert not kept or record.reply == kept[0]


async def test_nothing_goes_to_an_agency_that_was_suspended(at: Deployed, relaying: Relaying) -> None:
    await at.accept(release(), replying=elsewhere())
    await suspend_agency(at.gateway, JAIL, by=None, actor="test", suspended=True)
    assert await relaying.turn() == 0
    assert fault_of(at.gateway, elsewhere(), AgencySuspended(JAIL), at.clock.now()) is None
    await suspend_agency(at.gateway, JAIL, by=None, actor="test", suspended=False)
    assert await relaying.turn() == 1
    assert len(relaying.letters.sent) == 1


async def test_an_answer_on_its_way_is_broken_off_when_its_agency_is_shut_out(at: Deployed, relaying: Relaying) -> None:
    await at.accept(release(), replying=elsewhere())
    relaying.letters.hold = asyncio.Event()
    await relaying.relay.fill()
    await asyncio.sleep(0.05)
    assert relaying.relay.cut_off() == 0
    await suspend_agency(at.gateway, JAIL, actor="test")
    assert relaying.relay.cut_off() == 1
    await relaying.relay.drain(timedelta(seconds=5))
    waiting = (await only(at)).reply
    assert (waiting.state, waiting.last_error) == (State.WAITING, "agency.suspended")
    assert relaying.letters.sent == []
    await suspend_agency(at.gateway, JAIL, actor="test", suspended=False)
    relaying.letters.hold.set()
    at.clock.moment = waiting.due_at
    assert await relaying.turn() == 1  # its circuit breaker says nothing against it
    assert len(relaying.letters.sent) == 1


async def test_each_try_waits_longer_until_the_time_is_over(at: Deployed, relaying: Relaying) -> None:
    await at.accept(release(), replying=elsewhere())
    relaying.letters.outcomes = [failed("delivery.http-500")] * 1000
    waits = []
    while (await only(at)).reply.state is State.WAITING:
        before = (await only(at)).reply
        at.clock.moment = max(at.clock.moment, before.due_at)
        at.clock.go(minutes=6)  # past what the breaker holds
        await relaying.turn()
        waits.append((await only(at)).reply.due_at - at.clock.now())
    reply = (await only(at)).reply
    assert reply.state is State.EXPIRED
    assert timedelta(hours=70) < at.clock.now() - reply.created_at < timedelta(hours=74)
    assert waits[0] < timedelta(seconds=6)
    assert max(waits) <= timedelta(hours=1)
    assert {letter.message_id for letter in relaying.letters.sent} == {reply.message_id}
    assert (await actions(at))[-1] == "expired"


async def test_a_partner_that_fails_again_and_again_is_left_alone_for_a_while(at: Deployed, relaying: Relaying) -> None:
    for number in range(8):
        await put_answer(at.gateway, elsewhere(request=f"urn:{number}"), lambda _: b"<e/>")
    relaying.letters.outcomes = [failed("delivery.no-connection")] * 8
    await relaying.turn()
    await relaying.turn()
    tried = len(relaying.letters.sent)
    assert tried <= 8
    at.clock.go(seconds=6)
    assert await relaying.turn() == 0 or len(relaying.letters.sent) <= tried + 1


@pytest.mark.parametrize("change", ["unregistered", "unknown-key"])
async def test_what_cannot_be_sent_is_given_up_and_told(at: Deployed, relaying: Relaying, change: str) -> None:
    await at.accept(release(), replying=elsewhere())
    if change == "unregistered":
        await register(at, replace(LETTERBOX, url="https://elsewhere.example/"))
    else:
        record = await only(at)
        at.gateway.payloads.forget(record.content.bucket, [record.content.index])
    await relaying.turn()
    reply = (await only(at)).reply
    assert relaying.letters.sent == []
    if change == "unregistered":
        assert (reply.state, reply.last_error) == (State.UNDELIVERABLE, "reply.not-registered")
        assert (await at.gateway.store.counts()).replies == ((JAIL, State.UNDELIVERABLE, 1),)
    else:
        assert (reply.state, reply.last_error) == (State.WAITING, "key.destroyed")
        assert isinstance(relaying.trouble[0], GatewayError)


async def test_only_its_own_authorities_vouch_for_the_server_there(at: Deployed, relaying: Relaying) -> None:
    await at.accept(release(), replying=elsewhere())
    await relaying.turn()
    (letter,) = relaying.letters.sent
    assert (letter.endpoint, letter.authorities) == (LETTERBOX, b"")


async def test_its_content_is_destroyed_after_a_week_with_a_certificate(at: Deployed, relaying: Relaying) -> None:
    accepted = await at.accept(release(), replying=elsewhere())
    record = await only(at)
    fates = await at.gateway.store.kept_of([accepted.id])
    (kept,) = [each.kept for each in fates if each.kept.kind is Kind.REPLY]
    assert kept.due_at - record.reply.created_at == timedelta(days=7)
    await relaying.turn()
    at.clock.go(days=7, minutes=1)
    outcome = await run_purge(at.gateway, People())
    assert outcome.ran is not None
    assert (outcome.ran.destroyed, outcome.ran.clean) == (1, True)
    assert await at.gateway.store.replies(None, None, None, 10) == ()
    assert not at.gateway.payloads.remembers(record.content.bucket, record.content.index)
    assert "reply" in outcome.ran.certificate


async def test_a_person_sends_it_once_more_while_there_is_time(at: Deployed, relaying: Relaying) -> None:
    relaying.letters.outcomes = [refused("delivery.http-410")]
    await at.accept(release(), replying=elsewhere())
    await relaying.turn()
    gone = (await only(at)).reply
    assert gone.state is State.UNDELIVERABLE
    at.clock.go(days=5)
    ana = await officer(at.gateway, roles=frozenset({UserRole.OPERATOR}))
    again = await requeue_reply(at.gateway, gone.id, by=ana)
    assert again.expires_at == gone.created_at + timedelta(days=6)
    with pytest.raises(NotPossibleNow):
        await requeue_reply(at.gateway, gone.id, actor="officer")
    relaying.letters.outcomes = [refused("delivery.http-410")]
    await relaying.turn()
    at.clock.go(days=1)
    with pytest.raises(TooLate):
        await requeue_reply(at.gateway, gone.id, actor="officer")
    await discard_reply(at.gateway, gone.id, by=ana, reason="too-late")
    with pytest.raises(ReplyUnknown):
        await discard_reply(at.gateway, "no-such", actor="officer", reason="too-late")  # type: ignore[arg-type]
    expected = ["kept", "undeliverable", "requeued", "undeliverable", "discarded"]
    assert await actions(at) == expected
    await check_signatures(at)


async def test_the_same_id_with_another_question_is_another_request(at: Deployed) -> None:
    assert await put_answer(at.gateway, elsewhere(), lambda _: b"<e/>") is Put.NEW
    assert await put_answer(at.gateway, elsewhere(), lambda _: b"<e/>") is Put.UNDER_WAY
    assert await put_answer(at.gateway, elsewhere(digest=b"e" * 32), lambda _: b"<e/>") is Put.NEW
    assert await put_answer(at.gateway, elsewhere(request="urn:uuid:2"), lambda _: b"<e/>") is Put.NEW
    police = replace(elsewhere(), agency=AgencyId(POLICE))
    assert await put_answer(at.gateway, police, lambda _: b"<e/>") is Put.NEW
