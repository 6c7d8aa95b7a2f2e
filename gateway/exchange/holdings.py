"""Holdings: what an agency was given and may still have, for a notice of a breach at it.

Told by the log alone, which outlives our own copies: each dissemination to the agency whose time with it is not over,
unless it never left here or the agency has attested that it destroyed it. Where the log cannot tell - a try without an
answer, an inbox item that was read and not acknowledged - the agency may have it, and it counts.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry
from gateway.clock import timestamp
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.acting import OPERATOR, RUNS, Acting, allowed, sign_entry
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.gateway import Gateway
from gateway.exchange.reading import reading
from gateway.store.answers import Page
from gateway.store.configuration import Credential, CredentialKind
from gateway.store.log import StoredEntry
from gateway.store.witness import Watch

KIND: Final = "holdings"

PAGE: Final = 500

NEVER_LEFT: Final = frozenset(
    {
        "delivery.address-invalid",
        "delivery.address-refused",
        "delivery.certificate-revoked",
        "delivery.certificate-untrusted",
        "delivery.crl-stale",
        "delivery.name-unknown",
        "delivery.no-connection",
        "delivery.plain-http",
        "delivery.tls",
        "tls.client-key",
        "tls.authorities",
    }
)
"""Codes of tries in which no byte of a message left: no connection was made."""

_TRIES: Final = (EntryType.FAIL, EntryType.UNDELIVERABLE, EntryType.EXPIRE)

_READ: Final = ("payload", "notice")

WAITING: Final = (State.WAITING, State.SENDING)


class Has(StrEnum):
    """Whether the agency has it."""

    YES = "yes"  # it said so
    PERHAPS = "perhaps"  # a try had no answer, or it was read and not acknowledged


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One dissemination that the agency has, or may have. Ids, dates and numbers; no content, nobody's name.

    keep_until  None = its agreement sets no time
    counts      of what is accounted for by law (labels of `counts` in the log)
    """

    message: str
    dissemination: str
    delivery: str
    sender: AgencyId
    exchange: str
    mou: str
    at: datetime
    has: Has
    keep_until: datetime | None = None
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def month(self) -> str:
        """In UTC, such as 2026-03."""
        return f"{self.at:%Y-%m}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How much of one sender under one agreement in one month. keep_until: the latest; None when one has none."""

    sender: AgencyId
    mou: str
    exchange: str
    month: str
    count: int
    perhaps: int
    keep_until: datetime | None
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What one agency has.

    waiting   deliveries to it that have not arrived: they stay here while it is shut out
    stopped   how many credentials, by kind, count no more; cosigner keys too
    """

    agency: AgencyId
    at: datetime
    held: tuple[Held, ...]
    waiting: tuple[Delivery, ...]
    stopped: tuple[tuple[str, int], ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        """By sender, agreement, exchange and month."""
        found: defaultdict[tuple[AgencyId, str, str, str], list[Held]] = defaultdict(list)
        for each in self.held:
            found[each.sender, each.mou, each.exchange, each.month].append(each)
        return tuple(_group(key, each) for key, each in sorted(found.items()))


def _group(key: tuple[AgencyId, str, str, str], held: Sequence[Held]) -> Group:
    sender, mou, exchange, month = key
    ends = [each.keep_until for each in held if each.keep_until is not None]
    counts = Counter[str]()
    for each in held:
        counts.update(dict(each.counts))
    return Group(
        sender=sender,
        mou=mou,
        exchange=exchange,
        month=month,
        count=len(held),
        perhaps=sum(each.has is Has.PERHAPS for each in held),
        keep_until=max(ends) if len(ends) == len(held) else None,
        counts=tuple(sorted(counts.items())),
    )


async def holdings(gateway: Gateway, agency: AgencyId, *, actor: str = "cli") -> Holdings:
    """What it has. That it was asked is an entry, written before anything is given. Raises `AgencyUnknown`."""
    if agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {agency}")
    now = gateway.clock.now()
    held = [each async for each in _held(gateway, agency, now)]
    found = Holdings(
        agency=agency,
        at=now,
        held=tuple(held),
        waiting=await _waiting(gateway, agency),
        stopped=await _stopped(gateway, agency, now),
    )
    await gateway.store.record([reading(gateway, KIND, agency=agency, actor=actor, count=len(held))])
    return found


async def _held(gateway: Gateway, agency: AgencyId, now: datetime) -> AsyncIterator[Held]:
    attested = {
        (each.message, each.recipient)
        for each in await gateway.store.attestations(open_only=False)
        if each.attested_at is not None
    }
    async for page in _given(gateway, agency):
        has = await _arrived(gateway, page)
        for stored in page:
            said = json.loads(stored.entry.body)
            keep = _keep_until(gateway, stored, said)
            if said["dissemination"] not in has or (keep is not None and keep < now):
                continue
            if (said["message"], agency) in attested:
                continue
            yield _as_held(stored, said, has[said["dissemination"]], keep)


async def _given(gateway: Gateway, agency: AgencyId) -> AsyncIterator[Sequence[StoredEntry]]:
    """Entries of what was made for it, under agreements and in emergencies."""
    page = Page(limit=PAGE)
    while found := await gateway.store.disseminated(None, page, recipient=agency):
        yield found
        page = replace(page, after=found[-1].entry.id)


def _as_held(stored: StoredEntry, said: dict[str, Any], has: Has, keep: datetime | None) -> Held:
    return Held(
        message=said["message"],
        dissemination=said["dissemination"],
        delivery=said.get("delivery", ""),
        sender=AgencyId(said["sender"]),
        exchange=said.get("exchange", ""),
        mou=said["mou"],
        at=stored.entry.at,
        has=has,
        keep_until=keep,
        counts=tuple(sorted(said.get("counts", {}).items())),
    )


def _keep_until(gateway: Gateway, stored: StoredEntry, said: dict[str, Any]) -> datetime | None:
    """By its agreement. Law may ask for an earlier end, which an agency that was broken into may not have kept to."""
    mou, _, version = said["mou"].rpartition("@")
    agreement = gateway.current.mous.get((mou, int(version)))
    clauses = [] if agreement is None else [each for each in agreement.exchanges if each.id in said["clauses"]]
    times = [each.retention.recipient_copy for each in clauses]
    ends = [stored.entry.at + each for each in times if each is not None]
    return max(ends) if ends and len(ends) == len(times) else None


async def _arrived(gateway: Gateway, page: Sequence[StoredEntry]) -> dict[str, Has]:
    """Which of these disseminations the agency has, or may have."""
    found: dict[str, Has] = {}
    messages = {each.entry.message for each in page if each.entry.message is not None}
    for stored in await gateway.store.entries_about(messages):
        said = json.loads(stored.entry.body)
        of = said.get("dissemination")
        if of is None:
            continue
        if said["type"] == EntryType.DELIVER:
            found[of] = Has.YES
        elif _may_have_arrived(said):
            found.setdefault(of, Has.PERHAPS)
    return found


def _may_have_arrived(said: dict[str, Any]) -> bool:
    if said["type"] in _TRIES:
        return bool(said.get("attempts")) and said.get("code", "") not in NEVER_LEFT
    return said["type"] == EntryType.READ and said["kind"] in _READ


async def _waiting(gateway: Gateway, agency: AgencyId) -> tuple[Delivery, ...]:
    found: list[Delivery] = []
    for state in WAITING:
        before = None
        while page := await gateway.store.deliveries(state, agency, before, PAGE):
            found += page
            before = page[-1].id
    return tuple(sorted(found, key=lambda each: each.created_at))


async def _stopped(gateway: Gateway, agency: AgencyId, now: datetime) -> tuple[tuple[str, int], ...]:
    counts = Counter({"authority": 0} | {each.value: 0 for each in CredentialKind})
    for one in gateway.current.held(agency):
        if one.revoked_at is None and one.not_after > now:
            counts[one.kind.value if isinstance(one, Credential) else "authority"] += 1
    for key in await gateway.store.witness_keys():
        if key.agency == agency and key.ended_at is None:
            counts["cosigner" if key.watch is Watch.COSIGNER else "log-key"] += 1
    return tuple(sorted(counts.items()))


# --- the list, for a file ---------------------------------------------------------------------------------------------

COLUMNS: Final = (
    *("message", "dissemination", "delivery", "sender", "agreement", "exchange"),
    *("disseminated_at", "has", "keep_until"),
)


def as_csv(held: Iterable[Held]) -> str:
    """One line each. Every cell is an id, a code or a moment: none can be a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in held:
        keep = timestamp(each.keep_until) if each.keep_until else ""
        ids = (each.message, each.dissemination, each.delivery, each.sender, each.mou, each.exchange)
        writer.writerow((*ids, timestamp(each.at), each.has.value, keep))
    return out.getvalue()


async def export_holdings(gateway: Gateway, found: Holdings, *, by: Acting | None = None, actor: str = "cli") -> str:
    """The list as text; that it is taken out is an entry first, with its digest. by: who takes it out, who signs that.

    Raises what `allowed` raises.
    """
    text = as_csv(found.held)
    digest = f"sha-256:{sha256(text.encode()).hexdigest()}"
    await gateway.store.record([_exported(gateway, found, digest, by, actor)])
    return text


def _exported(gateway: Gateway, found: Holdings, digest: str, by: Acting | None, actor: str) -> AuditEntry:
    fields: dict[str, Any] = {"agency": found.agency, "count": len(found.held)}
    if by is None:
        return reading(gateway, KIND, type=EntryType.EXPORT, actor=actor, digest=digest, **fields)
    person = allowed(gateway, by, RUNS, OPERATOR)
    now = gateway.clock.now()
    return sign_entry(gateway, EntryType.EXPORT, by, person, digest=digest, at=now, kind=KIND, **fields)
