"""Carrying a run of destruction out, from its intent on: keys, rows, residue, certificate, notices.

Every step may be done twice: whoever finds a run unfinished goes on where it stopped.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.audit.note import sign_note
from gateway.delivery.after import expired
from gateway.delivery.delivery import State
from gateway.document.canonical import sha256_text
from gateway.exchange.attempt import entry_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import keep_log
from gateway.exchange.notify import tell_partners, tell_past_recipients
from gateway.exchange.remains import Needles, look_after
from gateway.message import DeliveryId
from gateway.retention.certificate import Certified, Residue, certificate_text
from gateway.retention.kept import Kept
from gateway.retention.plan import Plan, Why, free
from gateway.store.points import KEYS_GONE, reach
from gateway.store.retention import Attestation, Finish, Run
from gateway.telemetry import log

PAGE: Final = 500
"""Rows of one transaction: accepting goes on in between."""

IN_LOG_TRIES_MAX: Final = 20


Progress = Callable[[int, int], None]
"""Steps done, and steps in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run did. plan: None of one that was finished for a process that ended before.

    certificate  the signed note
    told         deliveries by which partners are told
    """

    run: Run
    destroyed: int
    spared: int
    certificate: str
    told: tuple[DeliveryId, ...]
    clean: bool
    plan: Plan | None = None


@dataclass(slots=True)
class Steps:
    """Progress of one run."""

    total: int
    tell: Progress | None
    done: int = 0

    def step(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        if self.tell is not None:
            self.tell(min(self.done, self.total), self.total)


async def finish_one(gateway: Gateway, run: Run) -> Ran:
    """Go on with a run of a process that ended. Each step may have been done."""
    spared = await _spare(gateway, run)
    log.warning("retention run is finished for a process that ended", code=run.id)
    return await carry_out(gateway, run, Needles(), Steps(0, None), spared=spared)


async def carry_out(
    gateway: Gateway, run: Run, needles: Needles, steps: Steps, *, plan: Plan | None = None, spared: int = 0
) -> Ran:
    """From the intent on. Each step may be done twice."""
    items = await _items(gateway, run, gone=False)
    told: tuple[DeliveryId, ...] = ()
    asked: tuple[Attestation, ...] = ()
    everything = await _items(gateway, run, gone=True)
    if run.why is not Why.TIME_IS_UP:  # while the Covers and states of what went are still there
        told, asked = await tell_past_recipients(gateway, run, everything)
    await _end_waiting(gateway, run)
    whole = await _still_whole(gateway, run, items)
    await _destroy_keys(gateway, items, whole, steps)
    reach(KEYS_GONE)
    for start in range(0, len(items), PAGE):
        page = items[start : start + PAGE]
        await gateway.store.destroy(run.id, [each.id for each in page], gateway.clock.now())
        steps.step(len(page))
    if run.why is Why.TIME_IS_UP:
        told = await tell_partners(gateway, run, everything)
    residue = await look_after(gateway, run.id, everything, needles)
    certificate = await _certify(gateway, run, everything, whole, _Seen(residue=residue, spared=spared, asked=asked))
    steps.step(1)
    if not residue.clean:
        log.error("retention residue found", code="retention.residue")
    log.info("retention run", code=run.id, count=len(everything))
    return Ran(
        run=run,
        destroyed=len(everything),
        spared=spared,
        certificate=certificate,
        told=told,
        clean=residue.clean,
        plan=plan,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a run left behind and let live, and whom it asked to attest."""

    residue: Residue
    spared: int
    asked: tuple[Attestation, ...]


