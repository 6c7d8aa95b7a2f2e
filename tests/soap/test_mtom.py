import base64
import contextlib
import email
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import SOAP11, SOAP12, XOP
from gateway.document.parse import parse
from gateway.errors import Refused
from gateway.media_type import media_type_of
from gateway.soap import envelope
from gateway.soap.envelope import Version
from gateway.soap.mtom import NotMtom, pack, read, version_meant
from gateway.soap.multipart import MultipartMalformed
from gateway.soap.service import node
from gateway.soap.xop import expand
from tests.soap import toolkits
from tests.soap.toolkits import ACTION, ALL, PHOTO, VERSIONS, Sent

LARGE = PHOTO * 20
TOKEN = "019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d"
VERSION = pytest.mark.parametrize("version", VERSIONS, ids=["1.1", "1.2"])


def arrived(content_type: str, body: bytes) -> etree._Element:
    """The whole tree, as the edge makes it."""
    package = read(body, media_type_of(content_type))
    root = parse(package.root).root
    expand(root, package.parts, size_bytes=len(package.root), size_bytes_max=10**7)
    return root


@VERSION
@pytest.mark.parametrize("toolkit", ALL, ids=lambda toolkit: toolkit.__name__)
def test_every_toolkits_message_is_read(toolkit: Callable[[str], Sent], version: str) -> None:
    sent = toolkit(version)
    whole = toolkits.envelope(version, "", base64.b64encode(PHOTO).decode())
    assert exclusive(arrived(sent.content_type, sent.body)) == exclusive(etree.fromstring(whole))


@pytest.mark.parametrize("toolkit", ALL, ids=lambda toolkit: toolkit.__name__)
def test_the_action_is_found_wherever_a_toolkit_puts_it(toolkit: Callable[[str], Sent]) -> None:
    sent = toolkit(SOAP12)
    names_none = toolkit in (toolkits.by_hand, toolkits.python_mail)
    found = read(sent.body, media_type_of(sent.content_type)).actions
    assert found == (frozenset() if names_none else {ACTION})


def test_actions_that_differ_are_all_told() -> None:
    sent = toolkits.cxf(SOAP12)
    body = sent.body.replace(ACTION.encode(), b"urn:other", 1)
    assert read(body, media_type_of(sent.content_type)).actions == {ACTION, "urn:other"}


@pytest.mark.parametrize(
    ("content_type", "version"),
    [
        ('multipart/related; start-info="application/soap+xml;action=\\"urn:a\\""', Version.SOAP_12),
        ('multipart/related; start-info="text/xml"', Version.SOAP_11),
        ("multipart/related", None),
    ],
)
def test_a_media_type_hints_at_a_version(content_type: str, version: Version | None) -> None:
    assert version_meant(media_type_of(content_type)) is version


def changed(old: bytes, new: bytes, content_type: tuple[str, str] = ("", "")) -> tuple[str, bytes]:
    sent = toolkits.metro(SOAP12)
    assert old in sent.body
    return sent.content_type.replace(*content_type), sent.body.replace(old, new, 1)


def test_attachments_beside_plain_xml_are_not_mtom() -> None:
    content_type, body = changed(b"application/xop+xml", b"text/xml")
    with pytest.raises(NotMtom):
        read(body, media_type_of(content_type))


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", ""])
def test_the_root_is_in_the_charset_that_it_names(charset: str) -> None:
    content_type, body = changed(b"charset=utf-8", f"charset={charset}".encode() if charset else b"charset")
    if charset:
        with pytest.raises(NotMtom):
            read(body, media_type_of(content_type))
    else:
        assert read(body, media_type_of(content_type)).root


def test_start_names_one_part() -> None:
    sent = toolkits.metro(SOAP12)
    for wrong in ("<elsewhere>", "<2f3a@example.jaxws.sun.com"):
        with pytest.raises(MultipartMalformed):
            read(sent.body, media_type_of(sent.content_type.replace("<rootpart*1a2b@example.jaxws.sun.com>", wrong)))
    twice = sent.body.replace(b"<2f3a@", b"<rootpart*1a2b@")
    with pytest.raises(MultipartMalformed):
        read(twice, media_type_of(sent.content_type))


