"""What a Reference may lead to."""

import pytest
from lxml import etree

from gateway.document.names import WSU
from gateway.document.parse import parse
from gateway.signing import identity as ids
from gateway.signing.header import verify_envelope
from gateway.signing.identity import unique_ids
from gateway.signing.shape import SignatureShape
from tests.signing.parties import NOW, jail, trusted
from tests.signing.test_header import SIGNED


def test_ids_are_no_more_than_elements_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "IDS_MAX", 10)
    ten = "".join(f"<b Id='a{number}' ID='b{number}'/>" for number in range(5))
    assert len(unique_ids(etree.fromstring(f"<a>{ten}</a>"))) == 10
    others = "".join(f"<c name='c{number}' kind='k'/>" for number in range(20))  # attributes that are no ids
    assert len(unique_ids(etree.fromstring(f"<a>{ten}{others}</a>"))) == 10
    with pytest.raises(SignatureShape, match="too many"):
        unique_ids(etree.fromstring(f"<a id='one-more'>{ten}</a>"))


@pytest.mark.parametrize("identity", ["xpointer(id('other'))", "", " body", "a b", "a%62", "1body"])
def test_a_reference_is_to_an_id_and_to_nothing_that_others_read_otherwise(identity: str) -> None:
    """An attribute may say "xpointer(id('other'))"; xmlsec would go to the other."""
    root = etree.fromstring(SIGNED)
    body = root[1]
    before = body.get(f"{{{WSU}}}Id") or ""
    body.set(f"{{{WSU}}}Id", identity)
    data = etree.tostring(root).replace(f'URI="#{before}"'.encode(), f'URI="#{identity}"'.encode())
    with pytest.raises(SignatureShape, match="Reference leads"):
        verify_envelope(parse(data), trusted(jail()), now=NOW)
