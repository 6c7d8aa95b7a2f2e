"""The files of an evidence package, out of the store: what each kind of thing is written from."""

import base64
import hashlib
import json
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.note import NoteKey
from gateway.audit.package import CHECKPOINT, ENTRIES, HEADS, LOG, ROTATIONS, Pack, entry_line, opening
from gateway.audit.proof import Inclusions, verify_inclusion
from gateway.audit.tree import Range, leaf_hash
from gateway.document.source import read_source
from gateway.errors import Refused
from gateway.exchange.acting import Acting, fingerprint, sign_entry
from gateway.exchange.cosigned import checkpoint_with_cosignatures
from gateway.exchange.evidence import BATCH, export_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.selection import Selected, Told
from gateway.keys.certified import fingerprint_of, public_pem
from gateway.policy.digest import canonical, content
from gateway.report.evidence_page import Happened, happened
from gateway.signing.cover import certificate_in
from gateway.store.configuration import Configuration, Law
from gateway.store.messages import DisseminationRecord, MessageRecord
from gateway.user import User

HASHES_MAX = 512
"""Runs of stored hashes that are remembered between proofs: some 4 MB."""

SHOWN_MAX = 1000
"""Entries that the cover page tells in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealing:
    """Who lays contents open, and why: a code for the log."""

    by: Acting
    user: User
    reason: str


@dataclass(slots=True, kw_only=True)
class Making:
    """A package on its way."""

    gateway: Gateway
    pack: Pack
    head: Checkpoint
    selected: Selected
    now: datetime
    told: Told
    shown: list[Happened] = field(default_factory=list)
    cosigners: set[str] = field(default_factory=set)
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


# --- entries ----------------------------------------------------------------------------------------------------


async def write_log(making: Making) -> int:
    """All of them; how many."""
    size = making.head.size
    with making.pack.opened(LOG) as write:
        done = 0
        async for line in export_log(making.gateway.store, size=size):
            write(line.encode())
            done += 1
            if done % 1000 == 0 or done == size:
                making.told("writing the log", done, size)
    return size


async def write_entries(making: Making) -> int:
    """Those selected, each with its proof; how many. Raises `ProofWrong`, `HashMissing`."""
    indexes, done = sorted(making.selected.indexes), 0
    proofs = Inclusions(making.head.size)
    with making.pack.opened(ENTRIES) as write:
        for start, count in runs(indexes):
            for index, stored in enumerate(await making.gateway.store.entries(start, count), start):
                proof = proofs.proof(index, await _hashes(making, proofs.ranges(index)))
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


async def _hashes(making: Making, needed: Iterable[Range]) -> Mapping[Range, Sequence[bytes]]:
    """What a proof is made of. Neighbors share nearly all of it."""
    if len(making.hashes) > HASHES_MAX:
        making.hashes.clear()
    for each in needed:
        if each not in making.hashes:
            making.hashes[each] = await making.gateway.store.hashes(each.level, each.start, each.count)
    return making.hashes


# --- heads -----------------------------------------------------------------------------------------------------


def since_key(passed: Sequence[bytes]) -> int:
    """Size of the log since which its present key signs: who knows that key alone can read no head before."""
    return max((unverified_checkpoint(each).size for each in passed), default=0)


async def write_heads(making: Making, passed: Sequence[bytes]) -> None:
    """The head with its countersignatures, and where the key changed. With the whole log also the newest head that each
    partner has countersigned: it need not be the last one, for the log goes on from it."""
    store, size = making.gateway.store, making.head.size
    making.pack.add(CHECKPOINT, await checkpoint_with_cosignatures(store, size) or b"")
    making.cosigners.update(each.cosigner for each in await store.cosignatures(size))
    for each in passed:
        making.pack.add(f"{ROTATIONS}{unverified_checkpoint(each).size:015d}", each)
    for held in await store.newest_cosigned() if LOG in making.pack.names else ():
        if since_key(passed) <= held.size < size:
            making.pack.add(f"{HEADS}{held.size:015d}", await checkpoint_with_cosignatures(store, held.size) or b"")
            making.cosigners.add(held.cosigner)


# --- messages: receipts, Covers, contents -----------------------------------------------------------------------


async def write_messages(making: Making, revealing: Revealing | None) -> None:
    """Receipts and Covers; with `revealing` what recipients got too, each reading an entry before it is read."""
    for done, message in enumerate(making.selected.messages, 1):
        record = await making.gateway.store.message(message)
        if record is None or not record.receipt:
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
        if record is not None and made and revealing is not None:
            await _write_contents(making, record, made, revealing)
        making.told("writing Covers", done, len(making.selected.messages))
    if lost := len(making.selected.disseminations) - making.covers:
        making.gone["Covers are no longer held"] = lost


def _write_cover(making: Making, record: DisseminationRecord) -> None:
    if not record.cover:  # destroyed with its payload
        return
    making.pack.add(f"covers/{record.dissemination.id}.xml", record.cover)
    making.covers += 1
    certificate = certificate_in(record.cover)
    making.pack.add(f"certificates/cover-{hashlib.sha256(certificate).hexdigest()[:16]}.pem", _pem(certificate))


async def _write_contents(
    making: Making, message: MessageRecord, made: Sequence[DisseminationRecord], revealing: Revealing
) -> None:
    """What recipients got of a message, with what opens the commitments. That it is read is an entry first."""
    gateway = making.gateway
    read = sign_entry(
        gateway,
        EntryType.READ,
        revealing.by,
        revealing.user,
        at=making.now,
        parties=(message.message.sender,),
        message=message.message.id,
        kind="evidence",
        reason=revealing.reason,
        count=len(made),
    )
    await gateway.store.record([read])
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


async def write_destructions(making: Making) -> None:
    """The certificates of the runs that destroyed copies. One that is under way has none yet."""
    for id in sorted(making.selected.runs):
        run = await making.gateway.store.run(id)
        if run is None or not run.certificate:
            making.lacks("runs of destruction have no certificate yet")
        else:
            making.pack.add(f"destructions/{id}", run.certificate)


# --- texts: agreements, laws; keys and certificates ---------------------------------------------------------------


async def write_texts(making: Making) -> None:
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
    write_people(making.gateway, making.pack, making.selected.people)


def write_people(gateway: Gateway, pack: Pack, people: Container[str]) -> None:
    """The public keys of these fingerprints: whose signatures entries carry."""
    for user in gateway.current.users.values():
        if (print_of := fingerprint(user.public_key)) in people:
            pack.add(f"people/{print_of}.key", f"{user.public_key}\n".encode())


def _write_laws(making: Making, stored: Configuration, named: frozenset[str], digest: str) -> None:
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


def write_keys(making: Making) -> None:
    """For comparing with what was given by hand; believing them would prove nothing."""
    keys = making.gateway.keys
    log = NoteKey(keys.log_signer.name, keys.log_signer.public_bytes)
    making.pack.add("keys/log.vkey", f"{log}\n".encode())
    *before, receipts = keys.receipt_keys.every()
    making.pack.add("keys/receipts.vkey", f"{receipts.key}\n".encode())
    for each in before:
        making.pack.add(f"keys/receipts-{each.key.id.hex()}.vkey", f"{each.key}\n".encode())
    authority, *others = keys.every_authority
    making.pack.add("certificates/authority.pem", public_pem(authority))
    for other in others:
        making.pack.add(f"certificates/authority-{fingerprint_of(other)[:16]}.pem", public_pem(other))


def _pem(der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", "")).encode()
