"""What a PrefixList would cost is judged before anything is canonicalized by it."""

import pytest
from lxml import etree

from gateway.document.names import EC
from gateway.document.parse import parse
from gateway.signing import effort
from gateway.signing.effort import check_effort
from gateway.signing.enveloped import sign_enveloped, verify_enveloped
from gateway.signing.header import verify_envelope
from gateway.signing.shape import ShapeReference, SignatureShape
from tests.signing.parties import NOW, jail, trusted
from tests.signing.test_header import SIGNED

DECLARED = " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(90))
LIST = " ".join(f"n{number}" for number in range(95))


def reference(prefixes: int) -> ShapeReference:
    return ShapeReference(uri="", digest=b"", prefixes=tuple(f"n{number}" for number in range(prefixes)))


def tree(elements: int, depth: int = 1) -> etree._Element:
    return etree.fromstring(f"<a {DECLARED}>{'<b>' * depth}{'<c/>' * elements}{'</b>' * depth}</a>")


def test_the_lists_of_toolkits_are_taken_on_large_messages() -> None:
    check_effort([(tree(5_000, 10), reference(50)), (tree(25_000), reference(5))])


def test_without_a_list_a_document_of_any_size_is_taken() -> None:
    check_effort([(tree(50_000, 90), reference(0))])


def test_a_long_list_over_a_large_and_deep_document_is_not_gone_through() -> None:
    with pytest.raises(SignatureShape, match="InclusiveNamespaces"):
        check_effort([(tree(20_000, 80), reference(90))])


def test_what_several_references_cost_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    part = (tree(100), reference(90))
    monkeypatch.setattr(effort, "STEPS_MAX", 3_000_000)
    check_effort([part] * 3)
    with pytest.raises(SignatureShape):
        check_effort([part] * 5)


def test_declarations_and_levels_around_a_signed_element_count(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = next(each for each in tree(100, 80).iter("b") if len(each) == 100)
    alone = etree.fromstring("<b>" + "<c/>" * 100 + "</b>")
    monkeypatch.setattr(effort, "STEPS_MAX", 90 * 100 * 100)
    check_effort([(alone, reference(90))])
    with pytest.raises(SignatureShape):
        check_effort([(inner, reference(90))])


def test_such_an_envelope_is_refused_before_a_digest_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.signing.header.check_value", None)
    payload = f"<d {DECLARED}>{'<b>' * 80}{'<c/>' * 30_000}{'</b>' * 80}</d>".encode()
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="{LIST}"/>'.encode()
    step = f'<ds:Transform Algorithm="{EC}">'.encode()
    data = SIGNED.replace(step + b"</ds:Transform>", step + listed + b"</ds:Transform>")
    data = data.replace(f'<ds:Transform Algorithm="{EC}"/>'.encode(), step + listed + b"</ds:Transform>")
    assert data.count(b"PrefixList") > 3
    data = data.replace(b"</r:Release>", payload + b"</r:Release>")
    with pytest.raises(SignatureShape, match="InclusiveNamespaces"):
        verify_envelope(parse(data), trusted(jail()), now=NOW)


def test_such_a_document_is_refused_before_a_digest_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.signing.enveloped.check_value", None)
    signed = sign_enveloped(
        parse(
            f"<a {DECLARED} xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
            f"<z xsi:type='n1:T'/>{'<b>' * 80}{'<c/>' * 30_000}{'</b>' * 80}</a>".encode()
        ),
        jail(),
    )
    with pytest.raises(SignatureShape, match="InclusiveNamespaces"):
        verify_enveloped(
            parse(signed.replace(b'PrefixList="n1"', f'PrefixList="{LIST}"'.encode())), trusted(jail()), now=NOW
        )
