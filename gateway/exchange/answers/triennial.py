"""The bundle for the triennial audit of the CJIS Security Policy: six tables, the agreements' texts, and the entries
that the tables cite with their proofs, in one signed zip of the form of `audit.package`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import Checkpoint, unverified_checkpoint
from gateway.audit.package import CHECKPOINT, ENTRIES, ROTATIONS, Pack, Statement, entry_line
from gateway.clock import timestamp
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.answers.asked import Asked, body_of
from gateway.exchange.cosigned import checkpoint_with_cosignatures
from gateway.exchange.evidence import EntryNotInTree, proof_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.head import log_head
from gateway.exchange.life import status_of
from gateway.exchange.package import write_people
from gateway.exchange.rotate_log_key import handovers
from gateway.exchange.selection import signers_in
from gateway.keys.modules import modules
from gateway.report.period import Period
from gateway.report.table import Cell, Column, Table, as_csv, as_html, as_json, columns
from gateway.signing.algorithm import SignatureMethod
from gateway.store.log import StoredEntry

ROWS_MAX = 20_000
"""Of one table; a bundle is read by people."""

WEEK = timedelta(days=7)

KIND = "cjis-triennial"

RETAINED = (EntryType.DESTROY, EntryType.HOLD, EntryType.RELEASE)
INCIDENTS = (
    EntryType.EMERGENCY,
    EntryType.ACCESS_REFUSED,
    EntryType.SIGN_IN_REFUSED,
    EntryType.UNDELIVERABLE,
    EntryType.ALERT,
)

NO_MFA = (
    "The gateway asks for no second factor yet: the part that would is not built. People act with a key of their "
    "own under a passphrase."
)
OUTSIDE = (
    "Emergency releases, refused accesses, undeliverable messages and alerts, as the log has them. Incidents that were "
    "handled outside the gateway are in the operator's own incident records."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What was handed out. entry: of the log, that says so; tables: by name, how many rows."""

    statement: Statement
    entry: str
    tables: dict[str, int]
    cited: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    gateway: Gateway
    period: Period
    log: Checkpoint
    now: datetime

    def table(
        self,
        name: str,
        title: str,
        question: str,
        of: tuple[Column, ...],
        rows: Sequence[tuple[Cell, ...]],
        note: str = "",
    ) -> Table:
        """One of the bundle's tables."""
        return Table(
            name=f"report {KIND} {name}",
            title=title,
            question=question,
            columns=of,
            rows=tuple(rows),
            log=self.log,
            made_at=self.now,
            period=self.period,
            note=note,
        )

    async def entries(self, types: tuple[EntryType, ...]) -> tuple[StoredEntry, ...]:
        """The entries of the period."""
        return await self.gateway.store.entries_of_types(
            types, since=self.period.since, until=self.period.until, limit=ROWS_MAX
        )


async def triennial(gateway: Gateway, asked: Asked, file: BinaryIO, *, by: Acting, verifier: bytes) -> Bundle:
    """Write the bundle of a period into an empty file; that it was handed out is a signed entry of the log.

    Raises `EntryNotInTree` when nothing is in the log yet, and what `allowed` raises: an officer of the operator.
    """
    await gateway.refresh()
    person = allowed(gateway, by, OFFICERS, OPERATOR)
    note, head = await gateway.store.checkpoint(), await log_head(gateway)
    if note is None or head is None or asked.period is None:
        raise EntryNotInTree("nothing is in the log yet")
    now = gateway.clock.now()
    making = _Making(gateway=gateway, period=asked.period, log=head, now=now)
    cited: list[StoredEntry] = []
    tables = {
        "agreements": await _agreements(making),
        "people": _people(making),
        "weekly-reviews": await _reviews(making, cited),
        "cryptography": _cryptography(making),
        "retention": await _retention(making, cited),
        "incidents": await _incidents(making, cited),
    }
    with Pack(file) as pack:
        for name, table in tables.items():
            for ending, form in (("csv", as_csv), ("json", as_json), ("html", as_html)):
                pack.add(f"tables/{name}.{ending}", form(table).encode())
        for one in gateway.current.agreements:
            pack.add(f"agreements/{one.mou}@{one.version}.yaml", one.body)
        count = await _cite(making, pack, cited)
        write_people(gateway, pack, {one for each in cited for one in signers_in(body_of(each))})
        pack.add(CHECKPOINT, await checkpoint_with_cosignatures(gateway.store, head.size) or note)
        for passed in await handovers(gateway):
            pack.add(f"{ROTATIONS}{unverified_checkpoint(passed).size:015d}", passed)
        pack.add("verifier.py", verifier)
        pack.add("README.html", as_html(_contents(making, tables)).encode())
        of = f"CJIS triennial audit {asked.period.text}"
        statement = pack.seal(gateway.keys.receipt_signer, origin=head.origin, of=of, made=now, size=making.log.size)
    signed = sign_entry(
        gateway,
        EntryType.EXPORT,
        by,
        person,
        digest=statement.digest,
        at=now,
        kind=KIND,
        count=sum(len(table.rows) for table in tables.values()),
        log_size=making.log.size,
    )
    await gateway.store.record([signed])
    rows = {name: len(table.rows) for name, table in tables.items()}
    return Bundle(statement=statement, entry=signed.id, tables=rows, cited=count)


