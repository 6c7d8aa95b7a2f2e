"""What toolkits of twenty years ask of HTTP around a SOAP message, over real sockets."""

import asyncio
import http.client
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from lxml import etree

from gateway.api.app import make_app
from gateway.document.names import SOAP11, SOAP12
from gateway.exchange.submission import IdConflict
from gateway.soap.service import SERVICE, action_of
from gateway.store.interface import StoreUnavailable
from tests.api.pretend_gateway import PretendGateway
from tests.api.test_soap import BOTH, POLL, SUBMIT, TYPES, enveloped
from tests.api.wire import listening, wire
from tests.soap import toolkits

PATIENCE_SECONDS = 5


@pytest.fixture
async def port(gateway: PretendGateway) -> AsyncIterator[int]:
    async with listening(make_app(gateway)) as port:
        yield port


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int
    headers: http.client.HTTPMessage
    root: etree._Element | None

    @property
    def code(self) -> str | None:
        assert self.root is not None
        return self.root.findtext(f".//{{{SERVICE}}}Problem/{{{SERVICE}}}Code")

    @property
    def version(self) -> str | None:
        return None if self.root is None else etree.QName(self.root).namespace


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def told(data: bytes) -> Told:
    """The one answer in these bytes, read by the standard library."""
    answer = http.client.HTTPResponse(_Bytes(data))  # type: ignore[arg-type]
    answer.begin()
    body = answer.read()
    return Told(answer.status, answer.headers, etree.fromstring(body) if body else None)


def head(*lines: str, caller: str = "jail") -> bytes:
    given = ("Host: gateway.example", f"Authorization: Bearer {caller}-token", *lines)
    return f"POST /soap HTTP/1.1\r\n{''.join(f'{line}{chr(13)}{chr(10)}' for line in given)}\r\n".encode()


def length(data: bytes) -> str:
    return f"Content-Length: {len(data)}"


async def asked(port: int, *pieces: bytes) -> Told:
    """Send, and read until the gateway closes."""
    async with wire(port) as connection:
        for piece in pieces:
            await connection.send(piece)
        return told(await connection.until_closed())


async def posted(port: int, data: bytes, *lines: str) -> Told:
    return await asked(port, head(*lines, length(data), "Connection: close"), data)


# --- the connection -------------------------------------------------------------------------------------------------


@BOTH
async def test_the_body_is_sent_when_100_continue_came(port: int, gateway: PretendGateway, version: str) -> None:
    """.NET and curl ask so for larger bodies."""
    data = enveloped(SUBMIT, version)
    async with wire(port) as connection:
        await connection.send(
            head(f"Content-Type: {TYPES[version]}", "Expect: 100-Continue", length(data), "Connection: close")
        )
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(data)
        answer = told(await connection.until_closed())
    assert (answer.status, answer.version) == (200, version)
    assert len(gateway.submissions) == 1


@pytest.mark.parametrize(
    ("lines", "caller", "status"),
    [
        (("Content-Type: text/xml",), "nobodys", 401),
        (("Content-Type: text/plain",), "jail", 415),
        (("Content-Type: text/xml", "Content-Encoding: gzip"), "jail", 415),
        (("Content-Type: text/xml", "Content-Length: 99999999"), "jail", 413),
    ],
)
async def test_a_body_that_will_be_refused_is_not_asked_for(
    port: int, lines: tuple[str, ...], caller: str, status: int
) -> None:
    more = () if any("Length" in line for line in lines) else ("Content-Length: 500",)
    async with wire(port) as connection:
        await connection.send(head(*lines, *more, "Expect: 100-continue", caller=caller))
        data = await connection.until_closed()
    assert b"100 Continue" not in data
    assert told(data).status == status


@BOTH
async def test_a_chunked_body_is_put_together(port: int, gateway: PretendGateway, version: str) -> None:
    """gSOAP, .NET and Java stream so. The pieces break tags and letters."""
    data = enveloped(SUBMIT.replace("text", "caf\u00e9"), version)
    chunks = [b"%x;name=value\r\n%b\r\n" % (len(data[at : at + 7]), data[at : at + 7]) for at in range(0, len(data), 7)]
    sent = (head(f"Content-Type: {TYPES[version]}", "Transfer-Encoding: chunked", "Connection: close"), *chunks)
    answer = await asked(port, *sent, b"0\r\n\r\n")
    assert (answer.status, answer.version) == (200, version)
    assert etree.fromstring(gateway.submissions[0].body).text == "caf\u00e9"


async def test_a_chunked_mtom_message_is_put_together(port: int, gateway: PretendGateway) -> None:
    sent = toolkits.gsoap(SOAP11)
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (sent.body[:300], sent.body[300:301], sent.body[301:])]
    first = head(f"Content-Type: {sent.content_type}", "Transfer-Encoding: chunked", "Connection: close")
    assert (await asked(port, first, *chunks, b"0\r\n\r\n")).status == 200
    assert len(gateway.submissions) == 1


