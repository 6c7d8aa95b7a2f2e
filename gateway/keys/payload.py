"""Encryption of stored payloads with keys that are derived, never stored, and can be forgotten.

Every payload has a key of its own: the leaf, at the payload's random 40-bit index, of the tree under its bucket's
secret (`gateway.keys.tree`). A bucket is the week in which its payloads are due at the latest, and one file:

    line "gateway-bucket-1", nonce (12 bytes), AES-256-GCM under the wrapping key of the key directory of: per node
    depth (1 byte), prefix (5 bytes), secret (32 bytes). Bound to the bucket's name, so that files cannot be swapped.

The file is durable, and so is its name, before anything is encrypted under it. Forgetting a payload rewrites the
file; removing the file forgets the bucket. Each use looks whether the file is still the one that was read, so that no
process goes on with keys that another one has destroyed.
"""

import hmac
import os
import re
import struct
import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.clock import Clock
from gateway.errors import Misconfigured, Refused, Tampered
from gateway.keys.secret_file import KeyMissing, KeyUnreadable, create, make_directory, read_secret
from gateway.keys.tree import DEPTH, SECRET_SIZE_BYTES, Node, leaf, root
from gateway.message import Sealed

INDEX_SIZE_BYTES = DEPTH // 8
NONCE_SIZE_BYTES = 12
RANDOM_SIZE_BYTES = INDEX_SIZE_BYTES + NONCE_SIZE_BYTES
BUCKETS_IN_MEMORY_MAX = 256
"""Five years of weeks; each is 32 bytes, and a few kilobytes more once punctured."""

_MAGIC = b"gateway-bucket-1\n"
_NODE = struct.Struct(">B5s32s")
_BUCKET = re.compile(r"[0-9]{4}-W[0-9]{2}")
_KEY = b"gateway/payload-key/1"
_SALT = b"gateway/commit-salt/1"


class KeyGone(Refused):
    """The payload's key was destroyed: nobody can read it again."""

    code = "key.destroyed"


class PayloadTampered(Tampered):
    """A stored payload is not what was stored, or not the one it is said to be."""

    code = "payload.tampered"


