"""kill -9 wherever an answer that goes elsewhere is kept, taken, sent and settled: none is lost, none is two."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from gateway.agency import AgencyId
from gateway.delivery.course import State
from gateway.store.points import AFTER_REPLY, BEFORE_REPLY, COMMITS
from tests.acceptance import place as places
from tests.acceptance.background import background
from tests.acceptance.envelopes import SERVICE
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import JAIL, Place, _deployed, _populate, stop, until
from tests.acceptance.test_replies import Partner, found, submit
from tests.pretend_agency import Mailbox
from tests.store.postgres_server import fresh_database

KEPT = tuple(point for point in COMMITS if point.partition(".")[0] in ("accept", "refuse", "reply"))
"""Where an answer is kept: with a message, with a refusal, by itself."""

SENT = (BEFORE_REPLY, AFTER_REPLY, *(point for point in COMMITS if point.startswith(("reply-claim.", "reply-settle."))))
"""Where it is on its way."""

RELAY = {"wait_seconds_first": 0.1, "wait_seconds_max": 0.5, "attempt_seconds_max": 2, "lease_seconds": 1}
"""What a killed process held is sent again three seconds later."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def partner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """The jail, with an address for its answers, in a deployment of its own that nobody serves yet."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "RELAY", RELAY)
        database = "sqlite:///gateway.db"
        if request.param == "postgresql":
            database = stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
        directory = tmp_path_factory.mktemp("replies") / "deployment"
        made = _deployed(directory, database, stack, stack.enter_context(background()))
        _populate(made)
        mailbox = Mailbox()
        server = made.listener(mailbox, tls=True)
        made.register_replies(JAIL, server.url("/reply"))
        yield Partner(place=made, id=AgencyId(JAIL), caller=made.callers[JAIL], mailbox=mailbox, server=server)


GOOD = submit(release())


def served(place: Place, kill_at: str = "") -> "subprocess.Popen[bytes]":
    """One that is to be killed may be before it is ready: an answer of before waits for its worker."""
    process = place.start("serve", GATEWAY_KILL_AT=kill_at)
    if not kill_at:
        place.wait_ready(process)
    return process


def ask_until_taken(partner: Partner, body: str, id: str, process: "subprocess.Popen[bytes]") -> bool:
    """As a sender does that keeps its message until it is answered; False when the gateway died without answering."""
    while process.poll() is None:
        try:
            answer = partner.ask(body, id)
        except requests.RequestException:
            time.sleep(0.05)
            continue
        if answer.status_code == 202:
            return True
        assert answer.status_code in (500, 503), answer.text
    return False


def body_for(point: str) -> str:
    if point.startswith("refuse."):
        return submit(b"<nonsense/>")
    if point.startswith("reply.") and point not in SENT:
        return f'<g:Status xmlns:g="{SERVICE}"><g:Id>no-such</g:Id></g:Status>'
    return GOOD


def test_answers_survive_a_kill_anywhere_and_come_once(partner: Partner) -> None:
    asked: dict[str, str] = {}
    waiting: dict[str, str] = {}
    for point in (*KEPT, *SENT):
        process = served(partner.place, point)
        asked[id := fresh_id()] = waiting[id] = body_for(point)
        while process.poll() is None and waiting:
            # As a sender does that keeps its message until it is answered; the kill may come with any of them.
            waiting = {id: body for id, body in waiting.items() if not ask_until_taken(partner, body, id, process)}
        until(lambda process=process: process.poll() is not None, f"killed at {point}")  # type: ignore[misc]
    again = served(partner.place)
    assert all(ask_until_taken(partner, body, id, again) for id, body in waiting.items())
    for id in asked:
        partner.arrived(id)
    until(lambda: all(reply.state is State.DELIVERED for reply in partner.replies()), "all are settled")
    came = Counter(each.message for each in partner.mailbox.effects.values())
    assert came == Counter(asked.keys()), [each for each in partner.mailbox.effects.values() if came[each.message] > 1]
    assert not partner.mailbox.conflicting
    for received in partner.mailbox.effects.values():
        good = asked[received.message] == GOOD
        assert found(received, "Receipt" if good else "Code")
    stop(again)
