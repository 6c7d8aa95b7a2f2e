"""The one place that reads the time and the system's randomness."""

import os
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where actions get the time and chance from; rules are given values instead."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def random(self, size_bytes: int) -> bytes:
        """Bytes that nobody can guess."""


class SystemClock:
    """The operating system's clock and random source."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

    def random(self, size_bytes: int) -> bytes:
        """Bytes from the operating system's generator."""
        return os.urandom(size_bytes)


def timestamp(moment: datetime) -> str:
    """A moment as the gateway writes it everywhere: UTC with hundredths, "2026-01-31T08:15:00.25Z".

    Hundredths of a second: CJIS Security Policy AU-8.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")[:22] + "Z"
