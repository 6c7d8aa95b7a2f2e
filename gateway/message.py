"""Message, Dissemination, Receipt: what is exchanged.

Values only. Digests are texts "sha-256:<64 hex digits>"; ids of our own are UUIDv7 texts, so that they
sort by time and index well; ids of senders are theirs and stay within (sender, id).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, NewType

from gateway.agency import AgencyId

MessageId = NewType("MessageId", str)
DisseminationId = NewType("DisseminationId", str)
DeliveryId = NewType("DeliveryId", str)

SENDER_ID_LENGTH_MAX = 255
"""An Idempotency-Key or wsa:MessageID; printable ASCII without spaces."""


class Action(StrEnum):
    """What a message does to the one before it."""

    NEW = "new"
    UPDATE = "update"  # later facts on the same matter; the earlier ones were right when sent
    CORRECT = "correct"  # the earlier message was wrong: replace it
    CANCEL = "cancel"  # the earlier message is withdrawn


REACHES_PAST_RECIPIENTS = frozenset({Action.CORRECT, Action.CANCEL})
"""These go to everyone who got the earlier message, ahead of the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One accepted information exchange package, without its content.

    sender_id   the sender's own id for it (Idempotency-Key = wsa:MessageID)
    first       our id of the first message of its chain; its own id when it opens one
    earlier     our id of the message that `action` speaks of
    as_of       when the content was true, as the sender says
    digest      SHA-256 of the payload as received
    """

    id: MessageId
    sender: AgencyId
    sender_id: str
    exchange: str
    action: Action
    first: MessageId
    received_at: datetime
    digest: str
    earlier: MessageId | None = None
    as_of: datetime | None = None


class Redaction(NamedTuple):
    """One place withheld or reduced, and why. Holds the place, never the value.

    A tuple, since a message has dozens of them: made in a fifth of the time, and written as a JSON list as it is.

    path     absolute XPath, by position, in the message as received
    field    name in the field catalog; label is its label
    outcome  "withheld", or the name of the transform that reduced it; "strip-metadata" of an image
    clause   MOU clause that decided, "default" when no clause lists the field, "closure" when its target was cut
    """

    path: str
    field: str
    label: str
    outcome: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissemination:
    """What one recipient gets of one message, without the payload and Cover themselves."""

    id: DisseminationId
    message: MessageId
    recipient: AgencyId
    mou: str
    mou_version: int
    mou_digest: str
    clauses: tuple[str, ...]
    purpose: str
    shared: int
    redactions: tuple[Redaction, ...]
    payload_digest: str

    @property
    def reduced(self) -> int:
        """How many places were let through in a lesser form."""
        return sum(1 for redaction in self.redactions if redaction.outcome != "withheld")

    @property
    def withheld(self) -> int:
        """How many places were taken out."""
        return len(self.redactions) - self.reduced


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An encrypted payload and where its key grows.

    bucket      name of the bucket whose secret the key is derived from, "2027-W05"
    index       40-bit random address of the key in the bucket's tree
    nonce       96-bit AES-GCM nonce
    ciphertext  with the 16-byte tag at its end
    """

    bucket: str
    index: int
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """One row of the disclosure index: what it says, encrypted, and by what it is found.

    generation  name of the key file it was made under, "2026-Q4.1"
    index       40-bit address of its person's key in that file's tree
    tokens      by what it is found: 64-bit numbers, signed, that nobody makes again without that file
    """

    generation: str
    index: int
    nonce: bytes
    tokens: tuple[int, ...]
    ciphertext: bytes


def bucket_name(due: datetime) -> str:
    """The bucket of payloads that are due at this moment: its ISO week in UTC, "2027-W05"."""
    year, week, _ = due.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02d}"


_VARIANT = "89ab"


def uuid7(now: datetime, entropy: bytes, *, after: str = "") -> str:
    """A UUIDv7 text of this moment (milliseconds) and ten random bytes.

    after  another one, which it sorts after: when that is of this moment or a later one - two in one millisecond, or
           another node's clock is ahead -, the moment is the millisecond that follows

    Source: RFC 9562, section 5.7; of clocks that step back, section 6.2.
    """
    if len(entropy) != 10:
        raise ValueError("a UUIDv7 takes ten random bytes")
    moment = int(now.timestamp() * 1000)
    if after:
        moment = max(moment, int(after[:8] + after[9:13], 16) + 1)
    time, chance = f"{moment:012x}", entropy.hex()
    # Version 7, then the variant 10 in binary and two bits of chance.
    return f"{time[:8]}-{time[8:]}-7{chance[1:4]}-{_VARIANT[entropy[2] >> 4 & 3]}{chance[5:8]}-{chance[8:]}"


def uuid7_floor(moment: datetime) -> str:
    """What sorts before every UUIDv7 of this moment and later, and after every earlier one."""
    time = f"{int(moment.timestamp() * 1000):012x}"
    return f"{time[:8]}-{time[8:]}"
