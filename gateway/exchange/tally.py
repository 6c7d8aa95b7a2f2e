"""Tally: what may happen very often is written into the log at once, and from then on once in a while with a number."""

from datetime import datetime, timedelta
from typing import Final

PAUSE: Final = timedelta(minutes=10)
"""Between two entries about the same: six an hour for each process, however often somebody tries."""


class Tally:
    """How often each thing happened since the log heard of it. Of one process; what it counted ends with it.

    Keys are made of agencies that the configuration holds, never of what a stranger sends: so they are few.
    """

    def __init__(self) -> None:
        self._heard: dict[tuple[str, ...], datetime] = {}
        self._since: dict[tuple[str, ...], int] = {}

    def due(self, key: tuple[str, ...], now: datetime) -> int | None:
        """It happened once more: how often since the log heard of it; None when that was just now."""
        count = self._since[key] = self._since.get(key, 0) + 1
        heard = self._heard.get(key)
        if heard is not None and heard <= now < heard + PAUSE:
            return None
        self._heard[key], self._since[key] = now, 0
        return count

    def unheard(self, key: tuple[str, ...], count: int) -> None:
        """The log did not take it: the next time counts these too."""
        self._heard.pop(key, None)
        self._since[key] = self._since.get(key, 0) + count
