"""Evidence out of the log: proof of one entry, proof that one head goes on from another, all of it to read again."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime

from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.clock_step import StepReader
from gateway.audit.evidence import Evidence, write_evidence
from gateway.audit.filing import misfiled
from gateway.audit.handover import LogKey, read_head
from gateway.audit.note import NoteKey
from gateway.audit.proof import (
    consistency,
    consistency_ranges,
    inclusion,
    inclusion_ranges,
    verify_consistency,
    verify_inclusion,
)
from gateway.audit.tree import WIDTH, CompactRange, Got, HashMissing, Range, Span, complete_spans, ranges, span_hash
from gateway.audit.verify import LogReader, LogReport, above
from gateway.errors import GatewayError, Refused, Unavailable
from gateway.message import MessageId
from gateway.store.interface import Store
from gateway.store.log import StoredEntry

BATCH = 1024
"""Entries read at a time: under a megabyte."""


class EntryUnknown(Refused):
    """The log has no such entry."""

    code = "audit.entry-unknown"


class EntryNotInTree(Unavailable):
    """The entry is stored and not yet under a checkpoint; it will be within seconds of a worker's running."""

    code = "audit.entry-not-in-tree"


_SOON = "a worker (gateway serve, gateway worker) puts it there within seconds: try again"


class SizeUnknown(Refused):
    """No checkpoint of this size was signed."""

    code = "audit.size-unknown"


async def evidence_of(store: Store, entry: str) -> str:
    """The evidence file of one entry, under the newest checkpoint.

    Raises `EntryUnknown`, `EntryNotInTree`, and `ProofWrong` or `HashMissing` when the stored tree does not lead to
    the checkpoint: a file that proves nothing is not handed out.
    """
    stored = await store.entry(entry)
    if stored is None:
        raise EntryUnknown("the log has no entry with this id")
    return await _evidence(store, stored)


async def evidence_of_message(store: Store, message: MessageId) -> tuple[str, ...]:
    """The evidence files of all entries about one message, in the order they were written; without those that came
    after the newest checkpoint, unless there are no others. Raises as above."""
    entries = await store.entries_of(message)
    if not entries:
        raise EntryUnknown("the log has no entry about this message")
    note = await store.checkpoint()
    size = unverified_checkpoint(note).size if note else 0
    signed = [stored for stored in entries if stored.index is not None and stored.index < size]
    return tuple([await _evidence(store, stored) for stored in signed or entries])


async def _evidence(store: Store, stored: StoredEntry) -> str:
    note = await store.checkpoint()
    if stored.index is None or note is None:
        raise EntryNotInTree(f"the entry is not in the signed log yet; {_SOON}")
    head = unverified_checkpoint(note)
    if stored.index >= head.size:
        raise EntryNotInTree(f"the entry is not under a checkpoint yet; {_SOON}")
    proof = await proof_of(store, stored, head)
    evidence = Evidence(body=stored.entry.body, index=stored.index, proof=proof, checkpoint=note.decode())
    return write_evidence(evidence)


async def proof_of(store: Store, stored: StoredEntry, head: Checkpoint) -> tuple[bytes, ...]:
    """Proof that an entry is under this head. Raises `EntryNotInTree`, `ProofWrong`, `HashMissing`."""
    if stored.index is None or stored.index >= head.size:
        raise EntryNotInTree("the entry is not under this checkpoint")
    proof = inclusion(stored.index, head.size, await _read(store, inclusion_ranges(stored.index, head.size)))
    verify_inclusion(stored.entry.leaf_hash, stored.index, head.size, proof, head.root)
    return proof


async def consistency_of(store: Store, old: int, new: int) -> tuple[bytes, ...]:
    """Proof that the log of `new` entries goes on from the one of `old` entries; both were signed.

    Raises `SizeUnknown`, and `ProofWrong` when the stored tree does not lead from one to the other.
    """
    before, after = await store.checkpoint(old), await store.checkpoint(new)
    if before is None or after is None or not 0 < old <= new:
        raise SizeUnknown("a proof of consistency is between two sizes that checkpoints were signed for")
    proof = consistency(old, new, await _read(store, consistency_ranges(old, new)))
    verify_consistency(old, new, proof, unverified_checkpoint(before).root, unverified_checkpoint(after).root)
    return proof


async def export_log(store: Store, *, size: int | None = None) -> AsyncIterator[str]:
    """The log as lines of JSON, one an entry, for the single-file verifier: index, leaf (hex), body (text).

    Up to the newest checkpoint's size, or to `size`.
    """
    if size is None:
        note = await store.checkpoint()
        size = unverified_checkpoint(note).size if note else 0
    async for batch in entries_between(store, 0, size):
        for stored in batch:
            line = {"index": stored.index, "leaf": stored.entry.leaf_hash.hex(), "body": stored.entry.body.decode()}
            yield json.dumps(line) + "\n"


