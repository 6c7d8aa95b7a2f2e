"""Tests for gateway/iepd/intake.py and draft.py: a specification as its publisher laid it out."""

import io
import zipfile
from collections.abc import Mapping

import pytest

from gateway.finding import Finding, errors
from gateway.iepd.archive import SIZE_BYTES_MAX, unwrap, unzip
from gateway.iepd.checking import UNCLASSIFIED
from gateway.iepd.confirm import confirm
from gateway.iepd.intake import Intake, Wanted, take_in, updated, warnings
from gateway.iepd.package import load, unclassified
from gateway.iepd.refused import IepdRefused

from .invented import CODES_XSD, CORE_XSD, EXTENSION_XSD, FIELDS_YAML, NOTICE, STRUCTURES_XSD, XSD, folder, notice

FILES = {
    "base xsd/core/structures.xsd": STRUCTURES_XSD.encode(),
    "base xsd/core/core.xsd": CORE_XSD.encode(),
    "base xsd/core/county (codes).xsd": CODES_XSD.encode(),
    "base xsd/notice.xsd": EXTENSION_XSD.replace("../../../xsd/core/", "core/").encode(),
    "iep-sample/smallest.xml": notice(),
    "iep-sample/wrong.xml": notice("<n:Wrong/>"),
    "iep-sample/other.xml": b"<other/>",
    "readme.txt": b"read me",
    "picture.png": b"\x89PNG",
}
CATALOG = """<?xml version="1.0"?>
<c:IEPDCatalog xmlns:c="http://reference.niem.gov/niem/resource/iepd/catalog/5.0/" xmlns:n="{namespace}"
  c:iepdName="Invented Notice" c:iepdVersionID="2.1">
  <c:IEPConformanceTarget><c:HasDocumentElement c:qualifiedNameList="n:Notice"/></c:IEPConformanceTarget>
</c:IEPDCatalog>"""


def taken(files: Mapping[str, bytes] = FILES, **wanted: object) -> Intake:
    return take_in(files, "Invented Notice v1", Wanted(**wanted), XSD)  # type: ignore[arg-type]


def refusal(files: Mapping[str, bytes] = FILES, **wanted: object) -> tuple[Finding, ...]:
    with pytest.raises(IepdRefused) as caught:
        taken(files, **wanted)
    return errors(caught.value.findings)


def codes(files: Mapping[str, bytes] = FILES, **wanted: object) -> set[str]:
    return {each.code for each in refusal(files, **wanted)}


def test_without_a_catalog_file_the_samples_tell_the_root() -> None:
    intake = taken()
    assert (intake.iepd.id, intake.iepd.root) == ("invented-notice-v1/1.0", f"{{{NOTICE}}}Notice")
    assert intake.draft is not None
    assert intake.iepd.catalog.fields == ()
    assert {name: bool(errors(found)) for name, found in intake.samples.items()} == {
        "smallest.xml": False,
        "wrong.xml": True,
    }
    assert [each.code for each in warnings(intake)] == ["fields.not-confirmed", "iepd.sample-not-valid"]


def test_documents_that_nothing_imports_are_loaded_too() -> None:
    proposed = {field.text: field.label for field in taken().iepd.catalog.proposed}
    assert proposed["n:Subject/c:RaceCode"] == "person.race"
    assert proposed["n:Subject/n:JuvenileIndicator"] == "juvenile.mark"


