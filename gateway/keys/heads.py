"""Heads of the log, kept beside the keys: a database that was put back to an earlier state is found by them.

    heads/signed.000000000001842      the newest checkpoint this deployment signed
    heads/verified.000000000001700    the newest one under which it read its entries again

A kept head only grows: each is a file of its own, made whole before smaller ones are removed, and the largest counts.
So no order of two processes, and no crash between the lines, ever lowers it.
"""

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.keys.secret_file import PUBLIC_MODE, KeyUnreadable, create, make_directory, read_public

DIRECTORY = "heads"


class Kept(StrEnum):
    """What a head is kept as."""

    SIGNED = "signed"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class KeptHeads:
    """The folder of kept heads of one key directory."""

    directory: Path

    def newest(self, kind: Kept) -> bytes | None:
        """The signed note of the largest size kept; None when there is none. Raises `KeyUnreadable`."""
        files = self._files(kind)
        while files:
            with contextlib.suppress(FileNotFoundError):  # another process kept a larger one meanwhile
                return read_public_or_gone(files[-1][1])
            files = self._files(kind)
        return None

    def keep(self, kind: Kept, size: int, note: bytes) -> None:
        """Keep this one, durably; of no effect when a larger one is kept. Raises `KeyUnreadable`."""
        files = self._files(kind)
        if files and files[-1][0] >= size:
            return
        make_directory(self.directory)
        create(self.directory / f"{kind}.{size:015d}", note, mode=PUBLIC_MODE)
        self._remove(kind, below=size)

    def restart(self, size: int) -> None:
        """Forget the heads of more than `size` entries: two people have decided that the log goes on from there."""
        for kind in Kept:
            for kept, path in self._files(kind):
                if kept > size:
                    path.unlink(missing_ok=True)

    def _remove(self, kind: Kept, *, below: int) -> None:
        for kept, path in self._files(kind):
            if kept < below:
                with contextlib.suppress(OSError):  # the next one removes it
                    path.unlink()

    def _files(self, kind: Kept) -> list[tuple[int, Path]]:
        """Sizes and files, by size."""
        try:
            names = list(self.directory.iterdir()) if self.directory.is_dir() else []
        except OSError as error:
            raise KeyUnreadable(f"{self.directory}: cannot be read ({error.strerror})") from error
        named = (path.name.partition(".") for path in names)
        return sorted(
            (int(size), path)
            for path, (word, _, size) in zip(names, named, strict=True)
            if word == kind and size.isdigit() and len(size) == 15
        )


def read_public_or_gone(path: Path) -> bytes:
    """Content of a kept head. Raises `FileNotFoundError` when it was removed, `KeyUnreadable`."""
    if not path.exists():
        raise FileNotFoundError(path)
    return read_public(path)
