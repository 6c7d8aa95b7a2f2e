"""Verify this deployment's own log, whole or from where it was last verified; what is found is said aloud.

How far it was verified is kept twice: in the database, and as a file beside the keys, both only growing. A database
that was put back to an earlier state has a smaller mark or none, and the file still says what the log must have.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.handover import read_head
from gateway.audit.verify import LogReport
from gateway.exchange.evidence import verify_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import log_keys
from gateway.exchange.trouble import shout
from gateway.keys.heads import Kept
from gateway.store.witness import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A report, and the size up to which an earlier run had verified; 0 when the whole log was read."""

    report: LogReport
    before: int = 0


async def verify(
    gateway: Gateway,
    *,
    incremental: bool = False,
    since: datetime | None = None,
    known: Sequence[Checkpoint] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Read the log again and compare it with every head known: those in the store, those beside the keys, and these.

    incremental  read only what came after the last run that found nothing wrong

    Raises what reading the marks raises; what is wrong with the log is in the report.
    """
    marks = await verified_marks(gateway)
    last = max(marks, key=lambda mark: mark.size, default=None) if incremental else None
    signed = await asyncio.to_thread(gateway.keys.heads.newest, Kept.SIGNED)
    heads = [*known, *marks] + ([_read(gateway, signed)] if signed is not None else [])
    report = await verify_log(
        gateway.store,
        log_keys(gateway),
        origin=gateway.settings.name,
        since=last.size if last is not None else since,
        known=[head for head in heads if last is None or head.size >= last.size],
        on_progress=on_progress,
    )
    if report.verified:
        await _keep(gateway, report.size)
    else:
        worst = report.findings[0]
        await shout(gateway, worst.code, size=report.size, index=report.first_bad)
    return Verified(report=report, before=last.size if last is not None else 0)


async def verified_marks(gateway: Gateway) -> list[Checkpoint]:
    """The heads under which the log was read before, from the file and from the database; their signatures good."""
    kept = await asyncio.to_thread(gateway.keys.heads.newest, Kept.VERIFIED)
    stored = await gateway.store.verified_head()
    return [_read(gateway, note) for note in (kept, stored.note if stored is not None else None) if note is not None]


def _read(gateway: Gateway, note: bytes) -> Checkpoint:
    return read_head(note, log_keys(gateway), origin=gateway.settings.name)


async def _keep(gateway: Gateway, size: int) -> None:
    """Remember how far. A crash between the two leaves one behind: the larger counts."""
    note = await gateway.store.checkpoint(size)
    if note is not None and unverified_checkpoint(note).size:
        await asyncio.to_thread(gateway.keys.heads.keep, Kept.VERIFIED, size, note)
        await gateway.store.keep_verified(Head(size=size, note=note, at=gateway.clock.now()))