def test_a_catalog_file_is_a_hint() -> None:
    catalog = CATALOG.format(namespace=NOTICE).encode()
    intake = taken({name: data for name, data in FILES.items() if "sample" not in name} | {"iepd-catalog.xml": catalog})
    assert (intake.iepd.id, intake.iepd.root) == ("invented-notice/2.1", f"{{{NOTICE}}}Notice")
    stale = CATALOG.format(namespace="urn:gone").encode()
    assert taken({**FILES, "iepd-catalog.xml": stale}).iepd.root == f"{{{NOTICE}}}Notice"
    broken = taken({**FILES, "iepd-catalog.xml": b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>'})
    assert "iepd.catalog-not-readable" in [each.code for each in warnings(broken)]


def test_the_root_can_be_said_in_three_ways() -> None:
    for root in ("Notice", "n:Notice", f"{{{NOTICE}}}Notice"):
        intake = taken(root=root)
        assert (intake.iepd.root, intake.iepd.id) == (f"{{{NOTICE}}}Notice", "notice/1.0")


def test_a_root_that_is_not_there_or_not_clear_is_refused() -> None:
    assert codes(root="Notiz") == {"iepd.unknown-root"}
    assert codes(root="PersonRaceAbstract") == {"iepd.unknown-root"}
    bare = {name: data for name, data in FILES.items() if "sample" not in name}
    (finding,) = refusal(bare)
    assert finding.code == "iepd.no-root"
    assert "Notice" in finding.text
    assert "SubjectNumber" not in finding.text
    person = f'<nc:Person xmlns:nc="{CORE_XSD.partition("targetNamespace=")[2].split(chr(34))[1]}"/>'.encode()
    assert codes({**FILES, "iep-sample/person.xml": person}) == {"iepd.several-roots"}


def test_two_documents_for_one_namespace_are_named_and_one_can_be_left_out() -> None:
    two = {**FILES, "other/core.xsd": CORE_XSD.replace("PersonBirthDate", "PersonBornDate").encode()}
    findings = refusal(two)
    assert {each.code for each in findings} == {"schema.two-documents"}
    said = " ".join(f"{each.file} {each.text}" for each in findings)
    assert "other/core.xsd" in said
    assert "base xsd/core/core.xsd" in said
    assert "--without" in said
    assert taken(two, without=("other",)).iepd.digest == taken().iepd.digest
    assert codes(two, without=("nowhere",)) == {"iepd.no-such-file"}


def test_broken_sets_are_refused_with_the_place() -> None:
    broken = {**FILES, "base xsd/more.xsd": b"<xs:schema"}
    assert codes(broken) == {"schema.not-readable"}
    assert "--without" in refusal(broken)[0].text
    wrong = FILES["base xsd/notice.xsd"].replace(b'type="xs:dateTime"', b'type="xs:dateTme"')
    (finding,) = refusal({**FILES, "base xsd/notice.xsd": wrong})
    assert (finding.code, finding.file) == ("schema.unresolved", "base xsd/notice.xsd")
    assert codes({"readme.txt": b""}) == {"iepd.no-schema"}


def test_nothing_is_fetched_from_the_network() -> None:
    away = FILES["base xsd/notice.xsd"].replace(
        b'schemaLocation="core/core.xsd"', b'schemaLocation="http://x/core.xsd"'
    )
    assert taken({**FILES, "base xsd/notice.xsd": away}).iepd.root == f"{{{NOTICE}}}Notice"
    alone = {"notice.xsd": away, "smallest.xml": notice()}
    assert codes(alone) == {"schema.import-unresolved"}


def test_local_elements_without_a_namespace_stay_unclassified() -> None:
    local = FILES["base xsd/notice.xsd"].replace(
        b'<xs:element ref="n:VisitDays" minOccurs="0"/>', b'<xs:element name="Days" type="xs:string" minOccurs="0"/>'
    )
    intake = taken({**FILES, "base xsd/notice.xsd": local})
    assert "Days" in unclassified(intake.iepd)
    assert "Days" not in [field.text for field in intake.iepd.catalog.proposed]


def test_a_root_without_a_namespace_is_refused() -> None:
    bare = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="A" type="xs:string"/></xs:schema>'
    assert codes({"a.xsd": bare}, root="A") == {"iepd.no-namespace"}


def test_an_id_must_be_one() -> None:
    assert codes(id="Notice") == {"iepd.bad-id"}
    assert codes(id="x" * 120 + "/1.0") == {"iepd.bad-id"}
    assert taken(id="county-notice/3.2").iepd.id == "county-notice/3.2"


def test_a_reviewed_draft_makes_an_exchange() -> None:
    intake = taken()
    text = confirm(intake.iepd)
    assert text is not None
    again = taken({**FILES, "fields.yaml": text})
    assert again.draft is None
    assert again.iepd.digest == intake.iepd.digest
    assert again.iepd.catalog.named("person.name.person-name") is not None
    labels = {field.label for field in again.iepd.catalog.fields}
    assert UNCLASSIFIED not in labels
    assert {each.label for each in again.iepd.catalog.proposed} == {UNCLASSIFIED}
    assert [each.code for each in again.iepd.warnings] == []


def test_options_that_say_other_than_the_catalog_are_refused() -> None:
    ours = {**folder(), "samples/smallest.xml": notice()}
    assert taken(ours).iepd.id == "invented-notice/1.0"
    assert codes(ours, id="other/1.0") == {"iepd.option-conflict"}
    assert codes(ours, root="Person") == {"iepd.option-conflict"}


def test_an_exchange_laid_out_as_ours_is_what_loading_it_gives() -> None:
    files = {**folder(), "samples/smallest.xml": notice(), "samples/invalid/wrong.xml": notice("<n:Wrong/>")}
    intake = taken(files)
    assert intake.samples == {"smallest.xml": ()}
    assert (intake.iepd.edition, intake.iepd.files) == ((same := load(files, XSD)).edition, same.files)


def test_a_catalog_that_lacks_places_gets_proposals_for_them_and_keeps_the_rest() -> None:
    lines = [line for line in FIELDS_YAML.splitlines(keepends=True) if "person.born" not in line]
    intake = taken({**folder("".join(lines)), "samples/smallest.xml": notice()})
    draft = updated(intake)
    assert (draft.fields, draft.labels) == (1, {"person": 1})
    text = draft.text.decode()
    again = taken({**folder(text), "samples/smallest.xml": notice()})
    assert [each.label for each in again.iepd.catalog.proposed] == ["person.dob"]
    assert unclassified(again.iepd) == ("n:Subject/nc:PersonBirthDate",)
    assert [line for line in text.splitlines(keepends=True) if "confirmed: false" not in line] == lines


def test_names_and_titles_of_a_draft_are_for_people() -> None:
    fields = {field.text: field for field in taken().iepd.catalog.proposed}
    name = fields["n:Subject/nc:PersonName"]
    assert (name.name, name.label, name.title) == ("person.name.person-name", "person.name", "Subject, person name")
    assert fields["n:Subject/nc:PersonBirthDate"].title == "Subject, date of birth"
    assert len({field.name for field in fields.values()}) == len(fields)


# --- zips ---


def zipped(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def zip_code(data: bytes) -> str:
    with pytest.raises(IepdRefused) as caught:
        unzip(data)
    return caught.value.findings[0].code


def test_a_zip_is_read_with_the_folder_around_it_taken_off_and_clutter_left_out() -> None:
    data = zipped(
        *((f"Notice-1.0/{name}", data) for name, data in FILES.items()), ("__MACOSX/._a", b""), (".git/x", b"")
    )
    assert unwrap(unzip(data)) == FILES


def test_zips_that_mean_harm_are_refused() -> None:
    assert zip_code(zipped(("../evil.xsd", b""))) == "iepd.archive-name"
    assert zip_code(zipped(("/etc/evil.xsd", b""))) == "iepd.archive-name"
    assert zip_code(zipped(("a.xsd", b""), ("A.xsd", b""))) == "iepd.archive-name"
    assert zip_code(zipped(("bomb.xsd", bytes(SIZE_BYTES_MAX + 1)))) == "iepd.archive-too-large"
    assert zip_code(zipped(*((f"{number}.xsd", b"") for number in range(2_001)))) == "iepd.archive-too-large"
    assert zip_code(b"PK\x03\x04 no zip") == "iepd.archive-broken"
