"""What remains: after a run each payload is tried, and keys and pieces of content are looked for on the disk."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import GatewayError
from gateway.exchange.gateway import Gateway
from gateway.message import MessageId, Sealed
from gateway.retention.certificate import Residue
from gateway.retention.kept import Kept, Kind
from gateway.store.residue import look_for

SAMPLE_MAX: Final = 24
"""Payloads of one run whose keys and content are searched for byte by byte; all are tried to open."""

PIECE_BYTES: Final = 48
PIECES: Final = (0.5, 0.7, 0.9)
"""Where in a document pieces are taken: its head is the same in many that go on living."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needles:
    """Bytes that must be nowhere afterwards. They live in this process only, and as long as the run."""

    secrets: tuple[bytes, ...] = ()
    pieces: tuple[bytes, ...] = ()


async def take_needles(gateway: Gateway, items: Sequence[Kept]) -> Needles:
    """From a sample over the whole run."""
    step = max(1, len(items) // SAMPLE_MAX)
    secrets: list[bytes] = []
    pieces: list[bytes] = []
    for kept in items[::step][:SAMPLE_MAX]:
        secrets += gateway.payloads.secrets_of(kept.bucket, kept.index)
        content = await _content(gateway, kept)
        if len(content) >= 4 * PIECE_BYTES:
            starts = (int(len(content) * place) for place in PIECES)
            pieces += [content[start : start + PIECE_BYTES] for start in starts]
    return Needles(secrets=tuple(secrets), pieces=tuple(each for each in pieces if len(each) == PIECE_BYTES))


async def _content(gateway: Gateway, kept: Kept) -> bytes:
    """b"" when there is none to be had: what cannot be opened before is nothing that could be left after."""
    sealed = await _sealed(gateway, kept)
    if sealed is None or not sealed.ciphertext:
        return b""
    try:
        return gateway.payloads.open(sealed, aad=kept.id.encode())
    except GatewayError:
        return b""


async def _sealed(gateway: Gateway, kept: Kept) -> Sealed | None:
    if kept.kind is Kind.ORIGINAL:
        record = await gateway.store.message(MessageId(kept.id))
        return record.original if record is not None else None
    if kept.kind is Kind.DISSEMINATION:
        records = await gateway.store.disseminations(kept.message)
        return next((each.payload for each in records if each.dissemination.id == kept.id), None)
    return None  # of refused submissions and of texts the keys are looked for


async def look_after(gateway: Gateway, run: str, items: Sequence[Kept], needles: Needles) -> Residue:
    """What is left of them: keys that still grow, rows that still hold something, needles in the files."""
    opened = sum(gateway.payloads.remembers(each.bucket, each.index) for each in items)
    opened += await gateway.store.content_left(run)
    wanted = (*needles.secrets, *needles.pieces)
    if not wanted:
        return Residue(tried=len(items), opened=opened, unreachable="no keys were at hand to search for")
    database = await gateway.store.raw_files()
    directory = gateway.settings.keys_directory
    keys = await asyncio.to_thread(lambda: sorted(path for path in directory.rglob("*") if path.is_file()))
    looked = await asyncio.to_thread(look_for, wanted, [*database, *keys])
    said = [] if database else ["the database's files are not on this machine, or not ours to read"]
    if looked.unread:
        said.append(f"{looked.unread} files were not read")
    return Residue(
        tried=len(items),
        opened=opened,
        needles=len(wanted),
        files=looked.files,
        scanned_bytes=looked.scanned_bytes,
        found=looked.found,
        unreachable="; ".join(said),
    )
