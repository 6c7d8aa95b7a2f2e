"""See what is signed: whatever is done to a signed tree, what verifying gives back is what was signed, or nothing."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import WSU
from gateway.document.parse import parse
from gateway.errors import GatewayError
from gateway.signing.enveloped import verify_enveloped
from gateway.signing.header import verify_envelope
from tests.signing.attacks import document, envelope
from tests.signing.attacks.document import ID, NOTICE_ID
from tests.signing.attacks.forge import name
from tests.signing.attacks.keys import NOW, trusted

Change = Callable[[etree._Element, etree._Element, etree._Element], None]
"""Of a tree, at two of its elements."""


def move(_root: etree._Element, one: etree._Element, other: etree._Element) -> None:
    if one not in (*other.iterancestors(), other):
        other.append(one)


def copy_into(_root: etree._Element, one: etree._Element, other: etree._Element) -> None:
    other.insert(0, deepcopy(one))


def copy_beside(root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    if one is not root:
        one.addnext(deepcopy(one))


def drop(root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    parent = one.getparent()
    if parent is not None:
        parent.remove(one)


def wrap(root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    parent = one.getparent()
    if parent is not None:
        wrapper = etree.Element("{urn:example:w}Wrapper")
        parent.replace(one, wrapper)
        wrapper.append(one)


def wrap_in_object(root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    signature = next(root.iter(name("Signature")), None)
    if signature is not None and signature not in (*one.iter(), *one.iterancestors()):
        etree.SubElement(signature, name("Object")).append(one)


def swap(root: etree._Element, one: etree._Element, other: etree._Element) -> None:
    one.text, other.text = other.text, one.text


def rewrite(_root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    one.text = "Mallory"


def rename(_root: etree._Element, one: etree._Element, other: etree._Element) -> None:
    one.tag = other.tag


def identify(_root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    one.set("Id", NOTICE_ID)


def identify_body(_root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    one.set(f"{{{WSU}}}Id", "body")


def unidentify(_root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    for attribute in (ID, f"{{{WSU}}}Id", "Id"):
        one.attrib.pop(attribute, None)


def take_attributes(_root: etree._Element, one: etree._Element, other: etree._Element) -> None:
    one.attrib.clear()
    one.attrib.update(other.attrib)


def tail(_root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    one.tail = "Mallory"


def comment(_root: etree._Element, one: etree._Element, _other: etree._Element) -> None:
    one.insert(0, etree.Comment("Mallory"))


CHANGES: tuple[Change, ...] = (
    move,
    copy_into,
    copy_beside,
    drop,
    wrap,
    wrap_in_object,
    swap,
    rewrite,
    rename,
    identify,
    identify_body,
    unidentify,
    take_attributes,
    tail,
    comment,
)

PLACES = st.integers(0, 10_000)
STEPS = st.lists(st.tuples(st.sampled_from(CHANGES), PLACES, PLACES), min_size=1, max_size=4)


def mutated(data: bytes, steps: list[tuple[Change, int, int]]) -> bytes:
    root = etree.fromstring(data)
    for change, first, second in steps:
        elements = list(root.iter(etree.Element))
        change(root, elements[first % len(elements)], elements[second % len(elements)])
    return etree.tostring(root)


@cache
def signed_document() -> bytes:
    return document.to_bytes(document.signed(inside=document.BY_ID))


@cache
def signed_envelope() -> bytes:
    return envelope.to_bytes(envelope.signed(with_token=True))


@given(STEPS)
@settings(max_examples=400, deadline=None)
def test_a_changed_document_is_the_signed_one_or_refused(steps: list[tuple[Change, int, int]]) -> None:
    try:
        given_back = verify_enveloped(parse(mutated(signed_document(), steps)), trusted(), now=NOW)
    except GatewayError:
        return
    assert exclusive(given_back.root) == exclusive(document.notice())


@given(STEPS)
@settings(max_examples=400, deadline=None)
def test_a_changed_envelope_is_the_signed_one_or_refused(steps: list[tuple[Change, int, int]]) -> None:
    try:
        root = verify_envelope(parse(mutated(signed_envelope(), steps), instructions=False), trusted(), now=NOW).root
    except GatewayError:
        return
    original = envelope.signed(with_token=True)
    assert exclusive(envelope.body(root)) == exclusive(envelope.body(original))
    assert [exclusive(block) for block in root[0]] == [exclusive(block) for block in original[0][:2]]


@given(PLACES, PLACES, st.binary(max_size=12))
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_are_the_signed_document_or_refused(at: int, length: int, new: bytes) -> None:
    data = signed_document()
    at = at % len(data)
    try:
        given_back = verify_enveloped(parse(data[:at] + new + data[at + length % 40 :]), trusted(), now=NOW)
    except GatewayError:
        return
    assert exclusive(given_back.root) == exclusive(document.notice())


def test_what_nothing_was_done_to_is_accepted() -> None:
    """Else none of these could fail."""
    assert exclusive(verify_enveloped(parse(signed_document()), trusted(), now=NOW).root) == exclusive(
        document.notice()
    )
    assert verify_envelope(parse(signed_envelope()), trusted(), now=NOW).root[0][0] is not None
