import pytest
from lxml import etree

from gateway.document.names import SOAP11, SOAP12
from gateway.document.parse import parse
from gateway.soap.envelope import (
    BLOCKS_MAX,
    MediaTypeMismatch,
    MustUnderstand,
    NotAnEnvelope,
    Version,
    VersionMismatch,
    check_understood,
    read,
    write,
)

BOTH = pytest.mark.parametrize("version", list(Version), ids=["1.1", "1.2"])


def envelope(inside: str, namespace: str = SOAP12) -> bytes:
    return f'<s:Envelope xmlns:s="{namespace}">{inside}</s:Envelope>'.encode()


@BOTH
def test_what_is_written_is_read_again(version: Version) -> None:
    data = write(version, etree.Element("{urn:b}Body"), [etree.Element("{urn:h}One"), etree.Element("{urn:h}Two")])
    found = read(parse(data), version.media_type)
    assert found.version is version
    assert found.body.tag == "{urn:b}Body"
    assert [block.tag for block in found.headers] == ["{urn:h}One", "{urn:h}Two"]


@BOTH
def test_without_headers_there_is_no_header(version: Version) -> None:
    assert b"Header" not in write(version, etree.Element("a"))


def test_content_without_a_namespace_stays_without_one() -> None:
    assert read(parse(write(Version.SOAP_12, etree.Element("Notice")))).body.tag == "Notice"


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<s:Header/>",
        "<s:Body/>",
        "<s:Body><a/><b/></s:Body>",
        "<s:Body>text<a/></s:Body>",
        "<s:Body><a/>text</s:Body>",
        "text<s:Body><a/></s:Body>",
        "<s:Body><a/></s:Body><s:Body><a/></s:Body>",
        "<s:Body><a/></s:Body><s:Header/>",
        "<s:Header/><s:Header/><s:Body><a/></s:Body>",
        "<s:Body><a/></s:Body><more/>",
        "<Body><a/></Body>",
    ],
)
def test_an_envelope_of_another_shape_is_refused(inside: str) -> None:
    with pytest.raises(NotAnEnvelope):
        read(parse(envelope(inside)))


def test_a_document_that_is_no_envelope_is_refused() -> None:
    with pytest.raises(NotAnEnvelope):
        read(parse(b"<Notice/>"))


@pytest.mark.parametrize("namespace", ["urn:soap:9", SOAP11.rstrip("/")])
def test_an_envelope_of_neither_version_is_a_mismatch(namespace: str) -> None:
    with pytest.raises(VersionMismatch):
        read(parse(envelope("<s:Body><a/></s:Body>", namespace)))


@BOTH
def test_the_media_type_goes_with_the_version(version: Version) -> None:
    other = Version.SOAP_11 if version is Version.SOAP_12 else Version.SOAP_12
    document = parse(envelope("<s:Body><a/></s:Body>", version.value))
    assert read(document, version.media_type).version is version
    with pytest.raises(MediaTypeMismatch) as caught:
        read(document, other.media_type)
    assert caught.value.version is version


@pytest.mark.parametrize(
    ("namespace", "attributes", "refused"),
    [
        (SOAP11, 's:mustUnderstand="1"', True),
        (SOAP11, 's:mustUnderstand="0"', False),
        (SOAP11, "", False),
        (SOAP11, 's:mustUnderstand="1" s:actor="http://schemas.xmlsoap.org/soap/actor/next"', True),
        (SOAP11, 's:mustUnderstand="1" s:actor="urn:other"', False),
        (SOAP12, 's:mustUnderstand="true"', True),
        (SOAP12, 's:mustUnderstand=" 1 "', True),
        (SOAP12, 's:mustUnderstand="false"', False),
        (SOAP12, f's:mustUnderstand="true" s:role="{SOAP12}/role/next"', True),
        (SOAP12, f's:mustUnderstand="true" s:role="{SOAP12}/role/ultimateReceiver"', True),
        (SOAP12, f's:mustUnderstand="true" s:role="{SOAP12}/role/none"', False),
        (SOAP12, 'mustUnderstand="true"', False),
    ],
)
def test_a_block_for_us_that_must_be_understood_is(namespace: str, attributes: str, refused: bool) -> None:
    inside = f'<s:Header><x:Block xmlns:x="urn:x" {attributes}/></s:Header><s:Body><a/></s:Body>'
    found = read(parse(envelope(inside, namespace)))
    check_understood(found, frozenset({"{urn:x}Block"}))
    if not refused:
        check_understood(found, frozenset())
        return
    with pytest.raises(MustUnderstand) as caught:
        check_understood(found, frozenset())
    assert caught.value.names == ("{urn:x}Block",)


@BOTH
def test_a_header_holds_no_more_blocks_than_can_be_looked_at_and_named(version: Version) -> None:
    def with_blocks(number: int) -> bytes:
        blocks = '<h:Block xmlns:h="urn:h" s:mustUnderstand="1"/>' * number
        return envelope(f"<s:Header>{blocks}</s:Header><s:Body><b/></s:Body>", version.value)

    assert len(read(parse(with_blocks(BLOCKS_MAX))).headers) == BLOCKS_MAX
    with pytest.raises(NotAnEnvelope):
        read(parse(with_blocks(BLOCKS_MAX + 1)))
