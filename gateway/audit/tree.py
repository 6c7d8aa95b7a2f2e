"""The Merkle tree over the log's leaves, as RFC 9162 section 2.1 defines it.

Stored are the leaf hashes (level 0) and the roots of complete subtrees of 256, 65,536, … leaves (level 1, 2, …).
Every other hash of the tree is computed from at most 256 of these, so that appending, a root and any proof read a
handful of ranges however long the log is. What to read and what to make of it are two steps, because reading waits
for a database and rules do not: `proof.inclusion_ranges` says what is needed, `proof.inclusion` computes from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from gateway.errors import Tampered

LEAF = b"\x00"
NODE = b"\x01"
HASH_SIZE_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

WIDTH_BITS = 8
WIDTH = 1 << WIDTH_BITS
"""Hashes in a tile: 256, as in C2SP tlog-tiles, so that tiles can be served as they lie."""


class HashMissing(Tampered):
    """Hashes that the log's size promises are not stored."""

    code = "audit.hash-missing"


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 leaf hash of one canonical audit entry; 32 bytes.

    Source: RFC 9162, section 2.1.1. The prefix keeps a leaf from being read as an inner node.
    """
    return sha256(LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node; 32 bytes. Source: RFC 9162, section 2.1.1."""
    return sha256(NODE + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Root over these leaf hashes, from the first leaf of the log on."""
    growing = CompactRange()
    growing.extend(leaves)
    return growing.root()


class CompactRange:
    """A log read from its first leaf on, as the few complete subtrees that its root is made of, the largest first.

    `nodes` are those of a tree of `size` leaves: one for each binary one in `size`.
    """

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)
        if len(self.nodes) != size.bit_count():
            raise ValueError("a compact range has one node for each binary one in its size")

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Go on with these leaf hashes."""
        nodes, size = self.nodes, self.size
        for leaf in leaves:
            node, trailing = leaf, size
            while trailing & 1:
                node = sha256(NODE + nodes.pop() + node).digest()
                trailing >>= 1
            nodes.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """Root over all leaves so far."""
        return _fold(self.nodes)


def _fold(nodes: Sequence[bytes]) -> bytes:
    """Root over complete subtrees of falling size."""
    if not nodes:
        return EMPTY_ROOT
    result = nodes[-1]
    for node in reversed(nodes[:-1]):
        result = node_hash(node, result)
    return result


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Root of a complete binary tree over 1, 2, 4, … hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


# --- reading stored hashes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Range:
    """`count` hashes of complete subtrees of 256**level leaves, from the `start`-th on; within one tile."""

    level: int
    start: int
    count: int


Got = Mapping[Range, Sequence[bytes]]
"""What was read for each range asked for."""


class Span(NamedTuple):
    """The node of the tree over leaves [start, end)."""

    start: int
    end: int


def complete_spans(span: Span) -> tuple[Span, ...]:
    """The complete subtrees, each aligned to its size, that a node of the tree is folded from; the largest first."""
    spans: list[Span] = []
    start, rest = span.start, span.end - span.start
    while rest:
        size = 1 << (rest.bit_length() - 1)
        spans.append(Span(start, start + size))
        start, rest = start + size, rest - size
    return tuple(spans)


def ranges(spans: Iterable[Span], size: int) -> tuple[Range, ...]:
    """The tiles, as far as a log of `size` leaves fills them, that hold what these nodes are computed from."""
    return tuple(dict.fromkeys(_tile(part, size)[0] for span in spans for part in complete_spans(span)))


def span_hash(span: Span, size: int, got: Got) -> bytes:
    """Hash of the node over a span of a log of `size` leaves. Raises `HashMissing`."""
    parts: list[bytes] = []
    for part in complete_spans(span):
        tile, first, count = _tile(part, size)
        hashes = got[tile]
        if len(hashes) != tile.count:
            raise HashMissing("stored hashes of the log are missing")
        parts.append(complete_root(hashes[first : first + count]))
    return _fold(parts)


def _tile(part: Span, size: int) -> tuple[Range, int, int]:
    """The tile of a complete subtree, and which of its hashes the subtree is made of: first and count."""
    height = (part.end - part.start).bit_length() - 1
    level = height // WIDTH_BITS
    bits = level * WIDTH_BITS
    start = part.start >> bits >> WIDTH_BITS << WIDTH_BITS
    filled = min(WIDTH, (size >> bits) - start)
    return Range(level, start, filled), (part.start >> bits) - start, 1 << (height - bits)


# --- growing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What new leaves do to the tree.

    root_before  root of the tree as it was found, from its stored hashes: compare it with the last checkpoint
    subtrees     (level, index, hash) of the newly complete subtrees, level >= 1
    """

    size: int
    root: bytes
    root_before: bytes
    subtrees: tuple[tuple[int, int, bytes], ...]


def grow(size: int, hashes: Callable[[int, int, int], Sequence[bytes]], leaves: Sequence[bytes]) -> Growth:
    """Append leaf hashes to a tree of `size` leaves.

    hashes(level, start, count) reads stored hashes; only the last, unfilled tile of each level is read. Raises
    `HashMissing`.
    """
    subtrees: list[tuple[int, int, bytes]] = []
    before: list[bytes] = []
    after: list[bytes] = []
    level, new = 0, list(leaves)
    while True:
        stored = size >> level * WIDTH_BITS
        first = stored - stored % WIDTH
        edge = list(hashes(level, first, stored - first)) if stored > first else []
        if len(edge) != stored - first:
            raise HashMissing("stored hashes of the log are missing")
        before[:0] = _complete(edge)
        row = edge + new
        full = len(row) // WIDTH
        after[:0] = _complete(row[full * WIDTH :])
        new = [complete_root(row[at * WIDTH : (at + 1) * WIDTH]) for at in range(full)]
        level += 1
        subtrees += [(level, first // WIDTH + at, subtree) for at, subtree in enumerate(new)]
        if not new and not size >> level * WIDTH_BITS:
            break
    return Growth(size=size + len(leaves), root=_fold(after), root_before=_fold(before), subtrees=tuple(subtrees))


def _complete(edge: Sequence[bytes]) -> list[bytes]:
    """Roots of the complete subtrees that fewer than 256 hashes of one level make, the largest first."""
    return [complete_root(edge[part.start : part.end]) for part in complete_spans(Span(0, len(edge)))]
