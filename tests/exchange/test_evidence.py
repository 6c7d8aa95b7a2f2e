"""Evidence out of a store: files that prove, exports that outsiders can read, and a log read again."""

import json
from datetime import timedelta

import pytest

from gateway.audit.checkpoint import read_checkpoint
from gateway.audit.evidence import read_evidence, verify_evidence
from gateway.audit.proof import ProofWrong, verify_consistency
from gateway.audit.tree import HashMissing, leaf_hash
from gateway.exchange.evidence import (
    EntryNotInTree,
    EntryUnknown,
    SizeUnknown,
    consistency_of,
    evidence_of,
    evidence_of_message,
    export_log,
    verify_log,
)
from gateway.exchange.sequence import sequence
from gateway.message import MessageId
from tests.audit.memory_log import ORIGIN, START, MemoryLog, PretendSigner, entry, filled

SIGNER = PretendSigner()
MESSAGE = MessageId("019ab1c2-0001-7000-8000-000000000001")


async def judged(log: MemoryLog, **more: object) -> list[tuple[str, int | None]]:
    report = await verify_log(log, [SIGNER.key], origin=ORIGIN, **more)
    assert report.verified == (not report.findings)
    return [(finding.code, finding.index) for finding in report.findings]


async def test_every_entry_of_the_log_can_be_proved_from_the_store() -> None:
    log = await filled(SIGNER, 300, 400)
    for index in (0, 255, 256, 511, 512, 699):
        proved = verify_evidence(read_evidence(await evidence_of(log, log.leaves[index].id)), [SIGNER.key])
        assert (proved.index, proved.body) == (index, log.leaves[index].body)


async def test_all_entries_about_a_message_are_proved() -> None:
    log = await filled(SIGNER, 10)
    log.waiting = [entry(10, message=MESSAGE), entry(11), entry(12, message=MESSAGE)]
    await sequence(log, SIGNER, origin=ORIGIN)
    files = await evidence_of_message(log, MESSAGE)
    assert [verify_evidence(read_evidence(file), [SIGNER.key]).index for file in files] == [10, 12]
    with pytest.raises(EntryUnknown):
        await evidence_of_message(log, MessageId("019ab1c2-0002-7000-8000-000000000001"))


async def test_an_entry_that_is_not_there_or_not_in_the_tree_yet_is_told_apart() -> None:
    log = await filled(SIGNER, 3)
    log.waiting = [entry(3)]
    with pytest.raises(EntryUnknown):
        await evidence_of(log, "019ab1c2-0002-7000-8000-000000000001")
    with pytest.raises(EntryNotInTree):
        await evidence_of(log, log.waiting[0].id)


async def test_evidence_that_proves_nothing_is_not_handed_out() -> None:
    log = await filled(SIGNER, 300)
    log.leaves[7] = entry(7, code="schema.other")
    with pytest.raises(ProofWrong):
        await evidence_of(log, log.leaves[8].id)
    log.above.clear()
    with pytest.raises(HashMissing):
        await evidence_of(log, log.leaves[290].id)


async def test_one_head_is_proved_to_go_on_from_another() -> None:
    log = await filled(SIGNER, 3, 297, 400)
    for old, new in ((3, 300), (3, 700), (300, 700), (700, 700)):
        heads = [read_checkpoint(log.checkpoints[size], [SIGNER.key]) for size in (old, new)]
        verify_consistency(old, new, await consistency_of(log, old, new), heads[0].root, heads[1].root)
    for old, new in ((4, 700), (3, 701), (0, 700), (700, 3)):
        with pytest.raises(SizeUnknown):
            await consistency_of(log, old, new)


async def test_an_export_holds_the_signed_entries_with_their_hashes() -> None:
    log = await filled(SIGNER, 300)
    log.leaves.append(entry(300))
    lines = [json.loads(line) async for line in export_log(log)]
    assert [line["index"] for line in lines] == list(range(300))
    assert all(leaf_hash(line["body"].encode()).hex() == line["leaf"] for line in lines)
    assert len([line async for line in export_log(log, size=5)]) == 5
    assert [line async for line in export_log(MemoryLog())] == []


