"""Recall what waits under agreements that have ended, by command or because their last day is over.

Workers recall what they claim (`attempt.py`), and an inbox gives nothing of it out; this is for what nobody claims:
what lies in inboxes, waits long for its next try, or is for agencies that are suspended.
"""

from gateway.delivery.after import recalled
from gateway.delivery.delivery import State
from gateway.exchange.attempt import entry_of
from gateway.exchange.destination import Standing, standings
from gateway.exchange.gateway import Gateway
from gateway.message import DeliveryId

PAGE = 500


async def recall_ended(gateway: Gateway) -> int:
    """How many were recalled. Corrections and cancellations stay: they mend what the recipient has."""
    current = gateway.current
    found = standings(current.agreements, current.mous, current.day(gateway.clock.now()))
    ended = frozenset(f"{mou}@{version}" for (mou, version), standing in found.items() if standing is Standing.RECALL)
    count = 0
    while ended and (page := await gateway.store.waiting_under(ended, PAGE)):
        done = sum([await _recalled(gateway, delivery) for delivery in page])
        count += done
        if not done:  # others are changing them: they are looked at again next time
            break
    return count


async def _recalled(gateway: Gateway, id: DeliveryId) -> bool:
    """False when it was claimed or recalled meanwhile."""
    record = await gateway.store.delivery(id)
    if record is None or record.delivery.state is not State.WAITING:
        return False
    end = recalled(record.delivery)
    entry = entry_of(gateway, record, end, gateway.clock.now(), None)
    return await gateway.store.move(end, expected=State.WAITING, entries=(entry,) if entry else ())
