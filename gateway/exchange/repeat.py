"""What makes a submission a repeat: the same content, asked for the same recipients, about the same earlier message.
Functions of values.

Under one id another content, other recipients or another message to correct or cancel is another request. To answer it
with the first receipt would tell its sender that it was done.
"""

import hmac
from collections.abc import Collection

from gateway.agency import AgencyId
from gateway.message import Action


def with_asked(content_digest: bytes, only: Collection[AgencyId], key: bytes) -> bytes:
    """What is stored to know a repeat by: the keyed digest of the content, bound to the recipients asked for where any
    were; 32 bytes. Without them it is the content's own, as it was for every message before recipients counted."""
    if not only:
        return content_digest
    # Canonical XML holds no NUL: no content has this digest.
    return hmac.digest(key, b"\0".join((content_digest, b"to", *(each.encode() for each in sorted(only)))), "sha256")


def is_same(
    stored: bytes,
    content_digest: bytes,
    only: Collection[AgencyId],
    key: bytes,
    *,
    action: Action,
    named: Collection[AgencyId],
) -> bool:
    """Whether a submission is the stored one once more, as far as its content and the recipients asked for tell.

    action, named  of the stored message, and of whom its answer speaks
    """
    if hmac.compare_digest(stored, with_asked(content_digest, only, key)):
        return True
    if not hmac.compare_digest(stored, content_digest):
        return False
    # Stored without recipients, or before those counted. Then it is a repeat if the answer speaks of those asked for:
    # past recipients have a correction besides, and a cancellation they alone, whoever is asked for.
    asked = frozenset(only)
    match action:
        case Action.CANCEL:
            return True
        case Action.CORRECT:
            return asked <= frozenset(named)
        case _:
            return asked == frozenset(named)
