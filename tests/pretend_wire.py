"""What a pretended agency reads from the wire and writes to it; written apart from the gateway's own code."""

import base64
from dataclasses import dataclass, field
from email.message import Message as HeaderLines

from lxml import etree

SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came. `key` is what repeats are dropped by."""

    key: str
    message: str
    delivery: str
    payload: bytes
    cover: bytes
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    client_certificate: bytes | None = None


def parameters(content_type: str) -> dict[str, str]:
    """Media type (under "") and parameters of a Content-Type header."""
    lines = HeaderLines()
    lines["Content-Type"] = content_type
    found = lines.get_params() or []
    return {"": found[0][0]} | dict(found[1:]) if found else {"": ""}


def read_parts(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    """Cover and payload of a REST push; the Cover is b"" when the payload travels alone."""
    found = parameters(content_type)
    if found[""] != "multipart/related":
        return b"", body
    mark = b"\r\n--" + found["boundary"].encode()
    pieces = (b"\r\n" + body).split(mark)[1:-1]
    by_id = dict(_part(piece) for piece in pieces)
    cover = by_id.pop(found["start"])
    (payload,) = by_id.values()
    return cover, payload


def _part(piece: bytes) -> tuple[str, bytes]:
    head, _, content = piece.partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
    return lines["Content-ID"], content


def put_together(content_type: str, body: bytes) -> etree._Element:
    """The envelope of a SOAP request; of an MTOM one with its parts in their places."""
    found = parameters(content_type)
    if found[""] != "multipart/related":
        return etree.fromstring(body)
    mark = b"\r\n--" + found["boundary"].encode()
    by_id = dict(_part(piece) for piece in (b"\r\n" + body).split(mark)[1:-1])
    root = etree.fromstring(by_id.pop(found["start"]))
    for include in root.findall(".//{http://www.w3.org/2004/08/xop/include}Include"):
        place = include.getparent()
        place.remove(include)
        place.text = base64.b64encode(by_id.pop(f"<{include.get('href')[4:]}>")).decode()
    assert not by_id
    return root


def read_envelope(body: bytes, headers: dict[str, str], certificate: bytes | None = None) -> Received:
    """What came in a SOAP envelope: the payload is the one child of the wrapper in the Body."""
    root = put_together(headers.get("Content-Type", ""), body)
    header, soap_body = root.find(f"{{{SOAP12}}}Header"), root.find(f"{{{SOAP12}}}Body")
    assert header is not None
    assert soap_body is not None
    covers = [block for block in header if etree.QName(block).localname == "Cover"]
    (payload,) = soap_body[0]
    return Received(
        key=header.findtext(f"{{{WSA}}}MessageID") or "",
        message=headers.get("Message-Id", ""),
        delivery=headers.get("Delivery-Id", ""),
        payload=etree.tostring(payload, with_tail=False),
        cover=etree.tostring(covers[0], with_tail=False) if covers else b"",
        body=body,
        headers=headers,
        client_certificate=certificate,
    )


def read_reply(body: bytes, headers: dict[str, str], certificate: bytes | None = None) -> Received:
    """An answer that came as a message of its own, of either SOAP version: what it relates to is its `message`, and its
    payload what stands in the Body."""
    root = etree.fromstring(body)
    header, soap_body = root[0], root[1]
    return Received(
        key=header.findtext(f"{{{WSA}}}MessageID") or "",
        message=header.findtext(f"{{{WSA}}}RelatesTo") or "",
        delivery="",
        payload=etree.tostring(soap_body[0], method="c14n", exclusive=True, with_tail=False),
        cover=b"",
        body=body,
        headers=headers,
        client_certificate=certificate,
    )


def envelope(inner: str) -> bytes:
    """A SOAP 1.2 envelope around this body."""
    return f'<s:Envelope xmlns:s="{SOAP12}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


def fault(code: str, subcode: str = "") -> bytes:
    """A SOAP 1.2 fault."""
    inner = f"<s:Subcode><s:Value>{subcode}</s:Value></s:Subcode>" if subcode else ""
    return envelope(
        f'<s:Fault xmlns:wsse="{WSSE}"><s:Code><s:Value>s:{code}</s:Value>{inner}</s:Code>'
        '<s:Reason><s:Text xml:lang="en">Invented reason with a name: Dana Example</s:Text></s:Reason></s:Fault>'
    )
