"""Tests for gateway/policy/image.py: what is no picture does not go out with one."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.parse import parse, to_bytes
from gateway.policy.image import STRIPPED, only_picture, stripped, stripping
from gateway.policy.redact import Cut
from tests.pictures import ADOBE, JFIF, SCAN, chunk, jpeg, png, segment
from tests.policy.examples import cut_by, exchanges
from tests.policy.test_transform import field

WHERE = b"2210 Alder Street"
FILL = b"\xff" * 2_000_000


@pytest.mark.parametrize(
    "data", [jpeg(), jpeg(JFIF), jpeg(JFIF, ADOBE), png(), png(b"x", chunk(b"gAMA", b"\x00\x00\xb1\x8f"))]
)
def test_a_picture_and_nothing_else_stays_as_it_is(data: bytes) -> None:
    assert stripped(data) == data
    text = base64.encodebytes(data).decode()
    assert only_picture(text) == text


@pytest.mark.parametrize("marker", [*range(0xE0, 0xF0), *range(0xF0, 0xFF)])
def test_segments_of_programs_are_left_out_of_a_jpeg(marker: int) -> None:
    assert stripped(jpeg(JFIF, segment(marker, b"Exif\x00\x00" + WHERE))) == jpeg(JFIF)


@pytest.mark.parametrize(
    "kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"iCCP", b"sPLT", b"prVt", b"acTL", b"fdAT", b"gAMA", b"pHYs"]
)
def test_chunks_that_are_no_picture_are_left_out_of_a_png(kind: bytes) -> None:
    assert stripped(png(b"x", chunk(kind, b"Comment\x00" + WHERE * 2))) == png(b"x")


@pytest.mark.parametrize("data", [jpeg(JFIF), png()])
def test_what_comes_after_a_picture_is_left_out(data: bytes) -> None:
    assert stripped(data + jpeg(segment(0xE1, WHERE)) + WHERE) == data


def test_segments_between_the_scans_of_a_jpeg_are_left_out_too() -> None:
    assert stripped(jpeg(scan=SCAN + segment(0xFE, WHERE) + SCAN)) == jpeg(scan=SCAN + SCAN)


def test_the_small_picture_of_a_picture_is_left_out() -> None:
    small = segment(0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x02\x01" + b"uncut!")
    assert stripped(jpeg(small)) == jpeg(JFIF)
    assert stripped(jpeg(JFIF, segment(0xE0, b"JFXX\x00\x10" + jpeg()))) == jpeg(JFIF)


def test_of_what_adobe_writes_only_the_kind_of_colors_stays() -> None:
    assert stripped(jpeg(segment(0xEE, b"Adobe\x00\x65\x12\x34\x56\x78\x01" + WHERE))) == jpeg(ADOBE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"invented picture",
        b"GIF89a",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        jpeg(end=b""),
        jpeg(scan=b""),
        jpeg(WHERE),
        jpeg(segment(0x02, WHERE)),
        jpeg(b"\xff\xe1\x00\x00"),
        jpeg(b"\xff\xe1\xff\xff"),
        b"\xff\xd8" + SCAN + b"\xff\xd9",
        b"\xff\xd8\xff",
        png()[:-12],
        png()[:-1],
        png(b"x", chunk(b"ABCD", WHERE)),
        png(b"x", chunk(b"tIME", WHERE)[:-1] + b"\x00"),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND"),
        jpeg(*[segment(0xFE)] * 20_000),
        png(b"x", *[chunk(b"IDAT")] * 20_000),
    ],
)
def test_what_is_no_picture_by_its_format_cannot_be_read(data: bytes) -> None:
    assert stripped(data) is None
    assert only_picture(base64.b64encode(data).decode()) is None


@given(st.binary(max_size=200), st.sampled_from([jpeg(JFIF), png()]), st.integers(0, 120), st.integers(0, 40))
def test_what_was_stripped_once_is_all_picture(junk: bytes, data: bytes, at: int, gone: int) -> None:
    left = stripped(data[:at] + junk + data[at + gone :])
    assert left is None or stripped(left) == left


@pytest.mark.parametrize(
    "data", [jpeg(FILL), b"\xff\xd8" + FILL, jpeg(scan=SCAN + FILL + b"\x00")], ids=["between", "alone", "in a scan"]
)
def test_fill_bytes_without_end_cost_no_more_than_their_length(data: bytes) -> None:
    stripped(data)


def test_fields_of_pictures_are_known_by_their_label_or_by_an_element_around_them() -> None:
    for known in exchanges().values():
        binaries = [each for each in known.catalog.fields if each.value.builtin == "base64Binary"]
        assert all(stripping(each) is only_picture for each in binaries)
    assert stripping(field("string", "string")) is None


def test_of_a_file_that_is_no_picture_by_its_field_only_pictures_are_stripped() -> None:
    strip = stripping(field("binary", "base64Binary"))
    assert strip is not None
    assert strip("JVBERi0xLjc=") == "JVBERi0xLjc="
    assert strip(base64.b64encode(jpeg(segment(0xE1, WHERE))).decode()) == base64.b64encode(jpeg()).decode()
    assert strip(base64.b64encode(jpeg(end=b"")).decode()) is None


# --- in a cut ---------------------------------------------------------------------------------------------------------

RELEASE = "custody-release/1.0"


def cut_with_photo(data: bytes) -> Cut:
    text = base64.b64encode(data)
    body = re.sub(rb"(<nc:Base64BinaryObject>)[^<]*", rb"\g<1>" + text, exchanges()[RELEASE].samples["with-photo.xml"])
    return cut_by(parse(body), "JAIL-PD-2026-01", "E1")


def photos(cut: Cut) -> list[bytes]:
    return [base64.b64decode(each.text or "") for each in cut.document.root.iter("{*}Base64BinaryObject")]


def test_a_photo_goes_without_what_a_camera_wrote_and_the_journal_says_so() -> None:
    kept = cut_with_photo(jpeg(JFIF, segment(0xE1, WHERE)))
    assert photos(kept)
    assert set(photos(kept)) == {jpeg(JFIF)}
    told = [each for each in kept.redactions if each.outcome == STRIPPED]
    assert [(each.label, each.clause) for each in told] == [("person.photo", "E1")] * len(photos(kept))
    assert kept.shared == cut_with_photo(jpeg(JFIF)).shared - len(told)


def test_a_photo_that_is_only_a_picture_goes_as_it_is_and_nothing_is_told() -> None:
    kept = cut_with_photo(png())
    assert set(photos(kept)) == {png()}
    assert not [each for each in kept.redactions if each.outcome == STRIPPED]


def test_a_photo_that_cannot_be_read_is_withheld() -> None:
    kept = cut_with_photo(b"GIF89a" + WHERE)
    assert not photos(kept)
    assert base64.b64encode(WHERE)[2:-4] not in to_bytes(kept.document)
    assert {each.outcome for each in kept.redactions if each.field.endswith("photo.image")} == {"withheld"}
