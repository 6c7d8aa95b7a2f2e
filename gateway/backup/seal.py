"""The cipher of an archive: a stream of chunks of which none can be changed, moved, left out or cut off unseen.

    line "gateway-backup-1", length of the header (4 bytes), header (JSON: how the key is locked), chunks

A chunk is AES-256-GCM over 1 MiB of content, the last one over what is left. Its nonce is the chunk's number (11 bytes)
and a byte that is 1 in the last chunk alone; its associated data is the digest of the header. The key is fresh for each
archive, so counted nonces never meet. Source: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015), as in
age; AES instead of ChaCha20 because CJIS Security Policy SC-28 names AES-256.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Refused, Tampered

MAGIC = b"gateway-backup-1\n"
KEY_SIZE_BYTES = 32
CHUNK_SIZE_BYTES = 1024 * 1024
TAG_SIZE_BYTES = 16
HEADER_SIZE_BYTES_MAX = 4096

Write = Callable[[bytes], object]
Read = Callable[[int], bytes]
"""So many bytes; fewer only at the end."""

Header = Mapping[str, str | int]
"""How the archive's key is locked; nothing in it is secret."""

Unlock = Callable[[Header], bytes]
"""The archive's key, 32 bytes, out of its header."""


class NotAnArchive(Refused):
    """The file is no backup of a gateway."""

    code = "backup.not-an-archive"


class ArchiveTruncated(Tampered):
    """The archive ends before its end: it was cut off, or never finished."""

    code = "backup.truncated"


class ArchiveAltered(Tampered):
    """A byte of the archive is not what was written."""

    code = "backup.altered"


class Sealing:
    """Encrypts what is written to it. Nothing of it is good before `close`."""

    def __init__(self, write: Write, *, key: bytes, header: Header) -> None:
        written = MAGIC + _framed(header)
        self._write = write
        self._cipher = AESGCM(key)
        self._bound = sha256(written).digest()
        self._held = bytearray()
        self._number = 0
        write(written)

    def write(self, content: bytes | memoryview) -> None:
        """Go on with this."""
        self._held += content
        # A whole chunk is held back until there is more: only `close` knows which one is the last.
        while len(self._held) > CHUNK_SIZE_BYTES:
            self._seal(bytes(self._held[:CHUNK_SIZE_BYTES]), last=False)
            del self._held[:CHUNK_SIZE_BYTES]

    def close(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, content: bytes, *, last: bool) -> None:
        self._write(self._cipher.encrypt(_nonce(self._number, last=last), content, self._bound))
        self._number += 1


def opened(read: Read, unlock: Unlock) -> Iterator[bytes]:
    """The content, chunk by chunk, each verified before it is given.

    Raises `NotAnArchive`, `ArchiveTruncated`, `ArchiveAltered`, and what `unlock` raises.
    """
    written, header = _header(read)
    cipher, bound = AESGCM(unlock(header)), sha256(written).digest()
    number, chunk = 0, read(CHUNK_SIZE_BYTES + TAG_SIZE_BYTES)
    while True:
        following = read(CHUNK_SIZE_BYTES + TAG_SIZE_BYTES)
        yield _open(cipher, chunk, number, bound, last=not following)
        if not following:
            return
        number, chunk = number + 1, following


def _open(cipher: AESGCM, chunk: bytes, number: int, bound: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), chunk, bound)
    except (InvalidTag, ValueError) as error:
        whole = len(chunk) == CHUNK_SIZE_BYTES + TAG_SIZE_BYTES
        if last and (not whole or _is_inner(cipher, chunk, number, bound)):
            raise ArchiveTruncated(
                f"the archive ends in its {number + 1}. chunk, before its end, or is damaged there; take another copy"
            ) from error
        raise ArchiveAltered(
            f"the {number + 1}. chunk of the archive is not what was written; take another copy"
        ) from (error)


def _is_inner(cipher: AESGCM, chunk: bytes, number: int, bound: bytes) -> bool:
    """Whether this chunk, the last there is, was not the last that was written."""
    try:
        cipher.decrypt(_nonce(number, last=False), chunk, bound)
    except InvalidTag:
        return False
    return True


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _framed(header: Header) -> bytes:
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return len(text).to_bytes(4) + text


def _header(read: Read) -> tuple[bytes, Header]:
    """The bytes up to the first chunk, and what they say."""
    if read(len(MAGIC)) != MAGIC:
        raise NotAnArchive("the file is not a backup that a gateway of this version wrote")
    frame = read(4)
    size_bytes = int.from_bytes(frame)
    text = read(size_bytes) if size_bytes <= HEADER_SIZE_BYTES_MAX else b""
    try:
        header = json.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise ArchiveAltered("the head of the archive is damaged; take another copy") from error
    if not isinstance(header, dict):
        raise ArchiveAltered("the head of the archive is damaged; take another copy")
    return MAGIC + frame + text, header
