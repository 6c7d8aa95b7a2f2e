"""May this role see this field for this purpose? A sentence, and a way on from a dead end."""

from dataclasses import replace

import pytest

from gateway.agency import AgencyId
from gateway.policy.answer import Answer, Dead, Question, answer
from gateway.policy.mou import AccessRule, Clause, Effect, Mou
from gateway.policy.restriction import NONE, Restriction, Restrictions
from tests.policy.examples import POLICE, agreements, clause_of, exchanges, mou_of

RELEASE = "custody-release/1.0"
PATROL = Question(field="person.dob", role="patrol-officer", purpose="release-notification")


def told(mou: Mou | str, field: str = PATROL.field, **other: object) -> tuple[Answer, ...]:
    # Of the shipped ones the clauses alone: what access rules say stands in tests of their own.
    agreement = replace(agreements()[mou], access=()) if isinstance(mou, str) else mou
    return answer(agreement, replace(PATROL, field=field, **other), exchanges())  # type: ignore[arg-type]


def one(mou: Mou | str, field: str = PATROL.field, **other: object) -> Answer:
    (only,) = told(mou, field, **other)
    return only


def test_a_shared_field_in_one_sentence_with_recipient_role_purpose_and_clause() -> None:
    said = one("JAIL-PD-2026-01", "person.name.last")
    assert said.text == (
        "Last name is shared with millbrook-police (patrol-officer, for release-notification): "
        "JAIL-PD-2026-01 v1, clause E1."
    )
    assert (said.outcome, said.clause, said.fields, said.code) == ("shared", "E1", ("person.name.last",), "")


def test_a_reduced_field_says_in_which_form_and_why() -> None:
    said = one("JAIL-PD-2026-01", "person.id.doc")
    assert said.outcome == "reduced"
    assert "with all but its last 4 characters masked: JAIL-PD-2026-01 v1, clause E1. Enough to tell" in said.text


def test_conditions_are_told_in_the_words_of_their_facts() -> None:
    assert "clause E1, unless offense was committed as a juvenile." in one("JAIL-PD-2026-01", "offense.charge").text
    patrol = {"role": "patrol-officer", "purpose": "officer-safety"}
    said = told("PROB-PD-2026-04", "affiliation.group", **patrol)[0].text
    assert ", only where affiliation rests on reasonable suspicion (28 CFR 23.20)." in said


def test_a_withheld_label_says_who_decided_and_whether_anybody_gets_it() -> None:
    said = one("JAIL-PD-2026-01", "sud.*")
    assert said.text.startswith("All of sud.* (")
    assert said.text.endswith("clause E1 removes them. 42 CFR 2.12. Nobody gets them under this agreement.")
    said = one("JAIL-PD-2026-01", "victim.name")
    assert "removes" in said.text
    assert "Nobody gets" not in said.text  # the prosecutor does
    assert "does not list" in one("JAIL-PD-2026-01", "person.contact").text


def test_a_label_whose_fields_differ_is_told_in_as_many_sentences_as_there_are_fates() -> None:
    fates = told("JAIL-PD-2026-01", "person.id.*")
    assert [each.outcome for each in fates] == ["shared", "reduced", "shared"]
    every = [field for each in fates for field in each.fields]
    assert sorted(every) == sorted(each.name for each in exchanges()[RELEASE].catalog.select("person.id.*"))


def test_each_recipient_is_told_or_only_the_one_asked_about() -> None:
    clause = replace(clause_of(exchanges()[RELEASE], "person.name"), recipients=(POLICE, AgencyId("harlan-sheriff")))
    mou = mou_of(clause)
    assert [each.recipient for each in told(mou, "person.name")] == [POLICE, "harlan-sheriff"]
    assert [each.recipient for each in told(mou, "person.name", to=AgencyId("harlan-sheriff"))] == ["harlan-sheriff"]


# --- law ---------------------------------------------------------------------------------------------------------


def under(restriction: Restriction) -> Answer:
    """The charge, which the clause lists, under one restriction of law."""
    mou = replace(agreements()["JAIL-PD-2026-01"], access=())
    catalog = exchanges()[RELEASE].catalog

    def law(_mou: Mou, clause: Clause, _recipient: AgencyId) -> Restrictions:
        return {each.path: (restriction,) for each in catalog.select("offense.charge")} if clause.id == "E1" else NONE

    (said,) = answer(mou, replace(PATROL, field="offense.charge"), exchanges(), law)
    return said


def test_law_that_withholds_what_the_clause_lists_is_named_by_its_section() -> None:
    said = under(Restriction(law="18 U.S.C. 5038(a)"))
    assert (said.outcome, said.law, said.clause) == ("withheld", "18 U.S.C. 5038(a)", "E1")
    assert "18 U.S.C. 5038(a) withholds them, although JAIL-PD-2026-01 v1, clause E1 lists them." in said.text


