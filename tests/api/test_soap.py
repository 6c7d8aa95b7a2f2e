import asyncio
from typing import Any

import aiohttp
import pytest
import requests
import zeep
from lxml import etree
from structlog.testing import capture_logs

from gateway.document.names import SOAP11, SOAP12, WSA
from gateway.errors import GatewayError, Tampered
from gateway.exchange.inbox import DeliveryRecalled
from gateway.exchange.submission import IdConflict, InvalidMessage, NoRecipient, RecipientOutcome
from gateway.finding import Finding
from gateway.keys.payload import BucketDamaged, KeyGone, PayloadTampered
from gateway.message import Action
from gateway.soap.service import SERVICE, action_of
from gateway.soap.wsdl import SCHEMA
from gateway.store.interface import StoreUnavailable
from tests.api.pretend_gateway import AT, DIGEST, JAIL, PAYLOAD, POLICE, PretendGateway

TYPES = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}
BOTH = pytest.mark.parametrize("version", [SOAP11, SOAP12], ids=["1.1", "1.2"])
SUBMIT = f'<g:Submit xmlns:g="{SERVICE}"><g:Payload><n:Notice xmlns:n="urn:n">text</n:Notice></g:Payload></g:Submit>'
POLL = f'<g:Poll xmlns:g="{SERVICE}"/>'


