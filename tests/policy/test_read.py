"""Agreements are read strictly, and everything wrong with one is told at once."""

from datetime import date, timedelta

import pytest

from gateway.finding import Finding
from gateway.policy.mou import Evidence, Kind
from gateway.policy.read import read_mou
from tests.policy.examples import FUSION, JAIL, POLICE, agreement_files, agreements, exchanges

GOOD = """\
mou: TEST-01
version: 2
supersedes: 1
title: For a test
kind: mou
parties: [harlan-county-jail, millbrook-police]
effective: {from: 2026-01-01, until: 2026-12-31, review_by: 2026-06-01}
exchanges:
  - id: E1
    exchange: custody-release/1.0
    from: harlan-county-jail
    to: [millbrook-police]
    purpose: release-notification
    role: patrol-officer
    route:
      - {fact: sealed, is: false}
    fields:
      share:
        - message.head
        - person.name
      transform:
        person.dob: {do: generalize, to: year}
    deliver: {evidence: signed, within: 15 minutes}
    send_at_least: 48 hours
    before: release.scheduled
    retention: {gateway_copy: 30 days, recipient_copy: P1Y}
"""


def findings_of(text: str) -> tuple[Finding, ...]:
    mou, findings = read_mou(text.encode(), "test.yaml", exchanges())
    assert (mou is None) == bool(findings)
    return findings


def test_the_shipped_agreements_have_no_findings() -> None:
    assert {
        "JAIL-PD-2026-01",
        "JAIL-PROB-2026-02",
        "JAIL-FUSION-2026-03",
        "PROB-PD-2026-04",
        "PD-JAIL-2026-05",
    } == set(agreements())
    assert all(f"{id}.yaml" in agreement_files() for id in agreements())


def test_the_shipped_agreements_name_labels_and_not_single_fields_of_one_place() -> None:
    # A person stands in several places under several field names and one label: only labels speak of all of them.
    for mou in agreements().values():
        for clause in mou.exchanges:
            labels = exchanges()[clause.exchange].catalog.labels()
            for line in (*clause.share, *clause.transforms):
                assert line.what.endswith("*") or line.what in labels, (mou.id, clause.id, line.what)


def test_everything_in_the_file_is_in_the_mou() -> None:
    mou, findings = read_mou(GOOD.encode(), "test.yaml", exchanges())
    assert findings == ()
    assert mou is not None
    assert (mou.id, mou.version, mou.supersedes, mou.kind) == ("TEST-01", 2, 1, Kind.MOU)
    assert (mou.since, mou.until, mou.review_by) == (date(2026, 1, 1), date(2026, 12, 31), date(2026, 6, 1))
    clause = mou.exchanges[0]
    assert (clause.sender, clause.recipients) == (JAIL, (POLICE,))
    assert clause.evidence is Evidence.SIGNED
    assert clause.within == timedelta(minutes=15)
    assert clause.deadline is not None
    assert (clause.deadline.at_least, clause.deadline.before) == (timedelta(hours=48), "release.scheduled")
    assert clause.retention.gateway_copy == timedelta(days=30)
    assert clause.retention.recipient_copy == timedelta(days=365)


def test_prose_contacts_and_approvals_are_kept() -> None:
    approved = GOOD + (
        "contacts: [{party: millbrook-police, role: liaison, name: A. Moss, phone: '+1-555-010-0001'}]\n"
        "definitions: {release: A person leaves custody.}\n"
        "third_parties: Nothing is passed on.\n"
        "prose: [{heading: Costs, text: Each party bears its own.}]\n"
        "approvals: [{party: millbrook-police, by: A. Moss, role: chief, at: 2025-12-12}]\n"
    )
    mou, findings = read_mou(approved.encode(), "test.yaml", exchanges())
    assert findings == ()
    assert mou is not None
    assert mou.contacts[0].contact.name == "A. Moss"
    assert mou.definitions[0].heading == "release"
    assert [section.heading for section in mou.prose] == ["Third parties", "Costs"]
    assert mou.approvals[0].at == date(2025, 12, 12)


