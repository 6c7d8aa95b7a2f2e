"""All 27 real message specifications, NIEM 2.0 to 6.0: taken in as published, catalogs made, samples judged."""

import io
import zipfile
from pathlib import Path

import pytest

from gateway.document.parse import parse
from gateway.finding import errors
from gateway.folders import read_specification
from gateway.iepd.catalog import LEAVES_MAX
from gateway.iepd.checking import UNCLASSIFIED
from gateway.iepd.header import Header, read
from gateway.iepd.intake import Intake, Wanted, take_in
from gateway.iepd.label import stem_of
from gateway.iepd.package import archive, load_archive, unclassified
from gateway.iepd.refused import IepdRefused
from gateway.iepd.validate import validate

from .our_exchanges import shared
from .specifications import BROKEN, SAMPLES, cases, messages, specification, specifications

WITHOUT = {
    "crash-driver-6.0": ("message.xsd",),
    "ojbc-incident-search-results": ("IEPD/xsd/impl/vermont",),
    "ojbc-subscription-notification": ("Subscription_Document-IEPD", "Subscription_Response-IEPD"),
    "superhero-augmentation": ("base-xsd/extension/SuperHero-extension_B.xsd",),
}
"""Folders with two documents for one namespace, and what is left out so that one remains."""

ABSENT = [pytest.param("", marks=pytest.mark.skip("needs ../shared/niem/samples"))]
FOLDERS = [name for name in specifications() if "+" not in name]


def taken(name: str) -> Intake:
    case = cases()[name]
    wanted = Wanted(root=case.root, without=WITHOUT.get(name, ()))
    return take_in(read_specification(SAMPLES / case.folder), case.folder, wanted, {})


def test_every_folder_of_the_samples_gives_an_exchange_or_is_known_to_be_broken() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("needs ../shared/niem/samples")
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert len(folders) == 27
    assert {name.partition("+")[0] for name in specifications()} == folders - set(BROKEN)


@pytest.mark.parametrize("name", specifications() or ABSENT)
def test_an_exchange_classifies_every_place_and_its_messages_are_valid(name: str) -> None:
    iepd = specification(name)
    assert len(unclassified(iepd)) == sum(1 for leaf in iepd.leaves if leaf.cut)
    for path in messages(name):
        assert errors(validate(parse(path.read_bytes()), iepd)) == (), path.name


@pytest.mark.parametrize("name", FOLDERS or ABSENT)
def test_a_folder_as_published_gives_a_draft_with_every_place_and_judges_its_samples(name: str) -> None:
    case, intake = cases()[name], taken(name)
    iepd = intake.iepd
    assert iepd.root == case.root
    assert iepd.catalog.fields == ()
    proposed = {field.path: field for field in iepd.catalog.proposed}
    places = {leaf.path for leaf in iepd.leaves if not leaf.cut}
    assert proposed.keys() == places
    assert 0 < len(places) <= LEAVES_MAX
    for field in proposed.values():
        assert field.label == UNCLASSIFIED or stem_of(field.label), field
    expected = {Path(each).name: True for each in case.messages} | {Path(each).name: False for each in case.invalid}
    judged = {each: not errors(found) for each, found in intake.samples.items()}
    assert {each: judged[each] for each in expected} == expected


@pytest.mark.parametrize("name", FOLDERS or ABSENT)
def test_a_message_without_header_is_a_new_one(name: str) -> None:
    for path in messages(name)[:1]:
        assert read(parse(path.read_bytes()), specification(name)) == Header()


def test_what_was_taken_in_is_the_same_out_of_its_archive() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("needs ../shared/niem/samples")
    iepd = taken("fbi-nibrs-4.2").iepd
    again = load_archive(archive(iepd))
    assert (again.digest, again.edition, again.samples) == (iepd.digest, iepd.edition, iepd.samples)
    assert again.catalog.proposed == iepd.catalog.proposed


@pytest.mark.parametrize(("name", "code"), [("ojbc-prosecution-decision-reporting", "schema.ambiguous")])
def test_a_set_that_no_parser_takes_is_refused_with_the_place(name: str, code: str) -> None:
    with pytest.raises(IepdRefused) as caught:
        take_in(read_specification(shared("niem", "samples", name)), name, Wanted(), {})
    (finding,) = caught.value.findings
    assert (finding.code, finding.file, finding.line) == (code, "IEPD/xsd/ProsecutionDecisionReport_Ext.xsd", 37)


@pytest.mark.parametrize("name", WITHOUT)
def test_two_documents_for_one_namespace_are_both_named_with_the_way_out(name: str) -> None:
    with pytest.raises(IepdRefused) as caught:
        take_in(read_specification(shared("niem", "samples", name)), name, Wanted(), {})
    assert {each.code for each in caught.value.findings} == {"schema.two-documents"}
    for finding in caught.value.findings:
        assert finding.file
        assert ".xsd" in finding.text
        assert "--without" in finding.text


def test_a_specification_over_a_whole_release_has_a_catalog() -> None:
    """It comes without the schema documents of NIEM: with those of release 6.0 it has more places than can be named."""
    folder = shared("niem", "samples", "crash-driver-training-6.0")
    with zipfile.ZipFile(io.BytesIO(shared("niem", "releases", "6.0", "niem-6.0-xsd.zip").read_bytes())) as release:
        files = {name: release.read(name) for name in release.namelist() if name.endswith(".xsd")}
    files |= read_specification(folder)
    without = ("xsd/extension/CrashDriver-delete.xsd", "xsd/external/have", "xsd/adapters/niem-have.xsd")
    intake = take_in(files, folder.name, Wanted(without=without), {})
    assert intake.samples == {"CrashDriverSample.xml": ()}
    assert len(intake.iepd.leaves) <= LEAVES_MAX
    assert any(leaf.cut for leaf in intake.iepd.leaves)
    proposed = {"/".join(step.rpartition("}")[2] for step in field.path) for field in intake.iepd.catalog.proposed}
    assert any(path.endswith("DriverLicense/DriverLicenseCardIdentification/IdentificationID") for path in proposed)
