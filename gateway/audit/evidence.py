"""Evidence: one file that proves, offline, that an entry is in the log.

A C2SP tlog-proof: index, inclusion proof, signed checkpoint; the entry itself travels as the file's extra data, from
which its leaf hash is computed. Source: c2sp.org/tlog-proof.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.audit.checkpoint import Checkpoint, read_checkpoint
from gateway.audit.note import NoteKey
from gateway.audit.proof import verify_inclusion
from gateway.audit.tree import HASH_SIZE_BYTES, leaf_hash
from gateway.errors import Refused

FORM = "c2sp.org/tlog-proof@v1"
PROOF_LENGTH_MAX = 63
EVIDENCE_SIZE_MAX = 131_072
INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class EvidenceMalformed(Refused):
    """The text is not an evidence file."""

    code = "audit.evidence-malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An evidence file, not verified.

    body        the entry, as it lies in the log
    checkpoint  the signed note, as it was signed
    """

    body: bytes
    index: int
    proof: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedEntry:
    """An entry that is in the log, as the checkpoint's signer says."""

    body: bytes
    index: int
    checkpoint: Checkpoint


def write_evidence(evidence: Evidence) -> str:
    """The file; its customary name ends in .tlog-proof."""
    lines = (
        FORM,
        f"extra {base64.b64encode(evidence.body).decode()}",
        f"index {evidence.index}",
        *(base64.b64encode(each).decode() for each in evidence.proof),
        "",
        evidence.checkpoint,
    )
    return "\n".join(lines)


def read_evidence(text: str) -> Evidence:
    """The file's parts, not verified. Raises `EvidenceMalformed`."""
    if len(text) > EVIDENCE_SIZE_MAX:
        raise EvidenceMalformed(f"an evidence file has at most {EVIDENCE_SIZE_MAX} characters")
    head, gap, checkpoint = text.partition("\n\n")
    form, *lines = head.split("\n")
    if form != FORM or not gap or len(lines) < 2 or not lines[0].startswith("extra "):
        raise EvidenceMalformed(f"evidence starts with {FORM}, the entry and its index")
    index = INDEX.fullmatch(lines[1])
    if index is None:
        raise EvidenceMalformed("the index of the entry is a decimal number without leading zeros")
    return Evidence(
        body=_decoded(lines[0].removeprefix("extra ")),
        index=int(index[1]),
        proof=_hashes(lines[2:]),
        checkpoint=checkpoint,
    )


def verify_evidence(evidence: Evidence, keys: Iterable[NoteKey], *, origin: str = "") -> ProvedEntry:
    """The entry, when its proof leads to the root of a checkpoint that one of the keys has signed.

    Raises what `read_checkpoint` raises, and `ProofWrong`.
    """
    checkpoint = read_checkpoint(evidence.checkpoint, keys, origin=origin)
    verify_inclusion(leaf_hash(evidence.body), evidence.index, checkpoint.size, evidence.proof, checkpoint.root)
    return ProvedEntry(body=evidence.body, index=evidence.index, checkpoint=checkpoint)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    hashes = tuple(_decoded(line) for line in lines)
    if len(hashes) > PROOF_LENGTH_MAX or any(len(each) != HASH_SIZE_BYTES for each in hashes):
        raise EvidenceMalformed(f"a proof is at most {PROOF_LENGTH_MAX} hashes of {HASH_SIZE_BYTES} bytes")
    return hashes


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceMalformed("a line of the evidence is not base64") from error
