"""An evidence package as a zip: always the same bytes, nothing held, everything listed and signed for."""

import io
import zipfile
from hashlib import sha256

import pytest

from gateway.audit.note import read_note
from gateway.audit.package import Pack
from tests.audit.memory_log import ORIGIN, START, PretendSigner

SIGNER = PretendSigner("gateway.example.gov/receipt")


def packed() -> bytes:
    file = io.BytesIO()
    with Pack(file) as pack:
        with pack.opened("log.jsonl") as write:
            for number in range(3):
                write(f"line {number}\n".encode())
        pack.add("checkpoint", b"head")
        pack.add("checkpoint", b"not written again")
        pack.seal(SIGNER, origin=ORIGIN, of="the whole log", made=START, size=3)
    return file.getvalue()


def test_the_same_files_give_the_same_bytes() -> None:
    assert packed() == packed()


def test_a_long_file_is_written_piece_by_piece_and_listed_with_its_digest() -> None:
    with zipfile.ZipFile(io.BytesIO(packed())) as opened:
        content = opened.read("log.jsonl")
        assert content == b"line 0\nline 1\nline 2\n"
        assert opened.read("checkpoint") == b"head"
        assert f"{sha256(content).hexdigest()}  log.jsonl" in opened.read("files.txt").decode().splitlines()
        assert {member.date_time for member in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_statement_is_signed_over_the_list() -> None:
    with zipfile.ZipFile(io.BytesIO(packed())) as opened:
        text = read_note(opened.read("statement"), [SIGNER.key]).text
        digest = sha256(opened.read("files.txt")).hexdigest()
    assert text.splitlines() == [
        "justice-gateway/evidence@v1",
        f"origin {ORIGIN}",
        "of the whole log",
        "made 2026-03-01T08:00:00.00Z",
        "size 3",
        f"files sha-256:{digest}",
    ]


def test_a_package_that_fails_half_way_is_not_sealed() -> None:
    file = io.BytesIO()

    def fail() -> None:
        with Pack(file) as pack:
            pack.add("checkpoint", b"head")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    with zipfile.ZipFile(file) as opened:
        assert "statement" not in opened.namelist()
