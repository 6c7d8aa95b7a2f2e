"""Trust passes from key to key by a checkpoint that names the new key and that both have signed."""

import pytest

from gateway.audit.checkpoint import Checkpoint, ForeignCheckpoint, sign_checkpoint
from gateway.audit.handover import HandoverWrong, LogKey, LogKeyRetired, follow, next_key_line, read_head
from gateway.audit.note import NoteKeyUnknown, NoteSigner
from tests.audit.memory_log import ORIGIN, PretendSigner

FIRST, SECOND, THIRD, THIEF = (PretendSigner() for _ in range(4))


def head(size: int, *signers: NoteSigner, names: PretendSigner | None = None, origin: str = ORIGIN) -> str:
    lines = (next_key_line(names.key),) if names is not None else ()
    return sign_checkpoint(Checkpoint(origin=origin, size=size, root=bytes(32), extensions=lines), *signers)


PASSED = [head(10, FIRST, SECOND, names=SECOND), head(20, SECOND, THIRD, names=THIRD)]
KEYS = (
    LogKey(key=FIRST.key, until=10),
    LogKey(key=SECOND.key, first=10, until=20),
    LogKey(key=THIRD.key, first=20),
)


def test_whoever_trusts_the_first_key_follows_to_the_last() -> None:
    assert follow(FIRST.key, reversed(PASSED), origin=ORIGIN) == KEYS
    assert follow(SECOND.key, PASSED) == KEYS[1:]
    assert follow(THIRD.key, PASSED) == KEYS[2:]
    assert follow(FIRST.key, []) == (LogKey(key=FIRST.key),)


def test_each_key_counts_for_its_sizes() -> None:
    for size, signer in ((9, FIRST), (11, SECOND), (19, SECOND), (21, THIRD)):
        assert read_head(head(size, signer), KEYS, origin=ORIGIN).size == size
    for note in PASSED:
        assert read_head(note, KEYS, origin=ORIGIN).size in (10, 20)


@pytest.mark.parametrize(("size", "signer"), [(11, FIRST), (9, SECOND), (30, SECOND), (19, THIRD)])
def test_a_head_by_a_key_that_is_retired_by_then_or_not_yet_in_use_is_forged(size: int, signer: PretendSigner) -> None:
    with pytest.raises(LogKeyRetired):
        read_head(head(size, signer), KEYS)


def test_where_the_key_changes_both_must_have_signed() -> None:
    for signer in (FIRST, SECOND):
        with pytest.raises(HandoverWrong):
            read_head(head(10, signer, names=SECOND), KEYS)


def test_a_key_that_nobody_knows_is_not_one_that_is_retired() -> None:
    with pytest.raises(NoteKeyUnknown):
        read_head(head(9, THIEF), KEYS)


def test_trust_does_not_pass_without_the_old_key() -> None:
    # Anybody can put a second signature below a head; only what the old key signed names the new one.
    assert follow(FIRST.key, [head(10, THIEF, names=THIEF)]) == (LogKey(key=FIRST.key),)


def test_trust_does_not_pass_to_a_key_that_did_not_sign() -> None:
    with pytest.raises(HandoverWrong):
        follow(FIRST.key, [head(10, FIRST, names=SECOND)])


def test_a_head_that_names_no_key_passes_nothing() -> None:
    with pytest.raises(HandoverWrong):
        follow(FIRST.key, [head(10, FIRST, SECOND)])


def test_trust_does_not_pass_by_a_head_of_another_log() -> None:
    with pytest.raises(ForeignCheckpoint):
        follow(FIRST.key, [head(10, FIRST, SECOND, names=SECOND, origin="other.example.gov")], origin=ORIGIN)
