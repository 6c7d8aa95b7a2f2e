"""Signed notes agree with other people's, and refuse what is not signed by who is trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.note import (
    NoteKey,
    NoteKeyMalformed,
    NoteKeyUnknown,
    NoteMalformed,
    NoteSignatureWrong,
    read_note,
    sign_note,
    split_note,
)
from gateway.errors import Refused, Tampered
from tests.audit.memory_log import PretendSigner

# Source of key and note: documentation of golang.org/x/mod/sumdb/note.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_published_note_verifies_with_its_published_key() -> None:
    note = read_note(PUBLISHED_NOTE, [NoteKey.read(PUBLISHED_KEY)])
    assert note.text.endswith("what your problem is.\n")
    assert note.signers == ("PeterNeumann",)


def test_a_key_is_written_as_it_was_read() -> None:
    assert str(NoteKey.read(PUBLISHED_KEY + "\n")) == PUBLISHED_KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        PUBLISHED_KEY.replace("c74f20a3", "c74f20a4"),
        PUBLISHED_KEY.replace("PeterNeumann", "Peter Neumann"),
        PUBLISHED_KEY[:-4],
        PUBLISHED_KEY.replace("+ARpc", "+BRpc"),
        PUBLISHED_KEY + "!",
    ],
)
def test_a_mistyped_key_is_refused(text: str) -> None:
    with pytest.raises(NoteKeyMalformed):
        NoteKey.read(text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(lambda line: line + "\n"), st.booleans())
def test_what_was_signed_is_read_back(text: str, as_bytes: bool) -> None:
    signer = PretendSigner()
    note = sign_note(text, signer)
    assert read_note(note.encode() if as_bytes else note, [signer.key]).text == text


def test_text_with_empty_lines_is_read_back_whole() -> None:
    signer = PretendSigner()
    assert read_note(sign_note("one\n\ntwo\n", signer), [signer.key]).text == "one\n\ntwo\n"


def test_a_changed_text_is_tampering() -> None:
    with pytest.raises(NoteSignatureWrong) as refusal:
        read_note(PUBLISHED_NOTE.replace("answer", "cause"), [NoteKey.read(PUBLISHED_KEY)])
    assert isinstance(refusal.value, Tampered)


def test_a_key_of_the_same_name_is_another_key() -> None:
    forger = PretendSigner("PeterNeumann")
    with pytest.raises(NoteKeyUnknown):
        read_note(PUBLISHED_NOTE, [forger.key])


def test_a_countersignature_of_a_stranger_is_passed_over_and_of_a_known_witness_named() -> None:
    log, witness = PretendSigner(), PretendSigner("millbrook.example.gov/witness")
    text = "head\n"
    note = sign_note(text, log) + sign_note(text, witness).removeprefix("head\n\n")
    assert read_note(note, [log.key]).signers == (log.name,)
    assert read_note(note, [log.key, witness.key]).signers == (log.name, witness.name)


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    log, witness = PretendSigner(), PretendSigner("millbrook.example.gov/witness")
    note = sign_note("head\n", log) + sign_note("another\n", witness).removeprefix("another\n\n")
    with pytest.raises(NoteSignatureWrong):
        read_note(note, [log.key, witness.key])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name AAAA",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n— name\n",
        "text\n\n— name ????????\n",
        "text\n\n— name AAAA\n",
        "te\txt\n\n— name AAAAAAAA\n",
        "te\rxt\n\n— name AAAAAAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 65,
        "x" * 70_000 + "\n\n— name AAAAAAAA\n",
        b"\xff\n\n\xe2\x80\x94 name AAAAAAAA\n",
    ],
)
def test_what_is_not_a_signed_note_is_refused(note: str | bytes) -> None:
    with pytest.raises(NoteMalformed) as refusal:
        split_note(note)
    assert isinstance(refusal.value, Refused)


def test_a_signed_text_ends_in_a_newline() -> None:
    with pytest.raises(ValueError, match="newline"):
        sign_note("text", PretendSigner())


def test_a_key_has_a_usable_name() -> None:
    for name in ("", "with space", "with+plus", "with\u2003space"):
        with pytest.raises(ValueError, match="name"):
            NoteKey(name, b"k" * 32)
    with pytest.raises(ValueError, match="32 bytes"):
        NoteKey("name", b"k")
