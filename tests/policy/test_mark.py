"""Which attributes are handling marks."""

import pytest

from gateway.policy.mark import ISM, NTK, Mark, mark_in, mark_of
from gateway.policy.mou import How, Transform
from gateway.policy.transform import misfit
from tests.policy.test_transform import field

CUI = "https://docs.oasis-open.org/niemopen/ns/model/auxiliary/cui/6.0/"


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        (f"{{{ISM}}}classification", Mark.HANDLING),
        (f"{{{NTK}}}access", Mark.HANDLING),
        (f"{{{CUI}}}anything", Mark.HANDLING),
        ("{http://release.niem.gov/niem/auxiliary/cui/5.1/}marking", Mark.HANDLING),
        (f"{{{ISM}}}classifiedBy", Mark.CLERICAL),
        (f"{{{ISM}}}notKnownYet", Mark.UNKNOWN),
        ("{urn:x}classification", Mark.NONE),
        ("classification", Mark.NONE),
    ],
)
def test_a_mark_is_known_by_its_namespace_and_name(name: str, mark: Mark) -> None:
    assert mark_of(name) is mark


@pytest.mark.parametrize(
    ("local", "value"),
    [
        ("classification", "U"),
        ("classification", " TS\n"),
        ("ownerProducer", "USA GBR NATO AX2"),
        ("SCIcontrols", "HCS SI-G-ABCD TK"),
        ("atomicEnergyMarkings", "RD-CNWDI FRD-SG-14"),
        ("disseminationControls", "OC NF"),
        ("nonICmarkings", "LES-NF SSI"),
        ("declassDate", "2051-03-17"),
        ("declassException", "25X1-EO-12951"),
        ("resourceElement", "true"),
        ("compliesWith", "USGov DoD5230.24"),
        ("noticeType", "DoD-Dist-B"),
        ("DESVersion", "201609.201707"),
        ("cuiBasic", "PRVCY LEI"),
    ],
)
def test_a_mark_is_made_of_codes(local: str, value: str) -> None:
    assert mark_in(f"{{{ISM}}}{local}", value) is Mark.HANDLING


@pytest.mark.parametrize(
    "name",
    [
        *(
            f"{{{ISM}}}{local}"
            for local in (
                "classification",
                "ownerProducer",
                "SARIdentifier",
                "disseminationControls",
                "declassDate",
                "DESVersion",
                "noticeType",
                "unregisteredNoticeType",
                "cuiBasic",
            )
        ),
        f"{{{NTK}}}access",
    ],
)
@pytest.mark.parametrize("value", ["Odessa Fairbrook 2210 Alder", "FAIRBROOK", "odessa-fairbrook", ""])
def test_a_mark_with_anything_but_codes_is_none_that_is_known(name: str, value: str) -> None:
    assert mark_in(name, value) is Mark.UNKNOWN


@pytest.mark.parametrize("local", ["declassEvent", "cuiDecontrolEvent", "cuiControlledBy", "classifiedBy"])
def test_free_text_without_which_nothing_looks_more_open_is_left_out(local: str) -> None:
    assert mark_in(f"{{{ISM}}}{local}", "when the trial ends") is Mark.CLERICAL


def test_a_mark_of_controlled_unclassified_information_that_no_catalog_has_is_unknown() -> None:
    assert mark_in(f"{{{CUI}}}anything", "PRVCY") is Mark.UNKNOWN


def test_a_mark_is_not_reduced() -> None:
    mark = field(last=f"@{{{ISM}}}classification")
    assert "mark" in misfit(Transform(what="a", how=How.MASK, keep_last=1), mark)
    assert misfit(Transform(what="a", how=How.REMOVE), mark) == ""
