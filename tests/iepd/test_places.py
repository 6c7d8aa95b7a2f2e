"""Tests for gateway/iepd/places.py: facts by all that a document says of an object, wherever it says it."""

import time

import pytest
from lxml import etree

from gateway.document.expression import parse_expression
from gateway.document.parse import Document, parse
from gateway.iepd.facts import Fact, FactKind, Facts, FactTests, evaluate
from gateway.iepd.places import VIEWS_MAX

from .our_exchanges import NAMES, STRUCTURES, exchange, fields, folder

AS_OF = "<ec:MessageAsOfDateTime>2026-12-01T08:00:00-05:00</ec:MessageAsOfDateTime>"
ADULT = "<ec:PersonJuvenileIndicator>false</ec:PersonJuvenileIndicator>"
JUVENILE = "<ec:PersonJuvenileIndicator>true</ec:PersonJuvenileIndicator>"
BORN_1991 = "<nc:PersonBirthDate><nc:Date>1991-03-17</nc:Date></nc:PersonBirthDate>"
BORN_2012 = "<nc:PersonBirthDate><nc:Date>2012-06-01</nc:Date></nc:PersonBirthDate>"
ORDER = "<ec:NoContactAssociation><ec:RestrainedPerson {}>{}</ec:RestrainedPerson></ec:NoContactAssociation>"


def facts_of(content: str, name: str = "custody-release") -> tuple[Facts, etree._Element]:
    namespaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in fields(name)["namespaces"].items())
    tag = fields(name)["root"]
    document = parse(f"<{tag}{namespaces}>{content}</{tag}>".encode())
    return evaluate(document, exchange(name)), document.root


def is_juvenile(subject: str, *others: str, identity: str = 'structures:id="p1"') -> bool | str:
    return facts_of(f"{AS_OF}<cr:Subject {identity}>{subject}</cr:Subject>{''.join(others)}")[0].message("juvenile")


@pytest.mark.parametrize(
    ("identity", "pointer"),
    [
        ('structures:id="p1"', 'structures:uri="#p1"'),
        ('structures:id="p1"', 'structures:uri="#%701"'),
        ('structures:id="p1"', 'structures:ref="p1"'),
        ('structures:uri="https://hcj.example/person/17"', 'structures:uri=" https://hcj.example/person/17 "'),
        ('structures:uri="https://hcj.example/person/17"', 'structures:uri="HTTPS://HCJ.example:443/%70erson/17"'),
        ('structures:uri="#p1"', 'structures:id="p1"'),
    ],
)
def test_a_birth_date_at_another_place_of_the_subject_is_the_subjects(identity: str, pointer: str) -> None:
    assert is_juvenile(ADULT, ORDER.format(pointer, BORN_2012), identity=identity) is True
    assert is_juvenile(ADULT, ORDER.format(pointer, BORN_1991), identity=identity) is False


def test_another_persons_birth_date_is_not_the_subjects() -> None:
    assert is_juvenile(ADULT, ORDER.format('structures:uri="#p2"', BORN_2012)) is False
    assert is_juvenile(ADULT, ORDER.format("", BORN_2012)) is False


@pytest.mark.parametrize(
    "places",
    [
        [BORN_1991 + ADULT, BORN_2012],
        [BORN_2012 + ADULT, BORN_1991],
        [BORN_1991 + ADULT, JUVENILE],
        [BORN_1991, BORN_1991, ADULT, BORN_2012],
        [ADULT, BORN_1991, BORN_2012],
        [ADULT, "<nc:PersonBirthDate><nc:Date>1991-03-17</nc:Date></nc:PersonBirthDate>", BORN_2012 + ADULT],
    ],
)
def test_of_places_that_disagree_the_strictest_answer_is_given(places: list[str]) -> None:
    subject, *others = places
    assert is_juvenile(subject, *(ORDER.format('structures:uri="#p1"', each) for each in others)) is True


