"""Keys of the disclosure index: one for each number and each sound of a name; derived, never stored, really destroyed.

A generation is one file, `2026-Q4.1.key`: those rows of the index that were written in one quarter. It holds a secret
for addresses and the nodes of a tree as payload buckets do (`gateway.keys.tree`):

    line "gateway-subjects-1", nonce (12 bytes), AES-256-GCM under the wrapping key of: address secret (32 bytes), then
    per node depth (1 byte), prefix (5 bytes), secret (32 bytes). Bound to the generation's name.

A term, "sid:FR1190284" or "sound:3524|2415", has the leaf at HMAC(address secret, term). A row is found by a token made
of a term's leaf, and encrypted under a key made of the leaf of the term that is its person's key. To forget a term its
leaf is punctured: from then on neither the key nor the token can be made again by anybody, from the database, its
write-ahead log or a backup of it. What is written after that goes into the next generation of its quarter, so that a
person whose record was expunged and who is arrested again is known by new leaves.

When a quarter has been kept long enough its files are removed, and all its rows are forgotten at once.
"""

import hmac
import os
import re
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.clock import Clock
from gateway.errors import Misconfigured, Tampered
from gateway.keys.payload import KeyGone
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
from gateway.message import Filed

INDEX_SIZE_BYTES = DEPTH // 8
NONCE_SIZE_BYTES = 12
FILE_SIZE_BYTES_MAX = 64 * 1024 * 1024
"""Some 40,000 forgotten terms in one generation."""

_MAGIC = b"gateway-subjects-1\n"
_NODE = struct.Struct(">B5s32s")
_NAME = re.compile(r"([0-9]{4}-Q[1-4])\.([1-9][0-9]{0,5})")
_ADDRESS = b"gateway/subject-address/1\0"
_KEY = b"gateway/subject-row/1"
_TOKEN = b"gateway/subject-token/1"


class GenerationDamaged(Misconfigured):
    """A generation's file is not one that this key directory wrote."""

    code = "key.damaged"


class DisclosureTampered(Tampered):
    """A row of the disclosure index is not what was stored."""

    code = "disclosure.tampered"


@dataclass(frozen=True, slots=True)
class _Generation:
    """A generation in memory: its nodes in order of their first leaves.

    path, successor  of its file and of that of the next generation of its quarter
    seen             inode, change time and size of the file it was read from
    """

    name: str
    path: str
    successor: str
    address: bytes
    nodes: tuple[Node, ...]
    starts: tuple[int, ...]
    seen: tuple[int, int, int]

    def index(self, term: str) -> int:
        """Where the term's leaf is."""
        return int.from_bytes(hmac.digest(self.address, _ADDRESS + term.encode(), "sha256")[:INDEX_SIZE_BYTES])

    def leaf(self, index: int) -> bytes | None:
        """Secret of a leaf; None when it was forgotten."""
        return leaf_of(self.nodes, self.starts, index)


