"""What NIEM makes of a cut: section 5 of the NIEM facts, item by item, each with a named test.

 1  same object in several places: test_closure (what_is_withheld_at_one_place_of_a_person, places_are_linked_by_*,
    a_person_is_one_object_within_another), a_role_and_its_person_are_one_object
 2  removing what is referenced: test_closure (a_pointer_goes_with_its_target, a_list_of_ids_without_any_target_left),
    a_reference_element_of_niem_2, an_element_whose_text_points_goes_with_its_target
 3  reach by reference, cycles: data_reached_by_a_role_is_judged_where_it_stands, roles_that_point_at_each_other_end
 4  empty containers: test_redact (a_container_left_empty_goes), an_augmentation_left_empty_goes
 5  required elements: the section "required"
 6  xsi:nil: the section "manners"
 7  substitution, xsi:type, siblings: the section "names"
 8  augmentations: every_augmentation_of_an_object_is_looked_into, an_augmentation_of_niem_2
 9  free text, binaries, comments: test_redact (a_photo_goes_whole, comments_instructions_white_space), test_transform
10  ids: test_closure (ids_are_numbered_anew), an_id_that_the_schema_requires, ids_of_another_sort
11  metadata and marks: the section "metadata and marks"
12  signs of sealing and of youth: a_sign_of_sealing_keeps_the_record_back
"""

from dataclasses import replace

import pytest

from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.policy.manner import misfit_clause_manner, misfit_manner
from gateway.policy.mou import How, Item, Manner, Transform
from gateway.policy.redact import Cut, NotReleasable, cut
from gateway.policy.restriction import Restriction
from gateway.policy.rules import compile_rules
from tests.policy.elder import ISM, exchange_of, five, notice, shown, two
from tests.policy.examples import clause_of, cut_sharing, cut_with, mou_of, tiny, tiny_message, tiny_text

ACTION = "x.action-code"
RECORD = '<x:Record><x:RecordID issuer="county">17</x:RecordID><x:RecordDate>2026-03-02</x:RecordDate>{}</x:Record>'
EVERYTHING = tuple(five().catalog.labels())


def cut_five(body: str, *share: str | Item, manner: Manner = Manner.DROP, attributes: str = "", **more: object) -> Cut:
    """Cut a message of the NIEM 5.0 exchange; what comes out is valid."""
    clause = replace(clause_of(five(), ACTION, *share, **more), manner=manner)  # type: ignore[arg-type]
    return cut_with(notice(five(), body, attributes), mou_of(clause), clause, five())


def cut_two(body: str, *share: str) -> Cut:
    clause = clause_of(two(), ACTION, *share)
    return cut_with(notice(two(), body), mou_of(clause), clause, two())


def remove(what: str, manner: Manner | None = None) -> Transform:
    return Transform(what=what, how=How.REMOVE, because="for a test", manner=manner)


# --- objects and references ------------------------------------------------------------------------------------------

ROLE = (
    '<nc:Person s:id="P1"><nc:PersonName><nc:PersonGivenName>Wren</nc:PersonGivenName>'
    "<nc:PersonSurName>Tansley</nc:PersonSurName></nc:PersonName></nc:Person>"
    '<x:Subject><nc:RoleOfPerson s:ref="P1" xsi:nil="true"/><x:SubjectID>77</x:SubjectID></x:Subject>'
)


def fields_at(start: str) -> list[str]:
    """Names of the fields whose path begins so."""
    return [field.name for field in five().catalog.fields if field.text.startswith(start)]


def test_a_role_and_its_person_are_one_object() -> None:
    given = fields_at("nc:Person/nc:PersonName/nc:PersonGivenName")
    kept = cut_five(ROLE, *given, "x.person-sur-name", "x.subject-id")
    assert "Tansley" in shown(kept)
    assert "Wren" not in shown(kept), "the given name is withheld where the person plays the role"
    assert '<nc:RoleOfPerson s:ref="id1" xsi:nil="true"/>' in shown(kept)


