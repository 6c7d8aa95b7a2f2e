"""An archive gives back what was put in, or says that it is not whole."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backup.archive import ArchiveReader, ArchiveWriter
from gateway.backup.seal import (
    CHUNK_SIZE_BYTES,
    MAGIC,
    TAG_SIZE_BYTES,
    ArchiveAltered,
    ArchiveTruncated,
    NotAnArchive,
)
from tests.backup.archives import KEY, archive, noise, read

FRAME = CHUNK_SIZE_BYTES + TAG_SIZE_BYTES


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.binary(max_size=3000), max_size=5))
@settings(max_examples=60)
def test_members_come_back_as_they_went_in(members: dict[str, bytes]) -> None:
    assert read(archive(members)) == members


@pytest.mark.parametrize("size_bytes", [CHUNK_SIZE_BYTES - 40, CHUNK_SIZE_BYTES, 3 * CHUNK_SIZE_BYTES + 17])
def test_members_larger_than_a_chunk_come_back(size_bytes: int) -> None:
    members = {"large": noise(size_bytes), "small": b"x"}
    assert read(archive(members)) == members


def test_content_that_ends_just_at_the_end_of_a_chunk_comes_back() -> None:
    frames = 1 + 2 + 1 + 5 + 1 + 1  # of one member named with one letter, in one block, and of the end
    members = {"m": noise(2 * CHUNK_SIZE_BYTES - frames)}
    written = archive(members)
    assert (len(written) - len(archive({})) + 1) % FRAME in {0, FRAME - TAG_SIZE_BYTES}
    assert read(written) == members


def test_a_member_that_is_not_read_is_skipped_and_still_verified() -> None:
    written = archive({"skipped": noise(2_000_000), "read": b"content"})
    reader = ArchiveReader(io.BytesIO(written).read, lambda _: KEY)
    assert [reader.content(size_bytes_max=7) for name in reader.names() if name == "read"] == [b"content"]
    assert [member.name for member in reader.members] == ["skipped", "read"]


def test_a_small_member_that_is_made_large_is_not_held_in_memory() -> None:
    reader = ArchiveReader(io.BytesIO(archive({"settings": noise(3_000_000)})).read, lambda _: KEY)
    assert next(reader.names()) == "settings"
    with pytest.raises(ArchiveAltered, match="larger than"):
        reader.content(size_bytes_max=1_000_000)


def test_the_digests_of_the_reader_are_those_of_the_writer() -> None:
    file = io.BytesIO()
    writer = ArchiveWriter(file.write, key=KEY, header={})
    writer.begin("a")
    for _ in range(3):
        writer.write(noise(1000))
    writer.add("b", b"")
    writer.close()
    reader = ArchiveReader(io.BytesIO(file.getvalue()).read, lambda _: KEY)
    for _ in reader.names():
        pass
    assert reader.members == writer.members


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
@settings(max_examples=200)
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    written = bytearray(archive({"settings": b"name = 'gateway.test'", "keys": b"k" * 500}))
    written[place % len(written)] ^= change
    with pytest.raises((ArchiveAltered, ArchiveTruncated, NotAnArchive)):
        read(bytes(written))


@given(st.integers(min_value=0))
@settings(max_examples=100)
def test_an_archive_cut_off_anywhere_is_found(length: int) -> None:
    written = archive({"settings": b"name = 'gateway.test'", "keys": b"k" * 500})
    with pytest.raises((ArchiveAltered, ArchiveTruncated, NotAnArchive)):
        read(written[: length % len(written)])


def test_an_archive_cut_off_between_two_chunks_is_said_to_be_cut_off() -> None:
    written = archive({"large": noise(3 * CHUNK_SIZE_BYTES)})
    body = len(written) - 3 * FRAME
    whole = written[: len(written) - (body - body % FRAME) % FRAME]
    start = written.index(b"}") + 1
    with pytest.raises(ArchiveTruncated) as refused:
        read(whole[: start + 2 * FRAME])
    assert refused.value.code == "backup.truncated"


def test_chunks_cannot_change_places_or_be_left_out() -> None:
    written = archive({"large": noise(3 * CHUNK_SIZE_BYTES)})
    start = written.index(b"}") + 1
    chunks = [written[at : at + FRAME] for at in range(start, len(written), FRAME)]
    for order in ([1, 0, 2, 3], [0, 2, 3], [0, 1, 1, 2, 3]):
        with pytest.raises(ArchiveAltered):
            read(written[:start] + b"".join(chunks[at] for at in order))


def test_a_chunk_of_another_archive_with_the_same_key_does_not_fit() -> None:
    one, other = archive({"a": b"x"}, header={"lock": "one"}), archive({"a": b"y"}, header={"lock": "two"})
    start = one.index(b"}") + 1
    with pytest.raises((ArchiveAltered, ArchiveTruncated)):
        read(one[:start] + other[other.index(b"}") + 1 :])


def test_nothing_can_be_added_behind_the_end() -> None:
    with pytest.raises((ArchiveAltered, ArchiveTruncated)):
        read(archive({"a": b"x"}) + b"more")


def test_any_other_file_is_no_archive() -> None:
    for content in (b"", b"SQLite format 3\x00", MAGIC[:-1]):
        with pytest.raises(NotAnArchive):
            read(content)
