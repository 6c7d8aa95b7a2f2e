"""A signed act: one person's word that they did something, over a text that anybody can build again.

The text is lines, the same for every act, so that an outsider with the audit entry and the person's public key verifies
it with any Ed25519 tool:

    gateway/act@v1
    act approve
    subject JAIL-PD-2026-01@2
    digest sha-256:...
    agency harlan-county-jail
    user dana.whitcombe
    at 2026-03-02T12:00:00.00Z
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.agency import AgencyId
from gateway.clock import timestamp
from gateway.errors import Tampered
from gateway.user import UserId


class ActSignatureWrong(Tampered):
    """The signature is not this person's over this act."""

    code = "act.signature-wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is signed.

    act      a word of the audit log: approve, activate, suspend, end, emergency, ...
    subject  what it is done to: "JAIL-PD-2026-01@2", a message's id
    digest   "sha-256:<hex>" of that thing, so that the signature holds for these very bytes
    agency   for whom the person speaks; "" = for the gateway's operator
    """

    act: str
    subject: str
    digest: str
    agency: AgencyId
    user: UserId
    at: datetime

    def __post_init__(self) -> None:
        if any(not part.isprintable() for part in (self.act, self.subject, self.digest, self.agency, self.user)):
            raise ValueError("the parts of an act are of one line")

    def statement(self) -> bytes:
        """The text that is signed."""
        lines = (
            "gateway/act@v1",
            f"act {self.act}",
            f"subject {self.subject}",
            f"digest {self.digest}",
            f"agency {self.agency}",
            f"user {self.user}",
            f"at {timestamp(self.at)}",
        )
        return "".join(f"{line}\n" for line in lines).encode()


Sign = Callable[[bytes], bytes]
"""A person's key: data to a raw Ed25519 signature, 64 bytes."""


def sign_act(act: Act, sign: Sign) -> str:
    """The person's signature, base64."""
    return base64.b64encode(sign(act.statement())).decode()


def verify_act(act: Act, signature: str, public_key: str) -> None:
    """Raises `ActSignatureWrong` unless the signature is by this key over this act.

    public_key  64 hex digits
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(base64.b64decode(signature, validate=True), act.statement())
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise ActSignatureWrong(f"the signature on {act.subject} is not that of {act.user}") from error
