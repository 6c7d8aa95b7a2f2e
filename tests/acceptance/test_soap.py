"""SOAP as a partner's toolkit speaks it: zeep from our WSDL, in both versions, and bare envelopes."""

from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from zeep.exceptions import Fault

from gateway.agency import EndpointKind
from gateway.document.canonical import exclusive
from gateway.signing.cover import read_cover
from tests.acceptance.caller import Caller
from tests.acceptance.envelopes import (
    MEDIA_TYPES,
    SERVICE,
    SOAP11,
    SOAP12,
    WSA,
    code_of,
    envelope,
    submit,
    submit_envelope,
)
from tests.acceptance.messages import RECORD, fresh_id, release, sample
from tests.acceptance.place import JAIL, POLICE, PROBATION, Pair, Place
from tests.acceptance.recipient import take


def client(caller: Caller, port: str) -> tuple[zeep.Client, Any]:
    """A zeep client over this agency's connections, and its service in one SOAP version."""
    made = zeep.Client(f"{caller.url}/soap?wsdl", transport=zeep.Transport(session=caller.session, timeout=30))
    return made, made.bind("GatewayService", port)


def message_id(id: str) -> etree._Element:
    header = etree.Element(f"{{{WSA}}}MessageID")
    header.text = id
    return header


def payload(body: bytes) -> dict[str, etree._Element]:
    return {"_value_1": etree.fromstring(body)}


