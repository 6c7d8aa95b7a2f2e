"""What law lets go in an emergency: each row of the table once with it, once without; and what never goes."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from gateway.agency import AgencyId, AgencyKind
from gateway.folders import shipped
from gateway.iepd.facts import evaluate
from gateway.iepd.validate import validate
from gateway.message import Dissemination, DisseminationId, MessageId
from gateway.policy import emergency
from gateway.policy.consent import lacking
from gateway.policy.emergency import (
    EMERGENCY,
    LAW_PURPOSE,
    NEVER,
    PURPOSE,
    RELIEFS,
    LabelNotReleased,
    Reason,
    Relief,
    check_labels,
    emergency_mou,
    is_release,
    is_sealed,
    owner_mou,
    relieved,
    withdrawal_mou,
)
from gateway.policy.law_bind import Bound, bind
from gateway.policy.mou import How, Manner
from gateway.policy.read import read_mou
from gateway.policy.redact import cut
from gateway.policy.rules import compile_rules
from tests.exchange.deployed import exchanges
from tests.policy.examples import mou_of
from tests.policy.ledger import Case, laws, ledger

POLICE, HEALTH, REENTRY = AgencyKind.POLICE, AgencyKind.HEALTH, AgencyKind.REENTRY
RELEASE = exchanges()["custody-release/1.0"]

INTEL = Case(label="intel.basis", origin="criminal-intelligence-file", marks={"reasonable-suspicion": True}, to=POLICE)
SUD = Case(label="sud.need", origin="part2-program", to=HEALTH)
MEDICAL = Case(label="medical.need", origin="covered-entity", to=POLICE)
PROGRAM = Case(label="medical.need", origin="part2-program", to=HEALTH)


def law(case: Case, reason: Reason) -> Bound:
    """What law says of the case in this emergency."""
    rules = relieved(laws().binding(case.on, case.named, case.between.states), reason)
    clause = replace(case.clause, purpose=LAW_PURPOSE.get(reason, PURPOSE))
    return bind(rules, clause, ledger(case.facts), case.between)


def withheld(case: Case, reason: Reason) -> str:
    """The section that withholds the case's field in this emergency, "" when it goes."""
    said, iepd, document = law(case, reason), ledger(case.facts), case.message()
    rules = compile_rules(mou_of(case.clause), case.clause, iepd, said.restrictions)
    kept = cut(document, rules, evaluate(document, iepd), iepd, holding=lacking(said.consents, ()))
    assert validate(kept.document, iepd) == ()
    found = [each.clause for each in kept.redactions if each.label == case.label]
    return found[0] if found else ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One emergency of law. instead: a case beside it that stays withheld, and by which section."""

    section: str
    reason: Reason
    case: Case
    instead: Case
    by: str


ROWS = (
    Row(
        section="28 CFR 23.20(f)(2)",  # no agreement to follow Part 23 is asked
        reason=Reason.IMMINENT_DANGER,
        case=INTEL,
        instead=replace(INTEL, marks={}),
        by="28 CFR 23.20(a)",
    ),
    Row(
        section="28 CFR 23.20(e)",
        reason=Reason.IMMINENT_DANGER,
        case=INTEL,
        instead=replace(INTEL, to=REENTRY),
        by="28 CFR 23.20(e)",
    ),
    Row(
        section="42 CFR 2.51(a)(1)",
        reason=Reason.MEDICAL_EMERGENCY,
        case=SUD,
        instead=replace(SUD, to=POLICE),
        by="42 CFR 2.31",
    ),
    Row(
        section="42 CFR 2.51(a)(1)",
        reason=Reason.MEDICAL_EMERGENCY,
        case=PROGRAM,
        instead=replace(PROGRAM, to=POLICE),
        by="42 CFR 2.13",
    ),
    Row(
        section="45 CFR 164.512(j)(1)(i)",
        reason=Reason.IMMINENT_DANGER,
        case=MEDICAL,
        instead=replace(MEDICAL, to=REENTRY),
        by="45 CFR 164.512(k)(5)",
    ),
    Row(
        section="45 CFR 164.512(j)(1)(i)",
        reason=Reason.MEDICAL_EMERGENCY,
        case=replace(MEDICAL, to=HEALTH),
        instead=MEDICAL,
        by="45 CFR 164.512(k)(5)",
    ),
    Row(
        section="45 CFR 164.512(j)(1)(ii)(B)",
        reason=Reason.ESCAPE,
        case=MEDICAL,
        instead=replace(MEDICAL, to=HEALTH),
        by="45 CFR 164.512(k)(5)",
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section} {row.reason} {row.case.label}")
def test_what_a_section_lets_go_in_an_emergency_goes_and_what_stands_beside_it_does_not(row: Row) -> None:
    assert withheld(row.case, row.reason) == ""
    assert withheld(row.instead, row.reason) == row.by


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section} {row.reason} {row.case.label}")
def test_another_reason_does_not_let_it_go(row: Row) -> None:
    other = {
        Reason.IMMINENT_DANGER: Reason.MISSING_PERSON,
        Reason.MEDICAL_EMERGENCY: Reason.ESCAPE,
        Reason.ESCAPE: Reason.MISSING_PERSON,
    }[row.reason]
    if row.case == replace(MEDICAL, to=HEALTH):
        other = Reason.MISSING_PERSON
    assert withheld(row.case, other) != ""


@pytest.mark.parametrize("relief", RELIEFS, ids=lambda each: f"{each.reason} {each.lifts}")
def test_each_row_of_the_table_lifts_a_section_there_is_and_is_needed(
    relief: Relief, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = laws().binding(date(2026, 6, 1), (), frozenset())
    touched = [rule for rule in rules if rule.section == relief.lifts and rule.withholds]
    assert touched
    with_it = relieved(touched, relief.reason)
    assert all(relief.basis in rule.bases for rule in with_it)
    monkeypatch.setattr(emergency, "RELIEFS", tuple(each for each in RELIEFS if each is not relief))
    assert relieved(touched, relief.reason) == tuple(touched)


def test_who_is_released_is_in_custody_no_more_and_an_emergency_counts_all_the_same() -> None:
    rules = relieved(laws().binding(date(2026, 6, 1), (), frozenset()), Reason.IMMINENT_DANGER)
    (rule,) = (each for each in rules if each.section == "45 CFR 164.512(k)(5)(iii)")
    assert [basis.kinds for basis in rule.bases if basis.settled]


def test_to_find_a_missing_person_goes_what_law_lists_for_it_and_never_dna() -> None:
    assert withheld(replace(MEDICAL, label="medical.blood-type"), Reason.MISSING_PERSON) == ""
    assert withheld(MEDICAL, Reason.MISSING_PERSON) == "45 CFR 164.512(k)(5)"
    dna = Case(label="medical.dna", origin="officer-observation", to=POLICE)
    assert withheld(dna, Reason.MISSING_PERSON) == "45 CFR 164.512(f)(2)(ii)"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    ("label", "section"),
    [
        ("victim-services.provider", "34 U.S.C. 12291(b)(2)"),
        ("victim.name", "34 U.S.C. 12291(b)(2)(D)"),
        ("communication.privileged", "Fed. R. Evid. 501"),
    ],
)
def test_what_law_gives_to_nobody_goes_to_nobody_in_any_emergency(reason: Reason, label: str, section: str) -> None:
    assert withheld(Case(label=label, to=POLICE), reason) == section


def test_criminal_history_goes_to_justice_agencies_only_in_an_emergency_too() -> None:
    history = Case(label="person.id.fbi", to=POLICE)
    assert withheld(history, Reason.IMMINENT_DANGER) == ""
    assert withheld(replace(history, to=HEALTH), Reason.IMMINENT_DANGER) != ""


@pytest.mark.parametrize("reason", Reason)
def test_no_emergency_opens_a_sealed_or_a_juveniles_record(reason: Reason) -> None:
    said = bind(
        relieved(laws().binding(date(2026, 6, 1), (), frozenset()), reason),
        clause(reason=reason),
        RELEASE,
        Case(to=POLICE).between,
    )
    assert {condition.fact for condition, _ in said.route} == {"sealed", "juvenile"}
    assert all(condition.values == (False,) for condition, _ in said.route)


def clause(*labels: str, reason: Reason = Reason.IMMINENT_DANGER) -> Any:
    return mou(*labels, reason=reason).exchanges[0]


def mou(*labels: str, reason: Reason = Reason.IMMINENT_DANGER) -> Any:
    return emergency_mou(
        RELEASE,
        sender=AgencyId("harlan-county-jail"),
        recipient=AgencyId("millbrook-police"),
        reason=reason,
        labels=labels,
        on=date(2026, 6, 1),
    )


def test_the_message_says_of_itself_what_it_must_and_not_why_it_was_sent() -> None:
    shared = [item.what for item in clause("person.name").share]
    assert "message.action" in shared
    assert "message.reason" not in shared
    assert shared[-1] == "person.name"


def test_what_never_goes_is_removed_whatever_is_asked_for() -> None:
    removed = {each.what for each in clause("victim-services.*").transforms if each.how is How.REMOVE}
    assert removed == set(NEVER)
    assert clause().manner is Manner.DROP


@pytest.mark.parametrize(
    "label", ["victim-services.*", "victim-services", "communication.privileged", "*", "person.nam"]
)
def test_some_labels_cannot_be_asked_for(label: str) -> None:
    with pytest.raises(LabelNotReleased):
        check_labels((label,), RELEASE.catalog)


def test_a_label_a_word_and_a_field_can_be_asked_for_and_not_too_many() -> None:
    check_labels(("person.name", "location.*", "person.name.given"), RELEASE.catalog)
    with pytest.raises(LabelNotReleased, match="at most"):
        check_labels(("person.name",) * 41, RELEASE.catalog)


def test_a_message_that_does_not_say_whether_it_is_sealed_counts_as_sealed() -> None:
    case = Case(facts=("origin", "sealed"))
    whole = ledger(("sealed",), whole=True)
    for marks, sealed in (({"sealed": True}, True), ({"sealed": False}, False)):
        document = replace(case, marks=marks).message()
        assert is_sealed(evaluate(document, whole), whole) is sealed
    silent = Case().message()
    for element in list(silent.root.iter("{*}sealed")):
        element.getparent().remove(element)
    assert is_sealed(evaluate(silent, whole), whole)


def test_the_owner_may_keep_its_own_data_and_is_the_only_one_told() -> None:
    own = owner_mou(mou(), notices=("told",)).exchanges[0]
    assert own.recipients == (own.sender,)
    assert own.retention.recipient_copy is None
    assert (own.notices, bool(own.onward_sharing)) == (("told",), True)


def test_what_takes_a_release_back_is_no_release(dissemination: Any) -> None:
    assert is_release(dissemination(PURPOSE))
    assert not is_release(dissemination(withdrawal_mou(mou()).exchanges[0].purpose))


@pytest.fixture
def dissemination() -> Any:
    def make(purpose: str) -> Dissemination:
        return Dissemination(
            id=DisseminationId("d"),
            message=MessageId("m"),
            recipient=AgencyId("millbrook-police"),
            mou=EMERGENCY,
            mou_version=1,
            mou_digest="",
            clauses=("escape",),
            purpose=purpose,
            shared=1,
            redactions=(),
            payload_digest="",
        )

    return make


def test_no_agreement_takes_the_name_of_an_emergency() -> None:
    text = (shipped().policies / "mous" / "JAIL-PD-2026-01.yaml").read_bytes()
    found, findings = read_mou(text.replace(b"mou: JAIL-PD-2026-01", b"mou: EMERGENCY"), "file")
    assert found is None
    assert [each.code for each in findings] == ["mou.reserved-id"]
