"""Proofs against published vectors, against another implementation, and as laws."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.proof import (
    Inclusions,
    ProofWrong,
    consistency,
    consistency_ranges,
    inclusion,
    inclusion_ranges,
    root_of,
    root_ranges,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from gateway.audit.tree import HashMissing, Range, grow, leaf_hash, root
from tests.audit.stored_hashes import StoredHashes

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "merkle"


def vectors(name: str) -> list[dict[str, Any]]:
    """One group of published cases; upstream gives no proof as null."""
    if not VECTORS.exists():
        pytest.skip("needs ../shared/vectors/merkle")
    return [json.loads(line) for line in (VECTORS / f"{name}.jsonl").read_text().splitlines()]


def decoded(case: dict[str, Any], *keys: str) -> list[Any]:
    return [
        [base64.b64decode(each) for each in case[key] or ()] if key == "proof" else base64.b64decode(case[key])
        for key in keys
    ]


def judged(verify: Any, *arguments: Any) -> bool:
    """Whether the proof is refused."""
    try:
        verify(*arguments)
    except ProofWrong:
        return True
    return False


def test_every_published_inclusion_case_is_judged_as_published() -> None:
    for case in vectors("inclusion"):
        leaf, proof, head = decoded(case, "leafHash", "proof", "root")
        refused = judged(verify_inclusion, leaf, case["leafIdx"], case["treeSize"], proof, head)
        assert refused == case["wantErr"], case["path"]


def test_every_published_consistency_case_is_judged_as_published() -> None:
    for case in vectors("consistency"):
        proof, old, new = decoded(case, "proof", "root1", "root2")
        refused = judged(verify_consistency, case["size1"], case["size2"], proof, old, new)
        assert refused == case["wantErr"], case["path"]


def test_every_published_subtree_inclusion_case_is_judged_as_published() -> None:
    for case in vectors("subtreeinclusion"):
        leaf, proof, head = decoded(case, "leafHash", "proof", "root")
        refused = judged(verify_subtree_inclusion, leaf, case["leafIdx"], case["start"], case["end"], proof, head)
        assert refused == case["wantErr"], case["path"]


def test_every_published_subtree_consistency_case_is_judged_as_published() -> None:
    for case in vectors("subtreeconsistency"):
        proof, subtree, head = decoded(case, "proof", "root1", "root2")
        refused = judged(verify_subtree_consistency, case["start"], case["end"], case["size"], proof, subtree, head)
        assert refused == case["wantErr"], case["path"]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def proofs_within(stored: StoredHashes, index: int, size: int) -> tuple[bytes, ...]:
    return inclusion(index, size, stored.read(inclusion_ranges(index, size)))


def altered(proof: Sequence[bytes], at: int, bit: int) -> list[bytes]:
    changed = bytearray(proof[at])
    changed[bit // 8] ^= 1 << bit % 8
    return [*proof[:at], bytes(changed), *proof[at + 1 :]]


@given(st.data())
def test_every_leaf_of_every_log_can_be_proved_and_no_altered_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1200))
    index = data.draw(st.integers(0, size - 1))
    stored = StoredHashes(leaves(size + data.draw(st.integers(0, 300))))
    head = root(stored.leaves[:size])
    proof = proofs_within(stored, index, size)
    verify_inclusion(stored.leaves[index], index, size, proof, head)
    with pytest.raises(ProofWrong):
        verify_inclusion(leaf_hash(b"another"), index, size, proof, head)
    with pytest.raises(ProofWrong):
        verify_inclusion(stored.leaves[index], index, size, [*proof, head], head)
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        with pytest.raises(ProofWrong):
            verify_inclusion(stored.leaves[index], index, size, altered(proof, at, bit), head)
        with pytest.raises(ProofWrong):
            verify_inclusion(stored.leaves[index], index, size, proof[:-1], head)
        with pytest.raises(ProofWrong):
            verify_inclusion(stored.leaves[index], index ^ 1, size, proof, head)


@given(st.data())
def test_a_log_is_proved_to_go_on_from_each_earlier_head_and_no_altered_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1200))
    old = data.draw(st.integers(1, size))
    stored = StoredHashes(leaves(size + data.draw(st.integers(0, 300))))
    before, after = root(stored.leaves[:old]), root(stored.leaves[:size])
    proof = consistency(old, size, stored.read(consistency_ranges(old, size)))
    verify_consistency(old, size, proof, before, after)
    if old < size:
        with pytest.raises(ProofWrong):
            verify_consistency(old, size, proof, root(leaves(old - 1)), after)
        with pytest.raises(ProofWrong):
            verify_consistency(old, size, proof[:-1], before, after)
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        with pytest.raises(ProofWrong):
            verify_consistency(old, size, altered(proof, at, bit), before, after)


def test_proofs_agree_with_another_implementation() -> None:
    entries = [b"%d" % number for number in range(300)]
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        oracle.append_entry(entry)
    stored = StoredHashes([leaf_hash(entry) for entry in entries])
    for size in (1, 2, 3, 5, 255, 256, 257, 300):
        assert root_of(size, stored.read(root_ranges(size))) == oracle.get_root(size)
        for index in {0, size // 2, size - 1}:
            theirs = oracle.prove_inclusion(index + 1, size).serialize()
            assert [leaf_hash(entries[index]), *proofs_within(stored, index, size)] == [
                bytes.fromhex(each) for each in theirs["path"]
            ]


def test_a_log_of_ten_million_entries_is_proved_from_a_handful_of_ranges() -> None:
    size = 10_000_019
    for index in (0, 1, 255, 256, 65_535, 5_000_000, size - 1):
        needed = inclusion_ranges(index, size)
        assert len(needed) <= 8
        assert sum(each.count for each in needed) <= 2048
        assert all(0 < each.count <= 256 for each in needed)
        got = {each: [leaf_hash(b"%d" % number) for number in range(each.count)] for each in needed}
        assert len(inclusion(index, size, got)) <= 24
    assert len(consistency_ranges(9_999_999, size)) <= 8


def test_ranges_never_ask_for_hashes_that_a_log_of_this_size_has_not_stored() -> None:
    for size in (1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_001):
        for index in {0, size // 3, size - 1}:
            for each in inclusion_ranges(index, size) + consistency_ranges(index + 1, size):
                assert each.start + each.count <= size >> 8 * each.level


def test_a_leaf_outside_the_log_has_no_proof() -> None:
    with pytest.raises(ValueError, match="within the log"):
        inclusion_ranges(5, 5)
    with pytest.raises(ValueError, match="one leaf or more"):
        consistency_ranges(0, 5)
    with pytest.raises(ProofWrong):
        verify_inclusion(leaf_hash(b""), 5, 5, (), leaf_hash(b""))


def test_a_range_that_was_not_read_whole_is_not_computed_with() -> None:
    needed = Range(0, 0, 3)
    with pytest.raises(HashMissing):
        root_of(3, {needed: leaves(2)})


def test_growing_in_any_steps_gives_the_root_of_all_leaves() -> None:
    everything = leaves(700)
    stored = StoredHashes([])
    for step in (0, 1, 254, 1, 1, 256, 187):
        size = len(stored.leaves)
        growth = grow(size, stored.hashes, everything[size : size + step])
        assert growth.root_before == root(everything[:size])
        stored = StoredHashes(everything[: size + step])
        assert growth.root == root(stored.leaves)
    assert len(stored.leaves) == 700


def test_proofs_of_many_leaves_are_those_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inclusions, "REMEMBERED_MAX", 40)  # forget now and then
    leaves = [leaf_hash(number.to_bytes(4)) for number in range(70_000)]
    for size in (1, 2, 255, 256, 257, 1000, 70_000):
        log = StoredHashes(leaves[:size])
        many = Inclusions(size)
        for index in {*range(min(size, 30)), *range(0, size, max(size // 50, 1)), size - 1}:
            made = many.proof(index, log.read(many.ranges(index)))
            assert made == inclusion(index, size, log.read(inclusion_ranges(index, size)))
