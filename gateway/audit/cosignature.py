"""Cosignatures: a cosigner's word, with its time, that a head of a log goes on from every head of it that it saw.

    — witness.example.gov/witness …      base64(key id ‖ seconds since 1970 in 8 bytes ‖ Ed25519 signature)

It is a signature line like any other, below the log's own; readers that do not know the cosigner pass over it. A
cosigner's key has a type of its own, so that none of its signatures can be taken for one of a log.
Source: c2sp.org/tlog-cosignature, the Ed25519 type.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.note import (
    NoteKey,
    NoteMalformed,
    NoteSignatureWrong,
    NoteSigner,
    key_id,
    signature_line,
    split_note,
)

COSIGNATURE = b"\x04"
"""Signature type of an Ed25519 cosignature."""

SIZE_BYTES = 4 + 8 + 64
SECONDS_MAX = 2**40
"""Year 36812: beyond what a date can hold nothing is a time."""


@dataclass(frozen=True, slots=True)
class CosignerKey(NoteKey):
    """A public key that cosignatures are verified with."""

    TYPE: ClassVar[bytes] = COSIGNATURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A verified cosignature.

    at    when the cosigner saw this head as the newest of the log; whole seconds
    line  the signature line, with its newline
    """

    cosigner: str
    at: datetime
    line: str


def cosign(note: str | bytes, signer: NoteSigner, *, at: datetime) -> str:
    """The signature line of a cosigner below this note, whose text it signs with the time. The caller has checked
    that the head goes on from the last one it cosigned. Raises `NoteMalformed`."""
    text, _ = split_note(note)
    seconds = int(at.timestamp())
    signature = signer.sign(_message(text, seconds))
    identity = key_id(signer.name, signer.public_bytes, COSIGNATURE)
    return signature_line(signer.name, identity + seconds.to_bytes(8) + signature)


def read_cosignatures(note: str | bytes, keys: Iterable[CosignerKey]) -> tuple[Cosignature, ...]:
    """The cosignatures below a note that are by these keys, verified; lines of other keys are passed over.

    Raises `NoteMalformed`, and `NoteSignatureWrong` when a line by one of the keys does not fit the text.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.id): key for key in keys}
    found: list[Cosignature] = []
    for name, signature in signatures:
        key = known.get((name, signature[:4]))
        if key is not None:
            found.append(_verified(text, key, signature))
    return tuple(found)


def with_lines(note: str | bytes, lines: Iterable[str]) -> str:
    """The note with more signature lines below; those it has already are not doubled."""
    text = note.decode() if isinstance(note, bytes) else note
    own = text.rpartition("\n\n")[2]
    return text + "".join(line for line in dict.fromkeys(lines) if line not in own)


def _verified(text: str, key: CosignerKey, signature: bytes) -> Cosignature:
    seconds = int.from_bytes(signature[4:12])
    if len(signature) != SIZE_BYTES or seconds > SECONDS_MAX:
        raise NoteMalformed("a cosignature is a key id, a time and an Ed25519 signature")
    try:
        Ed25519PublicKey.from_public_bytes(key.public_bytes).verify(signature[12:], _message(text, seconds))
    except InvalidSignature as error:
        raise NoteSignatureWrong(f"the cosignature of {key.name} does not fit the text it stands under") from error
    at = datetime.fromtimestamp(seconds, UTC)
    return Cosignature(cosigner=key.name, at=at, line=signature_line(key.name, signature))


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
