"""Tests for gateway/iepd/archive.py: a zip that is read strictly."""

import io
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iepd import archive as module
from gateway.iepd.archive import pack, unpack
from gateway.iepd.refused import IepdRefused

FILES = {"iepd/fields.yaml": b"a: 1\n", "xsd/niem-6.0/core.xsd": b"<a/>" * 100}


def zipped(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the doubles we want
        for name, data in entries:
            made.writestr(name, data)
    return buffer.getvalue()


def code(data: bytes) -> str:
    with pytest.raises(IepdRefused) as caught:
        unpack(data)
    return caught.value.findings[0].code


def test_files_come_back_and_order_does_not_matter() -> None:
    assert unpack(pack(FILES)) == FILES
    assert pack(FILES) == pack(dict(reversed(FILES.items())))


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "iepd/../../evil",
        "iepd/..",
        "iepd//evil",
        "iepd/./evil",
        "iepd\\..\\evil",
        "C:/evil",
        "other/file",
        "iepd/a;b",
        "iepd/ a",
        "iepd/.hidden",
        "iepd/é",
        "iepd/" + "x" * 300,
        "evil",
    ],
)
def test_names_that_leave_the_folder_or_are_unusual_are_refused(name: str) -> None:
    assert code(zipped([(name, b"x")])) == "iepd.archive-name"


@pytest.mark.parametrize("names", [("iepd/a", "iepd/a"), ("iepd/a", "iepd/A")])
def test_doubles_are_refused(names: tuple[str, str]) -> None:
    assert code(zipped([(name, b"x") for name in names])) == "iepd.archive-name"


def test_the_size_unpacked_is_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped([("iepd/a", b"\0" * 1_000_000)])
    assert len(bomb) < 2_000
    monkeypatch.setattr(module, "SIZE_BYTES_MAX", 999_999)
    assert code(bomb) == "iepd.archive-too-large"


def test_a_size_that_lies_is_found() -> None:
    data = zipped([("iepd/a", b"x" * 5_000)])
    lying = data.replace((5_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    assert code(lying) == "iepd.archive-broken"


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_MAX", 2)
    assert code(zipped([(f"iepd/{index}", b"") for index in range(3)])) == "iepd.archive-too-large"


def test_other_packings_and_damage_are_refused() -> None:
    assert code(zipped([("iepd/a", b"x" * 100)], zipfile.ZIP_BZIP2)) == "iepd.archive-broken"
    assert code(b"not a zip") == "iepd.archive-broken"
    good = pack(FILES)
    assert code(good[:-30]) == "iepd.archive-broken"
    assert code(good[:47] + b"\xff\xff\xff" + good[50:]) == "iepd.archive-broken"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(IepdRefused):
        unpack(data)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"iepd/a.xsd": bytes(101)}, "iepd.archive-too-large"),
        ({f"iepd/{number}.xsd": b"" for number in range(6)}, "iepd.archive-too-large"),
        ({"iepd/a.xsd": b"", "iepd/A.xsd": b""}, "iepd.archive-name"),
        ({"iepd/a;b.xsd": b""}, "iepd.archive-name"),
    ],
    ids=["size", "files", "case", "name"],
)
def test_what_could_not_be_read_back_is_not_packed(
    files: dict[str, bytes], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SIZE_BYTES_MAX", 100)
    monkeypatch.setattr(module, "FILES_MAX", 5)
    with pytest.raises(IepdRefused) as caught:
        pack(files)
    assert caught.value.findings[0].code == expected
