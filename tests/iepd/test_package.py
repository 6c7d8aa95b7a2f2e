"""Tests for gateway/iepd/package.py: loading one exchange, all findings at once."""

import pytest

from gateway.finding import Finding
from gateway.iepd.catalog import LEAVES_MAX
from gateway.iepd.package import Iepd, IepdRefused, archive, load, load_archive, unclassified

from .invented import EXTENSION_XSD, FIELDS_YAML, NOTICE, XSD, folder, invented, notice


def findings(fields: str = FIELDS_YAML, extension: str = EXTENSION_XSD, **more: bytes) -> tuple[Finding, ...]:
    with pytest.raises(IepdRefused) as caught:
        load(folder(fields, extension, **more), XSD)
    assert caught.value.code == "iepd.refused"
    return caught.value.findings


def codes(fields: str = FIELDS_YAML, extension: str = EXTENSION_XSD, **more: bytes) -> set[str]:
    return {finding.code for finding in findings(fields, extension, **more)}


def test_an_exchange_is_loaded_whole() -> None:
    iepd = invented()
    assert (iepd.id, iepd.title, iepd.root) == ("invented-notice/1.0", "Invented notice", f"{{{NOTICE}}}Notice")
    assert iepd.digest.startswith("sha-256:")
    assert iepd.samples == {"smallest.xml": notice()}
    assert iepd.message_paths["action"] == (f"{{{NOTICE}}}ActionCode",)
    assert {"iepd/fields.yaml", "iepd/extension.xsd", "xsd/core/core.xsd", "xsd/core/structures.xsd"} <= set(iepd.files)
    assert unclassified(iepd) == ()


def test_an_imported_document_need_not_be_listed() -> None:
    assert "xsd/core/structures.xsd" in invented().schema.documents


def test_the_digest_is_of_the_schema_set_alone() -> None:
    same = load(folder(FIELDS_YAML.replace("Invented notice", "Other title"), **{"README.md": b"x"}), XSD)
    other = load(folder(extension=EXTENSION_XSD + "\n"), XSD)
    assert same.digest == invented().digest
    assert other.digest != invented().digest


def test_an_archive_holds_everything_and_is_always_the_same() -> None:
    iepd = invented()
    data = archive(iepd)
    again = load_archive(data)
    assert data == archive(invented())
    assert archive(again) == data
    assert (again.id, again.digest, again.samples) == (iepd.id, iepd.digest, iepd.samples)


def test_a_message_made_to_be_refused_is_no_sample() -> None:
    iepd = load(folder(**{"samples/invalid/bad.xml": b"<a/>", "samples/good.xml": notice()}), XSD)
    assert list(iepd.samples) == ["good.xml"]
    assert "iepd/samples/invalid/bad.xml" in iepd.files


def test_a_field_that_the_schema_does_not_have_is_named_with_its_place() -> None:
    wrong = FIELDS_YAML.replace("path: n:EarlierID, field", "path: n:ErlierID, field")
    (finding,) = findings(wrong)
    line = wrong.splitlines().index(next(each for each in wrong.splitlines() if "ErlierID" in each)) + 1
    assert (finding.code, finding.path, finding.line) == ("fields.unknown-path", "n:ErlierID", line)
    assert (finding.file, finding.column) == ("fields.yaml", 5)


def test_a_path_to_an_element_that_only_holds_others_is_no_field() -> None:
    assert codes(FIELDS_YAML.replace("path: n:Subject/n:RiskScore", "path: n:Subject")) == {"fields.unknown-path"}


def test_everything_wrong_is_told_at_once() -> None:
    wrong = (
        FIELDS_YAML.replace("title: Invented notice", "titel: Invented notice")
        .replace("path: n:When", "path: n:Wen")
        .replace("n:RiskScore >= 7", "n:RiskSkore >= 7")
        .replace("  - core/codes.xsd\n", "  - core/codez.xsd\n")
        .replace("kind: date", "kind: day")
    )
    assert codes(wrong) >= {
        "fields.unknown-key",
        "fields.missing-key",
        "fields.unknown-path",
        "fields.unknown-name",
        "fields.missing-schema",
        "fields.wrong-value",
    }


def test_a_field_nobody_classified_is_listed() -> None:
    lines = [line for line in FIELDS_YAML.splitlines(keepends=True) if "field: risk.score" not in line]
    iepd = invented("".join(lines))
    assert unclassified(iepd) == ("n:Subject/n:RiskScore",)