def enveloped(body: str, version: str = SOAP12, header: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{version}" xmlns:wsa="{WSA}">{head}<s:Body>{body}</s:Body></s:Envelope>'.encode()


class Answer:
    """An answer taken apart."""

    def __init__(self, answer: aiohttp.ClientResponse, data: bytes) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.media_type = answer.content_type
        self.data = data
        self.root = etree.fromstring(data)
        self.version = etree.QName(self.root).namespace
        self.body = self.root[-1][0]

    @property
    def fault_code(self) -> str:
        path = "faultcode" if self.version == SOAP11 else f"{{{SOAP12}}}Code/{{{SOAP12}}}Value"
        return str(self.body.findtext(path))

    @property
    def text(self) -> str:
        path = "faultstring" if self.version == SOAP11 else f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text"
        return str(self.body.findtext(path))

    def problem(self, name: str) -> str | None:
        return self.body.findtext(f".//{{{SERVICE}}}Problem/{{{SERVICE}}}{name}")

    def header(self, name: str) -> str | None:
        return self.root.findtext(f"{{{self.version}}}Header/{{{WSA}}}{name}")


async def post(client: aiohttp.ClientSession, data: bytes, content_type: str = TYPES[SOAP12], **headers: str) -> Answer:
    answer = await client.post("/soap", data=data, headers={"Content-Type": content_type} | headers)
    return Answer(answer, await answer.read())


def follows_the_schema(element: etree._Element) -> bool:
    schema = etree.XMLSchema(etree.fromstring(SCHEMA.encode()))
    schema.assertValid(etree.fromstring(etree.tostring(element)))
    return True


@BOTH
async def test_a_submission_is_answered_in_its_own_version(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str
) -> None:
    answer = await post(client, enveloped(SUBMIT, version), TYPES[version])
    assert (answer.status, answer.version) == (200, version)
    assert answer.media_type == TYPES[version].partition(";")[0]
    assert follows_the_schema(answer.body)
    assert answer.body.findtext(f"{{{SERVICE}}}Digest") == DIGEST
    (submission,) = gateway.submissions
    assert (submission.sender, submission.channel, submission.sender_id) == (JAIL.id, "soap", "")
    root = etree.fromstring(submission.body)
    assert (root.tag, root.text) == ("{urn:n}Notice", "text")


async def test_recipients_and_the_earlier_message_are_handed_on(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    body = (
        f'<g:Submit xmlns:g="{SERVICE}"><g:To>millbrook-police</g:To><g:To>harlan-probation</g:To>'
        "<g:Cancels>release-1</g:Cancels><g:Payload><Notice/></g:Payload></g:Submit>"
    )
    await post(client, enveloped(body))
    assert gateway.submissions[0].only == {"millbrook-police", "harlan-probation"}
    assert gateway.submissions[0].act == (Action.CANCEL, "release-1")


async def test_the_payload_keeps_the_namespaces_its_values_need(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    body = (
        f'<g:Submit xmlns:g="{SERVICE}" xmlns:t="urn:types" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<g:Payload><Notice xsi:type="t:Kind"/></g:Payload></g:Submit>'
    )
    await post(client, enveloped(body))
    assert etree.fromstring(gateway.submissions[0].body).nsmap["t"] == "urn:types"


async def test_the_message_id_is_the_senders_id_and_is_answered(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    header = f"<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action>{action_of('Submit')}</wsa:Action>"
    answer = await post(client, enveloped(SUBMIT, header=header))
    assert gateway.submissions[0].sender_id == "urn:uuid:1"
    assert answer.header("RelatesTo") == "urn:uuid:1"
    assert answer.header("Action") == action_of("SubmitResponse")
    assert answer.header("To") == f"{WSA}/anonymous"
    assert str(answer.header("MessageID")).startswith("urn:uuid:")


async def test_without_addressing_the_answer_has_none(client: aiohttp.ClientSession) -> None:
    assert len((await post(client, enveloped(SUBMIT))).root) == 1


async def test_message_id_and_idempotency_key_must_agree(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    data = enveloped(SUBMIT, header="<wsa:MessageID>a</wsa:MessageID>")
    assert (await post(client, data, **{"Idempotency-Key": "a"})).status == 200
    answer = await post(client, data, **{"Idempotency-Key": "b"})
    assert answer.problem("Code") == "message.bad-id"
    assert gateway.refusals == [(JAIL.id, "message.bad-id", "soap")]


@pytest.mark.parametrize("key", ["", '""'])
async def test_an_empty_idempotency_key_is_no_id(
    client: aiohttp.ClientSession, gateway: PretendGateway, key: str
) -> None:
    for data in (enveloped(SUBMIT), enveloped(SUBMIT, header="<wsa:MessageID>a</wsa:MessageID>")):
        assert (await post(client, data, **{"Idempotency-Key": key})).problem("Code") == "message.bad-id"
    assert gateway.submissions == []


@pytest.mark.parametrize("block", ["ReplyTo", "FaultTo"])
async def test_an_answer_is_never_sent_elsewhere(
    client: aiohttp.ClientSession, gateway: PretendGateway, block: str
) -> None:
    header = (
        f"<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action>{action_of('Submit')}</wsa:Action>"
        f"<wsa:{block}><wsa:Address>https://elsewhere.example/</wsa:Address></wsa:{block}>"
    )
    answer = await post(client, enveloped(SUBMIT, header=header))
    assert answer.problem("Code") == "soap.reply-address"
    assert gateway.submissions == []


async def test_an_answer_nobody_wants_is_202_and_empty(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    header = f"<wsa:ReplyTo><wsa:Address>{WSA}/none</wsa:Address></wsa:ReplyTo>"
    data = enveloped(SUBMIT, header=header)
    answer = await client.post("/soap", data=data, headers={"Content-Type": TYPES[SOAP12]})
    assert (answer.status, await answer.read()) == (202, b"")
    gateway.fails = IdConflict("used before")
    answer = await client.post("/soap", data=data, headers={"Content-Type": TYPES[SOAP12]})
    assert (answer.status, await answer.read()) == (400, b"")


async def test_an_addressing_header_twice_is_a_fault(client: aiohttp.ClientSession) -> None:
    header = "<wsa:MessageID>a</wsa:MessageID><wsa:MessageID>b</wsa:MessageID>"
    assert (await post(client, enveloped(SUBMIT, header=header))).problem("Code") == "soap.addressing-cardinality"


@BOTH
async def test_what_is_wrong_with_addressing_is_said_in_its_own_words(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str
) -> None:
    header = "<wsa:MessageID>m-1</wsa:MessageID><wsa:To>https://elsewhere.example/soap</wsa:To>"
    answer = await post(client, enveloped(SUBMIT, version, header), TYPES[version])
    assert answer.problem("Code") == "soap.destination"
    assert (answer.header("RelatesTo"), answer.header("Action")) == ("m-1", f"{WSA}/fault")
    assert (answer.fault_code == "wsa:DestinationUnreachable") == (version == SOAP11)
    assert answer.root.findtext(f".//{{{WSA}}}ProblemHeaderQName") == "wsa:To"
    assert gateway.submissions == []


async def test_a_request_may_name_the_address_of_the_wsdl_and_those_that_are_set(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    read = etree.fromstring(await (await client.get("/soap?wsdl")).read())
    (own,) = {each.get("location") for each in read.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")}
    moved = "https://old-name.example/soap"
    for to, code in ((own, None), (moved, "soap.destination")):
        answer = await post(client, enveloped(SUBMIT, header=f"<wsa:To>{to}</wsa:To>"))
        assert answer.problem("Code") == code
    listen = gateway.settings.listen.model_copy(update={"soap_addresses": (moved,)})
    gateway.settings = gateway.settings.model_copy(update={"listen": listen})
    assert (await post(client, enveloped(SUBMIT, header=f"<wsa:To>{moved}</wsa:To>"))).status == 200


async def test_the_wsdl_of_a_receiver_is_served_and_finds_its_schema(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/soap/callback?wsdl")
    assert (answer.status, answer.content_type) == (200, "text/xml")
    (imported,) = etree.fromstring(await answer.read()).iter("{http://www.w3.org/2001/XMLSchema}import")
    schema = await client.get(f"/soap/{imported.get('schemaLocation')}")
    assert await schema.text() == SCHEMA
    assert (await client.get("/soap/callback")).status == 404


@BOTH
async def test_a_draft_of_addressing_is_told_what_is_spoken_here(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str
) -> None:
    draft = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
    header = f'<a:MessageID xmlns:a="{draft}" s:mustUnderstand="1">uuid:7</a:MessageID>'
    answer = await post(client, enveloped(SUBMIT, version, header), TYPES[version])
    assert (answer.fault_code, answer.problem("Code")) == ("soap:MustUnderstand", "soap.addressing-version")
    assert answer.root.findtext(f".//{{{draft}}}RelatesTo") == "uuid:7"
    assert gateway.submissions == []


@BOTH
async def test_what_must_be_understood_and_is_not_is_a_fault(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str
) -> None:
    block = '<x:Transaction xmlns:x="urn:x" s:mustUnderstand="1"/>'
    answer = await post(client, enveloped(SUBMIT, version, block), TYPES[version])
    assert answer.status == 500
    assert answer.fault_code == "soap:MustUnderstand"
    assert gateway.submissions == []
    if version == SOAP12:
        assert answer.root.find(f"{{{SOAP12}}}Header/{{{SOAP12}}}NotUnderstood").get("qname") == "block:Transaction"


@pytest.mark.parametrize("role", [f"{SOAP12}/role/none", "urn:somebody-else"])
async def test_what_is_meant_for_others_need_not_be_understood(client: aiohttp.ClientSession, role: str) -> None:
    block = f'<x:Transaction xmlns:x="urn:x" s:mustUnderstand="true" s:role="{role}"/>'
    assert (await post(client, enveloped(SUBMIT, header=block))).status == 200


@BOTH
async def test_an_unknown_envelope_is_a_version_mismatch_that_names_ours(
    client: aiohttp.ClientSession, version: str
) -> None:
    answer = await post(client, enveloped(SUBMIT, "urn:soap:9"), TYPES[version])
    assert answer.version == version
    assert answer.fault_code == "soap:VersionMismatch"
    supported = answer.root.findall(f".//{{{SOAP12}}}SupportedEnvelope")
    assert [each.nsmap[str(each.get("qname")).partition(":")[0]] for each in supported] == [SOAP12, SOAP11]


@BOTH
async def test_the_media_type_must_be_that_of_the_version(client: aiohttp.ClientSession, version: str) -> None:
    other = TYPES[SOAP12 if version == SOAP11 else SOAP11]
    answer = await post(client, enveloped(SUBMIT, version), other)
    assert (answer.status, answer.problem("Code")) == (415, "soap.media-type")
    assert answer.version == version


async def test_another_media_type_is_415(client: aiohttp.ClientSession) -> None:
    assert (await post(client, enveloped(SUBMIT), "application/xml")).status == 415


@pytest.mark.parametrize("action", ["", '""', f'"{action_of("Submit")}"', action_of("Submit")])
async def test_soapaction_may_be_empty_or_agree(client: aiohttp.ClientSession, action: str) -> None:
    assert (await post(client, enveloped(SUBMIT, SOAP11), TYPES[SOAP11], SOAPAction=action)).status == 200


async def test_soapaction_of_another_operation_is_a_fault(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    answers = [
        await post(client, enveloped(SUBMIT, SOAP11), TYPES[SOAP11], SOAPAction=f'"{action_of("Poll")}"'),
        await post(client, enveloped(SUBMIT), f'{TYPES[SOAP12]}; action="{action_of("Poll")}"'),
        await post(client, enveloped(SUBMIT, header=f"<wsa:Action>{action_of('Poll')}</wsa:Action>")),
    ]
    assert [answer.problem("Code") for answer in answers] == ["soap.action-mismatch"] * 3
    assert gateway.submissions == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"not XML", "document.not-xml"),
        (b'<!DOCTYPE x [<!ENTITY e "v">]>' + enveloped(SUBMIT), "document.dtd"),
        (enveloped("<?run it?>" + SUBMIT), "document.processing-instruction"),
        (enveloped(""), "soap.malformed"),
        (enveloped(SUBMIT + SUBMIT), "soap.malformed"),
        (enveloped(SUBMIT + "text"), "soap.malformed"),
        (enveloped(SUBMIT).replace(b"<s:Body>", b"<s:Header/><s:Header/><s:Body>"), "soap.malformed"),
        (enveloped(SUBMIT).replace(b"</s:Envelope>", b"<more/></s:Envelope>"), "soap.malformed"),
        (b"<Notice/>", "soap.malformed"),
        (enveloped("<Notice/>"), "soap.unknown-operation"),
        (enveloped(f'<g:Delete xmlns:g="{SERVICE}"/>'), "soap.unknown-operation"),
        (enveloped(f'<g:Submit xmlns:g="{SERVICE}"/>'), "soap.malformed-operation"),
        (
            enveloped(SUBMIT.replace("text", "").replace('<n:Notice xmlns:n="urn:n"></n:Notice>', "")),
            "soap.malformed-operation",
        ),
        (enveloped(SUBMIT.replace("<g:Payload>", "<g:Payload><a/>")), "soap.malformed-operation"),
        (enveloped(SUBMIT.replace("</g:Submit>", "<g:To>late</g:To></g:Submit>")), "soap.malformed-operation"),
        (enveloped(SUBMIT.replace("<g:Payload>", "<g:To>Not An Id</g:To><g:Payload>")), "request.parameter"),
        (enveloped(f'<g:Poll xmlns:g="{SERVICE}"><g:Limit>0</g:Limit></g:Poll>'), "soap.malformed-operation"),
        (enveloped(f'<g:Acknowledge xmlns:g="{SERVICE}"/>'), "soap.malformed-operation"),
    ],
)
async def test_a_malformed_request_is_a_senders_fault_and_recorded(
    client: aiohttp.ClientSession, gateway: PretendGateway, data: bytes, code: str
) -> None:
    answer = await post(client, data)
    assert (answer.status, answer.fault_code, answer.problem("Code")) == (400, "soap:Sender", code)
    assert follows_the_schema(answer.body.find(f".//{{{SERVICE}}}Problem"))
    assert gateway.submissions == []
    assert gateway.refusals == [(JAIL.id, code, "soap")]


@BOTH
async def test_findings_are_in_the_fault(client: aiohttp.ClientSession, gateway: PretendGateway, version: str) -> None:
    finding = Finding(code="schema.missing-element", text="nc:PersonName is missing", path="/a/b[2]", line=7)
    gateway.fails = InvalidMessage((finding, finding))
    answer = await post(client, enveloped(SUBMIT, version), TYPES[version])
    assert answer.status == (500 if version == SOAP11 else 400)
    assert answer.fault_code == ("soap:Client" if version == SOAP11 else "soap:Sender")
    problem = answer.body.find(f".//{{{SERVICE}}}Problem")
    assert follows_the_schema(problem)
    assert problem.findtext(f"{{{SERVICE}}}CorrelationId") == answer.headers["X-Correlation-Id"]
    texts = [found.findtext(f"{{{SERVICE}}}Path") for found in problem.findall(f"{{{SERVICE}}}Finding")]
    assert texts == ["/a/b[2]", "/a/b[2]"]


async def test_the_subcode_is_the_public_code(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    gateway.fails = IdConflict("used before")
    answer = await post(client, enveloped(SUBMIT))
    subcode = answer.body.findtext(f"{{{SOAP12}}}Code/{{{SOAP12}}}Subcode/{{{SOAP12}}}Value")
    assert subcode == "g:message.id-conflict"
    assert answer.body.nsmap["g"] == SERVICE


@BOTH
@pytest.mark.parametrize("error", [StoreUnavailable("db.internal is away"), ValueError("Jane Roe")])
async def test_what_is_not_the_senders_fault_is_the_receivers(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str, error: Exception
) -> None:
    gateway.fails = error
    answer = await post(client, enveloped(SUBMIT, version), TYPES[version])
    assert answer.status == 500
    assert answer.fault_code == ("soap:Server" if version == SOAP11 else "soap:Receiver")
    assert "internal" not in answer.text
    assert "Jane" not in etree.tostring(answer.root).decode()
    assert ("Retry-After" in answer.headers) is isinstance(error, StoreUnavailable)


async def test_when_nobody_may_have_it_the_fault_says_why_for_each(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    outcome = RecipientOutcome(agency=POLICE.id, outcome="refused", code="policy.not-releasable")
    gateway.fails = NoRecipient("no agreement lets anyone have this message", (outcome,))
    answer = await post(client, enveloped(SUBMIT))
    problem = answer.body.find(f".//{{{SERVICE}}}Problem")
    assert follows_the_schema(problem)
    assert problem.findtext(f"{{{SERVICE}}}Recipient/{{{SERVICE}}}Code") == "policy.not-releasable"


async def test_a_wrong_signature_is_the_senders_fault(client: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    gateway.fails = Tampered("the signature does not match")
    assert (await post(client, enveloped(SUBMIT))).fault_code == "soap:Sender"


async def test_a_stranger_gets_401_and_a_fault(nobody: aiohttp.ClientSession) -> None:
    answer = await post(nobody, enveloped(SUBMIT))
    assert (answer.status, answer.problem("Code")) == (401, "identity.unknown")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_poll_brings_cover_and_payload_and_the_place_to_go_on_from(police: aiohttp.ClientSession) -> None:
    body = f'<g:Poll xmlns:g="{SERVICE}"><g:After>3</g:After><g:Limit>1</g:Limit></g:Poll>'
    answer = await post(police, enveloped(body))
    assert follows_the_schema(answer.body)
    (item,) = answer.body.findall(f"{{{SERVICE}}}Item")
    assert item.findtext(f"{{{SERVICE}}}Delivery") == "d-4"
    (payload,) = item.find(f"{{{SERVICE}}}Payload")
    assert etree.tostring(payload, method="c14n", exclusive=True) == etree.tostring(
        etree.fromstring(PAYLOAD), method="c14n", exclusive=True
    )
    assert item.find(f"{{{SERVICE}}}Cover")[0].tag == "{urn:example:cover}Cover"
    assert answer.body.findtext(f"{{{SERVICE}}}Next") == "4"


async def test_poll_passes_over_what_was_withdrawn_meanwhile(
    police: aiohttp.ClientSession, gateway: PretendGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def payload(_: object, agency: object, delivery: str, *, channel: str) -> bytes:
        if delivery == "d-3":
            raise DeliveryRecalled("withdrawn")
        return PAYLOAD

    monkeypatch.setattr("gateway.api.soap_acts.inbox_payload", payload)
    answer = await post(police, enveloped(POLL))
    assert [each.findtext(f"{{{SERVICE}}}Delivery") for each in answer.body[:-1]] == ["d-4", "d-9"]


@pytest.mark.parametrize("error", [PayloadTampered("changed"), BucketDamaged("torn"), KeyGone("gone")])
async def test_poll_leaves_out_what_is_damaged_and_the_operator_hears_of_it(
    police: aiohttp.ClientSession,
    gateway: PretendGateway,
    monkeypatch: pytest.MonkeyPatch,
    error: GatewayError,
) -> None:
    async def payload(_: object, agency: object, delivery: str, *, channel: str) -> bytes:
        if delivery == "d-3":
            raise error
        return b"<torn" if delivery == "d-4" else PAYLOAD

    monkeypatch.setattr("gateway.api.soap_acts.inbox_payload", payload)
    with capture_logs() as lines:
        answer = await post(police, enveloped(POLL))
    assert [each.findtext(f"{{{SERVICE}}}Delivery") for each in answer.body[:-1]] == ["d-9"]
    assert answer.body.findtext(f"{{{SERVICE}}}Next") == "9"
    assert [(each["log_level"], each["delivery"], each["code"]) for each in lines if each["event"] == "failed"] == [
        ("error", "d-3", error.code),
        ("error", "d-4", "document.not-xml"),
    ]


async def test_poll_does_not_pass_over_what_is_only_away(
    police: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def payload(_: object, agency: object, delivery: str, *, channel: str) -> bytes:
        raise StoreUnavailable("away")

    monkeypatch.setattr("gateway.api.soap_acts.inbox_payload", payload)
    assert (await post(police, enveloped(POLL))).problem("Code") == StoreUnavailable.code


async def test_acknowledge_takes_several_deliveries(police: aiohttp.ClientSession, gateway: PretendGateway) -> None:
    body = (
        f'<g:Acknowledge xmlns:g="{SERVICE}"><g:Delivery>d-3</g:Delivery><g:Delivery>d-4</g:Delivery></g:Acknowledge>'
    )
    answer = await post(police, enveloped(body))
    assert follows_the_schema(answer.body)
    assert gateway.acknowledged == ["d-3", "d-4"]


async def test_status_tells_how_each_delivery_stands(client: aiohttp.ClientSession) -> None:
    answer = await post(client, enveloped(f'<g:Status xmlns:g="{SERVICE}"><g:Id>m-1</g:Id></g:Status>'))
    assert follows_the_schema(answer.body)
    states = answer.body.findall(f"{{{SERVICE}}}Delivery/{{{SERVICE}}}State")
    assert [state.text for state in states] == ["waiting", "delivered"]


# --- a client of others ---------------------------------------------------------------------------------------------


def partner(base: str, token: str, port: str) -> Any:
    """zeep, as an agency would use it: pointed at the WSDL, one port for each version."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    client = zeep.Client(f"{base}/soap?wsdl", transport=zeep.Transport(session=session))
    return client.bind("GatewayService", port)


PORTS = pytest.mark.parametrize("port", ["Gateway11", "Gateway12"])


@PORTS
async def test_zeep_submits(base: str, gateway: PretendGateway, port: str) -> None:
    def act() -> Any:
        message_id = etree.Element(f"{{{WSA}}}MessageID")
        message_id.text = "urn:uuid:zeep-1"
        return partner(base, "jail-token", port).Submit(
            To=["millbrook-police"],
            Payload={"_value_1": etree.fromstring(b"<n:Notice xmlns:n='urn:n'>text</n:Notice>")},
            _soapheaders=[message_id],
        )

    answer = await asyncio.to_thread(act)
    answer = getattr(answer, "body", answer)
    assert answer.Digest == DIGEST
    assert answer.ReceivedAt == AT
    assert (answer.Recipient[0].Agency, answer.Recipient[0].Outcome) == ("millbrook-police", "accepted")
    assert gateway.submissions[0].sender_id == "urn:uuid:zeep-1"
    assert gateway.submissions[0].only == {"millbrook-police"}
    assert etree.fromstring(gateway.submissions[0].body).tag == "{urn:n}Notice"


@PORTS
async def test_zeep_polls_and_acknowledges(base: str, gateway: PretendGateway, port: str) -> None:
    def act() -> Any:
        service = partner(base, "police-token", port)
        page = service.Poll(Limit=2)
        service.Acknowledge(Delivery=[item.Delivery for item in page.Item])
        return page

    page = await asyncio.to_thread(act)
    assert page.Next == 4
    assert page.Item[0].Payload["_value_1"].tag == "Notice"
    assert page.Item[0].Cover["_value_1"].tag == "{urn:example:cover}Cover"
    assert gateway.acknowledged == ["d-3", "d-4"]


@PORTS
async def test_zeep_asks_for_the_status(base: str, port: str) -> None:
    answer = await asyncio.to_thread(lambda: partner(base, "jail-token", port).Status(Id="m-1"))
    assert [each.State for each in answer.Delivery] == ["waiting", "delivered"]


@PORTS
async def test_zeep_shows_a_fault_with_its_findings(base: str, gateway: PretendGateway, port: str) -> None:
    gateway.fails = InvalidMessage((Finding(code="schema.missing-element", text="missing", path="/a"),))

    def act() -> Any:
        partner(base, "jail-token", port).Submit(Payload={"_value_1": etree.fromstring(b"<Notice/>")})

    with pytest.raises(zeep.exceptions.Fault) as caught:
        await asyncio.to_thread(act)
    assert caught.value.message == "the message is not valid: 1 finding"
    detail = caught.value.detail
    detail = detail if etree.iselement(detail) else etree.fromstring(detail)
    assert detail.findtext(f".//{{{SERVICE}}}Finding/{{{SERVICE}}}Path") == "/a"
