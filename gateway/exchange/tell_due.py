"""Tell: what is due of the news about alerts goes out, one message a way; what was not taken is tried again later."""

from collections.abc import Sequence
from typing import Final

from gateway.alert.alert import Notice
from gateway.alert.keep import after_try
from gateway.alert.words import TOLD_MAX
from gateway.exchange.gateway import Gateway
from gateway.telemetry import Metrics, log
from gateway.transport.interface import Tell

NOTICES_MAX: Final = 1000


async def tell_due(gateway: Gateway, ways: Sequence[Tell], metrics: Metrics) -> None:
    """One round over all ways. What goes wrong at one of them is counted, and stops nothing."""
    notices = await gateway.store.notices(NOTICES_MAX)
    for way in ways:
        now = gateway.clock.now()
        due = [each for each in notices if each.way == way.name and each.due_at <= now][:TOLD_MAX]
        if due:
            error = await way.tell(due, now=now)
            count_try(metrics, way.name, error)
            await _settle(gateway, due, error)
    known = {way.name for way in ways}
    if gone := [each.id for each in notices if each.way not in known]:
        await gateway.store.settle_notices(gone, ())  # its way was taken out of the settings


async def _settle(gateway: Gateway, due: Sequence[Notice], error: str) -> None:
    if not error:
        await gateway.store.settle_notices([each.id for each in due], ())
        return
    tried = {each.id: after_try(each, error, now=gateway.clock.now()) for each in due}
    given_up = [id for id, later in tried.items() if later is None]
    await gateway.store.settle_notices(given_up, [later for later in tried.values() if later is not None])


def count_try(metrics: Metrics, way: str, error: str) -> None:
    """Count a try, and say aloud that it failed."""
    metrics.alerts_told.labels(way, error or "taken").inc()
    if error:
        log.warning("alerts.not-told", act=way, code=error)
