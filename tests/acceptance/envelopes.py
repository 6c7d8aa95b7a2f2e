"""SOAP envelopes as a client without a toolkit writes them."""

import requests
from lxml import etree

from tests.acceptance.caller import Caller

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
SERVICE = "urn:justice-gateway:soap:1.0"
MEDIA_TYPES = {SOAP11: "text/xml", SOAP12: "application/soap+xml"}


def envelope(inside: str, version: str = SOAP12, *, message_id: str = "") -> bytes:
    """An envelope around what stands in the Body."""
    header = f'<w:MessageID xmlns:w="{WSA}">{message_id}</w:MessageID>' if message_id else ""
    return (
        f'<soap:Envelope xmlns:soap="{version}"><soap:Header>{header}</soap:Header>'
        f'<soap:Body xmlns:g="{SERVICE}">{inside}</soap:Body></soap:Envelope>'
    ).encode()


def submit_envelope(body: bytes, version: str = SOAP12, *, message_id: str = "", before: str = "") -> bytes:
    """Submit with this payload; `before` are elements before the Payload."""
    payload = body.decode().partition("?>")[2] if body.startswith(b"<?xml") else body.decode()
    inside = f"<g:Submit>{before}<g:Payload>{payload}</g:Payload></g:Submit>"
    return envelope(inside, version, message_id=message_id)


def submit(caller: Caller, body: bytes, version: str = SOAP12, **more: str) -> requests.Response:
    """POST it to /soap."""
    return caller.post("/soap", submit_envelope(body, version, **more), Content_Type=MEDIA_TYPES[version])


def code_of(answer: requests.Response) -> str:
    """The code of a problem or of a fault."""
    if "json" in answer.headers["Content-Type"]:
        return str(answer.json()["code"])
    return etree.fromstring(answer.content).findtext(".//{*}Problem/{*}Code") or ""