class SubjectKeys:
    """The keys of the disclosure index in one directory. Safe to use from several threads and beside other processes.

    wrapping  32 bytes; encrypts the files
    """

    def __init__(self, directory: Path, *, wrapping: bytes, clock: Clock) -> None:
        self._directory = directory
        self._wrapping = AESGCM(wrapping)
        self._clock = clock
        self._read_before: dict[str, _Generation] = {}
        self._newest_before: dict[str, _Generation] = {}
        self._lock = threading.Lock()

    # --- writing rows

    def file(self, terms: Sequence[str], *, key: str, plaintexts: Sequence[bytes], now: datetime) -> tuple[Filed, ...]:
        """Rows that say these things of one person, in the newest generation of this moment's quarter, whose file is
        durable before this returns.

        terms  by what they are found; key: the term whose key they are under

        Raises leaves of `Misconfigured` when the key directory cannot be read or written.
        """
        return self.file_in(quarter(now), terms, key=key, plaintexts=plaintexts)

    def file_in(
        self, quarter: str, terms: Sequence[str], *, key: str, plaintexts: Sequence[bytes]
    ) -> tuple[Filed, ...]:
        """`file`, in the newest generation of this quarter."""
        while True:
            generation = self._newest(quarter)
            index = generation.index(key)
            places = {index, *map(generation.index, terms)}
            leaves = {each: generation.leaf(each) for each in places}
            if None not in leaves.values():
                break
            # Forgotten in this very moment: its successor was there before that happened.
            self.renew(generation.name, unless_newer=True)
        secrets = {each: secret for each, secret in leaves.items() if secret is not None}
        tokens = tuple(dict.fromkeys(_token(secrets[generation.index(term)]) for term in terms))
        cipher = AESGCM(hmac.digest(secrets[index], _KEY, "sha256"))
        filed: list[Filed] = []
        for plaintext in plaintexts:
            nonce = self._clock.random(NONCE_SIZE_BYTES)
            ciphertext = cipher.encrypt(nonce, plaintext, _bound(generation.name, index, tokens))
            filed.append(
                Filed(generation=generation.name, index=index, nonce=nonce, tokens=tokens, ciphertext=ciphertext)
            )
        return tuple(filed)

    # --- finding and reading them

    def generations(self) -> tuple[str, ...]:
        """Names of all there are, oldest first."""
        return tuple(sorted(self._names(), key=_order))

    def tokens(self, terms: Iterable[str]) -> frozenset[int]:
        """By what rows of these terms are found, in every generation; forgotten ones give none."""
        asked = tuple(terms)
        found: set[int] = set()
        for name in self._names():
            generation = self._generation(name)
            if generation is not None:
                secrets = (generation.leaf(generation.index(term)) for term in asked)
                found.update(_token(secret) for secret in secrets if secret is not None)
        return frozenset(found)

    def open(self, filed: Filed) -> bytes:
        """What a row says. Raises `KeyGone`, `DisclosureTampered`, and what reading the key directory raises."""
        generation = self._generation(filed.generation)
        secret = generation.leaf(filed.index) if generation is not None else None
        if secret is None:
            raise KeyGone("the key of this disclosure was destroyed")
        try:
            cipher = AESGCM(hmac.digest(secret, _KEY, "sha256"))
            bound = _bound(filed.generation, filed.index, filed.tokens)
            return cipher.decrypt(filed.nonce, filed.ciphertext, bound)
        except InvalidTag as error:
            raise DisclosureTampered("a row of the disclosure index was changed") from error

    # --- forgetting

    def points(self, generation: str, terms: Iterable[str]) -> frozenset[int]:
        """Where the leaves of these terms are in a generation; none when it is gone."""
        known = self._generation(generation)
        return frozenset(map(known.index, terms)) if known is not None else frozenset()

    def renew(self, generation: str, *, unless_newer: bool = False) -> str:
        """Begin the next generation of its quarter; its name. What is written from now on goes there."""
        quarter, number = _order(generation)
        newest = max((_order(name)[1] for name in self._names() if _order(name)[0] == quarter), default=number)
        if unless_newer and newest > number:
            return f"{quarter}.{newest}"
        return self._made(f"{quarter}.{newest + 1}").name

    def forget(self, generation: str, points: Iterable[int]) -> None:
        """Destroy these leaves, durably. Again is as good as once; nothing is done when the file is gone."""
        path = self._path(generation)
        make_directory(self._directory)
        with locked(self._directory / f".{generation}.lock"):
            self._erase_left(path)
            with self._lock:
                known = self._read(generation)
            if known is None:
                return
            gone = [point for point in set(points) if known.leaf(point) is not None]
            if gone:
                replace_erasing(path, self._wrapped(generation, known.address, puncture_all(known.nodes, gone)))
                self._read_before.pop(generation, None)

    def destroy(self, generation: str) -> None:
        """Remove a generation's file, durably: all its rows are forgotten."""
        path = self._path(generation)
        make_directory(self._directory)
        with locked(self._directory / f".{generation}.lock"):
            self._erase_left(path)
            erase(path)
        self._read_before.pop(generation, None)

    def _erase_left(self, path: Path) -> None:
        """What killed processes left half written beside it: it may hold nodes that were forgotten since."""
        for left in self._directory.glob(f".{path.name}.*.tmp"):
            erase(left)

    # --- copying

    def names(self) -> tuple[str, ...]:
        """As `generations`."""
        return self.generations()

    def places(self, generation: str) -> tuple[tuple[int, int], ...]:
        """Depth and prefix of its nodes, no secret: what had not been forgotten at this moment."""
        known = self._generation(generation)
        return tuple((node.depth, node.prefix) for node in known.nodes) if known is not None else ()

    def copy_of(self, generation: str) -> bytes:
        """Its file, as nobody is rewriting it. Raises `KeyMissing`, and what reading the key directory raises."""
        with locked(self._directory / f".{generation}.lock"):
            return read_secret(self._path(generation), size_bytes_max=FILE_SIZE_BYTES_MAX)

    def put_back(self, generation: str, content: bytes) -> None:
        """Take in a copy of its file, where there is none. Raises `GenerationDamaged` for one of other keys."""
        self._unwrapped(generation, content)
        make_directory(self._directory)
        create(self._path(generation), content)

    def restrict(self, generation: str, places: Iterable[tuple[int, int]]) -> bool:
        """Forget what had been forgotten when the generation had these places; whether there was such."""
        make_directory(self._directory)
        with locked(self._directory / f".{generation}.lock"):
            with self._lock:
                known = self._read(generation)
            if known is None:
                return False
            kept = restrict(known.nodes, places)
            if kept != known.nodes:
                replace_erasing(self._path(generation), self._wrapped(generation, known.address, kept))
                self._read_before.pop(generation, None)
            return kept != known.nodes

    # --- files

    def _names(self) -> Iterable[str]:
        try:
            files = [path.name.removesuffix(".key") for path in self._directory.iterdir() if path.suffix == ".key"]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise KeyUnreadable(f"{self._directory}: cannot be read ({error.strerror})") from error
        return [name for name in files if _NAME.fullmatch(name)]

    def _newest(self, quarter: str) -> _Generation:
        """Two looks at the disk while nothing changed: at its file, and for that of its successor."""
        known = self._newest_before.get(quarter)
        if known is not None and known.seen == _seen(known.path) and _seen(known.successor) is None:
            return known
        numbers = [number for found, number in map(_order, self._names()) if found == quarter]
        newest = self._generation(f"{quarter}.{max(numbers)}") if numbers else None
        newest = newest or self._made(f"{quarter}.{max(numbers, default=0) + 1}")
        self._newest_before = {quarter: newest}
        return newest

    def _generation(self, name: str) -> _Generation | None:
        known = self._read_before.get(name)
        if known is not None and known.seen == _seen(known.path):
            return known
        with self._lock:
            return self._read(name)

    def _made(self, name: str) -> _Generation:
        """A new generation, or the one of this name that another process made meanwhile."""
        make_directory(self._directory)
        secrets = self._clock.random(2 * SECRET_SIZE_BYTES)
        nodes = (root(secrets[SECRET_SIZE_BYTES:]),)
        # Alone with it: whoever rewrites a generation erases what lies half made beside it.
        with locked(self._directory / f".{name}.lock"):
            create(self._path(name), self._wrapped(name, secrets[:SECRET_SIZE_BYTES], nodes))
        made = self._generation(name)
        if made is None:
            raise KeyUnreadable(f"{self._path(name)}: was removed as soon as it was made")
        return made

    def _read(self, name: str) -> _Generation | None:
        path = self._path(name)
        # From before the reading: a file replaced in between is read again at the next use.
        seen = _seen(path)
        try:
            content = read_secret(path, size_bytes_max=FILE_SIZE_BYTES_MAX) if seen is not None else b""
        except KeyMissing:
            seen = None
        if seen is None:
            self._read_before.pop(name, None)
            return None
        try:
            address, nodes = self._unwrapped(name, content)
        except GenerationDamaged:
            if seen != _seen(path):  # it was replaced, and the old one overwritten, while it was read
                return self._read(name)
            raise
        quarter, number = _order(name)
        successor = str(self._path(f"{quarter}.{number + 1}"))
        starts = tuple(node.start for node in nodes)
        read = _Generation(name, str(path), successor, address, nodes, starts, seen)
        self._read_before[name] = read
        return read

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("a generation is named by its quarter and a number, such as 2026-Q4.1")
        return self._directory / f"{name}.key"

    def _wrapped(self, name: str, address: bytes, nodes: Iterable[Node]) -> bytes:
        packed = b"".join(_NODE.pack(n.depth, n.prefix.to_bytes(INDEX_SIZE_BYTES), n.secret) for n in nodes)
        nonce = self._clock.random(NONCE_SIZE_BYTES)
        content = _MAGIC + nonce + self._wrapping.encrypt(nonce, address + packed, _MAGIC + name.encode())
        if len(content) > FILE_SIZE_BYTES_MAX:
            raise KeyUnreadable(f"generation {name}: too much was forgotten in it for one file")
        return content

    def _unwrapped(self, name: str, content: bytes) -> tuple[bytes, tuple[Node, ...]]:
        start = len(_MAGIC) + NONCE_SIZE_BYTES
        try:
            plain = self._wrapping.decrypt(content[len(_MAGIC) : start], content[start:], _MAGIC + name.encode())
            packed = _NODE.iter_unpack(plain[SECRET_SIZE_BYTES:])
            nodes = [Node(depth, int.from_bytes(prefix), secret) for depth, prefix, secret in packed]
        except (InvalidTag, ValueError, struct.error) as error:
            raise GenerationDamaged(
                f"generation {name}: its file was not written by this key directory, or is damaged; restore it"
            ) from error
        return plain[:SECRET_SIZE_BYTES], tuple(sorted(nodes, key=lambda node: node.start))


