"""One object in several places, and references after a cut."""

from collections.abc import Callable

import pytest

from gateway.document.parse import Document, parse, to_bytes
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.mou import How, Item, Transform
from gateway.policy.redact import NotReleasable, cut
from gateway.policy.rules import compile_rules
from tests.policy.examples import (
    STRUCTURES,
    clause_of,
    cut_by,
    cut_sharing,
    exchanges,
    mou_of,
    sample,
    texts,
    tiny,
    tiny_message,
    tiny_text,
)
from tests.seconds import fastest

HEAD = "message.head"


def test_what_is_withheld_at_one_place_of_a_person_is_withheld_at_all_of_them() -> None:
    document = tiny_message(
        '<t:Thing s:id="p"><t:Name>Robin</t:Name><t:Secret>x</t:Secret></t:Thing><t:Hidden s:uri="#p"/>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.name", "thing.secret", "hidden.secret")
    assert texts(kept.document)[1:] == ["x"]
    assert {each.label: each.clause for each in kept.redactions}["thing.name"] == "default"


@pytest.mark.parametrize("link", ['s:ref="p"', 's:uri="#p"'])
def test_places_are_linked_by_ref_and_by_uri(link: str) -> None:
    nil = ' xsi:nil="true"'
    document = tiny_message(f'<t:Thing s:id="p"><t:Name>Robin</t:Name></t:Thing><t:Link><t:From {link}{nil}/></t:Link>')
    kept = cut_sharing(document, tiny(), HEAD, "thing.name")
    pointer = 's:ref="id1"' if "ref" in link else 's:uri="#id1"'
    assert '<t:Thing s:id="id1"><t:Name>Robin</t:Name></t:Thing>' in tiny_text(kept)
    assert pointer in tiny_text(kept)


def test_places_are_linked_by_the_same_outer_uri_and_the_uri_itself_does_not_get_out() -> None:
    uri = 's:uri="http://records.agency.example/person/123456789"'
    document = tiny_message(
        f"<t:Thing {uri}><t:Name>Robin</t:Name></t:Thing><t:Thing {uri}><t:Secret>x</t:Secret></t:Thing>"
        f"<t:Hidden {uri}><t:Day>1991-03-17</t:Day></t:Hidden>"
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", "hidden.name", "hidden.day")
    assert tiny_text(kept) == (
        '<t:Thing s:id="id1"><t:Name>Robin</t:Name></t:Thing>'
        '<t:Hidden s:uri="#id1"><t:Day>1991-03-17</t:Day></t:Hidden>'
    )


@pytest.mark.parametrize(
    ("named", "link"),
    [
        ('s:id="p"', "#%70"),
        ('s:id="Nuñez"', "#Nuñez"),
        ('s:id="Nuñez"', "#Nu%C3%B1ez"),
        ('s:uri="http://r.example/p/1"', "HTTP://R.example/p/1"),
        ('s:uri="http://r.example/p/1"', "http://r.example:80/q/../p/%31"),
        ('s:uri="urn:uuid:6f81d4fa"', "URN:UUID:6F81D4FA"),
    ],
)
def test_what_is_withheld_of_an_object_is_withheld_however_its_uri_is_written(named: str, link: str) -> None:
    document = tiny_message(
        f"<t:Thing {named}><t:Name>Robin</t:Name></t:Thing>"
        f'<t:Hidden s:uri="{link}"><t:Day>1991-03-17</t:Day></t:Hidden>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.name", "hidden.day")
    assert "Robin" not in tiny_text(kept)


def test_an_outer_uri_that_nothing_in_the_message_answers_goes_with_what_cannot_stand_without_it() -> None:
    document = tiny_message(
        "<t:Thing><t:Name>Robin</t:Name></t:Thing>"
        '<t:Link><t:From s:uri="http://agency.example/1" xsi:nil="true"/><t:Note>n</t:Note></t:Link>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", "link.*")
    assert tiny_text(kept) == "<t:Thing><t:Name>Robin</t:Name></t:Thing>"


def test_a_lesser_form_at_one_place_is_the_form_at_all_places() -> None:
    document = tiny_message('<t:Thing s:id="p"><t:Name>Wilhelmina</t:Name></t:Thing><t:Hidden s:uri="#p"/>')
    mask = Transform(what="hidden.name", how=How.MASK, keep_last=3)
    kept = cut_sharing(document, tiny(), HEAD, "thing.name", transforms=(mask,))
    assert "<t:Name>****ina</t:Name>" in tiny_text(kept)


def test_two_different_lesser_forms_of_one_value_are_no_form_at_all() -> None:
    document = tiny_message('<t:Thing s:id="p"><t:Name>Wilhelmina</t:Name></t:Thing><t:Hidden s:uri="#p"/>')
    masks = (
        Transform(what="hidden.name", how=How.MASK, keep_last=3),
        Transform(what="thing.name", how=How.REPLACE, text="someone"),
    )
    assert tiny_text(cut_sharing(document, tiny(), HEAD, transforms=masks)) == ""


def test_a_person_is_one_object_within_another_object_too() -> None:
    # The outer object stands in an open and in a closed place; what lies in it lies in both.
    document = tiny_message(
        '<t:Thing s:id="p"><t:Name>Robin</t:Name><t:Pair><t:First>1</t:First><t:Second>2</t:Second></t:Pair></t:Thing>'
        '<t:Hidden s:uri="#p"/>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", "hidden.name", "hidden.first")
    assert texts(kept.document)[1:] == ["Robin"]


def test_a_pointer_goes_with_its_target_and_takes_what_requires_it_along() -> None:
    document = tiny_message(
        '<t:Thing><t:Name>open</t:Name></t:Thing><t:Hidden s:id="h"><t:Name>hidden</t:Name></t:Hidden>'
        '<t:Link><t:From s:ref="h" xsi:nil="true"/><t:Note>a link</t:Note></t:Link>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", "link.*")
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"
    told = {each.path: (each.field, each.clause) for each in kept.redactions}
    assert told["/t:Tiny/t:Link/t:From"] == ("reference", "closure")
    assert told["/t:Tiny/t:Link/t:Note"][1] == "closure"
    assert kept.shared == 2


def test_a_pointer_that_may_be_absent_goes_alone() -> None:
    document = tiny_message(
        '<t:Thing s:id="p"><t:Name>open</t:Name></t:Thing><t:Hidden s:id="h"><t:Name>hidden</t:Name></t:Hidden>'
        '<t:Link><t:From s:ref="p" xsi:nil="true"/>'
        '<t:To s:ref="h" xsi:nil="true"/><t:To s:ref="p" xsi:nil="true"/></t:Link>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*")
    assert tiny_text(kept).count("<t:To") == 1
    assert 's:ref="id2"' not in tiny_text(kept)


def test_a_pointer_with_content_of_its_own_keeps_the_content() -> None:
    document = tiny_message(
        '<t:Thing s:uri="#h"><t:Name>open</t:Name></t:Thing><t:Hidden s:id="h"><t:Secret>hidden</t:Secret></t:Hidden>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.name", "hidden.name")
    assert tiny_text(kept) == "<t:Thing><t:Name>open</t:Name></t:Thing>"


def chain(length: int, end: str) -> str:
    """Things that each only point at the next; the last one points at `end`."""
    ids = [f"c{number}" for number in range(length)]
    pairs = zip(ids, [*ids[1:], end], strict=True)
    return "".join(f'<t:Thing s:id="{id}"><t:Next s:ref="{to}" xsi:nil="true"/></t:Thing>' for id, to in pairs)


def test_a_chain_of_pointers_goes_to_its_end() -> None:
    document = tiny_message(f'{chain(5, "h")}<t:Hidden s:id="h"><t:Name>hidden</t:Name></t:Hidden>')
    kept = cut_sharing(document, tiny(), HEAD, "thing.name")
    assert tiny_text(kept) == ""
    assert [each.clause for each in kept.redactions] == ["closure"] * 5 + ["default"]


def test_ids_are_numbered_anew_in_document_order_over_what_is_shared() -> None:
    document = tiny_message(
        '<t:Thing s:id="SSN123456789"><t:Secret>x</t:Secret></t:Thing>'
        '<t:Thing s:id="SSN987654321"><t:Name>a</t:Name></t:Thing>'
        '<t:Thing s:id="SSN555555555"><t:Name>b</t:Name></t:Thing>'
        '<t:Thing><t:Name>c</t:Name><t:Next s:ref="SSN555555555" xsi:nil="true"/></t:Thing>'
        '<t:Thing><t:Name>d</t:Name><t:Next s:ref="SSN987654321" xsi:nil="true"/></t:Thing>'
    )
    text = tiny_text(cut_sharing(document, tiny(), HEAD, "thing.name"))
    assert '<t:Thing s:id="id1"><t:Name>a</t:Name></t:Thing><t:Thing s:id="id2"><t:Name>b</t:Name></t:Thing>' in text
    assert text.index('s:ref="id2"') < text.index('s:ref="id1"')
    assert "SSN" not in text


def test_an_id_that_nobody_points_at_any_more_goes_because_it_tells_that_somebody_did() -> None:
    document = tiny_message('<t:Thing s:id="SSN987654321"><t:Name>a</t:Name></t:Thing>')
    kept = cut_sharing(document, tiny(), HEAD, "thing.name")
    assert tiny_text(kept) == "<t:Thing><t:Name>a</t:Name></t:Thing>"


def test_metadata_that_nobody_points_at_any_more_goes() -> None:
    document = tiny_message(
        '<t:Thing metadataRef="m1 m2"><t:Name>a</t:Name></t:Thing>'
        '<t:Hidden metadataRef="m3"><t:Name>b</t:Name></t:Hidden>'
        '<t:Metadata s:id="m1"><t:Reporter>r1</t:Reporter></t:Metadata><t:Metadata s:id="m2"/>'
        '<t:Metadata s:id="m3"><t:Reporter>r3</t:Reporter></t:Metadata>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*", "metadata.*")
    assert tiny_text(kept) == (
        '<t:Thing metadataRef="id1"><t:Name>a</t:Name></t:Thing>'
        '<t:Metadata s:id="id1"><t:Reporter>r1</t:Reporter></t:Metadata>'
    )
    told = {each.path: each.clause for each in kept.redactions}
    assert told["/t:Tiny/t:Metadata[3]/t:Reporter"] == "closure"


def test_a_list_of_ids_without_any_target_left_goes() -> None:
    document = tiny_message(
        '<t:Thing metadataRef="m1"><t:Name>a</t:Name></t:Thing>'
        '<t:Metadata s:id="m1"><t:Reporter>r</t:Reporter></t:Metadata>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*")
    assert tiny_text(kept) == "<t:Thing><t:Name>a</t:Name></t:Thing>"


def test_what_is_left_empty_by_a_pointer_that_went_goes_too() -> None:
    document = tiny_message(
        '<t:Thing><t:Name>a</t:Name></t:Thing><t:Thing metadataRef="m1"/>'
        '<t:Metadata s:id="m1"><t:Reporter>r</t:Reporter></t:Metadata>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.*")
    assert tiny_text(kept) == "<t:Thing><t:Name>a</t:Name></t:Thing>"


def test_persons_that_point_at_each_other_are_cut_without_end_being_missed() -> None:
    document = tiny_message(
        '<t:Link><t:From s:id="a"><t:Name>x</t:Name></t:From><t:To s:uri="#b"/></t:Link>'
        '<t:Link><t:From s:id="b"/><t:To s:uri="#a"/></t:Link>'
    )
    kept = cut_sharing(document, tiny(), HEAD, "thing.name")
    assert '<t:From s:id="id1"><t:Name>x</t:Name></t:From>' in tiny_text(kept)


def test_conditions_hold_for_an_object_at_all_its_places() -> None:
    document = tiny_message(
        '<t:Thing s:id="p"><t:Secret>yes</t:Secret></t:Thing>'
        '<t:Link><t:From s:uri="#p"><t:Name>Robin</t:Name></t:From></t:Link>'
    )
    items = (HEAD, "thing.name", Item(what="at-thing-name", unless="secretive"), "thing.secret")
    assert "Robin" not in tiny_text(cut_sharing(document, tiny(), *items))


def test_the_home_of_a_person_may_be_an_association_that_goes() -> None:
    # persons-linked-by-uri: the restrained person of an order carries the id, the subject points at it.
    document = sample("custody-release/1.0", "persons-linked-by-uri.xml")
    kept = cut_by(document, "JAIL-PD-2026-01", "E1")
    assert b"NoContactAssociation" not in to_bytes(kept.document)
    assert b"structures:uri" not in to_bytes(kept.document)
    assert any(each.field == "reference" for each in kept.redactions)


def takes_linear_time(message: Callable[[int], Document], iepd: Iepd, *labels: str) -> bool:
    """Whether twenty times the size takes nothing like four hundred times the seconds."""
    clause = clause_of(iepd, *labels)
    rules = compile_rules(mou_of(clause), clause, iepd)

    def seconds(size: int) -> float:
        document = message(size)
        return fastest(lambda: cut(document, rules, evaluate(document, iepd), iepd))

    return seconds(6000) < 160 * seconds(300)


def test_a_message_made_of_references_is_cut_in_linear_time() -> None:
    def message(size: int) -> Document:
        return tiny_message(f'{chain(size, "h")}<t:Hidden s:id="h"><t:Name>hidden</t:Name></t:Hidden>')

    assert takes_linear_time(message, tiny(), HEAD, "thing.name")


def test_many_that_go_one_by_one_behind_many_that_stay_take_linear_time() -> None:
    """Whether enough is left is asked for each that goes; it must not walk over all that stay."""

    def message(size: int) -> Document:
        stay = "<t:Thing><t:Name>a</t:Name></t:Thing>" * size
        kept = "<t:Link><t:From><t:Name>a</t:Name></t:From></t:Link>"
        gone = '<t:Link><t:From s:ref="h" xsi:nil="true"/></t:Link>' * size
        return tiny_message(f'{stay}<t:Hidden s:id="h"><t:Name>h</t:Name></t:Hidden>{kept}{gone}')

    assert takes_linear_time(message, tiny(links_least=1), HEAD, "thing.name")


def test_what_names_ids_of_many_takes_linear_time() -> None:
    def message(size: int) -> Document:
        marks = "".join(
            f'<t:Metadata s:id="m{number}"><t:Reporter>r</t:Reporter></t:Metadata>' for number in range(size)
        )
        things = "".join(f'<t:Thing metadataRef="m{number}"><t:Name>a</t:Name></t:Thing>' for number in range(size))
        return tiny_message(things + marks)

    for labels in (("thing.name", "thing.mark", "metadata.reporter"), ("thing.name", "metadata.reporter")):
        assert takes_linear_time(message, tiny(), HEAD, *labels)


def test_a_cut_of_a_cut_changes_nothing() -> None:
    document = sample("custody-release/1.0", "fullest.xml")
    once = to_bytes(cut_by(document, "JAIL-FUSION-2026-03", "E1").document)
    assert to_bytes(cut_by(parse(once), "JAIL-FUSION-2026-03", "E1").document) == once


def test_a_message_that_cannot_stand_without_a_pointer_that_goes_is_not_released() -> None:
    iepd = tiny(links_least=1)
    document = tiny_message(
        '<t:Thing><t:Name>open</t:Name></t:Thing><t:Hidden s:id="h"><t:Name>x</t:Name></t:Hidden>'
        '<t:Link><t:From s:ref="h" xsi:nil="true"/></t:Link>'
    )
    clause = clause_of(iepd, HEAD, "thing.name")
    with pytest.raises(NotReleasable):
        cut(document, compile_rules(mou_of(clause), clause, iepd), evaluate(document, iepd), iepd)


@pytest.mark.parametrize(("labels", "seen"), [(("person.name",), False), (("person.name", "person.alias"), True)])
def test_a_single_name_can_be_an_object_in_two_places_too(labels: tuple[str, ...], seen: bool) -> None:
    iepd = exchanges()["custody-release/1.0"]
    data = iepd.samples["smallest.xml"]
    marked = data.replace(b"<nc:PersonSurName>", b'<nc:PersonSurName structures:id="n1">', 1)
    alias = b'<ec:PersonAlias><nc:PersonSurName structures:ref="n1"/></ec:PersonAlias>'
    before = b"<ec:PersonJuvenileIndicator>"
    spaces = f'<cr:CustodyRelease xmlns:structures="{STRUCTURES}"'.encode()
    marked = marked.replace(before, alias + before, 1).replace(b"<cr:CustodyRelease", spaces, 1)
    document = parse(marked)
    assert validate(document, iepd) == ()
    kept = cut_sharing(document, iepd, HEAD, *labels)
    assert ("Tansley" in texts(kept.document)) is seen
    assert (b'structures:ref="id1"' in to_bytes(kept.document)) is seen
