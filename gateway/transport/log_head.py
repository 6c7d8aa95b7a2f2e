"""The header by which a head of the log travels with a delivery, and with answers about one.

    Log-Checkpoint: base64 of the signed note

Whoever keeps one can show later what the log had to hold; a partner's gateway countersigns it.
"""

import base64
import binascii

LOG_HEAD = "Log-Checkpoint"

HEAD_SIZE_BYTES_MAX = 4096
"""A checkpoint with its signatures is some hundred bytes; larger ones are not even decoded."""


def log_head_header(note: bytes) -> dict[str, str]:
    """The header; none without a head, nor for one that is too large."""
    return {LOG_HEAD: base64.b64encode(note).decode()} if 0 < len(note) <= HEAD_SIZE_BYTES_MAX else {}


def log_head_of(header: str | None) -> bytes | None:
    """The note in a header, not verified; None when there is none that can be read."""
    if not header or len(header) > HEAD_SIZE_BYTES_MAX * 4 // 3 + 4:
        return None
    try:
        return base64.b64decode(header, validate=True)
    except (binascii.Error, ValueError):
        return None
