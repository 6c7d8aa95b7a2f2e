"""Archives in memory, for tests."""

import io
import os
from collections.abc import Callable, Mapping

from gateway.backup.archive import ArchiveReader, ArchiveWriter
from gateway.backup.seal import Header

KEY = bytes(range(32))
HEADER: Header = {"lock": "none"}


def archive(members: Mapping[str, bytes], *, key: bytes = KEY, header: Header = HEADER) -> bytes:
    """An archive of these members."""
    file = io.BytesIO()
    writer = ArchiveWriter(file.write, key=key, header=header)
    for name, content in members.items():
        writer.add(name, content)
    writer.close()
    return file.getvalue()


def read(written: bytes, unlock: Callable[[Header], bytes] = lambda _: KEY) -> dict[str, bytes]:
    """Its members."""
    reader = ArchiveReader(io.BytesIO(written).read, unlock)
    return {name: reader.content(size_bytes_max=1 << 30) for name in reader.names()}


def noise(size_bytes: int) -> bytes:
    """Bytes that compress to nothing."""
    return os.urandom(size_bytes)