async def _cite(making: _Making, pack: Pack, cited: Sequence[StoredEntry]) -> int:
    """The entries that the tables speak of, in the order of the log, each with its proof."""
    found = {each.index: each for each in cited if each.index is not None and each.index < making.log.size}
    with pack.opened(ENTRIES) as write:
        for index in sorted(found):
            proof = await proof_of(making.gateway.store, found[index], making.log)
            write(entry_line(index, found[index].entry.body, proof))
    return len(found)


async def _agreements(making: _Making) -> Table:
    found = await status_of(making.gateway)
    rows: list[tuple[Cell, ...]] = [
        (
            each.agreement.mou,
            each.agreement.version,
            each.mou.title if each.mou is not None else None,
            ", ".join(each.mou.parties) if each.mou is not None else None,
            each.agreement.state.value,
            each.since,
            each.mou.until.isoformat() if each.mou is not None else None,
            ", ".join(each.mou.authority) if each.mou is not None else None,
            ", ".join(f"{one.user} for {one.party}" for one in each.approvals) or None,
            each.agreement.digest,
        )
        for each in found
    ]
    of = columns(
        mou="Agreement", version="Version", title="Title", parties="Parties", state="State", since="Since",
        until="Until", authority="Authority", approvals="Approved by", digest="Digest",
    )  # fmt: skip
    return making.table("agreements", "Agreements (5.1)", "Which agreements is information exchanged under?", of, rows)


def _people(making: _Making) -> Table:
    users = sorted(making.gateway.current.users.values(), key=lambda each: each.id)
    rows: list[tuple[Cell, ...]] = [
        (
            each.id,
            each.agency or "operator",
            ", ".join(sorted(role.value for role in each.roles)),
            each.since,
            each.disabled_at,
            "not built",
        )
        for each in users
    ]
    of = columns(user="Account", agency="For", roles="Roles", since="Since", disabled="Shut out", mfa="Second factor")
    return making.table("people", "People and their second factor (IA-2)", "Who may act?", of, rows, NO_MFA)


async def _reviews(making: _Making, cited: list[StoredEntry]) -> Table:
    """Each week of the period that is over and has a log, and who reviewed it."""
    store = making.gateway.store
    span = await store.log_span()
    began = span[0] if span is not None else making.now
    signed = [
        (*_looked_through(each), each)
        for each in await store.entries_of_types((EntryType.REVIEW,), since=making.period.since, limit=ROWS_MAX)
    ]
    rows: list[tuple[Cell, ...]] = []
    for since, until in weeks(making.period, min(making.now, making.period.until)):
        if until <= began:
            continue
        own = [each for first, last, each in signed if first < until and since < last]
        cited.extend(own)
        whole = covered(((first, last) for first, last, _ in signed), max(since, began), until)
        state = "reviewed" if whole else "partly reviewed" if own else "not reviewed"
        who = ", ".join(dict.fromkeys(body_of(each)["actor"] for each in own))
        rows.append((since, until, state, who or None, own[-1].entry.at if own else None))
    of = columns(since="From", until="Until", state="State", by="By", at="Signed off")
    note = f"The log began {timestamp(began)}; weeks before are left out." if began > making.period.since else ""
    return making.table("weekly-reviews", "Weekly review of the log (AU-6)", "Who reviewed each week?", of, rows, note)


def _looked_through(review: StoredEntry) -> tuple[datetime, datetime]:
    body = body_of(review)
    return datetime.fromisoformat(body["valid_from"]), datetime.fromisoformat(body["until"])


