"""Which earlier message a correction, cancellation or update speaks of, and who got something of its chain."""

from datetime import UTC, datetime

import pytest

from gateway.exchange.chain import Earlier, find_earlier, superseded
from gateway.exchange.inbox import acknowledge
from gateway.exchange.past import Past
from gateway.exchange.submission import Accepted, ActionMismatch, EarlierUnknown, Submission
from gateway.iepd.header import Header
from gateway.message import Action, Message, MessageId
from gateway.store.configuration import AgreementState
from tests.exchange.deployed import (
    CONTACT,
    JAIL,
    POLICE,
    PROBATION,
    PROSECUTOR,
    RELEASE,
    SHELTER,
    Deployed,
    agreement,
    release,
    sample,
)
from tests.exchange.officers import activate_mou, stop_mou

GONE = "019ab1c2-0001-7000-8000-000000000001"


async def found(
    place: Deployed,
    header: Header,
    act: tuple[Action, str] | None = None,
    *,
    exchange: str = RELEASE,
    sender: str = JAIL,
) -> Earlier | None:
    submission = Submission(sender=sender, sender_id="", body=b"", act=act)  # type: ignore[arg-type]
    return await find_earlier(place.gateway.store, submission, header, exchange)


def chain_of(*actions: Action) -> list[Message]:
    """A chain of these, in stored order. Its ids sort the other way round: those of old chains may."""
    first = f"{9:012}"
    return [
        Message(
            id=MessageId(f"{9 - place:012}"),
            sender=JAIL,
            sender_id=f"HCJ-{place}",
            exchange=RELEASE,
            action=action,
            first=MessageId(first),
            received_at=datetime(2026, 3, 2, 8, 15, tzinfo=UTC),
            digest="",
        )
        for place, action in enumerate(actions)
    ]


@pytest.mark.parametrize(
    ("actions", "taken_back"),
    [
        ((Action.NEW,), [False]),
        ((Action.NEW, Action.UPDATE), [False, False]),
        ((Action.NEW, Action.CORRECT, Action.UPDATE), [True, False, False]),
        ((Action.NEW, Action.CORRECT, Action.CORRECT), [True, True, False]),
        ((Action.NEW, Action.UPDATE, Action.CANCEL), [True, True, False]),
        # Stored by nodes whose clocks differ, an older database may list the cancellation before what it takes back.
        ((Action.CANCEL, Action.NEW, Action.UPDATE), [False, True, True]),
    ],
)
def test_a_later_correction_or_any_cancellation_takes_a_message_back(
    actions: tuple[Action, ...], taken_back: list[bool]
) -> None:
    chain = chain_of(*actions)
    assert [superseded(each, chain) for each in chain] == taken_back


async def test_a_new_message_has_no_earlier_one(place: Deployed) -> None:
    assert await found(place, Header()) is None


async def test_an_update_may_name_none(place: Deployed) -> None:
    assert await found(place, Header(action=Action.UPDATE)) is None


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
async def test_a_correction_or_cancellation_must_name_one(place: Deployed, action: Action) -> None:
    with pytest.raises(EarlierUnknown):
        await found(place, Header(action=action))


async def test_a_new_message_must_not_name_one(place: Deployed) -> None:
    await place.accept(release(), "HCJ-1")
    with pytest.raises(ActionMismatch):
        await found(place, Header(earlier="HCJ-1"))


