"""Tests for gateway/document/parse.py: what is let in as XML, and what is not."""

import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.parse import (
    LIMITS,
    Document,
    DtdRefused,
    InstructionRefused,
    Limits,
    NotXml,
    TooDeep,
    TooLarge,
    TooManyParts,
    WrongEncoding,
    parse,
    text,
    to_bytes,
)
from gateway.errors import Refused

CANARY = "CANARY7731"


def refused(data: bytes, limits: Limits = LIMITS, *, instructions: bool = True) -> Refused:
    with pytest.raises(Refused) as caught:
        parse(data, limits, instructions=instructions)
    return caught.value


def text_of(data: bytes) -> str:
    return text(parse(data).root)


# --- well-formedness ---


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"no markup",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a/>x",
        b"<a b='1' b='2'/>",
        b"<a b=1/>",
        b"<a b/>",
        b"<a b='<'/>",
        b"<x:a/>",
        b"<a>&unknown;</a>",
        b"<a>&#xD800;</a>",
        b"<a>&#0;</a>",
        b"<a>\x01</a>",
        b"<a>]]></a>",
        b"<1/>",
        b"<!doctype a><a/>",
        b"<a",
        b"<a b='",
        b"<?xml version='1.0'",
        b"<?xml?><a/>",
        b"<?xml encoding='UTF-8'?><a/>",
        b"<!-- -- --><a/>",
        b" <?xml version='1.0'?><a/>",
    ],
)
def test_what_is_not_well_formed_is_not_xml(data: bytes) -> None:
    error = refused(data)
    assert isinstance(error, NotXml)
    assert "line" in error.text


def test_an_error_names_line_and_column() -> None:
    assert refused(b"<a>\n  <b>\n  </c>\n</a>").text.startswith("line 3, column ")


@given(st.sampled_from(["<a>{}</b>", "<a {}=1/>", "<a>&{};</a>", "<a><{}></a>", "<{}:a/>", "<a {0}='1' {0}='2'/>"]))
def test_an_error_says_nothing_of_what_stands_there(form: str) -> None:
    error = refused(form.format(CANARY).encode())
    assert CANARY not in str(error)


@pytest.mark.parametrize("version", ["1.1", "2.0", "1"])
def test_only_xml_1_0_is_read(version: str) -> None:
    assert isinstance(refused(f"<?xml version='{version}'?><a/>".encode()), NotXml)


# --- encodings ---


@pytest.mark.parametrize(
    "data",
    [
        "<a>é€𝄞</a>".encode(),
        b"\xef\xbb\xbf" + "<a>é€𝄞</a>".encode(),
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?><a>é€𝄞</a>'.encode(),
        "<?xml version = '1.0' encoding = 'UTF-8' ?>\n<a>é€𝄞</a>".encode(),
        b"\xff\xfe" + "<a>é€𝄞</a>".encode("utf-16-le"),
        b"\xfe\xff" + "<a>é€𝄞</a>".encode("utf-16-be"),
        b"\xff\xfe" + '<?xml version="1.0" encoding="UTF-16"?><a>é€𝄞</a>'.encode("utf-16-le"),
    ],
)
def test_utf_8_and_utf_16_with_a_mark_are_read(data: bytes) -> None:
    assert text_of(data) == "é€𝄞"


def test_ascii_may_be_called_ascii() -> None:
    assert text_of(b'<?xml version="1.0" encoding="US-ASCII"?><a>plain</a>') == "plain"


