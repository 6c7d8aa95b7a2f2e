"""Tests for binding.py, checking.py and confirm.py of gateway/iepd: a catalog holds for one schema set."""

from dataclasses import replace

import pytest

from gateway.finding import errors
from gateway.iepd.binding import type_mark
from gateway.iepd.catalog import ValueType
from gateway.iepd.confirm import confirm
from gateway.iepd.package import Iepd, load, unclassified
from gateway.iepd.refused import IepdRefused

from .invented import EXTENSION_XSD, FIELDS_YAML, XSD, folder, invented

SCORE = "n:Subject/n:RiskScore"
ALIAS = (
    '<xs:element ref="n:RiskScore" minOccurs="0"/>',
    '<xs:element ref="n:RiskScore" minOccurs="0"/><xs:element ref="n:SubjectAlias" minOccurs="0"/>',
)


def bound(fields: str = FIELDS_YAML) -> str:
    """The catalog of the invented exchange, confirmed for its schema set."""
    text = confirm(invented(fields))
    assert text is not None
    return text.decode()


def changed(fields: str, *replacements: tuple[str, str]) -> Iepd:
    """The exchange with this catalog, and a schema that is not the confirmed one."""
    extension = EXTENSION_XSD
    for old, new in replacements:
        assert old in extension
        extension = extension.replace(old, new)
    return load(folder(fields, extension), XSD)


def codes(iepd: Iepd) -> list[str]:
    return [each.code for each in iepd.warnings]


def test_a_confirmed_catalog_says_for_which_schema_set_and_for_which_types() -> None:
    text = bound()
    assert f"schema_set: {invented().digest}\n" in text
    assert "field: person.born, label: person.dob, title: Date of birth, type: date}" in text
    assert invented(text).warnings == ()
    assert bound(text) == text


def test_with_the_same_schema_set_nothing_changes() -> None:
    assert [each.name for each in invented(bound()).catalog.fields] == [each.name for each in invented().catalog.fields]


def test_a_field_whose_type_changed_is_withheld_and_the_others_stay() -> None:
    iepd = changed(bound(), ('<xs:maxInclusive value="9"/>', '<xs:maxInclusive value="99"/>'))
    assert iepd.catalog.named("risk.score") is None
    assert [each.name for each in iepd.catalog.proposed] == ["risk.score"]
    assert iepd.catalog.named("person.born") is not None
    assert unclassified(iepd) == (SCORE,)
    assert codes(iepd) == ["fields.other-schema-set", "fields.type-changed"]
    told = iepd.warnings[1]
    assert (told.path, told.severity) == (SCORE, "warning")
    assert told.line is not None


def test_a_new_place_is_withheld_and_told() -> None:
    alias = '<xs:element name="SubjectAlias" type="xs:string"/><xs:element name="RiskScore"'
    iepd = changed(bound(), ALIAS, ('<xs:element name="RiskScore"', alias))
    assert unclassified(iepd) == ("n:Subject/n:SubjectAlias",)
    assert codes(iepd) == ["fields.other-schema-set", "fields.new-places"]


def test_a_place_that_is_gone_is_told_and_does_not_hinder() -> None:
    iepd = changed(bound(), ('<xs:element ref="n:VisitDays" minOccurs="0"/>', ""))
    assert iepd.catalog.named("visit.days") is None
    assert codes(iepd) == ["fields.other-schema-set", "fields.gone"]


def test_a_catalog_without_types_keeps_nothing_for_another_schema_set() -> None:
    digest = bound().partition("schema_set: ")[2].partition("\n")[0]
    iepd = changed(FIELDS_YAML.replace("fields:", f"schema_set: {digest}\nfields:"), ('value="9"', 'value="8"'))
    assert iepd.catalog.fields == ()
    assert errors(iepd.warnings) == ()


