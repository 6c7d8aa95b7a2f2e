"""What people sign: an entry of the log that says what they did; of an approval and its withdrawal the row, too.

With an entry they sign the text below, so that an outsider with the entry and the person's public key verifies it with
any Ed25519 tool. The digest is over the entry as canonical JSON (RFC 8785) without its signatures:

    gateway/act@v2
    user dana.whitcombe
    entry sha-256:...

Approvals count by their row in the database, which says what is approved, and so do withdrawals of them:

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
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

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

    act      approve or withdraw
    subject  what it is done to: "JAIL-PD-2026-01@2", and whose approval is taken back
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
    _verify(act.statement(), signature, public_key, f"the signature on {act.subject} is not that of {act.user}")


# --- entries --------------------------------------------------------------------------------------------------------

SIGNATURES = ("signature", "second_signature")
"""The keys of an entry that are not signed with it."""

NO_SIGNATURE = base64.b64encode(bytes(64)).decode()
"""Stands where a signature will be."""


def sign_said(body: bytes, user: UserId, sign: Sign) -> str:
    """The person's signature, base64, over what an entry says. body: of the entry, with whatever signatures."""
    return base64.b64encode(sign(_statement(body, user))).decode()


def verify_said(body: bytes, user: UserId, signature: str, public_key: str) -> None:
    """Raises `ActSignatureWrong` unless the signature is by this key over what the entry says.

    public_key  64 hex digits
    """
    _verify(_statement(body, user), signature, public_key, f"the signature on an entry is not that of {user}")


def _statement(body: bytes, user: UserId) -> bytes:
    said = {key: value for key, value in json.loads(body).items() if key not in SIGNATURES}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"gateway/act@v2\nuser {user}\nentry sha-256:{sha256(canonical.encode()).hexdigest()}\n".encode()


def _verify(statement: bytes, signature: str, public_key: str, wrong: str) -> None:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(base64.b64decode(signature, validate=True), statement)
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise ActSignatureWrong(wrong) from error