@pytest.mark.parametrize(
    "data",
    [
        b"<a>\xff</a>",
        b"<a>\xc0\xaf</a>",  # overlong
        b"<a>\xed\xa0\x80</a>",  # a surrogate
        b"<a>\xf4\x90\x80\x80</a>",  # beyond Unicode
        b"<a>\0</a>",
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-16-be"),
        "<a/>".encode("utf-32"),
        b"\xff\xfe" + b"<\0a\0/\0>\0\x00",
        b"\xff\xfe" + "<a>".encode("utf-16-le") + b"\x00\xd8" + "</a>".encode("utf-16-le"),  # a lone surrogate
        '<?xml version="1.0"?><a/>'.encode("cp500"),  # EBCDIC
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>',
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode(),
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-',
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="EBCDIC-CP-US"?><a/>',
        '<?xml version="1.0" encoding="US-ASCII"?><a>é</a>'.encode(),
        b"\xff\xfe" + '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16-le"),
        b"\xfe\xff" + '<?xml version="1.0" encoding="ISO-8859-1"?><a/>'.encode("utf-16-be"),
    ],
)
def test_any_other_encoding_and_any_mismatch_is_refused(data: bytes) -> None:
    assert isinstance(refused(data), WrongEncoding)


def test_utf_7_without_declaration_is_not_xml() -> None:
    assert isinstance(refused("<a/>".encode("utf-7").replace(b"<", b"+ADw-")), NotXml)


def test_invalid_utf_8_is_placed_by_its_line() -> None:
    assert refused(b"<a>\n\n\xff</a>").text.startswith("line 3")


# --- document type, entities ---

BILLION_LAUGHS = (
    b'<!DOCTYPE lolz [<!ENTITY l0 "lol">'
    + b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
    + b"]><lolz>&l9;</lolz>"
)


@pytest.mark.parametrize(
    "data",
    [
        BILLION_LAUGHS,
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>',
        b'<?xml version="1.0"?><!-- first --><?pi?>\n<!DOCTYPE a [<!ATTLIST a b CDATA "default">]><a/>',
        b"\xff\xfe" + "<!DOCTYPE a><a/>".encode("utf-16-le"),
        b"\xfe\xff" + BILLION_LAUGHS.decode().encode("utf-16-be"),
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
    ],
)
def test_a_document_type_is_refused_in_every_encoding(data: bytes) -> None:
    assert isinstance(refused(data), DtdRefused)


def test_a_document_type_within_a_text_is_only_a_text() -> None:
    assert text_of(b"<a><![CDATA[<!DOCTYPE a>]]></a>") == "<!DOCTYPE a>"


def test_a_document_type_after_the_root_is_not_xml() -> None:
    assert isinstance(refused(b"<a/><!DOCTYPE a>"), NotXml)


def test_the_five_entities_and_character_references_are_read() -> None:
    assert text_of(b"<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x1D11E;</a>") == "<&>\"'A𝄞"


# --- limits ---


def test_size_is_limited_to_ten_mebibytes() -> None:
    half = b"<b>" + b"x" * (LIMITS.size_bytes_max // 2 - 7) + b"</b>"
    whole = b"<a>" + half + half[:3] + half[10:] + b"</a>"
    assert len(whole) == 10 * 1024 * 1024
    assert len(parse(whole).root) == 2
    assert isinstance(refused(whole + b"\n"), TooLarge)


def test_one_text_of_more_than_ten_million_characters_is_refused() -> None:
    assert isinstance(refused(b"<a>" + b"x" * 10_100_000 + b"</a>"), TooManyParts)


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 18, 99, 100])
def test_a_hundred_levels_are_allowed(depth: int) -> None:
    parse(b"<a>" * depth + b"</a>" * depth)


@pytest.mark.parametrize("depth", [101, 255, 256, 257, 5_000])
def test_more_than_a_hundred_levels_are_refused(depth: int) -> None:
    assert isinstance(refused(b"<a>" * depth + b"</a>" * depth), TooDeep)


@pytest.mark.parametrize("depth", [3, 20])
def test_the_depth_limit_is_a_limit_of_its_own(depth: int) -> None:
    limits = Limits(depth_max=depth)
    parse(b"<a>" * depth + b"</a>" * depth, limits)
    assert isinstance(refused(b"<a>" * (depth + 1) + b"</a>" * (depth + 1), limits), TooDeep)