@pytest.fixture(params=["Gateway11", "Gateway12"])
def port(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pair(place: Place) -> Pair:
    return place.pair(EndpointKind.INBOX)


def test_probation_submits_a_supervision_record_with_zeep_and_its_certificate(place: Place, port: str) -> None:
    _, service = client(place.callers[PROBATION], port)
    id = fresh_id()
    answer = service.Submit(Payload=payload(sample("fullest", RECORD)), _soapheaders=[message_id(id)])
    assert answer.SenderId == id
    assert [(each.Agency, each.Outcome) for each in answer.Recipient] == [(POLICE, "accepted")]
    assert answer.Receipt.startswith("justice-gateway/receipt@v1\n")
    assert answer.Repeated is False
    place.callers[PROBATION].wait_for(answer.Id, "delivered")
    again = service.Submit(Payload=payload(sample("fullest", RECORD)), _soapheaders=[message_id(id)])
    assert (again.Id, again.Receipt, again.Repeated) == (answer.Id, answer.Receipt, True)
    status = service.Status(Id=id)
    assert (status.Exchange, status.Action) == (RECORD, "new")
    assert [(each.Recipient, each.State, each.Attempts) for each in status.Delivery] == [(POLICE, "delivered", 1)]


def test_the_same_message_over_rest_and_over_soap_is_one(pair: Pair) -> None:
    id = fresh_id()
    first = pair.caller.accepted(release(), id)
    _, service = client(pair.caller, "Gateway12")
    again = service.Submit(Payload=payload(release()), _soapheaders=[message_id(id)])
    assert (again.Id, again.Repeated) == (first["id"], True)


def test_poll_and_acknowledge(place: Place, port: str) -> None:
    pair = place.pair(EndpointKind.INBOX)
    assert pair.inbox is not None
    sent = [pair.caller.accepted(release(), fresh_id())["id"] for _ in range(3)]
    _, service = client(pair.inbox, port)
    page = service.Poll(After=0, Limit=2)
    assert [item.Message for item in page.Item] == sent[:2]
    for item in page.Item:
        cover = exclusive(alone(item.Cover))
        inside = exclusive(alone(item.Payload), prefixes=read_cover(cover).payload_prefixes)
        assert take(place, cover, inside, pair.recipient).cover.message == item.Message
    done = service.Acknowledge(Delivery=[item.Delivery for item in page.Item])
    assert list(done) == [item.Delivery for item in page.Item]
    rest = service.Poll(After=page.Next)
    assert [item.Message for item in rest.Item] == sent[2:]
    assert [item.Message for item in service.Poll().Item] == sent[2:]


def alone(wrapper: Any) -> etree._Element:
    """The element that zeep gives as an any, in a document of its own."""
    return etree.fromstring(etree.tostring(wrapper["_value_1"], with_tail=False))


def test_a_correction_names_what_it_corrects_in_the_operation(pair: Pair) -> None:
    _, service = client(pair.caller, "Gateway12")
    id = fresh_id()
    first = service.Submit(Payload=payload(release()), _soapheaders=[message_id(id)])
    corrected = release().replace(b">new<", b">correct<")
    second = service.Submit(Corrects=id, Payload=payload(corrected))
    assert pair.caller.get(f"/v1/messages/{second.Id}").json()["earlier"] == first.Id


def test_to_narrows_over_soap_too(place: Place) -> None:
    _, service = client(place.callers[JAIL], "Gateway11")
    answer = service.Submit(To=[POLICE], Payload=payload(sample("fullest")))
    assert [each.Agency for each in answer.Recipient] == [POLICE]


def test_a_fault_carries_code_and_findings(pair: Pair, port: str) -> None:
    _, service = client(pair.caller, port)
    broken = release().replace(b"2025-12-01T08:00:00-05:00", b"yesterday")
    with pytest.raises(Fault) as caught:
        service.Submit(Payload=payload(broken))
    detail = caught.value.detail
    assert detail is not None
    assert detail.findtext(".//{*}Problem/{*}Code") == "message.invalid"
    assert [each.text for each in detail.iterfind(".//{*}Finding/{*}Line")]
    assert b"yesterday" not in etree.tostring(detail)


def test_an_unknown_message_is_a_fault_for_everybody_but_its_sender(place: Place, pair: Pair, port: str) -> None:
    mine = pair.caller.accepted(release(), fresh_id())
    _, service = client(place.callers[POLICE], port)
    with pytest.raises(Fault) as caught:
        service.Status(Id=mine["id"])
    assert caught.value.detail.findtext(".//{*}Code") == "message.unknown"


# --- addressing ---------------------------------------------------------------------------------------------------


def test_an_answer_relates_to_the_request(pair: Pair) -> None:
    id = fresh_id()
    answer = submit(pair.caller, release(), SOAP12, message_id=id)
    root = etree.fromstring(answer.content)
    assert root.findtext(f".//{{{WSA}}}RelatesTo") == id
    assert root.findtext(f".//{{{WSA}}}Action") == f"{SERVICE}:SubmitResponse"


def test_idempotency_key_and_message_id_must_agree(pair: Pair) -> None:
    body = submit_envelope(release(), SOAP12, message_id=fresh_id())
    answer = pair.caller.post("/soap", body, Content_Type=MEDIA_TYPES[SOAP12], Idempotency_Key=fresh_id())
    assert (answer.status_code, code_of(answer)) == (400, "message.bad-id")


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_a_header_that_must_be_understood_and_is_not(pair: Pair, version: str) -> None:
    block = f'<x:Route xmlns:x="urn:x" xmlns:s="{version}" s:mustUnderstand="1"/>'
    body = envelope("<g:Poll/>", version).replace(b"<soap:Header>", f"<soap:Header>{block}".encode())
    answer = pair.caller.post("/soap", body, Content_Type=MEDIA_TYPES[version])
    assert code_of(answer) == "soap.must-understand"
    assert b"MustUnderstand" in answer.content


def test_an_action_that_contradicts_the_body(pair: Pair) -> None:
    body = envelope("<g:Poll/>", SOAP11)
    answer = pair.caller.post("/soap", body, Content_Type="text/xml", SOAPAction=f'"{SERVICE}:Submit"')
    assert (answer.status_code, code_of(answer)) == (500, "soap.action-mismatch")


def test_the_schemas_of_an_exchange_lie_beside_the_wsdl(place: Place) -> None:
    answer = requests.get(f"{place.url}/soap?wsdl", verify=str(place.parts / "authority.pem"), timeout=10)
    assert f'location="{place.url}/soap"' in answer.text
    schema = requests.get(f"{place.url}/soap/xsd/gateway.xsd", verify=str(place.parts / "authority.pem"), timeout=10)
    assert etree.XMLSchema(etree.fromstring(schema.content))
    base = f"{place.url}/soap/xsd/custody-release/1.0/iepd/custody-release/1.0"
    extension = requests.get(f"{base}/extension.xsd", verify=str(place.parts / "authority.pem"), timeout=10)
    assert extension.status_code == 200
    assert b"CustodyRelease" in extension.content
    outside = requests.get(f"{base}/..%2f..%2f..%2fgateway.toml", verify=str(place.parts / "authority.pem"), timeout=10)
    assert outside.status_code == 404
