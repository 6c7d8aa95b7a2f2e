import base64
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import XOP
from gateway.document.parse import TooLarge, parse
from gateway.errors import Refused
from gateway.media_type import MediaType
from gateway.soap.multipart import MultipartMalformed, Part
from gateway.soap.xop import INCLUDE, TAKEN_OUT_BYTES_MIN, TAKEN_OUT_MAX, IncludeInvalid, expand, take_out

LIMIT = 10_000
JPEG = MediaType(name="image/jpeg")


def part(content_id: str, content: bytes = b"photo", *, encoded: bool = False) -> Part:
    return Part(content_id=content_id, media_type=JPEG, encoded=encoded, content=memoryview(content))


def document(inside: str) -> etree._Element:
    return etree.fromstring(f'<r xmlns:x="{XOP}">{inside}</r>')


def photo(href: str) -> str:
    return f'<Photo><x:Include href="{href}"/></Photo>'


def expanded(root: etree._Element, *parts: Part, size_bytes: int = 0) -> list[str | None]:
    expand(root, parts, size_bytes=size_bytes, size_bytes_max=LIMIT)
    return [element.text for element in root]


def test_a_part_comes_into_its_place_as_canonical_base64() -> None:
    root = document(photo("cid:b") + photo("cid:a"))
    assert expanded(root, part("a", b"one"), part("b", b"\xff\xfe" * 100)) == [
        base64.b64encode(b"\xff\xfe" * 100).decode(),
        base64.b64encode(b"one").decode(),
    ]
    assert root.find(f".//{INCLUDE}") is None


@pytest.mark.parametrize(
    ("content_id", "href"),
    [
        ("a", "CID:a"),
        ("a@x.example", "cid:a%40x.example"),
        ("http://tempuri.org/1/6", "cid:http%3A%2F%2Ftempuri.org%2F1%2F6"),
        ("1@http%3A%2F%2Fx.example%2F", "cid:1@http%3A%2F%2Fx.example%2F"),
        ("1.urn:uuid:A@apache.org", "cid:1.urn:uuid:A@apache.org"),
        ("a b", "cid:a%20b"),
        ("a+b", "cid:a+b"),
        ("100%", "cid:100%25"),
        ("100%", "cid:100%"),
        ("a%41", "cid:a%2541"),
    ],
)
def test_ids_meet_however_a_toolkit_encodes_them(content_id: str, href: str) -> None:
    assert expanded(document(photo(href)), part(content_id)) == ["cGhvdG8="]


def test_blanks_around_an_include_are_no_content() -> None:
    root = document('<Photo>\n  <x:Include href="cid:a">\n</x:Include>\n</Photo>')
    assert expanded(root, part("a")) == ["cGhvdG8="]


def test_an_empty_part_is_an_empty_text() -> None:
    root = document(photo("cid:a"))
    expanded(root, part("a", b""))
    assert (len(root[0]), root[0].text or "") == (0, "")


@pytest.mark.parametrize(
    "inside",
    [
        photo("cid:c"),
        photo("cid:a") + photo("cid:a"),
        photo("cid:a") + photo("CID:%61"),
        photo("a"),
        photo(""),
        photo("file:///etc/passwd"),
        photo("https://elsewhere.example/photo"),
        photo("cid:"),
        "<Photo><x:Include/></Photo>",
        '<Photo><x:Include href="cid:a" type="image/jpeg"/></Photo>',
        '<Photo><x:Include x:href="cid:a"/></Photo>',
        '<Photo><x:Include href="cid:a">text</x:Include></Photo>',
        '<Photo><x:Include href="cid:a"><more/></x:Include></Photo>',
        '<Photo><x:include href="cid:a"/></Photo>',
        '<Photo><x:Exclude href="cid:a"/></Photo>',
        '<Photo>cGhv<x:Include href="cid:a"/></Photo>',
        '<Photo><x:Include href="cid:a"/>dG8=</Photo>',
        '<Photo><x:Include href="cid:a"/><Other/></Photo>',
        '<Photo><Other/><x:Include href="cid:a"/></Photo>',
        '<Photo><?run it?><x:Include href="cid:a"/></Photo>',
        "<Photo/>",
    ],
)
def test_an_include_is_of_the_one_form_and_names_a_part_once(inside: str) -> None:
    root = document(inside)
    before = etree.tostring(root)
    with pytest.raises(IncludeInvalid):
        expanded(root, part("a"))
    assert etree.tostring(root) == before


def test_a_document_that_is_an_include_has_no_place_for_one() -> None:
    with pytest.raises(IncludeInvalid):
        expanded(etree.fromstring(f'<x:Include xmlns:x="{XOP}" href="cid:a"/>'), part("a"))


@pytest.mark.parametrize("ids", [("a", "a"), ("a", "%61"), ("%61", "a"), ("", "a"), ("a", "b")])
def test_two_parts_are_never_one_and_none_is_left_over(ids: tuple[str, ...]) -> None:
    with pytest.raises(IncludeInvalid):
        expanded(document(photo("cid:a")), *(part(each) for each in ids))


def test_the_whole_document_keeps_the_limit_and_is_judged_before_it_grows() -> None:
    assert len(expanded(document(photo("cid:a")), part("a", b"x" * 7_500))[0] or "") == LIMIT
    for size_bytes, content in ((1, b"x" * 7_500), (0, b"x" * 7_501)):
        with pytest.raises(TooLarge):
            expanded(document(photo("cid:a")), part("a", content), size_bytes=size_bytes)
    root = document(photo("cid:a"))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            expanded(root, part("a", b"x" * 4_000_000))
        grown = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert grown < 4_100_000  # the part itself, which the test made