def quarter(moment: datetime) -> str:
    """ "2026-Q4", in UTC."""
    day = moment.astimezone(UTC)
    return f"{day.year}-Q{(day.month + 2) // 3}"


def quarter_of(generation: str) -> str:
    """The quarter in which a generation's rows were written."""
    return _order(generation)[0]


def quarter_end(quarter: str) -> datetime:
    """The first moment after a quarter."""
    year, number = int(quarter[:4]), int(quarter[-1])
    return datetime(year + number // 4, number % 4 * 3 + 1, 1, tzinfo=UTC)


def _order(generation: str) -> tuple[str, int]:
    match = _NAME.fullmatch(generation)
    if match is None:
        raise ValueError("a generation is named by its quarter and a number, such as 2026-Q4.1")
    return match[1], int(match[2])


def _token(secret: bytes) -> int:
    return int.from_bytes(hmac.digest(secret, _TOKEN, "sha256")[:8], signed=True)


def _bound(generation: str, index: int, tokens: Sequence[int]) -> bytes:
    """What a row's ciphertext is bound to: it opens in its own place only."""
    return f"{generation}/{index}/{','.join(map(str, tokens))}".encode()


def _seen(path: Path | str) -> tuple[int, int, int] | None:
    """What changes when the file is replaced; None when it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116  (on the hot path; Path.stat costs twice as much)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnreadable(f"{path}: cannot be read ({error.strerror})") from error
    return status.st_ino, status.st_mtime_ns, status.st_size
