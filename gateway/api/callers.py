"""Callers: which open connections speak for which agency, so that they end when it is shut out.

A connection speaks for whom its last request was identified as. Whoever is suspended, and whoever comes with a
credential that was revoked or counts no more, is cut off in the middle of whatever is under way: a request whose body
still comes, an answer that is read slowly, a connection that is kept open for the next request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.agency import AgencyId


@dataclass(frozen=True, slots=True)
class Speaks:
    """For whom, and by which credentials: their fingerprints.

    certificate  the client's, DER, b"" without one; others came along: an authority or a list may take it back
    """

    agency: AgencyId
    credentials: tuple[str, ...]
    certificate: bytes = b""
    others: tuple[bytes, ...] = ()


class Connection(Protocol):
    """What can be ended."""

    def cut(self) -> None:
        """End it at once, whatever is under way."""


class Callers:
    """The identified connections of one process, all listeners together. For the event loop's thread alone."""

    def __init__(self) -> None:
        self._speaking: dict[Connection, Speaks] = {}

    def speaks(self, connection: Connection, speaks: Speaks) -> None:
        """This connection speaks for this agency from now on."""
        self._speaking[connection] = speaks

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self._speaking.pop(connection, None)

    def cut(self, may: Callable[[Speaks], bool]) -> int:
        """End every connection that speaks for somebody who may not; how many."""
        ending = [connection for connection, speaks in self._speaking.items() if not may(speaks)]
        for connection in ending:
            del self._speaking[connection]
            connection.cut()
        return len(ending)
