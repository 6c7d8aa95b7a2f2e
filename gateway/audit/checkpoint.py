"""Checkpoints: a signed note that says how many entries the log has and what its root is.

Source: c2sp.org/tlog-checkpoint.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.audit.note import NoteKey, NoteMalformed, NoteSigner, read_note, sign_note, split_note
from gateway.errors import Tampered

SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class ForeignCheckpoint(Tampered):
    """The checkpoint is signed by a trusted key, but for another log."""

    code = "audit.checkpoint-foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Head of the log.

    origin      name of the log, in all its checkpoints the same
    root        32 bytes
    extensions  further lines that are signed with it, such as `handover.NEXT_KEY`
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        return "\n".join((self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions, ""))


def sign_checkpoint(checkpoint: Checkpoint, *signers: NoteSigner) -> str:
    """The checkpoint as a signed note."""
    if not checkpoint.origin or "\n" in checkpoint.origin or len(checkpoint.root) != 32:
        raise ValueError("a checkpoint has an origin of one line and a root of 32 bytes")
    return sign_note(checkpoint.text, *signers)


def read_checkpoint(note: str | bytes, keys: Iterable[NoteKey], *, origin: str = "") -> Checkpoint:
    """The verified checkpoint; with `origin`, only of that log.

    Raises what `read_note` raises, and `ForeignCheckpoint`.
    """
    checkpoint = _read(read_note(note, keys).text)
    if origin and checkpoint.origin != origin:
        raise ForeignCheckpoint(f"the checkpoint is not of the log {origin}")
    return checkpoint


def unverified_checkpoint(note: str | bytes) -> Checkpoint:
    """What a checkpoint says, its signature unread: only to find what belongs to it. Raises `NoteMalformed`."""
    return _read(split_note(note)[0])


def _read(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines) or not SIZE.fullmatch(lines[1]):
        raise NoteMalformed("a checkpoint reads: origin, size, root")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteMalformed("the root in the checkpoint is not base64") from error
    if len(root) != 32:
        raise NoteMalformed("the root in the checkpoint has not 32 bytes")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, extensions=tuple(lines[3:]))
