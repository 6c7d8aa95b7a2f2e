import pytest

from gateway.delivery.outcome import (
    MAY_HAVE_ARRIVED,
    Evidence,
    Outcome,
    OutcomeKind,
    acknowledged,
    duplicate,
    failed,
    refused,
    unknown,
)


def test_an_endpoint_that_took_or_judged_the_message_has_answered() -> None:
    assert [made.answered for made in (acknowledged(), duplicate("a.b"), refused("a.b"))] == [True] * 3
    assert [made.answered for made in (failed("a.b"), unknown("delivery.no-answer"))] == [False] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": OutcomeKind.ACKNOWLEDGED},
        {"kind": OutcomeKind.FAILED, "code": "a.b", "evidence": Evidence.TRANSPORT},
        {"kind": OutcomeKind.FAILED},
        {"kind": OutcomeKind.UNKNOWN, "code": "a.b"},
    ],
)
def test_an_outcome_without_its_evidence_or_code_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="outcome"):
        Outcome(**wrong)  # type: ignore[arg-type]


def test_from_a_code_in_the_log_it_can_be_told_whether_the_try_may_have_arrived() -> None:
    for code in MAY_HAVE_ARRIVED:
        assert unknown(code).kind is OutcomeKind.UNKNOWN
        with pytest.raises(ValueError, match="may have arrived"):
            failed(code)
