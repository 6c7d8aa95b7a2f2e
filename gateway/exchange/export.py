"""Export: evidence for an outsider as one package - entries of the log, their proofs, and all that they speak of.

No log, no release: that content is read is an entry before it is read, and the package itself counts only once its
EXPORT entry is stored. Whoever calls this keeps the file to itself until then, and throws it away when this raises.
"""

import base64
import hashlib
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, read_checkpoint, unverified_checkpoint
from gateway.audit.entry import AuditEntry
from gateway.audit.note import NoteKey
from gateway.audit.package import CHECKPOINT, ENTRIES, LOG, ROTATIONS, Pack, Statement, entry_line, opening
from gateway.audit.proof import inclusion, inclusion_ranges, verify_inclusion
from gateway.audit.tree import Range, leaf_hash
from gateway.document.source import read_source
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, fingerprint, sign_entry
from gateway.exchange.cosigned import checkpoint_with_cosignatures
from gateway.exchange.evidence import BATCH, EntryNotInTree, export_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import reading
from gateway.exchange.rotate_log_key import handovers
from gateway.exchange.selection import About, Selected, Told, select
from gateway.policy.digest import canonical, content
from gateway.report.evidence_page import EvidencePage, Happened, as_html, as_text, happened
from gateway.signing.cover import certificate_in
from gateway.store.configuration import Configuration, Law
from gateway.store.messages import DisseminationRecord, MessageRecord
from gateway.user import User

HASHES_MAX = 512
"""Runs of stored hashes that are remembered between proofs: some 4 MB."""

SHOWN_MAX = 1000
"""Entries that the cover page tells in words."""


class PersonNeeded(Refused):
    """Covers and contents are handed out by a person who signs for it."""

    code = "export.person-needed"


class RevealReason(StrEnum):
    """Why contents are laid open. What a person has to say beyond that stays out of the log."""

    COURT_ORDER = "court-order"
    DISCOVERY = "discovery"  # the defense is entitled to it
    SUBJECT_REQUEST = "subject-request"  # the person the record is about asks
    AUDIT = "audit"
    MISUSE_INQUIRY = "misuse-inquiry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A package that is in the log.

    lacking  what is not in it though its entries speak of it, in words
    """

    statement: Statement
    entry: str
    about: About
    entries: int
    covers: int
    contents: int
    lacking: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Making:
    """A package on its way."""

    gateway: Gateway
    pack: Pack
    head: Checkpoint
    selected: Selected
    now: datetime
    told: Told
    shown: list[Happened] = field(default_factory=list)
    covers: int = 0
    contents: int = 0
    gone: dict[str, int] = field(default_factory=dict)
    hashes: dict[Range, Sequence[bytes]] = field(default_factory=dict)

    def lacks(self, what: str) -> None:
        """Something that belongs to it is not to be had."""
        self.gone[what] = self.gone.get(what, 0) + 1

    @property
    def lacking(self) -> tuple[str, ...]:
        """In words."""
        return tuple(f"{number} {what}" for what, number in sorted(self.gone.items()))


async def export(
    gateway: Gateway,
    about: About,
    file: BinaryIO,
    *,
    verifier: bytes,
    by: Acting | None = None,
    reveal: RevealReason | None = None,
    told: Told = lambda *_: None,
) -> Exported:
    """Write a package into an empty file; and that it was, into the log.

    verifier  the single-file verifier, to go with it
    by        who hands it out; only entries alone can go without a person
    reveal    lay open what recipients got, as far as it is not destroyed

    Raises `PersonNeeded`, `NothingSelected`, `EntryNotInTree`, what `allowed` raises, and `ProofWrong` or `HashMissing`
    when the stored tree does not lead to the checkpoint: a package that proves nothing is not handed out.
    """
    await gateway.refresh()
    key = NoteKey(gateway.keys.log_signer.name, gateway.keys.log_signer.public_bytes)
    note = await gateway.store.checkpoint()
    if note is None:
        raise EntryNotInTree("nothing is in the log yet")
    head = read_checkpoint(note, [key], origin=key.name)
    whole = about.kind == "log"
    selected = Selected() if whole else await select(gateway.store, about, head.size, told)
    user = await _handing_out(gateway, about, by)
    if user is None and (selected.disseminations or reveal is not None):
        raise PersonNeeded("such a package holds Covers or contents: say who hands it out, with --as")
    now = gateway.clock.now()
    with Pack(file) as pack:
        making = _Making(gateway=gateway, pack=pack, head=head, selected=selected, now=now, told=told)
        count = await (_write_log(making) if whole else _write_entries(making))
        pack.add(CHECKPOINT, await checkpoint_with_cosignatures(gateway.store, head.size) or note)
        for passed in await handovers(gateway):
            pack.add(f"{ROTATIONS}{unverified_checkpoint(passed).size:015d}", passed)
        await _write_messages(making, by if reveal is not None else None, user, reveal)
        await _write_texts(making)
        _write_keys(making, key)
        pack.add("verifier.py", verifier)
        page = _page(making, about, count, verifier)
        pack.add("README.txt", as_text(page).encode())
        pack.add("README.html", as_html(page).encode())
        signer = gateway.keys.receipt_signer
        statement = pack.seal(signer, origin=key.name, of=about.words, made=now, size=head.size)
    entry = _entry(gateway, about, statement, count, by, user, reveal)
    await gateway.store.record([entry])
    return Exported(
        statement=statement,
        entry=entry.id,
        about=about,
        entries=count,
        covers=making.covers,
        contents=making.contents,
        lacking=making.lacking,
    )


async def _handing_out(gateway: Gateway, about: About, by: Acting | None) -> User | None:
    """The person, when they may: an officer of the operator, or of the agency whose message it is about."""
    if by is None:
        return None
    owners: tuple[AgencyId, ...] = (OPERATOR,)
    if about.message is not None and (record := await gateway.store.message(about.message)) is not None:
        owners = (OPERATOR, record.message.sender)
    return allowed(gateway, by, OFFICERS, *owners)


def _entry(
    gateway: Gateway,
    about: About,
    statement: Statement,
    count: int,
    by: Acting | None,
    user: User | None,
    reveal: RevealReason | None,
) -> AuditEntry:
    """The package by its statement's digest; signed when a person hands it out, over that digest."""
    now = statement.made
    fields: dict[str, Any] = {
        "count": count,
        "log_size": statement.size,
        "reason": reveal.value if reveal is not None else None,
        "mou": about.mou if "@" in about.mou else None,
    }
    if by is None or user is None:
        return reading(gateway, about.kind, type=EntryType.EXPORT, actor="cli", digest=statement.digest, **fields)
    of, digest = about.kind, statement.digest
    return sign_entry(gateway, EntryType.EXPORT, by, user, of=of, digest=digest, at=now, kind=of, **fields).entry