async def test_an_untouched_log_is_verified_and_progress_is_told() -> None:
    log = await filled(SIGNER, 300, 2000)
    progress: list[tuple[int, int]] = []
    known = [read_checkpoint(log.checkpoints[300], [SIGNER.key])]
    report = await verify_log(
        log, [SIGNER.key], origin=ORIGIN, known=known, on_progress=lambda done, size: progress.append((done, size))
    )
    assert report.verified
    assert (report.since, report.entries, report.size) == (0, 2300, 2300)
    assert progress == [(1024, 2300), (2048, 2300), (2300, 2300)]


async def test_a_log_is_verified_since_a_day() -> None:
    log = await filled(SIGNER, 2000)
    report = await verify_log(log, [SIGNER.key], since=START + timedelta(seconds=1900))
    assert report.verified
    assert (report.since, report.entries) == (1536, 464)
    known = [read_checkpoint(log.checkpoints[2000], [SIGNER.key])]
    assert await judged(log, since=START + timedelta(seconds=1900), known=known) == []


async def test_verified_since_a_day_a_change_of_the_tree_before_is_found() -> None:
    log = await filled(SIGNER, 2000)
    log.above[1, 2] = leaf_hash(b"")
    assert await judged(log, since=START + timedelta(seconds=1900)) == [("audit.root-wrong", None)]
    del log.above[1, 2]
    assert await judged(log, since=START + timedelta(seconds=1900)) == [
        ("audit.hash-missing", None),
        ("audit.hash-missing", 0),
    ]


async def test_a_head_kept_from_before_the_day_is_compared_all_the_same() -> None:
    log = await filled(SIGNER, 600, 1400)
    kept = read_checkpoint(log.checkpoints[600], [SIGNER.key])
    report = await verify_log(log, [SIGNER.key], since=START + timedelta(seconds=1900), known=[kept])
    assert report.verified
    assert report.since == 512
    other = read_checkpoint((await filled(SIGNER, 599)).checkpoints[599], [SIGNER.key])
    wrong = type(kept)(origin=ORIGIN, size=600, root=other.root)
    assert await judged(log, since=START + timedelta(seconds=1900), known=[wrong]) == [("audit.root-wrong", None)]


async def test_an_edited_entry_is_named() -> None:
    log = await filled(SIGNER, 1500)
    altered = entry(1200, code="schema.other")
    log.leaves[1200] = type(altered)(
        id=altered.id,
        type=altered.type,
        at=altered.at,
        body=altered.body,
        leaf_hash=log.leaves[1200].leaf_hash,
        parties=altered.parties,
    )
    assert await judged(log) == [
        ("audit.entry-altered", 1200),
        ("audit.root-wrong", 0),
        ("audit.hash-altered", 1024),
    ]


async def test_a_deleted_tail_is_named() -> None:
    log = await filled(SIGNER, 300)
    del log.leaves[290:]
    assert (await judged(log))[0] == ("audit.entry-missing", 290)


async def test_an_altered_stored_hash_is_named_though_all_entries_are_right() -> None:
    log = await filled(SIGNER, 700)
    log.above[1, 1] = leaf_hash(b"")
    assert await judged(log) == [("audit.hash-altered", 256)]


async def test_a_forged_head_is_found_and_the_entries_are_judged_all_the_same() -> None:
    log = await filled(PretendSigner(), 300)
    assert await judged(log) == [("audit.checkpoint-wrong", None)]
    log.checkpoints[300] = b"nothing"
    assert [code for code, _ in await judged(log)] == ["audit.checkpoint-wrong", "audit.root-wrong"]


async def test_a_log_without_a_head_is_empty_or_wrong() -> None:
    assert await judged(MemoryLog()) == []
    log = await filled(SIGNER, 3)
    kept = read_checkpoint(log.checkpoints[3], [SIGNER.key])
    log.checkpoints.clear()
    assert await judged(log) == [("audit.checkpoint-missing", 0)]
    assert await judged(MemoryLog(), known=[kept]) == [("audit.log-cut", 0)]
