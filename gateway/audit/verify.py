"""Read a whole log again and compare it with what was signed: every entry, every stored hash, every head known.

Pure: entries are fed in, in order, and findings come out; `exchange/evidence.py` does the reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.tree import WIDTH, WIDTH_BITS, CompactRange, complete_root, leaf_hash

FINDINGS_MAX = 100
"""A log that is wrong in more places than this is wrong enough."""


_EXACT = frozenset(
    f"audit.{word}"
    for word in ("entry-altered", "entry-missing", "entry-misplaced", "entry-misfiled", "log-cut", "clock-back")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFinding:
    """One thing wrong with the log.

    code   stable: audit.entry-altered, audit.entry-missing, audit.entry-misplaced, audit.entry-misfiled,
           audit.hash-altered, audit.hash-missing, audit.root-wrong, audit.checkpoint-missing, audit.checkpoint-wrong,
           audit.log-cut, audit.clock-back
    index  of the first entry concerned, or from which on no signed head vouches; None for the log as a whole
    """

    code: str
    text: str
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What reading the log again showed.

    since    index of the first entry read; the ones before are under the root, but were not read again
    entries  entries read
    size     size of the checkpoint compared with
    root     root over the log as it was read
    root_ok  that root is the one that was signed
    remarks  what is no fault but should be known: steps of the clock that the log itself tells of
    """

    since: int
    entries: int
    size: int
    root: bytes
    root_ok: bool
    findings: tuple[LogFinding, ...]
    remarks: tuple[LogFinding, ...] = ()

    @property
    def verified(self) -> bool:
        """Nothing at all was found wrong."""
        return self.root_ok and not self.findings

    @property
    def first_bad(self) -> int | None:
        """Index of the first bad entry: itself where it is known; else the nearest place before it up to which signed
        heads and stored hashes vouch for the log. None when the findings name no place."""
        exact = [each.index for each in self.findings if each.code in _EXACT and each.index is not None]
        if exact:
            return min(exact)
        near: dict[str, int] = {}
        for each in self.findings:
            if each.index is not None:
                near.setdefault(each.code, each.index)
        return max(near.values(), default=None)


