"""The paper to sign says in plain words what the gateway will do, and marks honestly who sees to what."""

import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from lxml import html

from gateway.agency import Agency, AgencyId
from gateway.folders import read_tree, shipped
from gateway.policy import fit
from gateway.policy.agencies import read_agency
from gateway.policy.duration import in_words, parse_duration
from gateway.policy.mou import Mou
from gateway.policy.outcome import DEFAULT, outcomes
from gateway.policy.paper import fields_of
from gateway.policy.paper_html import render
from gateway.policy.read import read_mou
from gateway.policy.standing import ROWS, Standing, row
from gateway.policy.titles import grouped, shortened
from tests.policy import test_agreement
from tests.policy.examples import agreements, clauses, exchanges

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _any_manner_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has every key, nil too, which no exchange of NIEM 6.0 takes: that is tested with the manners."""
    monkeypatch.setattr(fit, "unfit_manners", lambda *_: ())


@cache
def agencies() -> dict[AgencyId, Agency]:
    found = {}
    for name, data in read_tree(shipped().policies / "agencies").items():
        agency, _ = read_agency(data, name)
        assert agency is not None
        found[agency.id] = agency
    return found


def page(mou: Mou) -> html.HtmlElement:
    return html.document_fromstring(render(mou, exchanges(), agencies()))


def whole(text: str = test_agreement.WHOLE) -> Mou:
    mou, findings = read_mou(text.encode(), "test.yaml", exchanges())
    assert mou is not None, findings
    return mou


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("id", ["JAIL-PD-2026-01", "PROB-PD-2026-04"])
def test_the_page_is_the_one_that_was_looked_at(id: str) -> None:
    # After a wanted change: GATEWAY_GOLDEN=write pytest tests/policy/test_paper.py, and look at the pages in a browser.
    text = render(agreements()[id], exchanges(), agencies())
    file = GOLDEN / f"{id}.html"
    if os.environ.get("GATEWAY_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text("utf-8")


@pytest.mark.parametrize("id", sorted(agreements()))
def test_the_page_names_parties_validity_version_digest_and_has_a_line_for_each_signature(id: str) -> None:
    mou = agreements()[id]
    tree = page(mou)
    text = words(tree)
    assert mou.digest in text
    assert f"{mou.id}, version {mou.version}" in text
    assert f"{mou.until:%B} {mou.until.day}, {mou.until.year}" in text
    signatures = tree.find_class("signature")
    assert [words(each.find("p")) for each in signatures] == [f"For {agencies()[party].name}" for party in mou.parties]
    lines = [words(line) for line in signatures[0].iter("span")]
    assert lines == ["Signature", "Name", "Title", "Date"]
    for clause in mou.exchanges:
        assert f"Clause {clause.id}: " in text
    for part in (*mou.goals, *mou.reports):
        assert (getattr(part, "goal", "") or getattr(part, "text", "")) in text


def test_what_the_page_says_of_each_field_is_what_the_cut_does() -> None:
    for mou, clause, iepd in clauses():
        decided = outcomes(clause, iepd.catalog)
        wanted: Counter[tuple[str, str]] = Counter()
        for field in iepd.catalog.fields:
            outcome = decided[field.path]
            if outcome.released:
                sort = "shared" if outcome.change is None else "reduced"
            else:
                sort = "unlisted" if outcome.clause == DEFAULT else "withheld"
            wanted[sort, field.title] += 1
        told = fields_of(clause, iepd)
        said = {
            (sort, title)
            for sort in ("shared", "reduced", "withheld", "unlisted")
            for line in getattr(told, sort)
            for title in line.titles
        }
        assert said == set(wanted), (mou.id, clause.id)
        assert all(line.why for line in told.withheld), (mou.id, clause.id)
        conditions = {each for line in (*told.shared, *told.reduced) for each in line.only}
        assert bool(conditions) == any(item.unless or item.when for item in clause.share)


def test_reasons_and_forms_stand_on_the_page() -> None:
    text = words(page(agreements()["JAIL-PD-2026-01"]))
    assert "The last 4 characters only" in text
    assert "42 CFR 2.12." in text
    assert "Not where: offense was committed as a juvenile." in text
    assert "At least 48 hours before: date of release." in text
    assert "1 year from receipt, then destroyed." in text
    assert "Withheld because nothing above lists it" in text


def test_no_word_of_an_agreement_becomes_markup_and_nothing_is_fetched() -> None:
    nasty = '<script>alert(1)</script><img src=x onerror=y> & "quoted"'
    quoted = '"' + nasty.replace('"', '\\"') + '"'
    text = test_agreement.WHOLE.replace("title: For a test", f"title: {quoted}")
    for key, old in (
        ("training", "Each year."),
        ("goal", "Know ahead."),
        ("measure", "Share of notices in time."),
        ("because", "42 CFR 2.12."),
        ("name", "A. Moss"),
        ("notice", "Look at it."),
        ("onward", "To nobody."),
        ("heading", "Costs"),
        ("meaning", "Officer on a bicycle."),
        ("place", "Records system"),
        ("with", "on file"),
        ("report", "Late ones."),
    ):
        assert old in text, key
        text = text.replace(old, quoted)
    made = render(whole(text), exchanges(), agencies())
    tree = html.document_fromstring(made)
    assert {element.tag for element in tree.iter() if isinstance(element.tag, str)} <= {
        *("html", "head", "meta", "title", "style", "body", "header", "section", "div", "p", "h1", "h2", "h3"),
        *("span", "strong", "code", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "dl", "dt"),
        *("dd", "br"),
    }
    attributes = {name for element in tree.iter() for name in element.attrib}
    assert attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    style = tree.findtext(".//style") or ""
    assert "url(" not in style
    assert "@import" not in style
    assert words(tree).count("<script>alert(1)</script>") >= 12


def test_every_row_of_the_table_of_standings_is_used_and_no_part_goes_unmarked() -> None:
    text = test_agreement.WHOLE
    page_of_signed = page(whole(text))
    page_of_answered = page(whole(text.replace("evidence: signed", "evidence: transport")))
    said = words(page_of_signed) + words(page_of_answered)
    for key, each in ROWS.items():
        assert each.why in said, key
    for section in page_of_signed.iter("section"):
        heading = words(section.find("h2"))
        unmarked = ("Authority", "Signatures", "Who sees to what", "Clause ")
        assert section.find_class("mark") or any(each in heading for each in unmarked), heading


def test_nothing_is_called_enforced_that_only_people_do() -> None:
    people = {"goals", "reports", "disputes", "breach_notice", "prose", "contacts", "deadline", "within", "review"}
    assert all(row(key).standing is Standing.ON_PAPER for key in people)
    partner = {"recipient_copy", "storage", "training", "onward_sharing", "purpose"}
    assert all(row(key).standing is Standing.ATTESTED for key in partner)


def test_between_units_the_gateway_enforces_nothing_and_says_so() -> None:
    mou = whole(test_agreement.between_units("sop"))
    tree = page(mou)
    assert not tree.find_class("here") or all(
        "legend" in each.getparent().getparent().get("class", "") for each in tree.find_class("here")
    )
    assert "The gateway connects agencies, not their units" in words(tree)
    assert "Harlan County Jail, Classification" in words(tree)


def test_approvals_given_are_on_the_page() -> None:
    assert "Millbrook Police Department: A. Moss, chief, December 12, 2025" in words(page(whole()))


def test_titles_say_once_what_they_have_in_common() -> None:
    assert grouped(["Alias, first name", "Alias, last name", "Nickname"]) == "Alias: first name, last name; Nickname"
    assert grouped(["Sex", "Sex, in words"]) == "Sex; Sex, in words"
    assert shortened(["Alias, first name", "Alias, last name", "Nickname"], 30) == "Alias: first name, last name …"


@pytest.mark.parametrize(
    "text", ["15 minutes", "1 hour", "48 hours", "30 days", "180 days", "1 year", "7 years", "1 minute", "90 days"]
)
def test_durations_are_written_as_they_were(text: str) -> None:
    length = parse_duration(text)
    assert length is not None
    assert in_words(length) == text


def test_what_happens_every_month_is_said_in_months() -> None:
    length = parse_duration("3 months")
    assert length is not None
    assert in_words(length, months=True) == "3 months"
