import pytest
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.parse import parse
from gateway.soap.envelope import NotAnEnvelope
from gateway.soap.service import (
    OPERATIONS,
    SERVICE,
    Acknowledge,
    OperationMalformed,
    Poll,
    Preview,
    Status,
    Submit,
    UnknownOperation,
    action_of,
    node,
    operation_name,
    read,
    standalone,
)


def body(operation: str, inside: str = "") -> etree._Element:
    return etree.fromstring(f'<{operation} xmlns="{SERVICE}">{inside}</{operation}>')


def test_a_submission_is_read() -> None:
    inside = "<To>a</To><To> b </To><Corrects>m</Corrects><Payload><N xmlns=''>x</N></Payload>"
    found = read(body("Submit", inside))
    assert isinstance(found, Submit)
    assert (found.to, found.corrects, found.cancels) == (("a", "b"), "m", "")
    assert parse(found.payload).root.tag == "N"


def test_a_message_to_be_tried_is_not_one_that_is_submitted() -> None:
    found = read(body("Preview", "<To>a</To><Payload><N xmlns=''>x</N></Payload>"))
    assert isinstance(found, Preview)
    assert found.message.to == ("a",)
    with pytest.raises(OperationMalformed, match="Preview"):
        read(body("Preview", "<Corrects>m</Corrects><Cancels>m</Cancels><Payload><N xmlns=''>x</N></Payload>"))


def test_the_other_operations_are_read() -> None:
    assert read(body("Poll")) == Poll(after=0, limit=10)
    assert read(body("Poll", "<After>7</After><Limit>100</Limit>")) == Poll(after=7, limit=100)
    assert read(body("Acknowledge", "<Delivery>a</Delivery><Delivery>b</Delivery>")) == Acknowledge(
        deliveries=("a", "b")
    )
    assert read(body("Status", "<Id>m</Id>")) == Status(id="m")


@pytest.mark.parametrize("text", ["&lt;N/&gt;", "<![CDATA[<N/>]]>", "N"])
def test_a_message_that_the_toolkit_escaped_is_named_as_that(text: str) -> None:
    with pytest.raises(OperationMalformed, match="not as a string"):
        read(body("Submit", f"<Payload>{text}</Payload>"))


@pytest.mark.parametrize("operation", ["Delete", "submit", "Fault"])
def test_another_operation_is_unknown(operation: str) -> None:
    with pytest.raises(UnknownOperation):
        operation_name(body(operation))
    with pytest.raises(UnknownOperation):
        operation_name(etree.Element("Submit"))


@pytest.mark.parametrize(
    ("operation", "inside"),
    [
        ("Submit", ""),
        ("Submit", "<Payload/>"),
        ("Submit", "<Payload><a/><b/></Payload>"),
        ("Submit", "<Payload><a/></Payload><Payload><a/></Payload>"),
        ("Submit", "<Payload><a/></Payload><To>a</To>"),
        ("Submit", "<To/><Payload><a/></Payload>"),
        ("Submit", "<To><b/></To><Payload><a/></Payload>"),
        ("Submit", "<Corrects>a</Corrects><Cancels>b</Cancels><Payload><a/></Payload>"),
        ("Submit", "<Other/><Payload><a/></Payload>"),
        ("Submit", "<x:Payload xmlns:x='urn:x'><a/></x:Payload>"),
        ("Poll", "<After>-1</After>"),
        ("Poll", "<After>1.5</After>"),
        ("Poll", "<After>\u0663</After>"),
        ("Poll", f"<After>{2**63}</After>"),
        ("Poll", "<Limit>0</Limit>"),
        ("Poll", "<Limit>101</Limit>"),
        ("Poll", "<Limit>1</Limit><After>1</After>"),
        ("Acknowledge", ""),
        ("Acknowledge", "<Delivery>a</Delivery>" * 101),
        ("Status", ""),
        ("Status", "<Id>a</Id><Id>b</Id>"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(operation: str, inside: str) -> None:
    with pytest.raises(OperationMalformed):
        read(body(operation, inside))


def test_text_beside_the_payload_is_refused() -> None:
    with pytest.raises(NotAnEnvelope):
        read(body("Submit", "<Payload>text<a/></Payload>"))


def test_a_payload_taken_out_has_the_same_canonical_form() -> None:
    outer = etree.fromstring(
        '<e xmlns="urn:default" xmlns:p="urn:p" xmlns:unused="urn:u"><p:N a="1">x<N xmlns="">y</N><q/></p:N> tail</e>'
    )
    inside = outer[0]
    taken = parse(standalone(inside)).root
    assert exclusive(taken) == etree.tostring(inside, method="c14n", exclusive=True, with_tail=False)
    assert taken.nsmap == {None: "urn:default", "p": "urn:p", "unused": "urn:u"}


def test_elements_are_made_in_the_services_namespace() -> None:
    made = node("Outer", node("Inner", "text"))
    assert etree.tostring(made) == f'<g:Outer xmlns:g="{SERVICE}"><g:Inner>text</g:Inner></g:Outer>'.encode()


def test_every_operation_has_an_action_of_its_own() -> None:
    assert len({action_of(operation) for operation in OPERATIONS}) == len(OPERATIONS)
