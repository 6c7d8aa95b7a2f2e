"""The stored hashes of a tree, as a store keeps them, in memory."""

from collections.abc import Iterable, Sequence

from gateway.audit.tree import WIDTH, Got, Range, root


class StoredHashes:
    """Leaf hashes and the roots of complete subtrees above them, computed the long way."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = list(leaves)
        self.levels = [self.leaves]
        while len(self.levels[-1]) >= WIDTH:
            below = self.levels[-1]
            # Joining complete subtrees is what a root over their hashes as leaves is.
            self.levels.append([root(below[at : at + WIDTH]) for at in range(0, len(below) - WIDTH + 1, WIDTH)])

    def hashes(self, level: int, start: int, count: int) -> Sequence[bytes]:
        """What a store gives."""
        found = self.levels[level][start : start + count]
        assert len(found) == count, "asked for hashes that are not stored"
        return found

    def read(self, needed: Iterable[Range]) -> Got:
        """All of these ranges."""
        return {each: self.hashes(each.level, each.start, each.count) for each in needed}