def test_data_reached_by_a_role_is_judged_where_it_stands() -> None:
    kept = cut_five(ROLE, *fields_at("x:Subject"))
    assert shown(kept) == "<x:Subject><x:SubjectID>77</x:SubjectID></x:Subject>"


def test_a_reference_element_of_niem_2_goes_with_its_target_and_takes_what_requires_it_along() -> None:
    body = (
        '<x:Person s:id="P1"><x:PersonSurName>Tansley</x:PersonSurName></x:Person>'
        '<x:Arrest><x:ArrestDate>2026-03-02</x:ArrestDate><x:PersonReference s:ref="P1"/></x:Arrest>'
    )
    assert shown(cut_two(body, "x.person-reference", "x.arrest-date")) == ""
    both = shown(cut_two(body, "x.person-reference", "x.arrest-date", "x.person-sur-name"))
    assert '<x:PersonReference s:ref="id1"/>' in both
    assert '<x:Person s:id="id1">' in both


def test_roles_that_point_at_each_other_end() -> None:
    body = (
        '<nc:Person s:uri="#b"/><x:Subject s:id="a"><nc:RoleOfPerson s:id="b"><nc:PersonName>'
        "<nc:PersonSurName>T</nc:PersonSurName></nc:PersonName></nc:RoleOfPerson></x:Subject>"
    )
    assert "<nc:PersonSurName>T</nc:PersonSurName>" in shown(cut_five(body, *EVERYTHING))


def test_an_augmentation_left_empty_goes() -> None:
    body = "<nc:Person><x:PersonAugmentation><x:Weight>70</x:Weight></x:PersonAugmentation></nc:Person>" + RECORD
    assert "Person" not in shown(cut_five(body.format(""), "x.record-id", "x.at-issuer", "x.record-date"))


# --- required: drop, else nil where the schema lets it, else the nearest optional container, else nothing ------------


def test_a_required_element_is_nil_where_the_schema_lets_it_and_loses_nothing_else() -> None:
    body = '<x:Subject><x:SubjectID s:id="n1">77</x:SubjectID></x:Subject>' + RECORD.format("")
    schema = {name: data.decode() for name, data in five().files.items() if name.endswith(".xsd")}
    documents = {name.rpartition("/")[2]: text for name, text in schema.items()}
    documents["notice.xsd"] = documents["notice.xsd"].replace('ref="x:SubjectID" minOccurs="0"', 'ref="x:SubjectID"')
    iepd = exchange_of("elder-five/1.0", documents, dict(five().namespaces))
    clause = clause_of(iepd, ACTION, "x.record-id", "x.at-issuer", "x.record-date", "x.person-sur-name")
    person = "<nc:RoleOfPerson><nc:PersonName><nc:PersonSurName>T</nc:PersonSurName></nc:PersonName></nc:RoleOfPerson>"
    document = notice(iepd, body.replace("<x:Subject>", f"<x:Subject>{person}"))
    kept = shown(cut_with(document, mou_of(clause), clause, iepd))
    assert "<nc:PersonSurName>T</nc:PersonSurName>" in kept
    assert '<x:SubjectID xsi:nil="true"/>' in kept


def test_the_optional_container_goes_where_a_required_element_cannot_be_nil() -> None:
    body = RECORD.format("<x:RecordText>t</x:RecordText>") + "<x:Link><nc:Person/><x:LinkText>l</x:LinkText></x:Link>"
    kept = cut_five(body, "x.record-id", "x.at-issuer", "x.record-text", "x.link-text")
    assert "Record" not in shown(kept)
    assert {each.clause for each in kept.redactions if "Record" in each.path} == {"default"}


def test_an_optional_element_is_dropped_though_it_could_be_nil() -> None:
    body = "<nc:Person><nc:PersonName><nc:PersonGivenName>W</nc:PersonGivenName><nc:PersonSurName>T</nc:PersonSurName>"
    kept = cut_five(f"{body}</nc:PersonName></nc:Person>", "x.person-given-name")
    assert shown(kept) == (
        "<nc:Person><nc:PersonName><nc:PersonGivenName>W</nc:PersonGivenName></nc:PersonName></nc:Person>"
    )