async def test_a_chunked_body_is_counted_while_it_is_read(port: int, gateway: PretendGateway) -> None:
    limits = gateway.settings.limits.model_copy(update={"body_bytes_max": 1_000})
    gateway.settings = gateway.settings.model_copy(update={"limits": limits})
    async with wire(port) as connection:
        await connection.send(head("Content-Type: text/xml", "Transfer-Encoding: chunked"))
        for _ in range(5):  # and no end of it
            await connection.send(b"100\r\n" + b"x" * 256 + b"\r\n")
        status, body = await connection.answer()
    assert status == 413
    assert b"request.too-large" in body


@BOTH
async def test_a_connection_is_kept_until_somebody_closes_it(port: int, version: str) -> None:
    data = enveloped(SUBMIT, version)
    async with wire(port) as connection:
        for _ in range(2):
            await connection.send(head(f"Content-Type: {TYPES[version]}", length(data)) + data)
            assert (await connection.answer())[0] == 200
        await connection.send(head(f"Content-Type: {TYPES[version]}", length(data), "Connection: close") + data)
        answer = told(await connection.until_closed())
    assert (answer.status, answer.headers["Connection"]) == (200, "close")


async def test_a_client_of_http_1_0_is_answered_whole_and_closed(port: int) -> None:
    """SOAP::Lite and old gSOAP: no Host, no chunks, no keep-alive."""
    data = enveloped(SUBMIT, SOAP11)
    first = (
        f"POST /soap HTTP/1.0\r\nAuthorization: Bearer jail-token\r\nContent-Type: text/xml\r\n{length(data)}\r\n\r\n"
    )
    answer = await asked(port, first.encode(), data)
    assert (answer.status, answer.version) == (200, SOAP11)
    assert "Transfer-Encoding" not in answer.headers
    assert int(answer.headers["Content-Length"]) > 0


async def test_a_client_of_http_1_0_reads_the_wsdl(port: int) -> None:
    answer = await asked(port, b"GET /soap?wsdl HTTP/1.0\r\n\r\n")
    assert answer.status == 200
    assert answer.root is not None
    assert next(answer.root.iter("{*}address")).get("location", "").endswith("/soap")


@pytest.mark.parametrize("path", ["/soap?wsdl", "/soap?anything=1", "/soap?WSDL"])
async def test_a_post_to_the_address_of_the_wsdl_is_a_request(port: int, gateway: PretendGateway, path: str) -> None:
    """Some programmers give the WSDL's address for the service's."""
    data = enveloped(SUBMIT)
    first = head(f"Content-Type: {TYPES[SOAP12]}", length(data), "Connection: close").replace(
        b"/soap ", path.encode() + b" "
    )
    assert (await asked(port, first, data)).status == 200
    assert len(gateway.submissions) == 1


# --- media types and actions ------------------------------------------------------------------------------------------

SUBMIT_ACTION = action_of("Submit")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/xml",
        "text/xml;charset=UTF-8",
        'text/xml; charset="utf-8"',
        "text/xml; charset='utf-8'",
        'TEXT/XML ; Charset = "UTF-8" ;',
        'text/xml; foo="a;b=\\"c\\"; charset=latin-1"; charset=utf-8',
        "text/xml; type=text/xml; charset=us-ascii",
        f'text/xml; charset=utf-8; action="{SUBMIT_ACTION}"',
    ],
)
async def test_any_way_to_write_the_media_type_of_soap_1_1(port: int, content_type: str) -> None:
    answer = await posted(port, enveloped(SUBMIT, SOAP11), f"Content-Type: {content_type}")
    assert (answer.status, answer.version) == (200, SOAP11)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/soap+xml",
        f'application/soap+xml; charset=utf-8; action="{SUBMIT_ACTION}"',
        f'application/soap+xml;action="{SUBMIT_ACTION}";charset=utf-8',
        f"application/soap+xml; action={SUBMIT_ACTION}",
        f"application/soap+xml; action='{SUBMIT_ACTION}'; charset=utf-8",
        'application/soap+xml; action=""',
        'Application/SOAP+XML; charset="UTF-8"; ACTION="' + SUBMIT_ACTION.replace(":", "\\:") + '"',
    ],
)
async def test_any_way_to_write_the_media_type_of_soap_1_2(port: int, content_type: str) -> None:
    answer = await posted(port, enveloped(SUBMIT), f"Content-Type: {content_type}")
    assert (answer.status, answer.version) == (200, SOAP12)
    assert answer.headers["Content-Type"] == (
        f'application/soap+xml; charset=utf-8; action="{action_of("SubmitResponse")}"'
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "text/xml; charset=iso-8859-1",
        "text/xml; charset=utf-8; charset=utf-16",
        'text/xml; charset="utf-8',
        "text/html",
        "application/xml",
        "multipart/form-data; boundary=b",
        "text/xml, application/soap+xml",
        "*/*",
    ],
)
async def test_other_media_types_are_415(port: int, gateway: PretendGateway, content_type: str) -> None:
    answer = await posted(port, enveloped(SUBMIT, SOAP11), f"Content-Type: {content_type}")
    assert (answer.status, answer.code) == (415, "request.media-type")
    assert gateway.submissions == []


