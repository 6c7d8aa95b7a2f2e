"""Forgetting one leaf takes that one and no other."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys.tree import DEPTH, Node, leaf, leaf_of, puncture, puncture_all, root

SECRET = bytes(range(32))
INDEXES = st.integers(0, 2**DEPTH - 1)
SPECIAL = [0, 1, 2**39, 2**40 - 2, 2**40 - 1]


def by_the_book(secret: bytes, index: int) -> bytes:
    """The definition, bit by bit, most significant first."""
    for bit in f"{index:040b}":
        secret = sha256(b"gateway/payload-tree/" + bit.encode() + secret).digest()
    return secret


@given(INDEXES)
def test_a_leaf_is_what_the_definition_says(index: int) -> None:
    assert leaf([root(SECRET)], index) == by_the_book(SECRET, index)


def test_a_known_leaf_stays_what_it_was() -> None:
    """Written down once: if this changes, no stored payload can be read any more."""
    known = leaf([root(SECRET)], 0x0123456789)
    assert known is not None
    assert known.hex() == KNOWN


KNOWN = "1c064bfb93b6e475610b844aa5ca84d75589d3585ff93ac659fdabdade4fae77"


@given(st.lists(INDEXES, min_size=1, max_size=6, unique=True), st.lists(INDEXES, max_size=6))
def test_punctured_leaves_are_gone_and_all_others_stay(gone: list[int], others: list[int]) -> None:
    nodes: tuple[Node, ...] = (root(SECRET),)
    for index in gone:
        nodes = puncture(nodes, index)
    near = [index ^ 1 for index in gone] + [index ^ 2**39 for index in gone]
    assert [leaf(nodes, index) for index in gone] == [None] * len(gone)
    for index in {*others, *near, *SPECIAL} - set(gone):
        assert leaf(nodes, index) == by_the_book(SECRET, index)


@given(INDEXES, INDEXES)
def test_nothing_on_the_way_to_a_forgotten_leaf_is_kept(index: int, other: int) -> None:
    nodes = puncture(puncture([root(SECRET)], index), other)
    on_the_way = {SECRET}
    for depth in range(1, DEPTH + 1):
        secret = SECRET
        for bit in f"{index:040b}"[:depth]:
            secret = sha256(b"gateway/payload-tree/" + bit.encode() + secret).digest()
        on_the_way.add(secret)
    assert on_the_way.isdisjoint(node.secret for node in nodes)


def test_the_first_puncture_leaves_forty_nodes_and_the_next_adds_fewer() -> None:
    once = puncture([root(SECRET)], 5)
    assert sorted(node.depth for node in once) == list(range(1, DEPTH + 1))
    assert len(puncture(once, 4)) == DEPTH - 1
    assert puncture(once, 5) == once


def test_no_two_nodes_are_above_one_leaf() -> None:
    nodes = puncture(puncture([root(SECRET)], 5), 2**33)
    assert all(sum(node.is_above(index) for node in nodes) == 1 for index in (0, 4, 6, 2**33 + 1, 2**39))


@pytest.mark.parametrize("index", [-1, 2**40])
def test_an_index_has_forty_bits(index: int) -> None:
    with pytest.raises(ValueError, match="40 bits"):
        leaf([root(SECRET)], index)


@pytest.mark.parametrize("values", [(-1, 0, SECRET), (41, 0, SECRET), (1, 2, SECRET), (0, 0, b"short")])
def test_a_node_that_cannot_be_is_not_made(values: tuple[int, int, bytes]) -> None:
    with pytest.raises(ValueError, match="node"):
        Node(*values)


@given(st.sets(INDEXES, min_size=1, max_size=8), st.lists(INDEXES, max_size=6))
def test_many_leaves_are_forgotten_at_once_as_they_would_be_one_by_one(gone: set[int], others: list[int]) -> None:
    one_by_one: tuple[Node, ...] = (root(SECRET),)
    for index in gone:
        one_by_one = puncture(one_by_one, index)
    at_once = puncture_all([root(SECRET)], gone)
    assert sorted(one_by_one, key=lambda node: node.start) == list(at_once)
    half = sorted(gone)[: len(gone) // 2]
    assert puncture_all(puncture_all([root(SECRET)], half), gone) == at_once
    starts = [node.start for node in at_once]
    for index in {*gone, *others, *SPECIAL}:
        assert leaf_of(at_once, starts, index) == leaf(at_once, index)


def test_a_bucket_without_nodes_has_no_leaf() -> None:
    assert leaf_of((), (), 5) is None
    assert puncture_all((), [5]) == ()