# --- entries ----------------------------------------------------------------------------------------------------


async def _write_log(making: _Making) -> int:
    size = making.head.size
    with making.pack.opened(LOG) as write:
        done = 0
        async for line in export_log(making.gateway.store, size=size):
            write(line.encode())
            done += 1
            if done % 1000 == 0 or done == size:
                making.told("writing the log", done, size)
    return size


async def _write_entries(making: _Making) -> int:
    indexes, done = sorted(making.selected.indexes), 0
    with making.pack.opened(ENTRIES) as write:
        for start, count in runs(indexes):
            for index, stored in enumerate(await making.gateway.store.entries(start, count), start):
                proof = inclusion(index, making.head.size, await _hashes(making, index))
                verify_inclusion(leaf_hash(stored.entry.body), index, making.head.size, proof, making.head.root)
                write(entry_line(index, stored.entry.body, proof))
                if len(making.shown) < SHOWN_MAX:
                    making.shown.append(happened(index, json.loads(stored.entry.body)))
            done += count
            making.told("writing entries", done, len(indexes))
    return len(indexes)


def runs(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbors together, so that they are read together: the first, and how many; at most `BATCH`."""
    start = 0
    for at in range(1, len(indexes) + 1):
        if at == len(indexes) or indexes[at] != indexes[at - 1] + 1 or at - start == BATCH:
            yield indexes[start], at - start
            start = at


async def _hashes(making: _Making, index: int) -> Mapping[Range, Sequence[bytes]]:
    """What a proof is made of. Neighbors share nearly all of it."""
    needed = inclusion_ranges(index, making.head.size)
    if len(making.hashes) > HASHES_MAX:
        making.hashes.clear()
    for each in needed:
        if each not in making.hashes:
            making.hashes[each] = await making.gateway.store.hashes(each.level, each.start, each.count)
    return making.hashes


# --- messages: receipts, Covers, contents -----------------------------------------------------------------------


async def _write_messages(
    making: _Making, revealing: Acting | None, user: User | None, reveal: RevealReason | None
) -> None:
    for done, message in enumerate(making.selected.messages, 1):
        record = await making.gateway.store.message(message)
        if record is None:
            making.lacks("messages are no longer held: their receipts are not in it")
        else:
            making.pack.add(f"receipts/{message}", record.receipt)
        made = [
            each
            for each in await making.gateway.store.disseminations(message)
            if each.dissemination.id in making.selected.disseminations
        ]
        for each in made:
            _write_cover(making, each)
        if record is not None and made and revealing is not None and user is not None and reveal is not None:
            await _write_contents(making, record, made, revealing, user, reveal)
        making.told("writing Covers", done, len(making.selected.messages))
    if lost := len(making.selected.disseminations) - making.covers:
        making.gone["Covers are no longer held"] = lost


def _write_cover(making: _Making, record: DisseminationRecord) -> None:
    making.pack.add(f"covers/{record.dissemination.id}.xml", record.cover)
    making.covers += 1
    certificate = certificate_in(record.cover)
    making.pack.add(f"certificates/cover-{hashlib.sha256(certificate).hexdigest()[:16]}.pem", _pem(certificate))


async def _write_contents(
    making: _Making,
    message: MessageRecord,
    made: Sequence[DisseminationRecord],
    by: Acting,
    user: User,
    reason: RevealReason,
) -> None:
    """What recipients got of a message, with what opens the commitments. That it is read is an entry first."""
    gateway = making.gateway
    read = sign_entry(
        gateway,
        EntryType.READ,
        by,
        user,
        of=message.message.id,
        digest="",
        at=making.now,
        parties=(message.message.sender,),
        message=message.message.id,
        kind="evidence",
        reason=reason.value,
        count=len(made),
    )
    await gateway.store.record([read.entry])
    for each in made:
        id = each.dissemination.id
        try:
            payload = gateway.payloads.open(each.payload, aad=id.encode())
            salt = gateway.payloads.salt_of(each.payload)
        except Refused:  # its time was up, and its key is destroyed
            making.lacks("contents are destroyed")
            continue
        making.pack.add(f"payloads/{id}", payload)
        making.pack.add(f"payloads/{id}.opening", opening(salt, message.message.sender_id))
        making.contents += 1


# --- texts: agreements, laws; keys and certificates ---------------------------------------------------------------


async def _write_texts(making: _Making) -> None:
    """Every version that an entry names, as it was filed and as its digest is taken."""
    stored = await making.gateway.store.configuration()
    held = {f"{each.mou}@{each.version}": each for each in stored.agreements}
    for mou in sorted(making.selected.mous):
        if mou not in held:
            making.lacks("agreements have no text here: releases in an emergency, and what was never filed")
            continue
        making.pack.add(f"agreements/{mou}.yaml", held[mou].body)
        making.pack.add(f"agreements/{mou}.json", readable(held[mou].body))
    named = making.gateway.current.laws.named
    for digest in sorted(making.selected.laws):
        _write_laws(making, stored, named, digest)
    for user in making.gateway.current.users.values():
        if (print_of := fingerprint(user.public_key)) in making.selected.people:
            making.pack.add(f"people/{print_of}.key", f"{user.public_key}\n".encode())


def _write_laws(making: _Making, stored: Configuration, named: frozenset[str], digest: str) -> None:
    laws = laws_under(stored.laws, named, digest)
    if laws is None:
        making.lacks("sets of laws cannot be put together again: which packs the settings named has changed")
        return
    listed = json.dumps(law_list(laws, named), indent=2).encode() + b"\n"
    making.pack.add(f"laws/{digest.removeprefix('sha-256:')}.json", listed)
    for law in laws:
        making.pack.add(f"laws/{law.id}@{law.version}.json", readable(law.body))


def readable(data: bytes) -> bytes:
    """A YAML text as JSON for people: what its digest is taken over, in the order it was written in."""
    root, findings = read_source(data, "")
    if root is None or findings:
        raise ValueError("what is held was read when it was taken in")
    return json.dumps(content(root), indent=2, ensure_ascii=False).encode() + b"\n"


def law_list(laws: Iterable[Law], named: frozenset[str]) -> list[list[str | int | bool]]:
    """What the digest of a set of laws is taken over (`policy.law.Laws`)."""
    return [[law.id, law.version, law.digest, law.id in named] for law in sorted(laws, key=lambda law: law.id)]


def laws_under(held: Sequence[Law], named: frozenset[str], digest: str) -> tuple[Law, ...] | None:
    """The laws of the moment when a decision was made under this digest: at each, the latest version of each pack."""
    for moment in sorted({law.changed_at for law in held}, reverse=True):
        known = sorted((law for law in held if law.changed_at <= moment), key=lambda law: law.version)
        laws = tuple({law.id: law for law in known}.values())
        whole = canonical(law_list(laws, named))
        if f"sha-256:{hashlib.sha256(whole).hexdigest()}" == digest:
            return laws
    return None


def _write_keys(making: _Making, log: NoteKey) -> None:
    """For comparing with what was given by hand; believing them would prove nothing."""
    receipts = making.gateway.keys.receipt_signer
    making.pack.add("keys/log.vkey", f"{log}\n".encode())
    making.pack.add("keys/receipts.vkey", f"{NoteKey(receipts.name, receipts.public_bytes)}\n".encode())
    making.pack.add("certificates/authority.pem", _pem(making.gateway.current.authority))


def _pem(der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", "")).encode()


def _page(making: _Making, about: About, count: int, verifier: bytes) -> EvidencePage:
    return EvidencePage(
        origin=making.head.origin,
        about=about.words,
        whole=about.kind == "log",
        made=making.now,
        size=making.head.size,
        root=making.head.root.hex(),
        entries=count,
        covers=making.covers,
        contents=making.contents,
        receipts=sum(name.startswith("receipts/") for name in making.pack.names),
        agreements=tuple(sorted(name for name in making.pack.names if name.startswith("agreements/"))),
        laws=sum(name.startswith("laws/") and "@" in name for name in making.pack.names),
        cosigners=(),
        verifier=hashlib.sha256(verifier).hexdigest(),
        lacking=making.lacking,
        happened=tuple(making.shown),
    )
