"""Keeping the disclosure index: its rows are arranged for finding, and forgotten when their time is over.

A quarter's rows end together: when the last of them has been kept for the years the settings say, the key files of the
quarter are destroyed, and then its rows are deleted, with an entry for each generation. If the machine stops in
between, rows without keys are left, and the next run deletes them.
"""

from datetime import datetime

from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.exchange.gateway import Gateway
from gateway.exchange.planning import look_at_clock
from gateway.keys.subject import quarter_end, quarter_of

ARRANGED_AT_ONCE = 1000
"""Some 5,000 tokens: 30 ms under SQLite's write lock, which accepting waits for."""

DROPPED_AT_ONCE = 1000

EXPIRED = "disclosure-index"
"""Kind of the entries."""


async def arrange(gateway: Gateway) -> int:
    """Arrange a batch; how many rows there were."""
    return await gateway.store.arrange_disclosures(ARRANGED_AT_ONCE)


def kept_until(generation: str, years: int) -> datetime:
    """The moment from which on a generation is forgotten."""
    end = quarter_end(quarter_of(generation))
    return end.replace(year=end.year + years)


async def expire_disclosures(gateway: Gateway) -> int:
    """Forget what was kept long enough; how many rows that were. None while nobody has looked into a jump of the clock:
    years of the index are gone in a moment, and what `gateway retention run` waits for two people with, this does too.
    """
    if gateway.subjects is None:
        return 0
    over = [name for name in gateway.subjects.generations() if _is_over(gateway, name)]
    left = await gateway.store.oldest_generation()
    if not over and (left is None or not _is_over(gateway, left)):
        return 0
    if (await look_at_clock(gateway)).jumped:
        return 0
    total = 0
    for generation in over:
        total += await _end(gateway, generation)
    # Rows whose keys an earlier run destroyed, before it was stopped.
    while (oldest := await gateway.store.oldest_generation()) is not None and _is_over(gateway, oldest):
        total += await _end(gateway, oldest)
    return total


def _is_over(gateway: Gateway, generation: str) -> bool:
    return kept_until(generation, gateway.settings.disclosures.years) <= gateway.clock.now()


async def _end(gateway: Gateway, generation: str) -> int:
    """Keys first: what the log calls gone is never readable again."""
    assert gateway.subjects is not None  # noqa: S101  (asked by the caller)
    gateway.subjects.destroy(generation)
    count = 0
    while dropped := await gateway.store.drop_disclosures(generation, DROPPED_AT_ONCE):
        count += dropped
    now = gateway.clock.now()
    entry = make(EntryType.DESTROY, id=gateway.new_id(now), at=now, kind=EXPIRED, bucket=generation, count=count)
    await gateway.store.record([entry])
    return count
