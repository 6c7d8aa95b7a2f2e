"""Correct and cancel: whoever got the first gets what mends it, ahead of the queue."""

import asyncio
from urllib.parse import quote

import pytest
from aiohttp import web

from gateway.agency import AgencyKind, Endpoint, EndpointKind
from gateway.message import Action
from gateway.store.configuration import AgreementState
from tests.acceptance.messages import fresh_id, release, sample
from tests.acceptance.place import FUSION, JAIL, POLICE, PROBATION, PROSECUTOR, Pair, Place, until
from tests.acceptance.recipient import arrived, take
from tests.exchange.officers import stop_mou
from tests.pretend_agency import Mailbox, PretendServer
from tests.pretend_wire import Received


class Gate(PretendServer):
    """An agency whose server lets requests wait at its gate while that is shut."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0

    async def _act(self, request: web.Request, received: Received) -> web.StreamResponse:
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        return await super()._act(request, received)


def gated(place: Place) -> tuple[Pair, Gate]:
    """A pair whose recipient has a gate."""
    mailbox = Mailbox()
    gate = Gate(mailbox)
    place.partners.do(gate.start())
    place.stack.callback(lambda: place.partners.do(gate.close()))
    endpoint = Endpoint(kind=EndpointKind.REST, url=gate.url(), private_network=True)
    recipient = place.agency(AgencyKind.POLICE, endpoint)
    sender = place.agency(AgencyKind.JAIL)
    mou = place.agree(sender, recipient)
    caller = place.caller(sender)
    return Pair(sender=sender, recipient=recipient, mou=mou, caller=caller, mailbox=mailbox, server=gate), gate


def shut(place: Place, gate: Gate, *, opened: bool = False) -> None:
    """Shut or open a gate, on the loop it lives on."""
    place.partners.loop.call_soon_threadsafe(gate.open.set if opened else gate.open.clear)


# --- everyone who got the first -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["correction-of-address", "cancellation"])
def test_it_reaches_every_past_recipient_whatever_the_routes_say_now(place: Place, name: str) -> None:
    id = fresh_id()
    first = place.callers[JAIL].accepted(sample("fullest"), id)
    body = sample(name).replace(b"HCJ-OUT-90211", id.encode())
    mending = place.callers[JAIL].accepted(body, fresh_id())
    everyone = {POLICE, PROBATION, PROSECUTOR, FUSION}
    assert {each["agency"] for each in mending["recipients"] if each["outcome"] == "accepted"} == everyone
    place.callers[JAIL].wait_for(mending["id"], "delivered", POLICE, PROBATION, PROSECUTOR)
    received = arrived(place.mailboxes[POLICE], mending["id"])
    taken = take(place, received.cover, received.payload, POLICE)
    assert taken.cover.action is (Action.CORRECT if name.startswith("correction") else Action.CANCEL)
    assert taken.cover.earlier == first["id"]
    item = place.callers[FUSION].item(mending["id"])
    assert item["urgent"]
    # The route asks for a high risk, which neither of these shows: it learns that the first is void, and no more.
    fusion = place.callers[FUSION]
    content = fusion.get(item["payload_url"]).content
    void = take(place, fusion.get(item["cover_url"]).content, content, FUSION)
    assert void.cover.action is Action.CANCEL
    assert (b"Tansley" in content) is (name == "cancellation")


def test_what_still_waits_in_an_inbox_is_recalled_and_can_be_read_no_more(place: Place) -> None:
    id = fresh_id()
    first = place.callers[JAIL].accepted(sample("fullest"), id)
    item = place.callers[FUSION].item(first["id"])
    place.callers[JAIL].accepted(sample("cancellation").replace(b"HCJ-OUT-90211", id.encode()), fresh_id())
    assert first["id"] not in {each["message"] for each in place.callers[FUSION].inbox(limit=200)}
    for answer in (
        place.callers[FUSION].get(item["payload_url"]),
        place.callers[FUSION].post(f"/v1/inbox/{item['delivery']}/ack"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "delivery.recalled")
    assert place.callers[JAIL].status(first["id"])[FUSION]["state"] == "recalled"


def test_the_address_may_name_the_earlier_message_by_the_senders_id_or_by_ours(place: Place) -> None:
    pair = place.pair()
    id = fresh_id()
    first = pair.caller.accepted(release(), id)
    for name in (id, first["id"]):
        corrected = pair.caller.accepted(release(Action.CORRECT, id), path=f"/{name}/correct")
        assert pair.caller.get(f"/v1/messages/{corrected['id']}").json()["earlier"] == first["id"]
    canceled = pair.caller.accepted(release(Action.CANCEL), path=f"/{id}/cancel")
    assert pair.caller.get(f"/v1/messages/{canceled['id']}").json()["action"] == "cancel"


def test_an_id_with_slashes_can_be_named_in_an_address(place: Place) -> None:
    pair = place.pair(EndpointKind.INBOX)
    id = f"http://jail.example/outgoing/{fresh_id()}"
    first = pair.caller.accepted(release(), id)
    named = quote(id, safe="")
    assert pair.caller.get(f"/v1/messages/{named}").json()["id"] == first["id"]
    assert pair.caller.get(f"/v1/messages/{named}/receipt").text == first["receipt"]
    canceled = pair.caller.accepted(release(Action.CANCEL), path=f"/{named}/cancel")
    assert pair.caller.get(f"/v1/messages/{canceled['id']}").json()["earlier"] == first["id"]


def test_address_and_message_must_agree(place: Place) -> None:
    pair = place.pair(EndpointKind.INBOX)
    one, two = fresh_id(), fresh_id()
    pair.caller.accepted(release(), one)
    pair.caller.accepted(release(), two)
    for body, path in (
        (release(Action.CANCEL, one), f"/{one}/correct"),
        (release(Action.NEW), f"/{one}/cancel"),
        (release(Action.CANCEL, one), f"/{two}/cancel"),
    ):
        answer = pair.caller.submit(body, path=path)
        assert (answer.status_code, answer.json()["code"]) == (409, "message.action-mismatch")


def test_nothing_follows_a_cancellation(place: Place) -> None:
    pair = place.pair(EndpointKind.INBOX)
    id = fresh_id()
    pair.caller.accepted(release(), id)
    pair.caller.accepted(release(Action.CANCEL, id), fresh_id())
    for action in (Action.CORRECT, Action.CANCEL, Action.UPDATE):
        answer = pair.caller.submit(release(action, id), fresh_id())
        assert (answer.status_code, answer.json()["code"]) == (409, "message.already-canceled")


def test_nobody_cancels_the_message_of_another_agency(place: Place) -> None:
    mine, other = place.pair(EndpointKind.INBOX), place.pair(EndpointKind.INBOX)
    first = mine.caller.accepted(release(), fresh_id())
    for name in (first["id"], first["sender_id"]):
        answer = other.caller.submit(release(Action.CANCEL, name))
        assert (answer.status_code, answer.json()["code"]) == (422, "message.earlier-unknown")
        answer = other.caller.submit(release(Action.CANCEL), path=f"/{name}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (422, "message.earlier-unknown")


def test_a_cancellation_at_the_end_of_a_chain_reaches_those_of_all_its_messages(place: Place) -> None:
    pair = place.pair()
    later = place.agency(AgencyKind.PROBATION)
    inbox = place.caller(later)
    first, second = fresh_id(), fresh_id()
    pair.caller.accepted(release(), first)
    place.agree(pair.sender, later)
    pair.caller.accepted(release(Action.UPDATE, first), second)
    canceled = pair.caller.accepted(release(Action.CANCEL, second), fresh_id())
    assert {each["agency"] for each in canceled["recipients"]} == {pair.recipient, later}
    assert inbox.item(canceled["id"])["urgent"]


# --- ahead of the queue -------------------------------------------------------------------------------------------


def test_it_goes_ahead_of_the_queue_and_what_it_mends_does_not_go_any_more(place: Place) -> None:
    pair, gate = gated(place)
    delivered = pair.caller.accepted(release(), fresh_id("DELIVERED"))
    pair.caller.wait_for(delivered["id"], "delivered")
    shut(place, gate)
    under_way = [pair.caller.accepted(release(), fresh_id("UNDER-WAY"))["id"] for _ in range(2)]
    until(lambda: gate.waiting == 2, "two are under way")
    waiting = [pair.caller.accepted(release(), fresh_id("WAITING")) for _ in range(4)]
    canceled = [
        pair.caller.accepted(release(Action.CANCEL, each["sender_id"]), fresh_id("CANCEL"))["id"]
        for each in (delivered, waiting[1])
    ]
    assert pair.caller.status(waiting[1]["id"])[pair.recipient]["state"] == "recalled"
    shut(place, gate, opened=True)
    pair.caller.wait_for(waiting[-1]["id"], "delivered")
    order = pair.mailbox.messages
    assert order[0] == delivered["id"]
    assert set(order[1:3]) == set(under_way)
    assert set(order[3:5]) == set(canceled)
    assert set(order[5:]) == {each["id"] for each in waiting} - {waiting[1]["id"]}


# --- when the agreement has ended ---------------------------------------------------------------------------------


@pytest.fixture
def ended(place: Place) -> tuple[Pair, str]:
    """A pair whose agreement has ended since the first message, and the first message's id."""
    pair = place.pair()
    id = fresh_id()
    pair.caller.wait_for(pair.caller.accepted(release(), id)["id"], "delivered")
    place.do(lambda gateway: stop_mou(gateway, pair.mou, state=AgreementState.ENDED))
    return pair, id


