"""Deliveries over real sockets: each kind of endpoint, and what becomes of one that does not arrive."""

from gateway.agency import AgencyId, EndpointKind, SignatureForm
from gateway.clock import SystemClock
from gateway.document.parse import parse
from gateway.exchange.requeue import discard, requeue
from gateway.signing.certificate import pem_to_der
from gateway.signing.header import verify_envelope
from gateway.signing.keyring import TrustedKeys
from tests.acceptance.messages import fresh_id, release, sample
from tests.acceptance.place import FUSION, JAIL, POLICE, PROBATION, PROSECUTOR, Place, until
from tests.acceptance.recipient import arrived, out_of_envelope, take
from tests.pretend_agency import Fault, Refuse, Take, TakeAndHangUp


def test_by_rest_cover_and_payload_come_in_one_request_under_tls_with_the_gateways_certificate(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id())
    received = arrived(place.mailboxes[POLICE], answer["id"])
    assert received.headers["Content-Type"].startswith("multipart/related")
    assert received.client_certificate == pem_to_der((place.parts / "client.pem").read_bytes())
    taken = take(place, received.cover, received.payload, POLICE)
    assert taken.cover.mou == "JAIL-PD-2026-01"
    assert taken.cover.message == answer["id"]
    assert taken.cover.fields_withheld
    assert "Tansley" in taken.text("PersonSurName")
    assert taken.text("MedicalNeed") == []


def test_by_soap_the_cover_is_a_signed_header_and_the_payload_is_the_body(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id())
    received = arrived(place.mailboxes[PROBATION], answer["id"])
    der = pem_to_der(place.cover_file.read_bytes())
    trusted = TrustedKeys(agency=AgencyId("the-gateway"), pins=frozenset({der}))
    verify_envelope(parse(received.body), trusted, now=SystemClock().now())
    taken = take(place, *out_of_envelope(received), PROBATION)
    assert taken.cover.mou == "JAIL-PROB-2026-02"
    assert received.key.endswith(taken.cover.dissemination)


def test_the_payload_alone_names_the_address_where_its_cover_is(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id())
    received = arrived(place.mailboxes[PROSECUTOR], answer["id"])
    assert received.headers["Content-Type"] == "application/xml"
    address = received.headers["Cover-URL"]
    assert address.startswith(place.url)
    cover = place.callers[PROSECUTOR].get(address.removeprefix(place.url))
    assert cover.status_code == 200
    taken = take(place, cover.content, received.payload, PROSECUTOR)
    assert taken.cover.clauses == ("E2",)


def test_an_inbox_holds_it_until_it_is_acknowledged(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id())
    fusion = place.callers[FUSION]
    item = fusion.item(answer["id"])
    payload, cover = fusion.get(item["payload_url"]), fusion.get(item["cover_url"])
    assert payload.headers["Content-Type"].startswith("application/xml")
    taken = take(place, cover.content, payload.content, FUSION)
    assert taken.text("PersonSurName")[0] == "Tansley"
    assert b"1991-03-17" not in payload.content  # of the birth date only the year goes to the fusion center
    assert b"1991-01-01" in payload.content
    assert place.callers[JAIL].status(answer["id"])[FUSION]["state"] == "waiting"
    assert fusion.post(f"/v1/inbox/{item['delivery']}/ack").json()["state"] == "delivered"
    assert place.callers[JAIL].status(answer["id"])[FUSION]["state"] == "delivered"
    assert answer["id"] not in {each["message"] for each in fusion.inbox(limit=200)}


def test_an_enveloped_endpoint_gets_the_signature_last_in_the_payload(place: Place) -> None:
    pair = place.pair(signature=SignatureForm.ENVELOPED)
    answer = pair.caller.accepted(sample("fullest"), fresh_id())
    received = arrived(pair.mailbox, answer["id"])
    taken = take(place, received.cover, received.payload, pair.recipient)
    assert taken.signed
    assert parse(received.payload).root[-1].tag == "{http://www.w3.org/2000/09/xmldsig#}Signature"


def test_the_sender_learns_how_each_delivery_stands(place: Place) -> None:
    answer = place.callers[JAIL].accepted(sample("fullest"), fresh_id())
    told = place.callers[JAIL].wait_for(answer["id"], "delivered", POLICE, PROBATION, PROSECUTOR)
    assert told[POLICE]["attempts"] == 1
    assert told[POLICE]["delivered_at"] is not None
    assert told[FUSION]["state"] == "waiting"


def test_an_outage_of_the_recipient_costs_tries_and_not_the_message(place: Place) -> None:
    pair = place.pair()
    pair.mailbox.next = [Refuse(503), Refuse(500)]
    answer = pair.caller.accepted(release(), fresh_id())
    told = pair.caller.wait_for(answer["id"], "delivered")
    assert told[pair.recipient]["attempts"] == 3
    assert len(pair.mailbox.effects) == 1
    types = [each.entry.type for each in place.do(lambda gateway: gateway.store.entries_of(answer["id"]))]
    assert types.count("fail") == 2
    assert types.count("deliver") == 1


def test_an_answer_that_is_lost_is_asked_for_again_and_has_one_effect(place: Place) -> None:
    pair = place.pair()
    pair.mailbox.next = [TakeAndHangUp()]
    answer = pair.caller.accepted(release(), fresh_id())
    pair.caller.wait_for(answer["id"], "delivered")
    assert len(pair.mailbox.received) == 2
    assert len({each.key for each in pair.mailbox.received}) == 1
    assert pair.mailbox.messages == [answer["id"]]
    assert pair.mailbox.conflicting == set()


def test_after_all_its_tries_it_is_undeliverable_until_somebody_sends_it_again(place: Place) -> None:
    pair = place.pair()
    pair.mailbox.otherwise = Refuse(503)
    answer = pair.caller.accepted(release(), fresh_id())
    told = pair.caller.wait_for(answer["id"], "undeliverable")[pair.recipient]
    assert (told["attempts"], told["code"]) == (3, "delivery.http-503")
    pair.mailbox.otherwise = Take()
    place.do(lambda gateway: requeue(gateway, told["delivery"], actor="test"))
    pair.caller.wait_for(answer["id"], "delivered")
    assert pair.mailbox.messages == [answer["id"]]
    types = [each.entry.type for each in place.do(lambda gateway: gateway.store.entries_of(answer["id"]))]
    assert types.count("fail") == 2
    assert types[-3:] == ["undeliverable", "requeue", "deliver"]


def test_a_recipient_that_will_never_take_it_is_not_asked_again(place: Place) -> None:
    pair = place.pair()
    pair.mailbox.otherwise = Refuse(422)
    answer = pair.caller.accepted(release(), fresh_id())
    told = pair.caller.wait_for(answer["id"], "undeliverable")[pair.recipient]
    assert (told["attempts"], told["code"]) == (1, "delivery.http-422")
    place.do(lambda gateway: discard(gateway, told["delivery"], actor="test", reason="sent-otherwise"))
    assert pair.caller.status(answer["id"])[pair.recipient]["state"] == "recalled"


def test_a_soap_fault_of_the_recipient_is_no_delivery(place: Place) -> None:
    pair = place.pair(EndpointKind.SOAP)
    pair.mailbox.next = [Fault("Receiver")]
    answer = pair.caller.accepted(release(), fresh_id())
    told = pair.caller.wait_for(answer["id"], "delivered")[pair.recipient]
    assert told["attempts"] == 2
    until(lambda: len(pair.mailbox.received) == 1, "it is kept once")
    taken = take(place, *out_of_envelope(pair.mailbox.received[0]), pair.recipient)
    assert taken.cover.message == answer["id"]
