"""What a recipient sees and does not see."""

import pytest

from gateway.document.parse import parse, to_bytes
from gateway.document.path import locate
from gateway.iepd.facts import evaluate
from gateway.policy.mou import Grain, How, Item, Transform
from gateway.policy.redact import NotReleasable, cut
from gateway.policy.rules import compile_rules
from tests.policy.examples import (
    clause_of,
    clauses,
    cut_by,
    cut_sharing,
    exchanges,
    find,
    mou_of,
    sample,
    samples,
    texts,
    tiny,
    tiny_message,
    tiny_text,
)

RELEASE, CONTACT, RECORD = "custody-release/1.0", "police-contact/1.0", "supervision-record/1.0"
HEAD = "message.head"


# --- the shipped agreements, over the samples ----------------------------------------------------------------------


def test_every_shipped_clause_gives_a_valid_message_of_every_sample() -> None:
    seen = 0
    for mou, clause, iepd in clauses():
        for name in samples(iepd):
            kept = cut_by(parse(samples(iepd)[name]), mou.id, clause.id)
            assert kept.shared > 0
            seen += 1
    assert seen >= 5 * 8


def test_police_learn_who_comes_home_and_where_to_but_nothing_of_health_or_victims() -> None:
    document = sample(RELEASE, "fullest-with-photo.xml")
    kept = cut_by(document, "JAIL-PD-2026-01", "E1")
    seen = texts(kept.document)
    assert {"Tansley", "Lefty", "1991-03-17", "2210 Alder Street", "assaults-officers"} <= set(seen)
    withheld = {"Diabetes", "Buprenorphine", "Odessa", "Fairbrook", "Harborlight Services", "0563317"}
    assert withheld <= set(texts(document))
    assert not withheld & set(seen)
    assert "****3317" in seen


def test_probation_gets_the_name_behind_a_no_contact_order_and_never_her_address() -> None:
    document = sample(RELEASE, "protected-victim.xml")
    iepd = exchanges()[RELEASE]
    kept = cut_by(document, "JAIL-PROB-2026-02", "E1")
    protected = find(kept.document, "//cr:VictimToNotify[@structures:id]", iepd)[0]
    pointer = find(kept.document, "//ec:ProtectedPerson", iepd)[0]
    assert pointer.get("{https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/}ref") == protected.get(
        "{https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/}id"
    )
    assert find(kept.document, "//cr:VictimToNotify/nc:PersonName/nc:PersonSurName", iepd)
    assert not find(kept.document, "//cr:VictimToNotify/nc:PersonResidenceAddress", iepd)
    assert not find(kept.document, "//cr:VictimToNotify/nc:PersonContactInformation", iepd)


def test_the_fusion_center_gets_a_birth_year_and_a_city_and_no_street() -> None:
    kept = cut_by(sample(RELEASE, "fullest.xml"), "JAIL-FUSION-2026-03", "E1")
    seen = texts(kept.document)
    assert "1991-01-01" in seen
    assert "Millbrook" in seen
    assert "1991-03-17" not in seen
    assert "2210 Alder Street" not in seen
    reduced = {redaction.label: redaction.outcome for redaction in kept.redactions if redaction.outcome != "withheld"}
    assert reduced["person.dob"] == "generalize"
    assert reduced["person.id.fbi"] == "mask"


def test_the_address_of_a_shelter_is_withheld_and_the_address_before_it_is_not() -> None:
    document = sample(RECORD, "living-in-a-shelter.xml")
    iepd = exchanges()[RECORD]
    shelters = find(document, "//sr:Residence[sr:ResidenceShelterIndicator='true']", iepd)
    kept = cut_by(document, "PROB-PD-2026-04", "E1")
    assert shelters
    for shelter in shelters:
        cities = shelter.xpath(".//nc:AddressCityName/text()", namespaces=dict(iepd.namespaces))
        streets = shelter.xpath(".//nc:StreetFullText/text()", namespaces=dict(iepd.namespaces))
        assert cities or streets
        assert isinstance(streets, list)
        assert not set(map(str, streets)) & set(texts(kept.document))
    assert any(each.label == "location.residence" and each.clause == "E1" for each in kept.redactions)


