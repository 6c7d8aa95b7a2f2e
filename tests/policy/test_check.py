"""The check of an agreement: what it says of lines, law, access and fields; its certificate; its coverage."""

import csv
import io
import json
from dataclasses import replace

from gateway.document.source import read_source
from gateway.finding import Severity
from gateway.iepd.catalog import Catalog
from gateway.iepd.package import Iepd, load, unclassified
from gateway.policy.certificate import certificate
from gateway.policy.check import NO_LAW, Check, check
from gateway.policy.coverage import as_csv, coverage, in_short
from gateway.policy.law_bind import Bound
from gateway.policy.mandate import Mandate
from gateway.policy.mou import AccessRule, Clause, Condition, Effect, Grain, How, Item, Mou, Transform
from gateway.policy.read import read_mou
from gateway.policy.remark import Remark
from gateway.policy.restriction import Restriction
from gateway.report.page import granted
from tests.policy.elder import five
from tests.policy.examples import TINY, agreement_files, agreements, clause_of, exchanges, field_at, mou_of, tiny
from tests.policy.test_prove import recursive

HEAD = "message.head"


def remove(what: str) -> Transform:
    return Transform(what=what, how=How.REMOVE)


def checked(clause: Clause, *, law: Bound = NO_LAW, mou: Mou | None = None) -> Check:
    return check(mou or mou_of(clause), {"tiny/1.0": tiny()}, law=lambda _clause, _recipient: law)


def of(share: list[str | Item], *transforms: Transform, law: Bound = NO_LAW) -> list[tuple[str, str]]:
    """Codes and severities of what is said of a clause, but for what nobody gets and what the catalog lacks."""
    found = checked(clause_of(tiny(), *share, transforms=transforms), law=law)
    return [(each.code, str(each.severity)) for each in found.remarks if each.clause and each.clause == "T1"]


def named(found: Check, code: str) -> Remark:
    (remark,) = [each for each in found.remarks if each.code == code]
    return remark


# --- lines -------------------------------------------------------------------------------------------------------


def test_a_clause_with_nothing_to_say_of_passes() -> None:
    assert of([HEAD, "thing.name"]) == []


def test_a_line_that_others_cover_is_redundant() -> None:
    assert of([HEAD, "thing.name", field_at("t:Thing/t:Name")]) == [("mou.redundant", "warning")]


def test_a_line_that_narrows_another_is_not_redundant() -> None:
    narrower = Item(what=field_at("t:Thing/t:Name"), unless="secretive")
    assert of([HEAD, "thing.name", narrower]) == []


def test_a_line_that_another_line_removes_is_in_conflict_with_it() -> None:
    assert of([HEAD, "thing.name"], remove("thing.name"))[0] == ("mou.conflicting", "error")


def test_a_removal_of_what_nobody_gives_is_a_statement() -> None:
    assert of([HEAD], remove("thing.secret")) == [("mou.redundant", "note")]


def test_a_line_given_only_where_a_fact_holds_and_only_where_it_does_not_is_dead() -> None:
    what = field_at("t:Thing/t:Name")
    found = of([HEAD, Item(what=what, unless="secretive"), Item(what=what, when="secretive")])
    assert set(found) == {("mou.dead-rule", "error")}


def test_a_line_that_the_route_never_lets_apply_is_dead() -> None:
    iepd = exchanges()["custody-release/1.0"]
    sealed = Item(what="person.name", when="sealed")
    clause = replace(clause_of(iepd, HEAD, sealed), route=(Condition(fact="sealed", values=(False,)),))
    found = check(mou_of(clause), {iepd.id: iepd})
    assert named(found, "mou.dead-rule").fields[0].startswith("person.name") or not found.passed


def test_a_transform_that_another_line_removes_is_in_conflict_with_it() -> None:
    mask = Transform(what=field_at("t:Thing/t:Name"), how=How.MASK, keep_last=1)
    assert ("mou.conflicting", "error") in of([HEAD], mask, remove("thing.name"))


def open_ended() -> Iepd:
    """An exchange with a place where anything may stand."""
    schema = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{TINY}" targetNamespace="{TINY}"
      elementFormDefault="qualified"><xs:complexType name="AnyType"><xs:sequence>
       <xs:any processContents="lax" minOccurs="0"/></xs:sequence></xs:complexType>
      <xs:complexType name="WholeType"><xs:sequence><xs:element name="Name" type="xs:string"/>
       <xs:element name="More" type="t:AnyType" minOccurs="0"/></xs:sequence></xs:complexType>
      <xs:element name="Whole" type="t:WholeType"/></xs:schema>"""
    fields = f"""exchange: whole/1.0
