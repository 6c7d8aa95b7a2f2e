"""Destruction, looked at afterwards: does anything that was destroyed still open, and do the certificates hold."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.audit.note import NoteKey, NoteSigner, read_note
from gateway.document.canonical import sha256_text
from gateway.errors import GatewayError, Refused
from gateway.exchange.gateway import Gateway
from gateway.retention.certificate import keys_digest, read_certificate
from gateway.retention.kept import Kept
from gateway.store.residue import Looked, look_for
from gateway.store.retention import Run

PAGE = 1000


class RunUnknown(Refused):
    """No run has this id, or its certificate is not there yet."""

    code = "retention.run-unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One run. faults: what is wrong, in words; () = nothing is."""

    run: Run
    tried: int
    opened: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """All runs, and what was searched for. looked: None when nothing was."""

    runs: tuple[Checked, ...]
    unfinished: int
    looked: Looked | None = None

    @property
    def passed(self) -> bool:
        """Whether everything that was destroyed is gone, and every certificate holds."""
        return not any(each.faults for each in self.runs) and not (self.looked and self.looked.found)


def receipt_key(signer: NoteSigner) -> NoteKey:
    """The public half of the key that certificates are signed with."""
    return NoteKey(signer.name, signer.public_bytes)


def check_certificate(note: str | bytes, *keys: NoteKey) -> dict[str, Any]:
    """What a certificate says, its signature by one of the keys verified; nothing else is needed for it. Raises what
    `read_note` and `read_certificate` raise."""
    return read_certificate(read_note(note, keys).text)


async def every_run(
    gateway: Gateway, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[Run]:
    """Runs of a period, oldest first."""
    after = ""
    while page := await gateway.store.runs(since, until, after, PAGE):
        for run in page:
            yield run
        after = page[-1].id


async def destroyed_by(gateway: Gateway, run: str) -> tuple[Kept, ...]:
    """What a run destroyed."""
    found: list[Kept] = []
    after = ""
    while page := await gateway.store.items(run, after, PAGE):
        after = page[-1].kept.id
        found += [each.kept for each in page if each.destroyed_at is not None]
    return tuple(found)


async def verify_destruction(
    gateway: Gateway,
    *,
    canaries: Sequence[bytes] = (),
    also: Sequence[Path] = (),
    mend: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Try to open everything that was ever destroyed, check every certificate, and search for the canaries.

    canaries  pieces of content of destroyed test messages
    also      files and folders to search besides the database's and the key directory: backups, temporary files
    mend      destroy keys again that came back: somebody restored an old backup of the key directory
    """
    runs = [run async for run in every_run(gateway)]
    checked: list[Checked] = []
    for number, run in enumerate(runs, 1):
        if run.done_at is not None:
            checked.append(await _check(gateway, run, mend=mend))
        if on_progress is not None:
            on_progress(number, len(runs))
    looked = None
    if canaries:
        roots = [gateway.settings.keys_directory, *also]
        files = [*await gateway.store.raw_files(), *(file for place in roots for file in _files(place))]
        looked = look_for(canaries, files)
    return Verified(runs=tuple(checked), unfinished=len(runs) - len(checked), looked=looked)


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


async def _check(gateway: Gateway, run: Run, *, mend: bool) -> Checked:
    items = await destroyed_by(gateway, run.id)
    alive = [each for each in items if gateway.payloads.remembers(each.bucket, each.index)]
    faults: list[str] = []
    if alive:
        faults.append(f"{len(alive)} keys are back: a backup of the key directory was restored")
        if mend:
            for bucket in sorted({each.bucket for each in alive}):
                gateway.payloads.forget(bucket, [each.index for each in alive if each.bucket == bucket])
            faults[-1] = f"{len(alive)} keys were back, and are destroyed again"
    left = await gateway.store.content_left(run.id)
    if left:
        faults.append(f"{left} rows still hold content")
    faults += await _certificate_faults(gateway, run, items)
    return Checked(run=run, tried=len(items), opened=len(alive), faults=tuple(faults))


async def _certificate_faults(gateway: Gateway, run: Run, items: Sequence[Kept]) -> list[str]:
    try:
        said = check_certificate(run.certificate, *(each.key for each in gateway.keys.receipt_keys.every()))
    except GatewayError as error:
        return [f"its certificate does not hold: {error.text}"]
    faults: list[str] = []
    if (said["id"], said["count"], said["keys"]["digest"]) != (run.id, len(items), keys_digest(items)):
        faults.append("its certificate speaks of something else than what is destroyed")
    if said["residue"]["result"] != "none":
        faults.append("its certificate says that something was found afterwards")
    entry = await gateway.store.entry(run.entry)
    if entry is None or entry.entry.leaf_hash.hex() != said["log"]["leaf"]:
        faults.append("the log has not the intent that its certificate names")
    return faults


async def certificate_of(gateway: Gateway, id: str) -> Run:
    """A run with its certificate. Raises `RunUnknown`."""
    run = await gateway.store.run(id)
    if run is None or not run.certificate:
        raise RunUnknown("no run with a certificate has this id; see: gateway retention certificates")
    return run


def digest_of(run: Run) -> str:
    """Digest of the certificate, as the log names it."""
    return sha256_text(run.certificate)
