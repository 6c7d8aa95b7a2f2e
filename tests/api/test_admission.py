import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import AgencyId
from gateway.api.admission import Admission, Rate, TooManyRequests, TooMuchAtOnce
from gateway.config import Limits

JAIL, POLICE = AgencyId("harlan-county-jail"), AgencyId("millbrook-police")
MIB = 1024 * 1024


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def admission(clock: Clock, *, share: float = 1.0, **limits: float) -> Admission:
    return Admission(limits=Limits.model_validate(limits), now=clock, share=share)


@given(st.lists(st.floats(0, 0.5), max_size=200), st.floats(1, 50))
def test_no_more_is_taken_than_the_burst_and_the_rate_since(waits: list[float], per_second: float) -> None:
    rate, now, taken = Rate(per_second, burst=5), 0.0, 0
    for wait in waits:
        now += wait
        taken += rate.take("a", now)
    assert taken <= 5 + now * per_second + 1e-6


def test_after_a_pause_a_caller_is_heard_again() -> None:
    rate = Rate(2, burst=2)
    assert [rate.take("a", 0), rate.take("a", 0), rate.take("a", 0)] == [True, True, False]
    assert not rate.take("a", 0.4)
    assert rate.take("a", 0.6)


def test_one_caller_does_not_use_up_what_another_may_ask() -> None:
    rate = Rate(1, burst=1)
    assert rate.take("a", 0)
    assert rate.take("b", 0)


def test_a_flood_of_addresses_takes_no_more_memory_than_a_bound() -> None:
    rate = Rate(1, burst=1, keys_max=10)
    for number in range(1000):
        rate.take(str(number), 0)
    assert len(rate._buckets) == 10


def test_an_address_that_asks_too_fast_is_told_so() -> None:
    clock = Clock()
    door = admission(clock, requests_per_address_per_second=5)
    for _ in range(10):
        door.arrive("192.0.2.1")
    with pytest.raises(TooManyRequests):
        door.arrive("192.0.2.1")
    door.arrive("192.0.2.2")
    clock.seconds = 1.0
    door.arrive("192.0.2.1")


def test_each_of_several_processes_admits_its_share() -> None:
    door = admission(Clock(), share=0.5, requests_per_address_per_second=10)
    for _ in range(10):
        door.arrive("192.0.2.1")
    with pytest.raises(TooManyRequests):
        door.arrive("192.0.2.1")


def test_an_agency_has_so_many_requests_under_way_and_others_theirs() -> None:
    door = admission(Clock(), in_flight_per_agency_max=2)
    first, second, third = (door.request() for _ in range(3))
    first.enter(JAIL)
    second.enter(JAIL)
    with pytest.raises(TooManyRequests):
        third.enter(JAIL)
    third.leave()  # it was never counted, and takes nothing with it
    door.request().enter(POLICE)
    first.leave()
    door.request().enter(JAIL)


def test_bodies_take_so_much_memory_together_and_give_it_back() -> None:
    door = admission(Clock(), bodies_bytes_max=20 * MIB)
    first, second = door.request(), door.request()
    first.hold(12 * MIB)
    with pytest.raises(TooMuchAtOnce):
        second.hold(9 * MIB)
    second.leave()
    door.request().hold(8 * MIB)
    first.leave()
    door.request().hold(12 * MIB)
