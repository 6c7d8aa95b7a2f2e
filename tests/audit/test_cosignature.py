"""Cosignatures are C2SP's, bind text and time, and stand beside the log's own signature."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from gateway.audit.cosignature import CosignerKey, cosign, read_cosignatures, with_lines
from gateway.audit.note import NoteKey, NoteKeyMalformed, NoteMalformed, NoteSignatureWrong, split_note
from tests.audit.memory_log import ORIGIN, PretendSigner

AT = datetime(2023, 3, 17, 9, 12, 27, tzinfo=UTC)
LOG = PretendSigner()
WITNESS = PretendSigner("witness.example.gov/w1")
KEY = CosignerKey(WITNESS.name, WITNESS.public_bytes)
HEAD = sign_checkpoint(Checkpoint(origin=ORIGIN, size=7, root=bytes(32)), LOG)


def test_the_example_of_the_specification_is_read() -> None:
    # c2sp.org/tlog-cosignature: the key id and the time are in the line; the keys are not published.
    line = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    signature = base64.b64decode(line)
    assert len(signature) == 4 + 8 + 64
    assert int.from_bytes(signature[4:12]) == 1679315147


def test_a_cosignature_is_verified_with_its_time_whatever_else_is_below_the_note() -> None:
    note = with_lines(HEAD, [cosign(HEAD, WITNESS, at=AT)])
    (found,) = read_cosignatures(note, [KEY])
    assert (found.cosigner, found.at) == (WITNESS.name, AT)
    assert read_checkpoint(note, [LOG.key], origin=ORIGIN).size == 7
    assert read_cosignatures(HEAD, [KEY]) == ()
    assert read_cosignatures(note, [CosignerKey("another.example.gov", LOG.public_bytes)]) == ()


def test_what_is_signed_is_the_text_of_the_specification() -> None:
    text, signatures = split_note(with_lines(HEAD, [cosign(HEAD, WITNESS, at=AT)]))
    signature = signatures[1][1]
    message = f"cosignature/v1\ntime {int(AT.timestamp())}\n{text}".encode()
    Ed25519PublicKey.from_public_bytes(WITNESS.public_bytes).verify(signature[12:], message)


def test_a_cosignature_of_another_head_or_with_another_time_is_wrong() -> None:
    line = cosign(HEAD, WITNESS, at=AT)
    other = sign_checkpoint(Checkpoint(origin=ORIGIN, size=8, root=bytes(32)), LOG)
    with pytest.raises(NoteSignatureWrong):
        read_cosignatures(with_lines(other, [line]), [KEY])
    name, encoded = line.removeprefix("— ").split()
    signature = bytearray(base64.b64decode(encoded))
    signature[11] ^= 1
    with pytest.raises(NoteSignatureWrong):
        read_cosignatures(with_lines(HEAD, [f"— {name} {base64.b64encode(signature).decode()}\n"]), [KEY])


def test_a_line_that_is_cut_short_is_no_cosignature() -> None:
    name, encoded = cosign(HEAD, WITNESS, at=AT).removeprefix("— ").split()
    short = base64.b64encode(base64.b64decode(encoded)[:-1]).decode()
    with pytest.raises(NoteMalformed):
        read_cosignatures(with_lines(HEAD, [f"— {name} {short}\n"]), [KEY])


def test_a_key_of_a_log_is_not_taken_for_one_of_a_cosigner() -> None:
    assert CosignerKey.read(str(KEY)) == KEY
    assert KEY.id != NoteKey(WITNESS.name, WITNESS.public_bytes).id
    for key, read in ((LOG.key, CosignerKey.read), (KEY, NoteKey.read)):
        with pytest.raises(NoteKeyMalformed):
            read(str(key))


def test_a_line_is_not_put_below_a_note_twice() -> None:
    line = cosign(HEAD, WITNESS, at=AT)
    once = with_lines(HEAD, [line])
    assert with_lines(once.encode(), [line, line]) == once