class BucketDamaged(Misconfigured):
    """A bucket's file is not one that this key directory wrote."""

    code = "key.damaged"


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A bucket in memory. `seen` is inode, change time and size of the file it was read from."""

    nodes: tuple[Node, ...]
    path: str
    seen: tuple[int, int, int]


class PayloadKeys:
    """The payload keys of one key directory. Safe to use from several threads, and beside other processes.

    wrapping     32 bytes; encrypts the bucket files
    fingerprint  names the key directory
    """

    def __init__(self, directory: Path, *, wrapping: bytes, clock: Clock, fingerprint: str) -> None:
        self._directory = directory
        self._wrapping = AESGCM(wrapping)
        self._clock = clock
        self._fingerprint = fingerprint
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def fingerprint(self) -> str:
        """Digest that names the key directory; a database remembers whose keys its payloads are under."""
        return self._fingerprint

    def seal(self, plaintext: bytes, *, bucket: str, aad: bytes, random: bytes) -> Sealed:
        """Encrypt under a fresh key of the bucket, which is durable before this returns.

        aad     the payload's identity, asked for again when it is opened
        random  17 bytes: 5 for the key's address in the bucket, 12 for the nonce

        Raises `Misconfigured` when the key directory cannot be read or written, or the bucket's file is damaged.
        """
        return self.seal_salted(plaintext, bucket=bucket, aad=aad, random=random)[0]

    def seal_salted(self, plaintext: bytes, *, bucket: str, aad: bytes, random: bytes) -> tuple[Sealed, bytes]:
        """As `seal`, with what `salt_of` will give, at half the cost of asking for it later."""
        if len(random) != RANDOM_SIZE_BYTES:
            raise ValueError(f"a payload is sealed with {RANDOM_SIZE_BYTES} random bytes")
        nodes = self._nodes(bucket, make=True)
        index = int.from_bytes(random[:INDEX_SIZE_BYTES])
        secret = leaf(nodes, index)
        while secret is None:  # forgotten leaves are never used again; one in a million millions is
            index = int.from_bytes(sha256(index.to_bytes(INDEX_SIZE_BYTES) + random).digest()[:INDEX_SIZE_BYTES])
            secret = leaf(nodes, index)
        nonce = random[INDEX_SIZE_BYTES:]
        ciphertext = AESGCM(_derived(secret, _KEY)).encrypt(nonce, plaintext, aad)
        return Sealed(bucket=bucket, index=index, nonce=nonce, ciphertext=ciphertext), _derived(secret, _SALT)

    def open(self, sealed: Sealed, *, aad: bytes) -> bytes:
        """Decrypt. Raises `KeyGone`, `PayloadTampered`, and what reading the key directory raises."""
        cipher = AESGCM(_derived(self._leaf(sealed), _KEY))
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, aad)
        except InvalidTag as error:
            raise PayloadTampered("a stored payload was changed, or is not the one it is stored as") from error

    def salt_of(self, sealed: Sealed) -> bytes:
        """32 bytes derived one way from the payload's key: the salt of its commitment dies with the key.

        Raises `KeyGone`, and what reading the key directory raises.
        """
        return _derived(self._leaf(sealed), _SALT)

    def _leaf(self, sealed: Sealed) -> bytes:
        secret = leaf(self._nodes(sealed.bucket, make=False), sealed.index)
        if secret is None:
            raise KeyGone("the payload's key was destroyed; its content is gone for good")
        return secret

    def _nodes(self, bucket: str, *, make: bool) -> tuple[Node, ...]:
        known = self._buckets.get(bucket)
        if known is not None and known.seen == _seen(known.path):
            return known.nodes
        path = self._path(bucket)
        with self._lock:
            return self._read(path, bucket, make=make).nodes

    def _read(self, path: Path, bucket: str, *, make: bool) -> _Bucket:
        seen = _seen(path)
        if seen is None:
            self._buckets.pop(bucket, None)
            if not make:
                raise KeyGone(f"the keys of bucket {bucket} were destroyed; its payloads are gone for good")
            make_directory(self._directory)
            # False when another process was faster: then its secret is the bucket's.
            create(path, self._wrapped((root(self._clock.random(SECRET_SIZE_BYTES)),), bucket))
            seen = _seen(path)
        try:
            # `seen` is from before the reading: a file replaced in between is read again at the next use.
            read = _Bucket(self._unwrapped(read_secret(path), bucket), str(path), seen or (0, 0, 0))
        except KeyMissing as error:
            raise KeyGone(f"the keys of bucket {bucket} were destroyed just now") from error
        while len(self._buckets) >= BUCKETS_IN_MEMORY_MAX:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[bucket] = read
        return read

    def _path(self, bucket: str) -> Path:
        if not _BUCKET.fullmatch(bucket):
            raise ValueError("a bucket is named by its week, such as 2027-W05")
        return self._directory / f"{bucket}.key"

    def _wrapped(self, nodes: tuple[Node, ...], bucket: str) -> bytes:
        plain = b"".join(_NODE.pack(n.depth, n.prefix.to_bytes(INDEX_SIZE_BYTES), n.secret) for n in nodes)
        nonce = self._clock.random(NONCE_SIZE_BYTES)
        return _MAGIC + nonce + self._wrapping.encrypt(nonce, plain, _MAGIC + bucket.encode())

    def _unwrapped(self, content: bytes, bucket: str) -> tuple[Node, ...]:
        start = len(_MAGIC) + NONCE_SIZE_BYTES
        nonce = content[len(_MAGIC) : start]
        try:
            plain = self._wrapping.decrypt(nonce, content[start:], _MAGIC + bucket.encode())
            return tuple(
                Node(depth, int.from_bytes(prefix), secret) for depth, prefix, secret in _NODE.iter_unpack(plain)
            )
        except (InvalidTag, ValueError, struct.error) as error:
            raise BucketDamaged(
                f"bucket {bucket}: its file was not written by this key directory, or is damaged; restore it"
            ) from error


def _derived(secret: bytes, label: bytes) -> bytes:
    return hmac.digest(secret, label, "sha256")


def _seen(path: Path | str) -> tuple[int, int, int] | None:
    """What changes when the file is replaced; None when it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116  (on the hot path; Path.stat costs twice as much)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be read ({error.strerror})") from error
    return status.st_ino, status.st_mtime_ns, status.st_size
