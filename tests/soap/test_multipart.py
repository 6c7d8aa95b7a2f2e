import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.soap.multipart import (
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    OUTSIDE_BYTES_MAX,
    PARTS_MAX,
    MultipartMalformed,
    MultipartTooComplex,
    read,
    without_brackets,
    write,
)

HEAD = b"Content-Type: image/jpeg\r\nContent-ID: <a>\r\n\r\n"
WHOLE = b"--b\r\n" + HEAD + b"content\r\n--b--\r\n"


def contents(body: bytes, boundary: str = "b") -> list[bytes]:
    return [bytes(part.data()) for part in read(body, boundary)]


def test_a_part_is_read() -> None:
    (part,) = read(WHOLE, "b")
    assert (part.content_id, part.media_type.name, part.encoded) == ("a", "image/jpeg", False)
    assert part.content == b"content"


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n" + WHOLE,
        b"preamble\r\n\r\n" + WHOLE,
        WHOLE.removesuffix(b"\r\n"),
        WHOLE + b"\r\n",
        WHOLE.replace(b"--b\r\n", b"--b \t\r\n", 1),
        WHOLE.replace(b"--b--", b"--b-- "),
        WHOLE + b"epilogue",
    ],
)
def test_what_stands_around_the_boundaries_belongs_to_nobody(body: bytes) -> None:
    assert contents(body) == [b"content"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b" --b", b"-b\r\n--", b"\n--b--\n", b"\r\n\r\n", b"\r--b\r", b"\r\n-b--", bytes(range(256))],
)
def test_content_is_what_lies_between_and_nothing_is_trimmed(content: bytes) -> None:
    body = b"--b\r\n" + HEAD + content + b"\r\n--b\r\n" + HEAD.replace(b"<a>", b"<c>") + b"two\r\n--b--"
    assert contents(body) == [content, b"two"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"--b",
        b"--b\r\n",
        b"--b--",
        b"--b--\r\n",
        b"--b\r\n" + HEAD + b"--b--",
        b"--b\r\n" + HEAD + b"--b\r\n" + HEAD + b"two\r\n--b--",
        WHOLE.replace(b"--b--", b""),
        WHOLE.replace(b"--b--", b"--c--"),
        WHOLE.replace(b"--b--", b"--bc--"),
        WHOLE.replace(b"--b--", b"--b-"),
        WHOLE.replace(b"--b\r\n", b"--bc\r\n", 1),
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b"\r\n--b--", b"\n--b--"),
        WHOLE.replace(b"\r\n\r\n", b"\r\n"),
        WHOLE.replace(b"--b\r\n", b"--b\n", 1),
        b"x" * (OUTSIDE_BYTES_MAX + 1) + b"\r\n" + WHOLE,
        WHOLE + b"x" * (OUTSIDE_BYTES_MAX + 1),
        WHOLE.replace(b"--b--\r\n", b"--b--trailing"),
        WHOLE.replace(b"content\r\n", b"content\r\n--bx\r\n"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-ID <a>"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-ID : <a>"),
        WHOLE.replace(b"Content-ID: <a>", b": <a>"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-ID: <\x00>"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-ID: <\xe4>"),
        WHOLE.replace(b"Content-ID: <a>", b"X: a\nContent-ID: <a>"),
        WHOLE.replace(b"Content-ID: <a>", b"X: a\rContent-ID: <a>"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-ID: <a>\r\ncontent-id: <b>"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-Type: text/plain"),
        WHOLE.replace(b"image/jpeg", b'multipart/mixed; boundary="c"'),
        WHOLE.replace(b"image/jpeg", b"message/rfc822"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-Transfer-Encoding: quoted-printable"),
        WHOLE.replace(b"Content-ID: <a>", b"Content-Transfer-Encoding: gzip"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(body: bytes) -> None:
    with pytest.raises(MultipartMalformed):
        read(body, "b")


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a b ", "\u00e9", 'a"b', "a\r\nb", "a;b", "a<b>"])
def test_a_boundary_is_of_the_form_it_must_be(boundary: str) -> None:
    with pytest.raises(MultipartMalformed):
        read(WHOLE, boundary)


@pytest.mark.parametrize("boundary", ["x" * 70, "uuid:1+id=2", "'()+_,-./:=?", "a b", "----=_Part_1.2"])
def test_every_boundary_that_mime_allows_is_taken(boundary: str) -> None:
    assert contents(WHOLE.replace(b"--b", b"--" + boundary.encode()), boundary) == [b"content"]


def test_base64_parts_are_decoded_strictly() -> None:
    body = WHOLE.replace(b"Content-ID", b"Content-Transfer-Encoding: Base64\r\nContent-ID")
    assert contents(body.replace(b"content\r\n", b"aGVs\r\nbG8=\r\n")) == [b"hello"]
    for wrong in (b"aGVsbG8", b"aGVs bG8=", b"aGVs!bG8=", b"aGVsbG8=aGVs", b"====", b"\xff"):
        with pytest.raises(MultipartMalformed):
            contents(body.replace(b"content\r\n", wrong + b"\r\n"))


def test_folded_headers_are_one() -> None:
    (part,) = read(WHOLE.replace(b"image/jpeg", b"image/jpeg;\r\n charset=utf-8;\r\n\taction=urn:a"), "b")
    assert (part.media_type.charset, part.media_type.action) == ("utf-8", "urn:a")


def test_parts_heads_and_headers_are_counted() -> None:
    part = b"--b\r\n" + HEAD + b"\r\n"
    assert len(read(part * PARTS_MAX + b"--b--", "b")) == PARTS_MAX
    with pytest.raises(MultipartTooComplex):
        read(part * (PARTS_MAX + 1) + b"--b--", "b")
    room = HEAD_BYTES_MAX - len(HEAD) - len(b"X: \r\n")
    assert len(read(b"--b\r\nX: " + b"a" * room + b"\r\n" + HEAD + b"x" * 5_000 + b"\r\n--b--", "b")) == 1
    with pytest.raises(MultipartTooComplex):
        read(b"--b\r\nX: " + b"a" * (room + 1) + b"\r\n" + HEAD + b"x" * 5_000 + b"\r\n--b--", "b")
    with pytest.raises(MultipartTooComplex):
        read(b"--b\r\n" + b"X: y\r\n" * (HEADERS_MAX - 1) + HEAD + b"\r\n--b--", "b")
    assert len(read(b"--b\r\n" + b"X: y\r\n" * (HEADERS_MAX - 2) + HEAD + b"\r\n--b--", "b")) == 1


def test_ten_thousand_parts_take_no_memory() -> None:
    """A crafted body of 2 MB and 10,000 parts held 644 MB in another gateway (phase4, issue 382)."""
    part = b"--b\r\nContent-Type: image/jpeg\r\nContent-ID: <a>\r\n\r\n" + b"x" * 150 + b"\r\n"
    body = part * 10_000 + b"--b--"
    assert len(body) > 2_000_000
    tracemalloc.start()
    try:
        with pytest.raises(MultipartTooComplex):
            read(body, "b")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 256 * 1024


def test_a_part_is_a_view_and_no_copy() -> None:
    body = b"--b\r\n" + HEAD + b"x" * 4_000_000 + b"\r\n--b--"
    tracemalloc.start()
    try:
        parts = read(body, "b")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(parts[0].content) == 4_000_000
    assert peak < 64 * 1024


def test_brackets_are_left_away_in_pairs() -> None:
    assert [without_brackets(text) for text in ("<a>", "a", "<a", "<>", "<<a>>")] == ["a", "a", "<a", "", "<a>"]


pieces = st.lists(
    st.sampled_from(
        [b"--b", b"--b--", b"--b\r\n", b"\r\n", b"\r\n\r\n", b"\r\n--b", b"--", b"b", b"x", b" ", b"\xff", HEAD,
         b"Content-ID: <a>\r\n", b"Content-Type: multipart/related; boundary=b\r\n", b":", b"\n", b"\r", b"<", b"\x00"]
    ),
    max_size=40,
)  # fmt: skip


@given(pieces.map(b"".join) | st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        parts = read(body, "b")
    except Refused:
        return
    assert 0 < len(parts) <= PARTS_MAX
    for part in parts:
        assert b"\r\n--b" not in bytes(part.content)
        assert len(part.content) < len(body)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=12))
def test_what_is_written_is_read_back(written: list[bytes]) -> None:
    boundary = "part-019a3c5e"
    heads = [{"Content-Type": "image/jpeg", "Content-ID": f"<{number}@x>"} for number in range(len(written))]
    parts = read(write(boundary, zip(heads, written, strict=True)), boundary)
    assert [bytes(part.content) for part in parts] == written
    assert [part.content_id for part in parts] == [f"{number}@x" for number in range(len(written))]
