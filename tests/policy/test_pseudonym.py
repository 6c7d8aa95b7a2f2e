"""Tokens that link within one agreement and one period, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iepd.catalog import ValueType
from gateway.iepd.facts import evaluate
from gateway.policy.mou import How, Transform
from gateway.policy.pseudonym import NO_KEY, PseudonymKey, pseudonymizing, token_length
from gateway.policy.redact import cut
from gateway.policy.rules import compile_rules
from gateway.policy.transform import accepts, misfit
from tests.policy.examples import clause_of, mou_of, texts, tiny, tiny_message
from tests.policy.test_transform import field

ONE = PseudonymKey(agreement="A-01", period="2026", secret=b"1" * 32)
OTHER = PseudonymKey(agreement="A-02", period="2026", secret=b"2" * 32)
TOKENIZE = Transform(what="a", how=How.PSEUDONYMIZE)


@given(st.text(min_size=1))
def test_the_same_value_gives_the_same_token_and_another_key_another_one(value: str) -> None:
    token = pseudonymizing(ONE, "person.id", 26)(value)
    assert token == pseudonymizing(ONE, "person.id", 26)(value)
    assert token != pseudonymizing(OTHER, "person.id", 26)(value)
    assert token != pseudonymizing(ONE, "person.name", 26)(value), "one field's tokens say nothing of another's"


def test_blanks_around_a_value_do_not_make_another_person_of_it() -> None:
    pseudonymize = pseudonymizing(ONE, "person.id", 26)
    assert pseudonymize("  A  17 ") == pseudonymize("A 17")
    assert pseudonymize("A17") != pseudonymize("A 17")


def test_without_a_key_what_would_be_a_token_is_withheld() -> None:
    assert pseudonymizing(NO_KEY, "person.id", 26)("17") is None
    assert pseudonymizing(ONE, "person.id", 0)("17") is None


def test_a_key_has_32_bytes_and_is_never_printed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PseudonymKey(agreement="A-01", period="2026", secret=b"short")
    assert "1111" not in repr(ONE)


@pytest.mark.parametrize(("most", "length"), [(None, 26), (26, 26), (25, 20), (16, 16), (15, None)])
def test_a_token_is_as_long_as_the_type_takes_and_never_easy_to_guess(most: int | None, length: int | None) -> None:
    value = ValueType(kind="string", length_max=most)
    assert token_length(lambda text: accepts(value, text)) == length


@pytest.mark.parametrize(
    ("of", "part"),
    [
        (field(length_max=10), "does not take a token"),
        (field(patterns=("[0-9]{3}-[0-9]{2}-[0-9]{4}",)), "does not take a token"),
        (field("date", "date"), "does not take a token"),
        (field("code", enumeration=("A",)), "does not take a token"),
        (field(last="{urn:x}RemarkText"), "free text"),
        (field(label="victim.name"), "34 U.S.C. 12291"),
        (field(label="victim-services.contact"), "34 U.S.C. 12291"),
        (field(), ""),
        (field(label="victims.number-of"), ""),
    ],
)
def test_what_cannot_become_a_token_is_refused_with_the_reason(of: object, part: str) -> None:
    hint = misfit(TOKENIZE, of)  # type: ignore[arg-type]
    assert part in hint
    assert bool(hint) is bool(part)


def test_a_recipient_sees_that_two_things_have_one_name_and_not_which() -> None:
    document = tiny_message(
        "<t:Thing><t:Name>Robin</t:Name></t:Thing><t:Thing><t:Name>Robin</t:Name></t:Thing>"
        "<t:Thing><t:Name>Wren</t:Name></t:Thing>"
    )
    clause = clause_of(tiny(), "message.head", transforms=(Transform(what="at-thing-name", how=How.PSEUDONYMIZE),))
    rules = compile_rules(mou_of(clause), clause, tiny(), key=ONE)
    kept = cut(document, rules, evaluate(document, tiny()), tiny())
    _, first, second, third = texts(kept.document)
    assert first == second != third
    assert {each.outcome for each in kept.redactions} == {"pseudonymize"}
    assert not {"Robin", "Wren"} & {first, third}
