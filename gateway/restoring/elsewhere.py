"""What is known of a log besides the backup: other heads of it, a newer log, the deployment that stood here."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway.app import key_store, open_deployment
from gateway.asking import asking
from gateway.audit.handover import read_head
from gateway.backup.judge import KnownHead, Since
from gateway.clock import SystemClock
from gateway.config import FILE, read_settings
from gateway.errors import GatewayError
from gateway.exchange.cosigned import last_seen_by_cosigners
from gateway.exchange.erasable import (
    Places,
    places,
    shelves,
)
from gateway.exchange.gateway import Gateway
from gateway.exchange.restore import (
    Verified,
    since_in_export,
    since_in_store,
)
from gateway.exchange.rotate_log_key import log_keys
from gateway.keys.heads import Kept
from gateway.restoring.wanted import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What is known besides the archive. places: where erasable keys stand in the deployment that is moved aside."""

    heads: tuple[KnownHead, ...]
    since: Since | None
    places: Places | None
    notes: tuple[str, ...]


async def look_elsewhere(gateway: Gateway, wanted: Wanted, archive: Verified) -> Elsewhere:
    """What the world remembers: the archive itself, checkpoints given, a newer log, the deployment that stood here,
    and the partners who cosign."""

    def known(where: str, note: str | bytes) -> KnownHead:
        return KnownHead(where=where, checkpoint=read_head(note, log_keys(gateway), origin=gateway.settings.name))

    heads = [known(where, note) for where, note in wanted.heads]
    notes: list[str] = []
    found: Since | None = None
    own = await gateway.store.checkpoint()
    head = known("the backup", own).checkpoint if own is not None else None
    if archive.manifest.checkpoint:
        heads.append(known("the backup's manifest", archive.manifest.checkpoint))
    if wanted.newer is not None:
        found, newer = await asyncio.to_thread(since_in_export, wanted.newer, head, gateway)
        heads.append(KnownHead(where=f"the export in {wanted.newer}", checkpoint=newer))
    places_now: Places | None = None
    if wanted.aside and (wanted.directory / FILE).exists():
        old = await _old(wanted.directory, archive, gateway)
        heads += [known(where, note) for where, note in old.heads]
        found, places_now = found or old.since, old.places
        notes += old.notes
    async with asking(gateway) as way:
        for seen in await last_seen_by_cosigners(gateway, way):
            if seen.head is not None:
                heads.append(KnownHead(where=f"{seen.agency}, which cosigns,", checkpoint=seen.head))
            else:
                notes.append(f"{seen.agency} cosigns the log and could not be asked what it saw last [{seen.code}]")
    return Elsewhere(heads=tuple(heads), since=found, places=places_now, notes=tuple(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """What the deployment that is moved aside knows; each part as far as it can be read."""

    heads: tuple[tuple[str, bytes], ...] = ()
    since: Since | None = None
    places: Places | None = None
    notes: tuple[str, ...] = ()


async def _old(directory: Path, archive: Verified, restored: Gateway) -> _Old:
    """Its keys may be whole and its database not, or the other way around."""
    notes: list[str] = []
    heads: list[tuple[str, bytes]] = []
    found: Since | None = None
    stand: Places | None = None
    try:
        made = read_settings(directory)
        keys = key_store(made)
        if keys.fingerprint == archive.manifest.fingerprint:
            stand = places(shelves(keys, SystemClock(), made))
            kept = keys.heads.newest(Kept.SIGNED)
            heads += [("the key directory that stood here", kept)] if kept is not None else []
    except (GatewayError, OSError) as error:
        notes.append(f"the keys of the deployment that stood here could not be read: {error}")
    try:
        async with open_deployment(directory) as old:
            newest = await old.store.checkpoint()
            heads += [("the deployment that stood here", newest)] if newest is not None else []
            found = await since_in_store(old, restored)
    except (GatewayError, OSError) as error:
        notes.append(f"the log of the deployment that stood here could not be read: {error}")
    else:
        if found is None:
            notes.append("the log of the deployment that stood here does not go on from the restored one")
    return _Old(heads=tuple(heads), since=found, places=stand, notes=tuple(notes))