# (what is replaced, by what, code, line)
FAULTS = [
    ("kind: mou", "kind: mou\nkind: dsa", "yaml.duplicate-key", 6),
    ("title: For a test", "title: &t For a test", "yaml.anchor", 4),
    ("title: For a test", "title: !!str For a test", "yaml.tag", 4),
    ("title: For a test", "title: null", "yaml.empty", 4),
    ("version: 2", "version: 2.0", "yaml.number", 2),
    ("title: For a test", "tittle: For a test", "mou.unknown-key", 4),
    ("title: For a test\n", "", "mou.missing-key", 1),
    ("version: 2", "version: two", "mou.wrong-type", 2),
    ("supersedes: 1", "supersedes: 2", "mou.bad-version", 3),
    ("mou: TEST-01", "mou: test 1", "mou.bad-text", 1),
    ("kind: mou", "kind: treaty", "mou.unknown-word", 5),
    ("parties: [harlan-county-jail, millbrook-police]", "parties: [harlan-county-jail]", "mou.one-party", 6),
    ("from: harlan-county-jail", "from: Harlan County Jail", "mou.bad-agency", 11),
    ("to: [millbrook-police]", "to: [tri-county-fusion]", "mou.not-a-party", 12),
    ("to: [millbrook-police]", "to: [harlan-county-jail]", "mou.to-itself", 12),
    ("to: [millbrook-police]", "to: [millbrook-police, millbrook-police]", "mou.named-twice", 12),
    ("to: [millbrook-police]", "to: []", "mou.empty-list", 12),
    ("to: [millbrook-police]", "to: millbrook-police", "mou.wrong-type", 12),
    ("until: 2026-12-31", "until: 2026-02-30", "mou.bad-date", 7),
    ("until: 2026-12-31", "until: 31.12.2026", "mou.bad-date", 7),
    ("until: 2026-12-31", "until: 2025-12-31", "mou.ends-before-start", 7),
    ("review_by: 2026-06-01", "review_by: 2030-06-01", "mou.review-after-end", 7),
    ("review_by: 2026-06-01", "review_by: 2025-06-01", "mou.review-before-start", 7),
    ("within: 15 minutes", "within: soon", "mou.bad-duration", 23),
    ("exchange: custody-release/1.0", "exchange: custody-realese/1.0", "mou.unknown-exchange", 10),
    ("- person.name", "- person.nmae", "mou.unknown-field", 20),
    ("- person.name", "- Person Name", "mou.bad-word", 20),
    ("- person.name", "- {field: person.name}", "mou.missing-key", 20),
    ("- person.name", "- {field: person.name, unless: sealled}", "mou.unknown-fact", 20),
    ("- person.name", "- {field: person.name, unless: residence.city}", "mou.fact-kind", 20),
    ("- person.name", "- {field: person.name, unless: protected}", "mou.fact-elsewhere", 20),
    ("{fact: sealed, is: false}", "{fact: sealled, is: false}", "mou.unknown-fact", 16),
    ("{fact: sealed, is: false}", "{fact: sealed, is: no}", "mou.fact-kind", 16),
    ("{fact: sealed, is: false}", "{fact: sealed, is: 3}", "mou.wrong-type", 16),
    ("{fact: sealed, is: false}", "{fact: residence.city, is: true}", "mou.fact-kind", 16),
    ("{fact: sealed, is: false}", "{fact: protected, is: false}", "mou.fact-elsewhere", 16),
    ("before: release.scheduled", "before: sealed", "mou.fact-kind", 25),
    ("    before: release.scheduled\n", "", "mou.half-a-deadline", 24),
    (
        "person.dob: {do: generalize, to: year}",
        "person.dob: {do: mask, keep_last: 4}",
        "mou.transform-does-not-fit",
        22,
    ),
    ("person.dob: {do: generalize, to: year}", "person.dob: {do: generalize, to: decade}", "mou.unknown-word", 22),
    ("person.dob: {do: generalize, to: year}", "person.dob: {do: blur, to: year}", "mou.unknown-word", 22),
    ("person.dob: {do: generalize, to: year}", "person.dob: {do: generalize}", "mou.missing-key", 22),
    (
        "person.dob: {do: generalize, to: year}",
        "person.dob: {do: generalize, to: year, keep_last: 2}",
        "mou.unknown-key",
        22,
    ),
    ("person.dob: {do: generalize, to: year}", "person.dbo: {do: generalize, to: year}", "mou.unknown-field", 22),
    (
        "person.dob: {do: generalize, to: year}",
        "person.sex: {do: replace, with: secret}",
        "mou.transform-does-not-fit",
        22,
    ),
    (
        "person.dob: {do: generalize, to: year}",
        "caution.text: {do: mask, keep_last: 4}",
        "mou.transform-does-not-fit",
        22,
    ),
    (
        "person.dob: {do: generalize, to: year}",
        "person.photo: {do: mask, keep_last: 4}",
        "mou.transform-does-not-fit",
        22,
    ),
    (
        "person.dob: {do: generalize, to: year}",
        "person.name: {do: generalize, to: city-state}",
        "mou.transform-does-not-fit",
        22,
    ),
]