async def test_it_is_found_by_the_senders_id_and_by_ours(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1")
    for name in ("HCJ-1", first.id):
        for header, act in (
            (Header(action=Action.CANCEL, earlier=name), None),
            (Header(action=Action.CANCEL), (Action.CANCEL, name)),
            (Header(action=Action.CANCEL, earlier="HCJ-1"), (Action.CANCEL, name)),
        ):
            earlier = await found(place, header, act)
            assert earlier is not None
            assert earlier.message.id == first.id


async def test_address_and_message_that_name_different_ones_are_refused(place: Deployed) -> None:
    await place.accept(release(), "HCJ-1")
    await place.accept(release(), "HCJ-2")
    for named in ("HCJ-2", "NEVER-SENT"):
        with pytest.raises(ActionMismatch):
            await found(place, Header(action=Action.CANCEL, earlier=named), (Action.CANCEL, "HCJ-1"))


async def test_an_address_that_says_something_else_than_the_message_is_refused(place: Deployed) -> None:
    await place.accept(release(), "HCJ-1")
    with pytest.raises(ActionMismatch):
        await found(place, Header(action=Action.NEW), (Action.CORRECT, "HCJ-1"))


@pytest.mark.parametrize("name", ["NEVER-SENT", GONE, "", "x" * 400])
async def test_one_that_was_never_sent_is_unknown(place: Deployed, name: str) -> None:
    with pytest.raises(EarlierUnknown):
        await found(place, Header(action=Action.CANCEL), (Action.CANCEL, name))


async def test_the_message_of_another_sender_is_unknown(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1")
    for name in ("HCJ-1", first.id):
        with pytest.raises(EarlierUnknown):
            await found(place, Header(action=Action.CANCEL, earlier=name), sender=POLICE)


async def test_a_message_of_another_exchange_is_unknown(place: Deployed) -> None:
    await place.accept(sample("smallest", CONTACT), "MPD-1", sender=POLICE)
    with pytest.raises(EarlierUnknown):
        await found(place, Header(action=Action.CANCEL, earlier="MPD-1"), sender=POLICE)


async def test_past_recipients_are_everyone_of_the_chain_once_by_name(place: Deployed) -> None:
    await place.accept(release(), "HCJ-1", only=frozenset({POLICE, PROSECUTOR}))
    await place.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2", only=frozenset({POLICE, PROBATION}))
    earlier = await found(place, Header(action=Action.CANCEL, earlier="HCJ-2"))
    assert earlier is not None
    assert [each.recipient for each in earlier.past] == sorted([POLICE, PROBATION, PROSECUTOR])


async def arrived(place: Deployed, accepted: Accepted) -> None:
    """All of it is acknowledged, and a minute later."""
    for each in accepted.recipients:
        assert each.delivery is not None
        await acknowledge(place.gateway, each.agency, each.delivery)
    place.clock.go(minutes=1)


async def had(place: Deployed, named: str) -> dict[str, str]:
    """What is named to each past recipient that never got the message of this id."""
    earlier = await found(place, Header(action=Action.CANCEL, earlier=named))
    assert earlier is not None
    return {each.recipient: each.had.name for each in earlier.past if each.had is not None}


async def test_who_never_got_the_message_that_is_named_is_told_of_the_newest_it_has(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1", only=frozenset({POLICE, PROBATION}))
    await arrived(place, first)
    for earlier, id in (("HCJ-1", "HCJ-2"), ("HCJ-2", "HCJ-3")):
        only = frozenset({POLICE}) if id == "HCJ-2" else frozenset({PROBATION})
        await arrived(place, await place.accept(release(Action.UPDATE, earlier), id, only=only))
    assert await had(place, "HCJ-1") == {}
    assert await had(place, "HCJ-2") == {PROBATION: "HCJ-3"}
    assert await had(place, "HCJ-3") == {POLICE: "HCJ-2"}


async def test_what_has_not_arrived_is_not_what_it_has(place: Deployed) -> None:
    await arrived(place, await place.accept(release(), "HCJ-1", only=frozenset({POLICE})))
    place.clock.go(minutes=1)
    await place.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2", only=frozenset({POLICE, PROBATION}))
    assert await had(place, "HCJ-2") == {POLICE: "HCJ-1"}


async def test_a_message_that_is_accepted_while_the_chain_is_read_is_named_to_nobody(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    before = await place.gateway.store.chain_messages((await place.gateway.store.messages(JAIL, None, 1))[0].first)
    await place.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2", only=frozenset({POLICE, PROBATION}))

    async def chain_messages(first: str) -> tuple[Message, ...]:
        return before

    monkeypatch.setattr(place.gateway.store, "chain_messages", chain_messages)
    assert await had(place, "HCJ-1") == {}


async def test_it_is_named_as_the_sender_names_messages(place: Deployed) -> None:
    first = await place.accept(release(), "HCJ-1", only=frozenset({POLICE}))
    await arrived(place, first)
    second = await place.accept(release(Action.UPDATE, "HCJ-1"), "HCJ-2", only=frozenset({PROBATION}))
    assert await had(place, "HCJ-2") == {POLICE: "HCJ-1"}
    assert await had(place, second.id) == {POLICE: first.id}


async def test_a_past_recipient_comes_with_the_agreement_of_the_newest_message_it_was_to_get(place: Deployed) -> None:
    activate, gateway = activate_mou, place.gateway
    await activate(gateway, agreement("S-1", SHELTER, POLICE), "file")
    await place.accept(release(), "S-1", sender=SHELTER)
    await stop_mou(gateway, "S-1", state=AgreementState.ENDED)
    await activate(gateway, agreement("S-2", SHELTER, POLICE), "file")
    place.clock.go(minutes=1)
    await place.accept(release(Action.UPDATE, "S-1"), "S-2", sender=SHELTER)
    earlier = await found(place, Header(action=Action.CANCEL, earlier="S-1"), sender=SHELTER)
    assert earlier is not None
    assert earlier.past == (Past(recipient=POLICE, mou="S-2", mou_version=1, clause="E1"),)
