"""Countersign partners' logs: heads that came with their deliveries are compared with the last one we countersigned.

Consistent with it means: a proof, fetched from the partner's gateway, leads from the one root to the other. Then our
cosignature goes back. A head that does not go on from the last one is not countersigned; it is entered here, said
aloud, and the partner's gateway is shown the head it signed and cannot account for. Two at once, on two nodes, never
take a countersigned head back: it is replaced only while it is the one that was compared.
"""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.cosignature import cosign, with_lines
from gateway.audit.entry import make
from gateway.audit.handover import LogKey, follow, read_head
from gateway.audit.note import NoteKey, NoteKeyUnknown, NoteMalformed
from gateway.audit.proof import ProofWrong, verify_consistency
from gateway.errors import GatewayError, Tampered
from gateway.exchange.cosigners import active, partner_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.trouble import shout
from gateway.store.interface import StoreUnavailable
from gateway.store.witness import Head, Watch, WitnessKey
from gateway.telemetry import log
from gateway.transport.ask import Ask, PartnerAway

WITNESS_PATH: Final = "/v1/audit/witness"
PROOF_PATH: Final = "/v1/audit/proof?old={old}&new={new}"
KEYS_PATH: Final = "/v1/audit/keys"


NO_PROOF: Final = ("audit.size-unknown", "audit.proof-wrong", "audit.hash-missing")
"""What a gateway answers when its log does not lead from the one size to the other."""


class Done(StrEnum):
    """What became of a head."""

    COSIGNED = "cosigned"
    KNOWN = "known"  # this one was countersigned before, or an older one came late
    TAMPERED = "tampered"  # it does not go on from the last one
    AWAY = "away"  # its gateway does not answer: the head waits
    NOT_THEIRS = "not-theirs"  # by no key of that log: anybody could have written it


class PartnerLogForked(Tampered):
    """Two heads of one size with two roots, both signed by the log's key."""

    code = "audit.partner-log-forked"


class PartnerLogRolledBack(Tampered):
    """The partner's log is shorter than a head of it that we countersigned."""

    code = "audit.partner-log-rolled-back"


class PartnerLogRewritten(Tampered):
    """The partner cannot prove that its log goes on from a head of it that we countersigned."""

    code = "audit.partner-log-rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """A partner's log, its keys as far as trust has passed, and how to ask its gateway."""

    entered: WitnessKey
    keys: Sequence[LogKey]
    ask: Ask


async def countersign_noted(
    gateway: Gateway, ask: Ask, *, but: Collection[AgencyId] = ()
) -> list[tuple[AgencyId, Done]]:
    """Look at every head that waits, all at once: a partner that is away holds up nobody, its head waits on.

    but  partners who were away a moment ago
    """
    let_in = {each.id for each in gateway.current.agencies.values() if not each.suspended} - set(but)
    waiting = [(agency, head) for agency, head in await gateway.store.noted_heads() if agency in let_in]
    done = await asyncio.gather(*(_noted(gateway, ask, agency, head) for agency, head in waiting))
    return [(agency, each) for (agency, _), each in zip(waiting, done, strict=True) if each is not None]


async def _noted(gateway: Gateway, ask: Ask, agency: AgencyId, head: Head) -> Done | None:
    """None when nobody has entered the log it is of."""
    entered = await active(gateway, Watch.LOG, agency)
    try:
        done = await countersign(gateway, ask, entered[-1], head.note) if entered else None
    except PartnerAway as error:
        log.warning("witness.waits", agency=agency, code=error.code)
        return Done.AWAY
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - what a partner makes up must not hold up the others
        log.error("witness.broken", agency=agency, exc_info=error)
        return Done.AWAY
    await gateway.store.drop_noted(agency, head.size)
    return done


async def countersign(gateway: Gateway, ask: Ask, entered: WitnessKey, note: bytes) -> Done:
    """Compare a head of a partner's log with the last one countersigned, and countersign it. Raises `PartnerAway`."""
    try:
        watched = _Watched(entered=entered, keys=await _keys(ask, entered, note), ask=ask)
        new = read_head(note, watched.keys)
    except (GatewayError, ValueError) as error:
        if isinstance(error, PartnerAway):
            raise
        log.warning("witness.not-theirs", agency=entered.agency, code=getattr(error, "code", ""))
        return Done.NOT_THEIRS
    seen = await gateway.store.seen_head(entered.agency)
    try:
        # A log that was entered anew begins anew: its people have said why it does not go on from what was seen before.
        anew = seen is None or seen.at < entered.since
        goes_on = anew or (seen is not None and await _goes_on(watched, unverified_checkpoint(seen.note), new))
    except Tampered as error:
        await shout(gateway, error.code, agency=entered.agency, size=seen.size if seen is not None else new.size)
        if seen is not None:
            await _send(watched, seen.note)
        return Done.TAMPERED
    if goes_on:
        await _adopt(gateway, watched, new.size)
        return await _countersigned(gateway, watched, seen, new, note)
    if seen is not None and seen.size == new.size:
        await _send(watched, seen.note)  # it may not have arrived the last time
    return Done.KNOWN