title: Whole
root: t:Whole
namespaces: {{t: {TINY}}}
schemas: [extension.xsd]
message: {{}}
fields:
  - {{path: "t:Name", field: name.f1, label: name, title: Name}}
  - {{path: "t:More", field: more.f2, label: more, title: More}}
facts: []
"""
    return load({"fields.yaml": fields.encode(), "extension.xsd": schema.encode()}, {})


def test_a_line_that_is_given_only_where_the_catalog_ends_is_an_error() -> None:
    iepd = open_ended()
    found = check(mou_of(clause_of(iepd, "name", "more")), {iepd.id: iepd})
    remark = named(found, "mou.catalog-ends")
    assert (remark.severity, remark.fields) == (Severity.ERROR, ("more.f2",))
    assert check(mou_of(clause_of(iepd, "name")), {iepd.id: iepd}).passed


def test_a_form_of_a_value_is_told_in_words() -> None:
    iepd = open_ended()
    clause = clause_of(iepd, transforms=(Transform(what="name", how=How.PSEUDONYMIZE),))
    made = check(mou_of(clause), {iepd.id: iepd})
    (table,) = coverage(granted(made))
    assert made.passed, "of a token it is known that it arrives, whatever the key"
    assert (table.rows[0].cells[0].outcome, table.rows[0].cells[0].how) == ("reduced", "as a token")
    for grain in Grain:
        assert in_short(Transform(what="name", how=How.GENERALIZE, to=grain)).endswith("only")


def test_conditions_of_law_are_words_in_coverage_and_in_findings() -> None:
    first = field_at("t:Thing/t:Pair/t:First")
    path = next(field.path for field in tiny().catalog.fields if field.name == first)
    consent = Restriction(law="42 CFR 2.31", where=frozenset({"law:no consent thing.first"}))
    made = checked(
        clause_of(tiny(), HEAD, first, field_at("t:Thing/t:Pair/t:Second")), law=Bound(restrictions={path: (consent,)})
    )
    remark = named(made, "mou.promise-lost")
    assert "(where no consent is on file for thing.first)" in remark.text
    assert not any("law:" in way for way in remark.ways)
    (table,) = coverage(granted(made))
    (cell,) = next(row.cells for row in table.rows if row.field == first)
    assert cell.conditions == ("not where: no consent is on file for thing.first",)


def test_where_an_element_may_be_empty_that_is_a_way_out() -> None:
    """Its number may stand there empty, with who issued it; withheld as a whole it would take the record along."""
    iepd = five()
    made = check(mou_of(clause_of(iepd, "x.action-code", "x.record-text", "x.date", "x.at-issuer")), {iepd.id: iepd})
    ways = [way for remark in made.remarks for way in remark.ways]
    assert any(way.endswith("stand there empty ({do: remove, leave: nil})") for way in ways), ways


def test_law_that_blocks_a_whole_message_is_an_error_with_its_section() -> None:
    made = checked(clause_of(tiny(), HEAD, "thing.name"), law=Bound(blocked="18 U.S.C. 5038"))
    remark = named(made, "mou.law-blocked")
    assert (remark.severity, made.passed) == (Severity.ERROR, False)
    assert "18 U.S.C. 5038" in remark.text


# --- law ---------------------------------------------------------------------------------------------------------


def paths(word: str) -> list[tuple[str, ...]]:
    return [field.path for field in tiny().catalog.select(word)]


def test_a_line_against_the_law_is_told_with_its_section() -> None:
    law = Bound(restrictions={path: (Restriction(law="42 CFR 2.31"),) for path in paths("thing.name")})
    clause = clause_of(tiny(), HEAD, "thing.name")
    remark = named(checked(clause, law=law), "mou.law-blocked")
    assert remark.severity is Severity.WARNING
    assert "42 CFR 2.31" in remark.text
    assert set(remark.fields) == {field.name for field in tiny().catalog.select("thing.name")}


def test_a_law_on_some_of_a_line_is_a_note() -> None:
    law = Bound(restrictions={paths("thing.name")[0]: (Restriction(law="42 CFR 2.31"),)})
    assert of([HEAD, "thing.name"], law=law) == [("mou.law-blocked", "note")]


def test_a_field_that_a_law_orders_is_missed() -> None:
    law = Bound(mandates=(Mandate(law="Code 149", text="names go", labels=("thing.name", "link.note")),))
    remark = named(checked(clause_of(tiny(), HEAD, "link.note"), law=law), "mou.mandate-missing")
    assert remark.severity is Severity.ERROR
    assert "Code 149" in remark.text
    assert set(remark.fields) == {field.name for field in tiny().catalog.select("thing.name")}


def test_what_goes_beyond_a_law_that_says_no_more_is_told() -> None:
    law = Bound(mandates=(Mandate(law="Code 149", text="names go", labels=("thing.name",), no_more=True),))
    remark = named(checked(clause_of(tiny(), HEAD, "thing.name", "link.note"), law=law), "mou.mandate-exceeded")
    assert (remark.severity, remark.fields) == (Severity.WARNING, (field_at("t:Link/t:Note"),))


def test_recipients_of_whom_law_says_the_same_are_checked_once() -> None:
    mou = agreements()["JAIL-PD-2026-01"]
    clause = replace(mou.exchanges[1], recipients=(*mou.exchanges[0].recipients, *mou.exchanges[1].recipients))
    both = replace(mou, exchanges=(clause,))
    assert [len(each.recipients) for each in check(both, exchanges()).clauses] == [2]
    first = clause.recipients[0]
    strict = Bound(
        restrictions={
            field.path: (Restriction(law="X 1"),) for field in exchanges()[clause.exchange].catalog.select("person.dob")
        }
    )
    found = check(both, exchanges(), law=lambda _, recipient: strict if recipient == first else Bound())
    assert [each.recipients for each in found.clauses] == [(first,), (clause.recipients[1],)]


# --- access, fields ----------------------------------------------------------------------------------------------


def test_a_purpose_that_nobody_may_have_is_an_error_and_one_no_clause_serves_a_warning() -> None:
    clause = clause_of(tiny(), HEAD)
    rule = AccessRule(id="A1", roles=(clause.role,), purposes=("curiosity",), categories=("tiny",))
    found = checked(clause, mou=replace(mou_of(clause), access=(rule,)))
    assert {(r.severity, r.clause) for r in found.remarks if r.code == "mou.unreachable-purpose"} == {
        (Severity.WARNING, ""),
        (Severity.ERROR, "T1"),
    }
    permit = replace(rule, purposes=(clause.purpose,))
    deny = AccessRule(id="A2", effect=Effect.DENY, purposes=("curiosity",))
    again = checked(clause, mou=replace(mou_of(clause), access=(permit, deny)))
    assert not [r for r in again.remarks if r.code == "mou.unreachable-purpose"]


def test_places_that_no_field_names_are_a_warning() -> None:
    changed = replace(tiny(), catalog=Catalog(tiny().catalog.fields[:-1]))
    found = check(mou_of(clause_of(changed, HEAD)), {changed.id: changed})
    assert named(found, "mou.unclassified").severity is Severity.WARNING
    assert found.passed  # nobody gets them
    for mou in agreements().values():
        assert "mou.unclassified" not in {each.code for each in check(mou, exchanges()).remarks}


def test_a_type_that_contains_itself_is_no_place_that_somebody_forgot_to_name() -> None:
    iepd = recursive(1)
    assert unclassified(iepd) == ("t:Part/t:Part",)
    assert check(mou_of(clause_of(iepd, "name")), {iepd.id: iepd}).passed


def test_labels_that_nobody_gets_are_noted() -> None:
    remark = named(checked(clause_of(tiny(), HEAD, "thing.name")), "mou.shared-with-nobody")
    assert remark.severity is Severity.NOTE
    assert "thing.secret" in remark.text
    assert "thing.name" not in remark.text


# --- ways out, pictures, places in the file ----------------------------------------------------------------------


def test_a_loss_is_told_with_its_line_a_picture_and_ways_out() -> None:
    file, data = next((f, d) for f, d in agreement_files().items() if f.startswith("JAIL-PROB"))
    without = b"".join(
        line for line in data.splitlines(True) if b"- victim.no" not in line and b"- victim.na" not in line
    )
    source, _ = read_source(without, file)
    mou, findings = read_mou(without, file, exchanges())
    assert mou is not None, findings
    found = check(mou, exchanges(), source=source)
    remark = named(found, "mou.promise-lost")
    assert not found.passed
    assert remark.line is not None
    assert "condition.no-contact" in without.decode().splitlines()[remark.line - 1]
    assert remark.picture is not None
    assert any("ec:NoContactAssociation" in line for line in remark.picture.before)
    assert not any("ec:NoContactAssociation" in line for line in remark.picture.after)
    assert remark.ways
    assert remark.ways == ("take out 1 line: condition.no-contact",)


def test_a_line_that_is_lost_in_one_place_and_arrives_in_others_is_a_warning() -> None:
    """Police get no order against a person, but the person's name: taken back in the order, it were withheld twice."""
    found = check(agreements()["JAIL-PD-2026-01"], exchanges())
    remark = named(found, "mou.promise-partly-lost")
    assert found.passed
    assert remark.severity is Severity.WARNING
    assert remark.ways == ()
    assert "arrive" in remark.text
    assert {name.rpartition(".")[0].partition(".restrained")[0] for name in remark.fields} == {"no-contact"}