def covered(spans: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime) -> bool:
    """Whether spans together leave nothing out between two moments: nobody reviews from Monday to Monday."""
    reached = since
    for first, last in sorted(spans):
        if first <= reached:
            reached = max(reached, last)
    return reached >= until


def weeks(period: Period, now: datetime) -> list[tuple[datetime, datetime]]:
    """The whole weeks of a period that are over, from Monday to Monday."""
    first = period.since - timedelta(days=period.since.weekday())
    if first < period.since:
        first += WEEK
    found: list[tuple[datetime, datetime]] = []
    while first + WEEK <= now:
        found.append((first, first + WEEK))
        first += WEEK
    return found


def _cryptography(making: _Making) -> Table:
    rows: list[tuple[Cell, ...]] = [
        ("module", what, version, "FIPS mode" if fips else "not in FIPS mode") for what, version, fips in modules()
    ]
    rows += [
        ("in transit", "TLS", "1.2 with forward secrecy and AES-GCM or ChaCha20, 1.3", "SC-8, SC-13"),
        ("at rest", "payloads", "AES-256-GCM, a key for each, derived and never stored", "SC-28"),
        ("signatures of messages", "made and accepted", ", ".join(each.name for each in SignatureMethod), "SC-13"),
        ("signatures of the log and of people", "made", "Ed25519 (FIPS 186-5)", "AU-9, AU-10"),
        ("digests", "used", "SHA-256, SHA-384, SHA-512; SHA-1 and MD5 are accepted nowhere", "SC-13"),
    ]
    note = (
        "Said by the modules themselves when the bundle was made. Validation certificates are the operator's to show."
    )
    of = columns(what="What", use="Use", how="How", control="State or control")
    return making.table("cryptography", "Cryptography (SC-8, SC-13, SC-28)", "What protects it?", of, rows, note)


async def _retention(making: _Making, cited: list[StoredEntry]) -> Table:
    found = await making.entries(RETAINED)
    cited.extend(found)
    rows = []
    for each in found:
        body = body_of(each)
        what = (body.get("kind"), body.get("count"), body.get("bucket"), body.get("outcome"), body.get("reason"))
        people = (body.get("actor"), body.get("second"))
        proof = body.get("document") or body.get("digest")
        rows.append((each.entry.at, body["type"], *what, *people, proof, each.entry.id, each.index))
    of = columns(
        at="When", act="Act", kind="Kind", count="How many", bucket="Bucket", outcome="Outcome", reason="Reason",
        by="By", second="And by", document="Certificate", entry="Log entry", index="Leaf",
    )  # fmt: skip
    return making.table("retention", "Destruction and legal holds (MP-6, AU-11)", "What was destroyed?", of, rows)


async def _incidents(making: _Making, cited: list[StoredEntry]) -> Table:
    found = await making.entries(INCIDENTS)
    cited.extend(found)
    rows = []
    for each in found:
        body = body_of(each)
        who = body.get("actor") or body.get("agency") or body.get("recipient")
        what = (
            body.get("code") or body.get("reason"),
            body.get("action") or body.get("kind"),
            who,
            body.get("count", 1),
        )
        rows.append((each.entry.at, body["type"], *what, each.entry.id, each.index))
    of = columns(
        at="When", what="What", code="Reason", action="Action", who="Who", count="How often", entry="Log entry",
        index="Leaf",
    )  # fmt: skip
    return making.table("incidents", "Incidents (IR-6)", "What happened that should not?", of, rows, OUTSIDE)


def _contents(making: _Making, tables: dict[str, Table]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (f"tables/{name}.csv, .json, .html", table.title, len(table.rows), table.digest)
        for name, table in tables.items()
    ]
    rows += [
        ("agreements/", "Text of every version of every agreement", len(making.gateway.current.agreements), None),
        (f"{ENTRIES}, {CHECKPOINT}", "Entries that the tables cite, with proofs, and the signed head", None, None),
        ("people/", "Public keys of those who signed these entries", None, None),
        ("files.txt, statement", "Digests of all files, and the gateway's signed word on them", None, None),
        ("verifier.py", "Checks all that: python verifier.py FILE --key LOG-KEY --receipt-key RECEIPT-KEY", None, None),
    ]
    of = columns(file="File", what="What", rows="Rows", digest="Digest of the rows")
    return making.table("contents", "CJIS triennial audit", "What is in this bundle?", of, rows)
