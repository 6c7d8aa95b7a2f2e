"""Plan: what a run would destroy, what is held, and whether two people have to stand for it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from gateway.agency import AgencyId
from gateway.retention.hold import Hold, covers
from gateway.retention.kept import Kept, Kind, bucket_over

BUCKET_REST = timedelta(hours=1)
"""So long after its week a bucket is destroyed whole: nothing that began to be sealed before is still on its way."""


class Why(StrEnum):
    """Why something is destroyed."""

    TIME_IS_UP = "time-is-up"
    SEALED = "sealed"  # the record was sealed by law or order
    EXPUNGED = "expunged"  # it is to be as if it had never been
    COURT_ORDER = "court-order"
    OWNER = "owner-asks"  # the agency whose data it is wants it back


EARLY = frozenset(Why) - {Why.TIME_IS_UP}
"""Before its time: past recipients are asked to do the same and to say so."""


class Asks(StrEnum):
    """Why two people have to stand for a run."""

    SHARE = "share"  # a large part of all that is held goes at once
    CLOCK = "clock"  # the clock jumped by more than a day since it was last looked at
    EARLY = "early"  # before its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may do.

    share       of all that is held, above which it takes two people: 0.1 is a tenth
    share_from  fewer payloads than this never ask for two
    run_max     payloads of one run
    nodes_max   nodes in one bucket's file; what would need more waits for the end of the bucket's week
    """

    share: float
    share_from: int
    run_max: int = 50_000
    nodes_max: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Class:
    """A class of what is destroyed, as certificates list them."""

    kind: Kind
    exchange: str
    mou: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do.

    items    to be destroyed, by bucket
    held     per hold, how many payloads it keeps from being destroyed
    later    how many are due and wait for the end of their bucket's week
    more     whether more is due than one run takes
    due      all that is due and not held; kept: all there is
    whole    buckets that go whole, with everything that was ever in them
    asks     () = it may run by itself
    """

    why: Why
    at: datetime
    items: tuple[Kept, ...]
    held: Mapping[str, int]
    later: int
    more: bool
    due: int
    kept: int
    whole: tuple[str, ...]
    asks: tuple[Asks, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over what is destroyed and why: what the people who stand for it sign."""
        lines = [self.why.value, *self.whole, *sorted(each.id for each in self.items)]
        return f"sha-256:{sha256(json.dumps(lines, separators=(',', ':')).encode()).hexdigest()}"


def classes(items: Iterable[Kept]) -> dict[Class, int]:
    """How many of each class, in order."""
    counted = Counter(Class(kind=each.kind, exchange=each.exchange, mou=each.mou) for each in items)
    return dict(sorted(counted.items()))


def free(
    due: Iterable[Kept], holds: Iterable[Hold], siblings: Mapping[str, tuple[Kept, ...]], now: datetime
) -> tuple[tuple[Kept, ...], dict[str, int]]:
    """What no hold keeps, and how many each hold keeps.

    siblings  per message of `due`, everything that is or was kept of it
    """
    standing = [hold for hold in holds if hold.stands(now)]
    kept_back: Counter[str] = Counter({hold.id: 0 for hold in standing})
    by_message: dict[str, list[str]] = {}
    clear: list[Kept] = []
    for each in due:
        if each.message not in by_message:
            parts = siblings.get(each.message, (each,))
            by_message[each.message] = [hold.id for hold in standing if covers(hold.scope, parts)]
        kept_back.update(by_message[each.message])
        if not by_message[each.message]:
            clear.append(each)
    return tuple(clear), dict(kept_back)


def asks(*, why: Why, count: int, whole: int = 0, kept: int, bounds: Bounds, jumped: bool) -> tuple[Asks, ...]:
    """Why two people have to stand for the destruction of `count` of `kept` payloads and of `whole` buckets.

    Empty buckets count too: on a wrong clock they are those of weeks to come, in which nothing could be sealed then.
    """
    if not count and not whole:
        return ()
    wanted = {
        Asks.SHARE: count >= bounds.share_from and count > bounds.share * kept,
        Asks.CLOCK: jumped,
        Asks.EARLY: why in EARLY,
    }
    return tuple(each for each, holds in wanted.items() if holds)


def may_go_whole(bucket: str, now: datetime) -> bool:
    """Whether a bucket of which nothing remains may be destroyed with everything that was ever in it."""
    return now >= bucket_over(bucket) + BUCKET_REST


def room(items: Iterable[Kept], nodes: Mapping[str, int], whole: Iterable[str], bounds: Bounds) -> tuple[Kept, ...]:
    """What can go now: of each bucket that does not go whole, as many as its file has room for holes.

    nodes  per bucket, how many its file holds already; each hole adds at most 40
    """
    gone_whole, left = set(whole), {bucket: max(0, bounds.nodes_max - held) // 40 for bucket, held in nodes.items()}
    fits: list[Kept] = []
    for each in items:
        if each.bucket not in gone_whole:
            if left.get(each.bucket, 0) <= 0:
                continue
            left[each.bucket] -= 1
        fits.append(each)
    return tuple(fits)


def partners(items: Iterable[Kept]) -> dict[tuple[AgencyId, str], dict[AgencyId, tuple[str, ...]]]:
    """Who is told that our copies are gone: per owner and agreement, per recipient, the disseminations."""
    told: dict[tuple[AgencyId, str], dict[AgencyId, tuple[str, ...]]] = {}
    for each in sorted(items, key=lambda each: each.id):
        if each.kind is Kind.DISSEMINATION and each.recipient != each.sender:
            mine = told.setdefault((each.sender, each.mou), {})
            mine[each.recipient] = (*mine.get(each.recipient, ()), each.id)
    return told
