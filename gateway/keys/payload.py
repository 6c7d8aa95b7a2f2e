"""Encryption of stored payloads with keys that are derived, never stored, and can be forgotten.

Every payload has a key of its own: the leaf, at the payload's random 40-bit index, of the tree under its bucket's
secret (`gateway.keys.tree`). A bucket is the week in which its payloads are due at the latest, and one file:

    line "gateway-bucket-1" or "gateway-bucket-1 closed", nonce (12 bytes), AES-256-GCM under the wrapping key of the
    key directory of: per node depth (1 byte), prefix (5 bytes), secret (32 bytes). Bound to the bucket's name, so that
    files cannot be swapped.

The file is durable, and so is its name, before anything is encrypted under it. Forgetting a payload rewrites the
file; a bucket that is forgotten whole leaves a file without nodes, so that nobody makes it anew, with other keys, while
old rows still name it. A closed bucket is read and not written to: nothing is sealed in it any more. Each use looks
whether the file is still the one that was read, so that no process goes on with keys that another one has destroyed.
One process rewrites a bucket at a time (`flock` on a file beside it), and what the old file held is overwritten.
"""

import hmac
import os
import re
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.clock import Clock
from gateway.errors import Misconfigured, Refused, Tampered, Unavailable
from gateway.keys.secret_file import (
    KeyMissing,
    KeyUnreadable,
    create,
    erase,
    locked,
    make_directory,
    read_secret,
    replace_erasing,
)
from gateway.keys.tree import DEPTH, SECRET_SIZE_BYTES, Node, leaf_of, puncture_all, restrict, root
from gateway.message import Sealed

INDEX_SIZE_BYTES = DEPTH // 8
NONCE_SIZE_BYTES = 12
RANDOM_SIZE_BYTES = INDEX_SIZE_BYTES + NONCE_SIZE_BYTES
BUCKETS_IN_MEMORY_MAX = 256
"""Five years of weeks; each is 32 bytes, and a few kilobytes more once punctured."""

BUCKET_BYTES_MAX = 16 * 1024 * 1024
"""Some 440,000 nodes: more than ten thousand holes."""

NODES_MAX = (BUCKET_BYTES_MAX - 64) // 38
"""What surely fits into it."""

_OPEN = b"gateway-bucket-1\n"
_CLOSED = b"gateway-bucket-1 closed\n"
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


class BucketClosed(Unavailable):
    """Nothing more is sealed in this bucket: its week is over, and it is being destroyed. A try that starts now seals
    in a later one."""

    code = "key.bucket-closed"


class BucketTorn(Misconfigured):
    """Its file would hold more nodes than are ever read: so many payloads of one week were forgotten one by one."""

    code = "key.bucket-torn"

    def __init__(self, bucket: str) -> None:
        super().__init__(f"bucket {bucket}: too many of its payloads were forgotten one by one; wait for its week")