def test_a_way_out_leads_out_and_never_to_a_victim() -> None:
    pair = [field_at("t:Thing/t:Pair/t:First"), HEAD]
    remark = named(checked(clause_of(tiny(), *pair)), "mou.promise-lost")
    second = field_at("t:Thing/t:Pair/t:Second")
    assert remark.ways[:3] == (
        f"take out 1 line: {field_at('t:Thing/t:Pair/t:First')}",
        "share thing.second too",
        f"share {second} too",
    )
    assert f'give {second} as a fixed text ({{do: replace, with: "withheld"}})' in remark.ways
    for mou in agreements().values():
        for each in check(mou, exchanges()).remarks:
            assert not any("victim" in way for way in each.ways)
    for more in (second, "thing.second"):
        mended = checked(clause_of(tiny(), *pair, more))
        assert "mou.promise-lost" not in {each.code for each in mended.remarks}


# --- certificate, coverage ---------------------------------------------------------------------------------------


def test_a_certificate_is_the_same_for_the_same_and_another_for_another() -> None:
    mou = agreements()["JAIL-PROB-2026-02"]
    first, again = (certificate(check(mou, exchanges())) for _ in range(2))
    assert first == again
    assert first.passed
    content = json.loads(first.data)
    assert content["verdict"] == "passed"
    assert content["mou"] == "JAIL-PROB-2026-02@1"
    assert content["digest"] == mou.digest
    assert content["exchanges"] == {"custody-release/1.0": exchanges()["custody-release/1.0"].digest}
    assert content["clauses"][0]["taken_freely"] == ["facts", "objects"]
    other = json.loads(certificate(check(agreements()["JAIL-PD-2026-01"], exchanges())).data)
    assert (other["verdict"], other["codes"]) == ("passed", [])
    assert other["clauses"][0]["given_in_vain"][0].startswith("no-contact.restrained.")
    assert other["clauses"][1]["given_in_vain"] == []


def test_coverage_says_what_each_recipient_sees_of_each_field_and_by_which_clause() -> None:
    (table,) = coverage(granted(check(agreements()["JAIL-PD-2026-01"], exchanges())))
    rows = {row.field: row.cells for row in table.rows}
    assert [column.recipient for column in table.columns] == ["millbrook-police", "harlan-district-attorney"]
    police, prosecutor = rows["person.id.doc.number"]
    assert (police.outcome, police.how, police.by) == ("reduced", "masked, last 4", "E1")
    assert (prosecutor.outcome, prosecutor.by) == ("withheld", "not listed")
    conditional = rows["booking.record.number"][0]
    assert (conditional.outcome, conditional.conditions) == ("shared", ("not where: booking is sealed",))


def test_coverage_as_csv_has_a_line_for_each_field_and_recipient() -> None:
    tables = coverage(granted(check(agreements()["JAIL-PD-2026-01"], exchanges())))
    lines = list(csv.DictReader(io.StringIO(as_csv(tables))))
    assert len(lines) == 2 * len(tables[0].rows)
    assert {line["outcome"] for line in lines} == {"shared", "reduced", "withheld"}
