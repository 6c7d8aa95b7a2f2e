"""Templates of agreements: whatever parties they are filled in for, the draft is readable and gives away nothing
that law asks for care with unless it says so."""

from datetime import date

import pytest

from gateway.agency import Agency, AgencyId, AgencyKind, Contact
from gateway.folders import template_parts, templates
from gateway.policy.draft import Parties, Template, fill, id_of, read_template
from gateway.policy.mou import How, Mou
from gateway.policy.outcome import outcomes
from gateway.policy.read import read_mou
from tests.policy.examples import JAIL, POLICE, PROBATION, exchanges

NAMES = sorted(templates())
SENSITIVE = (
    "medical",
    "sud",
    "victim",
    "victim-services",
    "communication",
    "intel",
    "investigation",
    "thirdparty",
    "affiliation",
)
SINCE = date(2027, 1, 1)


def template(name: str) -> Template:
    return read_template(name, templates()[name])


def draft(name: str, *recipients: AgencyId, agencies: dict[AgencyId, Agency] | None = None) -> tuple[str, Mou]:
    known = template(name)
    others = recipients or known.recipients
    sender = JAIL if known.sender in others else known.sender
    parties = Parties(sender=sender, recipients=others, agencies=agencies or {})
    text = fill(known, template_parts(), parties, id=id_of(parties, SINCE), since=SINCE)
    mou, findings = read_mou(text.encode(), f"{name}.yaml", exchanges())
    assert findings == ()
    assert mou is not None
    return text, mou


def test_the_templates_practitioners_ask_for_are_there() -> None:
    assert set(NAMES) == {
        "focused-deterrence",
        "gang-task-force",
        "mental-health",
        "plain",
        "release-notice",
        "supervision-caseload",
    }
    assert all(template(name).line for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_is_readable_and_goes_both_ways(name: str) -> None:
    text, mou = draft(name)
    assert "{{" not in text
    assert "#:" not in text
    ways = {(clause.sender, recipient) for clause in mou.exchanges for recipient in clause.recipients}
    assert ways == {(recipient, sender) for sender, recipient in ways}
    assert len(ways) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_for_several_recipients_has_a_clause_back_from_each(name: str) -> None:
    others = (POLICE, AgencyId("harlan-district-attorney"), AgencyId("tri-county-fusion"))
    _, mou = draft(name, *others)
    back = [clause.sender for clause in mou.exchanges if clause.sender in others]
    assert back == list(others)
    assert [clause.id for clause in mou.exchanges] == [f"E{n}" for n in range(1, len(mou.exchanges) + 1)]
    assert {recipient for clause in mou.exchanges for recipient in clause.recipients} == set(mou.parties)


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_removes_what_law_asks_for_care_with_and_says_why(name: str) -> None:
    _, mou = draft(name)
    for clause in mou.exchanges:
        catalog = exchanges()[clause.exchange].catalog
        decided = outcomes(clause, catalog)
        for field in catalog.fields:
            if field.label.split(".")[0] not in SENSITIVE and field.label != "juvenile.offense":
                continue
            outcome = decided[field.path]
            said = outcome.released or (
                outcome.because is not None and outcome.because.how is How.REMOVE and bool(outcome.because.because)
            )
            assert said, (name, clause.id, field.label)


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_shares_no_health_records_no_victims_and_no_sources(name: str) -> None:
    _, mou = draft(name)
    for clause in mou.exchanges:
        catalog = exchanges()[clause.exchange].catalog
        decided = outcomes(clause, catalog)
        shared = {field.label for field in catalog.fields if decided[field.path].released}
        assert not {
            label
            for label in shared
            if label.startswith(("sud.", "victim", "communication.", "intel.source", "investigation."))
            or label.endswith((".provider", ".medication", ".treatment", ".origin"))
        }
        assert {label for label in shared if label.startswith("medical")} <= {
            "medical.crisis",
            "medical.mental-health.need",
        }


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_says_everything_that_such_agreements_must_say(name: str) -> None:
    text, mou = draft(name)
    assert mou.access
    assert all(rule.training for rule in mou.access)
    assert mou.goals
    assert mou.reports
    assert mou.storage is not None
    assert mou.storage.host
    assert mou.authority
    assert mou.review_by is not None
    assert {"training", "breach_notice", "third_parties", "audit", "disputes", "termination"} <= {
        section.key for section in mou.prose
    }
    assert {contact.party for contact in mou.contacts} == set(mou.parties)
    for clause in mou.exchanges:
        assert clause.retention.gateway_copy
        assert clause.retention.recipient_copy
        assert clause.within
    assert text.count("#") > 10


def test_liaisons_come_from_the_agency_files() -> None:
    liaison = Contact(role="liaison", name='Ruth "R" Abelard', phone="+1-555-010-6200")
    agencies = {PROBATION: Agency(id=PROBATION, name="Probation", kind=AgencyKind.PROBATION, contacts=(liaison,))}
    text, mou = draft("supervision-caseload", agencies=agencies)
    assert mou.contacts[0].contact == liaison
    assert mou.contacts[1].contact.name == "TO BE NAMED"
    assert mou.id == "PROBATION-POLICE-2027"
    assert text.startswith("# yaml-language-server: $schema=")


def test_a_template_that_does_not_say_what_it_is_for_is_refused() -> None:
    with pytest.raises(ValueError, match="first lines"):
        read_template("x", "mou: X\n")
