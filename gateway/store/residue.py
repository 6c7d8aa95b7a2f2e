"""Residue: looking for bytes that must not be there any more, in files as they lie on the disk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHUNK_BYTES: Final = 8 * 1024 * 1024

SCAN_BYTES_MAX: Final = 8 * 1024 * 1024 * 1024
"""What one look reads: minutes, not hours. What was not read is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """files, scanned_bytes: what was read. found: how many of the needles lay in it. unread: files that were not, or
    not to their end."""

    files: int
    scanned_bytes: int
    found: int
    unread: int


def look_for(needles: Sequence[bytes], files: Iterable[Path], *, bytes_max: int = SCAN_BYTES_MAX) -> Looked:
    """Search the files for each of the needles, also across the places where a read ends."""
    left, found, count, scanned, unread = bytes_max, set[bytes](), 0, 0, 0
    keep = max((len(each) for each in needles), default=1) - 1
    for file in files:
        if left <= 0:
            unread += 1
            continue
        try:
            read = _look(file, needles, found, keep, left)
            unread += left <= read < file.stat().st_size  # the last one, of which a part was read
        except OSError:  # gone since it was listed, or not ours to read
            unread += 1
            continue
        count, scanned, left = count + 1, scanned + read, left - read
    return Looked(files=count, scanned_bytes=scanned, found=len(found), unread=unread)


def _look(file: Path, needles: Sequence[bytes], found: set[bytes], keep: int, bytes_max: int) -> int:
    read, tail = 0, b""
    with file.open("rb") as opened:
        while read < bytes_max and (chunk := opened.read(_CHUNK_BYTES)):
            window = tail + chunk
            found.update(each for each in needles if each in window)
            tail = window[-keep:] if keep else b""
            read += len(chunk)
    return read
