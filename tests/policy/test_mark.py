"""Which attributes are handling marks."""

import pytest

from gateway.policy.mark import ISM, NTK, Mark, mark_of
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


def test_a_mark_is_not_reduced() -> None:
    mark = field(last=f"@{{{ISM}}}classification")
    assert "mark" in misfit(Transform(what="a", how=How.MASK, keep_last=1), mark)
    assert misfit(Transform(what="a", how=How.REMOVE), mark) == ""
