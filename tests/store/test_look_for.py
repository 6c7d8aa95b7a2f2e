"""Searching raw bytes says what it did not search."""

from pathlib import Path

import pytest

from gateway.store import residue
from gateway.store.residue import Looked, look_for


def test_a_file_that_was_not_read_to_its_end_is_not_called_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residue, "_CHUNK_BYTES", 4)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"........needle")
    second.write_bytes(b"needle")
    assert look_for([b"needle"], [first, second], bytes_max=8) == Looked(files=1, scanned_bytes=8, found=0, unread=2)
    assert look_for([b"needle"], [first, second]) == Looked(files=2, scanned_bytes=20, found=1, unread=0)
