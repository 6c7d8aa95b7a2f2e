"""From an agreement's file to a Mou, strictly, with everything that is wrong with it in one go.

Without the exchanges at hand only the file itself is judged; with them every exchange, field, fact and
transform it names is looked up (`fit.py`).
"""

import re
from collections.abc import Mapping
from datetime import date

from gateway.agency import AgencyId
from gateway.document.source import Table, read_source
from gateway.finding import Finding
from gateway.iepd.package import Iepd
from gateway.policy.agencies import read_contact
from gateway.policy.clause import read_clauses, read_party
from gateway.policy.digest import digest, digest_of
from gateway.policy.mou import (
    Approval,
    Kind,
    Mou,
    PartyContact,
    Section,
)
from gateway.policy.reading import Reading

__all__ = ["digest", "read_mou"]

_MOU_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")
_CLAUSE_ID = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
_FIELD = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*(\.\*)?")

_REQUIRED = ("mou", "version", "title", "kind", "parties", "effective", "exchanges")
_PROSE = {
    "storage": "Where and how records are stored",
    "training": "Training",
    "breach_notice": "Notice of a breach",
    "third_parties": "Third parties",
    "audit": "Right to audit",
    "disputes": "Disputes",
    "termination": "Termination",
}
_OPTIONAL = ("supersedes", "authority", "contacts", "definitions", "goals", "prose", "approvals", *_PROSE)


def read_mou(data: bytes, file: str, iepds: Mapping[str, Iepd] | None = None) -> tuple[Mou | None, tuple[Finding, ...]]:
    """The agreement a file holds, or None with everything that is wrong with it."""
    root, findings = read_source(data, file)
    if root is None:
        return None, findings
    reading = Reading("mou", file)
    reading.findings.extend(findings)
    mou = _mou(reading, root, iepds)
    ordered = sorted(reading.findings, key=lambda finding: (finding.line or 0, finding.column or 0))
    return (None if ordered else mou), tuple(ordered)


def _mou(reading: Reading, root: Table, iepds: Mapping[str, Iepd] | None) -> Mou | None:
    reading.table(root, _REQUIRED, _OPTIONAL)
    hint = "an agreement's id is capital letters and digits joined by hyphens: JAIL-PD-2026-01"
    mou = reading.pattern(root, "mou", _MOU_ID, hint)
    version = reading.number(root, "version")
    kind = reading.choice(root, "kind", Kind)
    parties = _parties(reading, root)
    since, until, review_by = _effective(reading, root)
    exchanges = read_clauses(reading, root, parties, iepds)
    supersedes = reading.number(root, "supersedes")
    if supersedes and supersedes >= version:
        reading.wrong("bad-version", "a version supersedes an earlier one", root.entries["supersedes"])
    title = reading.text(root, "title")
    authority = reading.texts(root, "authority")
    contacts = _contacts(reading, root, parties)
    definitions = _definitions(reading, root)
    prose = _prose(reading, root)
    approvals = _approvals(reading, root, parties)
    if kind is None or since is None or until is None or reading.findings:
        return None
    return Mou(
        id=mou,
        version=version,
        title=title,
        kind=kind,
        parties=parties,
        since=since,
        until=until,
        exchanges=exchanges,
        digest=digest_of(root),
        supersedes=supersedes,
        review_by=review_by,
        authority=authority,
        contacts=contacts,
        definitions=definitions,
        prose=prose,
        approvals=approvals,
    )


# --- the frame ---------------------------------------------------------------------------------------------------


def _parties(reading: Reading, root: Table) -> tuple[AgencyId, ...]:
    parties = reading.agencies(root, "parties")
    if len(parties) == 1:
        reading.wrong("one-party", "an agreement has at least two parties", root.entries["parties"])
    return parties


def _effective(reading: Reading, root: Table) -> tuple[date | None, date | None, date | None]:
    node = root.entries.get("effective")
    table = None if node is None else reading.table(node, ("from", "until"), ("review_by",))
    if table is None:
        return None, None, None
    since, until, review_by = (reading.day(table, key) for key in ("from", "until", "review_by"))
    if since and until and until < since:
        reading.wrong("bad-date", "the last day lies before the first", table.entries["until"])
    if review_by and since and until and not since <= review_by <= until:
        reading.wrong("bad-date", "the review must fall between the first and the last day", table.entries["review_by"])
    return since, until, review_by


def _contacts(reading: Reading, root: Table, parties: tuple[AgencyId, ...]) -> tuple[PartyContact, ...]:
    found: list[PartyContact] = []
    for node in reading.items(root, "contacts"):
        table = reading.table(node, ("party", "role", "name"), ("phone", "email"))
        if table is not None:
            party = read_party(reading, table, "party", parties)
            found.append(PartyContact(party=party, contact=read_contact(reading, table)))
    return tuple(found)


def _definitions(reading: Reading, root: Table) -> tuple[Section, ...]:
    node = root.entries.get("definitions")
    if node is None:
        return ()
    if not isinstance(node, Table):
        reading.wrong("wrong-type", "definitions are a table: a word, and what it means", node)
        return ()
    return tuple(Section(heading=term, text=reading.text_of(meaning)) for term, meaning in node.entries.items())


def _prose(reading: Reading, root: Table) -> tuple[Section, ...]:
    sections = [
        Section(heading=heading, text=reading.text(root, key)) for key, heading in _PROSE.items() if key in root.entries
    ]
    for node in reading.items(root, "goals"):
        table = reading.table(node, ("goal", "measure"))
        if table is not None:
            text = f"{reading.text(table, 'goal')} Measured by: {reading.text(table, 'measure')}"
            sections.append(Section(heading="Goal", text=text))
    for node in reading.items(root, "prose"):
        table = reading.table(node, ("heading", "text"))
        if table is not None:
            sections.append(Section(heading=reading.text(table, "heading"), text=reading.text(table, "text")))
    return tuple(sections)


def _approvals(reading: Reading, root: Table, parties: tuple[AgencyId, ...]) -> tuple[Approval, ...]:
    found: list[Approval] = []
    for node in reading.items(root, "approvals"):
        table = reading.table(node, ("party", "by", "role", "at"), ("key", "signature"))
        at = None if table is None else reading.day(table, "at")
        if table is None or at is None:
            continue
        found.append(
            Approval(
                party=read_party(reading, table, "party", parties),
                by=reading.text(table, "by"),
                role=reading.text(table, "role"),
                at=at,
                key=reading.text(table, "key"),
                signature=reading.text(table, "signature"),
            )
        )
    return tuple(found)
