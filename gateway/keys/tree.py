"""The tree a bucket's payload keys grow on, and how one leaf is forgotten while all others stay.

A bucket's secret is the root. The child on side b (0 left, 1 right) of a node with secret s is SHA-256(TAG_b ‖ s); a
payload's 40-bit index, most significant bit first, is the way down to its leaf. Nobody can go from a node to its
parent or to its sibling, so a bucket can be *punctured*: to forget one leaf its root is replaced by the siblings along
the way down (the co-path), from which every other leaf still grows and that one does not.

A punctured bucket is a list of nodes, (depth, prefix, secret); one that was never punctured is the list of its root.
Source: the GGM construction (Goldreich, Goldwasser, Micali 1986) as a puncturable pseudorandom function.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

DEPTH = 40
SECRET_SIZE_BYTES = 32

_LEFT = b"gateway/payload-tree/0"
_RIGHT = b"gateway/payload-tree/1"
_SIDES = (_LEFT, _RIGHT)
_SIDE_OF = {"0": _LEFT, "1": _RIGHT}
"""TAG_0, TAG_1. 22 bytes, so that tag, secret and the hash's padding are one block: half the work of two."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose secret is known.

    depth   0 for the root, 40 for a leaf
    prefix  the `depth` bits of the way to it, as a number
    """

    depth: int
    prefix: int
    secret: bytes

    def __post_init__(self) -> None:
        if not (0 <= self.depth <= DEPTH and 0 <= self.prefix < 1 << self.depth):
            raise ValueError("a node's prefix has as many bits as its depth, at most 40")
        if len(self.secret) != SECRET_SIZE_BYTES:
            raise ValueError("a node's secret has 32 bytes")

    @property
    def start(self) -> int:
        """Index of the first leaf that grows on it."""
        return self.prefix << (DEPTH - self.depth)

    def is_above(self, index: int) -> bool:
        """Whether the leaf of this index grows on it."""
        return index >> (DEPTH - self.depth) == self.prefix


def root(secret: bytes) -> Node:
    """The only node of a bucket that was never punctured."""
    return Node(0, 0, secret)


def leaf(nodes: Iterable[Node], index: int) -> bytes | None:
    """Secret of the leaf, 32 bytes; None when it was forgotten."""
    if not 0 <= index < 1 << DEPTH:
        raise ValueError("an index has 40 bits")
    for node in nodes:
        if node.is_above(index):
            return _down(node, index)
    return None


def _down(node: Node, index: int) -> bytes:
    secret = node.secret
    for bit in f"{index:0{DEPTH}b}"[node.depth :]:
        secret = sha256(_SIDE_OF[bit] + secret).digest()
    return secret


def puncture(nodes: Iterable[Node], index: int) -> tuple[Node, ...]:
    """The nodes from which every leaf still grows but this one; the same nodes when it was forgotten already."""
    kept: list[Node] = []
    for node in nodes:
        kept.extend(_siblings(node, index) if node.is_above(index) else (node,))
    return tuple(kept)


def puncture_all(nodes: Iterable[Node], indexes: Iterable[int]) -> tuple[Node, ...]:
    """As `puncture` for each of the indexes, at the cost of one way down for each; in order of their first leaves."""
    gone = sorted(set(indexes))
    kept: list[Node] = []
    for node in sorted(nodes, key=lambda node: node.start):
        below = gone[
            bisect_right(gone, node.start - 1) : bisect_right(gone, node.start + (1 << DEPTH - node.depth) - 1)
        ]
        kept.extend(_without(node, below) if below else (node,))
    return tuple(kept)


def _without(node: Node, gone: Sequence[int]) -> list[Node]:
    """What is left of a node's tree, in order, without these leaves; all of them grow on it."""
    kept: list[Node] = []
    todo = [(node, gone)]
    while todo:
        top, below = todo.pop()
        if not below:
            kept.append(top)
        elif top.depth < DEPTH:
            left, right = (_child(top, side) for side in (0, 1))
            middle = bisect_left(below, right.start)
            todo += [(right, below[middle:]), (left, below[:middle])]
    return kept


def restrict(nodes: Iterable[Node], places: Iterable[tuple[int, int]]) -> tuple[Node, ...]:
    """What grows on these nodes and also below these places, (depth, prefix): all else is forgotten.

    Of two states of one bucket it makes the keys that both still had.
    """
    kept: list[Node] = []
    ours = sorted(nodes, key=lambda node: node.start)
    theirs = sorted(places, key=lambda place: place[1] << (DEPTH - place[0]))
    at = 0
    for depth, prefix in theirs:
        start, end = prefix << (DEPTH - depth), (prefix + 1) << (DEPTH - depth)
        while at < len(ours) and _end(ours[at]) <= start:
            at += 1
        while at < len(ours) and ours[at].start < end:
            # Of two nodes one is above the other, or they have no leaf in common.
            kept.append(_descended(ours[at], depth, prefix) if ours[at].depth < depth else ours[at])
            if _end(ours[at]) > end:
                break
            at += 1
    return tuple(kept)


def _end(node: Node) -> int:
    return (node.prefix + 1) << (DEPTH - node.depth)


def _descended(node: Node, depth: int, prefix: int) -> Node:
    for step in range(depth - node.depth - 1, -1, -1):
        node = _child(node, prefix >> step & 1)
    return node


def _child(node: Node, side: int) -> Node:
    return Node(node.depth + 1, node.prefix << 1 | side, sha256(_SIDES[side] + node.secret).digest())


def leaf_of(nodes: Sequence[Node], starts: Sequence[int], index: int) -> bytes | None:
    """As `leaf`, of nodes in order of their first leaves, which are `starts`: a bucket with many holes is searched in
    halves."""
    place = bisect_right(starts, index) - 1
    return leaf(nodes[place : place + 1], index) if place >= 0 else None


def _siblings(node: Node, index: int) -> list[Node]:
    """Siblings of the nodes on the way from `node` down to the leaf."""
    found: list[Node] = []
    secret = node.secret
    for depth in range(node.depth + 1, DEPTH + 1):
        step = index >> (DEPTH - depth)
        found.append(Node(depth, step ^ 1, sha256(_SIDES[step & 1 ^ 1] + secret).digest()))
        secret = sha256(_SIDES[step & 1] + secret).digest()
    return found
