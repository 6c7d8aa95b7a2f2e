"""Submission and Accepted: what an edge hands to `accept`, and what it gets back."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.exchange.trial import Tried
from gateway.finding import Finding
from gateway.message import SENDER_ID_LENGTH_MAX, Action, DeliveryId, MessageId
from gateway.signing.proof import Proof

if TYPE_CHECKING:
    from gateway.exchange.reply import Replying

LISTED_MAX = 100
"""Recipients that the audit entry of a reception or refusal names; two such lists of the longest ids fit into one."""


def listed(agencies: Iterable[AgencyId], known: Container[AgencyId]) -> tuple[AgencyId, ...]:
    """Those that an audit entry names; the others are only counted.

    known  agencies of the configuration: whoever is asked for and is none of them may be any words of the caller's,
           which the log would keep for ever
    """
    return tuple(each for each in agencies if each in known)[:LISTED_MAX]


_SENDER_ID = re.compile(rf"[!-~]{{0,{SENDER_ID_LENGTH_MAX}}}")


class InvalidMessage(Refused):
    """The message breaks its schema, its references or a rule; `findings` say where."""

    code = "message.invalid"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"the message is not valid: {len(findings)} finding{'s' if len(findings) != 1 else ''}")
        self.findings = findings


class BadSenderId(Refused):
    """Idempotency-Key or wsa:MessageID is empty, too long, or not printable ASCII."""

    code = "message.bad-id"


class IdConflict(Refused):
    """The sender used this id before: for other content, other recipients, or to correct or cancel another message."""

    code = "message.id-conflict"


class SignatureReplayed(Refused):
    """The signature is that of a message that was accepted before under another id."""

    code = "signature.replayed"


class EarlierUnknown(Refused):
    """A correction or cancellation names no earlier message of this sender and exchange."""

    code = "message.earlier-unknown"


class AlreadyCanceled(Refused):
    """The chain of messages was canceled: nothing follows a cancellation."""

    code = "message.already-canceled"


class ActionMismatch(Refused):
    """The message's own action or earlier id contradicts the address it was sent to."""

    code = "message.action-mismatch"


class NoRecipient(Refused):
    """No agency may have this message: every recipient is refused, or no agreement covers it. `tried`: what agreements
    on trial would have shared; the sender is not told."""

    code = "policy.no-mou-in-force"

    def __init__(self, text: str, outcomes: "tuple[RecipientOutcome, ...]" = (), tried: tuple[Tried, ...] = ()) -> None:
        super().__init__(text)
        self.outcomes, self.tried = outcomes, tried


class PastUnreached(NoRecipient):
    """Somebody who got the earlier message can be told nothing of this one, not even that the earlier one is void:
    accepted, it would leave them acting on it, and a cancellation would let nothing follow it."""

    code = "policy.not-releasable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message as an edge received it; the sender is proven by the transport.

    sender_id  Idempotency-Key or wsa:MessageID; "" = the gateway makes one, and a repeat cannot be told
    only       the recipients asked for; empty = everyone who may have it
    act        correct or cancel, and the earlier message's id, when the address said so
    channel    "rest" or "soap"
    replying   how its answer is written, where that goes elsewhere than back to who waits for it
    proof      of the signature that the edge verified around it; None = there was none. One inside the message is
               verified here
    """

    sender: AgencyId
    sender_id: str
    body: bytes
    only: frozenset[AgencyId] = field(default_factory=frozenset)
    act: tuple[Action, str] | None = None
    channel: str = "rest"
    replying: "Replying | None" = field(default=None, repr=False, compare=False)
    proof: Proof | None = None

    def __post_init__(self) -> None:
        if not _SENDER_ID.fullmatch(self.sender_id):
            raise BadSenderId(
                f"a message id is at most {SENDER_ID_LENGTH_MAX} characters of printable ASCII without spaces"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientOutcome:
    """What becomes of the message for one recipient; `code` says why when it is refused."""

    agency: AgencyId
    outcome: str  # "accepted" | "refused"
    code: str = ""
    delivery: DeliveryId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer to an accepted submission.

    entry    id of the audit entry that records the reception
    receipt  signed note: names the entry's leaf hash, which will be in the log within 10 seconds
    repeated the sender had this answer before; nothing was done again
    """

    id: MessageId
    sender_id: str
    received_at: datetime
    digest: str
    recipients: tuple[RecipientOutcome, ...]
    entry: str
    receipt: str
    repeated: bool = False
