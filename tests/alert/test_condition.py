"""Each condition: when there is something to see to, and when there is not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.alert.alert import MEANS, Alert, Code, Severity
from gateway.alert.condition import CONDITIONS, Expiry, ListTerm, Seen, Term, found, unknown
from gateway.delivery.delivery import State

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WELL = Seen(now=NOW, today=date(2026, 3, 2))


def ago(**by: float) -> datetime:
    return NOW - timedelta(**by)


def test_where_all_is_well_there_is_nothing_to_see_to() -> None:
    assert found(WELL) == ()
    assert unknown(WELL) == frozenset()


def test_every_code_has_its_words_and_a_command() -> None:
    assert set(MEANS) == set(Code)
    assert all(means.do.startswith("gateway ") and means.says.endswith(".") for means in MEANS.values())


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (replace(WELL, not_written=ago(seconds=1)), Alert(code=Code.LOG_NOT_WRITTEN)),
        (replace(WELL, unsequenced_since=ago(seconds=11)), Alert(code=Code.LOG_BEHIND)),
        (replace(WELL, altered=True), Alert(code=Code.LOG_ALTERED)),
        (replace(WELL, verify_faults=2), Alert(code=Code.LOG_VERIFY_FAILED, count=2)),
        (replace(WELL, clock_step=timedelta(seconds=-90)), Alert(code=Code.CLOCK_STEPPED, count=90)),
        (replace(WELL, newest_entry=NOW + timedelta(minutes=2)), Alert(code=Code.CLOCK_BEHIND, count=120)),
        (replace(WELL, late=(("jail", 2),)), Alert(code=Code.DEADLINE_MISSED, subject="jail", count=2)),
        (
            replace(WELL, deliveries=(("jail", State.UNDELIVERABLE, 3), ("jail", State.WAITING, 9))),
            Alert(code=Code.UNDELIVERABLE, subject="jail", count=3),
        ),
        (replace(WELL, deliveries=(("jail", State.EXPIRED, 1),)), Alert(code=Code.EXPIRED, subject="jail")),
        (
            replace(WELL, oldest=ago(minutes=16), deliveries=(("jail", State.WAITING, 4),)),
            Alert(code=Code.BACKLOG, count=4),
        ),
        (
            replace(WELL, replies=(("jail", State.EXPIRED, 1), ("jail", State.UNDELIVERABLE, 2))),
            Alert(code=Code.REPLY_STUCK, subject="jail", count=3),
        ),
        (replace(WELL, intelligence_due=1), Alert(code=Code.INTELLIGENCE_REVIEW)),
        (replace(WELL, retention_due=5), Alert(code=Code.RETENTION_OVERDUE, count=5)),
        (replace(WELL, unattested=1), Alert(code=Code.RETENTION_UNATTESTED)),
        (replace(WELL, reviewed=ago(days=8, seconds=1)), Alert(code=Code.LOG_REVIEW, count=8)),
        (replace(WELL, emergencies=2), Alert(code=Code.EMERGENCY, count=2)),
        (replace(WELL, unsent=(("mail", 2),)), Alert(code=Code.NOT_SENT, subject="mail", count=2)),
    ],
    ids=lambda each: each.code.value if isinstance(each, Alert) else "",
)
def test_one_thing_is_wrong_and_it_alone_is_found(seen: Seen, wanted: Alert) -> None:
    assert found(seen) == (wanted,)


@pytest.mark.parametrize(
    "seen",
    [
        replace(WELL, unsequenced_since=ago(seconds=10)),
        replace(WELL, verify_faults=0),
        replace(WELL, clock_step=timedelta(seconds=5)),
        replace(WELL, newest_entry=NOW + timedelta(seconds=59)),
        replace(WELL, deliveries=(("jail", State.WAITING, 9), ("jail", State.SENDING, 1))),
        replace(WELL, oldest=ago(minutes=15)),
        replace(WELL, reviewed=ago(days=8)),
    ],
)
def test_a_limit_is_not_passed_by_what_just_reaches_it(seen: Seen) -> None:
    assert found(seen) == ()


@pytest.mark.parametrize(
    ("until", "wanted"),
    [
        (date(2026, 3, 1), Code.MOU_OVER),
        (date(2026, 3, 2), Code.MOU_ENDS),
        (date(2026, 5, 1), Code.MOU_ENDS),
        (date(2026, 5, 2), None),
    ],
)
def test_an_agreements_last_day(until: date, wanted: Code | None) -> None:
    seen = replace(WELL, terms=(Term(mou="S-1@2", until=until, review_by=None),))
    assert [(alert.code, alert.subject) for alert in found(seen)] == ([(wanted, "S-1@2")] if wanted else [])


@pytest.mark.parametrize(("review_by", "count"), [(date(2026, 3, 2), 0), (date(2026, 3, 1), 1)])
def test_an_agreements_review_date(review_by: date, count: int) -> None:
    seen = replace(WELL, terms=(Term(mou="S-1@2", until=date(2027, 1, 1), review_by=review_by),))
    assert [alert.code for alert in found(seen)] == [Code.MOU_REVIEW] * count


def test_certificates_by_key_and_by_agency_and_what_has_ended_is_graver() -> None:
    def ends(name: str, *, own: bool, **by: float) -> Expiry:
        return Expiry(name=name, at=NOW + timedelta(**by), own=own)

    seen = replace(
        WELL,
        expiries=(
            ends("tls", own=True, days=29),
            ends("cover", own=True, days=31),
            ends("jail", own=False, days=3),
            ends("jail", own=False, days=-1),
            ends("police", own=False, days=1),
        ),
    )
    assert [(alert.code, alert.subject, alert.count, alert.weight) for alert in found(seen)] == [
        (Code.KEY_EXPIRES, "tls", 1, Severity.WARNING),
        (Code.CREDENTIAL_EXPIRES, "jail", 2, Severity.CRITICAL),
        (Code.CREDENTIAL_EXPIRES, "police", 1, Severity.WARNING),
    ]


def test_a_revocation_list_is_told_in_its_last_quarter_and_graver_once_it_is_out_of_date() -> None:
    def term(agency: str, since: float, until: float) -> ListTerm:
        return ListTerm(agency=agency, since=NOW + timedelta(hours=since), until=NOW + timedelta(hours=until))

    seen = replace(WELL, lists=(term("jail", -10, 10), term("police", -16, 4), term("court", -20, -1)))
    assert [(alert.code, alert.subject, alert.weight) for alert in found(seen)] == [
        (Code.CRL_EXPIRES, "court", Severity.CRITICAL),
        (Code.CRL_EXPIRES, "police", Severity.WARNING),
    ]


def test_what_was_not_looked_at_is_unknown_and_not_well() -> None:
    seen = replace(WELL, altered=None, verify_faults=None, retention_due=None)
    assert found(seen) == ()
    assert unknown(seen) == {Code.LOG_ALTERED, Code.LOG_VERIFY_FAILED, Code.RETENTION_OVERDUE}


def test_the_page_names_every_code() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/alerts.md").read_text(encoding="utf-8")
    assert {code.value for code in Code if f"`{code.value}`" not in page} == {Code.TEST.value}


def test_conditions_are_all_asked() -> None:
    assert len(set(CONDITIONS)) == 15


@pytest.mark.parametrize("subject", ["Calvin Tansley", "a\nb", "x" * 121, "?"])
def test_an_alert_is_about_an_id_and_never_about_a_person(subject: str) -> None:
    with pytest.raises(ValueError, match="an id of ours"):
        Alert(code=Code.BACKLOG, subject=subject)