async def test_no_media_type_is_415_too(port: int) -> None:
    assert (await posted(port, enveloped(SUBMIT))).status == 415


@BOTH
@pytest.mark.parametrize(
    "line",
    [
        f'SOAPAction: "{SUBMIT_ACTION}"',
        f"SOAPAction: {SUBMIT_ACTION}",
        f"SOAPAction: '{SUBMIT_ACTION}'",
        f'soapaction:   "{SUBMIT_ACTION}"  ',
        'SOAPAction: ""',
        "SOAPAction: ''",
        "SOAPAction:",
        "X-Nothing: said",
    ],
)
async def test_any_way_to_write_soapaction(port: int, line: str, version: str) -> None:
    assert (await posted(port, enveloped(SUBMIT, version), f"Content-Type: {TYPES[version]}", line)).status == 200


@BOTH
@pytest.mark.parametrize("action", [action_of("Poll"), f'"{action_of("Poll")}"', "Submit", '"', f'"{SUBMIT_ACTION}'])
async def test_soapaction_of_another_operation_is_a_fault_in_either_version(
    port: int, gateway: PretendGateway, action: str, version: str
) -> None:
    data = enveloped(SUBMIT, version)
    answer = await posted(port, data, f"Content-Type: {TYPES[version]}", f"SOAPAction: {action}")
    assert (answer.version, answer.code) == (version, "soap.action-mismatch")
    assert gateway.submissions == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("charset", ["", "; charset=utf-16", '; charset="UTF-16"'])
@BOTH
async def test_utf_16_with_its_mark_is_read(
    port: int, gateway: PretendGateway, encoding: str, charset: str, version: str
) -> None:
    text = (
        '<?xml version="1.0" encoding="utf-16"?>' + enveloped(SUBMIT.replace("text", "\u00e9\u4e2d"), version).decode()
    )
    data = ("\ufeff" + text).encode(encoding)
    answer = await posted(port, data, f"Content-Type: {TYPES[version].partition(';')[0]}{charset}")
    assert (answer.status, answer.headers.get_content_charset()) == (200, "utf-8")
    assert etree.fromstring(gateway.submissions[0].body).text == "\u00e9\u4e2d"


@pytest.mark.parametrize(("charset", "text"), [("utf-16", "text"), ("us-ascii", "\u00e9")])
@BOTH
async def test_a_charset_that_contradicts_the_body_is_refused(
    port: int, gateway: PretendGateway, charset: str, text: str, version: str
) -> None:
    data = enveloped(SUBMIT.replace("text", text), version)
    answer = await posted(port, data, f"Content-Type: {TYPES[version].partition(';')[0]}; charset={charset}")
    assert (answer.status, answer.code) == (400 if version == SOAP12 else 500, "document.encoding")
    assert gateway.submissions == []


async def test_utf_16_without_its_mark_is_refused(port: int) -> None:
    answer = await posted(port, enveloped(SUBMIT).decode().encode("utf-16-le"), f"Content-Type: {TYPES[SOAP12]}")
    assert (answer.status, answer.code) == (400, "document.encoding")


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "error", "status"),
    [
        (SOAP11, IdConflict("used before"), 500),
        (SOAP12, IdConflict("used before"), 400),
        (SOAP11, StoreUnavailable("away"), 500),
        (SOAP12, StoreUnavailable("away"), 500),
    ],
)
async def test_a_fault_has_the_status_and_the_action_of_its_binding(
    port: int, gateway: PretendGateway, version: str, error: Exception, status: int
) -> None:
    gateway.fails = error
    answer = await posted(port, enveloped(SUBMIT, version), f"Content-Type: {TYPES[version]}")
    assert (answer.status, answer.version) == (status, version)
    action = answer.headers.get_param("action")
    assert (action is None) == (version == SOAP11)


@BOTH
async def test_an_answer_is_in_the_version_it_was_asked_in_whatever_accept_says(port: int, version: str) -> None:
    other = "text/xml" if version == SOAP12 else "application/soap+xml"
    lines = (f"Content-Type: {TYPES[version]}", f"Accept: {other}", "Accept-Encoding: gzip, deflate")
    answer = await posted(port, enveloped(POLL, version), *lines)
    assert answer.version == version
    assert "Content-Encoding" not in answer.headers


async def test_many_clients_at_once_get_each_its_own_version(port: int) -> None:
    async def one(version: str) -> bool:
        return (await posted(port, enveloped(SUBMIT, version), f"Content-Type: {TYPES[version]}")).version == version

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert all(await asyncio.gather(*(one(version) for version in (SOAP11, SOAP12) * 10)))
