import tracemalloc

import pytest
from lxml import etree

from gateway.document.names import COVER, SOAP11, SOAP12, WSA, WSSE
from gateway.document.parse import parse
from gateway.soap.address import ADDRESS_LENGTH_MAX
from gateway.soap.addressing import (
    Addressing,
    AddressingInvalid,
    AddressingMissing,
    AddressingTwice,
    AddressingVersion,
    ToElsewhere,
    answer_headers,
    check_to,
    check_version,
    glance,
    read,
)
from gateway.soap.envelope import Envelope
from gateway.soap.envelope import read as read_envelope
from gateway.soap.reference import ANONYMOUS, CONNECTION, NONE, PARAMETERS_MAX, Reference

DRAFT = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WHOLE = "<w:Action>a</w:Action><w:MessageID>m</w:MessageID>"
CALLBACK = "https://rms.harlan.example/replies"
OWN = ("https://gateway.example/soap",)


def envelope(inside: str, version: str = SOAP12) -> Envelope:
    parts = f"<s:Header>{inside}</s:Header><s:Body><b/></s:Body>"
    text = f'<s:Envelope xmlns:s="{version}" xmlns:w="{WSA}">{parts}</s:Envelope>'
    return read_envelope(parse(text.encode()))


def reply_to(address: str, name: str = "ReplyTo", more: str = "") -> str:
    return f"<w:{name}><w:Address>{address}</w:Address>{more}</w:{name}>"


def parameters(inside: str) -> str:
    return f"<w:ReferenceParameters>{inside}</w:ReferenceParameters>"


def test_the_properties_are_read() -> None:
    found = read(envelope("<w:To>a</w:To><w:Action> b </w:Action><w:MessageID>c</w:MessageID><other/>"))
    assert (found.to, found.action, found.message_id, found.present) == ("a", "b", "c", True)
    assert not found.no_reply


def test_a_request_without_addressing_has_none() -> None:
    assert read(envelope("<other/>")) == Addressing() == glance(envelope("<other/>"))


@pytest.mark.parametrize("name", ["To", "Action", "MessageID", "ReplyTo", "FaultTo", "From"])
def test_a_property_twice_is_refused_and_named(name: str) -> None:
    with pytest.raises(AddressingTwice) as caught:
        read(envelope(reply_to(ANONYMOUS, name) * 2))
    assert caught.value.names == ("InvalidAddressingHeader", "InvalidCardinality")
    assert caught.value.header == name


@pytest.mark.parametrize(("version", "role"), [(SOAP11, "actor"), (SOAP12, "role")])
def test_a_property_for_somebody_on_the_way_is_not_ours(version: str, role: str) -> None:
    theirs = f'<w:MessageID s:{role}="urn:somebody-else">theirs</w:MessageID>'
    assert read(envelope(f"{theirs}<w:MessageID>ours</w:MessageID>", version)).message_id == "ours"
    assert not read(envelope(theirs, version)).present


def test_a_message_may_relate_to_several() -> None:
    assert read(envelope("<w:RelatesTo>a</w:RelatesTo><w:RelatesTo>b</w:RelatesTo>")).present


@pytest.mark.parametrize(
    ("inside", "special"),
    [
        ("<w:MessageID/>", ""),
        ("<w:MessageID> </w:MessageID>", ""),
        ("<w:Action><x/></w:Action>", ""),
        ("<w:ReplyTo/>", "MissingAddressInEPR"),
        ("<w:ReplyTo>text</w:ReplyTo>", "InvalidEPR"),
        (reply_to(""), ""),
        (reply_to("urn:uuid:1"), "InvalidAddress"),
        (reply_to("https://user@rms.harlan.example/"), "InvalidAddress"),
        (reply_to("/replies"), "InvalidAddress"),
        (reply_to(ANONYMOUS, more="<w:Address>x</w:Address>"), "InvalidEPR"),
        (reply_to(ANONYMOUS, more=parameters("") * 2), "InvalidEPR"),
    ],
)
def test_a_property_not_of_its_form_is_refused(inside: str, special: str) -> None:
    with pytest.raises(AddressingInvalid) as caught:
        read(envelope(inside))
    assert caught.value.names == ("InvalidAddressingHeader", *([special] if special else []))