def test_the_root_may_stand_anywhere_when_start_names_it() -> None:
    boundary, root, photo = (
        "b",
        b"Content-Type: application/xop+xml\r\nContent-ID: <root>\r\n\r\n",
        b"Content-ID: <p>\r\n\r\n",
    )
    body = b"--b\r\n" + photo + PHOTO + b"\r\n--b\r\n" + root + toolkits.envelope(SOAP11, "p") + b"\r\n--b--"
    found = arrived(f'multipart/related; boundary={boundary}; start="<root>"', body)
    assert base64.b64encode(PHOTO).decode() in etree.tostring(found).decode()
    with pytest.raises(NotMtom):
        arrived(f"multipart/related; boundary={boundary}", body)


@VERSION
def test_what_is_packed_is_read_back_as_it_was(version: str) -> None:
    which = Version(version)
    content = etree.fromstring(
        f"<n:Notice xmlns:n='urn:n'><n:Photo>{base64.b64encode(LARGE).decode()}</n:Photo></n:Notice>"
    )
    root = envelope.build(which, node("PollResponse", content))
    signed = exclusive(root)
    packed = pack(root, which, action=ACTION, token=TOKEN)
    assert packed.parts == 1
    assert LARGE in packed.body
    assert len(packed.body) < len(LARGE) + 1_500
    assert exclusive(arrived(packed.content_type, packed.body)) == signed
    found = media_type_of(packed.content_type)
    assert (found.type, found.start_info) == ("application/xop+xml", which.media_type)
    assert read(packed.body, found).actions == (frozenset() if which is Version.SOAP_11 else {ACTION})


def test_an_envelope_without_binaries_is_a_package_of_one() -> None:
    packed = pack(envelope.build(Version.SOAP_12, node("Poll")), Version.SOAP_12, action=ACTION, token=TOKEN)
    assert packed.parts == 0
    assert exclusive(arrived(packed.content_type, packed.body)) == exclusive(
        envelope.build(Version.SOAP_12, node("Poll"))
    )


def test_a_boundary_in_the_content_is_not_the_boundary() -> None:
    content = LARGE + f"\r\n--part-{TOKEN}\r\n".encode() + f"--part-{TOKEN}-".encode()
    root = envelope.build(Version.SOAP_12, node("Poll", base64.b64encode(content).decode()))
    packed = pack(root, Version.SOAP_12, action=ACTION, token=TOKEN)
    (part,) = read(packed.body, media_type_of(packed.content_type)).parts
    assert part.content == content


def test_a_reader_of_others_takes_it_apart() -> None:
    root = envelope.build(Version.SOAP_12, node("Poll", base64.b64encode(LARGE).decode()))
    packed = pack(root, Version.SOAP_12, action=ACTION, token=TOKEN)
    message = email.message_from_bytes(f"Content-Type: {packed.content_type}\r\n\r\n".encode() + packed.body)
    first, second = message.get_payload()
    assert message.get_param("start") == first["Content-ID"]
    assert first.get_content_type() == "application/xop+xml"
    assert f'href="cid:{second["Content-ID"][1:-1]}"' in first.get_payload()


def test_the_header_stays_whole() -> None:
    """Its blocks are signed and read by stacks that do not look for parts there."""
    block = etree.Element("{urn:x}Block")
    block.text = base64.b64encode(LARGE).decode()
    root = envelope.build(Version.SOAP_12, node("Poll"), (block,))
    assert pack(root, Version.SOAP_12, action=ACTION, token=TOKEN).parts == 0


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A toolkit's message with some pieces cut out, doubled, exchanged or put in."""
    sent = draw(st.sampled_from(ALL))(draw(st.sampled_from(VERSIONS)))
    body = sent.body
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + draw(st.sampled_from([0, 1, 40, 4000])))))
        piece = draw(
            st.sampled_from([b"", b"\r\n", b"--", b"<", b"cid:", b"&#0;", b"\xff", body[start:end] * 2, b"\r\n\r\n"])
            | st.binary(max_size=6)
        )
        body = body[:start] + piece + body[end:]
    content_type = sent.content_type
    if draw(st.booleans()):
        at = draw(st.integers(0, len(content_type)))
        content_type = content_type[:at] + draw(st.text(st.sampled_from('";=\\<>b '), max_size=3)) + content_type[at:]
    return content_type, body


@given(damaged())
@settings(max_examples=300)
def test_a_damaged_message_is_read_or_refused_and_never_anything_else(message: tuple[str, bytes]) -> None:
    with contextlib.suppress(Refused):
        root = arrived(*message)
        assert not list(root.iter(f"{{{XOP}}}*"))
