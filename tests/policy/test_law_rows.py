"""Every row of law that the gateway decides, by its id in docs/compliance/law-packs.md: once withheld, once not."""

import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from gateway.agency import AgencyKind, Duty
from gateway.folders import shipped
from tests.policy.ledger import Case, bound, consent, decided, laws, withheld_by

POLICE, JAIL, COURT = AgencyKind.POLICE, AgencyKind.JAIL, AgencyKind.COURT
PROSECUTOR, PROBATION, FUSION = AgencyKind.PROSECUTOR, AgencyKind.PROBATION, AgencyKind.FUSION_CENTER
REENTRY = AgencyKind.REENTRY


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row. case: where the law withholds; instead: what is otherwise where it does not."""

    id: str
    section: str
    case: Case
    instead: dict[str, Any] = field(default_factory=dict)


INTEL = Case(
    label="intel.basis",
    origin="criminal-intelligence-file",
    marks={"reasonable-suspicion": True},
    purpose="threat-assessment",
    to=FUSION,
    duties=(Duty.CFR23,),
)
SUD = Case(label="sud.need", origin="part2-program", purpose="supervision", to=PROBATION)
HEALTH = Case(label="medical.need", origin="covered-entity", purpose="officer-safety")

ROWS = (
    Row(
        id="CFR23-1",
        section="28 CFR 23.20(a)",
        case=replace(INTEL, marks={}),
        instead={"marks": {"reasonable-suspicion": True}},
    ),
    Row(
        id="CFR23-2",
        section="28 CFR 23.20(b)",
        case=Case(label="belief.political"),
        instead={"marks": {"crime-nexus": True}},
    ),
    Row(
        id="CFR23-3",
        section="28 CFR 23.20(e)",
        case=replace(INTEL, purpose="employment-check"),
        instead={"purpose": "criminal-investigation"},
    ),
    Row(id="CFR23-4", section="28 CFR 23.20(f)", case=replace(INTEL, duties=()), instead={"duties": (Duty.CFR23,)}),
    Row(id="P2-1", section="42 CFR 2.31", case=SUD, instead={"consent": consent("sud.*", purpose="supervision")}),
    Row(
        id="P2-4",
        section="42 CFR 2.31",
        case=replace(SUD, to=PROSECUTOR, purpose="prosecution", consent=consent("sud.*", purpose="supervision")),
        instead={"consent": consent("sud.*", purpose="prosecution")},
    ),
    Row(
        id="P2-5",
        section="42 CFR 2.13",
        case=replace(SUD, label="medical.need", to=JAIL, purpose="custody-safety"),
        instead={"origin": "officer-observation"},
    ),
    Row(
        id="HIP-1",
        section="45 CFR 164.512(k)(5)",
        case=replace(HEALTH, to=JAIL, purpose="jail-statistics"),
        instead={"purpose": "custody-safety"},
    ),
    Row(
        id="HIP-2",
        section="45 CFR 164.512(f)(2)(ii)",
        case=Case(
            label="medical.dna",
            origin="covered-entity",
            purpose="locate-or-identify",
            consent=consent("medical.*", purpose="locate-or-identify"),
        ),
        instead={"label": "medical.blood-type", "consent": None},
    ),
    Row(
        id="HIP-5",
        section="45 CFR 164.512(k)(5)(iii)",
        case=replace(HEALTH, to=JAIL, purpose="custody-safety", exchange="custody-release/1.0"),
        instead={"consent": consent("medical.*", purpose="custody-safety")},
    ),
    Row(
        id="CHRI-1",
        section="28 CFR 20.33(a)",
        case=Case(label="offense.charge", to=REENTRY, purpose="reentry"),
        instead={"duties": (Duty.CHRI_AGREEMENT,)},
    ),
    Row(
        id="CJ-17",
        section="CJISSECPOL 5.1.1",
        case=Case(label="person.id.afis", to=REENTRY),
        instead={"to": COURT},
    ),
    Row(
        id="NY-149",
        section="N.Y. Correction Law 149",
        case=Case(label="person.photo", to=PROSECUTOR, states=("NY",)),
        instead={"to": POLICE},
    ),
    Row(
        id="SORNA-1",
        section="34 U.S.C. 20920(b)",
        case=Case(label="person.id.ssn", purpose="public-registry"),
        instead={"purpose": "offender-registration"},
    ),
    Row(
        id="SEAL-1",
        section="Order of seal",
        case=Case(label="person.id.booking", marks={"sealed": True}),
        instead={"marks": {"sealed": False}},
    ),
    Row(
        id="JUV-1",
        section="18 U.S.C. 5038(c)",
        case=Case(label="offense.charge", marks={"juvenile": True}, to=COURT, purpose="statistics"),
        instead={"purpose": "presentence-report"},
    ),
    Row(
        id="JUV-2",
        section="18 U.S.C. 3509(d)",
        case=Case(label="thirdparty.household.name", marks={"juvenile": True}, purpose="officer-safety"),
        instead={"marks": {"juvenile": False}},
    ),
    Row(
        id="VAWA-1",
        section="34 U.S.C. 12291(b)(2)(D)",
        case=Case(label="victim.name", to=PROBATION, purpose="supervision"),
        instead={"purpose": "protective-order-enforcement"},
    ),
    Row(
        id="VAWA-2",
        section="42 U.S.C. 10406(c)(5)(H)",
        case=Case(label="location.residence", marks={"shelter": True}),
        instead={"marks": {"shelter": False}},
    ),
    Row(
        id="VAWA-3",
        section="28 CFR 94.115(a)",
        case=Case(label="victim.address", marks={"protected": True}, purpose="victim-notification"),
        instead={"marks": {"protected": False}},
    ),
    Row(
        id="VAWA-4",
        section="34 U.S.C. 12291(b)(2)(A)",
        case=Case(label="victim.name", purpose="victim-notification", sender_duties=(Duty.VICTIM_SERVICE_PROVIDER,)),
        instead={"sender_duties": ()},
    ),
    Row(
        id="VAWA-5",
        section="34 U.S.C. 12291(b)(2)(B)",
        case=Case(label="victim.dob", origin="victim-service-provider", purpose="victim-notification"),
        instead={"origin": "court"},
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_law_withholds_what_the_agreement_shares_and_the_section_is_named(row: Row) -> None:
    assert withheld_by(row.case) == row.section


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_where_the_law_does_not_forbid_it_the_agreement_decides(row: Row) -> None:
    assert withheld_by(replace(row.case, **row.instead)) == ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_no_law_holds_before_its_first_day(row: Row) -> None:
    pack = next(pack for pack in laws().packs if any(rule.section == row.section for rule in pack.rules))
    assert withheld_by(replace(row.case, on=pack.since)) != ""
    binding = laws().binding(pack.since - timedelta(days=1), row.case.named, row.case.between.states)
    assert row.section not in {rule.section for rule in binding}


# --- rows of another shape ------------------------------------------------------------------------------------------


def test_never_for_anybody() -> None:
    """VAWA-1, PRIV-1: no purpose, kind of recipient or consent helps."""
    for label, section in (
        ("victim-services.provider", "34 U.S.C. 12291(b)(2)"),
        ("communication.privileged", "Fed. R. Evid. 501"),
    ):
        for kind in AgencyKind:
            for purpose in ("protective-order-enforcement", "victim-notification", "criminal-investigation"):
                case = Case(label=label, to=kind, purpose=purpose, consent=consent("*", purpose=purpose))
                assert withheld_by(case) == section


def test_intelligence_is_kept_five_years_at_most_and_a_tip_ninety_days() -> None:
    """CFR23-6, and a tip without a basis, which is accepted as a tip with a short life."""
    _, intelligence = decided(INTEL)
    assert intelligence.keep == timedelta(days=5 * 365)
    tip = replace(INTEL, origin="tip", marks={})
    kept, handed = decided(tip)
    assert withheld_by(tip) == ""
    assert kept.shared > 0
    assert handed.keep == timedelta(days=90)
    assert any("nobody has confirmed" in notice for notice in handed.notices)
    assert withheld_by(replace(tip, duties=())) == "28 CFR 23.20(f)"


def test_what_was_seen_at_a_contact_is_no_intelligence() -> None:
    case = Case(label="affiliation.seen-with", origin="", purpose="custody-safety", to=JAIL)
    assert withheld_by(case) == ""
    assert decided(case)[1].keep is None


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (date(2026, 2, 15), "prohibits unauthorized disclosure"),
        (date(2026, 2, 16), "prohibits unauthorized use or disclosure"),
    ],
)
def test_the_notice_of_the_day_travels_and_nothing_is_passed_on(on: date, words: str) -> None:
    """P2-2, P2-3: the text of 42 CFR 2.32 changed on 2026-02-16."""
    _, handed = decided(replace(SUD, on=on, consent=consent("sud.*", purpose="supervision")))
    assert len(handed.notices) == 1
    assert words in handed.notices[0]
    assert handed.no_onward


def test_without_consent_nothing_of_it_goes_and_so_no_notice_does() -> None:
    _, handed = decided(SUD)
    assert handed.notices == ()
    assert not handed.no_onward


@pytest.mark.parametrize("origin", ["officer-observation", "corrections-record", "court"])
def test_what_is_no_programs_record_needs_no_consent_and_carries_no_notice(origin: str) -> None:
    case = replace(SUD, origin=origin, to=JAIL, purpose="custody-safety")
    assert withheld_by(case) == ""
    assert decided(case)[1].notices == ()


def test_the_agreement_and_the_state_bring_a_pack_and_nothing_else_does() -> None:
    case = Case(label="person.photo", to=PROSECUTOR)
    assert withheld_by(case) == ""
    assert withheld_by(replace(case, named=("ny-149",))) == "N.Y. Correction Law 149"
    assert withheld_by(replace(case, states=("NJ",))) == ""


def test_the_mandated_fields_of_a_notice_of_release_depend_on_the_recipient() -> None:
    """NY-149, NY-168: as values, for the check of agreements."""
    to_police = bound(Case(to=POLICE, states=("NY",)))
    to_prosecutor = bound(Case(to=PROSECUTOR, states=("NY",)))
    (police,), (prosecutor,) = to_police.mandates, to_prosecutor.mandates
    assert {"person.photo", "person.id.afis"} < set(police.labels)
    assert set(prosecutor.labels) == set(police.labels) - {"person.photo", "person.id.afis"}
    assert prosecutor.no_more
    assert [due.deadline.at_least for due in to_police.dues] == [timedelta(hours=48)]
    assert bound(Case(to=PROBATION, states=("NY",))).mandates == ()
    registration = bound(Case(to=POLICE, purpose="offender-registration", states=("NY",)))
    assert [(due.law, due.deadline.at_least.days) for due in registration.dues] == [("N.Y. Correction Law 168-c", 10)]
    assert [mandate.law for mandate in registration.mandates] == ["34 U.S.C. 20914(a)"]


# --- unknown is the strictest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["", "hospital"])
@pytest.mark.parametrize(
    ("case", "section"),
    [(SUD, "42 CFR 2.31"), (HEALTH, "45 CFR 164.512(k)(5)"), (replace(INTEL, marks={}), "28 CFR 23.20(a)")],
    ids=["sud", "medical", "intel"],
)
def test_data_from_nobody_knows_where_is_taken_as_what_law_guards_most(case: Case, section: str, origin: str) -> None:
    assert withheld_by(replace(case, origin=origin)) == section


def test_an_exchange_that_carries_no_origin_says_nothing_about_it() -> None:
    case = replace(SUD, origin="officer-observation", facts=("juvenile", "sealed"))
    assert withheld_by(case) == "42 CFR 2.31"


@pytest.mark.parametrize("origin", ["officer-observation", "court", ""])
def test_a_programs_own_word_does_not_make_its_records_something_else(origin: str) -> None:
    for label in ("sud.need", "medical.need"):
        case = replace(SUD, label=label, origin=origin, to=JAIL, purpose="custody-safety")
        program = replace(case, sender_duties=(Duty.PART2_PROGRAM,))
        assert withheld_by(program) in {"42 CFR 2.31", "42 CFR 2.13"}


def test_an_exchange_that_cannot_tell_reasonable_suspicion_gives_no_intelligence() -> None:
    assert withheld_by(replace(INTEL, facts=("origin", "juvenile", "sealed"))) == "28 CFR 23.20(a)"


# --- the list in the documentation ----------------------------------------------------------------------------------


def test_the_documentation_names_every_row_that_is_decided_here_and_no_other() -> None:
    text = (shipped().policies.parent / "docs" / "compliance" / "law-packs.md").read_text("utf-8")
    told = dict(re.findall(r"^\| ([A-Z0-9]+-[0-9]+) \|.*\| ([^|]*) \|$", text, re.MULTILINE))
    here = {id for id, who in told.items() if who.startswith("here")}
    values = {"CFR23-6", "CFR23-7", "P2-2", "P2-3", "PRIV-1", "NY-168"}  # tests above that are no rows of the table
    assert here == {row.id for row in ROWS} | values
    assert len(told) > 40
