"""A photo beside the message: in as MTOM, cut and signed as part of the whole document, out as MTOM."""

import base64
import re

import pytest
import requests
from lxml import etree

from gateway.agency import AgencyId, EndpointKind
from gateway.clock import SystemClock
from gateway.document.canonical import exclusive
from gateway.document.parse import parse
from gateway.message import MessageId
from gateway.signing.certificate import pem_to_der
from gateway.signing.cover import read_cover
from gateway.signing.header import verify_envelope
from gateway.signing.keyring import TrustedKeys
from tests.acceptance.envelopes import MEDIA_TYPES, SERVICE, SOAP11, SOAP12, code_of, envelope, submit_envelope
from tests.acceptance.messages import fresh_id, sample
from tests.acceptance.place import Pair, Place
from tests.acceptance.recipient import arrived, out_of_envelope, take
from tests.pictures import png
from tests.pretend_wire import put_together

PHOTO = png(bytes(range(256)) * 200)
INCLUDE = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:photo"/>'
SHARED = "message.head, message.sealed, juvenile.mark, person.name, person.photo, release.details"

_IMAGE = re.compile(r"(<nc:PersonDigitalImage>\s*<nc:Base64BinaryObject>)[^<]*")


def with_photo(inside: str) -> bytes:
    """The shipped sample with another photo in it."""
    return _IMAGE.sub(rf"\g<1>{inside}", sample("with-photo").decode()).encode()


def in_parts(pair: Pair, version: str, id: str, photo: bytes = PHOTO) -> requests.Response:
    """Submit it as MTOM."""
    root = submit_envelope(with_photo(INCLUDE), version, message_id=id)
    body = b"\r\n".join(
        (
            b"--b\r\nContent-Type: application/xop+xml; charset=utf-8\r\nContent-ID: <root>\r\n",
            root,
            b"--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <photo>\r\n",
            photo,
            b"--b--\r\n",
        )
    )
    kind = f'multipart/related; type="application/xop+xml"; start="<root>"; start-info="{MEDIA_TYPES[version]}"'
    return pair.caller.post("/soap", body, Content_Type=f"{kind}; boundary=b")


def accepted(answer: requests.Response) -> MessageId:
    assert answer.status_code == 200, answer.text
    return MessageId(etree.fromstring(answer.content).findtext(f".//{{{SERVICE}}}Id") or "")


def pair_for_photos(place: Place, kind: EndpointKind, **endpoint: bool) -> Pair:
    pair = place.pair(kind, **endpoint)
    place.agree(pair.sender, pair.recipient, mou=pair.mou, version=2, share=SHARED)
    return pair


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_a_photo_beside_the_message_reaches_an_endpoint_that_takes_mtom(place: Place, version: str) -> None:
    pair = pair_for_photos(place, EndpointKind.SOAP, mtom=True)
    message = accepted(in_parts(pair, version, fresh_id()))
    received = arrived(pair.mailbox, message)
    assert received.headers["Content-Type"].startswith("multipart/related")
    assert PHOTO in received.body
    taken = take(place, *out_of_envelope(received), pair.recipient)
    assert base64.b64encode(PHOTO).decode() in taken.text("Base64BinaryObject")
    gateways = TrustedKeys(agency=AgencyId("the-gateway"), pins=frozenset({pem_to_der(place.cover_file.read_bytes())}))
    whole = etree.tostring(put_together(received.headers["Content-Type"], received.body))
    assert verify_envelope(parse(whole), gateways, now=SystemClock().now())


def test_what_is_polled_in_parts_is_what_the_cover_was_signed_for(place: Place) -> None:
    pair = pair_for_photos(place, EndpointKind.INBOX)
    message = accepted(in_parts(pair, SOAP12, fresh_id()))
    assert pair.inbox is not None
    answer = pair.inbox.post(
        "/soap", envelope("<g:Poll/>", SOAP12), Content_Type=MEDIA_TYPES[SOAP12], Accept="multipart/related"
    )
    assert PHOTO in answer.content
    root = put_together(answer.headers["Content-Type"], answer.content)
    (item,) = root.iterfind(f".//{{{SERVICE}}}Item")
    assert item.findtext(f"{{{SERVICE}}}Message") == message
    cover, payload = (
        etree.fromstring(etree.tostring(item.find(f"{{{SERVICE}}}{name}")[0])) for name in ("Cover", "Payload")
    )
    signed = exclusive(cover)
    inside = exclusive(payload, prefixes=read_cover(signed).payload_prefixes)
    assert base64.b64encode(PHOTO).decode() in take(place, signed, inside, pair.recipient).text("Base64BinaryObject")


def test_the_same_message_in_parts_and_in_one_piece_is_one(place: Place) -> None:
    pair = pair_for_photos(place, EndpointKind.INBOX)
    id = fresh_id()
    first = accepted(in_parts(pair, SOAP11, id))
    whole = pair.caller.accepted(with_photo(base64.b64encode(PHOTO).decode()), id)
    assert whole["id"] == first
    answer = in_parts(pair, SOAP11, id, PHOTO[:-1] + b"!")
    assert code_of(answer) == "message.id-conflict"


def test_a_photo_that_no_agreement_shares_does_not_leave(place: Place) -> None:
    pair = place.pair(EndpointKind.SOAP, mtom=True)
    received = arrived(pair.mailbox, accepted(in_parts(pair, SOAP12, fresh_id())))
    assert PHOTO not in received.body
    assert base64.b64encode(PHOTO) not in received.body
