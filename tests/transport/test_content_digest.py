"""A body and its digest header: compared when it can be, refused when it cannot be read in one way only."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.transport.content_digest import (
    WANTED,
    DigestMalformed,
    DigestMismatch,
    DigestUnsupported,
    check_digest,
    content_digest,
    wanted,
)

BODY = b'{"hello": "world"}'
SHA_256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
"""Digest of that body. Source: RFC 9530, appendix D; made by hand with openssl."""
SHA_512 = "sha-512=:" + base64.b64encode(hashlib.sha512(BODY).digest()).decode() + ":"


def test_a_digest_is_written_as_the_rfc_has_it() -> None:
    assert content_digest(BODY) == SHA_256
    assert content_digest(BODY, "sha-512") == SHA_512


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [SHA_256],
        [SHA_512],
        [f"{SHA_256},{SHA_512}"],
        [f"{SHA_256} \t,\t{SHA_512}"],
        [SHA_256, SHA_512],
        [f"  {SHA_256}  "],
        [f"md5=:AAAA:, {SHA_256}"],  # unknown here: passed over
        [f"{SHA_256};sha-512=:AAAA:"],  # a parameter, not a second digest
        [f'{SHA_256};a=1;b="x";c;d=tok/en;e=:AAAA:;f=?0; g=-1.5;h=@1659578233'],
    ],
)
def test_a_body_that_fits_is_taken(lines: list[str]) -> None:
    check_digest(lines, BODY)


@pytest.mark.parametrize("lines", [[SHA_256], [SHA_512], [f"{SHA_256}, {SHA_512}"], [f"md5=:AAAA:, {SHA_512}"]])
def test_a_body_that_does_not_fit_is_refused(lines: list[str]) -> None:
    with pytest.raises(DigestMismatch) as refused:
        check_digest(lines, BODY + b" ")
    assert refused.value.code == "request.digest-mismatch"


def test_all_known_digests_must_fit() -> None:
    other = content_digest(b"other", "sha-512")
    with pytest.raises(DigestMismatch):
        check_digest([f"{SHA_256}, {other}"], BODY)


def test_a_digest_cut_short_does_not_fit() -> None:
    with pytest.raises(DigestMismatch):
        check_digest(["sha-256=::"], BODY)
    with pytest.raises(DigestMismatch):
        check_digest(["sha-256=:" + base64.b64encode(hashlib.sha256(BODY).digest()[:16]).decode() + ":"], BODY)


@pytest.mark.parametrize("lines", [["md5=:AAAA:"], ["unixsum=:AAAA:, crc32c=:AAAA:"], [""], ["sha-384=:AAAA:"]])
def test_a_body_whose_digest_cannot_be_compared_is_not_taken_as_if_it_had_been(lines: list[str]) -> None:
    with pytest.raises(DigestUnsupported):
        check_digest(lines, BODY)


@pytest.mark.parametrize(
    "line",
    [
        "sha-256",  # a boolean, in a dictionary
        "sha-256=" + SHA_256[9:].strip(":"),  # no byte sequence
        "SHA-256" + SHA_256[7:],
        "sha-256 =" + SHA_256[8:],
        SHA_256.replace("=:X48", "=:X4 8"),
        SHA_256.replace("X48E", "X48_"),
        SHA_256.replace("PE=:", "PE:"),  # no padding
        SHA_256.replace("PE=:", "PF=:"),  # another spelling of the same bytes
        SHA_256[:-1],
        SHA_256 + ",",
        "," + SHA_256,
        f"{SHA_256},,{SHA_512}",
        f"{SHA_256} {SHA_512}",
        f"{SHA_256}, {SHA_256}",  # which one counts?
        f'{SHA_256};a="',
        f"{SHA_256};A",
        "sha-256=(" + SHA_256[8:] + ")",
        "\t" + SHA_256,
        "é=:AAAA:",
        "sha-256=:" + "A" * 1000 + ":",
    ],
)
def test_what_is_not_one_dictionary_of_byte_sequences_is_refused(line: str) -> None:
    with pytest.raises(DigestMalformed):
        check_digest([line], BODY)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_no_header_breaks_the_reader(line: str) -> None:
    with pytest.raises(Refused):
        check_digest([line], BODY)


@given(st.binary(max_size=200), st.sampled_from(["sha-256", "sha-512"]))
def test_what_is_written_is_what_is_read(body: bytes, algorithm: str) -> None:
    check_digest([content_digest(body, algorithm)], body)
    with pytest.raises(DigestMismatch):
        check_digest([content_digest(body, algorithm)], body + b"x")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "sha-256"),
        (["sha-512=10, sha-256=1"], "sha-512"),
        (["sha-512=10", "sha-256=1"], "sha-512"),
        (["sha-512=3, sha-256=10, unixsum=0"], "sha-256"),
        (["sha-256=0, sha-512=1"], "sha-512"),
        (["md5=10"], "sha-256"),
        (["sha-512"], "sha-256"),
        (["sha-512=11"], "sha-256"),
        (["sha-512=1.5"], "sha-256"),
        (["sha-512=10," * 200], "sha-256"),
        ([WANTED], "sha-256"),
    ],
)
def test_a_client_says_which_digest_it_likes(lines: list[str], expected: str) -> None:
    assert wanted(lines) == expected