def test_one_of_several_that_the_schema_requires_is_enough() -> None:
    # Two persons of a link, one required: the withheld one goes, and stands nowhere as an empty one.
    clear = '<nc:Person s:id="p"><nc:PersonName><nc:PersonSurName>T</nc:PersonSurName></nc:PersonName></nc:Person>'
    link = (
        '<x:Link><nc:Person s:ref="p" xsi:nil="true"/><nc:Person><nc:PersonRaceText>r</nc:PersonRaceText></nc:Person>'
    )
    kept = shown(cut_five(f"{clear}{link}</x:Link>", "x.person-sur-name"))
    assert kept.count("<nc:Person ") == 2
    assert kept.count("xsi:nil") == 1


def test_in_niem_6_nothing_is_nil_that_does_not_point() -> None:
    document = tiny_message('<t:Link><t:From s:id="p"><t:Name>open</t:Name></t:From><t:Note>n</t:Note></t:Link>')
    iepd = tiny(links_least=1)
    clause = clause_of(iepd, "message.head", "link.note")
    rules, facts = compile_rules(mou_of(clause), clause, iepd), evaluate(document, iepd)
    with pytest.raises(NotReleasable):
        cut(document, rules, facts, iepd)


# --- manners ---------------------------------------------------------------------------------------------------------

NAMED = (
    '<nc:Person><nc:PersonName><nc:PersonGivenName>Wren</nc:PersonGivenName><nc:PersonSurName s:id="SSN1"'
    ' ism:classification="U">Tansley</nc:PersonSurName></nc:PersonName></nc:Person>'
)


def test_nil_leaves_an_empty_element_without_its_attributes() -> None:
    kept = cut_five(NAMED, "x.person-given-name", transforms=(remove("x.person-sur-name", Manner.NIL),))
    assert '<nc:PersonSurName xsi:nil="true"/>' in shown(kept)
    assert [(each.label, each.outcome, each.clause) for each in kept.redactions if "/@" not in each.path] == [
        ("x.person-sur-name", "withheld", "T1")
    ]


def test_nil_stands_only_where_there_was_an_element() -> None:
    body = "<nc:Person><nc:PersonName><nc:PersonGivenName>Wren</nc:PersonGivenName></nc:PersonName></nc:Person>"
    kept = cut_five(body, "x.person-given-name", transforms=(remove("x.person-sur-name", Manner.NIL),))
    assert "nil" not in shown(kept)


@pytest.mark.parametrize("said", [" true ", "1\n", "\ttrue"])
def test_what_was_nil_with_white_space_about_the_word_is_nil_after_the_cut(said: str) -> None:
    kept = cut_five(ROLE.replace('xsi:nil="true"', f'xsi:nil="{said}"'), *EVERYTHING)
    assert '<nc:RoleOfPerson s:ref="id1" xsi:nil="true"/>' in shown(kept)


def test_an_attribute_that_the_schema_requires_stays_with_a_nil_element_and_no_other_does() -> None:
    body = '<x:Record><x:RecordID issuer="county" remark="old">17</x:RecordID><x:RecordDate>2026-03-02</x:RecordDate>'
    share = ("x.record-date", "x.at-issuer", "x.at-remark")
    kept = cut_five(f"{body}</x:Record>", *share, transforms=(remove("x.record-id", Manner.NIL),))
    assert '<x:RecordID xsi:nil="true" issuer="county"/>' in shown(kept)
    assert {each.path.rpartition("/")[2] for each in kept.redactions} == {"x:RecordID", "@remark"}


def test_nil_withheld_says_so_in_niem_s_own_word() -> None:
    kept = cut_five(
        NAMED + RECORD.format(""), *EVERYTHING, transforms=(remove("x.person-sur-name", Manner.NIL_WITHHELD),)
    )
    assert '<nc:PersonSurName xsi:nil="true" s:metadata="withheld"/>' in shown(kept)
    assert shown(kept).endswith(
        '<nc:Metadata s:id="withheld"><nc:EmptyReasonCode>withheld</nc:EmptyReasonCode></nc:Metadata>'
    )