def test_a_membership_without_reasonable_suspicion_is_not_passed_on() -> None:
    iepd = exchanges()[RECORD]
    name = next(each for each, data in samples(iepd).items() if b"AffiliationGroupName" in data)
    text = samples(iepd)[name]
    mark = b"<ec:ReasonableSuspicionIndicator>true</ec:ReasonableSuspicionIndicator>"
    with_suspicion = text if mark in text else text.replace(b"</ec:Affiliation>", mark + b"</ec:Affiliation>")
    given = cut_by(parse(with_suspicion), "PROB-PD-2026-04", "E1")
    kept_back = cut_by(parse(with_suspicion.replace(mark, mark.replace(b"true", b"false"))), "PROB-PD-2026-04", "E1")
    assert find(given.document, "//ec:AffiliationGroupName", iepd)
    assert not find(kept_back.document, "//ec:AffiliationGroupName", iepd)


def test_the_sender_s_message_is_left_as_it_was() -> None:
    document = sample(RELEASE, "fullest.xml")
    before = to_bytes(document)
    _ = cut_by(document, "JAIL-FUSION-2026-03", "E1").redactions
    assert to_bytes(document) == before


def test_each_redaction_names_the_place_in_the_message_as_received() -> None:
    document = sample(RELEASE, "protected-victim.xml")
    kept = cut_by(document, "JAIL-PD-2026-01", "E1")
    assert kept.redactions
    for redaction in kept.redactions:
        found = document.root.xpath(redaction.path, namespaces=dict(exchanges()[RELEASE].namespaces))
        assert isinstance(found, list)
        assert len(found) == 1
        assert locate(found[0]) == redaction.path  # type: ignore[arg-type]
        assert redaction.field
        assert redaction.clause in {"E1", "default", "closure"}


def test_shared_reduced_and_withheld_leaves_are_all_the_leaves_there_are() -> None:
    for mou, clause, iepd in clauses():
        for name, data in samples(iepd).items():
            document = parse(data)
            kept = cut_by(document, mou.id, clause.id)
            told = [redaction for redaction in kept.redactions if redaction.field != "reference"]
            assert kept.shared + len(told) == len(texts(document)), (mou.id, clause.id, name)


# --- deny by default -----------------------------------------------------------------------------------------------


def test_a_field_nobody_lists_is_withheld_by_default() -> None:
    document = tiny_message("<t:Thing><t:Name>open</t:Name><t:Secret>yes</t:Secret></t:Thing>")
    kept = cut_sharing(document, tiny(), HEAD, "thing.name")
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"
    assert [(each.label, each.outcome, each.clause) for each in kept.redactions] == [
        ("thing.secret", "withheld", "default")
    ]


def test_comments_instructions_white_space_and_prefixes_do_not_get_through() -> None:
    document = parse(
        b'<!-- a --><x:Tiny xmlns:x="https://gateway.example/ns/tiny/1.0/" xmlns:leak="urn:leak"'
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:leak leak.xsd">'
        b"<?leak now?>\n  <x:Action>new</x:Action> "
        b"<x:Thing><!-- leak --><x:Name>op<?leak?>en</x:Name></x:Thing></x:Tiny>"
    )
    data = to_bytes(cut_sharing(document, tiny(), HEAD, "thing.name").document)
    assert b"leak" not in data
    assert b"<x:" not in data
    assert b"<t:Thing><t:Name>open</t:Name></t:Thing>" in data


def test_an_xsi_type_is_not_passed_on() -> None:
    document = tiny_message('<t:Thing xsi:type="t:ThingType"><t:Name>open</t:Name></t:Thing>')
    assert "type=" not in tiny_text(cut_sharing(document, tiny(), HEAD, "thing.name"))


def test_an_attribute_is_a_field_of_its_own() -> None:
    document = tiny_message('<t:Thing><t:Word lang="en" source="agent">hello</t:Word></t:Thing>')
    kept = cut_sharing(document, tiny(), HEAD, "thing.word", "thing.source")
    assert tiny_text(kept) == '<t:Thing><t:Word source="agent">hello</t:Word></t:Thing>'
    assert [each.path for each in kept.redactions] == ["/t:Tiny/t:Thing/t:Word/@lang"]


def test_an_element_goes_when_its_required_attribute_is_withheld() -> None:
    document = tiny_message('<t:Thing><t:Name>open</t:Name><t:Word source="agent">hello</t:Word></t:Thing>')
    kept = cut_sharing(document, tiny(), HEAD, "thing.name", "thing.word")
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"
    assert {each.path for each in kept.redactions} == {
        "/t:Tiny/t:Thing/t:Word",
        "/t:Tiny/t:Thing/t:Word/@source",
    }


# --- what beats what -----------------------------------------------------------------------------------------------

REMOVE_SECRET = Transform(what="thing.secret", how=How.REMOVE, because="secret")


