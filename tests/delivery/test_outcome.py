import pytest

from gateway.delivery.outcome import (
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
    assert [made.answered for made in (failed("a.b"), unknown("a.b"))] == [False] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": OutcomeKind.ACKNOWLEDGED},
        {"kind": OutcomeKind.FAILED, "code": "a.b", "evidence": Evidence.TRANSPORT},
        {"kind": OutcomeKind.FAILED},
    ],
)
def test_an_outcome_without_its_evidence_or_code_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="an outcome"):
        Outcome(**wrong)  # type: ignore[arg-type]
