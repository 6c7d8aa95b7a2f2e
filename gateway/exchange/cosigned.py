"""Cosignatures of our own log: taking them, showing them, and asking cosigners what they saw last.

Whoever shows us a head that our key signed shows us something we must have. When the log in the database does not
lead to it - put back to a backup, rewritten, or the key is in foreign hands - that is found here, whoever brings it.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.cosignature import CosignerKey, read_cosignatures, with_lines
from gateway.audit.handover import read_head
from gateway.errors import GatewayError, Tampered
from gateway.exchange.cosigners import asked, cosigner_keys, partner_of
from gateway.exchange.countersign import WITNESS_PATH
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import check_goes_on
from gateway.exchange.resume_log import RESUME
from gateway.exchange.rotate_log_key import log_keys
from gateway.exchange.trouble import shout
from gateway.store.interface import Store
from gateway.store.witness import HeldCosignature, Watch, WitnessKey
from gateway.telemetry import log
from gateway.transport.ask import Ask, PartnerAway

PAGE = 100

BEFORE_MAX = 1000
"""Cosignatures are looked for on as many heads before an entry's as this, no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was shown to us: a head of our log, and how many cosignatures on it are by cosigners of ours."""

    size: int
    cosignatures: int


async def take_head(gateway: Gateway, note: bytes) -> Taken:
    """A head of our log with what others signed below it. Raises what `read_head` raises when it is not by our key,
    `NoteSignatureWrong`, and `LogRolledBack` or `LogRewritten`, said aloud, when our log does not have it."""
    head = read_head(note, log_keys(gateway), origin=gateway.settings.name)
    try:
        await check_goes_on(gateway.store, head)
    except Tampered as error:
        # A head that people have decided about - the log goes on from a backup - is held up again by every partner.
        if not await _given_up(gateway, head.size):
            await shout(gateway, error.code, size=head.size)
        raise
    keys = await cosigner_keys(gateway)
    held = _held(note, head, keys)
    if held:
        await gateway.store.add_cosignatures(held)
    return Taken(size=head.size, cosignatures=len(held))


async def _given_up(gateway: Gateway, size: int) -> bool:
    """Whether a head of this size may be of a stretch of the log that two people have given up. Without the stretch
    every head of it, and all were public, would be good for one more alarm, and a gateway that is not ready."""
    if any(each.ended_at and each.size == size for each in await gateway.store.troubles()):
        return True
    after = ""
    while page := await gateway.store.entries_of_types([EntryType.TAMPERED.value], after=after, limit=PAGE):
        for stored in page:
            body = json.loads(stored.entry.body)
            if body["action"] == RESUME and body["log_size"] < size <= body.get("number", 0):
                return True
        after = page[-1].entry.id
    return False


def _held(note: bytes, head: Checkpoint, keys: dict[CosignerKey, WitnessKey]) -> list[HeldCosignature]:
    by_name = {key.name: entered for key, entered in keys.items()}
    return [
        HeldCosignature(
            size=head.size,
            agency=by_name[each.cosigner].agency,
            cosigner=each.cosigner,
            at=each.at,
            line=each.line,
        )
        for each in read_cosignatures(note, keys)
    ]


async def cosigned_checkpoint(store: Store, *, at_least: int = 0) -> bytes | None:
    """The newest of our heads that a cosigner has countersigned, its cosignatures below it; None when none of at least
    this size was. For evidence: whoever trusts the cosigner need not trust us."""
    sizes = [each.size for each in await store.newest_cosigned()]
    newest = max(sizes, default=-1)
    if newest < at_least:
        return None
    return await checkpoint_with_cosignatures(store, newest)


async def checkpoint_with_cosignatures(store: Store, size: int | None = None) -> bytes | None:
    """The newest head, or the one of this size, and what cosigners have signed of it by now."""
    note = await store.checkpoint(size)
    if note is None:
        return None
    lines = [each.line for each in await store.cosignatures(unverified_checkpoint(note).size)]
    return with_lines(note, lines).encode()


# --- asking -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """What one cosigner saw last of our log, as its gateway says and both signatures prove.

    head  None when it was away, or has seen none; `code` then says which
    note  the head with the cosignature
    """

    agency: AgencyId
    head: Checkpoint | None = None
    at: datetime | None = None
    note: bytes = b""
    code: str = ""


async def last_seen_by_cosigners(gateway: Gateway, ask: Ask) -> tuple[LastSeen, ...]:
    """What each cosigner saw last. None raises: one that is away is said to be."""
    entered = await asked(gateway, Watch.COSIGNER)
    return tuple(await asyncio.gather(*(_last_seen(gateway, ask, each) for each in entered)))


async def _last_seen(gateway: Gateway, ask: Ask, entered: WitnessKey) -> LastSeen:
    try:
        said = await ask.ask(partner_of(entered), WITNESS_PATH)
        if said.status != 200:
            return LastSeen(agency=entered.agency, code=f"partner.http-{said.status}")
        head = read_head(said.body, log_keys(gateway), origin=gateway.settings.name)
        signed = read_cosignatures(said.body, [CosignerKey.read(entered.key)])
    except GatewayError as error:
        return LastSeen(agency=entered.agency, code=error.code)
    if not signed:
        return LastSeen(agency=entered.agency, code="witness.not-signed")
    return LastSeen(agency=entered.agency, head=head, at=signed[-1].at, note=said.body)


async def ask_cosigners(gateway: Gateway, ask: Ask) -> tuple[LastSeen, ...]:
    """Ask all of them and compare with our log; what does not fit is said aloud by then."""
    found = await last_seen_by_cosigners(gateway, ask)
    for each in found:
        if each.head is not None:
            try:
                await take_head(gateway, each.note)
            except GatewayError as error:
                log.error("witness.differs", agency=each.agency, code=error.code)
        elif each.code == PartnerAway.code:
            log.warning("witness.away", agency=each.agency, code=each.code)
    return found


def furthest(found: Iterable[LastSeen]) -> LastSeen | None:
    """The largest head that any cosigner saw; None when none has."""
    seen = [each for each in found if each.head is not None]
    return max(seen, key=lambda each: each.head.size if each.head is not None else 0, default=None)
