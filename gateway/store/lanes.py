"""Which due deliveries a worker takes. Pure; the stores bring what is under way and what is due first in each lane.

A lane is a recipient: one who is slow or gone holds up nobody else, and two messages of one chain never travel to one
recipient at once, so that a cancellation cannot overtake what it cancels.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that may be taken.

    key     the store's own key of it
    first   its chain
    lapsed  it is under way with a lease that ran out, and so due again
    """

    key: int | str
    recipient: str
    first: str
    urgent: bool
    due_at: int
    lapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """What other workers hold: how many per recipient, and which chains."""

    per_recipient: Counter[str]
    chains: frozenset[tuple[str, str]]


def under_way(sending: Iterable[tuple[Due, int]], now: int) -> tuple[UnderWay, tuple[Due, ...]]:
    """From all that is SENDING, each with the end of its lease: what is held, and what has lapsed.

    The chain of a lapsed one stays closed to the others: it goes first, or nobody does.
    """
    counts: Counter[str] = Counter()
    chains: set[tuple[str, str]] = set()
    lapsed: list[Due] = []
    for due, lease_until in sending:
        chains.add((due.recipient, due.first))
        if lease_until > now:
            counts[due.recipient] += 1
        else:
            lapsed.append(due)
    return UnderWay(per_recipient=counts, chains=frozenset(chains)), tuple(lapsed)


def choose(candidates: Iterable[Due], held: UnderWay, *, limit: int, per_recipient: int) -> tuple[Due, ...]:
    """Urgent ones first, then the longest due; at most `per_recipient` under way for each; one of a chain at a time."""
    room = Counter(held.per_recipient)
    chains = set(held.chains)
    chosen: list[Due] = []
    for due in sorted(candidates, key=lambda each: (not each.urgent, each.due_at)):
        if len(chosen) == limit:
            break
        chain = (due.recipient, due.first)
        if room[due.recipient] >= per_recipient or (chain in chains and not due.lapsed):
            continue
        room[due.recipient] += 1
        chains.add(chain)
        chosen.append(due)
    return tuple(chosen)
