"""The inbox of an agency that cannot host a server."""

import json

import pytest

from gateway.agency import EndpointKind
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import POLICE, Pair, Place


@pytest.fixture(scope="module")
def pair(place: Place) -> Pair:
    return place.pair(EndpointKind.INBOX)


def test_acknowledging_twice_is_answered_alike_and_recorded_once(place: Place, pair: Pair) -> None:
    assert pair.inbox is not None
    message = pair.caller.accepted(release(), fresh_id())["id"]
    item = pair.inbox.item(message)
    first = pair.inbox.post(f"/v1/inbox/{item['delivery']}/ack")
    again = pair.inbox.post(f"/v1/inbox/{item['delivery']}/ack")
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    entries = place.do(lambda gateway: gateway.store.entries_of(message))
    assert [each.entry.type for each in entries].count("deliver") == 1


def test_reading_the_content_is_recorded(place: Place, pair: Pair) -> None:
    assert pair.inbox is not None
    message = pair.caller.accepted(release(), fresh_id())["id"]
    item = pair.inbox.item(message)
    pair.inbox.get(item["cover_url"])
    assert pair.inbox.get(item["payload_url"]).status_code == 200
    entries = place.do(lambda gateway: gateway.store.entries_of(message))
    bodies = [json.loads(each.entry.body) for each in entries if each.entry.type == "read"]
    assert [(each["kind"], each["agency"]) for each in bodies] == [
        ("cover", pair.recipient),
        ("payload", pair.recipient),
    ]


def test_a_page_goes_on_where_the_one_before_ended(pair: Pair) -> None:
    assert pair.inbox is not None
    sent = [pair.caller.accepted(release(), fresh_id())["id"] for _ in range(5)]
    seen, after = [], 0
    while True:
        page = pair.inbox.get("/v1/inbox", after=after, limit=2).json()
        if not page["items"]:
            break
        assert len(page["items"]) <= 2
        seen += [item["message"] for item in page["items"]]
        after = page["next"]
    assert seen[-5:] == sent
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("act", ["payload", "cover", "ack"])
def test_a_delivery_of_another_agency_is_not_there(place: Place, pair: Pair, act: str) -> None:
    assert pair.inbox is not None
    message = pair.caller.accepted(release(), fresh_id())["id"]
    delivery = pair.inbox.item(message)["delivery"]
    for stranger in (place.callers[POLICE], pair.caller):  # its sender may not read what the recipient gets, either
        path = f"/v1/inbox/{delivery}/{act}"
        answer = stranger.post(path) if act == "ack" else stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "delivery.unknown")
    assert pair.inbox.get(f"/v1/inbox/{delivery}/payload").status_code == 200


def test_the_inbox_shows_nothing_of_other_agencies(place: Place, pair: Pair) -> None:
    assert pair.inbox is not None
    pair.caller.accepted(release(), fresh_id())
    assert {item["sender"] for item in pair.inbox.inbox(limit=200)} == {pair.sender}
    assert pair.caller.inbox() == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "after=-1", "after=x"])
def test_a_page_that_cannot_be_is_a_bad_request(pair: Pair, query: str) -> None:
    assert pair.inbox is not None
    answer = pair.inbox.get(f"/v1/inbox?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "request.parameter")


@pytest.mark.parametrize("id", ["nothing-like-it", "019ab1c2-0001-7000-8000-000000000001", "%ff", "x" * 300])
def test_a_delivery_that_never_was(pair: Pair, id: str) -> None:
    assert pair.inbox is not None
    answer = pair.inbox.post(f"/v1/inbox/{id}/ack")
    assert (answer.status_code, answer.json()["code"]) == (404, "delivery.unknown")


@pytest.mark.parametrize(
    "path", ["inbox/%00/payload", "messages/a%00b", "audit/proof?entry=%00", "messages/%00/receipt"]
)
def test_an_address_that_no_database_can_be_asked_for(pair: Pair, path: str) -> None:
    answer = pair.caller.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "request.not-found")
    canceled = pair.caller.submit(release(), path="/a%00b/cancel")
    assert (canceled.status_code, canceled.json()["code"]) == (404, "request.not-found")