def test_nothing_new_goes_under_an_agreement_that_ended(ended: tuple[Pair, str]) -> None:
    pair, _ = ended
    answer = pair.caller.submit(release(), fresh_id())
    assert (answer.status_code, answer.json()["code"]) == (403, "policy.no-mou-in-force")


@pytest.mark.parametrize("action", [Action.CORRECT, Action.CANCEL])
def test_after_the_agreement_ended_whoever_got_the_first_learns_that_it_is_void_and_nothing_else(
    place: Place, ended: tuple[Pair, str], action: Action
) -> None:
    pair, id = ended
    mending = pair.caller.accepted(release(action, id, given="Karl"), fresh_id())
    pair.caller.wait_for(mending["id"], "delivered")
    received = arrived(pair.mailbox, mending["id"])
    taken = take(place, received.cover, received.payload, pair.recipient)
    assert taken.cover.action is Action.CANCEL
    assert taken.text("MessageActionCode") == ["cancel"]
    assert taken.text("MessageEarlierID") == [id]
    assert b"Karl" not in received.payload
    assert b"Tansley" not in received.payload


def test_what_still_waits_under_an_agreement_that_ended_is_recalled(place: Place) -> None:
    pair, gate = gated(place)
    shut(place, gate)
    for _ in range(2):
        pair.caller.accepted(release(), fresh_id())
    until(lambda: gate.waiting == 2, "two are under way")
    waiting = pair.caller.accepted(release(), fresh_id())
    place.do(lambda gateway: stop_mou(gateway, pair.mou, state=AgreementState.ENDED))
    shut(place, gate, opened=True)
    pair.caller.wait_for(waiting["id"], "recalled")
    assert waiting["id"] not in pair.mailbox.messages


def test_a_message_decided_under_an_earlier_version_goes_out_and_is_corrected_under_the_new_one(place: Place) -> None:
    pair = place.pair()
    id = fresh_id()
    first = pair.caller.accepted(release(), id)
    pair.caller.wait_for(first["id"], "delivered")
    place.agree(
        pair.sender,
        pair.recipient,
        mou=pair.mou,
        version=2,
        share="message.head, message.sealed, juvenile.mark, person.name",
    )
    corrected = pair.caller.accepted(release(Action.CORRECT, id), fresh_id())
    received = arrived(pair.mailbox, corrected["id"])
    cover = take(place, received.cover, received.payload, pair.recipient).cover
    assert (cover.mou, cover.mou_version) == (pair.mou, 2)
