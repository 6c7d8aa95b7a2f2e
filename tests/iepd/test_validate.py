"""Tests for gateway/iepd/validate.py and wording.py: every finding, in our words, and no value in any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.parse import Document, parse
from gateway.errors import Refused
from gateway.finding import Finding
from gateway.iepd.package import Iepd
from gateway.iepd.validate import FINDINGS_MAX, validate

from .invented import CORE, EXTENSION_XSD, FIELDS_YAML, NOTICE, SUBJECT, XSI, invented, notice

IEPD = invented()
CANARY = "CANARY7731"
ACTION = "<n:ActionCode>new</n:ActionCode>"
NUMBER = "<n:SubjectNumber>AB-1234</n:SubjectNumber>"


def found(body: str = SUBJECT, head: str = ACTION, attributes: str = "", iepd: Iepd = IEPD) -> tuple[Finding, ...]:
    return validate(parse(notice(body, head, attributes)), iepd)


def only(body: str = SUBJECT, head: str = ACTION, attributes: str = "") -> Finding:
    findings = found(body, head, attributes)
    assert len(findings) == 1, findings
    return findings[0]


def subject(content: str) -> str:
    return f"<n:Subject>{content}</n:Subject>"


def test_a_valid_message_has_no_findings() -> None:
    full = (
        "<n:Subject><nc:PersonName>Ann</nc:PersonName><nc:PersonBirthDate>1990-01-31</nc:PersonBirthDate><c:RaceCode>A"
        f"</c:RaceCode>{NUMBER}<n:JuvenileIndicator>false</n:JuvenileIndicator><n:RiskScore>3</n:RiskScore></n:Subject>"
        "<n:VisitDays>2026-01-31 2026-02-01</n:VisitDays><n:When>2026</n:When>"
    )
    assert found() == ()
    assert found(full) == ()


def test_another_root_is_refused_though_the_schema_knows_it() -> None:
    lone = parse(f'<nc:Person xmlns:nc="{CORE}"/>'.encode())
    assert IEPD.schema.validator.validate(lone.root)
    (finding,) = validate(lone, IEPD)
    assert (finding.code, finding.line) == ("schema.wrong-root", 1)


@pytest.mark.parametrize(
    ("body", "code", "path", "text"),
    [
        (subject(""), "schema.missing-element", "n:Subject", "n:SubjectNumber"),
        ("", "schema.missing-element", "", "n:Subject"),
        (f"{SUBJECT}<n:Gone/>", "schema.unknown-element", "n:Gone", "does not know"),
        (
            subject(f"{NUMBER}<nc:PersonName>x</nc:PersonName>"),
            "schema.unexpected-element",
            "n:Subject/nc:PersonName",
            "n:JuvenileIndicator",
        ),
        (subject(f"text{NUMBER}"), "schema.text-not-allowed", "n:Subject", "text between"),
        (
            subject(f"<nc:PersonBirthDate>soon</nc:PersonBirthDate>{NUMBER}"),
            "schema.bad-value",
            "n:Subject/nc:PersonBirthDate",
            "a date, YYYY-MM-DD (nc:DateType)",
        ),
        (
            subject(f"{NUMBER}<n:JuvenileIndicator>no</n:JuvenileIndicator>"),
            "schema.bad-value",
            "n:Subject/n:JuvenileIndicator",
            "true or false",
        ),
        (
            subject("<n:SubjectNumber>ab-1</n:SubjectNumber>"),
            "schema.wrong-form",
            "n:Subject/n:SubjectNumber",
            "[A-Z]{2}-[0-9]{4}",
        ),
        (
            subject(f"{NUMBER}<n:RiskScore>0</n:RiskScore>"),
            "schema.out-of-range",
            "n:Subject/n:RiskScore",
            "at least 1",
        ),
        (
            subject(f"{NUMBER}<n:RiskScore>11</n:RiskScore>"),
            "schema.out-of-range",
            "n:Subject/n:RiskScore",
            "at most 9",
        ),
        (
            subject(f"{NUMBER}<n:RiskScore>x</n:RiskScore>"),
            "schema.bad-value",
            "n:Subject/n:RiskScore",
            "a whole number",
        ),
        (subject(f"<c:RaceCode>Q</c:RaceCode>{NUMBER}"), "schema.unknown-code", "n:Subject/c:RaceCode", "codes A, B"),
        (f"{SUBJECT}<n:When>x</n:When>", "schema.bad-value", "n:When", "of its schema type"),
        (
            f'{SUBJECT}<nc:Person xsi:nil="maybe"/>',
            "schema.bad-value",
            "nc:Person/@xsi:nil",
            "true or false",
        ),
        (
            f'{SUBJECT}<n:When xsi:nil="true">2026</n:When>',
            "schema.not-nillable",
            "n:When",
            "may not be nil",
        ),
        (f'<n:Subject odd="1">{NUMBER}</n:Subject>', "schema.attribute-not-allowed", "n:Subject/@odd", "not allowed"),
        (
            f'{SUBJECT}<nc:Person xsi:type="n:Gone"/>',
            "schema.wrong-xsi-type",
            "nc:Person/@xsi:type",
            "does not know",
        ),
    ],
)
def test_each_mistake_has_its_code_place_and_words(body: str, code: str, path: str, text: str) -> None:
    findings = [finding for finding in found(body) if not finding.code.startswith("reference.")]
    assert [finding.code for finding in findings] == [code]
    assert findings[0].path == ("/n:Notice/" + path).rstrip("/")
    assert text in findings[0].text
    assert findings[0].line is not None


def test_a_list_of_values_is_judged_as_one() -> None:
    assert only(f"{SUBJECT}<n:VisitDays>2026-01-31 soon</n:VisitDays>").code == "schema.bad-value"


def test_a_missing_attribute_is_named() -> None:
    document = parse(notice().replace(b' version="1"', b""))
    (finding,) = validate(document, IEPD)
    assert (finding.code, finding.path) == ("schema.missing-attribute", "/n:Notice")
    assert "version" in finding.text


def test_the_same_id_twice_is_a_reference_finding() -> None:
    body = f'<n:Subject s:id="P1">{NUMBER}</n:Subject><nc:Person s:id="P1"/>'
    finding = only(body)
    assert (finding.code, finding.path) == ("reference.duplicate-id", "/n:Notice/nc:Person/@id")


def test_an_id_that_is_no_name_is_a_bad_value() -> None:
    assert only(f'{SUBJECT}<nc:Person s:id="9"/>').code == "schema.bad-value"


def test_all_findings_come_in_document_order() -> None:
    body = (
        subject(f"<nc:PersonBirthDate>x</nc:PersonBirthDate>{NUMBER}")
        + "\n<n:Subject/>\n"
        + '<nc:Person s:ref="gone" xsi:nil="true"/>\n<n:VisitDays>x</n:VisitDays>'
    )
    findings = found(body, head="<n:ActionCode>x</n:ActionCode>")
    assert [finding.code for finding in findings] == [
        "schema.unknown-code",
        "schema.bad-value",
        "schema.missing-element",
        "reference.unresolved",
        "schema.bad-value",
    ]
    lines = [finding.line or 0 for finding in findings]
    assert lines == sorted(lines)


def test_the_exchanges_own_prefixes_are_shown_whatever_the_sender_calls_them() -> None:
    data = notice(f"{SUBJECT}<n:VisitDays>x</n:VisitDays>").replace(b"<n:", b"<zz:").replace(b"</n:", b"</zz:")
    data = data.replace(b"xmlns:n=", b"xmlns:zz=")
    (finding,) = validate(parse(data), IEPD)
    assert finding.path == "/n:Notice/n:VisitDays"


def test_a_default_namespace_is_followed_too() -> None:
    data = (
        f'<Notice xmlns="{NOTICE}" version="1"><ActionCode>new</ActionCode><Subject><SubjectNumber>x</SubjectNumber>'
        "</Subject><Subject><SubjectNumber>y</SubjectNumber></Subject></Notice>"
    ).encode()
    assert [finding.path for finding in validate(parse(data), IEPD)] == [
        "/n:Notice/n:Subject[1]/n:SubjectNumber",
        "/n:Notice/n:Subject[2]/n:SubjectNumber",
    ]


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    findings = found(subject("<n:SubjectNumber>x</n:SubjectNumber>") * (FINDINGS_MAX + 50))
    assert len(findings) == FINDINGS_MAX + 1
    assert findings[-1].code == "schema.more-findings"
    assert findings[-1].text.startswith("50 ")
    assert len(validate(parse(notice(subject("") * 9)), IEPD, limit=3)) == 4


def test_of_tens_of_thousands_of_wrong_siblings_the_first_are_told_and_the_rest_are_counted() -> None:
    """libxml2 alone would count all siblings before each of them, which takes minutes."""
    document = parse(notice(subject("<n:SubjectNumber>x</n:SubjectNumber>") * 20_000))
    findings = validate(document, IEPD)
    assert len(findings) == FINDINGS_MAX + 1
    assert findings[-1].text.startswith(f"{20_000 - FINDINGS_MAX} ")


def test_many_siblings_with_few_mistakes_are_placed_exactly() -> None:
    body = SUBJECT * 3_000 + "\n" + subject("<n:SubjectNumber>x</n:SubjectNumber>") + SUBJECT * 3_000
    (finding,) = found(body)
    assert (finding.path, finding.line) == ("/n:Notice/n:Subject[3001]/n:SubjectNumber", 4)


def test_in_a_flood_of_mistakes_the_first_are_still_placed() -> None:
    body = "\n".join(subject("\n<n:SubjectNumber>x</n:SubjectNumber>") for _ in range(3_000))
    findings = found(body)
    assert findings[0].path == "/n:Notice/n:Subject[1]/n:SubjectNumber"
    assert (findings[0].code, findings[0].line) == ("schema.wrong-form", 4)
    assert "schema.missing-element" not in {finding.code for finding in findings}


def test_a_flood_far_behind_is_counted_though_not_placed() -> None:
    body = SUBJECT * 3_000 + subject("<n:SubjectNumber>x</n:SubjectNumber>") * 3_000
    findings = found(body)
    assert len(findings) == FINDINGS_MAX + 1
    assert {finding.path for finding in findings} == {""}


def test_a_tree_that_was_built_is_validated_too() -> None:
    root = parse(notice()).root
    root.append(etree.Element(f"{{{NOTICE}}}When"))
    (finding,) = validate(Document(root), IEPD)
    assert (finding.path, finding.line) == ("/n:Notice/n:When", None)


def test_a_part_of_a_larger_tree_is_validated_by_itself() -> None:
    """The verified node of a SOAP body."""
    envelope = parse(b"<e><b>" + notice(subject("")) + b"</b></e>").root
    (finding,) = validate(Document(envelope[0][0]), IEPD)
    assert finding.code == "schema.missing-element"


# --- no value of the message in any finding ---

_PLACES = [
    '<n:ActionCode xmlns:n="urn:invented:notice">{}</n:ActionCode>',
    "<n:EarlierID>{}</n:EarlierID>",
    '<n:ReasonText nc:metadataRef="{}">{}</n:ReasonText>',
    '<n:ReasonText s:id="{}">{}</n:ReasonText>',
    '<n:ReasonText s:ref="{}"/>',
    '<n:ReasonText s:uri="#{}"/>',
    '<n:ReasonText other="{}" xml:lang="{}"/>',
    "<n:AsOfDateTime>{}</n:AsOfDateTime>",
    "<n:Subject>{}<n:SubjectNumber>{}</n:SubjectNumber></n:Subject>",
    "<n:Subject><nc:PersonBirthDate>{}</nc:PersonBirthDate><c:RaceCode>{}</c:RaceCode></n:Subject>",
    "<n:Subject><n:SubjectNumber/><n:JuvenileIndicator>{}</n:JuvenileIndicator><n:RiskScore>{}</n:RiskScore></n:Subject>",
    '<nc:Person xsi:nil="{}" xsi:type="{}"/>',
    '<nc:Person xsi:nil="true">{}</nc:Person>',
    '<nc:Person xsi:type="x:{}" xmlns:x="urn:{}"/>',
    '<nc:Person xsi:schemaLocation="{} {}" xsi:noNamespaceSchemaLocation="{}"/>',
    "<n:VisitDays>2026-01-31 {}</n:VisitDays>",
    "<n:When>{}</n:When>",
    '<q:Person xmlns:q="urn:{} x"><q:z>{}</q:z></q:Person>',
    '<Person xmlns="x\' ) . Expected is one of ( {} ). Missing child element(s). Expected is ( {} )."/>',
    '<n:When xmlns:y="x\', attribute \'{}\': {}" y:k="{}"/>',
    "{}",
    "<![CDATA[{}]]>",
    "<?target {}?>",
    "<!-- {} -->",
]


@given(
    st.lists(st.sampled_from(_PLACES), min_size=1, max_size=8), st.sampled_from(["{}", "{}-1", "9{}", "{} {}", " {}\n"])
)
def test_no_value_of_the_message_comes_out(places: list[str], form: str) -> None:
    value = form.replace("{}", CANARY)
    body = "\n".join(place.replace("{}", value) for place in places)
    try:
        findings = validate(parse(notice(body, head="")), IEPD)
    except Refused as refusal:
        said = repr(refusal)
    else:
        said = repr(findings) + "".join(map(str, findings))
    assert CANARY not in said


def test_every_leaf_of_the_schema_can_be_wrong_without_saying_its_value() -> None:
    for field in IEPD.catalog.fields:
        root = etree.Element(IEPD.root, nsmap=dict(IEPD.namespaces))
        at = root
        for step in field.path:
            if step.startswith("@"):
                at.set(step[1:], CANARY)
            else:
                at = etree.SubElement(at, step)
        if not field.is_attribute:
            at.text = CANARY
        findings = validate(Document(root), IEPD)
        assert findings
        assert CANARY not in repr(findings)


def test_local_elements_and_anonymous_types_have_words_too() -> None:
    local = EXTENSION_XSD.replace(
        '<xs:element ref="n:When" minOccurs="0"/>',
        '<xs:element ref="n:When" minOccurs="0"/>'
        '<xs:element name="local" form="qualified" minOccurs="0"><xs:simpleType>'
        '<xs:restriction base="xs:token"><xs:length value="3"/></xs:restriction></xs:simpleType></xs:element>',
    )
    iepd = invented(FIELDS_YAML, local)
    (finding,) = found(f"{SUBJECT}<n:local>x</n:local>", iepd=iepd)
    assert (finding.code, finding.text) == ("schema.wrong-length", "the value must have exactly 3 characters")
    (finding,) = found(f"<n:local>abc</n:local>{SUBJECT}", iepd=iepd)
    assert finding.code == "schema.unexpected-element"


def test_nil_is_shown_with_its_usual_prefix() -> None:
    finding = only(f'{SUBJECT}<nc:Person xsi:nil="true"/>')
    assert finding.path == "/n:Notice/nc:Person/@xsi:nil"
    assert XSI not in str(finding)
