"""Change the log's key: the old one and the new one sign one checkpoint, and from there on the new one alone.

What holds when the machine stops: before the checkpoint is committed the old key signs on, and the new one lies ready
for the next try. After it the old key signs nothing more - `sequence` refuses - and whoever comes next, a worker or
this command, lets the new key take its place.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.audit.handover import LogKey, next_key
from gateway.audit.note import NoteKey
from gateway.errors import Unavailable
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway, NoteSigner
from gateway.exchange.sequence import sequence
from gateway.user import User, UserRole

KEEPERS = (UserRole.ADMINISTRATOR, UserRole.OPERATOR)
"""Who looks after keys and cosigners: people of the gateway's operator."""

LOG_KEY = "log"

_TRIES_MAX = 10


class LogBusy(Unavailable):
    """Other processes ordered each entry before both keys could sign it."""

    code = "audit.log-busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A change of the log's key. size: of the checkpoint that both have signed; note: that checkpoint."""

    old: NoteKey
    new: NoteKey
    size: int
    note: bytes


async def rotate_log_key(gateway: Gateway, *, by: Acting, reason: str) -> Handover:
    """Make a new key and let it take over; one that was begun is finished instead.

    reason  a code word for the log: scheduled, compromised, staff-left

    Raises what `allowed` raises, `LogBusy`, and what `sequence` raises.
    """
    person = allowed(gateway, by, KEEPERS, OPERATOR)
    begun = await finish_handover(gateway)
    if begun is not None:
        return begun
    old = gateway.keys.log_key.signer
    new = await asyncio.to_thread(gateway.keys.log_key.make_next)
    for _ in range(_TRIES_MAX):
        await _enter(gateway, person, by, new, reason)
        count = await sequence(
            gateway.store, old, origin=gateway.settings.name, keys=gateway.keys.log_key.every(), successor=new
        )
        if count:  # not one: another process was quicker, and signed it with the old key alone
            done = await finish_handover(gateway)
            if done is not None:
                return done
    raise LogBusy("other processes order the log too quickly; try again")


async def _enter(gateway: Gateway, person: User, by: Acting, new: NoteSigner, reason: str) -> None:
    now = gateway.clock.now()
    fingerprint = hashlib.sha256(new.public_bytes).hexdigest()
    signed = sign_entry(
        gateway,
        EntryType.KEY,
        by,
        person,
        digest=f"sha-256:{fingerprint}",
        at=now,
        action="rotate",
        kind=LOG_KEY,
        key=fingerprint,
        reason=reason,
    )
    await gateway.store.record([signed])


async def finish_handover(gateway: Gateway) -> Handover | None:
    """Let the next key take over when the log says it has; None when the log does not."""
    log_key = gateway.keys.log_key
    new = await asyncio.to_thread(log_key.next)
    note = await gateway.store.checkpoint()
    if new is None or note is None:
        return None
    checkpoint = unverified_checkpoint(note)
    if next_key(checkpoint) != NoteKey(new.name, new.public_bytes):
        return None
    old = log_key.every()[-1].key
    await asyncio.to_thread(log_key.take_over, checkpoint.size)
    return Handover(old=old, new=NoteKey(new.name, new.public_bytes), size=checkpoint.size, note=note)


async def handovers(gateway: Gateway) -> tuple[bytes, ...]:
    """The checkpoints at which the log's key changed, by size: how a reader's trust passes from key to key."""
    sizes = [each.until for each in gateway.keys.log_key.every() if each.until is not None]
    found = [await gateway.store.checkpoint(size) for size in sizes]
    return tuple(note for note in found if note is not None)


def log_keys(gateway: Gateway) -> tuple[LogKey, ...]:
    """Every key of our log; the one in use last."""
    return tuple(gateway.keys.log_key.every())
