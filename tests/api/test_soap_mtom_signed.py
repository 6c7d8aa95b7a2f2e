"""MTOM and WS-Security together: a signature is over the envelope with its photos in it, whatever way they travel."""

import base64
from datetime import UTC, datetime

import aiohttp
import pytest
from lxml import etree

from gateway.document.names import DS, SOAP11, SOAP12, WSSE, XOP
from gateway.media_type import media_type_of
from gateway.soap import mtom
from gateway.soap.service import SERVICE
from gateway.soap.xop import INCLUDE, expand
from tests.api import pretend_gateway, test_soap_security
from tests.api.pretend_gateway import JAIL, PretendGateway
from tests.api.test_soap import BOTH, POLL, TYPES, Answer, post
from tests.api.test_soap_security import client_of, code_of, signed, verified

keys = test_soap_security.keys
"""The gateway's Cover key, and the jail's registered certificate."""

ONE, OTHER = bytes(range(256)) * 40, bytes(range(255, -1, -1)) * 40
NOTICE = (
    f'<g:Submit xmlns:g="{SERVICE}"><g:Payload><n:Notice xmlns:n="urn:n"><n:Photo>{{}}</n:Photo><n:Photo>{{}}</n:Photo>'
    "</n:Notice></g:Payload></g:Submit>"
)
WHOLE = NOTICE.format(*(base64.b64encode(photo).decode() for photo in (ONE, OTHER)))


def packaged(root: etree._Element, *names: str) -> tuple[str, bytes]:
    """As Apache CXF with WSS4J sends it: what is in these elements travels beside the envelope."""
    version = etree.QName(root).namespace
    pieces = []
    for number, element in enumerate([each for name in names for each in root.iter(name)]):
        pieces.append(base64.b64decode(element.text or ""))
        element.text = None
        etree.SubElement(element, INCLUDE, {"href": f"cid:{number}@x"})
    heads = [f"--b\r\nContent-ID: <{number}@x>\r\n\r\n".encode() for number in range(len(pieces))]
    body = b"--b\r\nContent-Type: application/xop+xml; charset=utf-8\r\nContent-ID: <r>\r\n\r\n" + etree.tostring(root)
    for start, piece in zip(heads, pieces, strict=True):
        body += b"\r\n" + start + piece
    kind = TYPES[version or SOAP12].partition(";")[0]
    content_type = f'multipart/related; type="application/xop+xml"; start="<r>"; start-info="{kind}"; boundary=b'
    return content_type, body + b"\r\n--b--\r\n"


PHOTO, TOKEN, VALUE = "{urn:n}Photo", f"{{{WSSE}}}BinarySecurityToken", f"{{{DS}}}SignatureValue"


@BOTH
@pytest.mark.parametrize("names", [(PHOTO,), (PHOTO, TOKEN, VALUE), (TOKEN, VALUE)], ids=["photos", "all", "security"])
async def test_a_signature_holds_over_what_travels_beside_it(
    client: aiohttp.ClientSession, gateway: PretendGateway, version: str, names: tuple[str, ...]
) -> None:
    content_type, body = packaged(etree.fromstring(signed(WHOLE, version)), *names)
    answer = await post(client, body, content_type)
    assert answer.status == 200
    assert verified(answer) is not None
    (submission,) = gateway.submissions
    assert submission.proof is not None
    photos = [base64.b64decode(each.text or "") for each in etree.fromstring(submission.body)]
    assert photos == [ONE, OTHER]


async def refused(client: aiohttp.ClientSession, content_type: str, body: bytes) -> str:
    return code_of(await post(client, body, content_type))


async def test_a_photo_changed_or_exchanged_on_its_way_is_found(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    content_type, body = packaged(etree.fromstring(signed(WHOLE)), PHOTO)
    assert await refused(client, content_type, body.replace(ONE, ONE[:-1] + b"!")) == "signature.invalid"
    swapped = body.replace(b"<0@x>", b"<2@x>").replace(b"<1@x>", b"<0@x>").replace(b"<2@x>", b"<1@x>")
    assert swapped != body
    assert await refused(client, content_type, swapped) == "signature.invalid"
    assert gateway.submissions == []
    assert gateway.refusals == [(JAIL.id, "signature.invalid", "soap")] * 2


async def test_a_signature_over_the_include_and_not_the_photo_is_none(
    client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    """It would hold for any photo under that name."""
    include = f'<x:Include xmlns:x="{XOP}" href="cid:{{}}@x"/>'
    root = signed(NOTICE.format(include.format(0), include.format(1)))
    content_type, body = packaged(etree.fromstring(signed(WHOLE)), PHOTO)
    start, end = body.index(b"<s:Envelope"), body.index(b"\r\n--b\r\nContent-ID: <0@x>")
    assert await refused(client, content_type, body[:start] + root + body[end:]) == "signature.invalid"
    assert gateway.submissions == []


@BOTH
async def test_an_answer_in_parts_is_signed_as_a_whole(
    client: aiohttp.ClientSession, gateway: PretendGateway, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    gateway.tokens["jail-token"] = pretend_gateway.POLICE  # who has something to poll, under the jail's key
    held = gateway.current.trust
    gateway.current.trust = lambda _: held(JAIL.id)
    notice = f"<Notice><Photo>{base64.b64encode(ONE).decode()}</Photo></Notice>".encode()
    monkeypatch.setattr(pretend_gateway, "PAYLOAD", notice)
    data = client_of().sign(signed_body(version), now=datetime.now(UTC))
    headers = {"Content-Type": TYPES[version], "Accept": "multipart/related, */*"}
    answer = await client.post("/soap", data=data, headers=headers)
    content = await answer.read()
    assert (answer.status, content.count(ONE)) == (200, 3)
    package = mtom.read(content, media_type_of(answer.headers["Content-Type"]))
    root = etree.fromstring(package.root)
    expand(root, package.parts, size_bytes=0, size_bytes_max=10**7)
    whole = verified(Answer(answer, etree.tostring(root)))
    assert len(whole.findall(f".//{{{SERVICE}}}Payload/Notice/Photo")) == 3


def signed_body(version: str) -> bytes:
    return test_soap_security.enveloped(POLL, version, header=test_soap_security.ID)


async def test_versions_are_not_mixed_by_a_signature(client: aiohttp.ClientSession) -> None:
    content_type, body = packaged(etree.fromstring(signed(WHOLE, SOAP11)), PHOTO)
    answer = await post(client, body, content_type.replace("text/xml", "application/soap+xml"))
    assert (answer.status, answer.version) == (200, SOAP11)
