"""Proofs of inclusion and of consistency: made from stored hashes, verified against roots alone.

Source: RFC 9162, section 2.1.3 to 2.1.5; the proofs for subtrees are those of draft-ietf-plants-merkle-tree-certs.
"""

from collections.abc import Sequence

from gateway.audit.tree import EMPTY_ROOT, HASH_SIZE_BYTES, Got, Range, Span, node_hash, ranges, span_hash
from gateway.errors import Tampered


class ProofWrong(Tampered):
    """The proof does not lead to the root."""

    code = "audit.proof-wrong"


# --- made -------------------------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """Stored hashes needed to prove that leaf `index` is in a log of `size` leaves."""
    return ranges(_inclusion_spans(index, size), size)


def inclusion(index: int, size: int, got: Got) -> tuple[bytes, ...]:
    """Proof that leaf `index` is in a log of `size` leaves, from the leaf's sibling up; at most 63 hashes."""
    return tuple(span_hash(span, size, got) for span in _inclusion_spans(index, size))


class Inclusions:
    """Proofs of inclusion of many leaves of one log: what they share is computed once."""

    REMEMBERED_MAX = 8192

    def __init__(self, size: int) -> None:
        self.size = size
        self._known: dict[Span, bytes] = {}

    def ranges(self, index: int) -> tuple[Range, ...]:
        """Stored hashes that the proof of this leaf still needs."""
        return ranges((span for span in _inclusion_spans(index, self.size) if span not in self._known), self.size)

    def proof(self, index: int, got: Got) -> tuple[bytes, ...]:
        """The proof of this leaf, as `inclusion` makes it. got: what `ranges` asked for, just before."""
        spans = _inclusion_spans(index, self.size)
        found = tuple(self._known.get(span) or span_hash(span, self.size, got) for span in spans)
        if len(self._known) > self.REMEMBERED_MAX:
            self._known.clear()
        self._known.update(zip(spans, found, strict=True))
        return found


def consistency_ranges(old: int, size: int) -> tuple[Range, ...]:
    """Stored hashes needed to prove that a log of `size` leaves goes on from the one of `old` leaves."""
    return ranges(_consistency_spans(old, size), size)


def consistency(old: int, size: int, got: Got) -> tuple[bytes, ...]:
    """Proof that a log of `size` leaves goes on from the one of `old` leaves."""
    return tuple(span_hash(span, size, got) for span in _consistency_spans(old, size))


def root_ranges(size: int) -> tuple[Range, ...]:
    """Stored hashes needed for the root of a log of `size` leaves, one or more."""
    return ranges((Span(0, size),), size)


def root_of(size: int, got: Got) -> bytes:
    """Root of a log of `size` leaves, one or more."""
    return span_hash(Span(0, size), size, got)


def _split(span: Span) -> int:
    """Where a node's left child ends: at the largest power of two below its width."""
    return span.start + (1 << (span.end - span.start - 1).bit_length() - 1)


def _inclusion_spans(index: int, size: int) -> list[Span]:
    if not 0 <= index < size:
        raise ValueError("a proof of inclusion is of a leaf within the log")
    siblings: list[Span] = []
    node = Span(0, size)
    while node.end - node.start > 1:
        middle = _split(node)
        left, right = Span(node.start, middle), Span(middle, node.end)
        node, sibling = (left, right) if index < middle else (right, left)
        siblings.append(sibling)
    return siblings[::-1]


def _consistency_spans(old: int, size: int) -> list[Span]:
    if not 0 < old <= size:
        raise ValueError("a proof of consistency is between sizes of one leaf or more")
    siblings: list[Span] = []
    node = Span(0, size)
    while node.end != old:
        middle = _split(node)
        left, right = Span(node.start, middle), Span(middle, node.end)
        node, sibling = (left, right) if old <= middle else (right, left)
        siblings.append(sibling)
    # The last node is a whole part of the old tree; the verifier knows it already when it is all of it.
    own = [node] if node.start else []
    return own + siblings[::-1]