def test_the_same_said_twice_is_no_disagreement() -> None:
    indented = BORN_1991.replace("><", ">\n  <")
    assert is_juvenile(BORN_1991, ORDER.format('structures:uri="#p1"', indented)) is False


def test_what_is_strict_at_one_place_stays_so_whatever_another_says() -> None:
    order = ORDER.format('structures:id="p1"', ADULT)
    facts, root = facts_of(f'{AS_OF}<cr:HouseholdMember structures:uri="#p1"/>{order}')
    assert facts.of(root[1], "household.juvenile") is True


def test_a_birth_date_that_is_itself_somewhere_else_is_found_there() -> None:
    pointer = '<nc:PersonBirthDate structures:uri="#d1" xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
    date = '<j:Offense><nc:ActivityDate structures:id="d1"><nc:Date>{}</nc:Date></nc:ActivityDate></j:Offense>'
    assert is_juvenile(pointer + ADULT, date.format("2012-06-01")) is True
    assert is_juvenile(pointer + ADULT, date.format("1991-03-17")) is False
    order = ORDER.format('structures:uri="#p1"', pointer)
    assert is_juvenile(ADULT, order, date.format("2012-06-01")) is True


def test_each_object_is_asked_by_its_own_places() -> None:
    member = '<cr:HouseholdMember structures:id="{}">{}</cr:HouseholdMember>'
    content = AS_OF + member.format("m1", ADULT) + member.format("m2", ADULT)
    facts, root = facts_of(content + ORDER.format('structures:uri="#m2"', BORN_2012))
    assert [facts.of(each, "household.juvenile") for each in root[1:3]] == [False, True]


def test_one_of_several_subjects_makes_a_police_contact_a_juvenile_one() -> None:
    subject = '<pc:Subject structures:id="{}">{}</pc:Subject>'
    content = AS_OF + subject.format("p1", ADULT) + subject.format("p2", ADULT)
    facts, root = facts_of(content + f'<pc:Witness structures:uri="#p2">{BORN_2012}</pc:Witness>', "police-contact")
    assert facts.message("juvenile") is True
    assert [facts.of(each, "subject.juvenile") for each in root[1:3]] == [False, True]
    assert facts.of(root[3], "witness.juvenile") is True


def test_a_text_that_differs_between_places_is_not_told() -> None:
    need = "<ec:MedicalNeed structures:{}><ec:OriginCode>{}</ec:OriginCode></ec:MedicalNeed>"
    other = need.format('uri="#n"', "court")
    for origin, told in (("court", "court"), ("part2-program", "")):
        own = need.format('id="n"', origin)
        content = f"<cr:Subject>{own}</cr:Subject><cr:HouseholdMember>{other}</cr:HouseholdMember>"
        facts, root = facts_of(AS_OF + content)
        assert facts.of(root[1][0], "medical.origin") == told


@pytest.mark.parametrize("name", NAMES)
def test_pointers_alone_change_no_answer(name: str) -> None:
    """The shipped sample says more of its subject at a second place, none of it anything a fact asks for."""
    data = (folder(name) / "samples" / "persons-linked-by-uri.xml").read_bytes()
    linked, loose = parse(data), parse(data)
    for element in loose.root.iter(etree.Element):
        for attribute in ("id", "ref", "uri"):
            element.attrib.pop(f"{{{STRUCTURES}}}{attribute}", None)
    iepd = exchange(name)
    asked, plain = evaluate(linked, iepd), evaluate(loose, iepd)
    for fact in iepd.facts:
        places = zip(linked.root.iter(etree.Element), loose.root.iter(etree.Element), strict=True)
        for one, other in places:
            assert asked.of(one, fact.name) == plain.of(other, fact.name), fact.name


# --- what nobody means well with ---

NS = {"t": "urn:t", "s": STRUCTURES}


