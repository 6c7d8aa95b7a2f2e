"""Signed notes: text with Ed25519 signature lines, readable by eye and by other people's tools.

Source: c2sp.org/signed-note@v1.0.0; the text form of a key is that of golang.org/x/mod/sumdb/note.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.errors import Refused, Tampered

ED25519 = b"\x01"
"""Signature type of a plain Ed25519 note signature."""

NOTE_SIZE_BYTES_MAX = 65_536
SIGNATURES_MAX = 64
"""The specification asks for at least 16."""


class NoteMalformed(Refused):
    """The text is not a signed note."""

    code = "audit.note-malformed"


class NoteKeyMalformed(Refused):
    """The text is not a verifier key."""

    code = "audit.key-malformed"


class NoteKeyUnknown(Tampered):
    """None of the note's signatures is by a key that is trusted."""

    code = "audit.key-unknown"


class NoteSignatureWrong(Tampered):
    """A signature by a trusted key does not fit the text."""

    code = "audit.signature-wrong"


class NoteSigner(Protocol):
    """An Ed25519 private key with a name."""

    @property
    def name(self) -> str:
        """Name of the key: no spaces and no plus, such as "gateway.example.gov/log"."""

    @property
    def public_bytes(self) -> bytes:
        """The raw public key, 32 bytes."""

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature, 64 bytes."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that notes are verified with: what a partner is given on paper, by hand."""

    name: str
    public_bytes: bytes
    TYPE: ClassVar[bytes] = ED25519

    def __post_init__(self) -> None:
        if not usable_name(self.name):
            raise ValueError("the name of a note key is not empty and has no spaces and no plus")
        if len(self.public_bytes) != 32:
            raise ValueError("an Ed25519 public key has 32 bytes")

    @property
    def id(self) -> bytes:
        """Key id, 4 bytes."""
        return key_id(self.name, self.public_bytes, self.TYPE)

    @classmethod
    def read(cls, text: str) -> Self:
        """From its text form. Raises `NoteKeyMalformed`."""
        name, _, rest = text.strip().partition("+")
        digits, _, encoded = rest.partition("+")
        public = _decoded(encoded)
        if not usable_name(name) or public is None or len(public) != 33 or public[:1] != cls.TYPE:
            raise NoteKeyMalformed(f"a verifier key reads name+id+key, with a key of type {cls.TYPE.hex()} (Ed25519)")
        key = cls(name, public[1:])
        if key.id.hex() != digits:
            raise NoteKeyMalformed("the id in the verifier key is not that of its name and key: a typing error?")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.TYPE + self.public_bytes).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note at least one trusted key has signed; `signers` are the names of those keys."""

    text: str
    signers: tuple[str, ...]


def usable_name(name: str) -> bool:
    """Whether a key may be called so."""
    return bool(name) and name.isprintable() and "+" not in name and not any(sign.isspace() for sign in name)


@lru_cache(maxsize=64)
def key_id(name: str, public_bytes: bytes, type: bytes = ED25519) -> bytes:
    """Key id: first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
    return sha256(name.encode() + b"\n" + type + public_bytes).digest()[:4]


def sign_note(text: str, *signers: NoteSigner) -> str:
    """The text with a signature of each under it. The text ends in a newline."""
    if not text.endswith("\n") or not signers:
        raise ValueError("the text of a note ends in a newline, and somebody signs it")
    lines = [
        signature_line(each.name, key_id(each.name, each.public_bytes) + each.sign(text.encode())) for each in signers
    ]
    return f"{text}\n{''.join(lines)}"


def signature_line(name: str, signature: bytes) -> str:
    """One line below a note. signature: key id and what stands behind it."""
    return f"— {name} {base64.b64encode(signature).decode()}\n"


def split_note(note: str | bytes) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """The text, not verified, and the signatures: key name, and key id with signature. Raises `NoteMalformed`."""
    content = _text(note)
    head, gap, tail = content.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteMalformed("a signed note is text, an empty line, and signature lines")
    return head + "\n", read_signatures(tail)


def read_signatures(lines: str) -> tuple[tuple[str, bytes], ...]:
    """Signature lines: key name, and key id with signature. Raises `NoteMalformed`."""
    each = lines.removesuffix("\n").split("\n")
    if len(each) > SIGNATURES_MAX:
        raise NoteMalformed(f"a signed note has at most {SIGNATURES_MAX} signatures")
    return tuple(_signature(line) for line in each)


def read_note(note: str | bytes, keys: Iterable[NoteKey]) -> Note:
    """The verified note.

    Raises `NoteMalformed`, `NoteSignatureWrong` when any signature by one of `keys` is wrong, `NoteKeyUnknown` when
    there is none by them. Signatures of other keys are ignored: a witness may have countersigned.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.id): key for key in keys}
    signers: list[str] = []
    for name, signature in signatures:
        key = known.get((name, signature[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public_bytes).verify(signature[4:], text.encode())
        except InvalidSignature as error:
            raise NoteSignatureWrong(f"the signature of {name} does not fit the text it stands under") from error
        signers.append(name)
    if not signers:
        raise NoteKeyUnknown("no signature of the note is by a trusted key")
    return Note(text=text, signers=tuple(signers))


def _text(note: str | bytes) -> str:
    if len(note) > NOTE_SIZE_BYTES_MAX:
        raise NoteMalformed(f"a signed note has at most {NOTE_SIZE_BYTES_MAX} bytes")
    try:
        content = note.decode() if isinstance(note, bytes) else note
    except UnicodeDecodeError as error:
        raise NoteMalformed("a signed note is UTF-8 text") from error
    if any(sign < " " and sign != "\n" for sign in content):
        raise NoteMalformed("a signed note has no control characters other than newlines")
    return content


def _signature(line: str) -> tuple[str, bytes]:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    signature = _decoded(encoded)
    if mark != "—" or not usable_name(name) or signature is None or len(signature) < 5:
        raise NoteMalformed("a signature line reads: em dash, name of the key, signature in base64")
    return name, signature


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
