"""What lies in an archive, under its cipher: members one after the other, and last the manifest.

    member   "M", length of its name (2 bytes), name, blocks, "E"
    block    "D", length (4 bytes), bytes
    end      "Z"

Sizes need not be known beforehand, so that a database streams into an archive as it is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from gateway.backup.seal import ArchiveAltered, Header, Read, Sealing, Unlock, Write, opened

BLOCK_SIZE_BYTES_MAX = 1 << 30
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member as it was written. digest: SHA-256, "sha-256:<hex>"."""

    name: str
    size_bytes: int
    digest: str


class ArchiveWriter:
    """Writes members one after the other."""

    def __init__(self, write: Write, *, key: bytes, header: Header) -> None:
        self._sealing = Sealing(write, key=key, header=header)
        self.members: list[Member] = []
        self._name = ""
        self._size_bytes = 0
        self._hash = sha256()

    def begin(self, name: str) -> None:
        """A new member; the one before is ended."""
        self.end()
        self._name, self._size_bytes, self._hash = name, 0, sha256()
        encoded = name.encode()
        self._sealing.write(b"M" + len(encoded).to_bytes(2) + encoded)

    def write(self, content: bytes | memoryview) -> None:
        """More of the member."""
        if content:
            self._size_bytes += len(content)
            self._hash.update(content)
            self._sealing.write(b"D" + len(content).to_bytes(4))
            self._sealing.write(content)

    def end(self) -> None:
        """End the member that is under way, if one is."""
        if self._name:
            self._sealing.write(b"E")
            digest = f"sha-256:{self._hash.hexdigest()}"
            self.members.append(Member(name=self._name, size_bytes=self._size_bytes, digest=digest))
            self._name = ""

    def add(self, name: str, content: bytes) -> None:
        """A whole member."""
        self.begin(name)
        self.write(content)
        self.end()

    def close(self) -> None:
        """The end of the archive."""
        self.end()
        self._sealing.write(b"Z")
        self._sealing.close()


class ArchiveReader:
    """Reads members in their order. Every byte given was verified; that nothing is missing is known only at the end."""

    def __init__(self, read: Read, unlock: Unlock) -> None:
        self._chunks = opened(read, unlock)
        self._held = memoryview(b"")
        self._inside = False
        self.members: list[Member] = []
        self._hash = sha256()

    def names(self) -> Iterator[str]:
        """The name of each member; what was not read of the one before is skipped. The end of the archive is verified
        when this ends. Raises what `seal.opened` raises, and `ArchiveAltered`."""
        while True:
            for _ in self.blocks():
                pass
            mark = self._take(1)
            if mark == b"Z":
                if len(self._held) or next(self._chunks, None) is not None:
                    raise ArchiveAltered("the archive goes on behind its end")
                return
            if mark != b"M":
                raise ArchiveAltered("the archive is not in the form that this version writes")
            name = bytes(self._take(int.from_bytes(self._take(2)))).decode("utf-8", "replace")
            self._inside, self._name, self._size_bytes, self._hash = True, name, 0, sha256()
            yield name

    def blocks(self) -> Iterator[memoryview]:
        """The content of the member, block by block."""
        while self._inside:
            if (mark := self._take(1)) == b"E":
                self._inside = False
                digest = f"sha-256:{self._hash.hexdigest()}"
                self.members.append(Member(name=self._name, size_bytes=self._size_bytes, digest=digest))
                return
            size_bytes = int.from_bytes(self._take(4))
            if mark != b"D" or size_bytes > BLOCK_SIZE_BYTES_MAX:
                raise ArchiveAltered("the archive is not in the form that this version writes")
            while size_bytes:
                part = self._part(size_bytes)
                size_bytes -= len(part)
                self._size_bytes += len(part)
                self._hash.update(part)
                yield part

    def content(self, *, size_bytes_max: int) -> bytes:
        """The whole member, for small ones. Raises `ArchiveAltered` for one that is larger than it can rightly be."""
        read = bytearray()
        for block in self.blocks():
            read += block
            if len(read) > size_bytes_max:
                raise ArchiveAltered("a member of the archive is larger than the gateway ever writes it")
        return bytes(read)

    def _part(self, size_bytes: int) -> memoryview:
        """Some bytes, at most so many, at least one."""
        while not len(self._held):
            chunk = next(self._chunks, None)
            if chunk is None:
                raise ArchiveAltered("the archive ends inside a member")
            self._held = memoryview(chunk)
        part, self._held = self._held[:size_bytes], self._held[size_bytes:]
        return part

    def _take(self, size_bytes: int) -> bytes:
        taken = bytearray()
        while len(taken) < size_bytes:
            taken += self._part(size_bytes - len(taken))
        return bytes(taken)
