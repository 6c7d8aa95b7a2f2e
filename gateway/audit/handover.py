"""How trust passes when the log's key changes: one checkpoint that the old key and the new one have both signed.

    gateway.example.gov
    1842
    0n0ZcuNfbX1…
    justice-gateway/next-log-key gateway.example.gov+5cf1d2a0+AY…

    — gateway.example.gov …      by the old key
    — gateway.example.gov …      by the new key

The line that names the new key is part of what the old key signs, so whoever trusts the old key can trust the new one
from this size on; the new key's signature shows that its holder has it. Up to this size the old key's checkpoints
count, from it on the new one's: a checkpoint of a later size by the old key is forged, whoever stole it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.audit.checkpoint import Checkpoint, ForeignCheckpoint, read_checkpoint, unverified_checkpoint
from gateway.audit.note import NoteKey, NoteKeyMalformed, NoteKeyUnknown, read_note
from gateway.errors import Tampered

NEXT_KEY = "justice-gateway/next-log-key "


class LogKeyRetired(Tampered):
    """A checkpoint by a key of this log that had no say at its size: retired by then, or not in use yet."""

    code = "audit.key-retired"


class HandoverWrong(Tampered):
    """A checkpoint where the key changed lacks the signature of the old key or of the new one."""

    code = "audit.handover-wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A key of the log, and the sizes whose checkpoints it signs.

    first  size at which it took over; 0 for the log's first key
    until  size at which it handed over; None while it is in use
    """

    key: NoteKey
    first: int = 0
    until: int | None = None

    def counts_at(self, size: int) -> bool:
        """Whether a checkpoint of this size may be signed by it."""
        return self.first <= size and (self.until is None or size <= self.until)


def next_key_line(key: NoteKey) -> str:
    """The line of a checkpoint that names the key which takes over."""
    return f"{NEXT_KEY}{key}"


def next_key(checkpoint: Checkpoint) -> NoteKey | None:
    """The key that takes over at this checkpoint; None when none does. Raises `NoteKeyMalformed`."""
    named = [line.removeprefix(NEXT_KEY) for line in checkpoint.extensions if line.startswith(NEXT_KEY)]
    if len(named) > 1:
        raise NoteKeyMalformed("a checkpoint names one next key")
    return NoteKey.read(named[0]) if named else None


def read_head(note: str | bytes, keys: Iterable[LogKey], *, origin: str = "") -> Checkpoint:
    """The checkpoint, verified by the keys that count at its size; where one handed over, by both.

    Raises what `read_checkpoint` raises, `LogKeyRetired` and `HandoverWrong`.
    """
    known = tuple(keys)
    size = unverified_checkpoint(note).size
    valid = [each for each in known if each.counts_at(size)]
    try:
        checkpoint = read_checkpoint(note, [each.key for each in valid], origin=origin)
    except NoteKeyUnknown as error:
        read_checkpoint(note, [each.key for each in known], origin=origin)  # by none of them: unknown
        raise LogKeyRetired(f"the checkpoint of {size} entries is by a key that does not count there") from error
    handing = [each.key for each in valid if size in (each.until, each.first or None)]
    if any(each.until == size for each in valid):
        _signed_by_all(note, handing)
    return checkpoint


def _signed_by_all(note: str | bytes, keys: Sequence[NoteKey]) -> None:
    for key in keys:
        try:
            read_note(note, [key])
        except NoteKeyUnknown as error:
            raise HandoverWrong("where the log's key changed, the old key and the new one sign") from error


def follow(anchor: NoteKey, handovers: Iterable[str | bytes], *, origin: str = "") -> tuple[LogKey, ...]:
    """The log's keys from a trusted one on, by the checkpoints where they changed, in order of size.

    One that the key in use did not sign passes no trust: it is not followed. Raises `HandoverWrong` when it names
    a key that did not sign it, `ForeignCheckpoint`, and what reading raises.
    """
    found = [LogKey(key=anchor)]
    for note in sorted(handovers, key=lambda each: unverified_checkpoint(each).size):
        present = found[-1]
        passed = unverified_checkpoint(note)
        new = next_key(passed)
        if new is None:
            raise HandoverWrong("this checkpoint names no next key")
        if origin and passed.origin != origin:
            raise ForeignCheckpoint(f"the checkpoint is not of the log {origin}")
        if new == present.key:
            _signed_by_all(note, [new])
            found[-1] = replace(present, first=passed.size)
            continue
        try:
            read_note(note, [present.key])
        except NoteKeyUnknown:
            continue  # between keys we do not know: it says nothing about ours
        _signed_by_all(note, [new])
        found[-1] = replace(present, until=passed.size)
        found.append(LogKey(key=new, first=passed.size))
    return tuple(found)
