"""Planning a run of destruction: what is due, what is held, what a shorter agreement moved forward."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.exchange.gateway import Gateway
from gateway.exchange.keeping import KEPT_DEFAULT
from gateway.keys.payload import NODES_MAX, BucketTorn
from gateway.message import MessageId
from gateway.policy.mou import Clause, Mou
from gateway.retention.kept import Kept, Kind, original_due, shortened
from gateway.retention.plan import Bounds, Plan, Why, asks, free, may_go_whole, room
from gateway.retention.seen import Seen, look
from gateway.store.configuration import AgreementState

PAGE = 2_000
DUE_MAX = 1_000_000
"""More than this is never looked at in one go; what is left comes with the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and how many acts on holds there were when it was made."""

    plan: Plan
    hold_acts: int


def bounds_of(gateway: Gateway) -> Bounds:
    """What a run may do, by the settings."""
    asked = gateway.settings.retention
    return Bounds(
        share=asked.second_person_above, share_from=asked.second_person_from, run_max=asked.payloads_per_run_max
    )


async def all_due(gateway: Gateway, until: datetime, *, limit: int = DUE_MAX) -> tuple[Kept, ...]:
    """Everything that is due up to and at this moment and stands in no run."""
    found: list[Kept] = []
    while len(found) < limit:
        after = (found[-1].bucket, found[-1].id) if found else None
        page = await gateway.store.due(until, after, PAGE)
        found += page
        if len(page) < PAGE:
            break
    return tuple(found)


async def siblings_of(gateway: Gateway, items: Sequence[Kept]) -> dict[str, tuple[Kept, ...]]:
    """Per message, everything that is or was kept of it: a hold on an agreement covers the original too."""
    messages = sorted({each.message for each in items})
    found: dict[str, list[Kept]] = {}
    for start in range(0, len(messages), PAGE):
        for fate in await gateway.store.kept_of(messages[start : start + PAGE]):
            found.setdefault(fate.kept.message, []).append(fate.kept)
    return {message: tuple(parts) for message, parts in found.items()}


async def plan_run(
    gateway: Gateway, *, seen: Seen, why: Why = Why.TIME_IS_UP, messages: Sequence[MessageId] = ()
) -> Planned:
    """What a run would do now. messages: of an early destruction, all that is kept of them; else what is due."""
    now, bounds = gateway.clock.now(), bounds_of(gateway)
    acts = await gateway.store.hold_acts()
    holds = [hold for hold in await gateway.store.holds() if hold.stands(now)]
    if why is Why.TIME_IS_UP:
        candidates = await all_due(gateway, now)
    else:
        fates = await gateway.store.kept_of(messages)
        candidates = tuple(fate.kept for fate in fates if fate.destroyed_at is None and not fate.run)
    siblings = await siblings_of(gateway, candidates) if holds else {}
    clear, held = free(candidates, holds, siblings, now)
    batch = clear[: bounds.run_max]
    # On a clock that may be wrong, the people who stand for one message say nothing of whole weeks.
    whole = () if seen.jumped and why is not Why.TIME_IS_UP else await _whole(gateway, batch, now)
    nodes = {bucket: gateway.payloads.nodes_in(bucket) for bucket in {each.bucket for each in batch}}
    items = room(batch, nodes, whole, bounds if why is Why.TIME_IS_UP else replace(bounds, nodes_max=NODES_MAX))
    if why is not Why.TIME_IS_UP and len(items) < len(batch):
        # Said before the intent: a run that cannot be finished would stop all that come after it.
        raise BucketTorn(next(each.bucket for each in batch if each not in set(items)))
    kept = (await gateway.store.holding(now)).kept
    plan = Plan(
        why=why,
        at=now,
        items=items,
        held=held,
        later=len(batch) - len(items),
        more=len(clear) > len(batch),
        due=len(clear),
        kept=kept,
        whole=whole,
        # All that is due counts, not what one run takes: many small runs are one large one.
        asks=asks(why=why, count=len(clear), whole=len(whole), kept=kept, bounds=bounds, jumped=seen.jumped),
    )
    return Planned(plan=plan, hold_acts=acts)


async def _whole(gateway: Gateway, items: Sequence[Kept], now: datetime) -> tuple[str, ...]:
    """Buckets of which nothing remains once these are gone, and whose week is over: those of which nothing remained
    before, too."""
    mine: dict[str, set[str]] = {bucket: set() for bucket in gateway.payloads.buckets()}
    for each in items:
        mine.setdefault(each.bucket, set()).add(each.id)
    ripe = [bucket for bucket in sorted(mine) if may_go_whole(bucket, now)]
    return tuple([bucket for bucket in ripe if mine[bucket].issuperset(await gateway.store.remaining(bucket))])


async def look_at_clock(gateway: Gateway, *, remember: bool = True) -> Seen:
    """The clock as it stands now against how it was last seen: by a worker, a run, or the newest entry of the log."""
    now = gateway.clock.now()
    before = await gateway.store.seen()
    if before is None:
        before = Seen(at=await _newest_entry(gateway) or now)
    seen = look(before, now)
    if remember:
        await gateway.store.see(seen)
    return seen


async def _newest_entry(gateway: Gateway) -> datetime | None:
    size = (await gateway.store.counts()).log_size
    found = await gateway.store.entries(size - 1, 1) if size else ()
    return found[0].entry.at if found else None


async def shorten(gateway: Gateway) -> int:
    """Move forward what is kept under earlier versions of agreements, as the ones in force have it; how many were.

    A longer time of a later version does not hold for what is here already.
    """
    await gateway.refresh()
    current, moved = gateway.current, 0
    for agreement in current.agreements:
        mou = current.mous.get((agreement.mou, agreement.version))
        if agreement.state is not AgreementState.IN_FORCE or mou is None:
            continue
        for (id, version), earlier in sorted(current.mous.items()):
            if id == mou.id and version < mou.version:
                moved += await _shorten_under(gateway, earlier, mou)
    return moved


async def _shorten_under(gateway: Gateway, earlier: Mou, later: Mou) -> int:
    not_before = gateway.clock.now() + timedelta(days=gateway.settings.retention.shorter_after_days)
    periods = {
        clause.id: new.retention.gateway_copy or KEPT_DEFAULT
        for clause in earlier.exchanges
        if (new := _same(clause, later)) is not None
    }
    moved, after = 0, ""
    while page := await gateway.store.kept_under(f"{earlier.id}@{earlier.version}", after, PAGE):
        after = page[-1].id
        shorter = [shortened(x, periods[x.clause], not_before=not_before) for x in page if x.clause in periods]
        forward = [
            new for new, old in zip(shorter, (x for x in page if x.clause in periods), strict=True) if new != old
        ]
        if forward:
            moved += await _move(gateway, forward, later)
    return moved


def _same(clause: Clause, later: Mou) -> Clause | None:
    """The clause of a later version that speaks of the same: by its id, or by what goes from whom to whom."""
    by_id = later.clause(clause.id)
    if by_id is not None and by_id.exchange == clause.exchange and by_id.sender == clause.sender:
        return by_id
    key = (clause.exchange, clause.sender, clause.recipients)
    return next((each for each in later.exchanges if (each.exchange, each.sender, each.recipients) == key), None)


async def _move(gateway: Gateway, forward: Sequence[Kept], later: Mou) -> int:
    new = {each.id: each for each in forward}
    originals: list[Kept] = []
    for parts in (await siblings_of(gateway, forward)).values():
        made = [new.get(each.id, each) for each in parts if each.kind is Kind.DISSEMINATION]
        mine = [(each, original_due(each, made)) for each in parts if each.kind is Kind.ORIGINAL]
        originals += [sooner for each, sooner in mine if sooner != each]
    now = gateway.clock.now()
    entry = make(
        EntryType.DESTROY,
        id=gateway.new_id(now),
        at=now,
        kind="due-date-moved-forward",
        count=len(forward) + len(originals),
        mou=f"{later.id}@{later.version}",
    )
    await gateway.store.move_due([*forward, *originals], (entry,))
    return len(forward) + len(originals)
