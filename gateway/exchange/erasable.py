"""Erasable keys: those that can be forgotten, one by one or whole - of payloads by bucket, of the disclosure index by
generation - how copies of them are kept, and taken back.

The copies are a mirror: one file each, and only the newest state. What was forgotten is gone from its copy at the next
backup, and the newest copy serves any archive, however old. An archive says where the nodes of each stood when it was
made (no secret), so that copies older than the archive are cut down to that; a key directory that is moved aside says
where they stand now, and certificates of destruction name what was destroyed. Each can only take away.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.audit.note import NoteKey, read_note
from gateway.backup.archive import ArchiveReader, ArchiveWriter
from gateway.backup.seal import KEY_SIZE_BYTES, ArchiveAltered, Header, Unlock
from gateway.clock import Clock
from gateway.config import Settings
from gateway.errors import Unavailable
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_disclosures import kept_until
from gateway.keys.files import KeyStore
from gateway.keys.payload import PayloadKeys
from gateway.keys.secret_file import erase, locked, replace, replace_erasing
from gateway.retention.certificate import read_certificate
from gateway.retention.kept import Kept, bucket_over
from gateway.retention.plan import free

FOLDER = "erasable-keys"

COPY_BYTES_MAX = 64 * 1024 * 1024
"""No file of erasable keys is ever larger."""
"""Where the copies go, in a folder of backups."""

KEEP_UNTIL = "keep-until.csv"
PAGE = 1000
HOLES_MAX = 2000
"""Payloads that are forgotten one by one in a bucket at a restore: some 80,000 nodes. What is due beyond waits for the
next run of destruction."""

Lock = Callable[[bytes], Header]
"""Locks an archive's key: `gateway.keys.archive_lock`."""

Places = Mapping[str, Mapping[str, Sequence[tuple[int, int]]]]
"""By kind and name, where the nodes stood."""


class CopyUnreadable(Unavailable):
    """A copy of erasable keys cannot be read."""

    code = "backup.keys-unreadable"


class Keys(Protocol):
    """One kind of erasable keys. See `gateway.keys.payload.PayloadKeys` and `gateway.keys.subject.SubjectKeys`."""

    def names(self) -> tuple[str, ...]:
        """Every file there is."""

    def places(self, name: str, /) -> tuple[tuple[int, int], ...]:
        """Where its nodes stand; () when it is gone or forgotten."""

    def copy_of(self, name: str, /) -> bytes:
        """Its file."""

    def put_back(self, name: str, content: bytes, /) -> None:
        """Take in a copy of its file."""

    def restrict(self, name: str, places: Iterable[tuple[int, int]], /) -> bool:
        """Forget what had been forgotten when it had these places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One kind of erasable keys of a key directory. kind: bucket or generation; until: when it is forgotten whole."""

    kind: str
    keys: Keys
    until: Callable[[str], datetime]


def shelves(keys: KeyStore, clock: Clock, settings: Settings) -> tuple[Shelf, ...]:
    """Both kinds."""
    years = settings.disclosures.years
    return (
        Shelf(kind="bucket", keys=keys.payload_keys(clock), until=bucket_over),
        Shelf(kind="generation", keys=keys.subject_keys(clock), until=lambda name: kept_until(name, years)),
    )


def places(of: Iterable[Shelf]) -> dict[str, dict[str, tuple[tuple[int, int], ...]]]:
    """Where all nodes stand."""
    return {shelf.kind: {name: shelf.keys.places(name) for name in shelf.keys.names()} for shelf in of}


# --- copies -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCopy:
    """A copy of erasable keys, and when it is to be destroyed wherever it was carried."""

    kind: str
    name: str
    until: datetime


def mirror(of: Iterable[Shelf], folder: Path, lock: Lock, random: Callable[[int], bytes]) -> tuple[KeyCopy, ...]:
    """Bring the copies to what the keys are now. What was forgotten whole leaves a copy without keys."""
    folder.mkdir(mode=0o700, exist_ok=True)
    copies: list[KeyCopy] = []
    with locked(folder / ".mirror.lock"):
        for shelf in of:
            copies += _mirror_one(shelf, folder, lock, random)
        lines = ["copy,destroy on\n", *(f"{copy.name}.{copy.kind},{copy.until:%Y-%m-%d}\n" for copy in copies)]
        (folder / KEEP_UNTIL).write_text("".join(lines), encoding="utf-8")
    return tuple(copies)


def _mirror_one(shelf: Shelf, folder: Path, lock: Lock, random: Callable[[int], bytes]) -> Iterator[KeyCopy]:
    # What killed backups left half written: it may hold keys that were forgotten since.
    for left in folder.glob(f".*.{shelf.kind}.*.tmp"):
        erase(left)
    names = shelf.keys.names()
    for name in names:
        _put(folder / f"{name}.{shelf.kind}", _sealed(name, shelf.keys.copy_of(name), lock, random))
        if shelf.keys.places(name):
            yield KeyCopy(kind=shelf.kind, name=name, until=shelf.until(name))
    for path in folder.glob(f"*.{shelf.kind}"):
        if path.name.removesuffix(f".{shelf.kind}") not in names:  # its file was removed: so is its copy
            erase(path)


def copies_in(folder: Path, kind: str, unlock: Unlock) -> Iterator[tuple[str, bytes]]:
    """The copies of one kind: name and content. Raises what opening an archive raises, and `CopyUnreadable`."""
    for path in sorted(folder.glob(f"*.{kind}")):
        name = path.name.removesuffix(f".{kind}")
        try:
            with path.open("rb") as file:
                reader = ArchiveReader(file.read, unlock)
                members = {member: reader.content(size_bytes_max=COPY_BYTES_MAX) for member in reader.names()}
        except OSError as error:
            raise CopyUnreadable(f"{path}: cannot be read ({error.strerror})") from error
        if name not in members:
            raise ArchiveAltered(f"{path.name} is not the copy of {name}: a file was renamed")
        yield name, members[name]


