"""Check a receipt: is the entry it promises in the signed log, as it must be within ten seconds?

A receipt is signed before the log is, so a receipt whose leaf never appears proves something against the gateway:
that it took a message in and its log does not say so. This says which it is, and what exactly is proven.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.audit.note import NoteKeyUnknown
from gateway.audit.receipt import Receipt, read_receipt
from gateway.clock import timestamp
from gateway.errors import GatewayError, Refused, Tampered
from gateway.exchange.evidence import EntryNotInTree, evidence_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.trouble import shout
from gateway.keys.receipt_key import ReceiptKey

PROMISED: Final = timedelta(seconds=10)
"""Within this time after it was given, a receipt's entry is under a signed head."""


class ReceiptNotTheirs(Refused):
    """The receipt was given to somebody else."""

    code = "receipt.unknown"


class ReceiptKeyRetired(Tampered):
    """A receipt by a key that had given way to the next one when the receipt says it was given."""

    code = "receipt.key-retired"


class ReceiptUnkept(Tampered):
    """A receipt that our key has signed promises an entry that the log does not have."""

    code = "audit.receipt-unkept"


class Kept(StrEnum):
    """How a receipt stands."""

    KEPT = "kept"  # its entry is in the signed log
    WAITING = "waiting"  # its ten seconds are not over
    LATE = "late"  # they are, and the entry is written but not in the signed log yet
    UNKEPT = "unkept"  # they are, and there is no such entry: evidence against the gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A receipt with a good signature, and what is proven.

    index     of the entry in the log; None when it is not there
    size      of the newest signed head
    evidence  proof of the entry, for outsiders; "" when there is none
    proven    sentences, each of which an outsider can check with the receipt, the head and the two keys
    """

    receipt: Receipt
    kept: Kept
    index: int | None
    size: int
    evidence: str
    checkpoint: bytes
    proven: tuple[str, ...]


async def check_receipt(gateway: Gateway, note: str | bytes, *, of: AgencyId | None = None) -> Checked:
    """How a receipt of this gateway stands. One that is not kept is said aloud.

    of  who may ask: only about what was given to them; None = the operator

    Raises what `read_receipt` raises when our key did not sign it, `ReceiptNotTheirs`.
    """
    receipt = read_ours(note, gateway.keys.receipt_keys.every())
    if of is not None and receipt.sender != of:
        raise ReceiptNotTheirs("this receipt was not given to you")
    stored = await gateway.store.entry_by_leaf(receipt.leaf_hash)
    evidence, broken = "", ""
    if stored is not None:
        try:
            evidence = await evidence_of(gateway.store, stored.entry.id)
        except EntryNotInTree:
            pass
        except GatewayError as error:  # the tree as stored does not lead from the entry to the signed head
            broken = error.code
    checkpoint = await gateway.store.checkpoint() or b""
    size = unverified_checkpoint(checkpoint).size if checkpoint else 0
    over = gateway.clock.now() - receipt.received_at > PROMISED
    lost = broken or (over and stored is None)
    kept = Kept.KEPT if evidence else Kept.UNKEPT if lost else Kept.LATE if over else Kept.WAITING
    if kept is Kept.UNKEPT:
        await shout(gateway, ReceiptUnkept.code, size=size)
    return Checked(
        receipt=receipt,
        kept=kept,
        index=stored.index if stored is not None else None,
        size=size,
        evidence=evidence,
        checkpoint=checkpoint,
        proven=proven(receipt, kept, size),
    )


def read_ours(note: str | bytes, keys: Sequence[ReceiptKey]) -> Receipt:
    """The receipt, signed by a key that was in use when it was given.

    Raises what `read_receipt` raises, and `ReceiptKeyRetired`: whoever stole an old key signs what they like.
    """
    receipt = read_receipt(note, [each.key for each in keys])
    counting = [each.key for each in keys if each.until is None or receipt.received_at <= each.until + PROMISED]
    try:
        return read_receipt(note, counting)
    except NoteKeyUnknown as error:
        raise ReceiptKeyRetired("the key that signed this receipt signed nothing any more when it was given") from error


def proven(receipt: Receipt, kept: Kept, size: int) -> tuple[str, ...]:
    """What an outsider may say, in sentences."""
    taken = (
        f"The gateway {receipt.origin} took message {receipt.message} in from {receipt.sender} at "
        f"{timestamp(receipt.received_at)}, with the digest {receipt.digest}: its receipt key has signed that."
    )
    leaf, seconds = receipt.leaf_hash.hex(), PROMISED.seconds
    promise = f"It promised that leaf {leaf} would be in its signed log within {seconds} seconds."
    in_log = f"It is there: the evidence file proves it under the head that the gateway signed over {size} entries."
    waiting = "That time is not over yet. Ask again."
    late = (
        f"That time is over. The entry is written, and not under the head signed over {size} entries: the gateway is "
        "late. Ask again; if it never gets there, the receipt is evidence against the gateway."
    )
    missing = (
        f"That time is over, and the gateway cannot prove that the leaf is in the log it signed over {size} entries. "
        "The hash tiles, which anybody may read, show whether it is there: they lead to the signed head."
    )
    against = (
        "So either the gateway did not record a message it took in, or its log was altered afterwards. Keep the "
        "receipt: it is evidence against the gateway."
    )
    rest = {
        Kept.KEPT: (in_log,),
        Kept.WAITING: (waiting,),
        Kept.LATE: (late,),
        Kept.UNKEPT: (missing, against),
    }
    return (taken, promise, *rest[kept])