def test_a_deep_end_after_many_flat_elements_is_found() -> None:
    assert isinstance(refused(b"<r>" + b"<b/>" * 500 + b"<a>" * 101 + b"</a>" * 101 + b"</r>"), TooDeep)


def test_elements_are_limited() -> None:
    parse(b"<a>" + b"<b></b>" * (LIMITS.elements_max - 1) + b"</a>")
    assert isinstance(refused(b"<a>" + b"<b></b>" * LIMITS.elements_max + b"</a>"), TooManyParts)
    assert isinstance(refused(b"<a>" + b"<b/>" * LIMITS.elements_max + b"</a>"), TooManyParts)


def attributes(number: int, form: str = "{0}='1'") -> bytes:
    return " ".join(form.format(f"a{index}") for index in range(number)).encode()


@pytest.mark.parametrize("form", ["{0}='1'", '{0}="1"', "{0} = '>'", "{0}=''", "xmlns:{0}='urn:x'", "{0}\n=\n'='"])
def test_a_hundred_attributes_are_allowed_and_no_more(form: str) -> None:
    parse(b"<r><e " + attributes(100, form) + b"/></r>")
    error = refused(b"<r>\n<e " + attributes(101, form) + b"/></r>")
    assert isinstance(error, TooManyParts)
    assert error.text.startswith("line 2")


def test_a_hundred_thousand_attributes_are_refused() -> None:
    assert isinstance(refused(b"<a " + attributes(100_000) + b"/>"), TooManyParts)


def test_many_attributes_are_found_anywhere_in_a_document() -> None:
    body = b"<b>text</b>" * 300
    for place in (b"<r>%s<e %s/></r>", b"<r><e %s/>%s</r>"):
        parts = (body, attributes(101)) if place.index(b"<e") > 4 else (attributes(101), body)
        assert isinstance(refused(place % parts), TooManyParts)


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 30), st.sampled_from([b"x", b"> ", b"'", b'"', b"="]))
def test_no_text_before_or_after_hides_a_heavy_tag(before: int, after: int, flat: int, fill: bytes) -> None:
    light = b"<b>" + fill * before + b"</b>"
    document = b"<r>" + light * flat + b"<e %s>" + fill * after + b"</e>" + light * flat + b"</r>"
    parse(document % attributes(100))
    assert isinstance(refused(document % attributes(101)), TooManyParts)
    assert isinstance(refused(document % (b"n" * 501 + b"=''")), TooManyParts)


@pytest.mark.parametrize("form", [b"<%s/>", b"<r><%s></%s></r>", b"<r><a %s='1'/></r>", b"<r><a b='%s' %s='1'/></r>"])
def test_a_name_has_at_most_five_hundred_bytes(form: bytes) -> None:
    places = form.count(b"%s")
    parse(form % ((b"n" * 500,) * places))
    assert isinstance(refused(form % ((b"n" * 501,) * places)), TooManyParts)


def test_limits_of_ones_own_hold_for_short_tags_too() -> None:
    limits = Limits(attributes_max=3, name_length_max=5)
    parse(b"<abcde a='1' b='2' c='3'/>", limits)
    assert isinstance(refused(b"<a a='' b='' c='' d=''/>", limits), TooManyParts)
    assert isinstance(refused(b"<abcdef/>", limits), TooManyParts)


def test_long_texts_and_attribute_values_are_not_heavy() -> None:
    photo = b"QUJD" * 50_000
    assert len(text_of(b"<a b='" + b"v" * 5_000 + b"'>" + photo + b"</a>")) == len(photo)


def test_a_text_full_of_equal_signs_is_not_heavy() -> None:
    assert text_of(b"<a>" + b"= " * 5_000 + b"</a>").startswith("= =")


# --- comments, processing instructions ---


def test_a_comment_cannot_split_a_text() -> None:
    document = parse(b"<a>Jo<!-- x -->hn</a>")
    assert document.root.text == "John"
    assert b"<!--" not in to_bytes(document)