def _put(path: Path, content: bytes) -> None:
    (replace_erasing if path.exists() else replace)(path, content)


def _sealed(name: str, content: bytes, lock: Lock, random: Callable[[int], bytes]) -> bytes:
    key, written = random(KEY_SIZE_BYTES), bytearray()
    writer = ArchiveWriter(written.extend, key=key, header=lock(key))
    writer.add(name, content)
    writer.close()
    return bytes(written)


# --- taking back --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What became of the copies: taken in; of those, cut down, since something was forgotten after they were made."""

    taken: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


def bring(
    of: Iterable[Shelf], folder: Path, unlock: Unlock, before: Places, now: Places | None, *, at: datetime
) -> Brought:
    """Take in the copies of a mirror, each cut down to what was there by all that is known.

    before  where the nodes stood when the archive was made
    now     where they stand in the key directory that is moved aside; None = it cannot be asked
    at      this moment
    """
    taken, cut = list[str](), list[str]()
    for shelf in of:
        stood, stand = before.get(shelf.kind, {}), None if now is None else now.get(shelf.kind, {})
        for name, content in copies_in(folder, shelf.kind, unlock):
            # What the archive does not know was made after it: nothing in the archive lies in it. Its name stays free,
            # for what is sealed from now on.
            if name not in stood:
                continue
            shelf.keys.put_back(name, content)
            if shelf.keys.restrict(name, stood[name]):
                cut.append(name)
            # A file that is not there before its time was lost and not forgotten.
            asked = stand is not None and (name in stand or shelf.until(name) <= at)
            if stand is not None and asked and shelf.keys.restrict(name, stand.get(name, ())):
                cut.append(name)
            if shelf.keys.places(name):
                taken.append(name)
    return Brought(taken=tuple(taken), cut=tuple(dict.fromkeys(cut)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What was forgotten at a restore, because its time is up or somebody certified that it was destroyed.

    buckets  forgotten whole
    single   payloads forgotten one by one
    left     payloads past their time that the next run of destruction is for
    """

    buckets: tuple[str, ...] = ()
    single: int = 0
    left: int = 0


async def end_what_is_due(gateway: Gateway, keys: PayloadKeys) -> Ended:
    """Forget whatever is past its time and not held: it was destroyed since the backup, or would have been.

    The database goes on listing it until the next run of destruction, which certifies it.
    """
    now = gateway.clock.now()
    due = await _due(gateway, now)
    clear, _ = free(due, await gateway.store.holds(), await _siblings(gateway, due), now)
    held = {each.bucket for each in set(due) - set(clear)}
    whole = tuple(name for name in keys.names() if bucket_over(name) <= now and name not in held and keys.places(name))
    for name in whole:
        keys.forget_bucket(name)
    by_bucket: dict[str, list[int]] = {}
    for each in clear:
        if each.bucket not in whole and keys.places(each.bucket):
            by_bucket.setdefault(each.bucket, []).append(each.index)
    for bucket, indexes in by_bucket.items():
        keys.forget(bucket, indexes[:HOLES_MAX])
    single = sum(min(len(indexes), HOLES_MAX) for indexes in by_bucket.values())
    return Ended(buckets=whole, single=single, left=sum(map(len, by_bucket.values())) - single)


async def _due(gateway: Gateway, now: datetime) -> tuple[Kept, ...]:
    found: list[Kept] = []
    after: tuple[str, str] | None = None
    while page := await gateway.store.due(now, after, PAGE):
        found += page
        after = page[-1].bucket, page[-1].id
    return tuple(found)


async def _siblings(gateway: Gateway, due: Sequence[Kept]) -> dict[str, tuple[Kept, ...]]:
    """Per message, all that is or was kept of it: what a hold on a message is judged by."""
    messages = sorted({each.message for each in due})
    found: dict[str, tuple[Kept, ...]] = {}
    for start in range(0, len(messages), PAGE):
        for fate in await gateway.store.kept_of(messages[start : start + PAGE]):
            found[fate.kept.message] = (*found.get(fate.kept.message, ()), fate.kept)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What certificates of destruction name. unlisted: how many more they count without naming them."""

    buckets: tuple[str, ...]
    single: Mapping[str, tuple[int, ...]]
    unlisted: int


def certified(notes: Sequence[bytes], *of: NoteKey) -> Certified:
    """Out of certificates that this gateway signed, with one of these keys. Raises what `read_note` raises, and
    `CertificateMalformed`."""
    buckets, single, unlisted = set[str](), dict[str, list[int]](), 0
    for note in notes:
        keys = read_certificate(read_note(note, of).text)["keys"]
        buckets.update(keys["buckets"])
        for key_id in keys["single"]:
            bucket, _, index = key_id.partition("/")
            single.setdefault(bucket, []).append(int(index, 16))
        unlisted += keys["single_count"] - len(keys["single"])
    named = {bucket: tuple(indexes) for bucket, indexes in single.items()}
    return Certified(buckets=tuple(sorted(buckets)), single=named, unlisted=unlisted)


def end_what_is_certified(keys: PayloadKeys, known: Certified) -> Ended:
    """Forget it again."""
    for bucket, indexes in known.single.items():
        keys.forget(bucket, indexes)
    for bucket in known.buckets:
        keys.forget_bucket(bucket)
    return Ended(buckets=known.buckets, single=sum(map(len, known.single.values())), left=known.unlisted)
