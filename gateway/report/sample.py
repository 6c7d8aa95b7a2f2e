"""A random sample that nobody chose: leaves of the log, drawn by hashing a seed with a counter.

Anybody with the same seed and size draws the same leaves: the i-th draw is the first 8 bytes of
SHA-256(seed ‖ "/" ‖ i), as a number, modulo the size. The seed unless one is given is the root of the checkpoint, which
the operator can neither choose nor know beforehand.
"""

from collections.abc import Iterator
from hashlib import sha256


def draws(seed: str, first: int, last: int) -> Iterator[int]:
    """Indexes from `first` up to, not including, `last`, without end; some come more than once."""
    size = last - first
    if size <= 0:
        return
    count = 0
    while True:
        yield first + int.from_bytes(sha256(f"{seed}/{count}".encode()).digest()[:8]) % size
        count += 1
