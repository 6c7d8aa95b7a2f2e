"""Export: evidence for an outsider as one package - entries of the log, their proofs, and all that they speak of.

No log, no release: that content is read is an entry before it is read, and the package itself counts only once its
EXPORT entry is stored. Whoever calls this keeps the file to itself until then, and throws it away when this raises.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.entry import AuditEntry
from gateway.audit.handover import read_head
from gateway.audit.package import Pack, Statement
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, fingerprint, sign_entry
from gateway.exchange.cosigned import cosigned_checkpoint
from gateway.exchange.evidence import EntryNotInTree
from gateway.exchange.gateway import Gateway
from gateway.exchange.package import (
    Making,
    Revealing,
    since_key,
    write_destructions,
    write_entries,
    write_heads,
    write_keys,
    write_log,
    write_messages,
    write_texts,
)
from gateway.exchange.reading import reading
from gateway.exchange.rotate_log_key import handovers, log_keys
from gateway.exchange.selection import About, Selected, Told, select
from gateway.report.evidence_page import EvidencePage, as_html, as_text
from gateway.user import User


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
    note = await gateway.store.checkpoint()
    if note is None:
        raise EntryNotInTree("nothing is in the log yet")
    head = _read(gateway, note)
    whole = about.kind == "log"
    everybody = {fingerprint(each.public_key) for each in gateway.current.users.values()}
    selected = Selected(people=everybody) if whole else await select(gateway.store, about, head.size, told)
    passed = await handovers(gateway)
    if not whole:
        head = await _countersigned(gateway, head, max(selected.indexes) + 1, passed)
    user = await _handing_out(gateway, about, by)
    if user is None and (selected.disseminations or reveal is not None):
        raise PersonNeeded("such a package holds Covers or contents: say who hands it out, with --as")
    revealing = None
    if by is not None and user is not None and reveal is not None:
        revealing = Revealing(by=by, user=user, reason=reveal.value)
    now = gateway.clock.now()
    with Pack(file) as pack:
        making = Making(gateway=gateway, pack=pack, head=head, selected=selected, now=now, told=told)
        count = await (write_log(making) if whole else write_entries(making))
        await write_heads(making, passed)
        await write_messages(making, revealing)
        await write_destructions(making)
        await write_texts(making)
        write_keys(making)
        pack.add("verifier.py", verifier)
        page = _page(making, about, count, verifier)
        pack.add("README.txt", as_text(page).encode())
        pack.add("README.html", as_html(page).encode())
        signer = gateway.keys.receipt_signer
        statement = pack.seal(signer, origin=head.origin, of=about.words, made=now, size=head.size)
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


def _read(gateway: Gateway, note: bytes) -> Checkpoint:
    return read_head(note, log_keys(gateway), origin=gateway.settings.name)


async def _countersigned(gateway: Gateway, newest: Checkpoint, size: int, passed: Sequence[bytes]) -> Checkpoint:
    """The newest head that partners have countersigned, when all that is wanted - entries below `size` - is under it,
    and it is of the log's present key; else the newest one."""
    note = await cosigned_checkpoint(gateway.store, at_least=max(size, since_key(passed)))
    return newest if note is None else _read(gateway, note)


async def _handing_out(gateway: Gateway, about: About, by: Acting | None) -> User | None:
    """The person, when they may: an officer of the operator, or of the one agency whose messages it is about."""
    if by is None:
        return None
    asked = [about.message] if about.message is not None else about.messages
    records = [await gateway.store.message(each) for each in asked]
    senders = {record.message.sender for record in records if record is not None}
    owners = senders if len(senders) == 1 and None not in records else ()
    return allowed(gateway, by, OFFICERS, OPERATOR, *owners)


def _entry(
    gateway: Gateway,
    about: About,
    statement: Statement,
    count: int,
    by: Acting | None,
    user: User | None,
    reveal: RevealReason | None,
) -> AuditEntry:
    """The package by its statement's digest; signed when a person hands it out."""
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
    return sign_entry(gateway, EntryType.EXPORT, by, user, digest=digest, at=now, kind=of, **fields)


def _page(making: Making, about: About, count: int, verifier: bytes) -> EvidencePage:
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
        destructions=sum(name.startswith("destructions/") for name in making.pack.names),
        receipts=sum(name.startswith("receipts/") for name in making.pack.names),
        agreements=tuple(sorted(name for name in making.pack.names if name.startswith("agreements/"))),
        laws=sum(name.startswith("laws/") and "@" in name for name in making.pack.names),
        cosigners=tuple(sorted(making.cosigners)),
        verifier=hashlib.sha256(verifier).hexdigest(),
        lacking=making.lacking,
        happened=tuple(making.shown),
    )