def test_removal_beats_sharing_and_every_transform() -> None:
    document = tiny_message("<t:Thing><t:Name>open</t:Name><t:Secret>yes</t:Secret></t:Thing>")
    masks = (Transform(what="thing.*", how=How.MASK, keep_last=2), REMOVE_SECRET)
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", transforms=masks[1:])
    assert "Secret" not in tiny_text(kept)
    mask = Transform(what="thing.secret", how=How.MASK, keep_last=2)
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", transforms=(mask, REMOVE_SECRET))
    assert "Secret" not in tiny_text(kept)
    assert [each.clause for each in kept.redactions] == ["T1"]


def test_a_transform_beats_sharing() -> None:
    document = tiny_message("<t:Thing><t:Name>Wilhelmina</t:Name></t:Thing>")
    mask = Transform(what="thing.name", how=How.MASK, keep_last=3)
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", transforms=(mask,))
    assert "<t:Name>****ina</t:Name>" in tiny_text(kept)
    assert kept.shared == 1
    assert [(each.outcome, each.clause) for each in kept.redactions] == [("mask", "T1")]


def test_a_year_is_written_where_the_schema_has_a_plain_year() -> None:
    document = tiny_message("<t:Thing><t:Day>1991-03-17</t:Day></t:Thing>")
    year = Transform(what="thing.day", how=How.GENERALIZE, to=Grain.YEAR)
    assert tiny_text(cut_sharing(document, tiny(), HEAD, transforms=(year,))) == (
        "<t:Thing><t:YearDate>1991</t:YearDate></t:Thing>"
    )


def test_a_condition_is_asked_of_each_object_and_a_silent_object_is_treated_strictly() -> None:
    document = tiny_message(
        "<t:Thing><t:Name>one</t:Name><t:Secret>no</t:Secret></t:Thing>"
        "<t:Thing><t:Name>two</t:Name><t:Secret>yes</t:Secret></t:Thing>"
        "<t:Thing><t:Name>three</t:Name></t:Thing>"
    )
    kept = cut_sharing(document, tiny(), HEAD, Item(what="at-thing-name", unless="secretive"))
    assert texts(kept.document)[1:] == ["one"]
    assert [each.clause for each in kept.redactions if each.label == "thing.name"] == ["T1", "T1"]


def test_all_conditions_on_a_field_count() -> None:
    document = tiny_message("<t:Thing><t:Name>two</t:Name><t:Secret>yes</t:Secret></t:Thing>")
    kept = cut_sharing(
        document, tiny(), HEAD, "thing.secret", "thing.name", Item(what="at-thing-name", unless="secretive")
    )
    assert texts(kept.document)[1:] == ["yes"]


# --- what the schema requires --------------------------------------------------------------------------------------


def test_a_container_goes_when_something_it_requires_is_withheld() -> None:
    document = tiny_message(
        "<t:Thing><t:Name>open</t:Name><t:Pair><t:First>1</t:First><t:Second>2</t:Second></t:Pair></t:Thing>"
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.name", "thing.first")
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"
    assert kept.shared == 2
    assert len(kept.redactions) == 2


def test_a_container_left_empty_goes_and_so_does_the_one_around_it() -> None:
    document = tiny_message(
        "<t:Thing><t:Name>open</t:Name><t:Box><t:Inner><t:Note>deep</t:Note></t:Inner></t:Box></t:Thing>"
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.name")
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"


def test_a_message_of_which_nothing_valid_is_left_is_not_released() -> None:
    document = tiny_message("<t:Thing><t:Name>open</t:Name></t:Thing>")
    clause = clause_of(tiny(), "thing.name")
    with pytest.raises(NotReleasable) as refused:
        cut(document, compile_rules(mou_of(clause), clause, tiny()), evaluate(document, tiny()), tiny())
    assert refused.value.code == "policy.not-releasable"
    assert "T1 of TEST-01" in refused.value.text


def test_a_photo_goes_whole_or_not_at_all() -> None:
    document = sample(RELEASE, "with-photo.xml")
    iepd = exchanges()[RELEASE]
    with_photo = cut_by(document, "JAIL-PD-2026-01", "E1")
    without = cut_by(document, "JAIL-PD-2026-01", "E2")
    sent = [each.text for each in find(document, "//nc:Base64BinaryObject", iepd)]
    assert [each.text for each in find(with_photo.document, "//nc:Base64BinaryObject", iepd)] == sent
    assert not find(without.document, "//nc:Base64BinaryObject", iepd)
