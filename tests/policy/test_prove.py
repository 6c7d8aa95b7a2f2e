"""The proof of a clause: what it refuses, and where it says that a recipient gets nothing."""

from dataclasses import replace

from gateway.iepd.package import Iepd, load
from gateway.policy.flaw import Flaw, Wrong
from gateway.policy.mou import Condition, Grain, How, Item, Transform
from gateway.policy.prove import FACTS, LACKING, MANY_CONDITIONS, NIL, NOTHING_GIVEN, OBJECTS, Proof, prove
from gateway.policy.restriction import Restriction
from gateway.policy.rules import compile_rules
from gateway.policy.supposing import SETS_MAX
from tests.policy.examples import TINY, clause_of, clauses, exchanges, field_at, mou_of, tiny
from tests.policy.proofs import replayed

HEAD = "message.head"


def proof(*share: str | Item, transforms: tuple[Transform, ...] = (), iepd: Iepd | None = None) -> Proof:
    iepd = iepd or tiny()
    clause = clause_of(iepd, *share, transforms=transforms)
    return prove(compile_rules(mou_of(clause), clause, iepd), clause, iepd)


def only(found: Proof) -> Flaw:
    (flaw,) = found.flaws
    assert replayed(flaw, found, tiny()) in {"lost", "invalid"}, "the counter-example is real"
    return flaw


def t(*names: str) -> tuple[str, ...]:
    return tuple(f"{{{TINY}}}{name}" for name in names)


def test_what_is_optional_may_be_withheld() -> None:
    found = proof(HEAD, "thing.name", "link.note")
    assert found.valid
    assert found.flaws == ()


def test_a_field_is_not_given_when_what_must_stand_beside_it_is_withheld() -> None:
    flaw = only(proof(HEAD, field_at("t:Thing/t:Pair/t:First"), field_at("t:Thing/t:Pair/t:Note")))
    assert flaw.wrong is Wrong.LOST
    assert flaw.place.path == t("Tiny", "Thing", "Pair")
    assert [field.name for field in flaw.lost] == ["at-thing-pair-first", "at-thing-pair-note"]
    assert [culprit.field.name for culprit in flaw.culprits] == ["at-thing-pair-second"]
    assert [step.name for step in flaw.steps] == list(t("First", "Second"))


def test_a_required_attribute_that_is_withheld_takes_its_element() -> None:
    flaw = only(proof(HEAD, field_at("t:Thing/t:Word")))
    assert (flaw.wrong, flaw.attribute) == (Wrong.LOST, "@source")
    assert [field.name for field in flaw.lost] == ["at-thing-word"]


def test_an_attribute_is_not_given_without_its_text() -> None:
    flaw = only(proof(HEAD, field_at("t:Thing/t:Word/@source")))
    assert [culprit.field.name for culprit in flaw.culprits] == ["at-thing-word"]


def test_a_condition_on_one_of_two_that_belong_together_takes_the_other() -> None:
    first = Item(what=field_at("t:Thing/t:Pair/t:First"), unless="secretive")
    second = field_at("t:Thing/t:Pair/t:Second")
    flaw = only(proof(HEAD, first, second))
    assert flaw.holding == {"secretive"}
    assert [field.name for field in flaw.lost] == ["at-thing-pair-second"]
    same = proof(HEAD, first, Item(what=second, unless="secretive"))
    assert same.flaws == ()
    assert FACTS in same.freely


def test_an_inner_loss_is_told_once() -> None:
    """The link goes because its end does; what is lost is told where it is lost first."""
    found = proof(HEAD, "link.note", *(field_at(f"t:Link/t:From/t:Pair/{each}") for each in ("t:First", "t:Note")))
    assert [flaw.place.path[-1] for flaw in found.flaws] == list(t("Pair"))


def test_a_lesser_form_keeps_its_element_where_the_other_cannot_stand() -> None:
    to_year = Transform(what="thing.day", how=How.GENERALIZE, to=Grain.YEAR)
    assert proof(HEAD, transforms=(to_year,)).flaws == ()


def test_a_message_without_what_it_must_have_is_told_of() -> None:
    found = proof("thing.name")
    assert {flaw.wrong for flaw in found.flaws} == {Wrong.LOST}
    assert LACKING in {where.reason for where in found.nowhere}
    assert {name for where in found.nowhere for name in where.names} == set(t("Action"))


def test_a_clause_that_gives_nothing_is_refused() -> None:
    nothing = proof("link.note", transforms=(Transform(what="link.note", how=How.REMOVE),))
    assert {flaw.wrong for flaw in nothing.flaws} == {Wrong.NOTHING}
    assert {where.reason for where in nothing.nowhere} == {NOTHING_GIVEN}


