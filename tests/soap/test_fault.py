import pytest
from lxml import etree

from gateway.document.names import SOAP11, SOAP12, WSA
from gateway.document.parse import parse
from gateway.finding import Finding
from gateway.soap.envelope import MustUnderstand, NotAnEnvelope, Version, VersionMismatch, read, write
from gateway.soap.fault import Fault, FaultCode, body, headers, kind_of
from gateway.soap.service import SERVICE
from gateway.soap.wsdl import SCHEMA

BOTH = pytest.mark.parametrize("version", list(Version), ids=["1.1", "1.2"])
FINDING = Finding(code="schema.type", text="not a date", path="/a", line=3)


def fault(kind: FaultCode = FaultCode.SENDER, **more: object) -> Fault:
    return Fault(kind=kind, code="message.invalid", text="not valid", **more)  # type: ignore[arg-type]


@BOTH
def test_a_fault_says_code_text_and_findings(version: Version) -> None:
    made = body(fault(correlation="c-1", findings=(FINDING,)), version)
    found = read(parse(write(version, made))).body
    problem = found.find(f".//{{{SERVICE}}}Problem")
    assert problem is not None
    etree.XMLSchema(etree.fromstring(SCHEMA.encode())).assertValid(etree.fromstring(etree.tostring(problem)))
    assert [etree.QName(each).localname for each in problem] == ["Code", "Text", "CorrelationId", "Finding"]


def test_the_parts_of_a_1_1_fault_have_no_namespace() -> None:
    made = body(fault(), Version.SOAP_11)
    assert [each.tag for each in made] == ["faultcode", "faultstring", "detail"]
    assert made.findtext("faultcode") == "soap:Client"


def test_a_1_2_fault_has_our_code_as_subcode_and_a_language() -> None:
    made = body(fault(FaultCode.RECEIVER), Version.SOAP_12)
    values = [each.text for each in made.iter(f"{{{SOAP12}}}Value")]
    assert values == ["soap:Receiver", "g:message.invalid"]
    text = made.find(f".//{{{SOAP12}}}Text")
    assert text is not None
    assert text.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"


@pytest.mark.parametrize(
    ("error", "callers", "kind"),
    [
        (VersionMismatch("x"), True, FaultCode.VERSION_MISMATCH),
        (MustUnderstand(("a",)), True, FaultCode.MUST_UNDERSTAND),
        (NotAnEnvelope("x"), True, FaultCode.SENDER),
        (ValueError("x"), False, FaultCode.RECEIVER),
    ],
)
def test_the_fault_code_follows_from_the_error(error: Exception, callers: bool, kind: FaultCode) -> None:
    assert kind_of(error, callers_fault=callers) is kind


@BOTH
def test_a_version_mismatch_names_both_versions_by_prefixes_that_stand(version: Version) -> None:
    told = fault(FaultCode.VERSION_MISMATCH)
    root = parse(write(version, body(told, version), headers(told, version))).root
    named = []
    for each in root.iter(f"{{{SOAP12}}}SupportedEnvelope"):
        prefix, _, local = str(each.get("qname")).partition(":")
        named.append((each.nsmap[prefix], local))
    assert named == [(SOAP12, "Envelope"), (SOAP11, "Envelope")]


@pytest.mark.parametrize("name", ["{urn:x}Block", f"{{{SOAP12}}}Block", "Block"])
def test_what_was_not_understood_is_named_in_1_2(name: str) -> None:
    told = fault(FaultCode.MUST_UNDERSTAND, names=(name,))
    root = parse(write(Version.SOAP_12, body(told, Version.SOAP_12), headers(told, Version.SOAP_12))).root
    (block,) = root.iter(f"{{{SOAP12}}}NotUnderstood")
    prefix, _, local = str(block.get("qname")).rpartition(":")
    assert (f"{{{block.nsmap[prefix]}}}{local}" if prefix else local) == name


def test_1_1_has_no_such_headers() -> None:
    assert headers(fault(FaultCode.MUST_UNDERSTAND, names=("{urn:x}Block",)), Version.SOAP_11) == ()


WRONG = fault(addressing=("InvalidAddressingHeader", "InvalidCardinality"), header="To")


def test_1_2_says_what_is_wrong_with_addressing_from_the_general_to_the_special() -> None:
    made = body(WRONG, Version.SOAP_12)
    root = parse(write(Version.SOAP_12, made, headers(WRONG, Version.SOAP_12))).root
    values = [(each.text or "").split(":") for each in root.iter(f"{{{SOAP12}}}Value")]
    assert [local for _, local in values] == ["Sender", "InvalidAddressingHeader", "InvalidCardinality"]
    assert [root.find(".//{*}Value").nsmap[prefix] for prefix, _ in values] == [SOAP12, WSA, WSA]  # type: ignore[union-attr]
    detail = root.find(f".//{{{SOAP12}}}Detail")
    assert detail is not None
    assert [each.tag for each in detail] == [f"{{{SERVICE}}}Problem", f"{{{WSA}}}ProblemHeaderQName"]
    assert detail[1].text == "wsa:To"


def test_1_1_says_the_most_special_and_names_the_header_in_a_header() -> None:
    made = body(WRONG, Version.SOAP_11)
    root = parse(write(Version.SOAP_11, made, headers(WRONG, Version.SOAP_11))).root
    code = root.find(".//faultcode")
    assert code is not None
    assert (code.text, code.nsmap["wsa"]) == ("wsa:InvalidCardinality", WSA)
    named = root.find(f"{{*}}Header/{{{WSA}}}FaultDetail/{{{WSA}}}ProblemHeaderQName")
    assert named is not None
    assert named.text == "wsa:To"
    assert [each.tag for each in root.findall(".//detail/*")] == [f"{{{SERVICE}}}Problem"]


@pytest.mark.parametrize(
    ("told", "action"),
    [
        (WRONG, f"{WSA}/fault"),
        (fault(FaultCode.MUST_UNDERSTAND), f"{WSA}/soap/fault"),
        (fault(), f"{SERVICE}:Problem"),
    ],
)
def test_the_action_tells_whose_fault_it_is(told: Fault, action: str) -> None:
    assert told.action == action
