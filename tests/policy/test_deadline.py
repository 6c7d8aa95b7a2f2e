"""By when a message must arrive: by its clause, and by law."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.catalog import CODE
from gateway.document.parse import parse
from gateway.iepd.facts import Facts, evaluate
from gateway.policy.deadline import AHEAD, WITHIN, Term, terms
from gateway.policy.law_bind import Due
from gateway.policy.mou import Clause, Deadline
from gateway.policy.section import code_of
from tests.exchange.deployed import RELEASE, exchanges, sample

RECEIVED = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DAYS_2 = Deadline(at_least=timedelta(hours=48), before="release.scheduled")
NY_149 = Due(law="N.Y. Correction Law 149", deadline=DAYS_2)
CLAUSE = Clause(
    id="E1",
    exchange=RELEASE,
    sender="harlan-county-jail",  # type: ignore[arg-type]
    recipients=(),
    purpose="release-notification",
    role="patrol-officer",
    within=timedelta(minutes=15),
)


def facts(day: str = "2026-03-20T08:00:00-05:00", name: str = "fullest") -> Facts:
    text = sample(name).replace(b"2025-12-03T08:00:00-05:00", day.encode())
    return evaluate(parse(text), exchanges()[RELEASE])


def found(clause: Clause = CLAUSE, *dues: Due, about: Facts | None = None, zone: str = "UTC", opens: bool = True):  # type: ignore[no-untyped-def]
    return terms(clause, dues, about or facts(), received=RECEIVED, zone=ZoneInfo(zone), opens=opens)


def test_a_clause_that_says_within_counts_from_the_moment_the_message_came() -> None:
    assert found() == (Term(rule=WITHIN, until=RECEIVED + timedelta(minutes=15)),)


def test_forty_eight_hours_are_counted_from_the_first_moment_of_the_day_here() -> None:
    clause = replace(CLAUSE, within=None, deadline=DAYS_2)
    assert found(clause) == (Term(rule=AHEAD, until=datetime(2026, 3, 18, tzinfo=UTC)),)
    assert found(clause, zone="America/New_York")[0].until == datetime(2026, 3, 18, 4, tzinfo=UTC)


def test_a_law_has_its_own_deadline_under_the_code_of_its_section() -> None:
    assert [each.rule for each in found(CLAUSE, NY_149)] == [WITHIN, "n.y-correction-law-149"]


def test_the_laws_days_are_kept_by_the_first_message_of_a_chain_and_a_correction_is_still_owed_soon() -> None:
    assert [each.rule for each in found(replace(CLAUSE, deadline=DAYS_2), NY_149, opens=False)] == [WITHIN]


@pytest.mark.parametrize("about", [facts(name="smallest"), facts("0001-01-01T08:00:00-05:00")])
def test_without_a_day_that_can_be_counted_from_there_is_no_such_deadline(about: Facts) -> None:
    assert found(CLAUSE, NY_149, about=about) == found(CLAUSE)


def test_a_fact_that_the_exchange_does_not_have_or_asks_of_objects_sets_no_deadline() -> None:
    for name in ("no.such.fact", "protected"):
        due = Due(law="X", deadline=replace(DAYS_2, before=name))
        assert found(CLAUSE, due) == found(CLAUSE)


def test_a_day_long_ago_is_no_negative_number_in_the_log() -> None:
    (_, term) = found(CLAUSE, NY_149, about=facts("1900-01-01T08:00:00-05:00"))
    assert term.until.timestamp() >= 0


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ("28 CFR 23.20(h)", "28-cfr-23.20-h"),
        ("42 CFR 2.32(a)(2)", "42-cfr-2.32-a-2"),
        ("N.Y. Correction Law 168-c, 168-e", "n.y-correction-law-168-c-168-e"),
        ("§", "law"),
    ],
)
def test_a_section_has_a_code(section: str, code: str) -> None:
    assert code_of(section) == code


@given(st.text())
def test_whatever_a_section_is_called_its_code_can_stand_in_the_log(section: str) -> None:
    assert CODE(code_of(section)) == f'"{code_of(section)}"'
