"""Where agreements stand, how they came there, what they change and who sees what: the same answers as tables."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from gateway.app import newest_head
from gateway.audit.verify import LogReport
from gateway.cli.run import run
from gateway.clock import SystemClock
from gateway.config import FILE
from gateway.exchange.life import History, VersionStatus
from gateway.finding import Finding
from gateway.policy.change import Change
from gateway.policy.coverage import Coverage
from gateway.policy.mou import Mou
from gateway.report.table import Cell, Column, Table, columns

STATUS = columns(
    mou="Agreement",
    version="Version",
    title="Title",
    state="State",
    since="Since",
    first="In force from",
    until="Until",
    review_by="Review by",
    due="Due",
    approvals="Approved by",
    lacks="Lacking",
)
HISTORY = columns(
    at="When",
    version="Version",
    act="Act",
    state="State",
    by="By",
    agency="For",
    signature="Signature",
    digest="Digest",
    entry="Log entry",
    index="Leaf",
)
DIFF = columns(
    turn="Turn",
    what="What",
    text="Change",
    recipients="Recipients",
    exchange="Exchange",
    clauses="Clauses",
    fields="Fields",
)
COVERAGE = columns(
    exchange="Exchange",
    field="Field",
    label="Label",
    title="Title",
    recipient="Recipient",
    purpose="Purpose",
    role="Role",
    mou="Agreement",
    clause="Clause",
    outcome="Outcome",
    how="How",
    conditions="Conditions",
    by="By",
)
LINT = columns(
    file="File", line="Line", column="Column", severity="Severity", code="Code", path="Place", text="Finding"
)
VERIFY = columns(check="Check", result="Result", index="Leaf", text="What")


def table(
    directory: Path,
    cells: Iterable[tuple[Cell, ...]],
    *,
    name: str,
    title: str,
    question: str,
    of: tuple[Column, ...],
    filters: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> Table:
    """The Table, under the log of the deployment in this folder; outside of one, under none."""
    log, now = run(newest_head(directory)) if (directory / FILE).exists() else (None, SystemClock().now())
    return Table(
        name=name,
        title=title,
        question=question,
        columns=of,
        rows=tuple(cells),
        log=log,
        made_at=now,
        filters=tuple((key, value) for key, value in filters if value),
        note=note,
    )


def status_table(directory: Path, found: Iterable[VersionStatus], id: str | None) -> Table:
    """Question 10: which agreements are in force, ending, unsigned, past their review?"""
    return table(
        directory,
        [_version(each) for each in found],
        name="mou status",
        title="Agreements",
        question="Which agreements are in force, ending, unsigned or past their review?",
        of=STATUS,
        filters=(("agreement", id or ""),),
    )


def _version(each: VersionStatus) -> tuple[Cell, ...]:
    one, mou = each.agreement, each.mou
    return (
        one.mou,
        one.version,
        mou.title if mou is not None else None,
        one.state.value,
        each.since,
        mou.since.isoformat() if mou is not None else None,
        mou.until.isoformat() if mou is not None else None,
        mou.review_by.isoformat() if mou is not None and mou.review_by else None,
        ", ".join(due.value for due in each.due) or None,
        ", ".join(f"{approval.user} for {approval.party}" for approval in each.approvals) or None,
        ", ".join(f"{lack.people} of {lack.party}" for lack in each.lacks) or None,
    )


def history_table(directory: Path, found: History) -> Table:
    """Question 11: what was done to an agreement, and who approved it?"""
    return table(
        directory,
        [
            (
                act.at,
                act.version,
                act.act,
                act.state or None,
                act.by or None,
                act.agency or None,
                act.signature.value,
                act.digest,
                act.entry,
                act.index,
            )
            for act in found.acts
        ],
        name="mou history",
        title=f"History of {found.mou}",
        question="What was done to this agreement, by whom, and is the signature theirs?",
        of=HISTORY,
        filters=(("agreement", found.mou),),
    )


def diff_table(directory: Path, before: Mou, after: Mou, changes: Iterable[Change]) -> Table:
    """Question 11: what changed between two versions?"""
    return table(
        directory,
        [
            (
                each.turn.value,
                each.what,
                each.text,
                ", ".join(each.recipients) or None,
                each.exchange or None,
                ", ".join(each.clauses) or None,
                ", ".join(each.fields) or None,
            )
            for each in changes
        ],
        name="mou diff",
        title=f"{before.id} version {before.version} to {after.id} version {after.version}",
        question="What changed between these versions, and does it widen?",
        of=DIFF,
        filters=(("old", f"{before.id}@{before.version}"), ("new", f"{after.id}@{after.version}")),
    )


def coverage_table(directory: Path, tables: Iterable[Coverage], recipient: str, file: str) -> Table:
    """Question 12: which fields can an agency see, for which purpose?"""
    return table(
        directory,
        [
            (
                each.exchange,
                row.field,
                row.label,
                row.title,
                column.recipient,
                column.purpose,
                column.role,
                f"{column.mou}@{column.version}",
                column.clause,
                cell.outcome,
                cell.how or None,
                "; ".join(cell.conditions) or None,
                cell.by or None,
            )
            for each in tables
            for row in each.rows
            for column, cell in zip(each.columns, row.cells, strict=True)
        ],
        name="mou coverage",
        title=f"Who sees what{f': {recipient}' if recipient else ''}",
        question="Which fields can an agency see at all, for which purpose, by which clause?",
        of=COVERAGE,
        filters=(("recipient", recipient), ("file", file)),
    )


def lint_table(directory: Path, findings: Iterable[Finding], files: Sequence[str]) -> Table:
    """Question 13: what is wrong with these agreements; which fields does nobody classify?"""
    return table(
        directory,
        [
            (each.file, each.line or None, each.column or None, each.severity.value, each.code, each.path, each.text)
            for each in findings
        ],
        name="mou lint",
        title="Findings in agreements",
        question="What is wrong with these agreements, and which fields has nobody classified?",
        of=LINT,
        filters=(("files", ", ".join(files)),),
    )


def verify_table(directory: Path, found: LogReport, since: datetime | None) -> Table:
    """Question 4: was the log altered?"""
    good = "the log is the one that was signed"
    verdict: tuple[Cell, ...] = (
        "log",
        "verified" if found.verified else "not verified",
        None,
        f"{found.entries} entries read, {found.size} signed: {good if found.verified else 'see the findings'}",
    )
    return table(
        directory,
        [verdict, *((each.code, "wrong", each.index, each.text) for each in found.findings)],
        name="audit verify",
        title="Verification of the log",
        question="Was the log altered?",
        of=VERIFY,
        filters=(("since", f"{since:%Y-%m-%dT%H:%M:%SZ}" if since else ""),),
    )
