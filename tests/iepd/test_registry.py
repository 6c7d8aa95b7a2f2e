"""Tests for gateway/iepd/registry.py: which exchange a message belongs to."""

import pytest

from gateway.document.parse import parse
from gateway.errors import Misconfigured
from gateway.iepd.registry import Registry, UnknownExchange, UnknownRoot

from .invented import FIELDS_YAML, invented, notice

IEPD = invented()
REGISTRY = Registry.of([IEPD])


def test_a_message_is_found_by_its_root() -> None:
    assert REGISTRY.find(parse(notice())) is IEPD


def test_an_unknown_root_is_refused_without_saying_its_name() -> None:
    with pytest.raises(UnknownRoot) as caught:
        REGISTRY.find(parse(b"<CANARY7731/>"))
    assert caught.value.code == "exchange.unknown-root"
    assert "Notice" in caught.value.text
    assert "CANARY7731" not in caught.value.text


def test_the_right_name_in_another_namespace_gets_a_hint() -> None:
    with pytest.raises(UnknownRoot, match="another namespace"):
        REGISTRY.find(parse(b'<Notice xmlns="urn:old"/>'))


def test_an_exchange_is_found_by_its_id() -> None:
    assert REGISTRY.by_id("invented-notice/1.0") is IEPD
    assert REGISTRY.ids() == ("invented-notice/1.0",)
    assert list(REGISTRY) == [IEPD]
    assert len(REGISTRY) == 1
    with pytest.raises(UnknownExchange) as caught:
        REGISTRY.by_id("other/1.0")
    assert caught.value.code == "exchange.unknown"


def test_one_root_belongs_to_one_exchange() -> None:
    other = invented(FIELDS_YAML.replace("invented-notice/1.0", "invented-notice/2.0"))
    with pytest.raises(Misconfigured):
        Registry.of([IEPD, other])
    with pytest.raises(Misconfigured):
        Registry.of([IEPD, IEPD])


def test_an_empty_registry_knows_nothing() -> None:
    with pytest.raises(UnknownRoot, match="none"):
        Registry.of([]).find(parse(notice()))
