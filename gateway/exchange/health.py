"""Health: what one process noticed of its log, kept in memory, for when the database cannot be told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

REMEMBERED: Final = timedelta(seconds=60)
"""Where nothing is written any more because nobody asks, the next one may try: it either works or says so again."""


@dataclass(slots=True)
class Health:
    """not_written: since when entries could not be written; altered: whether the sequencer refused to go on from the
    stored log, None = it had no cause to look yet."""

    not_written: datetime | None = None
    altered: bool | None = None
    _last_failed: datetime | None = None

    def failed(self, now: datetime) -> None:
        """A write was not confirmed."""
        if self.not_written is None:
            self.not_written = now
        self._last_failed = now

    def written(self) -> None:
        """One was."""
        self.not_written = self._last_failed = None

    def is_failing(self, now: datetime) -> bool:
        """Whether writes fail, as far as anybody tried lately."""
        return self._last_failed is not None and now - self._last_failed < REMEMBERED
