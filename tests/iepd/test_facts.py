"""Tests for gateway/iepd/facts.py: named values of the uncut document; missing is the stricter answer."""

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.expression import parse_expression
from gateway.document.parse import Document, parse
from gateway.iepd.facts import Fact, FactKind, Facts, FactTests, compiled_text, evaluate

from .invented import NOTICE, SUBJECT, invented, notice
from .our_exchanges import NAMES, exchange

IEPD = invented()
NS = {"t": "urn:t"}


def ask(test: str, content: str, *, kind: FactKind = FactKind.BOOLEAN, missing: bool | str = True) -> bool | str:
    fact = Fact(name="f", title="", each=(), test=parse_expression(test, NS), kind=kind, missing=missing)
    root = etree.fromstring(f'<t:r xmlns:t="urn:t">{content}</t:r>')
    return Facts(Document(root), FactTests((fact,), NS)).message("f")


def both(test: str, content: str) -> tuple[bool | str, bool | str]:
    """The answers where the strict one is False, and where it is True."""
    return ask(test, content, missing=False), ask(test, content, missing=True)


KNOWN_TRUE, KNOWN_FALSE, UNKNOWN = (True, True), (False, False), (False, True)


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("<t:x>true</t:x>", KNOWN_TRUE),
        ("<t:x>1</t:x>", KNOWN_TRUE),
        ("<t:x> true\n</t:x>", KNOWN_TRUE),
        ("<t:x>tr<!-- no -->ue</t:x>", KNOWN_TRUE),
        ("<t:x>false</t:x>", KNOWN_FALSE),
        ("<t:x>0</t:x>", KNOWN_FALSE),
        ("<t:x>false</t:x><t:x>true</t:x>", KNOWN_TRUE),
        ("", UNKNOWN),
        ("<t:x/>", UNKNOWN),
        ("<t:x> </t:x>", UNKNOWN),
        ("<t:x>false</t:x><t:x/>", UNKNOWN),
        ("<t:x>true</t:x><t:x/>", KNOWN_TRUE),
    ],
)
def test_a_comparison_reads_values_as_xsd_does_and_knows_what_is_missing(
    content: str, answer: tuple[bool, bool]
) -> None:
    assert both("t:x = 'true'", content) == answer
    assert both("'true' = t:x", content) == answer


@pytest.mark.parametrize(
    ("test", "content", "answer"),
    [
        ("t:x != 'a'", "<t:x>a</t:x>", KNOWN_FALSE),
        ("t:x != 'a'", "<t:x>b</t:x>", KNOWN_TRUE),
        ("t:x != 'a'", "", UNKNOWN),
        ("t:x != 'a'", "<t:x/>", UNKNOWN),
        ("t:n < 18", "<t:n>17</t:n>", KNOWN_TRUE),
        ("t:n < 18", "<t:n>18</t:n>", KNOWN_FALSE),
        ("18 > t:n", "<t:n> 17 </t:n>", KNOWN_TRUE),
        ("t:n < 18", "<t:n>young</t:n>", UNKNOWN),
        ("t:n < 18", "", UNKNOWN),
        ("t:n = 5", "<t:n>5.0</t:n>", KNOWN_TRUE),
        ("contains(t:x, 'b')", "<t:x>abc</t:x>", KNOWN_TRUE),
        ("contains(t:x, 'b')", "<t:x>acc</t:x>", KNOWN_FALSE),
        ("contains(t:x, 'b')", "", UNKNOWN),
        ("starts-with(t:x, 'a')", "<t:x>\n abc</t:x>", KNOWN_TRUE),
    ],
)
def test_every_comparison_has_three_outcomes(test: str, content: str, answer: tuple[bool, bool]) -> None:
    assert both(test, content) == answer


T, F, M = "<t:{}>true</t:{}>", "<t:{}>false</t:{}>", ""


@pytest.mark.parametrize(
    ("test", "x", "y", "answer"),
    [
        ("t:x = 'true' or t:y = 'true'", T, M, KNOWN_TRUE),
        ("t:x = 'true' or t:y = 'true'", F, M, UNKNOWN),
        ("t:x = 'true' or t:y = 'true'", F, F, KNOWN_FALSE),
        ("t:x = 'true' and t:y = 'true'", F, M, KNOWN_FALSE),
        ("t:x = 'true' and t:y = 'true'", T, M, UNKNOWN),
        ("not(t:x = 'true')", M, T, UNKNOWN),
        ("not(t:x = 'true')", F, T, KNOWN_TRUE),
        ("not(t:x = 'true' or t:y = 'true')", F, M, UNKNOWN),
        ("not(t:x = 'true' and t:y = 'true')", F, M, KNOWN_TRUE),
        ("not(not(t:x = 'true'))", M, M, UNKNOWN),
    ],
)
def test_what_is_unknown_stays_so_only_where_the_answer_hangs_on_it(
    test: str, x: str, y: str, answer: tuple[bool, bool]
) -> None:
    assert both(test, x.format("x", "x") + y.format("y", "y")) == answer


@pytest.mark.parametrize(
    ("test", "content", "answer"),
    [
        ("boolean(t:x)", "<t:x/>", KNOWN_TRUE),
        ("boolean(t:x[t:y = 'a'])", "<t:x><t:y>b</t:y></t:x>", KNOWN_FALSE),
        ("count(t:x) > 1", "<t:x/>", KNOWN_FALSE),
        ("count(t:x) > 1", "<t:x/><t:x/>", KNOWN_TRUE),
        ("normalize-space(t:x) = 'a'", "<t:x>a</t:x>", KNOWN_TRUE),
        ("true()", "", KNOWN_TRUE),
        ("false()", "", KNOWN_FALSE),
        ("boolean(.)", "", KNOWN_TRUE),
    ],
)
def test_within_a_function_it_is_plain_xpath(test: str, content: str, answer: tuple[bool, bool]) -> None:
    assert both(test, content) == answer


