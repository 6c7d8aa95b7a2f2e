"""Reading a signature at one glance and element by element come to the same, over everything that attacks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import DS
from gateway.document.parse import parse
from gateway.errors import GatewayError
from gateway.signing import shape
from gateway.signing.enveloped import ENVELOPED, sign_enveloped
from gateway.signing.header import sign_envelope
from gateway.signing.shape import Shape, read_shape
from gateway.signing.usual import PREFIXES, read_usual
from tests.signing.attacks.documents import DOCUMENTS
from tests.signing.parties import NOW, certified, jail, notice, rsa_key
from tests.signing.test_header import LATER, plain

SIGNED = sign_enveloped(notice(), jail())


def signature(data: bytes) -> etree._Element | None:
    return next(parse(data).root.iter(f"{{{DS}}}Signature"), None)


def both(element: etree._Element, *chains: tuple[shape.Transform, ...]) -> tuple[object, object]:
    """What the two ways of reading say: a shape as a plain value, or the code of a refusal."""
    return told(lambda: read_shape(element, *chains)), told(lambda: shape._element_by_element(element, chains))


def told(read: object) -> object:
    try:
        made = read()  # type: ignore[operator]
    except GatewayError as error:
        return error.code
    assert isinstance(made, Shape)
    return made.signed_info, made.method, made.value, made.references, made.key_info


@pytest.mark.parametrize("name", DOCUMENTS)
def test_both_ways_come_to_the_same_over_every_vector(name: str) -> None:
    try:
        found = signature(DOCUMENTS[name].make())
    except GatewayError:
        return
    if found is not None:
        at_a_glance, by_element = both(found, ENVELOPED)
        assert at_a_glance == by_element


def test_what_we_write_is_usual() -> None:
    element = signature(SIGNED)
    assert element is not None
    usual = read_usual(element)
    assert usual is not None
    assert usual.signed_info == exclusive(element[0])
    root = sign_envelope(parse(plain()).root, certified(rsa_key(2048), "jail"), created=NOW, expires=LATER)  # type: ignore[arg-type]
    inner = root[0][-1][-1]
    usual = read_usual(inner)
    assert usual is not None
    assert usual.signed_info == exclusive(inner[0])
    assert len(usual.references) == 7


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_of_toolkits_are_usual(prefix: bytes) -> None:
    declared = b"xmlns:" + prefix[:-1] if prefix else b"xmlns"
    data = SIGNED.replace(b"<ds:", b"<" + prefix).replace(b"</ds:", b"</" + prefix).replace(b"xmlns:ds", declared)
    element = signature(data)
    assert element is not None
    element.set("Id", "s-1")
    element[0].set("Id", "i-1")
    usual = read_usual(element)
    assert usual is not None
    assert usual.signed_info == exclusive(element[0])


@pytest.mark.parametrize(
    "change",
    [
        (b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object/>"),
        (b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object/><ds:KeyInfo><a/></ds:KeyInfo>"),
        (b"</ds:SignatureValue>", b"</ds:SignatureValue><ds:Object/>"),
        (b"<ds:KeyInfo>", b'<ds:KeyInfo onload="x">'),
        (b"<ds:KeyInfo>", b'<KeyInfo xmlns="urn:other">'),
        (b"<ds:Reference ", b'<ds:Reference Type="x" '),
        (b"</ds:Signature>", b"text</ds:Signature>"),
        (b"<ds:SignedInfo>", b'<ds:SignedInfo xml:lang="en">'),
    ],
)
def test_what_is_not_the_usual_text_is_left_to_the_longer_way(change: tuple[bytes, bytes]) -> None:
    data = SIGNED.replace(*change)
    if b"<KeyInfo" in data:
        data = data.replace(b"</ds:KeyInfo>", b"</KeyInfo>")
    element = signature(data)
    assert element is not None
    assert read_usual(element) is None
    at_a_glance, by_element = both(element, ENVELOPED)
    assert at_a_glance == by_element


AT = st.integers(0, len(SIGNED) - 1)


@given(AT, st.binary(max_size=6), st.integers(0, 6))
def test_both_ways_come_to_the_same_over_damaged_signatures(at: int, new: bytes, length: int) -> None:
    start = SIGNED.index(b"<ds:Signature")
    at = start + at % (len(SIGNED) - start)
    try:
        element = signature(SIGNED[:at] + new + SIGNED[at + length :])
    except GatewayError:
        return
    if element is not None:
        at_a_glance, by_element = both(element, ENVELOPED)
        assert at_a_glance == by_element
