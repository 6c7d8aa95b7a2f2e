"""Law on our own exchanges: what reaches whom, whatever an agreement shares."""

from collections import Counter
from dataclasses import replace

import pytest

from gateway.agency import AgencyKind, Duty
from gateway.document.parse import Document, parse
from gateway.iepd.facts import FactKind, evaluate
from gateway.policy.law import LawRule, Parties
from gateway.policy.law_bind import NOTHING_ASKED, Bound, bind, given, nearest
from gateway.policy.mou import Clause, Item
from gateway.policy.redact import Cut, NotReleasable, cut
from gateway.policy.rules import compile_rules
from tests.policy.examples import clause_of, clauses, exchanges, find, mou_of, sample, samples, texts
from tests.policy.ledger import LABELS, TODAY, Case, bound, laws, ledger

RELEASE, CONTACT, SUPERVISION = "custody-release/1.0", "police-contact/1.0", "supervision-record/1.0"
PROBATION, JAIL, POLICE = AgencyKind.PROBATION, AgencyKind.JAIL, AgencyKind.POLICE


def everything(exchange: str, purpose: str) -> Clause:
    """A clause that shares every field there is."""
    iepd = exchanges()[exchange]
    return replace(clause_of(iepd, *iepd.catalog.labels()), purpose=purpose)


def under_law(document: Document, clause: Clause, between: Parties) -> Cut:
    iepd = exchanges()[clause.exchange]
    said = law(clause, between)
    rules = compile_rules(mou_of(clause), clause, iepd, said.restrictions)
    return cut(document, rules, evaluate(document, iepd), iepd, holding=rules.told)


def law(clause: Clause, between: Parties) -> Bound:
    return bind(laws().binding(TODAY, (), between.states), clause, exchanges()[clause.exchange], between)


def to(kind: AgencyKind, *duties: Duty, sender: tuple[Duty, ...] = ()) -> Parties:
    return Parties(kind=kind, duties=frozenset(duties), sender_duties=frozenset(sender))


# --- the named behavior ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", [RELEASE, SUPERVISION])
def test_the_no_contact_name_reaches_probation_and_the_shelters_record_never_does(exchange: str) -> None:
    clause = everything(exchange, "protective-order-enforcement")
    kept = texts(under_law(sample(exchange, "fullest.xml"), clause, to(PROBATION)).document)
    assert "Fairbrook" in kept
    assert "Harborlight Services" not in kept
    assert "victim-service-provider" not in kept
    assert not any("555-010-2298" in text for text in kept)


def test_for_any_other_purpose_probation_gets_no_name_of_a_victim() -> None:
    kept = under_law(sample(RELEASE, "fullest.xml"), everything(RELEASE, "supervision"), to(PROBATION))
    assert "Fairbrook" not in texts(kept.document)
    assert "34 U.S.C. 12291(b)(2)(D)" in {each.clause for each in kept.redactions if each.label == "victim.name"}


def test_nothing_that_a_shelter_sends_about_victims_reaches_anybody() -> None:
    clause = everything(RELEASE, "protective-order-enforcement")
    shelter = to(PROBATION, sender=(Duty.VICTIM_SERVICE_PROVIDER,))
    kept = under_law(sample(RELEASE, "fullest.xml"), clause, shelter)
    assert "Fairbrook" not in texts(kept.document)
    sections = {each.label: each.clause for each in kept.redactions if each.label.startswith("victim")}
    assert sections["victim.name"] == "34 U.S.C. 12291(b)(2)(A)"
    assert sections["victim-services.provider"] == "34 U.S.C. 12291(b)(2)"


def test_the_officers_own_observation_reaches_the_jail_and_a_programs_record_does_not() -> None:
    clause = everything(CONTACT, "custody-safety")
    iepd = exchanges()[CONTACT]
    seen = under_law(sample(CONTACT, "fullest.xml"), clause, to(JAIL))
    assert find(seen.document, "//ec:SubstanceUseNeed/j:NeedCategoryText", iepd)
    assert find(seen.document, "//ec:MedicalNeed/j:NeedCategoryText | //ec:MentalHealthNeed/j:NeedCategoryText", iepd)
    program = under_law(sample(CONTACT, "fullest-with-photo.xml"), clause, to(JAIL))
    assert not find(program.document, "//ec:SubstanceUseNeed", iepd)
    assert {each.clause for each in program.redactions if each.label == "sud.need"} == {"42 CFR 2.31"}
    assert find(program.document, "//ec:MedicalNeed/j:NeedCategoryText", iepd)  # safe custody: 164.512(k)(5)


def test_a_gang_file_reaches_who_follows_part_23_and_a_suspicion_without_basis_nobody() -> None:
    clause = everything(RELEASE, "threat-assessment")
    iepd = exchanges()[RELEASE]
    for name, duties, there in (
        ("fullest-with-photo.xml", (Duty.CFR23,), True),
        ("fullest-with-photo.xml", (), False),
        ("fullest.xml", (Duty.CFR23,), False),  # nobody recorded a suspicion
    ):
        kept = under_law(sample(RELEASE, name), clause, to(AgencyKind.FUSION_CENTER, *duties))
        assert bool(find(kept.document, "//ec:AffiliationGroupName", iepd)) is there