@pytest.mark.parametrize(("old", "new", "code", "line"), FAULTS)
def test_each_fault_has_its_code_and_its_line(old: str, new: str, code: str, line: int) -> None:
    assert GOOD.count(old) >= 1
    findings = findings_of(GOOD.replace(old, new, 1))
    assert (code, line) in {(finding.code, finding.line) for finding in findings}
    assert {finding.file for finding in findings} == {"test.yaml"}
    assert all(finding.column is not None and finding.text for finding in findings)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("title: For a test", "tittle: For a test", "did you mean 'title'?"),
        ("- person.name", "- person.nmae", "did you mean 'person.name'?"),
        ("custody-release/1.0", "custody-realese/1.0", "did you mean 'custody-release/1.0'?"),
        ("fact: sealed", "fact: seeled", "did you mean 'sealed'?"),
        ("do: generalize", "do: generalise", "did you mean 'generalize'?"),
    ],
)
def test_a_slip_of_the_pen_gets_a_hint(old: str, new: str, hint: str) -> None:
    assert any(hint in finding.text for finding in findings_of(GOOD.replace(old, new, 1)))


def test_two_different_transforms_on_one_field_are_refused_wherever_they_stand() -> None:
    more = "        person.*: {do: generalize, to: month}\n    deliver"
    findings = findings_of(GOOD.replace("    deliver", more, 1))
    assert ("mou.two-transforms", 23) in {(finding.code, finding.line) for finding in findings}


def test_a_transform_beside_a_removal_is_no_conflict() -> None:
    assert findings_of(GOOD.replace("    deliver", "        person.*: {do: remove, because: x}\n    deliver", 1)) == ()


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD
    for old, new in (
        ("title: For a test", "tittle: For a test"),
        ("until: 2026-12-31", "until: never"),
        ("to: [millbrook-police]", "to: [tri-county-fusion]"),
        ("- person.name", "- person.nmae"),
        ("within: 15 minutes", "within: soon"),
    ):
        text = text.replace(old, new, 1)
    found = findings_of(text)
    assert {"mou.unknown-key", "mou.missing-key", "mou.bad-date", "mou.not-a-party", "mou.unknown-field"} <= {
        finding.code for finding in found
    }
    assert [finding.line for finding in found] == sorted(finding.line or 0 for finding in found)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff\xfe\x00", "yaml.not-text"),
        (b"a: [1", "yaml.syntax"),
        (b"- a\n- b\n", "yaml.not-a-table"),
        (b"", "yaml.not-a-table"),
        (b"mou: &a x\nb: *a\n", "yaml.alias"),
        (b"a: " + b"[" * 40 + b"]" * 40, "yaml.too-deep"),
        (b"mou: A\n---\nmou: B\n", "yaml.several-documents"),
        (b"? [a]\n: b\n", "yaml.key"),
    ],
)
def test_what_is_no_agreement_at_all_is_said_so(data: bytes, code: str) -> None:
    mou, findings = read_mou(data, "test.yaml")
    assert mou is None
    assert code in {finding.code for finding in findings}


def test_without_the_exchanges_only_the_file_itself_is_judged() -> None:
    mou, findings = read_mou(GOOD.replace("person.name", "person.nmae").encode(), "test.yaml")
    assert findings == ()
    assert mou is not None
    assert FUSION not in mou.parties
