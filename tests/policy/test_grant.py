"""Who gets a message."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.agency import AgencyId
from gateway.document.parse import parse
from gateway.iepd.facts import Facts, evaluate
from gateway.policy.access import Lack, Person, Request, Verdict
from gateway.policy.duties import duties
from gateway.policy.grant import Grant, InForce, grants, refusals
from gateway.policy.mou import AccessRule, Clause, Condition, Effect
from tests.policy.examples import FUSION, JAIL, POLICE, PROBATION, agreements, clause_of, exchanges, mou_of, sample

RELEASE = "custody-release/1.0"
DA, SHELTER = AgencyId("harlan-district-attorney"), AgencyId("harborlight-services")
DAY = date(2026, 11, 1)


def facts_of(name: str = "fullest.xml", old: bytes = b"", new: bytes = b"") -> Facts:
    iepd = exchanges()[RELEASE]
    return evaluate(parse(iepd.samples[name].replace(old, new)), iepd)


def recipients(granted: tuple[Grant, ...]) -> list[str]:
    return [str(grant.recipient) for grant in granted]


def decide(facts: Facts, *, on: date = DAY, only: frozenset[AgencyId] | None = None) -> tuple[Grant, ...]:
    return grants(InForce(agreements().values()), sender=JAIL, exchange=RELEASE, facts=facts, on=on, only=only)


def test_a_high_risk_release_goes_to_everyone_an_agreement_names() -> None:
    assert set(recipients(decide(facts_of()))) == {POLICE, DA, PROBATION, FUSION}
    assert all(grant.recipient in grant.clause.recipients for grant in decide(facts_of()))


def test_a_sealed_record_goes_to_nobody_and_so_does_one_that_does_not_say() -> None:
    mark = b"<ec:RecordSealedIndicator>false</ec:RecordSealedIndicator>"
    assert decide(facts_of("smallest.xml", mark, mark.replace(b"false", b"true"))) == ()
    assert decide(facts_of("smallest.xml", mark)) == ()
    assert decide(facts_of("smallest.xml")) != ()


def test_a_route_that_does_not_match_leaves_out_only_its_own_recipients() -> None:
    assert set(recipients(decide(facts_of("smallest.xml")))) == {POLICE, DA, PROBATION}


def test_a_route_may_name_several_values() -> None:
    route = (Condition(fact="residence.city", values=("Harlan", "Millbrook")),)
    clause = replace(clause_of(exchanges()[RELEASE], "person.name"), route=route)
    given = grants([mou_of(clause)], sender=JAIL, exchange=RELEASE, facts=facts_of(), on=DAY)
    assert recipients(given) == [POLICE]
    elsewhere = facts_of("fullest.xml", b"Millbrook", b"Oakvale")
    assert grants([mou_of(clause)], sender=JAIL, exchange=RELEASE, facts=elsewhere, on=DAY) == ()


def test_nothing_goes_before_the_first_day_nor_after_the_last() -> None:
    clause = clause_of(exchanges()[RELEASE], "person.name")
    for day, given in ((date(2025, 12, 31), 0), (date(2026, 1, 1), 1), (date(2026, 12, 31), 1), (date(2027, 1, 1), 0)):
        found = grants([mou_of(clause)], sender=JAIL, exchange=RELEASE, facts=facts_of(), on=day)
        assert len(found) == given


def test_another_sender_or_exchange_gets_nothing_out_of_it() -> None:
    clause = clause_of(exchanges()[RELEASE], "person.name")
    assert grants([mou_of(clause)], sender=POLICE, exchange=RELEASE, facts=facts_of(), on=DAY) == ()
    assert grants([mou_of(clause)], sender=JAIL, exchange="police-contact/1.0", facts=facts_of(), on=DAY) == ()


def test_of_two_versions_in_force_only_the_later_speaks_even_where_it_dropped_the_clause() -> None:
    clause = clause_of(exchanges()[RELEASE], "person.name")
    other = replace(clause, exchange="police-contact/1.0")
    first, second = mou_of(clause, version=1), mou_of(other, version=2)
    assert grants([first, second], sender=JAIL, exchange=RELEASE, facts=facts_of(), on=DAY) == ()
    later = replace(mou_of(clause, version=2), since=date(2026, 12, 1))
    given = grants([later, first], sender=JAIL, exchange=RELEASE, facts=facts_of(), on=DAY)
    assert [grant.mou.version for grant in given] == [1]


def test_a_recipient_gets_a_message_once_under_the_first_clause_that_gives_it() -> None:
    first = clause_of(exchanges()[RELEASE], "person.name")
    second = replace(first, id="T2")
    given = grants(
        [mou_of(second, id="TEST-02"), mou_of(first, second, id="TEST-01")],
        sender=JAIL,
        exchange=RELEASE,
        facts=facts_of(),
        on=DAY,
    )
    assert [(grant.mou.id, grant.clause.id) for grant in given] == [("TEST-01", "T1")]


def test_asking_for_recipients_narrows_and_one_without_an_agreement_is_refused_alone() -> None:
    only = frozenset({POLICE, SHELTER})
    given = decide(facts_of(), only=only)
    assert recipients(given) == [POLICE]
    refused = refusals(agreements().values(), given, sender=JAIL, exchange=RELEASE, on=DAY, only=only)
    assert [(each.recipient, each.error.code) for each in refused] == [(SHELTER, "policy.no-mou-in-force")]
    assert str(SHELTER) in refused[0].error.text


def test_a_recipient_whose_conditions_do_not_hold_is_told_apart_from_one_without_an_agreement() -> None:
    only = frozenset({FUSION})
    given = decide(facts_of("smallest.xml"), only=only)
    assert given == ()
    refused = refusals(agreements().values(), given, sender=JAIL, exchange=RELEASE, on=DAY, only=only)
    assert refused[0].error.code == "policy.not-routed"


def test_purpose_and_role_narrow_too() -> None:
    facts, mous = facts_of(), InForce(agreements().values())
    given = grants(mous, sender=JAIL, exchange=RELEASE, facts=facts, on=DAY, purpose="protective-order-enforcement")
    assert recipients(given) == [PROBATION]
    only = frozenset({POLICE})
    given = grants(mous, sender=JAIL, exchange=RELEASE, facts=facts, on=DAY, only=only, role="janitor")
    refused = refusals(mous, given, sender=JAIL, exchange=RELEASE, on=DAY, only=only, role="janitor")
    assert [each.error.code for each in refused] == ["policy.purpose-not-allowed"]


def test_the_shelter_sends_to_nobody_and_gets_from_nobody() -> None:
    spoken: set[AgencyId] = set()
    for mou in agreements().values():
        for clause in mou.exchanges:
            spoken |= {clause.sender, *clause.recipients}
    assert SHELTER not in spoken
    assert sample(RELEASE, "fullest.xml").root is not None


def test_a_decision_looks_only_at_what_the_sender_sends() -> None:
    clauses: list[Clause] = [
        replace(clause_of(exchanges()[RELEASE], "person.name"), id=f"T{each}", sender=AgencyId(f"jail-{each}"))
        for each in range(400)
    ]
    spoken = InForce([mou_of(*clauses)]).spoken(AgencyId("jail-7"), RELEASE, DAY)
    assert [grant.clause.id for each in spoken.grants.values() for grant in each] == ["T7"]


# --- access rules over clauses -----------------------------------------------------------------------------------

RULE = AccessRule(
    id="A1", roles=("patrol-officer",), purposes=("release-notification",), categories=("custody-release",)
)


def with_access(*rules: AccessRule) -> InForce:
    """One clause to patrol officers, under these rules."""
    return InForce([replace(mou_of(clause_of(exchanges()[RELEASE], "person.name")), access=rules)])


def given_to_police(mous: InForce) -> tuple[Grant, ...]:
    return grants(mous, sender=JAIL, exchange=RELEASE, facts=facts_of(), on=DAY)


def test_a_clause_that_the_access_rules_permit_gives_as_before() -> None:
    (grant,) = given_to_police(with_access(RULE))
    assert (grant.recipient, grant.duties) == (POLICE, ())


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ((replace(RULE, roles=("detective",)),), "permitted by no access rule"),
        ((replace(RULE, purposes=("investigation",)),), "permitted by no access rule"),
        ((replace(RULE, categories=("police-contact",)),), "permitted by no access rule"),
        ((RULE, AccessRule(id="A2", effect=Effect.DENY, roles=("patrol-officer",))), "denied by A2"),
    ],
)
def test_a_clause_that_the_access_rules_deny_gives_nobody_anything_and_says_so(
    rules: tuple[AccessRule, ...], why: str
) -> None:
    mous = with_access(*rules)
    assert given_to_police(mous) == ()
    (refused,) = refusals(mous, (), sender=JAIL, exchange=RELEASE, on=DAY, only=frozenset({POLICE}))
    assert refused.error.code == "policy.access-denied"
    assert refused.error.text == (
        f"clause T1 of TEST-01 gives {POLICE} nothing: patrol-officer for release-notification is {why}"
    )


def test_another_agreement_still_gives_what_this_one_denies() -> None:
    clause = clause_of(exchanges()[RELEASE], "person.name")
    denying = replace(mou_of(clause, id="TEST-00"), access=(AccessRule(id="A1", effect=Effect.DENY),))
    (grant,) = given_to_police(InForce([denying, mou_of(clause, id="TEST-01")]))
    assert grant.mou.id == "TEST-01"


def test_what_a_rule_demands_of_people_travels_as_a_duty_of_the_recipient() -> None:
    (grant,) = given_to_police(with_access(replace(RULE, mfa=True)))
    assert grant.duties == duties(grant.mou, grant.clause)
    assert "sign in with a second factor (rule A1)" in grant.duties[0]


def person_asks(mous: InForce, *, mfa: bool = False, **other: str) -> Verdict:
    words = {"recipient": POLICE, "purpose": "release-notification", "role": "patrol-officer", **other}
    return mous.access(Request(sender=JAIL, exchange=RELEASE, on=DAY, person=Person(mfa=mfa), **words))  # type: ignore[arg-type]


def test_one_person_is_judged_by_what_is_known_and_a_missing_condition_denies() -> None:
    mous = with_access(replace(RULE, mfa=True))
    assert person_asks(mous, mfa=True).permitted
    assert [reason.lack for reason in person_asks(mous).reasons] == [Lack.MFA]
    assert [reason.lack for reason in person_asks(mous, purpose="curiosity").reasons] == [Lack.PURPOSE]
    assert [reason.lack for reason in person_asks(mous, recipient=PROBATION).reasons] == [Lack.NO_CLAUSE]


def test_a_person_is_asked_about_under_agreements_in_force_that_day_and_any_of_them_may_permit() -> None:
    clause = clause_of(exchanges()[RELEASE], "person.name")
    first = replace(mou_of(clause, id="TEST-01"), access=(replace(RULE, mfa=True),))
    second = replace(mou_of(replace(clause, role="clerk"), id="TEST-02"), since=date(2026, 12, 1))
    assert not person_asks(InForce([first, second]), role="clerk").permitted
    third = replace(second, since=date(2026, 1, 1))
    assert person_asks(InForce([first, third]), role="clerk").mou == "TEST-02"
    both = person_asks(InForce([first, third]))
    assert [reason.lack for reason in both.reasons] == [Lack.MFA, Lack.ROLE]
