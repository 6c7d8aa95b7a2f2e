"""Why a field is shared, reduced or withheld, in a sentence."""

from gateway.policy.explain import _GRAINS, Explanation, explain, transform_in_words
from gateway.policy.mou import Grain, How, Transform
from tests.policy.examples import POLICE, agreements, clauses, exchanges


def sentence(mou: str, clause: str, label: str) -> Explanation:
    agreement = agreements()[mou]
    found = agreement.clause(clause)
    assert found is not None
    explained = explain(agreement, found, exchanges()[found.exchange], found.recipients[0])
    return next(each for each in explained if each.label == label)


def test_a_shared_field_names_recipient_agreement_and_clause() -> None:
    mou = agreements()["JAIL-PD-2026-01"]
    iepd = exchanges()["custody-release/1.0"]
    last = next(each for each in explain(mou, mou.exchanges[0], iepd, POLICE) if each.title == "Last name")
    assert last.outcome == "shared"
    assert last.text == "Last name is shared with millbrook-police: JAIL-PD-2026-01 v1, clause E1."


def test_a_reduced_field_says_how_and_why() -> None:
    dob = sentence("JAIL-FUSION-2026-03", "E1", "person.dob")
    assert dob.outcome == "reduced"
    assert "as the year only" in dob.text
    assert dob.text.endswith("Age group is enough for analysis.")
    assert "all but its last 4 characters masked" in sentence("JAIL-FUSION-2026-03", "E1", "person.id.sid").text
    assert 'as "on file"' in sentence("PROB-PD-2026-04", "E1", "monitoring.device").text


def test_a_withheld_field_says_whether_it_was_removed_or_never_listed() -> None:
    assert "removes it. 42 CFR 2.12." in sentence("JAIL-PD-2026-01", "E1", "sud.need").text
    assert "does not list it" in sentence("JAIL-PD-2026-01", "E1", "person.contact").text


def test_a_condition_is_told_in_the_words_of_its_fact() -> None:
    assert "unless offense was committed as a juvenile" in sentence("JAIL-PD-2026-01", "E1", "offense.charge").text
    assert "only where affiliation rests on" in sentence("PROB-PD-2026-04", "E1", "affiliation.group").text


def test_every_field_of_every_clause_is_explained() -> None:
    for mou, clause, iepd in clauses():
        explained = explain(mou, clause, iepd)
        assert [each.field for each in explained] == [field.name for field in iepd.catalog.fields]
        assert all(each.text.startswith(each.title) and each.text.endswith(".") for each in explained)


def test_every_form_of_a_field_has_words() -> None:
    assert set(_GRAINS) == set(Grain)
    for transform in (
        Transform(what="a", how=How.MASK),
        Transform(what="a", how=How.REPLACE, text="x"),
        Transform(what="a", how=How.PSEUDONYMIZE),
        *(Transform(what="a", how=How.GENERALIZE, to=grain) for grain in Grain),
    ):
        assert transform_in_words(transform)
