"""Tests for gateway/document/names.py: qualified names, and NIEM's namespaces by pattern."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.names import NC_60, STRUCTURES_60, is_nc_name, join, niem_core_version, split, structures_version


@given(st.text("abc:/.#{", max_size=10), st.text("abc.-_", min_size=1, max_size=5))
def test_split_undoes_join(namespace: str, local: str) -> None:
    assert split(join(namespace, local)) == (namespace, local)


@pytest.mark.parametrize(
    ("namespace", "version"),
    [
        ("http://niem.gov/niem/structures/2.0", 2),
        ("http://release.niem.gov/niem/structures/3.0/", 3),
        ("http://release.niem.gov/niem/structures/4.0/", 4),
        ("http://release.niem.gov/niem/structures/5.0/", 5),
        (STRUCTURES_60, 6),
        ("https://docs.oasis-open.org/niemopen/ns/model/structures/7.0/", 7),
        (NC_60, None),
        ("http://example.org/structures/2.0", None),
        ("", None),
    ],
)
def test_structures_namespaces_of_all_versions_are_known(namespace: str, version: int | None) -> None:
    assert structures_version(namespace) == version


@pytest.mark.parametrize(
    ("namespace", "version"),
    [("http://niem.gov/niem/niem-core/2.0", 2), ("http://release.niem.gov/niem/niem-core/5.0/", 5), (NC_60, 6)],
)
def test_niem_core_namespaces_of_all_versions_are_known(namespace: str, version: int) -> None:
    assert niem_core_version(namespace) == version


def test_a_name_without_colon() -> None:
    assert is_nc_name("niem-xs")
    assert is_nc_name("_a.1")
    assert not any(map(is_nc_name, ("", "1a", "a:b", "a b", "-a")))