def test_the_clause_s_manner_holds_for_what_it_does_not_list_where_the_schema_lets_it() -> None:
    kept = cut_five(NAMED.replace(' s:id="SSN1"', ""), "x.person-given-name", manner=Manner.NIL)
    assert '<nc:PersonSurName xsi:nil="true"/>' in shown(kept)
    other = cut_five(NAMED, "x.person-sur-name", manner=Manner.NIL)
    assert "PersonGivenName" not in shown(other), "it is not nillable, so it is dropped"


def test_what_law_withholds_leaves_no_trace_whatever_the_manner() -> None:
    clause = replace(clause_of(five(), ACTION, "x.person-given-name", "x.person-sur-name"), manner=Manner.NIL)
    paths = [field.path for field in five().catalog.select("x.person-sur-name")]
    for where, holding in ((frozenset[str](), frozenset[str]()), (frozenset({"law:x"}), frozenset({"law:x"}))):
        restrictions = {path: (Restriction(law="34 U.S.C. 12291", where=where),) for path in paths}
        rules = compile_rules(mou_of(clause), clause, five(), restrictions)
        document = notice(five(), NAMED)
        kept = cut(document, rules, evaluate(document, five()), five(), holding=holding)
        assert "PersonSurName" not in shown(kept)


def test_a_message_of_empty_elements_only_is_not_released() -> None:
    clause = replace(clause_of(five(), "x.link-text"), manner=Manner.NIL)
    document = notice(five(), NAMED)
    rules, facts = compile_rules(mou_of(clause), clause, five()), evaluate(document, five())
    with pytest.raises(NotReleasable):
        cut(document, rules, facts, five())


@pytest.mark.parametrize(
    ("what", "manner", "part"),
    [
        ("x.person-given-name", Manner.NIL, "not nillable"),
        ("x.at-issuer", Manner.NIL, "attribute"),
        ("x.weight", Manner.NIL_WITHHELD, "point at no metadata"),
        ("x.person-sur-name", Manner.NIL_WITHHELD, ""),
        ("x.person-given-name", Manner.DROP, ""),
        ("x.person-given-name", None, ""),
    ],
)
def test_a_manner_that_the_schema_does_not_let_is_refused_with_a_hint(what: str, manner: Manner, part: str) -> None:
    hint = misfit_manner(remove(what, manner), five().catalog.select(what)[0], five())
    assert part in hint
    assert bool(hint) is bool(part)


def test_in_niem_6_and_where_there_is_no_word_for_it_the_clause_s_manner_is_refused() -> None:
    assert "12-14" in misfit_clause_manner(Manner.NIL, tiny())
    assert misfit_clause_manner(Manner.NIL_WITHHELD, two()) != ""
    assert misfit_clause_manner(Manner.NIL_WITHHELD, five()) == ""
    assert misfit_clause_manner(Manner.DROP, tiny()) == ""


# --- names -----------------------------------------------------------------------------------------------------------


def test_every_member_of_a_substitution_group_is_a_field_of_its_own_a_county_s_codes_too() -> None:
    paths = {field.text for field in five().catalog.fields}
    assert {"nc:Person/nc:PersonRaceText", "nc:Person/c:CountyRaceCode"} <= paths
    body = "<nc:Person><nc:PersonRaceText>r</nc:PersonRaceText><c:CountyRaceCode>A</c:CountyRaceCode></nc:Person>"
    assert (
        shown(cut_five(body, "x.person-race-text")) == "<nc:Person><nc:PersonRaceText>r</nc:PersonRaceText></nc:Person>"
    )


def test_a_derived_type_brings_no_field_that_the_rules_do_not_know() -> None:
    body = (
        '<nc:Person xsi:type="x:OfficerType"><nc:PersonName><nc:PersonSurName>T</nc:PersonSurName></nc:PersonName>'
        "<x:BadgeID>B-1</x:BadgeID></nc:Person>"
    )
    kept = cut_five(body, *EVERYTHING)
    assert shown(kept) == (
        "<nc:Person><nc:PersonName><nc:PersonSurName>T</nc:PersonSurName></nc:PersonName></nc:Person>"
    )
    assert [(each.field, each.outcome) for each in kept.redactions] == [("unknown", "withheld")]