@pytest.mark.parametrize(
    "test",
    [
        "boolean(t:x)",
        "not(boolean(t:x[t:y = 'a']))",
        "count(t:x) = 0",
        "normalize-space(t:x) != 'a'",
        "boolean(t:x/t:y)",
    ],
)
def test_where_nothing_is_there_that_the_test_reads_the_answer_is_the_strict_one(test: str) -> None:
    assert both(test, "<t:other/>") == UNKNOWN


@given(
    st.sampled_from(["t:x = 'true'", "boolean(t:x)"]), st.lists(st.sampled_from(["true", "false", "1", "0", "", "?"]))
)
def test_the_strict_answer_never_loosens(test: str, values: list[str]) -> None:
    """Whatever is known with the loose default is the same with the strict one."""
    loose, strict = both(test, "".join(f"<t:x>{value}</t:x>" for value in values))
    assert not (loose and not strict)


def test_a_text_is_without_its_blanks_and_the_first_of_several() -> None:
    assert ask("t:x", "<t:x>\n Mill \n brook </t:x>", kind=FactKind.TEXT, missing="?") == "Mill brook"
    assert ask("t:y | t:x", "<t:x>first</t:x><t:y>second</t:y>", kind=FactKind.TEXT, missing="?") == "first"
    assert ask("normalize-space(t:x)", "<t:x> a </t:x>", kind=FactKind.TEXT, missing="?") == "a"
    assert ask("t:x", "<t:x> </t:x>", kind=FactKind.TEXT, missing="?") == "?"
    assert ask("t:x", "", kind=FactKind.TEXT, missing="?") == "?"


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T08:15:00-05:00", "2026-01-31"),
        ("2026-01-31Z", "2026-01-31"),
        ("soon", "?"),
        ("", "?"),
    ],
)
def test_a_date_is_the_day_as_written(value: str, answer: str) -> None:
    assert ask("t:x", f"<t:x>{value}</t:x>", kind=FactKind.DATE, missing="?") == answer


# --- of a whole exchange ---

TWO = """<n:Subject>
<n:SubjectNumber>AB-0001</n:SubjectNumber><n:JuvenileIndicator>false</n:JuvenileIndicator></n:Subject>
<n:Subject><nc:PersonRaceText>x</nc:PersonRaceText><n:SubjectNumber>AB-0002</n:SubjectNumber></n:Subject>"""


def test_a_fact_about_objects_is_asked_of_each() -> None:
    document = parse(notice(TWO))
    facts = evaluate(document, IEPD)
    first, second = document.root.findall(f"{{{NOTICE}}}Subject")
    assert facts.of(first, "juvenile") is False
    assert facts.of(second, "juvenile") is True
    assert facts.of(second[1], "juvenile") is True
    assert facts.of(first[0], "juvenile") is False
    assert (facts.of(first, "race"), facts.of(second, "race")) == ("unknown", "x")


def test_an_element_outside_every_object_gets_the_strict_answer() -> None:
    document = parse(notice())
    assert evaluate(document, IEPD).of(document.root[0], "juvenile") is True
    assert evaluate(document, IEPD).of(document.root, "juvenile") is True
    assert evaluate(document, IEPD).of(etree.Element(f"{{{NOTICE}}}Subject"), "juvenile") is True


def test_a_fact_about_the_message_is_the_same_for_every_element() -> None:
    document = parse(notice(SUBJECT.replace("</n:Subject>", "<n:RiskScore>8</n:RiskScore></n:Subject>")))
    facts = evaluate(document, IEPD)
    assert facts.message("any-subject-at-risk") is True
    assert facts.of(document.root[0], "any-subject-at-risk") is True
    assert facts.message("as-of") == ""


def test_unknown_names_and_wrong_questions_are_mistakes_of_the_caller() -> None:
    facts = evaluate(parse(notice()), IEPD)
    assert facts.names == ("juvenile", "any-subject-at-risk", "as-of", "race")
    with pytest.raises(KeyError):
        facts.message("unknown")
    with pytest.raises(ValueError, match="asked of objects"):
        facts.message("juvenile")


def test_threads_ask_at_the_same_time() -> None:
    answers: list[bool | str] = []

    def work() -> None:
        answers.extend(evaluate(parse(notice(TWO)), IEPD).message("any-subject-at-risk") for _ in range(100))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [False] * 300


def test_what_a_fact_reads_beside_an_object_and_in_it_is_not_put_in_document_order() -> None:
    """For a union libxml2 walks over all siblings between the two: six thousand offenses took four seconds."""
    for missing in (True, False):
        test = parse_expression("t:born/t:date = 'a' or ../t:head[1]/t:x = 'b'", NS)
        fact = Fact(name="f", title="", each=("{urn:t}o",), test=test, kind=FactKind.BOOLEAN, missing=missing)
        assert "|" not in compiled_text(fact)


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_about_each_of_many_objects_does_not_look_through_all_of_them(name: str) -> None:
    """Four thousand offenses took three seconds, forty thousand five minutes."""
    for fact in exchange(name).fact_tests.facts.values():
        beside = re.findall(r"parent::node\(\)/(child::[\w:]+(?:\[1\])?)", compiled_text(fact))
        assert all(step.endswith("[1]") for step in beside), f"{fact.name}: {beside}"
