"""A receipt says what was received, when, and which leaf of the log says so."""

from datetime import UTC, datetime

import pytest

from gateway.audit.note import NoteKeyUnknown, NoteMalformed, NoteSignatureWrong, sign_note
from gateway.audit.receipt import Receipt, make_receipt, read_receipt
from gateway.audit.tree import leaf_hash
from gateway.message import MessageId
from tests.audit.memory_log import JAIL, ORIGIN, PretendSigner

RECEIVED = datetime(2026, 3, 1, 8, 30, 15, 250_000, tzinfo=UTC)
RECEIPT = Receipt(
    origin=ORIGIN,
    message=MessageId("019ab1c2-0001-7000-8000-000000000001"),
    sender=JAIL,
    received_at=RECEIVED,
    digest="sha-256:" + "a" * 64,
    leaf_hash=leaf_hash(b"{}"),
)


def made(signer: PretendSigner) -> str:
    return make_receipt(
        signer,
        origin=RECEIPT.origin,
        message=RECEIPT.message,
        sender=RECEIPT.sender,
        received_at=RECEIPT.received_at,
        digest=RECEIPT.digest,
        leaf_hash=RECEIPT.leaf_hash,
    )


def test_a_receipt_is_read_back() -> None:
    signer = PretendSigner("gateway.example.gov/receipts")
    assert read_receipt(made(signer), [signer.key]) == RECEIPT
    assert read_receipt(made(signer).encode(), [signer.key]) == RECEIPT


def test_a_receipt_can_be_read_by_eye() -> None:
    assert made(PretendSigner()).startswith(
        "justice-gateway/receipt@v1\n"
        "origin gateway.example.gov/log\n"
        "message 019ab1c2-0001-7000-8000-000000000001\n"
        "sender harlan-county-jail\n"
        "received 2026-03-01T08:30:15.25Z\n"
    )


def test_a_receipt_for_another_time_under_the_same_signature_is_tampering() -> None:
    signer = PretendSigner()
    with pytest.raises(NoteSignatureWrong):
        read_receipt(made(signer).replace("08:30:15", "07:30:15"), [signer.key])


def test_a_receipt_signed_by_somebody_else_is_not_the_gateway_s() -> None:
    with pytest.raises(NoteKeyUnknown):
        read_receipt(made(PretendSigner("gateway.example.org/receipts")), [PretendSigner().key])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("receipt@v1", "receipt@v2"),
        ("sender ", "from "),
        ("leaf ", "leaf x"),
        ("received 2026", "received on 2026"),
        ("sender harlan-county-jail\n", ""),
        ("sender harlan-county-jail\n", "sender harlan-county-jail\nsender millbrook-police\n"),
    ],
)
def test_a_signed_text_that_is_no_receipt_is_refused(old: str, new: str) -> None:
    signer = PretendSigner()
    text = made(signer).partition("\n\n")[0] + "\n"
    with pytest.raises(NoteMalformed):
        read_receipt(sign_note(text.replace(old, new), signer), [signer.key])