async def verify_log(
    store: Store,
    keys: Iterable[NoteKey | LogKey],
    *,
    origin: str = "",
    since: datetime | int | None = None,
    known: Sequence[Checkpoint] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> LogReport:
    """Read the log again, entry by entry, and compare it with the newest checkpoint.

    keys         of the log; a bare key counts for all sizes
    since        read only entries from this moment, or from this index on; what was before is taken from the stored
                 hashes, which are under the same signed root, so a change of the tree before is found and a changed
                 body there is not
    known        checkpoints kept elsewhere: the log must go on from each of them
    on_progress  called with the entries done and the size

    Raises only when the store does not answer; what is wrong with the log is in the report.
    """
    note = await store.checkpoint()
    if note is None:
        reader = LogReader(known)
        if await store.entries(0, 1):
            reader.find("audit.checkpoint-missing", "the log has entries and no checkpoint", 0)
        return reader.report(Checkpoint(origin=origin, size=0, root=CompactRange().root()))
    wrong: GatewayError | None = None
    log_keys = tuple(_log_key(each) for each in keys)
    try:
        signed = read_head(note, log_keys, origin=origin)
    except GatewayError as error:
        signed, wrong = _as_written(note, origin), error
    reader = await _reader(store, signed, since, known)
    if wrong is not None:
        reader.find("audit.checkpoint-wrong", wrong.text)
    steps = StepReader()
    heads = _Heads(store, reader.since)
    async for batch in entries_between(store, reader.since, signed.size):
        reader.expect(await heads.up_to(reader.size + len(batch)))
        steps.feed(reader.size, (stored.entry.body for stored in batch))
        for index in misfiled(reader.size, (stored.entry for stored in batch)):
            reader.find("audit.entry-misfiled", f"entry {index} is filed as another than its text says", index)
        reader.feed((stored.index, stored.entry.body, stored.entry.leaf_hash) for stored in batch)
        if on_progress is not None:
            on_progress(reader.size, signed.size)
    await _judge_heads(store, reader, heads.wrong, log_keys)
    for step in steps.untold():
        reader.find(step.code, step.text, step.index)
    reader.remarks += steps.told()
    await _compare_levels(store, reader)
    return reader.report(signed)


async def _judge_heads(store: Store, reader: LogReader, malformed: Iterable[int], keys: Iterable[LogKey]) -> None:
    """Where a stored head does not fit the entries, its signature tells whether the head was changed or they were."""
    for size in malformed:
        reader.find("audit.checkpoint-wrong", f"what is stored as the head of {size} entries is none", size)
    note = await store.checkpoint(reader.broken.size) if reader.broken is not None else None
    if note is not None and reader.broken is not None:
        try:
            read_head(note, keys)
        except GatewayError as error:
            reader.find("audit.checkpoint-wrong", error.text, reader.broken.size)


def _log_key(key: NoteKey | LogKey) -> LogKey:
    return key if isinstance(key, LogKey) else LogKey(key=key)


class _Heads:
    """The signed heads that the store has, by size, a page at a time; `wrong` are the sizes of those that are none."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self._after = after
        self._page: list[Checkpoint] = []
        self._ended = False
        self.wrong: list[int] = []

    async def up_to(self, size: int) -> list[Checkpoint]:
        """Those of at most this size that were not given yet."""
        given: list[Checkpoint] = []
        while not self._ended and self._after < size:
            rows = await self._store.signed_heads(self._after, BATCH)
            self._page += [self._read(stored, note) for stored, note in rows]
            self._after = rows[-1][0] if rows else self._after
            self._ended = len(rows) < BATCH
        while self._page and self._page[0].size <= size:
            given.append(self._page.pop(0))
        return given

    def _read(self, stored: int, note: bytes) -> Checkpoint:
        head = _as_written(note, "")
        if head.size != stored:
            self.wrong.append(stored)
        return head


async def _reader(
    store: Store, signed: Checkpoint, since: datetime | int | None, known: Sequence[Checkpoint]
) -> LogReader:
    """A reader that begins where the question asks it to, and no later than the first head it is to compare."""
    if since is None:
        return LogReader(known)
    starts = [(head.size - 1) // WIDTH * WIDTH for head in known if head.size]
    asked = since if isinstance(since, int) else await _index_since(store, since, signed.size)
    start = min([asked // WIDTH * WIDTH, signed.size // WIDTH * WIDTH, *starts])
    try:
        return LogReader(known, range_before=await _range_before(store, start))
    except HashMissing as error:
        reader = LogReader(known)
        reader.find(error.code, error.text)
        return reader


def _as_written(note: bytes, origin: str) -> Checkpoint:
    """What a checkpoint with a wrong signature says, so that the entries can be judged all the same."""
    try:
        return unverified_checkpoint(note)
    except GatewayError:
        return Checkpoint(origin=origin, size=0, root=b"")


async def _compare_levels(store: Store, reader: LogReader) -> None:
    """Compare the stored hashes above the entries: proofs are made of them."""
    level, start, computed = 1, reader.since // WIDTH, reader.tiles
    while computed:
        for at in range(0, len(computed), BATCH):
            ours = computed[at : at + BATCH]
            stored = await store.hashes(level, start + at, len(ours))
            reader.compare_stored(level, start + at, stored, ours)
        skipped = -start % WIDTH
        level, start, computed = level + 1, (start + skipped) // WIDTH, above(computed[skipped:])


async def entries_between(store: Store, start: int, end: int) -> AsyncIterator[tuple[StoredEntry, ...]]:
    """Entries from `start` up to `end`, as far as there are any."""
    while start < end:
        batch = await store.entries(start, min(BATCH, end - start))
        if not batch:
            return
        yield batch
        start += len(batch)


async def _index_since(store: Store, since: datetime, size: int) -> int:
    """Beginning of the tile that holds the first entry of or after a moment, by halving.

    Entries are ordered by the sequencer, seconds after they were made, so their times run only nearly with their
    indexes; a whole tile of earlier ones is read before the place found.
    """
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = await store.entries(middle, 1)
        if found and found[0].entry.at < since:
            low = middle + 1
        else:
            high = middle
    return max(0, low // WIDTH - 1) * WIDTH


async def _range_before(store: Store, size: int) -> CompactRange:
    """What the root of the first `size` entries is folded from, out of the stored hashes."""
    spans = complete_spans(Span(0, size))
    got = await _read(store, ranges(spans, size))
    return CompactRange(size, [span_hash(span, size, got) for span in spans])


async def _read(store: Store, needed: Iterable[Range]) -> Got:
    return {each: await store.hashes(each.level, each.start, each.count) for each in needed}