class BucketDamaged(Misconfigured):
    """A bucket's file is not one that this key directory wrote."""

    code = "key.damaged"


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A bucket in memory: its nodes in order of their first leaves. `seen` is inode, change time and size of the file
    it was read from."""

    nodes: tuple[Node, ...]
    starts: tuple[int, ...]
    closed: bool
    path: str
    seen: tuple[int, int, int]

    def leaf(self, index: int) -> bytes | None:
        """Secret of a leaf, None when it was forgotten."""
        return leaf_of(self.nodes, self.starts, index)


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
        found = self._find(bucket, make=True)
        if found.closed:
            raise BucketClosed(f"bucket {bucket} is closed; try again")
        index = int.from_bytes(random[:INDEX_SIZE_BYTES])
        secret = found.leaf(index)
        while secret is None:  # forgotten leaves are never used again; one in a million millions is
            index = int.from_bytes(sha256(index.to_bytes(INDEX_SIZE_BYTES) + random).digest()[:INDEX_SIZE_BYTES])
            secret = found.leaf(index)
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

    # forgetting

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The one run of destruction over all nodes that share the keys. Raises `KeysBusy` when there is another."""
        make_directory(self._directory)
        with locked(self._directory / ".run.lock", wait=False):
            yield

    def remembers(self, bucket: str, index: int) -> bool:
        """Whether the payload's key still grows."""
        return bool(self.secrets_of(bucket, index))

    def secrets_of(self, bucket: str, index: int) -> tuple[bytes, ...]:
        """What would open it: the leaf and the key made of it; () when both are gone. For whoever is to prove, later,
        that they are nowhere."""
        try:
            secret = self._find(bucket, make=False).leaf(index)
        except KeyGone:
            return ()
        return (secret, _derived(secret, _KEY)) if secret is not None else ()

    def buckets(self) -> tuple[str, ...]:
        """Names of the buckets that still hold a key, oldest first. Raises `KeyUnreadable`."""
        names = sorted(path.stem for path in self._directory.glob("*.key") if _BUCKET.fullmatch(path.stem))
        return tuple(name for name in names if self.nodes_in(name))

    def nodes_in(self, bucket: str) -> int:
        """How many nodes its file holds; 0 when it is gone or forgotten."""
        try:
            return len(self._find(bucket, make=False).nodes)
        except KeyGone:
            return 0

    def close(self, bucket: str) -> None:
        """Nothing is sealed in it from now on; what is in it is read as before. Durable when this returns."""
        with self._rewriting(bucket) as found:
            if found is not None and not found.closed:
                self._rewrite(bucket, found.nodes, closed=True)

    def forget(self, bucket: str, indexes: Iterable[int]) -> None:
        """Destroy the keys of these payloads; all others of the bucket stay. Durable when this returns, and again is as
        good as once. Raises `BucketTorn`, and what reading and writing the key directory raises."""
        with self._rewriting(bucket) as found:
            if found is not None and (gone := [each for each in indexes if found.leaf(each) is not None]):
                self._rewrite(bucket, puncture_all(found.nodes, gone), closed=found.closed)

    def forget_bucket(self, bucket: str) -> None:
        """Destroy the keys of all payloads that are, or ever were, in it. The name stays taken. Durable when this
        returns."""
        with self._rewriting(bucket) as found:
            if found is None:
                create(self._path(bucket), self._wrapped((), bucket, closed=True))
            elif found.nodes or not found.closed:
                self._rewrite(bucket, (), closed=True)

    # copying

    def names(self) -> tuple[str, ...]:
        """Every bucket of the directory, the forgotten ones too."""
        found = (path.stem for path in self._directory.glob("*.key"))
        return tuple(sorted(name for name in found if _BUCKET.fullmatch(name)))

    def places(self, bucket: str) -> tuple[tuple[int, int], ...]:
        """Depth and prefix of its nodes, no secret: what had not been forgotten at this moment."""
        try:
            return tuple((node.depth, node.prefix) for node in self._find(bucket, make=False).nodes)
        except KeyGone:
            return ()

    def copy_of(self, bucket: str) -> bytes:
        """Its file, as nobody is rewriting it. Raises `KeyGone`, and what reading the key directory raises."""
        with self._rewriting(bucket) as found:
            if found is None:
                raise KeyGone(f"there is no bucket {bucket}")
            return read_secret(self._path(bucket), size_bytes_max=BUCKET_BYTES_MAX)

    def put_back(self, bucket: str, content: bytes) -> None:
        """Take in a copy of its file, where the directory has none. Raises `BucketDamaged` for a file of other keys."""
        self._unwrapped(content, bucket)
        make_directory(self._directory)
        create(self._path(bucket), content)

    def restrict(self, bucket: str, places: Iterable[tuple[int, int]]) -> bool:
        """Forget what had been forgotten when the bucket had these places; whether there was such."""
        with self._rewriting(bucket) as found:
            if found is None:
                return False
            kept = restrict(found.nodes, places)
            if kept != found.nodes:
                self._rewrite(bucket, kept, closed=found.closed or not kept)
            return kept != found.nodes

    @contextmanager
    def _rewriting(self, bucket: str) -> Iterator[_Bucket | None]:
        """The bucket as it is now, None when there is none, for whoever is alone with it. What killed processes left
        half written beside it is erased: it may hold nodes that were forgotten since."""
        path = self._path(bucket)
        make_directory(self._directory)
        with locked(self._directory / f".{bucket}.lock"):
            for left in self._directory.glob(f".{path.name}.*.tmp"):
                erase(left)
            try:
                with self._lock:
                    found = self._read(path, bucket)
            except KeyGone:
                found = None
            yield found

    def _rewrite(self, bucket: str, nodes: tuple[Node, ...], *, closed: bool) -> None:
        content = self._wrapped(nodes, bucket, closed=closed)
        if len(content) > BUCKET_BYTES_MAX:
            raise BucketTorn(bucket)
        replace_erasing(self._path(bucket), content)

    # reading

    def _leaf(self, sealed: Sealed) -> bytes:
        secret = self._find(sealed.bucket, make=False).leaf(sealed.index)
        if secret is None:
            raise KeyGone("the payload's key was destroyed; its content is gone for good")
        return secret

    def _find(self, bucket: str, *, make: bool) -> _Bucket:
        known = self._buckets.get(bucket)
        if known is not None and known.seen == _seen(known.path):
            return known
        path = self._path(bucket)
        if make and _seen(path) is None:
            self._make(path, bucket)
        with self._lock:
            return self._read(path, bucket)

    def _make(self, path: Path, bucket: str) -> None:
        """Alone with it: whoever rewrites a bucket erases what lies half made beside it."""
        make_directory(self._directory)
        with locked(self._directory / f".{bucket}.lock"):
            # False when another process was faster: then its secret is the bucket's.
            create(path, self._wrapped((root(self._clock.random(SECRET_SIZE_BYTES)),), bucket, closed=False))

    def _read(self, path: Path, bucket: str) -> _Bucket:
        seen = _seen(path)
        if seen is None:
            self._buckets.pop(bucket, None)
            raise KeyGone(f"the keys of bucket {bucket} were destroyed; its payloads are gone for good")
        try:
            nodes, closed = self._unwrapped(read_secret(path, size_bytes_max=BUCKET_BYTES_MAX), bucket)
        except KeyMissing as error:
            raise KeyGone(f"the keys of bucket {bucket} were destroyed just now") from error
        except BucketDamaged:
            if seen != _seen(path):  # it was replaced, and the old one overwritten, while it was read
                return self._read(path, bucket)
            raise
        # `seen` is from before the reading: a file replaced in between is read again at the next use.
        read = _Bucket(nodes, tuple(node.start for node in nodes), closed, str(path), seen)
        while len(self._buckets) >= BUCKETS_IN_MEMORY_MAX:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[bucket] = read
        return read

    def _path(self, bucket: str) -> Path:
        if not _BUCKET.fullmatch(bucket):
            raise ValueError("a bucket is named by its week, such as 2027-W05")
        return self._directory / f"{bucket}.key"

    def _wrapped(self, nodes: tuple[Node, ...], bucket: str, *, closed: bool) -> bytes:
        magic = _CLOSED if closed else _OPEN
        plain = b"".join(_NODE.pack(n.depth, n.prefix.to_bytes(INDEX_SIZE_BYTES), n.secret) for n in nodes)
        nonce = self._clock.random(NONCE_SIZE_BYTES)
        return magic + nonce + self._wrapping.encrypt(nonce, plain, magic + bucket.encode())

    def _unwrapped(self, content: bytes, bucket: str) -> tuple[tuple[Node, ...], bool]:
        """Nodes in order of their first leaves, and whether the bucket is closed."""
        magic = _CLOSED if content.startswith(_CLOSED) else _OPEN
        start = len(magic) + NONCE_SIZE_BYTES
        nonce = content[len(magic) : start]
        try:
            plain = self._wrapping.decrypt(nonce, content[start:], magic + bucket.encode())
            nodes = [Node(depth, int.from_bytes(prefix), secret) for depth, prefix, secret in _NODE.iter_unpack(plain)]
        except (InvalidTag, ValueError, struct.error) as error:
            raise BucketDamaged(
                f"bucket {bucket}: its file was not written by this key directory, or is damaged; restore it"
            ) from error
        return tuple(sorted(nodes, key=lambda node: node.start)), magic is _CLOSED


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
