"""Conditions: what holds where a field stands, told by facts and with the message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.iepd.facts import evaluate
from gateway.policy.condition import (
    NOT_ANCHORED,
    Origin,
    anchor,
    ask,
    comes_from,
    fact_of,
    negation,
    no_consent,
    parts,
    said,
    together,
)
from gateway.policy.redact import cut
from gateway.policy.restriction import Restriction
from gateway.policy.rules import compile_rules
from tests.policy.examples import clause_of, mou_of
from tests.policy.ledger import FACTS, LABELS, Case, ledger

MAY, IS = (comes_from("file.origin", Origin.TIP, certain=certain) for certain in (False, True))


@pytest.mark.parametrize(
    ("answer", "holds"), [("tip", {MAY, IS}), ("court", set()), ("", {MAY}), ("somewhere", {MAY}), ("TIP", {MAY})]
)
def test_an_origin_nobody_knows_may_be_any_and_is_none(answer: str, holds: set[str]) -> None:
    assert ask("file.origin", {MAY, IS}).of(answer) == holds


def test_a_fact_that_is_neither_true_nor_false_answers_both_questions_the_strict_way() -> None:
    asked = ask("sealed", {"sealed", negation("sealed")})
    assert asked.of(True) == {"sealed"}
    assert asked.of(False) == {"not sealed"}
    assert asked.of("perhaps") == {"sealed", "not sealed"}


def test_conditions_name_their_facts() -> None:
    whole = together({MAY, negation("file.sealed"), no_consent("sud.need")})
    assert {fact_of(part) for part in parts(whole)} == {"file.origin", "file.sealed", ""}
    assert together(parts(whole)) == whole


def test_conditions_can_be_read_out() -> None:
    words = said(together({IS, negation("file.sealed"), no_consent("sud.need")}), {"file.sealed": "the file is sealed"})
    assert words == (
        "file.origin is tip and no consent is on file for sud.need and it does not hold that the file is sealed"
    )


def test_where_nothing_is_asked_nothing_is_anchored() -> None:
    assert anchor((), {"file.sealed": ("File",)}) == {}
    assert not NOT_ANCHORED
    assert NOT_ANCHORED.variants(frozenset({"x"})) == [frozenset({"x"})]


def test_what_is_put_together_stands_where_its_innermost_fact_is_asked() -> None:
    whole = together({"outer", "inner", "law:x"})
    places = anchor({whole}, {"outer": (), "inner": ("A", "B")})
    assert list(places[()]) == ["outer"]
    assert list(places["A", "B"]) == ["inner"]
    assert [name for name, _ in places["A", "B"].put_together] == [whole]
    variants = places["A", "B"].variants(frozenset({"outer", "law:x"}))
    assert [whole in each for each in variants].count(True) == 1


# --- against the plainest reading -----------------------------------------------------------------------------------

_ATOMS = (
    *(
        comes_from("file.origin", origin, certain=certain)
        for origin in (Origin.TIP, Origin.COURT)
        for certain in (0, 1)
    ),
    *(condition for name in FACTS[:3] for condition in (f"file.{name}", negation(f"file.{name}"))),
    no_consent("a"),
    no_consent("b"),
)
_WHERE = st.frozensets(st.sampled_from(_ATOMS), max_size=3)
_ORIGINS = st.sampled_from(["", "tip", "court", "elsewhere"])


def _holds(atom: str, case: Case, holding: frozenset[str]) -> bool:
    if atom.startswith("law:"):
        return atom in holding
    if " may be " in atom or " is " in atom:
        known = case.origin in list(Origin)
        return atom.endswith(case.origin) if known else " may be " in atom
    name = fact_of(atom).removeprefix("file.")
    missing = name == "juvenile"
    value = case.marks.get(name, False if name in {"juvenile", "sealed"} else missing)
    return value is not atom.startswith("not ")


@pytest.mark.parametrize("whole", [False, True], ids=["of each file", "of the message"])
@given(
    wheres=st.lists(_WHERE, min_size=1, max_size=4),
    origin=_ORIGINS,
    marks=st.dictionaries(st.sampled_from(FACTS[:3]), st.booleans()),
    holding=st.frozensets(st.sampled_from([no_consent("a"), no_consent("b")])),
)
def test_a_field_is_withheld_where_all_conditions_of_one_restriction_hold(
    whole: bool, wheres: list[frozenset[str]], origin: str, marks: dict[str, bool], holding: frozenset[str]
) -> None:
    case = Case(label="sud.need", origin=origin, marks=marks)
    iepd, document = ledger(whole=whole), case.message()
    clause = clause_of(iepd, "message.head", "mark", *LABELS)
    field = iepd.catalog.named("file.sud.need")
    assert field is not None
    restrictions = tuple(Restriction(law=f"Law {number}", where=where) for number, where in enumerate(wheres))
    rules = compile_rules(mou_of(clause), clause, iepd, {field.path: restrictions})
    kept = cut(document, rules, evaluate(document, iepd), iepd, holding=holding)
    decides = [each.law for each in restrictions if all(_holds(atom, case, holding) for atom in each.where)]
    always = [each.law for each in restrictions if not each.where]
    told = [each.clause for each in kept.redactions if each.label == "sud.need"]
    assert told == ([min(always or decides)] if decides else [])