def test_an_object_that_named_its_type_is_not_pointed_at_by_an_element_of_that_type() -> None:
    document = tiny_message(
        '<t:Thing><t:Name>a</t:Name><t:Next xsi:type="t:ThingType" s:id="n"><t:Name>b</t:Name></t:Next></t:Thing>'
        '<t:Link><t:From s:ref="n" xsi:nil="true"/><t:Note>l</t:Note></t:Link>'
    )
    text = tiny_text(cut_sharing(document, tiny(), "message.head", "thing.*", "link.*"))
    assert text == "<t:Thing><t:Name>a</t:Name><t:Next><t:Name>b</t:Name></t:Next></t:Thing>"


def test_a_sibling_that_says_the_same_in_other_words_is_a_field_of_its_own() -> None:
    body = (
        "<nc:Person><nc:PersonName><nc:PersonSurName>T</nc:PersonSurName><nc:PersonFullName>Wren T</nc:PersonFullName>"
        "</nc:PersonName><x:PersonAugmentation><x:AliasName>T too</x:AliasName></x:PersonAugmentation></nc:Person>"
    )
    kept = shown(cut_five(body, *set(EVERYTHING) - {"x.person-full-name", "x.alias-name"}))
    assert kept == "<nc:Person><nc:PersonName><nc:PersonSurName>T</nc:PersonSurName></nc:PersonName></nc:Person>"


def test_every_augmentation_of_an_object_is_looked_into_those_of_one_name_too() -> None:
    one = "<x:PersonAugmentation><x:AliasName>{0}</x:AliasName><x:Weight>70</x:Weight></x:PersonAugmentation>"
    body = (
        f"<nc:Person>{one.format('a')}{one.format('b')}{one.format('c').replace('PersonAug', 'OtherAug')}</nc:Person>"
    )
    kept = shown(cut_five(body, "x.weight"))
    assert kept.count("<x:Weight>70</x:Weight>") == 3
    assert "AliasName" not in kept


def test_an_augmentation_of_niem_2_is_part_of_its_object() -> None:
    body = (
        "<x:Person><x:PersonSurName>T</x:PersonSurName><x:PersonAugmentation><x:AliasName>a</x:AliasName>"
        "<x:GangName>g</x:GangName></x:PersonAugmentation></x:Person>"
    )
    kept = shown(cut_two(body, "x.person-sur-name", "x.alias-name"))
    assert "<x:AliasName>a</x:AliasName>" in kept
    assert "GangName" not in kept


# --- metadata and marks ----------------------------------------------------------------------------------------------

SOURCES = (
    '<nc:Person s:metadata="m1 m2"><nc:PersonName s:relationshipMetadata="m3"><nc:PersonSurName>T</nc:PersonSurName>'
    '</nc:PersonName></nc:Person><nc:Metadata s:id="m1"><nc:ReporterText>one</nc:ReporterText></nc:Metadata>'
    '<nc:Metadata s:id="m2"><nc:ReporterText>two</nc:ReporterText></nc:Metadata>'
    '<nc:Metadata s:id="m3"><nc:ReporterText>three</nc:ReporterText></nc:Metadata>'
)


def test_metadata_about_an_object_and_about_a_link_stays_with_what_points_at_it() -> None:
    kept = shown(cut_five(SOURCES, *EVERYTHING))
    assert '<nc:Person s:metadata="id1 id2"><nc:PersonName s:relationshipMetadata="id3">' in kept
    only_link = shown(cut_five(SOURCES, *set(EVERYTHING) - {"x.at-metadata"}))
    assert "three" in only_link
    assert "one" not in only_link
    assert "two" not in only_link


def test_metadata_goes_with_the_last_that_pointed_at_it() -> None:
    assert "Metadata" not in shown(
        cut_five(SOURCES, *set(EVERYTHING) - {"x.at-metadata", "x.at-relationship-metadata"})
    )


