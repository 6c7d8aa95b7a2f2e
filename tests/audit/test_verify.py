"""A log read again is compared with what was signed, entry by entry, and the first wrong place is named."""

import pytest

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.entry import AuditEntry
from gateway.audit.tree import CompactRange, complete_root, root
from gateway.audit.verify import FINDINGS_MAX, LogReader, LogReport, above
from tests.audit.memory_log import ORIGIN, entry

ENTRIES = [entry(number) for number in range(600)]
LEAVES = [each.leaf_hash for each in ENTRIES]
Rows = list[tuple[int | None, bytes, bytes]]


def rows(entries: list[AuditEntry]) -> Rows:
    return [(index, each.body, each.leaf_hash) for index, each in enumerate(entries)]


def head(size: int) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=size, root=root(LEAVES[:size]))


def judged(log: Rows, *known: Checkpoint, signed: Checkpoint | None = None) -> LogReport:
    reader = LogReader(known)
    for at in range(0, len(log), 250):
        reader.feed(log[at : at + 250])
    return reader.report(signed or head(600))


def found(report: LogReport) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.index) for finding in report.findings]


def test_an_untouched_log_is_verified_against_all_its_heads() -> None:
    report = judged(rows(ENTRIES), *(head(size) for size in (1, 250, 251, 256, 600)))
    assert report.verified
    assert (report.entries, report.size, report.root) == (600, 600, root(LEAVES))


def test_an_edited_entry_is_named() -> None:
    log = rows(ENTRIES)
    log[321] = (321, entry(321, code="schema.other").body, log[321][2])
    report = judged(log)
    assert not report.verified
    assert found(report) == [("audit.entry-altered", 321), ("audit.root-wrong", 0)]


def test_an_entry_edited_with_its_hash_still_breaks_the_root() -> None:
    log = rows([*ENTRIES[:321], entry(321, code="schema.other"), *ENTRIES[322:]])
    report = judged(log, head(300), head(400))
    assert not report.root_ok
    assert [finding.text for finding in report.findings if "400" in finding.text]
    assert not [finding.text for finding in report.findings if "300" in finding.text]


def test_two_entries_that_changed_places_are_named() -> None:
    log = rows(ENTRIES)
    log[10], log[11] = log[11], log[10]
    assert found(judged(log))[:2] == [("audit.entry-misplaced", 10), ("audit.entry-misplaced", 11)]


def test_a_missing_entry_is_named() -> None:
    log = rows(ENTRIES)
    del log[200]
    assert found(judged(log))[0] == ("audit.entry-misplaced", 200)


def test_a_cut_tail_is_named() -> None:
    assert found(judged(rows(ENTRIES[:590])))[0] == ("audit.entry-missing", 590)


def test_a_log_put_back_to_an_earlier_state_is_found_by_a_head_kept_elsewhere() -> None:
    report = judged(rows(ENTRIES[:500]), head(600), signed=head(500))
    assert report.root_ok
    assert not report.verified
    assert found(report) == [("audit.log-cut", 500)]


def test_a_rewritten_log_signed_with_a_stolen_key_is_found_by_a_head_kept_elsewhere() -> None:
    rewritten = [*ENTRIES[:100], entry(100, code="schema.other"), *ENTRIES[101:]]
    signed = Checkpoint(origin=ORIGIN, size=600, root=root(each.leaf_hash for each in rewritten))
    assert judged(rows(rewritten), signed=signed).verified
    assert found(judged(rows(rewritten), head(100), head(300), signed=signed)) == [("audit.root-wrong", 100)]


def test_reading_can_begin_at_a_tile_with_what_is_before_taken_as_stored() -> None:
    reader = LogReader([head(300)], range_before=CompactRange(256, [root(LEAVES[:256])]))
    reader.feed(rows(ENTRIES)[256:])
    report = reader.report(head(600))
    assert report.verified
    assert (report.since, report.entries) == (256, 344)
    with pytest.raises(ValueError, match="tile"):
        LogReader([], range_before=CompactRange(1, LEAVES[:1]))


def test_hashes_of_tiles_are_computed_for_comparison() -> None:
    reader = LogReader([])
    reader.feed(rows(ENTRIES))
    assert reader.tiles == [complete_root(LEAVES[:256]), complete_root(LEAVES[256:512])]
    reader.compare_stored(1, 0, [reader.tiles[0], LEAVES[0]], reader.tiles)
    reader.compare_stored(1, 0, reader.tiles[:1], reader.tiles)
    assert [(each.code, each.index) for each in reader.findings] == [
        ("audit.hash-altered", 256),
        ("audit.hash-missing", 0),
    ]


def test_hashes_of_the_next_level_are_of_whole_tiles_only() -> None:
    assert above(LEAVES) == [complete_root(LEAVES[:256]), complete_root(LEAVES[256:512])]
    assert above(LEAVES[:255]) == []


def test_findings_have_a_bound() -> None:
    log = [(None, body, leaf) for _, body, leaf in rows(ENTRIES)]
    assert len(judged(log).findings) == FINDINGS_MAX
