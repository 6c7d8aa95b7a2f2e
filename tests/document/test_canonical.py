"""Tests for gateway/document/canonical.py: canonical bytes and digests."""

import pytest
from lxml import etree

from gateway.document.canonical import NamespaceRelative, exclusive, sha256_text
from gateway.document.parse import parse


def test_order_and_spelling_do_not_matter() -> None:
    one = parse(b'<a:r xmlns:a="urn:a" y="2" x="1"><a:p></a:p></a:r>').root
    other = parse(b"<?xml version='1.0'?><a:r  x='1' y='2' xmlns:unused='urn:u' xmlns:a='urn:a'><a:p/></a:r>").root
    assert exclusive(one) == exclusive(other) == b'<a:r xmlns:a="urn:a" x="1" y="2"><a:p></a:p></a:r>'


def test_a_part_takes_only_the_namespaces_it_uses_and_no_tail() -> None:
    root = parse(b'<a:r xmlns:a="urn:a" xmlns:b="urn:b"><b:p>x</b:p>tail</a:r>').root
    assert exclusive(root[0]) == b'<b:p xmlns:b="urn:b">x</b:p>'


def test_comments_count_only_when_asked_for() -> None:
    root = parse(b"<a/>").root
    root.append(root.makeelement("b"))
    root.append(etree.Comment("c"))
    assert exclusive(root) == b"<a><b></b></a>"
    assert exclusive(root, with_comments=True) == b"<a><b></b><!--c--></a>"


def test_a_digest_is_written_with_its_algorithm() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_text(b"") == f"sha-256:{empty}"


@pytest.mark.parametrize("uri", ["elsewhere", "x/y", "../z", "#w"])
def test_a_relative_namespace_is_refused_and_not_a_fault_of_ours(uri: str) -> None:
    with pytest.raises(NamespaceRelative) as refused:
        exclusive(etree.fromstring(f'<n xmlns:x="{uri}"><x:a/></n>'))
    assert refused.value.code == "document.relative-namespace"
    assert uri not in refused.value.text
