"""Tests for gateway/iepd/schema.py: compiling a set from memory, and refusing one that cannot be used."""

import csv
import threading
from pathlib import Path

import pytest
from lxml import etree

from gateway.document.parse import parse
from gateway.finding import Finding, Severity
from gateway.iepd.reference import References
from gateway.iepd.refused import IepdRefused
from gateway.iepd.schema import Schema, compile_set, digest_of

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "niem" / "samples"
XS = "http://www.w3.org/2001/XMLSchema"


def document(namespace: str, body: str = "", *, imports: str = "") -> bytes:
    target = f' targetNamespace="{namespace}" xmlns="{namespace}"' if namespace else ""
    return (
        f'<xs:schema xmlns:xs="{XS}"{target} xmlns:a="urn:a" xmlns:b="urn:b" elementFormDefault="qualified">\n'
        f"{imports}\n{body}\n</xs:schema>"
    ).encode()


def link(namespace: str, location: str = "") -> str:
    place = f' schemaLocation="{location}"' if location else ""
    return f'<xs:import namespace="{namespace}"{place}/>'


TEXT = '<xs:element name="t" type="xs:string"/>'
USES_B = (
    '<xs:element name="r"><xs:complexType><xs:sequence><xs:element ref="b:t"/></xs:sequence></xs:complexType>'
    "</xs:element>"
)


def findings(documents: dict[str, bytes], chosen: tuple[str, ...] | None = None) -> tuple[Finding, ...]:
    with pytest.raises(IepdRefused) as caught:
        compile_set(documents, chosen)
    return caught.value.findings


def codes(documents: dict[str, bytes], chosen: tuple[str, ...] | None = None) -> list[str]:
    return [finding.code for finding in findings(documents, chosen)]


def accepts(schema: Schema, data: bytes) -> bool:
    return schema.validator.validate(parse(data).root)


# --- what is found and how ---


def test_relative_locations_lead_from_document_to_document() -> None:
    documents = {
        "x/y/a.xsd": document("urn:a", USES_B, imports=link("urn:b", "../z/b.xsd")),
        "x/z/b.xsd": document("urn:b", TEXT),
        "x/z/unused.xsd": document("urn:b", TEXT.replace('"t"', '"other"')),
    }
    schema = compile_set(documents, ["x/y/a.xsd"])
    assert sorted(schema.documents) == ["x/y/a.xsd", "x/z/b.xsd"]
    assert accepts(schema, b'<r xmlns="urn:a"><t xmlns="urn:b">x</t></r>')


@pytest.mark.parametrize(
    "location",
    [
        "",
        "gone.xsd",
        "http://127.0.0.1:9/b.xsd",
        "file:///etc/hostname",
        "/etc/hostname",
        "../../../../b.xsd",
        "b%2exsd",
    ],
)
def test_a_namespace_of_the_set_is_found_whatever_the_location_says(location: str) -> None:
    documents = {"a.xsd": document("urn:a", USES_B, imports=link("urn:b", location)), "b.xsd": document("urn:b", TEXT)}
    assert accepts(compile_set(documents), b'<r xmlns="urn:a"><t xmlns="urn:b">x</t></r>')


def test_an_import_that_another_import_brings_in_later_is_found() -> None:
    uses_both = USES_B.replace("<xs:sequence>", '<xs:sequence><xs:element ref="c:t"/>').replace(
        "<xs:element name", '<xs:element xmlns:c="urn:c" name'
    )
    documents = {
        "a.xsd": document(
            "urn:a", uses_both, imports=link("urn:c", "wrong/place.xsd") + link("urn:b", "b.xsd")
        ).replace(b'xmlns:b="urn:b"', b'xmlns:b="urn:b" xmlns:c="urn:c"'),
        "b.xsd": document("urn:b", TEXT, imports=link("urn:c", "c.xsd")),
        "c.xsd": document("urn:c", TEXT),
    }
    assert sorted(compile_set(documents, ["a.xsd"]).documents) == ["a.xsd", "b.xsd", "c.xsd"]


