"""Tests for gateway/document/path.py: places in a document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.expression import ExpressionRefused
from gateway.document.parse import parse
from gateway.document.path import Locator, compile_xpath, line_of, locate

NS = {"a": "urn:a", "b": "urn:b"}


def test_a_position_stands_only_where_siblings_share_the_name() -> None:
    root = parse(b'<a:r xmlns:a="urn:a"><a:p/><a:q/><a:p><a:n/></a:p></a:r>').root
    assert locate(root) == "/a:r"
    assert locate(root[0]) == "/a:r/a:p[1]"
    assert locate(root[1]) == "/a:r/a:q"
    assert locate(root[2][0]) == "/a:r/a:p[2]/a:n"


def test_a_default_namespace_is_written_without_prefix() -> None:
    root = parse(b'<r xmlns="urn:a"><p/><p><n/></p></r>').root
    assert locate(root[1][0]) == "/r/p[2]/n"


def test_a_locator_uses_the_prefixes_it_is_given() -> None:
    root = parse(b'<x:r xmlns:x="urn:a"><x:p/><p xmlns="urn:a"/><y:p xmlns:y="urn:b"/></x:r>').root
    locator = Locator({"urn:a": "a"})
    assert [locator.locate(each) for each in root] == ["/a:r/a:p[1]", "/a:r/a:p[2]", "/a:r/y:p"]


def test_processing_instructions_are_no_siblings() -> None:
    root = parse(b'<a:r xmlns:a="urn:a"><?x?><a:p/></a:r>').root
    assert Locator().locate(root[1]) == "/a:r/a:p"


def test_ten_thousand_places_are_found_without_counting_each_time() -> None:
    root = parse(b'<a:r xmlns:a="urn:a">' + b"<a:p/>" * 40_000 + b"</a:r>").root
    locator = Locator()
    places = [locator.locate(each) for each in root]
    assert places[0] == "/a:r/a:p[1]"
    assert places[-1] == "/a:r/a:p[40000]"


@st.composite
def trees(draw: st.DrawFn) -> etree._Element:
    root = etree.Element("{urn:a}r", nsmap=NS)
    made = [root]
    for _ in range(draw(st.integers(0, 25))):
        parent = draw(st.sampled_from(made))
        made.append(etree.SubElement(parent, draw(st.sampled_from(["{urn:a}p", "{urn:b}p", "{urn:a}q"]))))
    return root


@given(trees())
def test_a_place_leads_back_to_its_element_and_to_no_other(root: etree._Element) -> None:
    locator = Locator({"urn:a": "a", "urn:b": "b"})
    for element in root.iter():
        assert root.xpath(locate(element), namespaces=NS) == [element]
        assert locator.locate(element) == locate(element)


def test_a_built_element_has_no_line() -> None:
    assert line_of(etree.Element("a")) is None
    assert line_of(parse(b"<a>\n<b/></a>").root[0]) == 2


def test_a_compiled_xpath_runs() -> None:
    root = parse(b'<a:r xmlns:a="urn:a"><a:p>x</a:p><a:p>y</a:p></a:r>').root
    assert compile_xpath("count(a:p[normalize-space(.)='y'])", NS)(root) == 1.0


def test_an_xpath_beyond_the_subset_is_not_compiled() -> None:
    with pytest.raises(ExpressionRefused):
        compile_xpath("document('file:///etc/hostname')", NS)