def test_metadata_that_nobody_ever_pointed_at_is_about_its_parent_and_stays() -> None:
    document = tiny_message(
        '<t:Thing><t:Name>a</t:Name></t:Thing><t:Metadata s:id="m"><t:Reporter>r</t:Reporter></t:Metadata>'
    )
    kept = cut_sharing(document, tiny(), "message.head", "thing.*", "metadata.*")
    assert "<t:Metadata><t:Reporter>r</t:Reporter></t:Metadata>" in tiny_text(kept)


def test_handling_marks_go_with_their_data_listed_or_not() -> None:
    mark = 'ism:classification="S" ism:ownerProducer="USA" ism:classifiedBy="Somebody"'
    body = f"<nc:Person {mark}><nc:PersonName><nc:PersonSurName {mark}>T</nc:PersonSurName></nc:PersonName></nc:Person>"
    kept = cut_five(body, "x.person-sur-name")
    assert shown(kept).count('ism:classification="S" ism:ownerProducer="USA"') == 2
    assert "Somebody" not in shown(kept)


def test_marks_of_the_whole_message_stay_as_they_are() -> None:
    kept = cut_five(NAMED, "x.person-given-name", attributes='ism:classification="TS" ism:resourceElement="true"')
    assert kept.document.root.get(f"{{{ISM}}}classification") == "TS"
    assert kept.document.root.get(f"{{{ISM}}}resourceElement") == "true"


def test_what_carries_a_mark_that_nobody_knows_is_withheld() -> None:
    body = NAMED.replace('ism:classification="U"', 'ism:newerMark="x"')
    kept = shown(cut_five(body, *EVERYTHING))
    assert "Wren" in kept
    assert "Tansley" not in kept


@pytest.mark.parametrize("mark", ['ism:classification="Odessa Fairbrook"', 'ntk:access="2210 Alder Street"'])
def test_what_carries_a_mark_with_free_text_is_withheld_with_it(mark: str) -> None:
    declared = f'xmlns:ntk="urn:us:gov:ic:ntk" {mark}'
    kept = shown(cut_five(NAMED.replace('ism:classification="U"', declared), *EVERYTHING))
    assert "Wren" in kept
    assert "Tansley" not in kept
    assert mark not in kept
    with pytest.raises(NotReleasable):
        cut_five(NAMED, *EVERYTHING, attributes=declared)


@pytest.mark.parametrize(("value", "goes"), [("S", True), ("Odessa Fairbrook", False)])
def test_a_mark_that_the_schema_declares_and_no_clause_lists_goes_as_codes_only(value: str, goes: bool) -> None:
    iepd = _with_declared_mark()
    clause = clause_of(iepd, ACTION, "x.name")
    body = f'<x:Item ism:classification="{value}"><x:Name>n</x:Name></x:Item><x:Other>o</x:Other>'
    kept = cut_with(notice(iepd, body), mou_of(clause), clause, iepd)
    assert [each.get(f"{{{ISM}}}classification") for each in kept.document.root.iter("{*}Item")] == [value] * goes
    assert (value in shown(kept)) is goes
    assert "Other" not in shown(kept)


def test_a_mark_that_a_clause_lists_goes_as_it_is() -> None:
    iepd = _with_declared_mark()
    clause = clause_of(iepd, ACTION, "x.name", "x.at-classification")
    body = '<x:Item ism:classification="as agreed"><x:Name>n</x:Name></x:Item>'
    assert "as agreed" in shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd))


def test_the_event_that_ends_a_classification_is_left_out() -> None:
    body = NAMED.replace(
        'ism:classification="U"', 'ism:classification="S" ism:declassEvent="trial of Odessa Fairbrook"'
    )
    kept = shown(cut_five(body, *EVERYTHING))
    assert 'ism:classification="S"' in kept
    assert "Odessa" not in kept


def test_an_element_that_is_there_only_to_be_pointed_at_says_so_after_the_cut() -> None:
    iepd = _with_applies_to_parent()
    body = '<x:Item s:id="i" s:appliesToParent="false"><x:Name>n</x:Name></x:Item><x:Other s:ref="i" xsi:nil="true"/>'
    clause = clause_of(iepd, ACTION, "x.name")
    kept = shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd))
    assert '<x:Item s:appliesToParent="false" s:id="id1"><x:Name>n</x:Name></x:Item>' in kept
    only_items = [field.name for field in iepd.catalog.fields if field.text == "x:Item/x:Name"]
    alone = clause_of(iepd, ACTION, *only_items)
    there = "<x:Item><x:Name>m</x:Name></x:Item>"
    gone = shown(cut_with(notice(iepd, there + body), mou_of(alone), alone, iepd))
    assert gone == there, "nobody points at it any more, and to its parent it does not apply"