# --- verified ---------------------------------------------------------------------------------------------------


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Leaf `index` of the log of `size` leaves with this root has this hash, or raise `ProofWrong`.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofWrong("the proof is of a leaf outside the log")
    _check_sizes(leaf_hash, *proof)
    if root_from_inclusion(leaf_hash, index, size - 1, proof) != root:
        raise ProofWrong("the proof of inclusion does not lead to the root")


def root_from_inclusion(leaf_hash: bytes, index: int, last: int, proof: Sequence[bytes]) -> bytes | None:
    """The root a proof leads to in a tree whose last leaf is `last`; None when it has the wrong length."""
    node = leaf_hash
    for sibling in proof:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """The log of `new` leaves goes on from the one of `old` leaves unchanged, or raise `ProofWrong`.

    From an empty log nothing can be proved, so `old` is one or more. Source: RFC 9162, section 2.1.4.2.
    """
    if not 0 < old <= new:
        raise ProofWrong("consistency is between sizes of one leaf or more, the smaller one first")
    if old == new:
        if proof or old_root != new_root:
            raise ProofWrong("two logs of one size are consistent when their roots are equal")
        return
    verify_subtree_consistency(0, old, new, proof, old_root, new_root)


def verify_subtree_inclusion(
    leaf_hash: bytes, index: int, start: int, end: int, proof: Sequence[bytes], subtree_root: bytes
) -> None:
    """Leaf `index` is in the subtree over leaves [start, end) with this root, or raise `ProofWrong`.

    Source: draft-ietf-plants-merkle-tree-certs, section 4.3.
    """
    if not is_subtree(start, end):
        raise ProofWrong("the leaves are not those of one subtree")
    verify_inclusion(leaf_hash, index - start, end - start, proof, subtree_root)


def verify_subtree_consistency(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """The log of `size` leaves has the subtree with this root over its leaves [start, end), or raise `ProofWrong`.

    Source: draft-ietf-plants-merkle-tree-certs, section 4.4.
    """
    if not is_subtree(start, end) or end > size:
        raise ProofWrong("the leaves are not those of one subtree of the log")
    _check_sizes(*proof)
    if start == end:
        if proof or subtree_root != EMPTY_ROOT:
            raise ProofWrong("a subtree without leaves has the empty root and an empty proof")
        return
    if (subtree_root, root) != _roots(start, end - 1, size - 1, proof, subtree_root):
        raise ProofWrong("the proof of consistency does not lead to both roots")


def is_subtree(start: int, end: int) -> bool:
    """Whether leaves [start, end) can be those of one node of a tree."""
    return 0 <= start <= end and (start == end or start % (1 << (end - start - 1).bit_length()) == 0)


def _check_sizes(*hashes: bytes) -> None:
    if any(len(each) != HASH_SIZE_BYTES for each in hashes):
        raise ProofWrong(f"a hash has {HASH_SIZE_BYTES} bytes")


def _roots(
    first: int, index: int, last: int, proof: Sequence[bytes], subtree_root: bytes
) -> tuple[bytes, bytes] | None:
    """Roots of the subtree over leaves first to index, and of the tree up to leaf last, that a proof leads to.

    None when the proof has the wrong length. Going up from the right edge of the subtree, the three numbers are
    positions at the height reached; where `first` meets `index`, the subtree is complete.
    """
    rest = iter(proof)
    while first != index and (index & 1 or index == last):
        first, index, last = first >> 1, index >> 1, last >> 1
    node = subtree_root if first == index else next(rest, None)
    if node is None:
        return None
    subtree = tree = node
    for sibling in rest:
        if last == 0:
            return None
        if index & 1 or index == last:
            subtree = node_hash(sibling, subtree) if first < index else subtree
            tree = node_hash(sibling, tree)
            while not index & 1:
                first, index, last = first >> 1, index >> 1, last >> 1
        else:
            tree = node_hash(tree, sibling)
        first, index, last = first >> 1, index >> 1, last >> 1
    return (subtree, tree) if last == 0 else None