def test_a_root_that_the_schema_does_not_declare_is_refused() -> None:
    assert codes(FIELDS_YAML.replace("root: n:Notice", "root: n:Notiz")) == {"fields.unknown-root"}
    assert codes(FIELDS_YAML.replace("root: n:Notice", "root: nc:PersonRaceAbstract")) == {"fields.unknown-root"}


def test_an_action_that_the_gateway_does_not_know_is_refused() -> None:
    withdrawn = EXTENSION_XSD.replace('value="cancel"', 'value="withdraw"')
    assert codes(extension=withdrawn) == {"fields.unknown-action"}
    assert codes(FIELDS_YAML.replace("action: n:ActionCode", "action: n:EarlierID")) == {"fields.unknown-action"}


def test_a_fact_about_objects_that_cannot_be_there_is_refused() -> None:
    assert codes(FIELDS_YAML.replace("child, each: n:Subject", "child, each: n:Object")) == {"fields.unknown-path"}


def test_a_set_that_does_not_compile_is_refused_with_the_file() -> None:
    broken = EXTENSION_XSD.replace('type="xs:dateTime"', 'type="xs:dateTme"')
    (finding,) = findings(extension=broken)
    assert (finding.code, finding.file) == ("schema.unresolved", "extension.xsd")


def test_a_catalog_file_that_cannot_be_read_is_told_and_does_not_hinder() -> None:
    iepd = load(folder(**{"iepd-catalog.xml": b"<!DOCTYPE a><a/>"}), XSD)
    assert [(each.code, each.severity) for each in iepd.warnings] == [("iepd.catalog-not-readable", "warning")]


def test_a_file_that_is_no_yaml_is_refused_with_its_place() -> None:
    (finding,) = findings("a: [")
    assert (finding.code, finding.file) == ("yaml.syntax", "fields.yaml")


def test_without_fields_there_is_no_exchange() -> None:
    with pytest.raises(IepdRefused) as caught:
        load({}, XSD)
    assert caught.value.findings[0].code == "iepd.missing-file"


def test_a_schema_set_with_too_many_places_is_unfolded_as_deep_as_fits() -> None:
    """Each of 40 elements may hold all 40: the place of a value has no bound."""
    names = [f"E{number}" for number in range(40)]
    body = "".join(f'<xs:element ref="n:{name}" minOccurs="0"/>' for name in names)
    elements = "".join(
        f'<xs:element name="{name}" type="n:T{name}"/>'
        f'<xs:complexType name="T{name}"><xs:sequence>{body}</xs:sequence></xs:complexType>'
        for name in names
    )
    wide = EXTENSION_XSD.replace("</xs:schema>", elements + "</xs:schema>").replace(
        '<xs:element ref="n:When" minOccurs="0"/>', '<xs:element ref="n:When" minOccurs="0"/><xs:element ref="n:E0"/>'
    )
    iepd = invented(extension=wide)
    assert 1_000 < len(iepd.leaves) <= LEAVES_MAX
    assert any(leaf.cut for leaf in iepd.leaves)
    assert "n:E0/n:E1" in "".join(unclassified(iepd))


def test_a_place_further_down_than_the_set_unfolds_can_be_a_field_by_its_path() -> None:
    nested = EXTENSION_XSD.replace(
        '<xs:element ref="n:RiskScore" minOccurs="0"/>',
        '<xs:element ref="n:RiskScore" minOccurs="0"/><xs:element ref="n:Subject" minOccurs="0"/>',
    )
    deeper = FIELDS_YAML.replace(
        "facts:",
        "  - {path: n:Subject/n:Subject/n:Subject/n:SubjectNumber, field: inner, label: person.id, title: X}\nfacts:",
    )
    field = invented(deeper, nested).catalog.named("inner")
    assert field is not None
    assert (field.kind, field.value.length_max) == ("string", 7)
    assert codes(deeper.replace("/n:SubjectNumber, field: inner", ", field: inner"), nested) == {"fields.unknown-path"}


def test_a_type_that_contains_itself_stays_unclassified() -> None:
    nested = EXTENSION_XSD.replace(
        '<xs:element ref="n:RiskScore" minOccurs="0"/>',
        '<xs:element ref="n:RiskScore" minOccurs="0"/><xs:element ref="n:Subject" minOccurs="0"/>',
    )
    iepd: Iepd = invented(extension=nested)
    assert unclassified(iepd) == ("n:Subject/n:Subject",)
