from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.outcome import OutcomeKind
from gateway.transport.answer import REFUSED_FOR_GOOD, Answer, outcome, retry_after

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_delivery_with_transport_evidence(status: int) -> None:
    made = outcome(Answer(status=status))
    assert (made.kind, made.evidence) == (OutcomeKind.ACKNOWLEDGED, "transport")


@pytest.mark.parametrize("status", [400, 403, 410, 413, 415, 422, 451])
def test_what_judges_the_message_is_a_refusal_for_good(status: int) -> None:
    made = outcome(Answer(status=status, retry_after=MINUTE))
    assert (made.kind, made.code) == (OutcomeKind.REFUSED, f"delivery.http-{status}")


@pytest.mark.parametrize("status", [301, 302, 307, 401, 404, 405, 407, 408, 425, 429, 500, 503])
def test_what_an_operator_can_mend_is_tried_again(status: int) -> None:
    made = outcome(Answer(status=status))
    assert (made.kind, made.code) == (OutcomeKind.FAILED, f"delivery.http-{status}")


@pytest.mark.parametrize("status", [502, 504])
def test_what_a_proxy_handed_on_without_an_answer_may_have_arrived(status: int) -> None:
    assert outcome(Answer(status=status)).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("status", [408, 409, 425, 429, 502, 503, 504])
def test_a_recipient_that_asks_for_time_is_heard(status: int) -> None:
    made = outcome(Answer(status=status, retry_after=MINUTE))
    assert (made.kind, made.retry_after) == (OutcomeKind.RETRY_LATER, MINUTE)


def test_a_conflict_says_that_the_recipient_has_it() -> None:
    assert outcome(Answer(status=409)).kind is OutcomeKind.DUPLICATE


@given(st.integers(min_value=100, max_value=599).filter(lambda status: not 200 <= status < 300))
def test_nothing_but_a_2xx_is_an_acknowledgement_and_few_are_for_good(status: int) -> None:
    kind = outcome(Answer(status=status)).kind
    assert kind is not OutcomeKind.ACKNOWLEDGED
    assert (kind is OutcomeKind.REFUSED) == (status in REFUSED_FOR_GOOD)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 2 * MINUTE),
        (" 60 ", MINUTE),
        ("Mon, 02 Mar 2026 12:01:00 GMT", MINUTE),
        ("Mon, 02 Mar 2026 12:01:00 -0000", MINUTE),
        ("Mon, 02 Mar 2026 11:00:00 GMT", timedelta()),
        ("-5", None),
        ("99999999999999", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOW) == wait


@given(st.text(max_size=60))
def test_no_retry_after_header_whatever_it_holds_can_break_a_try(header: str) -> None:
    made = retry_after(header, NOW)
    assert made is None or made >= timedelta()
