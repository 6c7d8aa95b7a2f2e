"""A small SOAP client as a probation department's system would have one: zeep, from the gateway's own WSDL."""

from typing import TYPE_CHECKING, Any

import requests
import zeep
from lxml import etree
from zeep.exceptions import Fault

from gateway.document.names import WSA
from gateway.document.parse import parse

if TYPE_CHECKING:
    from gateway.cli.demo.partner import Config


def submit_by_soap(config: "Config", body: bytes, id: str) -> dict[str, Any]:
    """Submit one message over SOAP 1.2; `id` travels as wsa:MessageID. A fault is answered as its code."""
    session = requests.Session()
    session.trust_env = False  # a CA bundle named in the environment would win over `verify`
    session.verify = config.authority
    session.cert = (config.certificate, config.key)
    transport = zeep.Transport(session=session, timeout=30)  # type: ignore[no-untyped-call]  # zeep has no types
    client = zeep.Client(f"{config.gateway}/soap?wsdl", transport=transport)  # type: ignore[no-untyped-call]
    service = client.bind("GatewayService", "Gateway12")
    message_id = etree.Element(f"{{{WSA}}}MessageID")
    message_id.text = id
    try:
        answer = service.Submit(Payload={"_value_1": parse(body).root}, _soapheaders=[message_id])
    except Fault as fault:
        code = fault.detail.findtext(".//{*}Code") if fault.detail is not None else None
        return {"status": 400, "answer": {"code": code or "soap.fault"}}
    return {"status": 202, "answer": _plain(answer)}


def _plain(answer: Any) -> dict[str, Any]:
    """The SOAP answer in the REST answer's words."""
    return {
        "id": answer.Id,
        "sender_id": answer.SenderId,
        "digest": answer.Digest,
        "entry": answer.Entry,
        "receipt": answer.Receipt,
        "recipients": [
            {"agency": each.Agency, "outcome": each.Outcome, "code": each.Code or ""} for each in answer.Recipient
        ],
    }