def flagged(content: str, test: str = "t:o/t:x = 'true'", missing: bool | str = True) -> bool | str:
    kind = FactKind.BOOLEAN if isinstance(missing, bool) else FactKind.TEXT
    fact = Fact(name="f", title="", each=(), test=parse_expression(test, NS), kind=kind, missing=missing)
    root = etree.fromstring(f'<t:r xmlns:t="urn:t" xmlns:s="{STRUCTURES}">{content}</t:r>')
    return Facts(Document(root), FactTests((fact,), NS, (STRUCTURES,))).message("f")


def test_an_object_that_lies_in_itself_is_read_once() -> None:
    turns = '<t:o s:id="a"><t:x>false</t:x><t:p s:uri="#a"><t:o s:uri="#a"/></t:p></t:o>'
    assert flagged(turns) is False
    assert flagged(turns + '<t:q s:uri="#a"><t:x>true</t:x></t:q>') is True


def test_an_attribute_and_a_text_are_things_said_too() -> None:
    assert flagged('<t:o s:id="a" t:y="false"/>', "t:o/@t:y = 'true'") is False
    assert flagged('<t:o s:id="a" t:y="false"/><t:q s:uri="#a" t:y="true"/>', "t:o/@t:y = 'true'") is True
    leaf = '<t:o><t:x s:id="a">fal<?cut here?>se</t:x></t:o>'
    assert flagged(leaf + '<t:q s:uri="#a"/>') is False
    assert flagged(leaf + '<t:q s:uri="#a">true</t:q>') is True


def test_where_objects_are_too_tangled_every_answer_is_the_strict_one() -> None:
    own = '<t:o s:id="a"><t:x>false</t:x></t:o>'
    others = "".join(f'<t:q s:uri="#a"><t:x>{number}</t:x></t:q>' for number in range(1, VIEWS_MAX))
    assert flagged(own + others.replace(">1<", ">no<")) is False
    assert flagged(own + others.replace(">1<", ">no<") + '<t:q s:uri="#a"><t:x>one more</t:x></t:q>') is True
    # Each object lies ten times in the one before it: written out they would be ten billion.
    boxes = "".join(
        f'<t:o s:id="b{number}">' + f'<t:o s:uri="#b{number + 1}"/>' * 10 + "</t:o>" for number in range(10)
    )
    began = time.perf_counter()
    assert flagged("<t:o><t:x>false</t:x></t:o>" + boxes) is True
    assert time.perf_counter() - began < 5


def test_what_no_fact_looks_at_may_be_said_in_any_number_of_ways() -> None:
    own = '<t:o s:id="a"><t:x>false</t:x></t:o>'
    assert flagged(own + "".join(f'<t:q s:uri="#a"><t:z>{each}</t:z></t:q>' for each in range(3 * VIEWS_MAX))) is False


@pytest.mark.parametrize(
    "test",
    [
        "t:o/t:x = 'true'",
        "boolean(t:o[normalize-space(t:x) = 'true'])",
        "boolean(t:o/t:x[normalize-space(.) = 'true'])",
        "boolean(t:o/*[. = 'true'])",
        "boolean(t:o/descendant::t:x[normalize-space(.) = 'true'])",
        "normalize-space(t:o) = 'true'",
        "contains(., 'truetrue')",
        "boolean(t:o[boolean(t:x/../t:x[. = 'true'])])",
        "count(t:o/t:x) = 1",
        "boolean(t:o[t:x])",
    ],
)
def test_however_a_test_comes_to_a_value_it_finds_what_is_said_elsewhere(test: str) -> None:
    """The strict answer is the one that differs from what stands at the object's own place."""
    content = '<t:o s:id="a"/><t:q s:uri="#a"><t:x>true</t:x></t:q>'
    plain = flagged(content.replace("s:uri", "s:id").replace('"#a"', '"b"'), test, missing=False)
    assert flagged(content, test, missing=not plain) is not plain