def test_a_catalog_that_names_no_schema_set_must_fit_the_one_beside_it() -> None:
    with pytest.raises(IepdRefused) as caught:
        changed(FIELDS_YAML, ('<xs:element ref="n:VisitDays" minOccurs="0"/>', ""))
    assert [each.code for each in caught.value.findings] == ["fields.unknown-path"]


def test_confirming_anew_takes_the_new_types_and_leaves_out_what_is_gone() -> None:
    iepd = changed(
        bound(),
        ('<xs:maxInclusive value="9"/>', '<xs:maxInclusive value="99"/>'),
        ('<xs:element ref="n:VisitDays" minOccurs="0"/>', ""),
    )
    text = confirm(iepd)
    assert text is not None
    extension = EXTENSION_XSD.replace('<xs:maxInclusive value="9"/>', '<xs:maxInclusive value="99"/>')
    again = load(folder(text.decode(), extension.replace('<xs:element ref="n:VisitDays" minOccurs="0"/>', "")), XSD)
    assert again.warnings == ()
    assert again.catalog.named("risk.score") is not None
    assert "visit.days" not in text.decode()


def test_a_field_that_nobody_confirmed_is_no_field() -> None:
    iepd = invented(FIELDS_YAML.replace("title: Risk score}", "title: Risk score, confirmed: false}"))
    assert iepd.catalog.select("risk") == ()
    assert iepd.catalog.awaits("risk")
    assert iepd.catalog.awaits("risk.*")
    assert not iepd.catalog.awaits("ris")
    assert unclassified(iepd) == (SCORE,)
    assert codes(iepd) == ["fields.not-confirmed"]


def test_an_unclassified_field_is_withheld_though_confirmed() -> None:
    iepd = invented(FIELDS_YAML.replace("field: risk.score, label: risk", "field: x.score, label: unclassified"))
    assert iepd.catalog.named("x.score") is None
    assert unclassified(iepd) == (SCORE,)


@pytest.mark.parametrize("word", ["yes", "'true'", "1", "maybe"])
def test_confirmed_is_true_or_false_and_nothing_else(word: str) -> None:
    with pytest.raises(IepdRefused) as caught:
        invented(FIELDS_YAML.replace("title: Risk score}", f"title: Risk score, confirmed: {word}}}"))
    assert [each.code for each in errors(caught.value.findings)] == ["fields.wrong-type"]


def test_words_inside_quotes_are_no_keys() -> None:
    tricky = FIELDS_YAML.replace("title: Risk score}", 'title: "Score, type: odd, confirmed: false", confirmed: false}')
    assert 'title: "Score, type: odd, confirmed: false", type: integer-' in bound(tricky)


def test_comments_and_facts_stay_when_a_catalog_is_confirmed() -> None:
    commented = FIELDS_YAML.replace("fields:\n", "# a word of caution\nfields:\n  # the head\n")
    text = bound(commented)
    assert "# a word of caution\n" in text
    assert "  # the head\n" in text
    assert text.partition("facts:")[2] == FIELDS_YAML.partition("facts:")[2]


def test_a_field_on_several_lines_cannot_be_confirmed_by_command() -> None:
    entry = next(each for each in FIELDS_YAML.splitlines() if "field: risk.score" in each)
    lines = f"  - path: {SCORE}\n    field: risk.score\n    label: risk\n    title: Risk score"
    assert confirm(invented(FIELDS_YAML.replace(entry, lines))) is None


def test_a_mark_changes_with_whatever_a_value_may_be() -> None:
    code = ValueType(kind="code", builtin="token", enumeration=("a", "b"))
    others = [
        replace(code, enumeration=("a", "b", "c")),
        replace(code, builtin="string"),
        replace(code, length_max=3),
        replace(code, patterns=("x",)),
        replace(code, is_list=True),
    ]
    assert len({type_mark(each) for each in [code, *others]}) == 6
    assert type_mark(ValueType(kind="date", builtin="date")) == "date"
    assert type_mark(ValueType(kind="empty", builtin="")) == "empty"