def test_a_route_says_what_need_not_be_looked_at() -> None:
    iepd = exchanges()["custody-release/1.0"]
    when_sealed = [Item(what=label, when="sealed") for label in iepd.catalog.labels()]
    clause = clause_of(iepd, *when_sealed)
    open_ = prove(compile_rules(mou_of(clause), clause, iepd), clause, iepd)
    assert NOTHING_GIVEN in {where.reason for where in open_.nowhere}
    routed = replace(clause, route=(Condition(fact="sealed", values=(True,)),))
    assert NOTHING_GIVEN not in {where.reason for where in prove(open_.rules, routed, iepd).nowhere}


def test_an_object_that_stands_twice_may_take_the_message() -> None:
    """The subject may be the same object as a victim whose name is withheld; then nothing of the subject is left."""
    iepd = exchanges()["custody-release/1.0"]
    found = proof(HEAD, "person.name", iepd=iepd)
    assert OBJECTS in found.freely
    joined = [where for where in found.nowhere if where.joined]
    assert [where.reason for where in joined] == [LACKING]
    assert any(name.endswith("}Subject") for where in joined for name in where.names)
    assert [where.reason for where in found.nowhere if not where.joined] == [NIL]


def test_where_nothing_is_withheld_no_pointer_can_lead_to_nothing() -> None:
    everything = proof(*tiny().catalog.labels())
    assert not [where for where in everything.nowhere if where.joined]


def test_the_shipped_clauses_are_refused_only_for_what_they_cannot_give() -> None:
    for mou, clause, iepd in clauses():
        found = prove(compile_rules(mou, clause, iepd), clause, iepd)
        assert {flaw.wrong for flaw in found.flaws} <= {Wrong.LOST}
        for flaw in found.flaws:
            assert flaw.place.path[-1].endswith("}NoContactAssociation")
            assert replayed(flaw, found, iepd) == "lost"


def test_beyond_so_many_conditions_each_is_taken_to_hold_or_not() -> None:
    first, second = field_at("t:Thing/t:Pair/t:First"), field_at("t:Thing/t:Pair/t:Second")
    clause = clause_of(tiny(), HEAD, first, second)
    paths = [field.path for field in tiny().catalog.fields if field.name in {first, second}]
    laws = tuple(Restriction(law=f"Code {n}", where=frozenset({f"law:{n}"})) for n in range(SETS_MAX.bit_length()))
    few = prove(compile_rules(mou_of(clause), clause, tiny(), dict.fromkeys(paths, laws[:2])), clause, tiny())
    many = prove(compile_rules(mou_of(clause), clause, tiny(), dict.fromkeys(paths, laws)), clause, tiny())
    assert (few.flaws, MANY_CONDITIONS in few.freely) == ((), False)
    assert [flaw.wrong for flaw in many.flaws] == [Wrong.LOST], "it may refuse what does no harm"
    assert MANY_CONDITIONS in many.freely


def recursive(least: int) -> Iepd:
    """An exchange whose parts have parts, without end."""
    schema = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{TINY}" targetNamespace="{TINY}"
      elementFormDefault="qualified"><xs:complexType name="PartType"><xs:sequence>
       <xs:element name="Name" type="xs:string" minOccurs="{least}"/>
       <xs:element ref="t:Part" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
      <xs:complexType name="WholeType"><xs:sequence><xs:element ref="t:Part"/></xs:sequence></xs:complexType>
      <xs:element name="Part" type="t:PartType"/><xs:element name="Whole" type="t:WholeType"/></xs:schema>"""
    fields = f"""exchange: whole/1.0
title: Whole
root: t:Whole
namespaces: {{t: {TINY}}}
schemas: [extension.xsd]
message: {{}}
fields:
  - {{path: "t:Part/t:Name", field: name.f1, label: name, title: Name}}
facts: []
"""
    return load({"fields.yaml": fields.encode(), "extension.xsd": schema.encode()}, {})


def test_a_type_that_contains_itself_is_given_as_deep_as_the_catalog_goes() -> None:
    assert proof("name", iepd=recursive(1)).flaws == ()


def test_rules_that_lead_back_to_themselves_are_looked_at_until_nothing_changes() -> None:
    for least in (0, 1):
        iepd = recursive(least)
        clause = clause_of(iepd, "name")
        rules = compile_rules(mou_of(clause), clause, iepd)
        part = rules.root.children[f"{{{TINY}}}Part"]
        part.children[f"{{{TINY}}}Part"] = part  # type: ignore[index]  # parts within parts, as deep as they go
        assert prove(rules, clause, iepd).flaws == ()
        withheld = clause_of(iepd, "name", transforms=(Transform(what="name", how=How.REMOVE),))
        assert [
            flaw.wrong for flaw in prove(compile_rules(mou_of(withheld), withheld, iepd), withheld, iepd).flaws
        ] == [Wrong.NOTHING]
