"""No personal data where nobody may look for it: a canary in every place of a message, and then a search."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from gateway.agency import AgencyId
from gateway.cli.demo.canary import Planted, allowed, found, plant
from gateway.document.parse import parse
from tests.acceptance.envelopes import SOAP12, submit
from tests.acceptance.messages import CONTACT, RECORD, RELEASE, exchanges, fresh_id, sample
from tests.acceptance.place import FUSION, JAIL, POLICE, PROBATION, PROSECUTOR, Place
from tests.acceptance.recipient import arrived

SENT = (
    (RELEASE, JAIL, "fullest-with-photo"),
    (RELEASE, JAIL, "persons-linked-by-uri"),
    (RECORD, PROBATION, "fullest-with-photo"),
    (CONTACT, POLICE, "fullest-with-photo"),
)


@dataclass
class Sent:
    """What was sent with canaries, what was answered, and which messages they became."""

    planted: dict[str, tuple[AgencyId, Planted]] = field(default_factory=dict)
    answers: list[bytes] = field(default_factory=list)

    @property
    def marks(self) -> frozenset[bytes]:
        """Every canary there is."""
        return frozenset(canary.mark for _, each in self.planted.values() for canary in each.canaries)


@pytest.fixture(scope="module")
def sent(place: Place) -> Sent:
    made = Sent()
    for exchange, owner, name in SENT:
        planted = plant(parse(sample(name, exchange)), exchanges()[exchange])
        assert len(planted.canaries) > 20
        answer = place.callers[owner].submit(planted.body, fresh_id())
        assert answer.status_code == 202, answer.text
        made.planted[answer.json()["id"]] = (owner, planted)
        made.answers.append(answer.content)
        made.answers += [each.content for each in _refusals(place, owner, planted.body)]
    for message, (owner, _) in made.planted.items():
        pushed = set(place.callers[owner].status(message)) & {POLICE, PROBATION, PROSECUTOR}
        place.callers[owner].wait_for(message, "delivered", *pushed)
    return made


def _refusals(place: Place, owner: AgencyId, body: bytes) -> Iterator[requests.Response]:
    """The same content refused in every way that reads it."""
    caller = place.callers[owner]
    end = body.rindex(b"</")
    for wrong in (body[:-9], body[:end] + b"<x/>" + body[end:], b"<!DOCTYPE x>" + body.partition(b"?>")[2]):
        answer = caller.submit(wrong)
        assert answer.status_code in {400, 422}
        yield answer
        yield submit(caller, wrong, SOAP12)
    yield caller.submit(body, to=("harborlight-services",))
    yield caller.submit(body, path="/NEVER-SENT/cancel")


def test_the_search_finds_a_canary_where_there_is_one(sent: Sent) -> None:
    _, planted = next(iter(sent.planted.values()))
    assert found(planted.body) == frozenset(canary.mark for canary in planted.canaries)
    assert found(gzip.compress(planted.body)) == found(planted.body)


def test_no_answer_to_a_sender_gives_anything_of_the_message_back(sent: Sent) -> None:
    assert len(sent.answers) > 30
    for answer in sent.answers:
        assert found(answer) == frozenset()


def test_no_log_line_holds_anything_of_a_message(place: Place, sent: Sent) -> None:
    written = place.log_file.read_bytes()
    # What commands of other tests answered stands among them, over several lines.
    requests_logged = [json.loads(line) for line in written.splitlines() if line.startswith(b'{"')]
    assert any(each.get("act") == "submit" and each.get("code") == "document.dtd" for each in requests_logged)
    assert found(written) == frozenset()
    assert b"Tansley" not in written


def test_no_metric_holds_anything_of_a_message(place: Place, sent: Sent) -> None:
    metrics = requests.get(f"{place.console}/metrics", timeout=10)
    assert metrics.status_code == 200
    assert 'gateway_accepted_total{channel="rest"}' in metrics.text
    assert found(metrics.content) == frozenset()


def test_no_audit_entry_holds_anything_of_a_message(place: Place, sent: Sent) -> None:
    place.wait_said("receive", JAIL)
    entries = place.entries()
    assert len(entries) > 50
    everything = b"\n".join(each.entry.body for each in entries)
    assert found(everything) == frozenset()
    assert b"Tansley" not in everything


def test_no_file_of_a_sqlite_deployment_holds_anything_of_a_message_in_the_clear(place: Place, sent: Sent) -> None:
    for file in place.directory.rglob("*"):
        if file.is_file():
            assert not any(mark in file.read_bytes() for mark in sent.marks), file


@pytest.mark.parametrize("recipient", [POLICE, PROBATION, PROSECUTOR])
def test_a_recipient_gets_no_mark_that_its_agreement_does_not_share(
    place: Place, sent: Sent, recipient: AgencyId
) -> None:
    got = 0
    for message, (owner, planted) in sent.planted.items():
        if recipient not in place.callers[owner].status(message):
            continue
        received = arrived(place.mailboxes[recipient], message)
        may_see = allowed(planted, place.operator.current, owner, recipient)
        for part in (received.body, received.payload, received.cover):
            assert found(part) <= may_see
        got += len(found(received.payload))
    assert got > 5


def test_an_inbox_gives_no_mark_that_its_agreement_does_not_share(place: Place, sent: Sent) -> None:
    message, (owner, planted) = next(iter(sent.planted.items()))
    item = place.callers[FUSION].item(message)
    may_see = allowed(planted, place.operator.current, owner, FUSION)
    payload = place.callers[FUSION].get(item["payload_url"]).content
    assert found(payload)
    assert found(payload) <= may_see
    assert found(place.callers[FUSION].get(item["cover_url"]).content) == frozenset()
