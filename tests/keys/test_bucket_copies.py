"""Copies of buckets: what was forgotten since, or before, stays forgotten when an old copy comes back."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys.payload import BucketDamaged, KeyGone, PayloadKeys
from gateway.keys.tree import DEPTH, leaf, puncture_all, restrict, root
from gateway.message import Sealed
from tests.keys.clocks import StoppedClock

BUCKET = "2027-W05"
INDEXES = st.integers(min_value=0, max_value=(1 << DEPTH) - 1)


def keys(directory: Path, wrapping: bytes = bytes(32)) -> PayloadKeys:
    return PayloadKeys(directory / "buckets", wrapping=wrapping, clock=StoppedClock(), fingerprint="sha-256:test")


def sealed(of: PayloadKeys, payload: bytes) -> Sealed:
    return of.seal(payload, bucket=BUCKET, aad=payload, random=os.urandom(17))


@given(st.lists(INDEXES, max_size=6), st.lists(INDEXES, max_size=6), st.lists(INDEXES, max_size=6))
def test_two_states_of_a_bucket_have_in_common_what_neither_forgot(
    before: list[int], ours: list[int], theirs: list[int]
) -> None:
    common = puncture_all((root(b"s" * 32),), before)
    one, other = puncture_all(common, ours), puncture_all(common, theirs)
    both = restrict(one, [(node.depth, node.prefix) for node in other])
    for index in {*before, *ours, *theirs, *(i ^ 1 for i in ours), *(i ^ 1 for i in theirs), 0, 5, (1 << DEPTH) - 1}:
        known = leaf(one, index)
        assert leaf(both, index) == (known if leaf(other, index) is not None else None)


def test_an_old_copy_is_cut_down_to_what_was_there_later(tmp_path: Path) -> None:
    living = keys(tmp_path / "living")
    gone, kept = sealed(living, b"gone"), sealed(living, b"kept")
    old = living.copy_of(BUCKET)
    living.forget(BUCKET, [gone.index])

    restored = keys(tmp_path / "restored")
    restored.put_back(BUCKET, old)
    assert restored.open(gone, aad=b"gone") == b"gone"  # this is what is to be prevented
    assert restored.restrict(BUCKET, living.places(BUCKET))
    with pytest.raises(KeyGone):
        restored.open(gone, aad=b"gone")
    assert restored.open(kept, aad=b"kept") == b"kept"
    assert not restored.restrict(BUCKET, living.places(BUCKET))


def test_a_copy_newer_than_the_places_stays_as_it_is(tmp_path: Path) -> None:
    living = keys(tmp_path / "living")
    gone, kept = sealed(living, b"gone"), sealed(living, b"kept")
    before = living.places(BUCKET)
    living.forget(BUCKET, [gone.index])
    restored = keys(tmp_path / "restored")
    restored.put_back(BUCKET, living.copy_of(BUCKET))
    assert not restored.restrict(BUCKET, before)
    with pytest.raises(KeyGone):
        restored.open(gone, aad=b"gone")
    assert restored.open(kept, aad=b"kept") == b"kept"


def test_a_bucket_that_was_forgotten_whole_stays_forgotten(tmp_path: Path) -> None:
    living = keys(tmp_path / "living")
    one = sealed(living, b"one")
    old = living.copy_of(BUCKET)
    living.forget_bucket(BUCKET)
    restored = keys(tmp_path / "restored")
    restored.put_back(BUCKET, old)
    restored.restrict(BUCKET, living.places(BUCKET))
    with pytest.raises(KeyGone):
        restored.open(one, aad=b"one")


def test_a_copy_of_another_key_directory_or_another_bucket_is_not_taken_in(tmp_path: Path) -> None:
    living = keys(tmp_path / "living")
    sealed(living, b"one")
    copy = living.copy_of(BUCKET)
    with pytest.raises(BucketDamaged):
        keys(tmp_path / "other", wrapping=b"w" * 32).put_back(BUCKET, copy)
    with pytest.raises(BucketDamaged):
        keys(tmp_path / "same").put_back("2027-W06", copy)
    assert keys(tmp_path / "other").names() == keys(tmp_path / "same").names() == ()


def test_all_buckets_are_named_and_nothing_else(tmp_path: Path) -> None:
    living = keys(tmp_path)
    sealed(living, b"one")
    living.forget_bucket("2026-W50")
    (tmp_path / "buckets" / "notes.key").write_bytes(b"")
    assert living.names() == ("2026-W50", BUCKET)
    with pytest.raises(KeyGone):
        living.copy_of("2028-W01")
