"""Judging a restored log: is it the newest one that anybody knows of, and what came after it.

A backup is an earlier state by nature. What is wrong is to go on from it while others remember more: their checkpoints
then contradict every checkpoint that is signed from here on.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.audit.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """A verified head of the log that somebody remembers. where: who, in words."""

    where: str
    checkpoint: Checkpoint


def newest(heads: Iterable[KnownHead], *, above: int) -> KnownHead | None:
    """The largest head of more than so many entries: the log was once longer than that. None when nobody knows any."""
    larger = [head for head in heads if head.checkpoint.size > above]
    return max(larger, key=lambda head: head.checkpoint.size, default=None)


# --- what came after ----------------------------------------------------------------------------------------------

ACTS = ("hold", "release", "destroy", "credential", "agency", "user", "consent", "suspend", "end", "activate", "key")
"""Types of acts that are to be done again, what protects people first. Messages and deliveries are not among them:
those come again from their senders."""

NAMES = ("mou", "agency", "user", "consent", "hold", "run", "bucket", "message", "fingerprint")
"""Keys by which an act is named to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """An act that is not in the restored state.

    act  type of its entry, and the action where there is one: "credential revoke"
    of   what it was done to, "" when its entry does not say
    """

    act: str
    of: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What a newer log says of the time after a backup.

    counts        entries by type
    undone        acts to look at and do again
    certificates  digests of certificates of destruction
    """

    counts: Mapping[str, int]
    undone: tuple[Undone, ...]
    certificates: frozenset[str]


NOTHING_NEWER = Since(counts={}, undone=(), certificates=frozenset())


def since(bodies: Sequence[bytes]) -> Since:
    """Out of the bodies of the entries after the backup."""
    entries: list[dict[str, Any]] = [json.loads(body) for body in bodies]
    return Since(
        counts=dict(sorted(Counter(entry["type"] for entry in entries).items())),
        undone=tuple(_undone(entry) for type in ACTS for entry in entries if entry["type"] == type),
        certificates=frozenset(
            entry["document"] for entry in entries if entry["type"] == "destroy" and "document" in entry
        ),
    )


def _undone(entry: Mapping[str, Any]) -> Undone:
    of = next((str(entry[name]) for name in NAMES if name in entry), "")
    return Undone(act=" ".join(filter(None, (entry["type"], entry.get("action")))), of=of, at=entry["at"])
