"""Answers that go elsewhere: a real gateway, and a partner that takes them over TLS, or does not."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from lxml import etree

from gateway.agency import AgencyId, AgencyKind
from gateway.delivery.course import State
from gateway.delivery.reply import Reply
from gateway.document.parse import parse
from gateway.exchange.activate import suspend_agency
from gateway.exchange.reply_acts import discard_reply, requeue_reply
from gateway.signing.certificate import pem_to_der
from gateway.signing.header import verify_envelope
from gateway.signing.keyring import TrustedKeys
from tests.acceptance.caller import Caller
from tests.acceptance.envelopes import MEDIA_TYPES, SERVICE, SOAP11, SOAP12, WSA, code_of
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import Place, until
from tests.pretend_agency import Mailbox, PretendServer, Refuse, TakeAndHangUp
from tests.pretend_wire import Received

BOTH = pytest.mark.parametrize("version", [SOAP11, SOAP12], ids=["1.1", "1.2"])
NOBODY = "http://127.0.0.1:9/replies"


@dataclass
class Partner:
    """An agency that wants its answers at an address of its own, and may send releases to another."""

    place: Place
    id: AgencyId
    caller: Caller
    mailbox: Mailbox = field(default_factory=Mailbox)
    server: PretendServer | None = None

    @property
    def address(self) -> str:
        assert self.server is not None
        return self.server.url("/reply")

    def ask(self, body: str, id: str, *, version: str = SOAP12, header: str = "") -> requests.Response:
        """POST to /soap, the answer wanted at the address unless the header says otherwise."""
        operation = etree.QName(etree.fromstring(body)).localname
        header = header or reply_to(self.address)
        data = (
            f'<s:Envelope xmlns:s="{version}" xmlns:w="{WSA}"><s:Header><w:MessageID>{id}</w:MessageID>'
            f"<w:Action>{SERVICE}:{operation}</w:Action>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        )
        return self.caller.post("/soap", data.encode(), Content_Type=MEDIA_TYPES[version])

    def replies(self) -> tuple[Reply, ...]:
        """Newest first."""
        return self.place.do(lambda gateway: gateway.store.replies(None, self.id, None, 100))

    def wait(self, state: State) -> Reply:
        """Its newest reply, when it stands there."""
        until(lambda: bool(self.replies()) and self.replies()[0].state is state, f"a reply is {state}")
        return self.replies()[0]

    def arrived(self, id: str) -> Received:
        """The first answer to this request; waits for it."""
        until(lambda: any(each.message == id for each in self.mailbox.received), f"an answer to {id}")
        return next(each for each in self.mailbox.received if each.message == id)

    def said(self, reply: Reply) -> list[dict[str, Any]]:
        """What the log says of a reply."""
        return [each for each in self.place.said("reply", self.id) if each["reply"] == reply.id]


def reply_to(address: str, name: str = "ReplyTo", parameters: str = "") -> str:
    more = f"<w:ReferenceParameters>{parameters}</w:ReferenceParameters>" if parameters else ""
    return f"<w:{name}><w:Address>{address}</w:Address>{more}</w:{name}>"


def submit(body: bytes) -> str:
    payload = body.decode().partition("?>")[2] if body.startswith(b"<?xml") else body.decode()
    return f'<g:Submit xmlns:g="{SERVICE}"><g:Payload>{payload}</g:Payload></g:Submit>'


def found(received: Received, name: str) -> str:
    return etree.fromstring(received.payload).findtext(f".//{{{SERVICE}}}{name}") or ""


def header(received: Received, name: str) -> str:
    return etree.fromstring(received.body)[0].findtext(f"{{{WSA}}}{name}") or ""


@pytest.fixture
def partner(place: Place) -> Partner:
    sender = place.agency(AgencyKind.JAIL)
    place.agree(sender, place.agency(AgencyKind.POLICE))
    mailbox = Mailbox()
    server = place.listener(mailbox, tls=True)
    place.register_replies(sender, server.url("/reply"))
    # Last: when the gateway takes the credential, it knows what was entered before it.
    return Partner(place=place, id=sender, caller=place.caller(sender), mailbox=mailbox, server=server)


@BOTH
def test_the_answer_comes_to_the_registered_address_signed_and_related(partner: Partner, version: str) -> None:
    id = fresh_id()
    parameters = '<j:Case xmlns:j="urn:jms">2026-17</j:Case>'
    answer = partner.ask(
        submit(release()), id, version=version, header=reply_to(partner.address, "ReplyTo", parameters)
    )
    assert (answer.status_code, answer.content) == (202, b"")
    received = partner.arrived(id)
    assert received.client_certificate is not None
    assert received.headers["Content-Type"].partition(";")[0] == MEDIA_TYPES[version]
    assert header(received, "To") == partner.address
    assert header(received, "Action") == f"{SERVICE}:SubmitResponse"
    case = etree.fromstring(received.body)[0].find("{urn:jms}Case")
    assert case is not None
    assert (case.text, case.get(f"{{{WSA}}}IsReferenceParameter")) == ("2026-17", "true")
    assert found(received, "Receipt").startswith("justice-gateway/receipt@v1\n")
    partner.caller.wait_for(found(received, "Id"), "waiting")
    der = pem_to_der(partner.place.cover_file.read_bytes())
    trusted = TrustedKeys(agency=AgencyId("the-gateway"), pins=frozenset({der}))
    now = partner.place.operator.clock.now()
    kept = verify_envelope(parse(received.body), trusted, now=now).root[0]
    names = {f"{{{WSA}}}{name}" for name in ("To", "Action", "MessageID", "RelatesTo")}
    assert {*names, "{urn:jms}Case"} <= {block.tag for block in kept}  # what nobody signed is gone
    reply = partner.wait(State.DELIVERED)
    assert (reply.message_id, reply.message) == (received.key, found(received, "Id"))
    partner.place.wait_said("reply", partner.id, 2)
    assert [each["action"] for each in partner.said(reply)] == ["kept", "delivered"]


def test_a_retry_gets_the_first_answer_again_under_its_first_id(partner: Partner) -> None:
    id, body = fresh_id(), submit(release())
    assert partner.ask(body, id).status_code == 202
    first = partner.arrived(id)
    partner.wait(State.DELIVERED)
    assert partner.ask(body, id).status_code == 202
    until(lambda: len(partner.mailbox.received) == 2, "it is sent again")
    assert {each.key for each in partner.mailbox.received} == {first.key}
    assert len(partner.mailbox.effects) == 1
    assert not partner.mailbox.conflicting
    assert len(partner.replies()) == 1


def test_what_is_wrong_comes_as_a_fault_to_where_faults_are_wanted(partner: Partner) -> None:
    id, header_ = fresh_id(), reply_to(f"{WSA}/anonymous") + reply_to(partner.address, "FaultTo")
    assert partner.ask(submit(release().replace(b"CustodyRelease", b"Nonsense")), id, header=header_).status_code == 202
    received = partner.arrived(id)
    assert header(received, "Action") == f"{SERVICE}:Problem"
    (refused,) = partner.place.wait_said("refuse", partner.id)
    assert found(received, "Code") == refused["code"]
    assert partner.wait(State.DELIVERED).code == refused["code"]
    good = partner.ask(submit(release()), fresh_id(), header=header_)
    assert good.status_code == 200  # and the answer to a good one on its connection
    assert len(partner.replies()) == 1


def test_the_mended_message_is_answered_under_the_same_id(partner: Partner) -> None:
    id = fresh_id()
    assert partner.ask(submit(b"<nonsense/>"), id).status_code == 202
    assert found(partner.arrived(id), "Code") == "exchange.unknown-root"
    assert partner.ask(submit(release()), id).status_code == 202
    until(lambda: len(partner.mailbox.effects) == 2, "the answer follows the fault")
    assert found(partner.mailbox.received[-1], "Id")


def test_a_request_that_cannot_be_read_is_a_fault_elsewhere_too(partner: Partner) -> None:
    id = fresh_id()
    assert partner.ask(f'<g:Submit xmlns:g="{SERVICE}"/>', id).status_code == 202
    assert found(partner.arrived(id), "Code") == "soap.malformed-operation"


def test_status_and_acknowledge_are_answered_elsewhere_and_again_when_asked_again(partner: Partner) -> None:
    id, asked = fresh_id(), fresh_id()
    partner.ask(submit(release()), id)
    partner.arrived(id)
    question = f'<g:Status xmlns:g="{SERVICE}"><g:Id>{id}</g:Id></g:Status>'
    assert partner.ask(question, asked).status_code == 202
    assert found(partner.arrived(asked), "SenderId") == id
    nothing = f'<g:Acknowledge xmlns:g="{SERVICE}"><g:Delivery>no-such</g:Delivery></g:Acknowledge>'
    assert partner.ask(nothing, other := fresh_id()).status_code == 202
    assert found(partner.arrived(other), "Code") == "delivery.unknown"


def test_a_partner_that_is_down_or_hangs_up_gets_it_later_under_the_same_id(partner: Partner) -> None:
    partner.mailbox.next = [Refuse(500), TakeAndHangUp()]
    id = fresh_id()
    assert partner.ask(submit(release()), id).status_code == 202
    reply = partner.wait(State.DELIVERED)
    assert (reply.attempts, len(partner.mailbox.requests), len(partner.mailbox.effects)) == (3, 3, 1)
    assert {each.key for each in partner.mailbox.requests} == {reply.message_id}
    partner.place.wait_said("reply", partner.id, 4)
    told = partner.said(reply)
    assert [(each["action"], each.get("code")) for each in told[1:3]] == [
        ("failed", "delivery.http-500"),
        ("failed", "delivery.no-answer"),
    ]


def test_what_never_arrives_is_given_up_seen_and_sent_once_more_by_a_person(partner: Partner) -> None:
    partner.mailbox.otherwise = Refuse(500)
    id = fresh_id()
    assert partner.ask(submit(release()), id).status_code == 202
    reply = partner.wait(State.UNDELIVERABLE)
    assert (reply.attempts, reply.last_error) == (3, "delivery.http-500")
    partner.mailbox.otherwise = Mailbox().otherwise
    partner.place.do(lambda gateway: requeue_reply(gateway, reply.id, actor="operator"))
    assert partner.arrived(id).key == reply.message_id
    partner.wait(State.DELIVERED)
    partner.mailbox.otherwise = Refuse(410)
    assert partner.ask(submit(release()), fresh_id()).status_code == 202
    gone = partner.wait(State.UNDELIVERABLE)
    assert gone.attempts == 1  # 410 is for good
    partner.place.do(lambda gateway: discard_reply(gateway, gone.id, actor="operator", reason="system-retired"))
    assert partner.wait(State.RECALLED).id == gone.id


@pytest.mark.parametrize("name", ["ReplyTo", "FaultTo"])
def test_an_address_that_is_not_registered_is_never_called(partner: Partner, name: str) -> None:
    stranger = Mailbox()
    other = partner.place.listener(stranger)
    answer = partner.ask(submit(release()), fresh_id(), header=reply_to(other.url("/reply"), name))
    assert (answer.status_code, code_of(answer)) == (400, "soap.reply-address")
    assert other.url("/reply") not in answer.text
    (refused,) = partner.place.wait_said("refuse", partner.id)
    assert refused["code"] == "soap.reply-address"
    assert partner.replies() == ()
    assert stranger.requests == []
    assert partner.mailbox.requests == []


def test_another_agencys_address_is_not_ours(partner: Partner) -> None:
    place = partner.place
    other = Partner(place=place, id=(id := place.agency(AgencyKind.COURT)), caller=place.caller(id))
    other.server = partner.server
    answer = other.ask(submit(release()), fresh_id())
    assert code_of(answer) == "soap.reply-address"
    assert other.replies() == ()


def test_what_is_polled_leaves_on_its_connection_only(partner: Partner) -> None:
    answer = partner.ask(f'<g:Poll xmlns:g="{SERVICE}"/>', fresh_id())
    assert (answer.status_code, code_of(answer)) == (400, "soap.reply-address")
    assert partner.replies() == ()


def test_to_an_agency_that_is_suspended_nothing_goes(partner: Partner) -> None:
    partner.mailbox.otherwise = Refuse(503, {"Retry-After": "1"})
    id = fresh_id()
    assert partner.ask(submit(release()), id).status_code == 202
    until(lambda: bool(partner.mailbox.requests), "it is tried")
    partner.place.do(lambda gateway: suspend_agency(gateway, partner.id, by=None, actor="test", suspended=True))
    tried = len(partner.mailbox.requests)
    partner.mailbox.otherwise = Mailbox().otherwise
    with pytest.raises(AssertionError, match="not in time"):
        until(lambda: len(partner.mailbox.requests) > tried + 1, "nothing", 3)
    partner.place.do(lambda gateway: suspend_agency(gateway, partner.id, by=None, actor="test", suspended=False))
    partner.arrived(id)


def test_an_address_that_was_taken_from_the_agency_is_not_called_any_more(partner: Partner) -> None:
    partner.mailbox.otherwise = Refuse(503, {"Retry-After": "2"})
    assert partner.ask(submit(release()), fresh_id()).status_code == 202
    until(lambda: bool(partner.mailbox.requests), "it is tried")
    partner.place.register_replies(partner.id, NOBODY)
    reply = partner.wait(State.UNDELIVERABLE)
    assert reply.last_error == "reply.not-registered"