async def _certify(
    gateway: Gateway, run: Run, everything: tuple[Kept, ...], whole: tuple[str, ...], seen: _Seen
) -> str:
    """Sign the certificate of destruction, and end the run with it."""
    index, leaf = await _in_log(gateway, run.entry)
    now = gateway.clock.now()
    repeated = json.loads(run.plan)
    text = certificate_text(
        Certified(
            id=run.id,
            gateway=gateway.settings.name,
            why=run.why,
            intended_at=run.at,
            done_at=now,
            operator=run.operator,
            second=run.second,
            items=everything,
            whole=whole,
            held=repeated.get("held", {}),
            spared=seen.spared,
            residue=seen.residue,
            plan_digest=repeated.get("digest", ""),
            log=(run.entry, index, leaf),
        )
    )
    certificate = sign_note(text, gateway.keys.receipt_signer)
    entry = make(
        EntryType.DESTROY,
        id=gateway.new_id(now),
        at=now,
        kind="certificate",
        run=run.id,
        reason=run.why.value,
        count=len(everything),
        document=sha256_text(certificate.encode()),
        outcome="clean" if seen.residue.clean else "residue-found",
        actor=run.operator.name,
    )
    await gateway.store.finish(
        Finish(run=run.id, at=now, certificate=certificate.encode(), entries=(entry,), attestations=seen.asked)
    )
    return certificate


async def _items(gateway: Gateway, run: Run, *, gone: bool) -> tuple[Kept, ...]:
    """What the run is to destroy; with `gone`, what it has destroyed too."""
    found: list[Kept] = []
    after = ""
    while page := await gateway.store.items(run.id, after, PAGE):
        after = page[-1].kept.id
        found += [each.kept for each in page if gone or each.destroyed_at is None]
    return tuple(found)


async def _end_waiting(gateway: Gateway, run: Run) -> None:
    """Deliveries that an officer sent once more, after the time of what they carry, end here: there is nothing to carry
    any more. A try that is under way ends by itself."""
    for id in await gateway.store.waiting_in(run.id):
        record = await gateway.store.delivery(id)
        if record is None or record.delivery.state is not State.WAITING:
            continue
        end = expired(record.delivery)
        entry = entry_of(gateway, record, end, gateway.clock.now(), None)
        await gateway.store.move(end, expected=State.WAITING, entries=(entry,) if entry else ())


async def _still_whole(gateway: Gateway, run: Run, items: Iterable[Kept]) -> tuple[str, ...]:
    """Of the buckets that are to go whole those that hold nothing else: a hold may have saved something since."""
    mine = {each.id for each in items}
    return tuple([bucket for bucket in run.whole if mine.issuperset(await gateway.store.remaining(bucket))])


async def _destroy_keys(gateway: Gateway, items: Iterable[Kept], whole: Sequence[str], steps: Steps) -> None:
    by_bucket: dict[str, list[int]] = {bucket: [] for bucket in whole}
    for each in items:
        by_bucket.setdefault(each.bucket, []).append(each.index)
    for bucket, indexes in sorted(by_bucket.items()):
        if bucket in whole:
            await asyncio.to_thread(gateway.payloads.forget_bucket, bucket)
        else:
            await asyncio.to_thread(gateway.payloads.forget, bucket, indexes)
        steps.step(len(indexes))


async def _spare(gateway: Gateway, run: Run) -> int:
    """Of a run that stopped half way: what a hold has covered since, and still has its key, goes on living."""
    now = gateway.clock.now()
    items = await _items(gateway, run, gone=False)
    alive = [each for each in items if gateway.payloads.remembers(each.bucket, each.index)]
    siblings: dict[str, tuple[Kept, ...]] = {}
    for message in {each.message for each in alive}:
        siblings[message] = tuple(fate.kept for fate in await gateway.store.kept_of([message]))
    clear, _ = free(alive, await gateway.store.holds(), siblings, now)
    held = [each for each in alive if each not in set(clear)]
    if not held:
        return 0
    entry = make(
        EntryType.DESTROY,
        id=gateway.new_id(now),
        at=now,
        kind="spared",
        run=run.id,
        reason="held",
        count=len(held),
    )
    await gateway.store.spare(run.id, [each.id for each in held], (entry,))
    return len(held)


async def _in_log(gateway: Gateway, entry: str) -> tuple[int | None, str]:
    """Index and leaf of the intent, ordered into the log if it is not yet."""
    for _ in range(IN_LOG_TRIES_MAX):
        stored = await gateway.store.entry(entry)
        if stored is not None and stored.index is not None:
            return stored.index, stored.entry.leaf_hash.hex()
        await keep_log(gateway)
    stored = await gateway.store.entry(entry)
    return None, stored.entry.leaf_hash.hex() if stored is not None else ""