class LogReader:
    """Takes the entries of a log in order and keeps what is needed to judge it.

    heads  checkpoints kept elsewhere, which the log must agree with on the way
    """

    def __init__(self, heads: Iterable[Checkpoint], *, range_before: CompactRange | None = None) -> None:
        self._range = range_before or CompactRange()
        self.since = self._range.size
        if self.since % WIDTH:
            raise ValueError("a log is read from the beginning of a tile")
        self._kept = sorted(heads, key=lambda head: head.size)
        self._ahead = [head for head in self._kept if head.size > self.since]
        self._vouched: int | None = None if self.since else 0
        self._vouched_outside = self._vouched
        self._outside = {(head.size, head.root) for head in self._kept}
        self._in_log: set[tuple[int, bytes]] = set()
        self.broken: Checkpoint | None = None
        """The first head that the entries do not lead to."""
        self._tile: list[bytes] = []
        self.findings: list[LogFinding] = []
        self.remarks: list[LogFinding] = []
        self.tiles: list[bytes] = []
        """Hashes of the complete subtrees of 256 entries read, from the one `since` begins on."""

    @property
    def size(self) -> int:
        """How far the log has been read."""
        return self._range.size

    def find(self, code: str, text: str, index: int | None = None) -> None:
        """Note a finding."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(LogFinding(code=code, text=text, index=index))

    def expect(self, heads: Iterable[Checkpoint]) -> None:
        """Heads that the log itself has of the sizes to be read next: the narrower they lie, the nearer is the place
        of a change. Once one is wrong the later ones say nothing new."""
        if self.broken is None:
            new = [head for head in heads if head.size > self.size]
            known = {(head.size, head.root) for head in self._ahead}
            self._in_log.update(each for head in new if (each := (head.size, head.root)) in self._outside)
            self._ahead += [head for head in new if (head.size, head.root) not in known]
            self._ahead.sort(key=lambda head: head.size)

    def feed(self, entries: Iterable[tuple[int | None, bytes, bytes]]) -> None:
        """Go on with these: the index an entry is stored under, its body, and its leaf hash as stored."""
        start = self.size
        leaves: list[bytes] = []
        for expected, (index, body, stored) in enumerate(entries, start):
            leaf = leaf_hash(body)
            if index != expected:
                self.find("audit.entry-misplaced", f"the entry at {expected} is not stored as such", expected)
            if leaf != stored:
                self.find("audit.entry-altered", f"entry {expected} is not the one whose hash was stored", expected)
            leaves.append(leaf)
        self._extend(leaves)

    def _extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaves, stopping at each size that a head speaks of."""
        done, start = 0, self.size
        while self._ahead and self._ahead[0].size <= start + len(leaves):
            head = self._ahead.pop(0)
            self._range.extend(leaves[done : head.size - start])
            done = head.size - start
            self._compare(head)
        self._range.extend(leaves[done:])
        self._tile += leaves
        while len(self._tile) >= WIDTH:
            self.tiles.append(complete_root(self._tile[:WIDTH]))
            del self._tile[:WIDTH]

    def _compare(self, head: Checkpoint) -> None:
        kept = head in self._kept and (head.size, head.root) not in self._in_log
        if self._range.root() == head.root:
            self._vouched = head.size
            self._vouched_outside = head.size if head in self._kept else self._vouched_outside
            return
        text = f"the first {head.size} entries do not lead to the root that was signed"
        # Where the log does not even have a head that is kept elsewhere, its own were signed anew: they vouch for none.
        self.find("audit.root-wrong", text, self._vouched_outside if kept else self._vouched)
        self.broken = self.broken or head
        self._ahead = [each for each in self._ahead if each in self._kept]

    def compare_stored(self, level: int, start: int, stored: Sequence[bytes], computed: Sequence[bytes]) -> None:
        """Compare the stored hashes of a level, from the `start`-th on, with those computed from the entries."""
        if len(stored) != len(computed):
            text = f"of {len(computed)} hashes of level {level} from {start} on, {len(stored)} are stored"
            self.find("audit.hash-missing", text, start << level * WIDTH_BITS)
            return
        for at, (theirs, ours) in enumerate(zip(stored, computed, strict=True), start):
            if theirs != ours:
                first = at << level * WIDTH_BITS
                self.find("audit.hash-altered", f"stored hash {at} of level {level} is not that of its entries", first)

    def report(self, signed: Checkpoint) -> LogReport:
        """The judgment, against the newest checkpoint."""
        if self.size < signed.size:
            text = f"the log has {self.size} entries, and {signed.size} were signed"
            self.find("audit.entry-missing", text, self.size)
        for head in self._kept:
            if head.size > signed.size:
                text = f"a head of {head.size} entries is known, and the log now says {signed.size}"
                self.find("audit.log-cut", text, signed.size)
        root = self._range.root()
        root_ok = self.size == signed.size and root == signed.root
        if not root_ok and self.broken is None:
            text = f"the log as it is does not lead to the root signed over {signed.size} entries"
            self.find("audit.root-wrong", text, self._vouched)
        return LogReport(
            since=self.since,
            entries=self.size - self.since,
            size=signed.size,
            root=root,
            root_ok=root_ok,
            findings=tuple(self.findings),
            remarks=tuple(self.remarks),
        )


def above(hashes: Sequence[bytes]) -> list[bytes]:
    """Hashes of the next level from those of one level, from the beginning of a tile on; only complete ones."""
    whole = len(hashes) - len(hashes) % WIDTH
    return [complete_root(hashes[at : at + WIDTH]) for at in range(0, whole, WIDTH)]
