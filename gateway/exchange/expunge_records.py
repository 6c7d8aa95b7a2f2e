"""Expunging a person whole: first what is kept of the person's messages, then the disclosure index.

In this order, because the index is what leads to the messages: whoever is stopped in between gives the same order
again, and finds them. A message that speaks of several people goes as a whole: what is left of it would be about them
alone, and its owner has the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.exchange.acting import Acting
from gateway.exchange.destroy_early import MESSAGES_MAX, destroy_early
from gateway.exchange.expunge import SETTLE_SECONDS, Expunged, Order, expunge, plan_expunging, two_people
from gateway.exchange.gateway import Gateway
from gateway.exchange.who_saw import NobodyFound
from gateway.message import MessageId
from gateway.retention.plan import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What went. messages: those of which something was still kept; runs: of their destruction, each with a
    certificate."""

    index: Expunged
    messages: int
    runs: tuple[str, ...]


async def expunge_person(
    gateway: Gateway, order: Order, *, first: Acting, second: Acting, settle: float = SETTLE_SECONDS
) -> Gone:
    """Destroy it all, and ask past recipients to do the same.

    Raises `NobodyFound`, `SecondPersonNeeded`, what `allowed` raises, and `HeldByOrder` when a legal hold covers one of
    the messages: then nothing is destroyed that the hold covers, and the index stays.
    """
    await gateway.refresh()
    two_people(gateway, first, second)
    plan = await plan_expunging(gateway, order)
    if not plan.hits:
        raise NobodyFound("the disclosure index has no row that is certainly of this person")
    kept = await _kept(gateway, plan.messages)
    runs: list[str] = []
    for start in range(0, len(kept), MESSAGES_MAX):
        some = kept[start : start + MESSAGES_MAX]
        outcome = await destroy_early(gateway, some, reason=Why.EXPUNGED, by=first, second=second)
        if outcome.ran is not None:
            runs.append(outcome.ran.run.id)
    index = await expunge(gateway, order, first=first, second=second, settle=settle)
    return Gone(index=index, messages=len(kept), runs=tuple(runs))


async def _kept(gateway: Gateway, messages: Sequence[MessageId]) -> list[MessageId]:
    """Those of which something is still kept: the index outlives most."""
    fates = await gateway.store.kept_of(messages)
    there = {fate.kept.message for fate in fates if fate.destroyed_at is None}
    return [each for each in messages if each in there]
