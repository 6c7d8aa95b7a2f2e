from dataclasses import dataclass, field

from gateway.api.peers import EVICTED_AFTER_SECONDS, Peers

LATER = 1 + EVICTED_AFTER_SECONDS


@dataclass(eq=False)
class Connection:
    """A connection as far as its peers know it."""

    peers: Peers
    address: str
    out: bool = field(default=False)

    def put_out(self) -> None:
        self.out = True
        self.peers.leave(self.address, self)


def entered(peers: Peers, address: str, *, at: float = 0.0) -> Connection:
    assert peers.enter(address, at)
    made = Connection(peers, address)
    peers.quiet(address, made, at)
    return made


def test_connections_are_counted_by_address_and_in_all() -> None:
    peers = Peers(per_address_max=2, all_max=3)
    first = entered(peers, "a", at=1.0)
    entered(peers, "a", at=1.0)
    assert not peers.enter("a", 1.0)
    entered(peers, "b", at=1.0)
    assert not peers.enter("c", 1.0)
    peers.leave("a", first)
    assert peers.enter("c", 1.0)


def test_the_one_that_has_been_quiet_longest_gives_way_to_the_next_of_its_address() -> None:
    peers = Peers(per_address_max=2, all_max=10)
    first, second, other = entered(peers, "a"), entered(peers, "a", at=0.5), entered(peers, "b")
    entered(peers, "a", at=LATER)
    assert (first.out, second.out, other.out) == (True, False, False)


def test_one_on_which_something_is_under_way_stays() -> None:
    peers = Peers(per_address_max=2, all_max=10)
    first, second = entered(peers, "a"), entered(peers, "a")
    peers.busy("a", first)
    assert peers.enter("a", LATER)
    assert (first.out, second.out) == (False, True)
    assert not peers.enter("a", LATER)
    peers.quiet("a", first, LATER)
    assert peers.enter("a", LATER + LATER)
    assert first.out


def test_a_full_house_puts_out_one_of_whoever_has_most_quiet_ones() -> None:
    peers = Peers(per_address_max=5, all_max=4)
    many, alone = [entered(peers, "a") for _ in range(3)], entered(peers, "b")
    assert peers.enter("c", LATER)
    assert [each.out for each in many] == [True, False, False]
    assert not alone.out
