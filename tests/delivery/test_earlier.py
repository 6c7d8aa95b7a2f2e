import pytest

from gateway.delivery.earlier import BEGUN_ANEW, EarlierTry, may_have_arrived

REFUSED, HAD = "delivery.no-connection", "delivery.http-409"
LOST = "delivery.no-answer"


def tries(*codes: str, begin: int = 1) -> list[EarlierTry]:
    return [EarlierTry(number, code) for number, code in enumerate(codes, begin)]


@pytest.mark.parametrize("code", [LOST, "delivery.time-out", "delivery.http-504", "agency.suspended"])
def test_a_try_without_a_whole_answer_may_have_arrived_whatever_came_after_it(code: str) -> None:
    assert may_have_arrived(tries(code), 2)
    assert may_have_arrived(tries(code, REFUSED, REFUSED), 4)


@pytest.mark.parametrize("code", [REFUSED, "delivery.tls", "keys.gone", "delivery.http-500", HAD])
def test_a_try_that_did_not_arrive_may_not(code: str) -> None:
    assert not may_have_arrived(tries(code, code), 3)
    assert not may_have_arrived([], 1)


def test_a_try_of_which_nothing_is_told_may_have_arrived() -> None:
    assert may_have_arrived([], 2)
    assert may_have_arrived(tries(REFUSED), 3)
    assert may_have_arrived(tries(REFUSED, begin=2), 3)


def test_what_was_begun_anew_has_the_tries_before_it_too() -> None:
    assert may_have_arrived([*tries(REFUSED, LOST), BEGUN_ANEW], 1)
    assert may_have_arrived([*tries(REFUSED, REFUSED), BEGUN_ANEW], 2)
    assert not may_have_arrived([*tries(REFUSED, REFUSED), BEGUN_ANEW, *tries(REFUSED)], 2)


def test_one_that_expired_untried_is_told_with_the_number_of_the_try_before() -> None:
    assert not may_have_arrived([*tries(REFUSED, REFUSED), EarlierTry(2, REFUSED), BEGUN_ANEW], 1)
