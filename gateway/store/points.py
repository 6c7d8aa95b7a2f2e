"""The named points where a write or a send can be interrupted, so that tests can kill a process exactly there.

GATEWAY_KILL_AT="accept.before-commit" kills the process (SIGKILL: no handler, no flush, as when the power goes) the
first time it gets there; "accept.before-commit:3" the third time. Not set, as in every real deployment, a point costs
one comparison. Tests inside one process put a function into `watch` instead, which may raise.
"""

import os
import signal
from collections.abc import Callable
from typing import Final

SELDOM: Final = ("file", "arrange", "drop", "expunge", "expunged", "witness", "unsign")
"""What writes once in a while or when a person asks: no load comes there."""

REPLY_WRITES: Final = ("reply", "reply-claim", "reply-settle", "reply-move")
"""What writes of answers that go to registered addresses, but for those that are kept with their message."""

WRITES: Final = (
    *("accept", "release", "refuse", "record", "change", "claim", "settle", "move", "sequence", "fact"),
    *REPLY_WRITES,
    *SELDOM,
)
"""What writes. Each has the points "<write>.before-commit" and "<write>.after-commit"."""

COMMITS: Final = tuple(f"{write}.{side}-commit" for write in WRITES for side in ("before", "after"))

BEFORE_SEND: Final = "relay.before-send"
AFTER_SEND: Final = "relay.after-send"
"""Around a try to deliver: it was claimed, and its outcome is not written down yet."""

BEFORE_REPLY: Final = "reply.before-send"
AFTER_REPLY: Final = "reply.after-send"
"""Around a try to send an answer to a registered address."""

RETENTION: Final = ("retain", "intend", "destroy", "finish", "hold", "attest")
"""What writes when something is kept longer or destroyed; the same two points each."""

KEYS_GONE: Final = "purge.keys-gone"
"""The keys of a run are destroyed, its rows are not."""

PURGE_POINTS: Final = (*(f"{write}.{side}-commit" for write in RETENTION for side in ("before", "after")), KEYS_GONE)

POINTS: Final = (*COMMITS, BEFORE_SEND, AFTER_SEND, BEFORE_REPLY, AFTER_REPLY)

Watcher = Callable[[str], None]


def killer(setting: str) -> Watcher | None:
    """What the environment variable asks for; a name that is no point is a mistake of the one who set it."""
    if not setting:
        return None
    name, _, count = setting.partition(":")
    if name not in {*POINTS, *PURGE_POINTS}:
        raise ValueError(f"GATEWAY_KILL_AT names no point: {name}")
    left = int(count or 1)

    def kill(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return kill


watch: Watcher | None = killer(os.environ.get("GATEWAY_KILL_AT", ""))


def reach(point: str) -> None:
    """Say that a write has come to this point."""
    if watch is not None:
        watch(point)
