"""By what the persons in a message are known: one way of writing, numbers before names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.subject import name_of, number, persons, terms
from tests.policy.examples import exchanges, sample
from tests.policy.ledger import Case, ledger

NAME = {"person.name.given": "José María", "person.name.last": "O'Neill-Lúcas", "person.dob.date": "1991-03-17"}


@pytest.mark.parametrize("text", ["FR1190284", " fr 119-0284 ", "fr1190284"])
def test_a_number_is_one_however_it_is_written(text: str) -> None:
    assert number(text) == "FR1190284"


def test_leading_zeros_tell_no_numbers_apart() -> None:
    assert number("0563317") == number("563317")


@pytest.mark.parametrize("text", ["O'Neill-Lúcas", "ONEILL LUCAS", "o’neill lucas"])
def test_a_name_is_one_however_it_is_written(text: str) -> None:
    assert name_of(text) == "ONEILLLUCAS"


def test_who_has_a_number_is_known_by_numbers_only() -> None:
    assert terms({**NAME, "person.id.sid.number": "FR1190284", "person.id.doc.number": "-"}) == {"sid:FR1190284"}
    assert terms(NAME) == {"name:ONEILLLUCAS|JOSEMARIA|1991-03-17"}


@pytest.mark.parametrize("missing", NAME)
def test_half_a_name_identifies_nobody(missing: str) -> None:
    assert terms({key: value for key, value in NAME.items() if key != missing}) == frozenset()
    assert terms({**NAME, missing: " - "}) == frozenset()


@pytest.mark.parametrize(
    ("exchange", "subjects"), [("custody-release/1.0", 1), ("police-contact/1.0", 2), ("supervision-record/1.0", 1)]
)
def test_the_subjects_of_our_exchanges_are_found_and_nobody_else_in_them(exchange: str, subjects: int) -> None:
    found = persons(sample(exchange, "fullest.xml"), exchanges()[exchange])
    assert len(found) == subjects
    assert "sid:FR1190284" in found[0]
    assert {term.split(":")[0] for terms in found for term in terms} <= {"sid", "fbi", "doc", "name"}


def test_an_exchange_that_names_its_fields_otherwise_has_nobody_to_find() -> None:
    assert persons(Case().message(), ledger()) == ()


@given(st.text(max_size=40))
def test_normal_forms_are_plain_and_stay_as_they_are(text: str) -> None:
    for normal in (number, name_of):
        once = normal(text)
        assert once.isascii()
        assert normal(once) == once
