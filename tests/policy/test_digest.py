"""The digest of an agreement."""

import json
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.source import read_source
from gateway.policy.digest import canonical, content, digest
from tests.policy.examples import agreement_files, agreements

values = st.recursive(
    st.text() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_canonical_json_is_that_of_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_the_digest_is_over_the_canonical_json_without_the_approvals() -> None:
    for file, data in agreement_files().items():
        root, _ = read_source(data, file)
        assert root is not None
        plain = json.loads(json.dumps(content(root)))
        assert "approvals" not in plain
        assert digest(data) == f"sha-256:{sha256(rfc8785.dumps(plain)).hexdigest()}"


def test_layout_comments_and_approvals_do_not_change_it_and_a_word_does() -> None:
    data = agreement_files()["PD-JAIL-2026-05.yaml"]
    approval = b"approvals: [{party: millbrook-police, by: A. Moss, role: chief, at: 2026-01-02}]\n"
    assert digest(b"# another comment\n" + data + approval) == digest(data)
    assert digest(data.replace(b"kind: letter", b"kind:   'letter'")) == digest(data)
    assert digest(data.replace(b"90 days", b"91 days")) != digest(data)


def test_a_mou_carries_the_digest_of_its_file() -> None:
    for file, data in agreement_files().items():
        assert agreements()[file.removesuffix(".yaml")].digest == digest(data)


def test_a_file_that_cannot_be_read_has_no_digest() -> None:
    with pytest.raises(ValueError, match="can be read"):
        digest(b"a: 1\na: 2\n")