def test_a_base64_part_is_written_anew() -> None:
    root = document(photo("cid:a"))
    assert expanded(root, part("a", b"cGhv\r\ndG8=\r\n", encoded=True)) == ["cGhvdG8="]
    with pytest.raises(MultipartMalformed):
        expanded(document(photo("cid:a")), part("a", b"not base64!", encoded=True))


# --- taking out -----------------------------------------------------------------------------------------------------

LARGE = bytes(range(256)) * (TAKEN_OUT_BYTES_MIN // 256)


def text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_large_binaries_are_taken_out_and_come_back_as_they_were() -> None:
    root = document(
        f"<Name>Dana</Name><Photo>{text_of(LARGE)}</Photo>"
        f"<p:Photo xmlns:p='urn:p'>{text_of(LARGE[:-1] + b'!')}</p:Photo>"
    )
    signed = exclusive(root)
    binaries = take_out(root, "x.example")
    assert [each.content for each in binaries] == [LARGE, LARGE[:-1] + b"!"]
    assert [each.content_id for each in binaries] == ["1@x.example", "2@x.example"]
    assert [each.get("href") for each in root.iter(INCLUDE)] == ["cid:1@x.example", "cid:2@x.example"]
    assert len(etree.tostring(root)) < 600
    expand(root, [part(each.content_id, each.content) for each in binaries], size_bytes=0, size_bytes_max=10**6)
    assert exclusive(root) == signed


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-4],  # below the size
        lambda text: " " + text[1:],
        lambda text: text[:76] + "\n" + text[77:],
        lambda text: text[:-1],
        lambda text: text[:-4] + "AB==",  # bits that stand for nothing: another text would come back
        lambda text: text[:-4] + "ABC=",
        lambda text: text[:-4] + "A===",
        lambda text: text[:-4] + "====",
        lambda text: text[:-1] + "-",
        lambda text: text[:-4] + "\u0100AAA",
        lambda text: text + "\n",
    ],
)
def test_only_canonical_base64_is_taken_out(change: Callable[[str], str]) -> None:
    full = text_of(LARGE[: TAKEN_OUT_BYTES_MIN // 3 * 3])
    full = full if len(change(full)) < len(full) - 3 else text_of(LARGE + LARGE[:2])
    root = document("<Photo/>")
    root[0].text = change(full)
    before = etree.tostring(root)
    assert take_out(root, "x.example") == ()
    assert etree.tostring(root) == before


def test_elements_with_anything_else_in_them_stay() -> None:
    root = document(f"<Photo>{text_of(LARGE)}<Note/></Photo><Photo>{text_of(LARGE)}<?run it?></Photo>")
    assert take_out(root, "x.example") == ()


def test_no_more_are_taken_out_than_toolkits_read_and_the_largest_go() -> None:
    sizes = [TAKEN_OUT_BYTES_MIN + 300 * (number * 7 % 60) for number in range(60)]
    root = document("".join(f"<Photo>{text_of(b'x' * size)}</Photo>" for size in sizes))
    binaries = take_out(root, "x.example")
    assert len(binaries) == TAKEN_OUT_MAX
    assert sorted(len(each.content) for each in binaries) == sorted(sizes)[-TAKEN_OUT_MAX:]
    alike = document(f"<Photo>{text_of(LARGE)}</Photo>" * 60)
    assert len(take_out(alike, "x.example")) == TAKEN_OUT_MAX


@given(
    st.lists(
        st.binary(min_size=TAKEN_OUT_BYTES_MIN - 2, max_size=TAKEN_OUT_BYTES_MIN + 2).map(text_of)
        | st.text(st.sampled_from("AQ+/=\n "), max_size=8).map(lambda text: "AAAA" * 1400 + text),
        max_size=4,
    )
)
def test_any_document_is_the_same_after_a_journey(texts: list[str]) -> None:
    root = document("<Photo/>" * len(texts))
    for element, text in zip(root, texts, strict=True):
        element.text = text
    signed = exclusive(root)
    binaries = take_out(root, "x.example")
    arrived = parse(etree.tostring(root)).root
    expand(arrived, [part(each.content_id, each.content) for each in binaries], size_bytes=0, size_bytes_max=10**7)
    assert exclusive(arrived) == signed


hrefs = st.sampled_from(["cid:a", "cid:%61", "cid:b", "cid:", "a", "CID:a", "cid:%zz", "cid:\u00e9"])
insides = st.lists(
    hrefs.map(photo) | st.sampled_from(["<x:Include/>", "<Photo/>", "text", '<x:Y href="cid:a"/>']), max_size=4
)
parts = st.lists(
    st.builds(part, st.sampled_from(["a", "b", "%61", "", "\u00e9"]), st.binary(max_size=9), encoded=st.booleans()),
    max_size=4,
)


@given(insides.map("".join), parts)
def test_whatever_comes_is_expanded_or_refused(inside: str, given_parts: list[Part]) -> None:
    root = document(inside)
    try:
        expand(root, given_parts, size_bytes=0, size_bytes_max=LIMIT)
    except Refused:
        return
    assert not list(root.iter(f"{{{XOP}}}*"))
