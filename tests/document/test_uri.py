"""Tests for gateway/document/uri.py: one key for every way to write a uri."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.uri import names_one, uri_key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("#p", "#p"),
        (" #p\n", "#p"),
        ("#%70", "#p"),
        ("#Nuñez", "#Nuñez"),
        ("#Nu%C3%B1ez", "#Nuñez"),
        ("#Nu%c3%b1ez", "#Nuñez"),
        ("#%2570", "#%70"),
    ],
)
def test_an_element_of_the_same_document_is_named_by_its_id(written: str, key: str) -> None:
    assert uri_key(written) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://r.example/p/1", "HTTP://R.example/p/1"),
        ("http://r.example/p/1", "http://r.example/p/%31"),
        ("http://r.example/p/1", "http://r.example:80/p/1"),
        ("https://r.example/p/1", "https://r.example:443/p/1"),
        ("https://r.example/p/1", "https://r.example:/p/1"),
        ("https://r.example", "https://r.example/"),
        ("https://r.example/p/1", "https://r.example/q/.././p/%2e/1"),
        ("https://r.example/%C3%B1", "https://r.example/ñ"),
        ("https://r.example/%c3%b1", "https://r.example/%C3%B1"),
        ("https://r.example/p#%41", "https://r.example/p#A"),
        ("https://r.example/p?n=%41", "https://r.example/p?n=A"),
        ("https://[2001:DB8::1]/p", "https://[2001:db8::1]:443/p"),
        ("https://M%c3%bcller.example/", "https://müller.example/"),
        ("urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "URN:UUID:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ],
)
def test_an_object_elsewhere_is_the_same_in_every_spelling(one: str, other: str) -> None:
    assert uri_key(one) == uri_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://r.example/p/1", "http://r.example/p/2"),
        ("http://r.example/p", "http://r.example/P"),
        ("http://r.example/a%2Fb", "http://r.example/a/b"),
        ("http://r.example/p", "https://r.example/p"),
        ("http://r.example/p", "http://r.example:8080/p"),
        ("http://A@r.example/", "http://a@r.example/"),
        ("urn:x:A", "urn:x:a"),
    ],
)
def test_what_a_standard_tells_apart_stays_apart(one: str, other: str) -> None:
    assert uri_key(one) != uri_key(other)


@pytest.mark.parametrize("uri", ["#p", "http://r.example/1", "urn:uuid:1", "tag:r.example,2026:1"])
def test_an_id_and_an_absolute_uri_name_one_object(uri: str) -> None:
    assert names_one(uri_key(uri))


@pytest.mark.parametrize(
    "uri", ["", "#", "p", "./#p", "?#p", "//r.example/1", "/1", "#element(p)", "#xpointer%28id('p'))"]
)
def test_what_depends_on_where_a_message_lies_names_nothing(uri: str) -> None:
    assert not names_one(uri_key(uri))


@given(st.text(max_size=30).filter(lambda text: not text.strip().startswith("#")) | st.just("x:/..//"))
def test_the_key_of_a_key_is_itself(uri: str) -> None:
    """Not of a fragment: what is escaped twice names another id than what is escaped once."""
    assert uri_key(uri_key(uri)) == uri_key(uri)
