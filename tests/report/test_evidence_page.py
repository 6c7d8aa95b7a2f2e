"""The cover page of a package: what a reader of law is told, and what is never left unsaid."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.audit.catalog import EntryType
from gateway.report.evidence_page import EvidencePage, Happened, as_html, as_text, happened

AT = "2026-03-01T08:00:00.00Z"
PAGE = EvidencePage(
    origin="gateway.example.gov/log",
    about="message 019ab1c2-0001-7000-8000-000000000001",
    whole=False,
    made=datetime(2026, 3, 1, 8, tzinfo=UTC),
    size=600,
    root="0" * 64,
    entries=2,
    covers=1,
    contents=0,
    receipts=1,
    destructions=0,
    agreements=("agreements/A@1.json", "agreements/A@1.yaml"),
    laws=3,
    cosigners=(),
    verifier="f" * 64,
    lacking=(),
    happened=(Happened(7, AT, "message <b> taken in"),),
)


def said(page: EvidencePage) -> str:
    """The text as one line."""
    return " ".join(as_text(page).split())


def test_some_entries_do_not_show_that_they_are_all() -> None:
    assert "That these are all entries there are about this" in said(PAGE)
    assert "That these are all entries" not in said(replace(PAGE, whole=True))
    assert "none was changed, left out or moved" in said(replace(PAGE, whole=True))


def test_without_a_countersignature_it_says_that_others_may_have_seen_another_log() -> None:
    assert "That everybody was shown the same log" in said(PAGE)
    countersigned = said(replace(PAGE, cosigners=("gateway.example.org/witness",)))
    assert "That everybody was shown" not in countersigned
    assert "gateway.example.org/witness" in countersigned


def test_it_says_whether_contents_are_in_it() -> None:
    assert "no content of any record" in said(PAGE)
    assert "2 contents as recipients got them" in said(replace(PAGE, contents=2))


def test_what_is_missing_is_said() -> None:
    assert "What is missing" not in said(PAGE)
    assert "3 Covers are no longer held" in said(replace(PAGE, lacking=("3 Covers are no longer held",)))


def test_both_forms_say_the_same_and_the_page_runs_nothing() -> None:
    text, page = as_text(PAGE), as_html(PAGE)
    for part in ("What it proves", "What it does not prove", "How to check it", "1 more are in the package"):
        assert part in text
        assert part in page
    assert "message <b> taken in" in text
    assert "message &lt;b&gt; taken in" in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("type", EntryType)
def test_every_type_of_entry_can_be_told(type: EntryType) -> None:
    """One that lacks a key its sentence needs is told by its type and what it has."""
    assert happened(3, {"type": type.value, "at": AT, "kind": "some"}).what


def test_a_release_is_told_with_its_clause_and_its_counts() -> None:
    entry = {
        "type": "disseminate",
        "at": AT,
        "recipient": "millbrook-police",
        "mou": "JAIL-PD-2026-01@1",
        "clauses": ["E1", "E2"],
        "purpose": "release-notification",
        "shared": 12,
        "reduced": {"person.dob": 1},
        "withheld": {"medical.need": 3, "victim.name": 2},
        "dissemination": "019ab1c2-0001-7000-8000-000000000002",
    }
    assert happened(7, entry).what == (
        "released to millbrook-police under JAIL-PD-2026-01@1, clause E1, E2, for release-notification: 12 fields as "
        "they are, 1 in a lesser form, 5 withheld (dissemination 019ab1c2-0001-7000-8000-000000000002)"
    )
