import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media_type import UNREADABLE, MediaType, contradicts, media_type_of, quoted

SOAP12 = MediaType(name="application/soap+xml", charset="utf-8", action="urn:a;b")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("text/xml", MediaType(name="text/xml")),
        (" Text/XML ; Charset=UTF-8 ", MediaType(name="text/xml", charset="utf-8")),
        ('text/xml; charset="utf-8"', MediaType(name="text/xml", charset="utf-8")),
        ("text/xml;charset='UTF-8'", MediaType(name="text/xml", charset="utf-8")),
        ("text/xml; charset = utf-8", MediaType(name="text/xml", charset="utf-8")),
        ("text/xml; charset=utf-8;", MediaType(name="text/xml", charset="utf-8")),
        ("text/xml;; ;charset=utf-8; q", MediaType(name="text/xml", charset="utf-8")),
        ("text/xml\t;\tcharset=utf-8", MediaType(name="text/xml", charset="utf-8")),
        ('application/soap+xml; action="urn:a;b"; charset=utf-8', SOAP12),
        ('application/soap+xml;ACTION="urn:a;b";CharSet="UTF-8"', SOAP12),
        (r'application/soap+xml; charset=utf-8; action="urn\:a\;b"', SOAP12),
        ('application/soap+xml; x="; charset=latin-1"; action="urn:a;b"; charset=utf-8', SOAP12),
        ('application/soap+xml; x="\\"; charset=latin-1"; action="urn:a;b"; charset=utf-8', SOAP12),
        ('application/soap+xml; charset=utf-8; charset=UTF-8; action="a"', UNREADABLE),
        ("application/soap+xml; action=urn:x:Submit", MediaType(name="application/soap+xml", action="urn:x:Submit")),
        ("application/soap+xml; action='urn:x'", MediaType(name="application/soap+xml", action="urn:x")),
        ("application/soap+xml; action=", MediaType(name="application/soap+xml")),
        ("", UNREADABLE),
        (";;;", UNREADABLE),
        ('text/xml; charset="utf-8', UNREADABLE),
        ('text/xml; charset="utf-8" latin-1', UNREADABLE),
        ("text/xml; charset=utf-8; charset=latin-1", UNREADABLE),
        ("text/xml, application/xml", UNREADABLE),
        ('text/xml"', UNREADABLE),
    ],
)
def test_a_content_type_is_read_in_the_one_way_it_can_be(header: str, expected: MediaType) -> None:
    assert media_type_of(header) == expected


def test_the_parameters_of_a_multipart_are_read() -> None:
    """As Metro writes them for SOAP 1.2: the action is inside start-info, behind escaped quotes."""
    found = media_type_of(
        'multipart/related;start="<rootpart*1a2b@example.jaxws.sun.com>";type="application/xop+xml";'
        'boundary="uuid:1a2b";start-info="application/soap+xml;action=\\"urn:a:Submit\\""'
    )
    assert (found.start, found.boundary) == ("<rootpart*1a2b@example.jaxws.sun.com>", "uuid:1a2b")
    assert (found.type, found.action) == ("application/xop+xml", "")
    assert media_type_of(found.start_info) == MediaType(name="application/soap+xml", action="urn:a:Submit")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_is_quoted_is_read_back(value: str) -> None:
    assert media_type_of(f"multipart/related; boundary=b; start={quoted(value)}; type=t").start == value


@given(st.text(st.sampled_from("ab/;=\"\\ \t'\u00e9charset"), max_size=60))
def test_no_header_breaks_the_reader(header: str) -> None:
    found = media_type_of(header)
    assert found.name == found.name.lower()
    assert not set(found.name) & set(' \t;="')


def test_a_header_of_quotes_and_backslashes_is_read_in_no_time() -> None:
    assert media_type_of('a/b; x="' + '\\"' * 15_000) == UNREADABLE
    assert media_type_of("a/b" + "; " * 15_000 + '"') == UNREADABLE


@pytest.mark.parametrize("charset", ["", "utf-8", "utf8", "us-ascii", "utf-16"])
def test_a_byte_order_mark_counts_for_more_than_any_charset(charset: str) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert not contradicts(charset, "<\u00e9/>".encode(encoding))


def test_without_a_mark_a_charset_is_believed() -> None:
    ascii, wide = b"<a/>", "<\u00e9/>".encode()
    assert [each for each in ("", "utf-8", "utf8", "us-ascii", "utf-16") if contradicts(each, ascii)] == ["utf-16"]
    assert [each for each in ("", "utf-8", "us-ascii", "utf-16") if contradicts(each, wide)] == ["us-ascii", "utf-16"]
