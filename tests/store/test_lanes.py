"""Which due deliveries a worker takes: `gateway/store/lanes.py`."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.lanes import Due, UnderWay, choose, under_way

NOBODY = UnderWay(per_recipient=Counter(), chains=frozenset())

dues = st.builds(
    Due,
    key=st.uuids().map(str),
    recipient=st.sampled_from(["police", "probation", "fusion"]),
    first=st.sampled_from(["a", "b", "c", "d", "e"]),
    urgent=st.booleans(),
    due_at=st.integers(0, 100),
)


def due(key: int, recipient: str = "police", first: str = "", *, urgent: bool = False, due_at: int = 0) -> Due:
    return Due(key=key, recipient=recipient, first=first or str(key), urgent=urgent, due_at=due_at)


@given(st.lists(dues), st.integers(1, 20), st.integers(1, 5))
def test_no_lane_and_no_chain_gets_more_than_its_share(candidates: list[Due], limit: int, per_recipient: int) -> None:
    chosen = choose(candidates, NOBODY, limit=limit, per_recipient=per_recipient)
    assert len(chosen) <= limit
    assert max(Counter(each.recipient for each in chosen).values(), default=0) <= per_recipient
    assert max(Counter((each.recipient, each.first) for each in chosen).values(), default=0) <= 1


@given(st.lists(dues))
def test_with_room_enough_every_chain_is_served(candidates: list[Due]) -> None:
    chosen = choose(candidates, NOBODY, limit=1000, per_recipient=1000)
    assert {(each.recipient, each.first) for each in chosen} == {(each.recipient, each.first) for each in candidates}


@given(st.lists(dues), st.integers(1, 5))
def test_urgent_ones_come_first_then_the_longest_due(candidates: list[Due], limit: int) -> None:
    chosen = choose(candidates, NOBODY, limit=limit, per_recipient=limit)
    order = [(not each.urgent, each.due_at) for each in chosen]
    assert order == sorted(order)


def test_what_others_hold_counts_against_the_lane_and_closes_the_chain() -> None:
    held, lapsed = under_way([(due(1, first="a"), 50), (due(2, "probation", "b"), 50)], now=10)
    assert lapsed == ()
    candidates = [due(3, first="a"), due(4, first="c"), due(5, first="d"), due(6, "probation", "a")]
    chosen = choose(candidates, held, limit=10, per_recipient=2)
    assert [each.key for each in chosen] == [4, 6]


def test_a_lapsed_one_may_go_again_but_nobody_else_of_its_chain() -> None:
    gone = Due(key=1, recipient="police", first="a", urgent=False, due_at=5, lapsed=True)
    held, lapsed = under_way([(gone, 10)], now=10)
    assert lapsed == (gone,)
    chosen = choose([due(2, first="a", urgent=True), *lapsed], held, limit=10, per_recipient=1)
    assert [each.key for each in chosen] == [1]
