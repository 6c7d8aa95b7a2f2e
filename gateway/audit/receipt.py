"""Receipts: a signed note that a message was taken in, and which leaf of the log says so.

The leaf must be in the log within ten seconds; a receipt whose leaf never appears is evidence against the gateway.

    justice-gateway/receipt@v1
    origin gateway.example.gov/log
    message 019ab1c2-…
    sender harlan-county-jail
    received 2026-01-31T08:15:00.25Z
    digest sha-256:…
    leaf 3f0c…

    — gateway.example.gov/receipts …
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.agency import AgencyId
from gateway.audit.note import NoteKey, NoteMalformed, NoteSigner, read_note, sign_note
from gateway.clock import timestamp
from gateway.message import MessageId

FORM = "justice-gateway/receipt@v1"
KEYS = ("origin", "message", "sender", "received", "digest", "leaf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receipt says.

    origin       name of the log, as in its checkpoints
    received_at  in hundredths of a second
    digest       SHA-256 of the payload as received
    leaf_hash    32 bytes, of the entry that records the receipt
    """

    origin: str
    message: MessageId
    sender: AgencyId
    received_at: datetime
    digest: str
    leaf_hash: bytes


def make_receipt(
    signer: NoteSigner,
    *,
    origin: str,
    message: MessageId,
    sender: AgencyId,
    received_at: datetime,
    digest: str,
    leaf_hash: bytes,
) -> str:
    """The signed receipt, as it is stored and answered."""
    text = (
        f"{FORM}\norigin {origin}\nmessage {message}\nsender {sender}\nreceived {timestamp(received_at)}\n"
        f"digest {digest}\nleaf {leaf_hash.hex()}\n"
    )
    return sign_note(text, signer)


def read_receipt(note: str | bytes, keys: Iterable[NoteKey]) -> Receipt:
    """The verified receipt. Raises what `read_note` raises."""
    lines = read_note(note, keys).text.splitlines()
    values = dict(line.split(" ", 1) for line in lines[1:] if " " in line)
    if lines[0] != FORM or tuple(values) != KEYS or len(lines) != len(KEYS) + 1:
        raise NoteMalformed("the note is not a receipt")
    try:
        received_at = datetime.strptime(values["received"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        leaf_hash = bytes.fromhex(values["leaf"])
    except ValueError as error:
        raise NoteMalformed("the receipt's time or leaf hash cannot be read") from error
    return Receipt(
        origin=values["origin"],
        message=MessageId(values["message"]),
        sender=AgencyId(values["sender"]),
        received_at=received_at,
        digest=values["digest"],
        leaf_hash=leaf_hash,
    )
