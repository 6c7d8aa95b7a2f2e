"""Keep the log: order what waits, unless the log in the database is not the one this deployment signed.

Beside the keys lies the newest head signed. A database that was put back to an earlier state does not have it, or has
another one in its place: then nothing is signed on top, what was found is said aloud, and people decide.
"""

import asyncio
from dataclasses import dataclass

from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.clock_step import SKEW, ClockStep
from gateway.errors import Tampered
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import finish_handover
from gateway.exchange.sequence import LogKeyReplaced, sequence
from gateway.exchange.trouble import shout
from gateway.keys.heads import Kept
from gateway.store.interface import Store


class LogRolledBack(Tampered):
    """The log in the database is shorter than one that was signed: it was put back to an earlier state."""

    code = "audit.log-rolled-back"


class LogRewritten(Tampered):
    """The log in the database has another root at a size that was signed: entries were changed."""

    code = "audit.log-rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What one turn did. count: entries; back: how far the first of them went behind the entry before, if it did."""

    count: int
    back: ClockStep | None = None


async def keep_log(gateway: Gateway) -> Ordered:
    """Order what waits. Raises `LogRolledBack`, `LogRewritten` and what `sequence` raises; what is `Tampered` has been
    said aloud by then."""
    try:
        kept = await asyncio.to_thread(gateway.keys.heads.newest, Kept.SIGNED)
        if kept is not None:
            await check_goes_on(gateway.store, unverified_checkpoint(kept))
        return await _ordered(gateway)
    except Tampered as error:
        note = await gateway.store.checkpoint()
        await shout(gateway, error.code, size=unverified_checkpoint(note).size if note else 0)
        raise


async def check_goes_on(store: Store, known: Checkpoint) -> None:
    """The log has this head, which was signed once. Raises `LogRolledBack`, `LogRewritten`."""
    if known.size == 0:
        return
    note = await store.checkpoint(known.size)
    if note is not None and unverified_checkpoint(note).root == known.root:
        return
    newest = await store.checkpoint()
    size = unverified_checkpoint(newest).size if newest is not None else 0
    if size < known.size:
        raise LogRolledBack(f"the log has {size} entries, and {known.size} were signed: a backup was put back")
    raise LogRewritten(f"the first {known.size} entries are not those that were signed")


async def _ordered(gateway: Gateway) -> Ordered:
    before = await gateway.store.checkpoint()
    try:
        count = await _sequence(gateway)
    except LogKeyReplaced:
        await finish_handover(gateway)
        count = await _sequence(gateway)
    if not count:
        return Ordered(count=0)
    note = await gateway.store.checkpoint()
    if note is not None:
        # Should the process end before this, the head kept is an older one of the same log.
        await asyncio.to_thread(gateway.keys.heads.keep, Kept.SIGNED, unverified_checkpoint(note).size, note)
    start = unverified_checkpoint(before).size if before is not None else 0
    return Ordered(count=count, back=await _back(gateway.store, start))


async def _sequence(gateway: Gateway) -> int:
    log_key = gateway.keys.log_key
    return await sequence(gateway.store, log_key.signer, origin=gateway.settings.name, keys=log_key.every())


async def _back(store: Store, start: int) -> ClockStep | None:
    """How far time goes back where these entries begin; None when it does not, or no more than clocks may differ."""
    if not start:
        return None
    two = await store.entries(start - 1, 2)
    by = two[1].entry.at - two[0].entry.at if len(two) == 2 else -SKEW
    return ClockStep(by) if by < -SKEW else None