def test_a_document_that_nothing_imports_takes_part() -> None:
    """Code tables come in by substitution group only."""
    head = '<xs:element name="t" type="xs:string" abstract="true"/>'
    member = '<xs:element name="m" type="xs:string" substitutionGroup="b:t"/>'
    documents = {
        "a.xsd": document("urn:a", USES_B, imports=link("urn:b", "b.xsd")),
        "b.xsd": document("urn:b", head),
        "c.xsd": document("urn:c", member, imports=link("urn:b", "b.xsd")),
    }
    message = b'<r xmlns="urn:a"><m xmlns="urn:c">x</m></r>'
    assert accepts(compile_set(documents, ["a.xsd", "c.xsd"]), message)
    assert not accepts(compile_set(documents, ["a.xsd"]), message)


def test_an_included_document_without_namespace_takes_its_includers() -> None:
    include = '<xs:include schemaLocation="part.xsd"/>'
    part = '<xs:element name="t" type="Own"/><xs:simpleType name="Own"><xs:restriction base="xs:date"/></xs:simpleType>'
    schema = compile_set({"a.xsd": document("urn:a", imports=include), "part.xsd": document("", part)}, ["a.xsd"])
    assert schema.components.elements["{urn:a}t"].type == "{urn:a}Own"
    assert accepts(schema, b'<t xmlns="urn:a">2026-01-31</t>')
    assert not accepts(schema, b'<t xmlns="urn:a">x</t>')


def test_the_disk_is_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.xsd").write_bytes(document("urn:b", TEXT))
    monkeypatch.chdir(tmp_path)
    for location in ("b.xsd", str(tmp_path / "b.xsd"), (tmp_path / "b.xsd").as_uri()):
        assert codes({"a.xsd": document("urn:a", USES_B, imports=link("urn:b", location))}) == [
            "schema.import-unresolved"
        ]


def test_an_import_that_is_never_used_may_lead_nowhere() -> None:
    compile_set({"a.xsd": document("urn:a", TEXT, imports=link("urn:b", "gone.xsd"))})


# --- what is refused ---


def test_two_documents_for_one_namespace_are_refused_by_name() -> None:
    documents = {"one.xsd": document("urn:a", TEXT), "two.xsd": document("urn:a", TEXT.replace('"t"', '"u"'))}
    (finding,) = findings(documents)
    assert finding.code == "schema.two-documents"
    assert {"one.xsd", "two.xsd"} == {finding.file, *finding.text.split()} & {"one.xsd", "two.xsd"}


def test_two_versions_of_a_document_reached_by_different_ways_are_refused() -> None:
    documents = {
        "a.xsd": document("urn:a", USES_B, imports=link("urn:b", "one/b.xsd")),
        "c.xsd": document("urn:c", TEXT, imports=link("urn:b", "two/b.xsd")),
        "one/b.xsd": document("urn:b", TEXT),
        "two/b.xsd": document("urn:b", TEXT + TEXT.replace('"t"', '"u"')),
    }
    assert codes(documents, ("a.xsd", "c.xsd")) == ["schema.two-documents"]
    compile_set({**documents, "two/b.xsd": documents["one/b.xsd"]}, ["a.xsd", "c.xsd"])


def test_an_ambiguous_content_model_is_refused_with_file_and_line() -> None:
    body = (
        '<xs:complexType\n name="T"><xs:sequence><xs:element name="x" minOccurs="0"/><xs:element name="x"/>'
        "</xs:sequence></xs:complexType>"
    )
    documents = {"a.xsd": document("urn:a", "<!-- three\nmore\nlines -->" + body)}
    (finding,) = findings(documents)
    # libxml2 gives a start tag the line it ends on.
    assert (finding.code, finding.file, finding.line) == ("schema.ambiguous", "a.xsd", 6)
    assert "name='T'" in finding.text


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<xs:schema", "schema.not-readable"),
        (b"", "schema.not-readable"),
        (b"<!DOCTYPE a><a/>", "schema.not-readable"),
        (b"<a/>", "schema.not-a-schema"),
        (document("urn:a", '<xs:element name="r" type="a:gone"/>'), "schema.unresolved"),
        (document("urn:a", TEXT + TEXT), "schema.defined-twice"),
        (document("urn:a", '<xs:element name="r" minOccurs="0"/>'), "schema.not-allowed"),
        (document("urn:a", "<xs:elemnt/>"), "schema.not-allowed"),
        (document("urn:a", imports='<xs:include schemaLocation="gone.xsd"/>'), "schema.include-unresolved"),
        (document("urn:a", USES_B, imports=link("urn:b", "gone.xsd")), "schema.import-unresolved"),
    ],
)
def test_a_broken_document_is_refused(data: bytes, code: str) -> None:
    found = findings({"a.xsd": data})
    assert found[0].code == code
    assert {finding.file for finding in found} == {"a.xsd"}


