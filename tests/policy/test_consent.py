"""Consents: to one recipient, for one purpose, for a time; whoever speaks of several persons needs all of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.agency import AgencyId
from gateway.policy.condition import no_consent
from gateway.policy.consent import by_person, counting, lacking, reference, used
from tests.policy.examples import JAIL, POLICE, PROBATION
from tests.policy.ledger import consent

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GIVEN = consent("sud.*", purpose="supervision", recipient=PROBATION)


def holds(
    sender: AgencyId = JAIL, recipient: AgencyId = PROBATION, purpose: str = "supervision", now: datetime = NOW
) -> bool:
    return GIVEN.holds(sender=sender, recipient=recipient, purpose=purpose, now=now)


def test_it_holds_for_its_recipient_and_purpose_from_its_first_to_its_last_day() -> None:
    assert holds()
    assert not holds(recipient=POLICE)
    assert not holds(sender=POLICE)
    assert not holds(purpose="prosecution")
    assert holds(now=datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert not holds(now=datetime(2027, 1, 1, tzinfo=UTC))
    assert not holds(now=datetime(2025, 12, 31, tzinfo=UTC))


def test_revoked_it_ends_at_once() -> None:
    revoked = replace(GIVEN, revoked=NOW)
    asked = {"sender": JAIL, "recipient": PROBATION, "purpose": "supervision"}
    assert not revoked.holds(**asked, now=NOW)  # type: ignore[arg-type]
    assert revoked.holds(**asked, now=NOW - timedelta(seconds=1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("consents", "missing"),
    [
        ((), {"sud.need", "medical.need"}),
        (((),), {"sud.need", "medical.need"}),
        (((GIVEN,),), {"medical.need"}),
        (((GIVEN, replace(GIVEN, id="C-2", labels=("medical.need",))),), set()),
        (((GIVEN,), ()), {"sud.need", "medical.need"}),  # another person in the message consented to nothing
        (((GIVEN,), (replace(GIVEN, id="C-2", labels=("*",)),)), {"medical.need"}),
    ],
)
def test_what_is_lacking_is_told_label_by_label(consents: tuple[tuple[object, ...], ...], missing: set[str]) -> None:
    found = lacking(["sud.need", "medical.need"], consents)  # type: ignore[arg-type]
    assert found == {no_consent(label) for label in missing}


def test_only_those_that_hold_count() -> None:
    ended = replace(GIVEN, id="C-2", until=NOW.date() - timedelta(days=1))
    (own,) = counting(((GIVEN, ended),), sender=JAIL, recipient=PROBATION, purpose="supervision", now=NOW)
    assert own == (GIVEN,)


def test_a_persons_consents_are_found_by_any_of_their_indexes_and_nobody_elses_are() -> None:
    other = replace(GIVEN, id="C-2", subject="f" * 64)
    persons = (frozenset({"0" * 64, "a" * 64}), frozenset[str]())
    assert by_person([GIVEN, other], persons) == ((GIVEN,), ())


def test_the_recipient_is_told_what_the_consent_covers_and_which_paper_it_is() -> None:
    (found,) = used(["sud.need"], ((GIVEN,), (GIVEN,)))
    text = reference(found)
    for part in ("C-1", "sud.*", "supervision", "2026-12-31", GIVEN.document):
        assert part in text
    assert GIVEN.subject not in text
    assert used(["medical.need"], ((GIVEN,),)) == ()
