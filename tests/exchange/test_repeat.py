import pytest

from gateway.agency import AgencyId
from gateway.exchange.repeat import is_same, with_asked
from gateway.message import Action

KEY, CONTENT, OTHER = b"k" * 32, b"1" * 32, b"2" * 32
POLICE, PROBATION, COURT = (AgencyId(each) for each in ("police", "probation", "court"))


def same(
    stored: bytes, only: set[AgencyId], *, content: bytes = CONTENT, action: Action = Action.NEW, named: str = ""
) -> bool:
    return is_same(stored, content, only, KEY, action=action, named=[AgencyId(each) for each in named.split()])


def test_the_same_recipients_in_whatever_order_are_the_same() -> None:
    stored = with_asked(CONTENT, [POLICE, PROBATION], KEY)
    assert same(stored, {PROBATION, POLICE})
    assert with_asked(CONTENT, (), KEY) == CONTENT


@pytest.mark.parametrize("only", [set(), {POLICE}, {POLICE, PROBATION, COURT}])
def test_other_recipients_are_another_request_whomever_the_answer_names(only: set[AgencyId]) -> None:
    stored = with_asked(CONTENT, [POLICE, PROBATION], KEY)
    assert not same(stored, only, named="police probation")


@pytest.mark.parametrize("action", list(Action))
def test_other_content_is_another_request_whatever_it_does(action: Action) -> None:
    assert not same(CONTENT, set(), content=OTHER, action=action)
    assert not same(CONTENT, {POLICE}, content=OTHER, action=action, named="police")
    assert not same(with_asked(CONTENT, [POLICE], KEY), {POLICE}, content=OTHER, action=action, named="police")


@pytest.mark.parametrize(
    ("action", "named", "known"),
    [
        (Action.NEW, "police", True),
        (Action.UPDATE, "police", True),
        (Action.NEW, "police probation", False),
        (Action.NEW, "probation", False),
        (Action.CORRECT, "police probation", True),
        (Action.CORRECT, "probation", False),
        (Action.CANCEL, "probation", True),
    ],
)
def test_what_was_stored_without_its_recipients_is_known_by_whom_its_answer_names(
    action: Action, named: str, *, known: bool
) -> None:
    assert same(CONTENT, {POLICE}, action=action, named=named) is known