@pytest.mark.parametrize(
    ("inside", "no_reply", "no_fault"),
    [
        (reply_to(ANONYMOUS), False, False),
        (reply_to(NONE), True, True),
        (reply_to(NONE) + reply_to(ANONYMOUS, "FaultTo"), True, False),
        (reply_to(NONE, "FaultTo"), False, True),
    ],
)
def test_an_answer_or_a_fault_may_be_declined(inside: str, no_reply: bool, no_fault: bool) -> None:
    found = read(envelope(inside))
    assert (found.no_reply, found.no_fault) == (no_reply, no_fault)


def test_faults_go_where_answers_go_unless_it_is_said() -> None:
    assert read(envelope(WHOLE + reply_to(CALLBACK))).fault_to.address == CALLBACK
    found = read(envelope(WHOLE + reply_to(CALLBACK) + reply_to(ANONYMOUS, "FaultTo")))
    assert (found.reply_to.elsewhere, found.fault_to) == (True, CONNECTION)


@pytest.mark.parametrize("name", ["ReplyTo", "FaultTo"])
@pytest.mark.parametrize(
    ("inside", "missing"), [("<w:Action>a</w:Action>", "MessageID"), ("<w:MessageID>m</w:MessageID>", "Action")]
)
def test_an_answer_elsewhere_needs_to_say_what_it_answers(name: str, inside: str, missing: str) -> None:
    with pytest.raises(AddressingMissing) as caught:
        read(envelope(inside + reply_to(CALLBACK, name)))
    assert (caught.value.names, caught.value.header) == (("MessageAddressingHeaderRequired",), missing)


@pytest.mark.parametrize(
    "inside",
    [
        "<bare/>",
        f'<x:Security xmlns:x="{WSSE}"/>',
        f'<x:Cover xmlns:x="{COVER}"/>',
        "<w:RelatesTo>m</w:RelatesTo>",
        "<s:Upgrade/>",
        f'<x:Header xmlns:x="{SOAP11}"/>',
        '<x:Case xmlns:x="urn:x" Id="body"/>',
        '<x:Case xmlns:x="urn:x"><y xml:id="body"/></x:Case>',
        '<x:Case xmlns:x="urn:x" xmlns:u="urn:u" u:ID="body"/>',
        '<x:Case xmlns:x="urn:x"/>' * (PARAMETERS_MAX + 1),
        f'<x:Case xmlns:x="urn:x">{"1" * 5000}</x:Case>',
    ],
)
def test_a_reference_parameter_that_could_pass_for_a_header_of_ours_is_refused(inside: str) -> None:
    with pytest.raises(AddressingInvalid) as caught:
        read(envelope(reply_to(ANONYMOUS, more=parameters(inside))))
    assert caught.value.names == ("InvalidAddressingHeader", "InvalidEPR")


def test_reference_parameters_come_back_as_marked_headers() -> None:
    inside = '<x:Case xmlns:x="urn:x" kind="x:open">17</x:Case><x:Seq xmlns:x="urn:x"><x:N>1</x:N></x:Seq>'
    asked = read(envelope(WHOLE + reply_to(ANONYMOUS, more=parameters(inside))))
    blocks = answer_headers(asked, action="x", message_id="y")[4:]
    assert [block.tag for block in blocks] == ["{urn:x}Case", "{urn:x}Seq"]
    assert [block.get(f"{{{WSA}}}IsReferenceParameter") for block in blocks] == ["true", "true"]
    assert (blocks[0].text, blocks[0].get("kind"), blocks[0].nsmap["x"], blocks[1][0].text) == (
        "17",
        "x:open",
        "urn:x",
        "1",
    )


