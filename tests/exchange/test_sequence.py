"""The sequencer orders entries, signs the head, and signs nothing on top of an altered log."""

import pytest

from gateway.audit.checkpoint import ForeignCheckpoint, read_checkpoint
from gateway.audit.handover import LogKey, LogKeyRetired
from gateway.audit.note import NoteKeyUnknown, split_note
from gateway.audit.tree import HashMissing, root
from gateway.exchange.sequence import LogAltered, LogKeyReplaced, sequence
from tests.audit.memory_log import ORIGIN, MemoryLog, PretendSigner, entry, filled


async def test_what_was_waiting_is_in_the_log_and_under_a_signed_head() -> None:
    signer, log = PretendSigner(), MemoryLog()
    log.waiting = [entry(number) for number in range(5)]
    assert await sequence(log, signer, origin=ORIGIN) == 5
    head = read_checkpoint(log.checkpoints[5], [signer.key], origin=ORIGIN)
    assert (head.size, head.root) == (5, root(each.leaf_hash for each in log.leaves))


async def test_when_nothing_waits_nothing_is_signed() -> None:
    log = MemoryLog()
    assert await sequence(log, PretendSigner(), origin=ORIGIN) == 0
    assert log.checkpoints == {}


async def test_at_most_the_limit_is_ordered_at_once() -> None:
    signer, log = PretendSigner(), MemoryLog()
    log.waiting = [entry(number) for number in range(7)]
    assert [await sequence(log, signer, origin=ORIGIN, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert sorted(log.checkpoints) == [3, 6, 7]


async def test_heads_are_right_while_the_log_grows_over_tiles() -> None:
    signer = PretendSigner()
    log = await filled(signer, 1, 255, 1, 300, 700)
    hashes = [each.leaf_hash for each in log.leaves]
    for size, note in log.checkpoints.items():
        assert read_checkpoint(note, [signer.key]).root == root(hashes[:size])
    assert sorted(log.above) == [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert log.above[1, 2] == root(hashes[512:768])


async def test_nothing_is_signed_on_top_of_an_altered_entry_hash() -> None:
    signer = PretendSigner()
    log = await filled(signer, 10)
    log.leaves[4] = entry(4, code="schema.other")
    log.waiting = [entry(10)]
    with pytest.raises(LogAltered):
        await sequence(log, signer, origin=ORIGIN)
    assert sorted(log.checkpoints) == [10]
    assert len(log.waiting) == 1


async def test_nothing_is_signed_on_top_of_a_cut_log() -> None:
    signer = PretendSigner()
    log = await filled(signer, 10)
    del log.leaves[8:]
    log.waiting = [entry(10)]
    with pytest.raises(LogAltered):
        await sequence(log, signer, origin=ORIGIN)


async def test_nothing_is_signed_when_the_last_head_is_gone() -> None:
    signer = PretendSigner()
    log = await filled(signer, 10)
    log.checkpoints.clear()
    log.waiting = [entry(10)]
    with pytest.raises(LogAltered):
        await sequence(log, signer, origin=ORIGIN)


async def test_a_head_by_a_key_nobody_knows_is_not_gone_on_from() -> None:
    log = await filled(PretendSigner(), 10)
    log.waiting = [entry(10)]
    with pytest.raises(NoteKeyUnknown):
        await sequence(log, PretendSigner(), origin=ORIGIN)


async def test_a_head_of_another_log_is_not_gone_on_from() -> None:
    signer = PretendSigner()
    log = await filled(signer, 10)
    log.waiting = [entry(10)]
    with pytest.raises(ForeignCheckpoint):
        await sequence(log, signer, origin="gateway.example.org/other")


async def test_where_the_key_changes_both_sign_and_later_the_new_one_alone() -> None:
    old, new = PretendSigner(), PretendSigner()
    log = await filled(old, 10)
    log.waiting = [entry(10)]
    assert await sequence(log, old, origin=ORIGIN, successor=new) == 1
    passed = log.checkpoints[11]
    for key in (old.key, new.key):
        assert read_checkpoint(passed, [key], origin=ORIGIN).size == 11
    keys = [LogKey(key=old.key, until=11), LogKey(key=new.key, first=11)]
    log.waiting = [entry(11)]
    with pytest.raises(LogKeyReplaced):
        await sequence(log, old, origin=ORIGIN, keys=keys)
    assert await sequence(log, new, origin=ORIGIN, keys=keys) == 1
    assert [name for name, _ in split_note(log.checkpoints[12])[1]] == [ORIGIN]
    assert read_checkpoint(log.checkpoints[12], [new.key], origin=ORIGIN).size == 12


async def test_a_head_that_a_retired_key_signs_afterwards_is_not_gone_on_from() -> None:
    old, new = PretendSigner(), PretendSigner()
    log = await filled(old, 10, 2)
    log.waiting = [entry(12)]
    keys = [LogKey(key=old.key, until=10), LogKey(key=new.key, first=10)]
    with pytest.raises(LogKeyRetired):
        await sequence(log, new, origin=ORIGIN, keys=keys)


async def test_nothing_is_signed_when_stored_hashes_are_missing() -> None:
    signer = PretendSigner()
    log = await filled(signer, 300)
    log.above.clear()
    log.waiting = [entry(300)]
    with pytest.raises(HashMissing):
        await sequence(log, signer, origin=ORIGIN)