def test_privileged_notes_and_calls_never_go() -> None:
    for exchange, path in ((RELEASE, "//cr:Communication"), (SUPERVISION, "//sr:ConfidentialNote")):
        kept = under_law(sample(exchange, "fullest.xml"), everything(exchange, "supervision"), to(PROBATION))
        assert not find(kept.document, path, exchanges()[exchange])


def test_a_shelter_is_not_even_given_as_a_city() -> None:
    document = sample(SUPERVISION, "living-in-a-shelter.xml")
    kept = under_law(document, everything(SUPERVISION, "officer-safety"), to(POLICE))
    assert "42 U.S.C. 10406(c)(5)(H)" in {each.clause for each in kept.redactions if each.label == "location.city"}


# --- law only withholds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [JAIL, AgencyKind.PROSECUTOR, AgencyKind.COMMUNITY])
def test_under_the_law_nothing_goes_that_would_not_have_gone_without_it(kind: AgencyKind) -> None:
    for mou, clause, iepd in clauses():
        restrictions = law(clause, to(kind)).restrictions
        free, bound_ = compile_rules(mou, clause, iepd), compile_rules(mou, clause, iepd, restrictions)
        for data in samples(iepd).values():
            document = parse(data)
            facts = evaluate(document, iepd)
            try:
                kept = cut(document, bound_, facts, iepd, holding=bound_.told)
            except NotReleasable:
                continue
            assert Counter(texts(kept.document)) <= Counter(texts(cut(document, free, facts, iepd).document))


def test_what_the_route_of_law_rules_out_is_not_asked_again_of_each_object() -> None:
    said = law(everything(RELEASE, "supervision"), to(PROBATION))
    assert {condition.fact for condition, _ in said.route} == {"juvenile", "sealed"}
    asked = {part for found in said.restrictions.values() for each in found for part in each.where}
    assert not asked & {"juvenile", "sealed"}
    assert "booking.sealed" in asked


def test_an_exchange_with_marks_and_no_fact_to_tell_by_gives_nothing() -> None:
    iepd = ledger(("origin",))
    rule = LawRule(id="r", section="S", text="T.", labels=("sud.*",), when="sealed", withholds=True, whole=True)
    clause = clause_of(iepd, *LABELS)
    assert bind([rule], clause, iepd, Parties()).blocked == "S"
    assert bind([replace(rule, labels=("nothing.such",))], clause, iepd, Parties()).blocked == ""


def test_the_innermost_fact_tells_of_a_field() -> None:
    iepd = exchanges()[RELEASE]
    booking = iepd.catalog.select("person.id.booking")[0]
    inner = nearest(iepd.facts, booking.path, "sealed", FactKind.BOOLEAN)
    assert inner is not None
    assert inner.name == "booking.sealed"
    name = iepd.catalog.select("person.name")[0]
    outer = nearest(iepd.facts, name.path, "sealed", FactKind.BOOLEAN)
    assert outer is not None
    assert outer.name == "sealed"
    assert nearest(iepd.facts, name.path, "origin", FactKind.TEXT) is None


def test_what_a_clause_gives_leaves_out_what_it_removes() -> None:
    for _, clause, iepd in clauses():
        labels = {each.label for each in given(clause, iepd)}
        removed = {
            each.label
            for transform in clause.transforms
            if transform.how == "remove"
            for each in iepd.catalog.select(transform.what)
        }
        assert not labels & removed
        assert labels


def test_consents_are_asked_for_only_where_one_could_open_something() -> None:
    case = Case(label="sud.need", purpose="supervision", to=PROBATION)
    assert "sud.need" in bound(case).consents
    iepd = ledger()
    without = clause_of(iepd, "person.name", Item(what="mark"))
    assert bind(laws().binding(TODAY, (), frozenset()), without, iepd, Parties()).consents == frozenset()


def test_a_notice_travels_only_with_a_message_that_has_the_field() -> None:
    rule = LawRule(id="r", section="S", text="T.", labels=("sud.need",), notice="Handle with care.", no_onward=True)
    iepd = ledger()
    said = bind([rule], clause_of(iepd, "message.head", *LABELS), iepd, Parties())
    told = {}
    for label in ("sud.need", "medical.need"):
        document = Case(label=label).message()
        told[label] = said.handed(document.root, evaluate(document, iepd), frozenset())
    assert told["sud.need"].notices == ("Handle with care.",)
    assert told["sud.need"].no_onward
    assert told["medical.need"] is NOTHING_ASKED
    assert bind([rule], clause_of(iepd, "message.head", "medical.need"), iepd, Parties()).handlings == ()


def test_a_hundred_packs_that_do_not_speak_of_a_clause_leave_no_trace_in_it() -> None:
    clause, between = everything(CONTACT, "custody-safety"), to(JAIL)
    rules = laws().binding(TODAY, (), frozenset())
    more = [
        replace(rule, id=f"{rule.id}-{number}", purposes=("something-else",)) for rule in rules for number in range(10)
    ]
    iepd = exchanges()[CONTACT]
    plain, crowded = bind(rules, clause, iepd, between), bind([*more, *rules], clause, iepd, between)
    assert crowded.restrictions == plain.restrictions
    assert (len(crowded.handlings), len(crowded.cases)) == (len(plain.handlings), len(plain.cases))
    assert crowded.route == plain.route
