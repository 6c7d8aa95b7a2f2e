"""Package: evidence for an outsider as one zip - entries with their proofs, and everything that they speak of.

How its files are named and written; `verifier.py` reads them. The same files always give the same bytes: sorted by
nobody's clock, one date, no attributes of any machine. The last two files bind the rest: `files.txt` has the digest of
each other file, in the form that `sha256sum -c` reads, and `statement` is the gateway's signed word on that list.

    entries.jsonl       some entries: index, body, and the proof that leads to the checkpoint; or
    log.jsonl           all of them, as the verifier's --log takes them
    checkpoint          the signed head of the log, with partners' countersignatures
    heads/              with log.jsonl: earlier checkpoints that partners have countersigned; the log goes on from each
    rotations/          checkpoints at which the log got a new key, in order
    covers/ID.xml       the signed Cover of dissemination ID
    receipts/ID         the signed receipt of message ID
    agreements/ID@V.json, .yaml        text of an agreement: as its digest is taken, and as it was filed
    laws/DIGEST.json, laws/ID@V.json   the laws that something was decided under: which, and their texts
    people/FINGERPRINT.key             public key of somebody whose signature an entry carries
    certificates/       behind the signatures of Covers
    destructions/ID     signed destruction certificates
    payloads/ID, payloads/ID.opening   content that was laid open, and what opens its commitment
"""

import base64
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import BinaryIO, Self

from gateway.audit.note import NoteSigner, sign_note
from gateway.clock import timestamp

FORM = "justice-gateway/evidence@v1"

ENTRIES, LOG, CHECKPOINT = "entries.jsonl", "log.jsonl", "checkpoint"
FILES, STATEMENT = "files.txt", "statement"
ROTATIONS, HEADS = "rotations/", "heads/"

_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can hold: when it was made stands in the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the gateway says of a package.

    origin  name of the log
    of      what the package is about, one line
    made    when
    size    entries under its checkpoint
    files   "sha-256:<hex>" of `files.txt`
    """

    origin: str
    of: str
    made: datetime
    size: int
    files: str

    @property
    def text(self) -> str:
        """The text that is signed."""
        return (
            f"{FORM}\norigin {self.origin}\nof {self.of}\nmade {timestamp(self.made)}\nsize {self.size}\n"
            f"files {self.files}\n"
        )

    @property
    def digest(self) -> str:
        """ "sha-256:<hex>" of that text: by it the log names the package."""
        return f"sha-256:{sha256(self.text.encode()).hexdigest()}"


class Pack:
    """A package being written, one of its files after the other; nothing of it is held but names and digests.

    As a context manager it ends the zip; what was not sealed is no package.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._digests: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files written so far, in their order."""
        return tuple(self._digests)

    def add(self, name: str, data: bytes) -> None:
        """A file. One that is there already is not written again: agreements and laws are asked for many times."""
        if name not in self._digests:
            with self.opened(name) as write:
                write(data)

    @contextmanager
    def opened(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """A long file, written piece by piece while the block runs; no other can be written meanwhile."""
        made = sha256()
        with self._zip.open(_member(name), "w", force_zip64=True) as opened:

            def write(piece: bytes) -> None:
                made.update(piece)
                opened.write(piece)

            yield write
        self._digests[name] = made.hexdigest()

    def seal(self, signer: NoteSigner, *, origin: str, of: str, made: datetime, size: int) -> Statement:
        """Write the list of files, and the signed statement on it. Nothing can be added afterwards."""
        listed = "".join(f"{self._digests[name]}  {name}\n" for name in sorted(self._digests)).encode()
        self.add(FILES, listed)
        files = f"sha-256:{sha256(listed).hexdigest()}"
        statement = Statement(origin=origin, of=of, made=made, size=size, files=files)
        self.add(STATEMENT, sign_note(statement.text, signer).encode())
        return statement


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def entry_line(index: int, body: bytes, proof: Sequence[bytes]) -> bytes:
    """A line of `entries.jsonl`."""
    line = {"index": index, "body": body.decode(), "proof": [base64.b64encode(each).decode() for each in proof]}
    return json.dumps(line).encode() + b"\n"


def opening(salt: bytes, sender_id: str) -> bytes:
    """What opens the commitment to a content."""
    return json.dumps({"salt": salt.hex(), "sender_id": sender_id}).encode() + b"\n"
