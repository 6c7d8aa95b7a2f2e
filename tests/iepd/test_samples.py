"""The samples of our exchanges: valid to both schema libraries, and the invalid ones not."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from gateway.document.parse import parse
from gateway.iepd.validate import validate

from .our_exchanges import (
    NAMES,
    ROOT,
    STRUCTURES,
    component_model,
    documents,
    exchange,
    fields,
    folder,
    invalid_samples,
    libxml2_schema,
    qualified,
    samples,
)

CATALOG = "{http://reference.niem.gov/niem/resource/iepd/catalog/5.0/}"
NC = "{https://docs.oasis-open.org/niemopen/ns/model/niem-core/6.0/}"
EC = "{https://gateway.example/ns/exchange-common/1.0/}"
EVERY = [(name, path) for name in NAMES for path in samples(name)]
INVALID = [(name, path) for name in NAMES for path in invalid_samples(name)]
PNG = b"\x89PNG\r\n\x1a\n"


def _ids(case: object) -> str:
    return case.stem if isinstance(case, Path) else str(case)


def _dangling(root: etree._Element) -> list[str]:
    """References that point at nothing: a ref, or a uri that begins with "#"."""
    names = {each.get(f"{{{STRUCTURES}}}id") for each in root.iter("{*}*")}
    pointed = [str(each.get(f"{{{STRUCTURES}}}ref") or "") for each in root.iter("{*}*")]
    uris = [str(each.get(f"{{{STRUCTURES}}}uri") or "") for each in root.iter("{*}*")]
    pointed += [uri[1:] for uri in uris if uri.startswith("#")]
    return [each for each in pointed if each and each not in names]


@pytest.mark.parametrize(("name", "path"), EVERY, ids=_ids)
def test_a_sample_is_valid_to_libxml2(name: str, path: Path) -> None:
    schema = libxml2_schema(name)
    assert schema.validate(etree.parse(path)), list(schema.error_log)


@pytest.mark.parametrize(("name", "path"), EVERY, ids=_ids)
def test_a_sample_is_valid_to_xmlschema(name: str, path: Path) -> None:
    assert [str(error.reason) for error in component_model(name).iter_errors(str(path))] == []


@pytest.mark.parametrize(("name", "path"), EVERY, ids=_ids)
def test_the_gateway_finds_nothing_wrong_with_a_sample(name: str, path: Path) -> None:
    assert validate(parse(path.read_bytes()), exchange(name)) == ()


@pytest.mark.parametrize(("name", "path"), INVALID, ids=_ids)
def test_the_gateway_finds_the_dangling_reference_of_an_invalid_sample(name: str, path: Path) -> None:
    codes = {finding.code.partition(".")[0] for finding in validate(parse(path.read_bytes()), exchange(name))}
    assert codes == ({"reference"} if path.stem == "dangling-ref" else {"schema", "reference"})


@pytest.mark.parametrize(("name", "path"), EVERY, ids=_ids)
def test_a_sample_without_the_fields_of_any_one_label_is_still_valid(name: str, path: Path) -> None:
    schema, iepd = libxml2_schema(name), exchange(name)
    for label in set(iepd.catalog.labels()) - {"message.head"}:
        root = etree.parse(path).getroot()
        for field in iepd.catalog.select(label):
            for leaf in root.findall("/".join(field.path)):
                parent = leaf.getparent()
                assert parent is not None
                parent.remove(leaf)
        assert schema.validate(root), (label, list(schema.error_log))


@pytest.mark.parametrize(("name", "path"), EVERY, ids=_ids)
def test_a_sample_has_the_pinned_root_and_no_dangling_reference(name: str, path: Path) -> None:
    root = etree.parse(path).getroot()
    assert root.tag == qualified(name, fields(name)["root"])
    assert _dangling(root) == []


@pytest.mark.parametrize(("name", "path"), INVALID, ids=_ids)
def test_an_invalid_sample_is_invalid_and_has_a_dangling_reference(name: str, path: Path) -> None:
    assert list(component_model(name).iter_errors(str(path))) != []
    assert _dangling(etree.parse(path).getroot()) == ["nobody"]
    assert libxml2_schema(name).validate(etree.parse(path)) is (path.stem == "dangling-ref")


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_tell_what_the_gateway_must_handle(name: str) -> None:
    stems = " ".join(path.stem for path in samples(name))
    wanted = [
        "smallest", "fullest", "juvenile", "protected-victim", "household-members", "persons-linked-by-uri",
        "with-photo", "cancellation", "correction",
    ]  # fmt: skip
    assert [word for word in wanted if word not in stems] == []
    assert {path.stem for path in invalid_samples(name)} == {"schema-error-and-dangling-ref", "dangling-ref"}


@pytest.mark.parametrize("name", NAMES)
def test_corrections_and_cancellations_name_the_earlier_message(name: str) -> None:
    actions = set()
    for path in samples(name):
        root = etree.parse(path).getroot()
        action = root.findtext(f"{EC}MessageActionCode")
        actions.add(action)
        assert (root.find(f"{EC}MessageEarlierID") is not None) is (action != "new"), path.stem
        assert (root.find(f"{EC}MessageReasonText") is not None) is (action != "new"), path.stem
    assert {"new", "correct", "cancel"} <= actions


@pytest.mark.parametrize("name", NAMES)
def test_the_photo_is_a_real_picture(name: str) -> None:
    root = etree.parse(folder(name) / "samples" / "with-photo.xml").getroot()
    pictures = [base64.b64decode(str(each.text), validate=True) for each in root.iter(f"{NC}Base64BinaryObject")]
    assert pictures
    assert all(each.startswith(PNG) and each.endswith(b"IEND\xaeB`\x82") for each in pictures)


@pytest.mark.parametrize("name", NAMES)
def test_one_person_goes_through_all_three_exchanges(name: str) -> None:
    root = etree.parse(folder(name) / "samples" / "fullest.xml").getroot()
    own = fields(name)["namespaces"][fields(name)["root"].partition(":")[0]]
    surnames = [each.findtext(f"{NC}PersonName/{NC}PersonSurName") for each in root.iter(f"{{{own}}}Subject")]
    assert "Tansley" in surnames


@pytest.mark.parametrize("name", NAMES)
def test_the_fullest_sample_has_the_size_the_benchmark_counts_with(name: str) -> None:
    assert 6_000 < (folder(name) / "samples" / "fullest.xml").stat().st_size < 10_000


@pytest.mark.parametrize("name", NAMES)
def test_samples_name_only_invented_numbers_and_addresses(name: str) -> None:
    for path in samples(name):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b\d{3}-\d{2}-\d{4}\b", text), "looks like a social security number"
        assert all(phone.startswith("+1-555-010-") for phone in re.findall(r">(\+[\d-]+)<", text))
        assert all(mail.endswith(".example") for mail in re.findall(r"[\w.]+@[\w.]+", text))


def _listed(name: str, tag: str) -> Iterator[Path]:
    catalog = etree.parse(folder(name) / "iepd-catalog.xml").getroot()
    for each in catalog.iter(f"{CATALOG}{tag}"):
        yield (folder(name) / str(each.get(f"{CATALOG}pathURI"))).resolve()


@pytest.mark.parametrize("name", NAMES)
def test_the_catalog_lists_what_is_there(name: str) -> None:
    catalog = etree.parse(folder(name) / "iepd-catalog.xml")
    assert catalog.docinfo.doctype == ""
    assert (
        f"{catalog.getroot().get(f'{CATALOG}iepdName')}/{catalog.getroot().get(f'{CATALOG}iepdVersionID')}"
        == (fields(name)["exchange"])
    )
    element = catalog.getroot().find(f".//{CATALOG}HasDocumentElement")
    assert element is not None
    assert element.get(f"{CATALOG}qualifiedNameList") == fields(name)["root"]
    assert set(_listed(name, "IEPSampleXMLDocument")) == set(samples(name))
    listed = {*_listed(name, "ExtensionSchemaDocument"), *_listed(name, "SubsetSchemaDocument")}
    assert listed == set(documents(name))
    assert all(path.exists() for path in _listed(name, "ReadMe"))


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_sample(name: str) -> None:
    text = (folder(name) / "README.md").read_text(encoding="utf-8")
    unnamed = [path.stem for path in [*samples(name), *invalid_samples(name)] if f"`{path.stem}`" not in text]
    assert unnamed == []


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_location_leads_to_the_document_of_its_namespace(name: str) -> None:
    for path in documents(name):
        for each in etree.parse(path).getroot().iter("{http://www.w3.org/2001/XMLSchema}import"):
            target = (path.parent / str(each.get("schemaLocation"))).resolve()
            assert target.is_relative_to(ROOT)
            assert etree.parse(target).getroot().get("targetNamespace") == each.get("namespace")
