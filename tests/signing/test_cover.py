"""The Cover says what the recipient may do, and nobody can change a byte of it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import COVER
from gateway.document.parse import parse
from gateway.errors import GatewayError, Refused, Tampered
from gateway.message import Action, DisseminationId
from gateway.signing.cover import (
    COVER_SIZE_BYTES_MAX,
    Cover,
    CoverMalformed,
    CoverMismatch,
    check_payload,
    read_cover,
    sign_cover,
    verify_cover,
)
from gateway.signing.shape import SignatureMissing
from gateway.signing.signature import NotSigner, SignatureInvalid
from tests.signing.oracles import signxml_accepts, xmlsec_accepts
from tests.signing.parties import JAIL, NOW, POLICE, certified, chained, cover, jail, p384, police, rsa_key, trusted

SCHEMA = Path(__file__).parents[2] / "xsd" / "cover" / "1.0" / "cover.xsd"
SIGNED = sign_cover(cover(), jail())

TEXTS = st.text(
    st.characters(min_codepoint=9, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=40
).filter(lambda text: not any(ord(sign) < 32 and sign not in "\t\n\r" for sign in text))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(  # noqa: DTZ001  (given a zone below)
    lambda moment: moment.replace(microsecond=moment.microsecond // 10_000 * 10_000, tzinfo=timezone.utc)  # noqa: UP017
)


@st.composite
def covers(draw: st.DrawFn) -> Cover:
    """Covers with any text that XML can hold in every field."""
    values: dict[str, Any] = {
        name: draw(TEXTS)
        for name in ("message", "sender", "recipient", "exchange", "mou", "mou_digest", "purpose", "role")
    }
    values |= {name: draw(TEXTS) for name in ("onward_sharing", "contact", "payload_digest", "payload_type")}
    return cover(
        dissemination=DisseminationId(draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,40}", fullmatch=True))),
        action=draw(st.sampled_from(Action)),
        earlier=draw(st.none() | TEXTS.filter(bool)),
        mou_version=draw(st.integers(1, 10_000)),
        clauses=tuple(draw(st.lists(TEXTS, max_size=4))),
        notices=tuple(draw(st.lists(TEXTS, max_size=4))),
        keep_until=draw(st.none() | MOMENTS),
        created=draw(MOMENTS),
        fields_withheld=draw(st.booleans()),
        **values,
    )


def test_a_signed_cover_reads_as_it_was_written() -> None:
    assert verify_cover(SIGNED, trusted(jail()), now=NOW) == cover()
    assert verify_cover(SIGNED, chained(JAIL), now=NOW) == cover()
    assert read_cover(SIGNED) == cover()


@given(covers())
def test_any_cover_comes_back_as_it_was(written: Cover) -> None:
    assert verify_cover(sign_cover(written, jail()), trusted(jail()), now=NOW) == written


@given(covers())
def test_the_template_gives_canonical_xml_whatever_the_fields_hold(written: Cover) -> None:
    signed = sign_cover(written, jail())
    assert exclusive(etree.fromstring(signed)) == signed


@given(covers())
@settings(max_examples=25)
def test_the_signed_info_that_is_signed_is_the_canonical_one(written: Cover) -> None:
    """`xmlsec` canonicalizes by itself; it would not accept a value made over other bytes."""
    assert xmlsec_accepts(sign_cover(written, jail()), jail())


@pytest.mark.parametrize(
    "signer", [jail(), certified(p384(), JAIL), certified(rsa_key(2048), JAIL)], ids=["p-256", "p-384", "rsa"]
)
def test_other_peoples_tools_verify_a_cover(signer: Any) -> None:
    signed = sign_cover(cover(), signer)
    assert signxml_accepts(signed, signer)
    assert xmlsec_accepts(signed, signer)
    assert verify_cover(signed, trusted(signer), now=NOW) == cover()


def test_a_cover_is_valid_by_its_schema() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    for each in (
        cover(),
        cover(earlier=None, action=Action.NEW, keep_until=None, notices=(), onward_sharing="", role=""),
    ):
        schema.assertValid(etree.fromstring(sign_cover(each, jail())))


def test_the_schema_refuses_a_cover_without_a_digest() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    assert not schema.validate(etree.fromstring(sign_cover(cover(payload_digest="none"), jail())))


def test_nothing_passed_on_is_said_as_not_allowed() -> None:
    root = etree.fromstring(sign_cover(cover(onward_sharing=""), jail()))
    onward = root.find(f"{{{COVER}}}OnwardSharing")
    assert onward is not None
    assert onward.get("allowed") == "false"


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=400)
def test_a_cover_with_any_byte_changed_is_refused(at: int, by: int) -> None:
    changed = bytearray(SIGNED)
    changed[at] ^= by
    with pytest.raises((Refused, Tampered)):
        verify_cover(bytes(changed), trusted(jail()), now=NOW)


@given(st.integers(0, len(SIGNED) - 1))
def test_a_cover_cut_short_is_refused(at: int) -> None:
    with pytest.raises((Refused, Tampered)):
        verify_cover(SIGNED[:at], trusted(jail()), now=NOW)


def test_a_changed_purpose_is_named_as_tampering() -> None:
    with pytest.raises(SignatureInvalid) as refused:
        verify_cover(SIGNED.replace(b"public-safety", b"public-curiosity"), trusted(jail()), now=NOW)
    assert isinstance(refused.value, Tampered)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b'<?xml version="1.0"?>' + data,
        lambda data: data + b"\n",
        lambda data: data.replace(b"<cover:Sender>", b"<cover:Sender >"),
        lambda data: data.replace(b"></cover:Payload>", b"/>"),
        lambda data: data.replace(b"<cover:Role>", b"<!-- patrol --><cover:Role>"),
        lambda data: data.replace(b"patrol", b"&#112;atrol"),
    ],
    ids=["declaration", "newline", "space in a tag", "short end tag", "comment", "character reference"],
)
def test_a_cover_has_one_spelling(change: Any) -> None:
    """The same in the eyes of XML, signature and all; but no gateway writes so."""
    with pytest.raises(CoverMalformed):
        verify_cover(change(SIGNED), trusted(jail()), now=NOW)


def test_a_cover_of_another_agency_is_refused() -> None:
    with pytest.raises(NotSigner):
        verify_cover(sign_cover(cover(), police()), trusted(jail()), now=NOW)


def test_a_cover_without_its_signature_is_refused() -> None:
    bare = SIGNED[: SIGNED.index(b"<ds:Signature")] + b"</cover:Cover>"
    with pytest.raises(SignatureMissing):
        verify_cover(bare, trusted(jail()), now=NOW)
    with pytest.raises(CoverMalformed):
        read_cover(bare)


def test_the_signature_of_one_cover_does_not_serve_another() -> None:
    other = sign_cover(cover(purpose="curiosity"), jail())
    mixed = other[: other.index(b"<ds:Signature")] + SIGNED[SIGNED.index(b"<ds:Signature") :]
    with pytest.raises(SignatureInvalid):
        verify_cover(mixed, trusted(jail()), now=NOW)
    with pytest.raises(CoverMalformed):
        read_cover(mixed)


@pytest.mark.parametrize("data", [b"", b"<Cover/>", b"<!DOCTYPE c><c/>", bytes(COVER_SIZE_BYTES_MAX + 1)])
def test_what_is_no_cover_is_refused(data: bytes) -> None:
    with pytest.raises(GatewayError):
        read_cover(data)


def test_a_cover_that_lacks_something_is_refused() -> None:
    with pytest.raises(CoverMalformed):
        read_cover(SIGNED.replace(b"<cover:Contact>liaison 555-0134</cover:Contact>", b""))


def test_a_cover_belongs_to_its_payload_and_its_recipient() -> None:
    check_payload(cover(), cover().payload_digest, recipient=POLICE)
    with pytest.raises(CoverMismatch):
        check_payload(cover(), "sha-256:" + "8" * 64, recipient=POLICE)
    with pytest.raises(CoverMismatch):
        check_payload(cover(), cover().payload_digest, recipient=JAIL)


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "a\x00b"},
        {"contact": "\ufffe"},
        {"contact": "x" * 20_001},
        {"clauses": ("E1",) * 500},
        {"dissemination": 'x" y="'},
        {"dissemination": ""},
        {"created": NOW.replace(tzinfo=None)},
        {"keep_until": NOW.replace(tzinfo=None)},
    ],
)
def test_a_cover_that_xml_cannot_hold_is_not_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Cover|dissemination"):
        cover(**changes)


def test_moments_are_kept_to_the_hundredth_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-6))).replace(microsecond=123_456)
    read = read_cover(sign_cover(cover(created=there), jail()))
    assert read.created == NOW.replace(microsecond=120_000)
    assert read == replace(cover(), created=read.created)


def test_a_cover_taken_out_of_an_envelope_by_canonicalization_is_the_same() -> None:
    envelope = parse(b'<e:E xmlns:e="urn:e" xmlns:x="urn:x"><e:H>' + SIGNED + b"</e:H></e:E>").root
    assert exclusive(envelope[0][0]) == SIGNED


def test_the_oracles_do_refuse() -> None:
    """A check of the checks: what they accept above would mean nothing if they accepted everything."""
    changed = SIGNED.replace(b"public-safety", b"public-curiosity")
    assert not xmlsec_accepts(changed, jail())
    assert not signxml_accepts(changed, jail())
