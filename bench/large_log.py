"""The row about a large log: the proof of one entry among ten million. The tree alone, without entries or database.

A tree of ten million different leaves takes half a minute to hash. Here the leaves repeat every 65,536, so all its
complete subtrees of that size are one; a proof reads, hashes and weighs the same.
"""

import time
from collections.abc import Sequence

from bench.run import Run
from bench.table import Row
from gateway.audit.proof import inclusion, inclusion_ranges, root_of, root_ranges, verify_inclusion
from gateway.audit.tree import WIDTH, complete_root, leaf_hash

SIZE = 10_000_000
PERIOD = WIDTH * WIDTH


class RepeatedTree:
    """The stored hashes of a log whose leaves repeat."""

    def __init__(self) -> None:
        self.leaves = [leaf_hash(number.to_bytes(8)) for number in range(PERIOD)]
        self.tiles = [complete_root(self.leaves[at : at + WIDTH]) for at in range(0, PERIOD, WIDTH)]
        self.whole = complete_root(self.tiles)

    def hashes(self, level: int, start: int, count: int) -> Sequence[bytes]:
        """As a store gives them."""
        rows = (self.leaves, self.tiles, [self.whole])
        row = rows[level] if level < len(rows) else [complete_root([self.whole] * WIDTH)]
        return [row[at % len(row)] for at in range(start, start + count)]


def proving_one(run: Run) -> list[Row]:
    """Milliseconds to make the proof of one entry, of entries all over the log."""
    tree = RepeatedTree()
    root = root_of(SIZE, {each: tree.hashes(each.level, each.start, each.count) for each in root_ranges(SIZE)})
    made: list[float] = []
    checked: list[float] = []
    length = 0
    for index in range(7, SIZE, SIZE // (50 if run.quick else 500)):
        begun = time.perf_counter()
        got = {each: tree.hashes(each.level, each.start, each.count) for each in inclusion_ranges(index, SIZE)}
        proof = inclusion(index, SIZE, got)
        between = time.perf_counter()
        verify_inclusion(tree.leaves[index % PERIOD], index, SIZE, proof, root)
        made.append(between - begun)
        checked.append(time.perf_counter() - between)
        length = max(length, len(proof))
    middle, slow = sorted(made)[len(made) // 2], sorted(made)[-1 - len(made) // 100]
    checking = sorted(checked)[len(checked) // 2]
    return [
        Row(
            name="log-proof",
            what="proof of one entry in a log of 10 million",
            value=middle * 1e3,
            unit="ms",
            first=10,
            least=False,
            ratio=f"{middle / checking:.0f} x the checking of it, {checking * 1e6:.0f} µs",
            note=f"the tree only; {len(made)} entries, 99 of 100 within {slow * 1e3:.1f} ms; {length} hashes at most",
            more={"slow_ms": round(slow * 1e3, 3), "hashes": length},
        )
    ]
