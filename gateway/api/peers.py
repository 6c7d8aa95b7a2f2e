"""Open connections by address, and which of them goes when there are too many."""

from collections import defaultdict
from typing import Protocol

EVICTED_AFTER_SECONDS = 0.25
"""A connection younger than this is not put out for another: its first request may be on its way."""


class Quiet(Protocol):
    """A connection on which nothing is under way."""

    def put_out(self) -> None:
        """Close it: another needs its place."""


class Peers:
    """Open connections by address; one for all listeners of a process.

    Who only sits there - has asked nothing yet, or nothing more - gives way to who comes: a client that opens hundreds
    of connections and sends half a request on each shuts out nobody but itself.

    per_address_max, all_max  open at once
    """

    def __init__(self, *, per_address_max: int, all_max: int) -> None:
        self._per_address_max, self._all_max = per_address_max, all_max
        self._open: dict[str, int] = {}
        self._all = 0
        # Of each address, since when each has been quiet; the longest first.
        self._quiet: dict[str, dict[Quiet, float]] = defaultdict(dict)

    def enter(self, address: str, now: float) -> bool:
        """Count one more; False when that would be too many and none can be put out."""
        if self._open.get(address, 0) >= self._per_address_max and not self._put_out(address, now):
            return False
        if self._all >= self._all_max and not self._put_out_of_all(now):
            return False
        self._open[address] = self._open.get(address, 0) + 1
        self._all += 1
        return True

    def leave(self, address: str, connection: Quiet) -> None:
        """One less."""
        self.busy(address, connection)
        self._all -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def quiet(self, address: str, connection: Quiet, now: float) -> None:
        """Nothing is under way on it from now on."""
        self._quiet[address][connection] = now

    def busy(self, address: str, connection: Quiet) -> None:
        """A request is under way on it."""
        quiet = self._quiet.get(address)
        if quiet is not None and quiet.pop(connection, None) is not None and not quiet:
            del self._quiet[address]

    def _put_out(self, address: str, now: float) -> bool:
        """The one of this address that has been quiet longest; its place is free at once."""
        quiet = self._quiet.get(address)
        if not quiet:
            return False
        connection, since = next(iter(quiet.items()))
        if now - since < EVICTED_AFTER_SECONDS:
            return False
        connection.put_out()
        return True

    def _put_out_of_all(self, now: float) -> bool:
        """Of the address with the most quiet ones."""
        most = max(self._quiet, key=lambda address: len(self._quiet[address]), default=None)
        return most is not None and self._put_out(most, now)
