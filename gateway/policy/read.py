"""From an agreement's file to a Mou, strictly, with everything that is wrong with it in one go.

First the form of the file is judged (`format.py`), then what it means, on what is left. Without the exchanges at hand
only the file itself is judged; with them every exchange, field, fact and transform it names is looked up (`fit.py`);
with the agencies and the law packs, those too.
"""

from collections.abc import Collection, Mapping

from gateway.agency import Agency, AgencyId
from gateway.document.source import Table, read_source
from gateway.finding import Finding
from gateway.iepd.package import Iepd
from gateway.policy import taking
from gateway.policy.clause import read_clauses
from gateway.policy.digest import digest, digest_of
from gateway.policy.emergency import EMERGENCY
from gateway.policy.format import AGREEMENT
from gateway.policy.frame import (
    read_approvals,
    read_audit_kept,
    read_contacts,
    read_effective,
    read_goals,
    read_meanings,
    read_parties,
    read_prose,
    read_reports,
    read_storage,
    read_supersedes,
)
from gateway.policy.mou import AUDIT_KEPT, Kind, Mou
from gateway.policy.permit import Words, check_clause, read_access
from gateway.policy.reading import Reading, nearest

__all__ = ["digest", "read_mou"]


def read_mou(
    data: bytes,
    file: str,
    iepds: Mapping[str, Iepd] | None = None,
    *,
    agencies: Mapping[AgencyId, Agency] | None = None,
    law_packs: Collection[str] | None = None,
) -> tuple[Mou | None, tuple[Finding, ...]]:
    """The agreement a file holds, or None with everything that is wrong with it."""
    root, findings = read_source(data, file)
    if root is None:
        return None, findings
    reading = Reading("mou", file)
    reading.findings.extend(findings)
    conforming = AGREEMENT.conform(reading, root)
    assert isinstance(conforming, Table)  # noqa: S101  (the root is one)
    mou = _mou(reading, conforming, iepds, agencies, law_packs)
    ordered = sorted(reading.findings, key=lambda finding: (finding.line or 0, finding.column or 0))
    return (None if ordered else mou), tuple(ordered)


def _mou(
    reading: Reading,
    root: Table,
    iepds: Mapping[str, Iepd] | None,
    agencies: Mapping[AgencyId, Agency] | None,
    law_packs: Collection[str] | None,
) -> Mou | None:
    kind = taking.choice(root, "kind", Kind)
    parties = read_parties(reading, root, kind, agencies)
    version, supersedes = read_supersedes(reading, root)
    since, until, review_by = read_effective(reading, root)
    roles, purposes, courses = (read_meanings(root, key) for key in ("roles", "purposes", "courses"))
    words = Words(roles, purposes, courses)
    access = read_access(reading, root, words, iepds)
    clauses = read_clauses(reading, root, parties, iepds)
    for clause, table in clauses:
        check_clause(reading, clause, table, words, access)
    contacts = read_contacts(reading, root, parties)
    reports = read_reports(reading, root, contacts)
    audit_kept = read_audit_kept(reading, root)
    approvals = read_approvals(reading, root, parties, since)
    _check_law_packs(reading, root, law_packs)
    if taking.text(root, "mou") == EMERGENCY:
        reading.wrong("reserved-id", "this id stands for releases under no agreement at all", root.entries["mou"])
    if kind is None or since is None or until is None or reading.findings:
        return None
    return Mou(
        id=taking.text(root, "mou"),
        version=version,
        title=taking.text(root, "title"),
        kind=kind,
        parties=parties,
        since=since,
        until=until,
        exchanges=tuple(clause for clause, _ in clauses),
        digest=digest_of(root),
        supersedes=supersedes,
        review_by=review_by,
        authority=taking.texts(root, "authority"),
        contacts=contacts,
        definitions=read_meanings(root, "definitions"),
        prose=read_prose(root),
        approvals=approvals,
        access=access,
        law_packs=taking.texts(root, "law_packs"),
        goals=read_goals(root),
        reports=reports,
        storage=read_storage(root),
        roles=roles,
        purposes=purposes,
        courses=courses,
        audit_kept=audit_kept or AUDIT_KEPT,
    )


def _check_law_packs(reading: Reading, root: Table, known: Collection[str] | None) -> None:
    for node in taking.nodes(root, "law_packs"):
        pack = taking.word_of(node)
        if known is not None and pack not in known:
            reading.wrong("unknown-law-pack", f"there is no law pack {pack!r}{nearest(pack, known)}", node)