def test_a_relationship_property_says_something_of_its_own_link_only() -> None:
    iepd = _with_applies_to_parent()
    body = (
        '<x:Item s:id="i" secret="true"><x:Name>n</x:Name></x:Item><x:Other s:ref="i" xsi:nil="true" secret="false"/>'
    )
    clause = clause_of(iepd, ACTION, "x.name", "x.at-secret")
    kept = shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd))
    assert '<x:Item secret="true" s:id="id1">' in kept
    assert 'secret="false"' in kept
    without = clause_of(iepd, ACTION, "x.name")
    assert "secret" not in shown(cut_with(notice(iepd, body), mou_of(without), without, iepd))


def test_an_id_that_the_schema_requires_stays_and_is_numbered() -> None:
    iepd = _with_applies_to_parent(id='<xs:attribute name="key" type="xs:ID" use="required"/>')
    body = '<x:Item key="SSN123"><x:Name>n</x:Name></x:Item>'
    clause = clause_of(iepd, ACTION, "x.name", "x.at-key")
    assert shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd)) == (
        '<x:Item key="id1"><x:Name>n</x:Name></x:Item>'
    )


def test_ids_of_another_sort_are_numbered_and_pointed_at_all_the_same() -> None:
    iepd = _with_applies_to_parent(
        id='<xs:attribute name="key" type="xs:ID"/>', more='<xs:attribute name="see" type="xs:IDREFS"/>'
    )
    body = (
        '<x:Item key="SSN123"><x:Name>n</x:Name></x:Item><x:Item key="SSN124"><x:Name>m</x:Name></x:Item>'
        '<x:Item see="SSN124"><x:Name>o</x:Name></x:Item>'
    )
    clause = clause_of(iepd, ACTION, "x.name", "x.at-key", "x.at-see")
    kept = shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd))
    assert kept == (
        '<x:Item><x:Name>n</x:Name></x:Item><x:Item key="id1"><x:Name>m</x:Name></x:Item>'
        '<x:Item see="id1"><x:Name>o</x:Name></x:Item>'
    )


def test_an_element_whose_text_points_goes_with_its_target() -> None:
    iepd = _with_applies_to_parent(items='<xs:element name="See" type="xs:IDREF" minOccurs="0" maxOccurs="9"/>')
    body = (
        '<x:Item s:id="SSN123"><x:Name>n</x:Name></x:Item><x:Item s:id="SSN124" secret="true"/>'
        "<x:See>SSN123</x:See><x:See>SSN124</x:See>"
    )
    clause = clause_of(iepd, ACTION, "x.name", "x.see")
    kept = shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd))
    assert kept == '<x:Item s:id="id1"><x:Name>n</x:Name></x:Item><x:See>id1</x:See>'


def test_what_has_an_abstract_type_of_its_own_is_withheld() -> None:
    # Which type it has only the message says, and the rules do not know that type's fields.
    items = '<xs:element ref="x:Any" minOccurs="0"/>'  # a required one would keep the whole message back
    more = """</xs:complexType><xs:complexType name="AnyType" abstract="true"><xs:sequence/></xs:complexType>
     <xs:element name="Any" type="x:AnyType"/><xs:complexType name="SomeType"><xs:complexContent>
     <xs:extension base="x:AnyType"><xs:sequence><xs:element name="Secret" type="xs:string"/></xs:sequence>
     </xs:extension></xs:complexContent>"""
    iepd = _with_applies_to_parent(items=items, more=more)
    body = '<x:Item><x:Name>n</x:Name></x:Item><x:Any xsi:type="x:SomeType"><x:Secret>s</x:Secret></x:Any>'
    clause = clause_of(iepd, *iepd.catalog.labels())
    kept = shown(cut_with(notice(iepd, body), mou_of(clause), clause, iepd))
    assert kept == "<x:Item><x:Name>n</x:Name></x:Item>"


