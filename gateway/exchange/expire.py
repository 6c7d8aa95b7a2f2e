"""Expire deliveries that no worker claims: those that lie in an inbox, and those to agencies that are suspended.

The others expire when they fall due (`attempt.py`).
"""

from collections.abc import Collection

from gateway.agency import AgencyId
from gateway.delivery.after import expired, overdue
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.attempt import entry_of
from gateway.exchange.gateway import Gateway

PAGE = 500


async def expire(gateway: Gateway, pushed: Collection[AgencyId]) -> int:
    """How many were ended because their time ran out.

    pushed  agencies whose deliveries workers claim
    """
    count = 0
    for agency in sorted(gateway.current.agencies.keys() - set(pushed)):
        before = None
        while page := await gateway.store.deliveries(State.WAITING, agency, before, PAGE):
            for delivery in page:
                if overdue(delivery, gateway.clock.now()):
                    count += await _ended(gateway, delivery)
            before = page[-1].id
    return count


async def _ended(gateway: Gateway, delivery: Delivery) -> bool:
    """False when it was acknowledged or recalled meanwhile."""
    record = await gateway.store.delivery(delivery.id)
    if record is None:
        return False
    end = expired(delivery)
    entry = entry_of(gateway, record, end, gateway.clock.now(), None)
    return await gateway.store.move(end, expected=State.WAITING, entries=(entry,) if entry else ())
