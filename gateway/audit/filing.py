"""How an entry is filed: the columns beside its text, by which it is found and by which its readers are told.

They are no part of the leaf. Whoever changes only them - the parties, so that somebody else may read the entry; the
message, so that it is not found - leaves the tree whole; so verifying compares them with the text.
"""

from collections.abc import Iterable, Iterator

from gateway.audit.entry import AuditEntry
from gateway.clock import timestamp


def misfiled(start: int, entries: Iterable[AuditEntry]) -> Iterator[int]:
    """Indexes, from `start` on, of entries that are filed as another than their text says."""
    for index, entry in enumerate(entries, start):
        if not _as_it_says(entry):
            yield index


def _as_it_says(entry: AuditEntry) -> bool:
    # The text is canonical and no value holds a quotation mark, so that a member is found as it is written.
    body, parties = entry.body, ",".join(f'"{party}"' for party in entry.parties)
    message = f'"message":"{entry.message}"'.encode() if entry.message is not None else b""
    return (
        f'"id":"{entry.id}"'.encode() in body
        and f'"at":"{timestamp(entry.at)}"'.encode() in body
        and f'"parties":[{parties}]'.encode() in body
        and f'"type":"{entry.type}"'.encode() in body
        and (message in body if message else b'"message":' not in body)
    )