async def _adopt(gateway: Gateway, watched: _Watched, size: int) -> None:
    """Where the log's key has changed, the new one takes the place of the one entered: a head by the old key, in
    whosever hands it is by now, is then nobody's."""
    entered, newest = watched.entered, watched.keys[-1]
    if str(newest.key) == entered.key or size < newest.first:
        return
    now = gateway.clock.now()
    entry = make(
        EntryType.WITNESS,
        id=gateway.new_id(now),
        at=now,
        parties=(entered.agency,),
        action="handed-over",
        kind=Watch.LOG.value,
        partner=entered.agency,
        key=hashlib.sha256(newest.key.public_bytes).hexdigest(),
        log_size=newest.first,
    )
    # The new one first: should the machine stop in between, both count, as they did until now.
    await gateway.store.put_witness_key(replace(entered, key=str(newest.key)), [entry])
    await gateway.store.put_witness_key(replace(entered, ended_at=now), [])


async def _countersigned(gateway: Gateway, watched: _Watched, seen: Head | None, new: Checkpoint, note: bytes) -> Done:
    now = gateway.clock.now()
    line = cosign(note, gateway.keys.witness_signer, at=now)
    head = Head(size=new.size, note=with_lines(note, [line]).encode(), at=now)
    # Durable before it is given away: what we countersigned we must be able to hold against them.
    agency = watched.entered.agency
    if not await gateway.store.see_head(agency, head, instead_of=seen.size if seen is not None else 0):
        return Done.KNOWN
    await _send(watched, head.note)
    return Done.COSIGNED


async def _goes_on(watched: _Watched, seen: Checkpoint, new: Checkpoint) -> bool:
    """Whether the head is a later one of the same log; False for the same one, or an older one that came late. Raises
    leaves of `Tampered` when it is neither, `PartnerAway`."""
    if new.size == seen.size:
        if new.root != seen.root:
            raise PartnerLogForked(f"two heads of {new.size} entries differ")
        return False
    old, late = (seen, new) if new.size > seen.size else (new, seen)
    failure = PartnerLogRewritten if new.size > seen.size else PartnerLogRolledBack
    if old.size == 0:
        return new.size > seen.size
    proof = await _proof(watched, old.size, late.size)
    try:
        verify_consistency(old.size, late.size, proof, old.root, late.root)
    except ProofWrong as error:
        raise failure(f"no proof leads from {old.size} to {late.size} entries") from error
    return new.size > seen.size


async def _proof(watched: _Watched, old: int, late: int) -> list[bytes]:
    """The partner's proof; an empty one, which proves nothing, when it says that there is none. Anything else it may
    say - it is starting, a proxy stands before it - is no word about its log: `PartnerAway`."""
    said = await watched.ask.ask(partner_of(watched.entered), PROOF_PATH.format(old=old, new=late))
    if said.status == 200:
        return _hashes(said.body)
    if any(f'"{code}"'.encode() in said.body for code in NO_PROOF):
        return []
    raise PartnerAway(f"the partner's gateway answered {said.status} when asked for a proof")


def _hashes(body: bytes) -> list[bytes]:
    try:
        return [base64.b64decode(line, validate=True) for line in body.decode().split()]
    except (binascii.Error, ValueError) as error:
        raise PartnerAway("what came is not hashes in base64") from error


async def _keys(ask: Ask, entered: WitnessKey, note: bytes) -> Sequence[LogKey]:
    """The log's keys: the one entered, and those that took over from it by checkpoints both have signed."""
    anchor = NoteKey.read(entered.key)
    keys: Sequence[LogKey] = (LogKey(key=anchor),)
    try:
        head = read_head(note, keys)
    except NoteKeyUnknown:
        said = await ask.ask(partner_of(entered), KEYS_PATH)
        keys = follow(anchor, _handovers(said.body), origin=unverified_checkpoint(note).origin)
    else:
        keys = follow(anchor, [note], origin=head.origin) if head.extensions else keys
    return keys


def _handovers(body: bytes) -> list[str]:
    try:
        return [str(note) for note in json.loads(body)["handovers"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoteMalformed("the partner's answer is not a list of its log's keys") from error


async def _send(watched: _Watched, note: bytes) -> None:
    """Show the partner's gateway a head of its log: with our cosignature, or because it does not have it any more."""
    said = await watched.ask.ask(partner_of(watched.entered), WITNESS_PATH, note)
    if said.status >= 500:
        raise PartnerAway(f"the partner's gateway answered {said.status}")


async def flush_noted(gateway: Gateway) -> int:
    """Write down the heads that came with requests since the last time; how many. Heads of agencies whose log nobody
    entered are dropped."""
    if not gateway.noted:
        return 0
    noted, gateway.noted = gateway.noted, {}
    watched = {each.agency for each in await active(gateway, Watch.LOG)}
    now: datetime = gateway.clock.now()
    count = 0
    for agency, note in noted.items():
        if agency in watched and (size := _size(note)):
            await gateway.store.note_head(agency, Head(size=size, note=note, at=now))
            count += 1
    return count


def _size(note: bytes) -> int:
    try:
        return unverified_checkpoint(note).size
    except GatewayError:
        return 0
