"""Law beats every clause, and the redaction names its section."""

import pytest

from gateway.iepd.facts import evaluate
from gateway.policy.redact import Cut, cut
from gateway.policy.restriction import Restriction
from gateway.policy.rules import compile_rules
from tests.policy.examples import clause_of, field_at, mou_of, tiny, tiny_message, tiny_text

MESSAGE = "<t:Thing><t:Name>Ada</t:Name><t:Secret>no</t:Secret></t:Thing>"


def under(restriction: Restriction, *holding: str) -> Cut:
    """The message cut by a clause that shares everything, and one restriction on the thing's secret."""
    iepd = tiny()
    document = tiny_message(MESSAGE)
    clause = clause_of(iepd, "message.head", "thing.*")
    field = iepd.catalog.named(field_at("t:Thing/t:Secret"))
    assert field is not None
    rules = compile_rules(mou_of(clause), clause, iepd, {field.path: (restriction,)})
    return cut(document, rules, evaluate(document, iepd), iepd, holding=frozenset(holding))


def test_what_law_withholds_is_withheld_though_the_clause_shares_it() -> None:
    kept = under(Restriction(law="42 CFR 2.31"))
    assert tiny_text(kept) == "<t:Thing><t:Name>Ada</t:Name></t:Thing>"
    assert [(each.label, each.clause) for each in kept.redactions] == [("thing.secret", "42 CFR 2.31")]


@pytest.mark.parametrize(("holding", "clauses"), [(("no consent",), ["42 CFR 2.31"]), ((), [])])
def test_law_withholds_only_where_its_condition_holds(holding: tuple[str, ...], clauses: list[str]) -> None:
    kept = under(Restriction(law="42 CFR 2.31", where=frozenset({"no consent"})), *holding)
    assert [each.clause for each in kept.redactions] == clauses
