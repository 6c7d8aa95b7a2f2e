import pytest
from lxml import etree

from gateway.document.names import WSA
from gateway.soap.addressing import (
    ANONYMOUS,
    NONE,
    Addressing,
    AddressingInvalid,
    AddressingTwice,
    ReplyElsewhere,
    answer_headers,
    read,
)


def blocks(inside: str) -> list[etree._Element]:
    return list(etree.fromstring(f'<h xmlns:w="{WSA}">{inside}</h>'))


def reply_to(address: str, name: str = "ReplyTo") -> str:
    return f"<w:{name}><w:Address>{address}</w:Address></w:{name}>"


def test_the_properties_are_read() -> None:
    found = read(blocks("<w:To>a</w:To><w:Action> b </w:Action><w:MessageID>c</w:MessageID><other/>"))
    assert (found.to, found.action, found.message_id, found.present) == ("a", "b", "c", True)
    assert not found.no_reply


def test_a_request_without_addressing_has_none() -> None:
    assert read(blocks("<other/>")) == Addressing()


@pytest.mark.parametrize("name", ["To", "Action", "MessageID", "ReplyTo", "FaultTo", "From"])
def test_a_property_twice_is_refused(name: str) -> None:
    with pytest.raises(AddressingTwice):
        read(blocks(reply_to(ANONYMOUS, name) * 2))


def test_a_message_may_relate_to_several() -> None:
    assert read(blocks("<w:RelatesTo>a</w:RelatesTo><w:RelatesTo>b</w:RelatesTo>")).present


@pytest.mark.parametrize(
    "inside",
    ["<w:MessageID/>", "<w:MessageID> </w:MessageID>", "<w:Action><x/></w:Action>", "<w:ReplyTo/>", reply_to("")],
)
def test_an_empty_property_is_refused(inside: str) -> None:
    with pytest.raises(AddressingInvalid):
        read(blocks(inside))


@pytest.mark.parametrize("name", ["ReplyTo", "FaultTo"])
def test_answers_go_nowhere_else(name: str) -> None:
    with pytest.raises(ReplyElsewhere):
        read(blocks(reply_to("https://elsewhere.example/", name)))


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
    found = read(blocks(inside))
    assert (found.no_reply, found.no_fault) == (no_reply, no_fault)


def test_the_answer_relates_to_its_request() -> None:
    asked = read(blocks("<w:MessageID>c</w:MessageID>"))
    made = {etree.QName(block).localname: block.text for block in answer_headers(asked, action="x", message_id="y")}
    assert made == {"To": ANONYMOUS, "Action": "x", "MessageID": "y", "RelatesTo": "c"}


def test_who_does_not_use_addressing_is_not_answered_with_it() -> None:
    assert answer_headers(Addressing(), action="x", message_id="y") == ()