def test_an_import_of_another_namespace_than_the_document_has_is_refused() -> None:
    documents = {"a.xsd": document("urn:a", USES_B, imports=link("urn:b", "c.xsd")), "c.xsd": document("urn:c", TEXT)}
    assert "schema.wrong-namespace" in codes(documents, ("a.xsd",))


def test_a_document_that_is_not_there_is_named() -> None:
    (finding,) = findings({}, ("gone.xsd",))
    assert (finding.code, finding.file) == ("schema.missing-document", "gone.xsd")


def test_all_that_is_wrong_is_told_at_once() -> None:
    broken = {"a.xsd": b"<", "b.xsd": b"<a/>", "c.xsd": document("urn:c", TEXT), "d.xsd": document("urn:c")}
    assert sorted(codes(broken)) == ["schema.not-a-schema", "schema.not-readable", "schema.two-documents"]


# --- the digest, threads ---


def test_the_digest_is_of_names_and_bytes_in_any_order() -> None:
    one = {"a": b"1", "b": b"2"}
    assert digest_of(one) == digest_of(dict(reversed(one.items())))
    assert len({digest_of(one), digest_of({"a": b"2", "b": b"1"}), digest_of({"a": b"1"}), digest_of({})}) == 4


def test_each_thread_has_a_validator_of_its_own() -> None:
    schema = compile_set({"a.xsd": document("urn:a", TEXT)})
    others: list[object] = []
    thread = threading.Thread(target=lambda: others.append(schema.validator))
    thread.start()
    thread.join()
    assert schema.validator is schema.validator
    assert others[0] is not schema.validator


# --- real message specifications ---


def _cases() -> list[dict[str, str]]:
    file = SAMPLES / "cases.csv"
    if not file.exists():
        return []
    with file.open(newline="") as rows:
        return list(csv.DictReader(rows))


def test_every_published_message_gets_the_verdict_it_should() -> None:
    """NIEM 2.0 to 6.0: valid, invalid, or a set that does not compile; and no reference error on a valid one."""
    cases = [case for case in _cases() if case["case"] != "crash-driver-training-6.0"]
    if not cases:
        pytest.skip("needs ../shared/niem/samples")
    sets: dict[tuple[str, ...], tuple[Schema, References] | None] = {}
    wrong: list[str] = []
    for case in cases:
        name = f"{case['case']}/{case['instance']}"
        chosen = (case["root_schema"], *filter(None, map(str.strip, case["other_schemas_to_add"].split(";"))))
        key = (case["case"], *chosen)
        if key not in sets:
            sets[key] = _compiled(SAMPLES / case["case"], chosen)
        compiled = sets[key]
        if compiled is None:
            verdict = "schema-error"
        else:
            root = parse((SAMPLES / name).read_bytes()).root
            verdict = "valid" if compiled[0].validator.validate(root) else "invalid"
            if verdict == "valid":
                found = [each for _, each in compiled[1].findings(root) if each.severity is Severity.ERROR]
                wrong.extend(f"{name}: {each.code}" for each in found)
        if verdict != case["lxml"]:
            wrong.append(f"{name}: {verdict}, should be {case['lxml']}")
    assert wrong == []


def _compiled(folder: Path, chosen: tuple[str, ...]) -> tuple[Schema, References] | None:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.xsd") if path.is_file()}
    try:
        schema = compile_set({name: path.read_bytes() for name, path in files.items()}, chosen)
    except IepdRefused as error:
        if {finding.code for finding in error.findings} != {"schema.ambiguous"}:
            raise
        return None
    return schema, References(schema)


def test_two_extension_documents_for_one_namespace_are_refused_in_a_published_set() -> None:
    folder = SAMPLES / "superhero-augmentation"
    if not folder.exists():
        pytest.skip("needs ../shared/niem/samples")
    documents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.xsd")}
    assert "schema.two-documents" in codes(documents)


def test_the_driver_is_no_schema_that_a_message_could_name() -> None:
    schema = compile_set({"a.xsd": document("urn:a", TEXT)})
    tree = etree.fromstring(b'<t xmlns="urn:a" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">x</t>')
    tree.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "urn:a http://127.0.0.1:9/evil.xsd")
    assert schema.validator.validate(tree)
