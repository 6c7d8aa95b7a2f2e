"""Tests for gateway/document/expression.py: the part of XPath that facts may use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.expression import (
    Binary,
    ExpressionRefused,
    Literal,
    Number,
    Path,
    Step,
    is_prefix,
    parse_expression,
    write_expression,
)

NS = {"a": "urn:a", "b": "urn:b"}
DOCUMENT = etree.fromstring(
    b'<a:r xmlns:a="urn:a" xmlns:b="urn:b"><a:p k="1">x</a:p><a:p>y</a:p><b:q><a:p>z</a:p><b:n>-7</b:n></b:q></a:r>'
)


@pytest.mark.parametrize(
    "text",
    [
        "a:p",
        ".",
        "b:q/a:p",
        ".//a:p",
        "*",
        "a:*",
        "a:p/@k",
        "@k",
        "child::a:p",
        "descendant::a:p",
        "descendant-or-self::a:p",
        "self::a:r",
        "b:q/a:p/../b:n",
        "a:p[. = 'x']",
        "a:p[1]",
        "a:p[@k]/self::a:p[starts-with(., 'x')]",
        "a:p | b:q/b:n",
        "count(a:p) > 1",
        "count(a:p | b:q) = 3",
        "not(a:zip)",
        "contains(a:p, 'x') and starts-with(b:q/a:p, 'z') or false()",
        "normalize-space(a:p) = 'x'",
        "string(a:p) != 'y'",
        "boolean(a:p) = true()",
        "number(b:q/b:n) + 8 - 1 <= 0",
        "number(translate(substring(string('2026-01-31'),1,10),'-','')) - 20250131 < 180000",
        "string-length(a:p) >= 1",
        "'a' = \"a\"",
        "(a:p = 'x' or a:p = 'q') and 2 > 1.5",
    ],
)
def test_what_is_read_means_what_xpath_means(text: str) -> None:
    written = write_expression(parse_expression(text, NS))
    assert DOCUMENT.xpath(written, namespaces=NS) == DOCUMENT.xpath(text, namespaces=NS)


@pytest.mark.parametrize(
    ("value", "day", "born"),
    [
        ("2008-12-01", 20081201, 20081201),
        (" 2008-12-01\n", 20081201, 20081201),
        ("2008-12-01T08:15:00", 20081201, 20081201),
        ("2008-12-01T08:15:00.5", 20081201, 20081201),
        ("2008-12-01Z", 20081201, 20081202),
        ("2008-12-01+05:00", 20081201, 20081202),
        ("2008-12-01-05:00", 20081201, 20081202),
        ("2008-12-01T08:15:00Z", 20081201, 20081202),
        ("2008-12-01T08:15:00.5-05:00", 20081201, 20081202),
        ("2008-12-01T24:00:00", 20081201, 99999999),
        ("1849-12-31", 18491231, 99999999),
        ("1850-01-01", 18500101, 18500101),
        ("12008-12-01", 0, 99999999),
        ("-2008-12-01", 0, 99999999),
        ("2008-12", 0, 99999999),
        ("", None, None),
        (" ", None, None),
    ],
)
def test_a_day_that_cannot_be_told_makes_young_and_a_missing_one_is_no_number(
    value: str, day: int | None, born: int | None
) -> None:
    root = etree.fromstring(f'<a:r xmlns:a="urn:a"><a:d>{value}</a:d></a:r>')
    for function, expected in (("day", day), ("birth-day", born)):
        found = root.xpath(write_expression(parse_expression(f"{function}(a:none | a:d)", NS)), namespaces=NS)
        assert found == expected if expected is not None else found != found, function


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("a:p =", 6),
        ("/a:r", 1),
        ("//a:p", 1),
        ("a:p/", 5),
        ("p", 1),
        ("c:p", 1),
        ("$x", 1),
        ("a:p ~ 1", 5),
        ("document('x')", 1),
        ("id('x')", 1),
        ("name()", 1),
        ("count('x')", 11),
        ("day('x')", 9),
        ("not()", 6),
        ("following-sibling::a:p", 1),
        ("ancestor::a:p", 1),
        ("namespace::a", 1),
        ("a:p[", 5),
        ("a:p]", 4),
        ("a:p | 'x'", 10),
        ("(a:p", 5),
        ("a:p a:p", 5),
        ("'open", 1),
        ("a:p and", 8),
    ],
)
def test_what_is_outside_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(ExpressionRefused) as caught:
        parse_expression(text, NS)
    assert caught.value.position == position
    assert f"character {position}" in caught.value.text


def test_length_and_nesting_have_bounds() -> None:
    with pytest.raises(ExpressionRefused, match="longer"):
        parse_expression("a:p or " * 200 + "a:p", NS)
    with pytest.raises(ExpressionRefused, match="nested"):
        parse_expression("(" * 30 + "a:p" + ")" * 30, NS)


def test_the_tree_says_what_was_written() -> None:
    assert parse_expression("a:p >= 5", NS) == Binary(">=", Path((Step("child", "a:p"),)), Number("5"))
    assert write_expression(Literal("it's")) == '"it\'s"'


def test_a_prefix_is_a_name_and_not_one_of_xmls_own() -> None:
    assert is_prefix("nc")
    assert is_prefix("niem-xs")
    assert not is_prefix("xmlfoo")
    assert not is_prefix("1a")
    assert not is_prefix("a b")


@given(st.text(alphabet="ab:./@[]()='<>!|*,- 12nortcu", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        written = write_expression(parse_expression(text, NS))
    except ExpressionRefused:
        return
    etree.XPath(written, namespaces=NS)