def test_a_sign_of_sealing_keeps_the_record_back() -> None:
    body = (
        "<t:Thing><t:Name>open</t:Name><t:Secret>no</t:Secret></t:Thing>"
        "<t:Thing><t:Name>sealed</t:Name><t:Secret>yes</t:Secret></t:Thing><t:Thing><t:Name>unsaid</t:Name></t:Thing>"
    )
    kept = cut_sharing(tiny_message(body), tiny(), "message.head", Item(what="at-thing-name", unless="secretive"))
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"


def _with_declared_mark() -> Iepd:
    """An exchange whose schema has one of the marks itself, as any text."""
    xs = 'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"'
    x = "https://gateway.example/ns/elder/1.0/"
    marks = f"""<xs:schema {xs} targetNamespace="{ISM}">
     <xs:attribute name="classification" type="xs:string"/></xs:schema>"""
    extension = f"""<xs:schema {xs} targetNamespace="{x}" xmlns:x="{x}" xmlns:ism="{ISM}">
     <xs:import namespace="{ISM}" schemaLocation="ism.xsd"/>
     <xs:complexType name="ItemType"><xs:sequence><xs:element name="Name" type="xs:string"/></xs:sequence>
      <xs:attribute ref="ism:classification"/></xs:complexType>
     <xs:complexType name="NoticeType"><xs:sequence><xs:element name="ActionCode" type="xs:token"/>
      <xs:element name="Item" type="x:ItemType" minOccurs="0"/><xs:element name="Other" type="xs:string" minOccurs="0"/>
     </xs:sequence></xs:complexType><xs:element name="Notice" type="x:NoticeType"/></xs:schema>"""
    return exchange_of("elder-marks/1.0", {"ism.xsd": marks, "notice.xsd": extension}, {"x": x, "mark": ISM})


S6 = "https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/"


def _with_applies_to_parent(more: str = "", items: str = "", id: str = '<xs:attribute ref="s:id"/>') -> Iepd:
    """An exchange of NIEM 6.0 whose elements have all of its structural attributes."""
    xs = 'xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"'
    x = "https://gateway.example/ns/elder/1.0/"
    structures = f"""<xs:schema {xs} targetNamespace="{S6}">
     <xs:attribute name="id" type="xs:ID"/><xs:attribute name="ref" type="xs:IDREF"/>
     <xs:attribute name="uri" type="xs:anyURI"/><xs:attribute name="appliesToParent" type="xs:boolean"/></xs:schema>"""
    extension = f"""<xs:schema {xs} targetNamespace="{x}" xmlns:x="{x}" xmlns:s="{S6}">
     <xs:import namespace="{S6}" schemaLocation="structures.xsd"/>
     <xs:complexType name="ItemType"><xs:sequence><xs:element name="Name" type="xs:string" minOccurs="0"/></xs:sequence>
      {id}<xs:attribute ref="s:ref"/><xs:attribute ref="s:uri"/>
      <xs:attribute ref="s:appliesToParent"/><xs:attribute name="secret" type="xs:boolean"/>{more}</xs:complexType>
     <xs:complexType name="NoticeType"><xs:sequence><xs:element name="ActionCode" type="xs:token"/>
      <xs:element ref="x:Item" minOccurs="0" maxOccurs="9"/>{items}<xs:element ref="x:Other" minOccurs="0"/>
      <xs:element ref="x:Third" minOccurs="0"/></xs:sequence></xs:complexType>
     <xs:element name="Item" type="x:ItemType" nillable="true"/>
     <xs:element name="Other" type="x:ItemType" nillable="true"/>
     <xs:element name="Third" type="x:ItemType" nillable="true"/><xs:element name="Notice" type="x:NoticeType"/>
    </xs:schema>"""
    return exchange_of("elder-six/1.0", {"structures.xsd": structures, "notice.xsd": extension}, {"x": x, "s": S6})