def test_a_processing_instruction_cannot_split_a_text() -> None:
    assert text_of(b"<a>Jo<?x y?>hn</a>") == "John"


def test_a_cdata_section_is_a_text() -> None:
    assert text_of(b"<a>Jo<![CDATA[h]]>n</a>") == "John"


def test_text_does_not_look_into_child_elements() -> None:
    assert text_of(b"<a>one <b>two</b> three</a>") == "one  three"


@pytest.mark.parametrize("data", [b"<a><?x?></a>", b"<?x?><a/>", b"<a/><?x?>", b"<?xml-stylesheet href='x'?><a/>"])
def test_soap_allows_no_processing_instruction(data: bytes) -> None:
    parse(data)
    assert isinstance(refused(data, instructions=False), InstructionRefused)


def test_the_xml_declaration_is_no_processing_instruction() -> None:
    parse(b"<?xml version='1.0'?><a><![CDATA[<?x?>]]></a>", instructions=False)


# --- the tree ---


def test_a_default_attribute_or_include_is_never_fetched() -> None:
    document = parse(b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/hostname"/></a>')
    assert len(document.root) == 1
    assert len(document.root[0]) == 0


def test_bytes_out_are_bytes_in_for_our_own_bytes() -> None:
    data = to_bytes(parse("<a xmlns='urn:x' b='&lt;'>é<c/>\n</a>".encode()))
    assert data.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n")
    assert to_bytes(parse(data)) == data


def test_lines_survive_utf_16() -> None:
    document = parse(b"\xff\xfe" + '<?xml version="1.0"?>\n<a>\n<b/></a>'.encode("utf-16-le"))
    assert document.root[0].sourceline == 3


def test_threads_parse_at_the_same_time() -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for index in range(200):
                assert text_of(f"<a{number}>{index}</a{number}>".encode()) == str(index)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_or_a_refusal(data: bytes) -> None:
    document: Document | None = None
    with contextlib.suppress(Refused):
        document = parse(data)
    if document is not None:
        assert etree.tostring(parse(to_bytes(document)).root) == etree.tostring(document.root)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_any_text_comes_through_unchanged(value: str) -> None:
    element = etree.Element("a")
    element.text = value
    assert text_of(to_bytes(Document(element))) == value


@pytest.mark.parametrize("form", ['xmlns="%s"', "xmlns:p='%s'", 'a="1" xmlns:p = "%s"', "b='x\"' xmlns='%s'"])
def test_a_namespace_has_a_name_of_at_most_five_hundred_bytes(form: str) -> None:
    """Each element in it is given the whole of it by whoever asks for its name: a megabyte, times the elements."""
    parse(f"<r {form % ('u' * 500)}><e/></r>".encode())
    assert isinstance(refused(f"<r {form % ('u' * 501)}><e/></r>".encode()), TooManyParts)
    assert isinstance(refused(f"<r><e {form % ('u' * 1_000_000)}/></r>".encode()), TooManyParts)


@pytest.mark.parametrize("form", ["d{0}=''", 'd{0} =\t""'])
def test_attributes_are_limited_in_all_too(form: str) -> None:
    element = b"<e " + attributes(100, form) + b"/>"
    whole, rest = divmod(LIMITS.values_max, 100)
    assert rest == 0
    parse(b"<r>" + element * whole + b"</r>")
    assert isinstance(refused(b"<r>" + element * whole + b"<e a=''/></r>"), TooManyParts)


def test_a_text_of_equal_signs_holds_no_attributes() -> None:
    parse(b"<r>" + b"==" * LIMITS.values_max + b"</r>")


def test_an_attribute_that_only_looks_like_a_declaration_may_be_long() -> None:
    long = "v" * 5_000
    parse(f"<r xmlnsx='{long}' b='xmlns=' xmlns:x='urn:x' x:xmlns='{long}'/>".encode())
