"""A clause compiled against its exchange."""

import pytest

from gateway.policy.mou import How, Item, Transform
from gateway.policy.outcome import ConflictingTransforms
from gateway.policy.rules import compile_rules
from tests.policy.examples import TINY, clause_of, clauses, mou_of, tiny


def test_every_field_of_the_exchange_has_its_place_in_the_rules() -> None:
    for mou, clause, iepd in clauses():
        rules = compile_rules(mou, clause, iepd)
        assert {field.path for field, _ in rules.root.outcomes()} == {field.path for field in iepd.catalog.fields}
        assert (rules.mou, rules.clause, rules.exchange, rules.tag) == (mou.id, clause.id, iepd.id, iepd.root)


def test_a_place_under_which_nothing_is_shared_is_closed() -> None:
    clause = clause_of(tiny(), "message.head", "thing.name")
    root = compile_rules(mou_of(clause), clause, tiny()).root
    assert root.children[f"{{{TINY}}}Thing"].open
    assert not root.children[f"{{{TINY}}}Hidden"].open
    assert not root.children[f"{{{TINY}}}Thing"].children[f"{{{TINY}}}Pair"].open


def test_what_the_schema_requires_is_known_at_each_place() -> None:
    clause = clause_of(tiny(), "message.head")
    root = compile_rules(mou_of(clause), clause, tiny()).root
    pair = root.children[f"{{{TINY}}}Thing"].children[f"{{{TINY}}}Pair"]
    assert [sorted(need.names) for need in root.needs] == [[f"{{{TINY}}}Action"]]
    assert [sorted(need.names) for need in pair.needs] == [[f"{{{TINY}}}First"], [f"{{{TINY}}}Second"]]


def test_a_condition_is_anchored_where_its_fact_is_asked() -> None:
    clause = clause_of(tiny(), Item(what="at-thing-name", unless="secretive"))
    root = compile_rules(mou_of(clause), clause, tiny()).root
    assert list(root.children[f"{{{TINY}}}Thing"].anchored) == ["secretive"]
    assert not root.anchored


def test_two_different_transforms_on_one_field_never_become_rules() -> None:
    masks = tuple(
        Transform(what=what, how=How.MASK, keep_last=n) for n, what in enumerate(("thing.name", "thing.name"))
    )
    clause = clause_of(tiny(), "thing.name", transforms=masks)
    with pytest.raises(ConflictingTransforms):
        compile_rules(mou_of(clause), clause, tiny())
