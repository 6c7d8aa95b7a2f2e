"""Who may see which records for which reason: rules of access, and the second opinion of Cedar on them."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.access import NOBODY_KNOWN, Access, Lack, Person, Request, Verdict
from gateway.policy.duties import duties
from gateway.policy.grant import InForce
from gateway.policy.mou import AccessRule, Effect, Mou
from tests.policy.access_cases import (
    DAY,
    EXCHANGES,
    PURPOSES,
    agreement,
    agreements,
    cedar,
    cedar_request,
    clause,
    random_agreement,
    random_request,
    requests,
    rules,
)
from tests.policy.examples import JAIL, POLICE, PROBATION

DETECTIVES = AccessRule(id="A1", roles=("detective",), purposes=(PURPOSES[0],), categories=("custody-release",))
READY = Person(mfa=True, training={"cjis-security": DAY}, case_number=True)


def asked(mou: Mou, person: Person = NOBODY_KNOWN, *, on: date = DAY, **other: str) -> Verdict:
    """A detective of the police asks for release notices of the jail, to be notified; or whatever is said instead."""
    words = {"recipient": POLICE, "exchange": EXCHANGES[0], "purpose": PURPOSES[0], "role": "detective", **other}
    return Access(mou).decide(Request(sender=JAIL, on=on, person=person, **words))  # type: ignore[arg-type]


def lacks(verdict: Verdict) -> list[tuple[str, Lack]]:
    return [(reason.rule, reason.lack) for reason in verdict.reasons]


def test_an_agreement_without_rules_permits_exactly_what_its_clauses_name() -> None:
    mou = agreement()
    assert asked(mou) == Verdict(permitted=True, mou="TEST-01", rules=("E1",))
    for other in (
        {"role": "clerk"},
        {"purpose": "investigation"},
        {"recipient": PROBATION},
        {"exchange": EXCHANGES[1]},
    ):
        assert not asked(mou, **other).permitted


def test_what_no_rule_permits_is_denied() -> None:
    mou = agreement(DETECTIVES)
    assert asked(mou).rules == ("A1",)
    assert lacks(asked(mou, role="clerk")) == [("", Lack.ROLE)]
    assert lacks(asked(mou, purpose="investigation")) == [("", Lack.PURPOSE)]
    assert lacks(asked(mou, recipient=PROBATION)) == [("", Lack.NO_CLAUSE)]


def test_the_version_of_an_exchange_does_not_matter_to_a_rule_but_a_clause_names_it() -> None:
    clauses = tuple(clause(f"E{each}", POLICE, each, PURPOSES[0], "clerk") for each in EXCHANGES[:2])
    mou = agreement(DETECTIVES, clauses=clauses)
    assert [asked(mou, exchange=each).permitted for each in (*EXCHANGES[:2], "custody-release/3.0")] == [
        True,
        True,
        False,
    ]


def test_a_rule_lets_more_roles_ask_than_the_one_a_notice_is_pushed_to() -> None:
    mou = agreement(replace(DETECTIVES, roles=("detective", "analyst")))
    assert asked(mou, role="analyst").permitted


def test_a_rule_opens_no_purpose_for_which_nobody_agreed_on_fields() -> None:
    mou = agreement(replace(DETECTIVES, purposes=PURPOSES))
    assert lacks(asked(mou, purpose="investigation")) == [("", Lack.PURPOSE)]


def test_a_denial_beats_every_permission_and_names_itself() -> None:
    denial = AccessRule(id="A2", effect=Effect.DENY, roles=("detective",), categories=("custody-release",))
    verdict = asked(agreement(DETECTIVES, denial), READY)
    assert (verdict.permitted, verdict.rules, lacks(verdict)) == (False, ("A2",), [("A2", Lack.DENIED)])
    assert verdict.reasons[0].text == "A2: the rule denies it"


def test_a_denial_that_names_nothing_denies_everything_and_a_permission_that_names_nothing_permits_nothing() -> None:
    assert not asked(agreement(DETECTIVES, AccessRule(id="A2", effect=Effect.DENY))).permitted
    assert not asked(agreement(replace(DETECTIVES, roles=()))).permitted


def test_a_denial_is_not_lifted_by_its_own_conditions() -> None:
    denial = AccessRule(id="A2", effect=Effect.DENY, mfa=True, training=("cjis-security",))
    assert lacks(asked(agreement(DETECTIVES, denial), READY)) == [("A2", Lack.DENIED)]


def test_every_condition_that_is_missing_is_told() -> None:
    rule = replace(DETECTIVES, mfa=True, training=("cjis-security",), case_number_for=(PURPOSES[0],))
    told = asked(agreement(rule))
    assert lacks(told) == [("A1", Lack.CASE_NUMBER), ("A1", Lack.MFA), ("A1", Lack.TRAINING)]
    assert told.reasons[2].text == "A1: the person does not hold this training (cjis-security)"
    assert asked(agreement(rule), READY).permitted


def test_training_counts_on_its_last_day_and_not_after() -> None:
    mou = agreement(replace(DETECTIVES, training=("cjis-security",)))
    assert asked(mou, READY).permitted
    assert lacks(asked(mou, READY, on=DAY + timedelta(days=1))) == [("A1", Lack.TRAINING_EXPIRED)]


def test_a_case_number_is_asked_for_only_where_the_purpose_needs_one() -> None:
    mou = agreement(replace(DETECTIVES, case_number_for=("investigation",)))
    assert asked(mou).permitted


def test_one_way_in_is_enough_and_the_rule_that_opened_it_is_named() -> None:
    strict, other = replace(DETECTIVES, mfa=True), replace(DETECTIVES, id="A2", case_number_for=PURPOSES)
    mou = agreement(strict, other)
    assert asked(mou, Person(case_number=True)).rules == ("A2",)
    assert lacks(asked(mou)) == [("A1", Lack.MFA), ("A2", Lack.CASE_NUMBER)]


def test_a_denial_tells_also_what_would_be_missing_without_it() -> None:
    denial = AccessRule(id="A2", effect=Effect.DENY)
    mou = agreement(replace(DETECTIVES, mfa=True), denial)
    assert lacks(asked(mou)) == [("A2", Lack.DENIED), ("A1", Lack.MFA)]
    assert lacks(asked(mou, READY)) == [("A2", Lack.DENIED)]


# --- duties of a push --------------------------------------------------------------------------------------------


def test_a_push_turns_what_a_rule_demands_of_a_person_into_duties_of_the_recipient() -> None:
    rule = replace(DETECTIVES, mfa=True, training=("cjis-security",), case_number_for=PURPOSES)
    (sentence,) = duties(mou := agreement(rule), mou.exchanges[0])
    assert sentence == (
        "Whoever opens this must give a case number, sign in with a second factor and hold the training "
        "cjis-security, not expired (rule A1). The receiving agency attests to it."
    )


def test_of_two_rules_that_permit_only_the_lighter_counts_and_incomparable_ones_both() -> None:
    heavy, light = replace(DETECTIVES, mfa=True, training=("cjis-security",)), replace(DETECTIVES, id="A2", mfa=True)
    mou = agreement(heavy, light)
    assert duties(mou, mou.exchanges[0])[0].startswith(
        "Whoever opens this must sign in with a second factor (rule A2)."
    )
    mou = agreement(light, replace(DETECTIVES, id="A3", case_number_for=PURPOSES))
    assert "second factor (rule A2); or else give a case number (rule A3)" in duties(mou, mou.exchanges[0])[0]


@pytest.mark.parametrize(
    "access",
    [(), (DETECTIVES,), (DETECTIVES, replace(DETECTIVES, id="A2", mfa=True)), (replace(DETECTIVES, roles=()),)],
)
def test_there_are_no_duties_where_nothing_is_demanded_or_nothing_goes(access: tuple[AccessRule, ...]) -> None:
    mou = agreement(*access)
    assert duties(mou, mou.exchanges[0]) == ()


# --- laws --------------------------------------------------------------------------------------------------------


@given(agreements(), rules(Effect.DENY), requests())
def test_one_more_denial_never_permits_more(mou: Mou, denial: AccessRule, request: Request) -> None:
    if not Access(mou).decide(request).permitted:
        assert not Access(replace(mou, access=(*mou.access, denial))).decide(request).permitted


@given(agreements(), rules(Effect.PERMIT), requests())
def test_one_more_permission_never_denies_more(mou: Mou, permission: AccessRule, request: Request) -> None:
    if Access(mou).decide(request).permitted:
        assert Access(replace(mou, access=(*mou.access, permission))).decide(request).permitted


@given(agreements(), requests(), st.randoms())
def test_the_order_of_rules_does_not_matter(mou: Mou, request: Request, random: Random) -> None:
    shuffled = random.sample(mou.access, len(mou.access))
    assert Access(replace(mou, access=tuple(shuffled))).decide(request) == Access(mou).decide(request)


@given(agreements(), requests())
def test_a_denial_has_a_reason_and_a_permission_a_rule(mou: Mou, request: Request) -> None:
    verdict = Access(mou).decide(request)
    assert bool(verdict.reasons) is not verdict.permitted
    assert bool(verdict.rules) or not verdict.permitted


@given(agreements(), requests())
def test_knowing_more_of_a_person_never_takes_anything_away(mou: Mou, request: Request) -> None:
    everything = Person(mfa=True, case_number=True, training=dict.fromkeys(("cjis-security", "juvenile-records"), DAY))
    if Access(mou).decide(request).permitted:
        assert Access(mou).decide(replace(request, person=everything)).permitted


@given(agreements(), requests())
def test_the_index_of_agreements_in_force_answers_as_the_agreement_does(mou: Mou, request: Request) -> None:
    assert InForce([mou]).access(request) == Access(mou).decide(request)


# --- a second opinion --------------------------------------------------------------------------------------------


def test_cedar_decides_ten_thousand_requests_the_same_way() -> None:
    random = Random(23_20)  # noqa: S311 - the same cases every time
    permitted = 0
    for _ in range(200):
        mou = random_agreement(random)
        access = Access(mou)
        asked_for = [random_request(random, mou) for _ in range(50)]
        answers = cedarpy.is_authorized_batch([cedar_request(each) for each in asked_for], cedar(mou), [])
        for request, answer in zip(asked_for, answers, strict=True):
            assert answer.diagnostics.errors == []
            verdict = access.decide(request)
            assert verdict.permitted is answer.allowed, (mou, request)
            permitted += verdict.permitted
    assert 1_000 < permitted < 9_000  # both answers were really compared
