"""An entry holds what its type may hold, in canonical form, and nothing else."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import AgencyId
from gateway.audit.catalog import ALWAYS, FORMS, ITEMS_MAX, KEYS, NUMBER_MAX, SHAPES, EntryType
from gateway.audit.entry import BODY_SIZE_BYTES_MAX, commit, make
from gateway.audit.tree import leaf_hash
from gateway.message import MessageId

NOW = datetime(2026, 3, 1, 8, 30, 15, 257_999, tzinfo=UTC)
ID = "019ab1c2-0001-7000-8000-000000000001"
OTHER_ID = "019ab1c2-0002-7000-8000-000000000002"
JAIL, POLICE = AgencyId("harlan-county-jail"), AgencyId("millbrook-police")


def dissemination(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "dissemination": OTHER_ID,
        "delivery": OTHER_ID,
        "sender": JAIL,
        "recipient": POLICE,
        "mou": "JAIL-PD-2026-01@2",
        "mou_digest": "sha-256:" + "a" * 64,
        "clauses": ("E1", "E1 share[2]"),
        "purpose": "release-notice",
        "shared": 31,
        "withheld": {"victim.name": 2, "medical.condition": 1},
        "reduced": {"person.birth": 1},
        "commit": "b" * 64,
    }
    return make(
        EntryType.DISSEMINATE, id=ID, at=NOW, parties=(JAIL, POLICE), message=MessageId(OTHER_ID), **(fields | changes)
    )


def test_the_body_is_canonical_json_and_the_leaf_hash_is_over_its_bytes() -> None:
    entry = dissemination()
    assert entry.body == rfc8785.dumps(json.loads(entry.body))
    assert entry.leaf_hash == leaf_hash(entry.body)
    assert json.loads(entry.body) == {
        "at": "2026-03-01T08:30:15.25Z",
        "clauses": ["E1", "E1 share[2]"],
        "commit": "b" * 64,
        "delivery": OTHER_ID,
        "dissemination": OTHER_ID,
        "id": ID,
        "message": OTHER_ID,
        "mou": "JAIL-PD-2026-01@2",
        "mou_digest": "sha-256:" + "a" * 64,
        "parties": ["harlan-county-jail", "millbrook-police"],
        "purpose": "release-notice",
        "recipient": "millbrook-police",
        "reduced": {"person.birth": 1},
        "sender": "harlan-county-jail",
        "shared": 31,
        "type": "disseminate",
        "withheld": {"medical.condition": 1, "victim.name": 2},
    }
    assert (entry.type, entry.parties, entry.message) == ("disseminate", (JAIL, POLICE), OTHER_ID)


LABELS = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True)


@given(counts=st.dictionaries(LABELS, st.integers(0, NUMBER_MAX), max_size=8), shared=st.integers(0, NUMBER_MAX))
def test_whatever_is_counted_the_body_is_what_another_canonicalizer_writes(counts: dict[str, int], shared: int) -> None:
    body = dissemination(withheld=counts, shared=shared).body
    assert body == rfc8785.dumps(json.loads(body))
    assert json.loads(body)["withheld"] == counts


@given(st.text())
def test_no_text_other_than_in_its_shape_gets_into_an_entry(text: str) -> None:
    for key in ("purpose", "mou", "commit", "sender", "dissemination"):
        try:
            body = dissemination(**{key: text}).body
        except ValueError:
            continue
        assert text.isascii()
        assert " " not in text
        assert body == rfc8785.dumps(json.loads(body))
        assert json.loads(body)[key] == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("purpose", "Released to his brother, Mr. Daniel Okafor"),
        ("purpose", "release\nnotice"),
        ("sender", "Harlan County Jail"),
        ("mou", "JAIL-PD-2026-01"),
        ("mou_digest", "a" * 64),
        ("commit", "B" * 64),
        ("clauses", ("E1 because the officer said so",)),
        ("clauses", "E1"),
        ("clauses", ("E1",) * (ITEMS_MAX + 1)),
        ("shared", -1),
        ("shared", True),
        ("shared", 1.0),
        ("shared", 2**53),
        ("withheld", {"Dana Whitfield": 1}),
        ("withheld", {"person.name": -1}),
        ("withheld", [("person.name", 1)]),
        ("delivery", "019ab1c2"),
        ("until", "2026-03-01"),
    ],
)
def test_a_value_out_of_shape_is_refused_and_not_repeated_in_the_error(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{key} of an entry of type disseminate") as refusal:
        dissemination(**{key: value})
    assert str(value) not in str(refusal.value)


def test_a_key_the_type_does_not_list_is_refused() -> None:
    with pytest.raises(ValueError, match="has no narrative"):
        dissemination(narrative="E1")
    with pytest.raises(ValueError, match="has no digest"):
        dissemination(digest="sha-256:" + "a" * 64)


def test_a_required_key_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="needs commit"):
        dissemination(commit=None)


def test_an_optional_key_given_as_none_is_left_out() -> None:
    assert dissemination(role=None).body == dissemination().body


def test_an_entry_has_a_largest_size() -> None:
    counts = {f"label-{number:03d}{'x' * 90}": 1 for number in range(ITEMS_MAX)}
    with pytest.raises(ValueError, match=f"at most {BODY_SIZE_BYTES_MAX} bytes"):
        dissemination(withheld=counts, reduced=counts)


def test_times_are_written_in_utc_with_hundredths() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=-5)))
    entry = make(EntryType.SIGN_IN, id=ID, at=east, actor="dispatch-desk")
    assert json.loads(entry.body)["at"] == "2026-03-01T08:30:15.25Z"


def test_every_type_has_its_keys_and_every_key_its_shape() -> None:
    assert set(KEYS) == set(EntryType)
    for form in FORMS.values():
        assert form.keys <= set(SHAPES)
        assert set(ALWAYS) <= form.keys
        assert [row[0] for row in form.rows] == sorted(form.keys)


def test_a_sender_s_own_id_and_a_payload_s_digest_are_keys_of_no_entry_about_a_message() -> None:
    assert "sender_id" not in SHAPES
    for about in (EntryType.RECEIVE, EntryType.REFUSE, EntryType.DISSEMINATE, EntryType.DELIVER):
        assert "digest" not in FORMS[about].keys


# --- commitment -------------------------------------------------------------------------------------------------


def test_a_commitment_changes_with_the_salt_the_sender_s_id_and_the_payload() -> None:
    made = {
        commit(b"s" * 32, "notice-1", b"<a/>"),
        commit(b"t" * 32, "notice-1", b"<a/>"),
        commit(b"s" * 32, "notice-2", b"<a/>"),
        commit(b"s" * 32, "notice-1", b"<b/>"),
        commit(b"s" * 32, "notice-", b"1<a/>"),
    }
    assert len(made) == 5


def test_a_commitment_is_the_hash_its_description_says() -> None:
    # echo -n 'justice-gateway/commit@v1' + 32 times 's' + 00000003 + 'n-1' + '<a/>' | sha256sum
    expected = "1235088f69a8da7a9a0748676e05fba63ace1240a28f429c4bab9d88d6947555"
    assert commit(b"s" * 32, "n-1", b"<a/>") == expected


def test_a_commitment_without_a_whole_salt_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commit(b"", "notice-1", b"<a/>")