def test_those_of_the_fault_address_come_back_with_a_fault() -> None:
    inside = WHOLE + reply_to(ANONYMOUS) + reply_to(CALLBACK, "FaultTo", parameters('<x:F xmlns:x="urn:x"/>'))
    asked = read(envelope(inside))
    assert len(answer_headers(asked, action="x", message_id="y")) == 4
    blocks = answer_headers(asked, action="x", message_id="y", to=asked.fault_to)
    assert (blocks[0].text, blocks[-1].tag) == (CALLBACK, "{urn:x}F")


@pytest.mark.parametrize("to", ["", ANONYMOUS, "https://gateway.example/soap", "HTTPS://GATEWAY.example:443/soap/"])
def test_a_request_to_us_is_taken(to: str) -> None:
    check_to(Addressing(to=to, namespace=WSA), OWN)


@pytest.mark.parametrize("to", ["https://elsewhere.example/soap", "urn:gateway", "https://gateway.example/other", NONE])
def test_a_request_to_another_service_is_refused(to: str) -> None:
    with pytest.raises(ToElsewhere) as caught:
        check_to(Addressing(to=to, namespace=WSA), OWN)
    assert (caught.value.names, caught.value.header) == (("DestinationUnreachable",), "To")
    assert to not in caught.value.text


@pytest.mark.parametrize("must", ["0", "1"])
def test_headers_of_a_draft_are_refused_in_its_own_words(must: str) -> None:
    old = f'<a:MessageID xmlns:a="{DRAFT}" s:mustUnderstand="{must}">uuid:7</a:MessageID>'
    with pytest.raises(AddressingVersion) as caught:
        check_version(envelope(old, SOAP11))
    assert caught.value.names == ((f"{{{DRAFT}}}MessageID",) if must == "1" else ())
    blocks = answer_headers(glance(envelope(old, SOAP11)), action="x", message_id="y")
    assert {block.tag: block.text for block in blocks} == {
        f"{{{DRAFT}}}To": f"{DRAFT}/role/anonymous",
        f"{{{DRAFT}}}Action": f"{DRAFT}/fault",
        f"{{{DRAFT}}}MessageID": "y",
        f"{{{DRAFT}}}RelatesTo": "uuid:7",
    }


def test_what_is_wrong_elsewhere_does_not_lose_what_the_answer_relates_to() -> None:
    found = glance(envelope("<w:MessageID> m </w:MessageID><w:Action/>"))
    assert (found.present, found.message_id) == (True, "m")
    assert glance(envelope("<w:MessageID>m</w:MessageID>" * 2)).message_id == ""


def test_the_answer_relates_to_its_request() -> None:
    asked = read(envelope("<w:MessageID>c</w:MessageID>"))
    made = {etree.QName(block).localname: block.text for block in answer_headers(asked, action="x", message_id="y")}
    assert made == {"To": ANONYMOUS, "Action": "x", "MessageID": "y", "RelatesTo": "c"}


def test_who_does_not_use_addressing_is_not_answered_with_it() -> None:
    assert answer_headers(Addressing(), action="x", message_id="y", to=Reference(address=CALLBACK)) == ()


@pytest.mark.parametrize("name", ["MessageID", "Action", "To"])
def test_what_an_answer_says_again_is_short(name: str) -> None:
    read(envelope(f"<w:{name}>{'u' * ADDRESS_LENGTH_MAX}</w:{name}>"))
    with pytest.raises(AddressingInvalid) as caught:
        read(envelope(f"<w:{name}>{'u' * (ADDRESS_LENGTH_MAX + 1)}</w:{name}>"))
    assert caught.value.header == name
    assert "uuu" not in caught.value.text


def test_too_many_reference_parameters_are_not_written_out() -> None:
    """Each is written with all namespaces around it."""
    names = " ".join(f'xmlns:n{number}="urn:{"x" * 400}{number}"' for number in range(90))
    found = envelope(
        f"<w:ReplyTo><w:Address>{ANONYMOUS}</w:Address><w:ReferenceParameters xmlns:x='urn:x' {names}>"
        f"{'<x:Case/>' * 2_000}</w:ReferenceParameters></w:ReplyTo>"
    )
    tracemalloc.start()
    try:
        with pytest.raises(AddressingInvalid):
            read(found)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