def test_law_that_withholds_on_a_condition_says_which_beside_the_conditions_of_the_clause() -> None:
    said = under(Restriction(law="42 CFR 2.31", where=frozenset({"law:no consent is on file"})))
    assert (said.outcome, said.law) == ("shared", "42 CFR 2.31")
    assert "unless offense was committed as a juvenile, but withheld by 42 CFR 2.31 where no consent" in said.text
    said = under(Restriction(law="18 U.S.C. 5038(a)", where=frozenset({"juvenile and not sealed"})))
    assert "where subject is a juvenile and it is not so that record is sealed" in said.text


# --- rules of access ---------------------------------------------------------------------------------------------

RULE = AccessRule(
    id="A1",
    roles=("patrol-officer", "detective"),
    purposes=("release-notification", "victim-notification"),
    categories=("custody-release",),
)


def ruled(*rules: AccessRule) -> Mou:
    return replace(agreements()["JAIL-PD-2026-01"], access=rules)


def test_a_role_that_a_rule_permits_sees_what_the_clause_for_that_purpose_gives() -> None:
    for purpose, recipient in (("release-notification", POLICE), ("victim-notification", "harlan-district-attorney")):
        (said,) = told(ruled(RULE), "person.name", role="detective", purpose=purpose)
        assert (said.recipient, said.outcome) == (recipient, "shared")


def test_what_a_rule_demands_is_part_of_the_answer() -> None:
    mou = ruled(replace(RULE, mfa=True, training=("cjis-security",)))
    said = one(mou, "person.name", to=POLICE)
    demands = "sign in with a second factor and hold the training cjis-security, not expired (rule A1)"
    assert said.text.endswith(f"Whoever looks must {demands}.")
    assert said.duties == demands
    assert one(mou, "sud.*", to=POLICE).duties == ""


def test_a_role_that_a_rule_denies_is_told_which() -> None:
    denial = AccessRule(id="A2", effect=Effect.DENY, roles=("detective",))
    said = one(ruled(RULE, denial), "person.name", role="detective")
    assert (said.outcome, said.code) == ("nobody", Dead.ROLE)
    assert ": A2 denies it. Roles that may: patrol-officer." in said.text


# --- dead ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "other", "code", "words"),
    [
        (
            "person.shoe",
            {},
            Dead.FIELD,
            "no field or label 'person.shoe' in custody-release/1.0; did you mean 'person.sex'?",
        ),
        ("person.dob", {"purpose": "release-notice"}, Dead.PURPOSE, "did you mean 'release-notification'?"),
        (
            "person.dob",
            {"purpose": "curiosity"},
            Dead.PURPOSE,
            "knows release-notification and victim-notification.",
        ),
        (
            "person.dob",
            {"role": "patrolofficer"},
            Dead.ROLE,
            "no clause names that role. Roles that may: patrol-officer",
        ),
        ("person.dob", {"to": AgencyId("milbrook-police")}, Dead.RECIPIENT, "did you mean 'millbrook-police'?"),
        ("person.dob", {"to": AgencyId("harlan-county-jail")}, Dead.RECIPIENT, "gives harlan-county-jail nothing"),
        ("person.dob", {"exchange": "booking"}, Dead.EXCHANGE, "The agreement knows custody-release/1.0."),
    ],
)
def test_a_dead_end_says_why_and_which_words_lead_on(
    field: str, other: dict[str, object], code: Dead, words: str
) -> None:
    said = one("JAIL-PD-2026-01", field, **other)
    assert (said.outcome, said.code) == ("nobody", code)
    assert words in said.text
    assert said.text[-1] in ".?"


def test_a_role_that_another_clause_names_for_another_recipient_does_not_count_for_this_one() -> None:
    sheriff = AgencyId("harlan-sheriff")
    both = replace(clause_of(exchanges()[RELEASE], "person.name"), recipients=(POLICE, sheriff))
    mou = mou_of(both, replace(both, id="T2", recipients=(POLICE,), role="detective"))
    said = one(mou, "person.name.last", role="detective", to=sheriff)
    assert (said.code, said.text[-32:]) == (Dead.ROLE, " Roles that may: patrol-officer.")
    assert one(mou, "person.name.last", role="detective", to=POLICE).clause == "T2"


def test_an_exchange_may_be_named_without_its_version() -> None:
    for name in ("custody-release", RELEASE):
        assert one("JAIL-PD-2026-01", "person.name.last", exchange=name).exchange == RELEASE
