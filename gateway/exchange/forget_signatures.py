"""Signatures of accepted messages are remembered while they could be shown again, and then forgotten."""

from datetime import timedelta

from gateway.exchange.gateway import Gateway

MARGIN = timedelta(hours=1)
"""By which they are remembered longer: the clock of another node may be behind ours, and one still be fresh there."""

AT_ONCE = 1000
"""SQLite's writers wait for each batch."""


async def forget_signatures(gateway: Gateway) -> int:
    """How many were forgotten."""
    before, total = gateway.clock.now() - MARGIN, 0
    while count := await gateway.store.forget_signatures(before, AT_ONCE):
        total += count
    return total
