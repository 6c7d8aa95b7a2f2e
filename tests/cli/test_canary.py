"""The search for leaks finds what it is there to find: without this, "no leak" would say nothing."""

import base64
import gzip
from datetime import UTC, datetime

import pytest

from gateway.agency import AgencyId
from gateway.app import drafts
from gateway.cli.demo.canary import MARK, Planted, allowed, found, plant
from gateway.document.parse import Document, parse, to_bytes
from gateway.exchange.configured import Configured
from gateway.exchange.preview import preview
from gateway.iepd.validate import validate

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
JAIL, POLICE = AgencyId("harlan-county-jail"), AgencyId("millbrook-police")


@pytest.fixture(scope="module")
def configured() -> Configured:
    return drafts(NOW)


@pytest.fixture(scope="module")
def planted(configured: Configured) -> Planted:
    iepd = configured.iepds["custody-release/1.0"]
    return plant(parse(iepd.samples["fullest-with-photo.xml"]), iepd)


def test_a_planted_message_is_still_a_valid_message(planted: Planted) -> None:
    assert validate(parse(planted.body), planted.iepd) == ()


def test_every_open_text_identity_and_photo_of_a_message_carries_a_mark_of_its_own(planted: Planted) -> None:
    marks = [canary.mark for canary in planted.canaries]
    assert len(marks) == len(set(marks)) > 80
    assert any(canary.field is None for canary in planted.canaries)
    assert any(canary.field is not None and canary.field.kind == "binary" for canary in planted.canaries)
    assert found(planted.body) == set(marks)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: data,
        base64.b64encode,
        lambda data: b"xx" + base64.b64encode(data),
        lambda data: base64.encodebytes(data * 3),
        gzip.compress,
        lambda data: base64.b64encode(gzip.compress(data)),
    ],
    ids=["plain", "base64", "base64 off by two", "base64 in lines", "gzip", "gzip in base64"],
)
def test_a_mark_is_found_however_it_is_wrapped(wrap: object) -> None:
    mark = b"cnryabcdefghijkl"
    assert MARK.fullmatch(mark)
    assert found(wrap(b"some text before " + mark + b" and after it")) == {mark}  # type: ignore[operator]


def test_what_the_cut_lets_through_is_within_what_the_agreement_lists(configured: Configured, planted: Planted) -> None:
    release = preview(configured, planted.body, to=POLICE, purpose="release-notification", sender=JAIL, now=NOW)
    may_see = allowed(planted, configured, JAIL, POLICE)
    seen = found(_bytes(release.cut.document))
    assert seen
    assert seen <= may_see
    assert may_see < {canary.mark for canary in planted.canaries}


def test_an_uncut_message_would_be_found_to_leak(configured: Configured, planted: Planted) -> None:
    assert found(planted.body) - allowed(planted, configured, JAIL, POLICE)


def _bytes(document: Document) -> bytes:

    return to_bytes(document)
