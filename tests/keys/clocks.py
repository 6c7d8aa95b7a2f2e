"""A clock that stands still, with real randomness."""

import secrets
from datetime import UTC, datetime

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class StoppedClock:
    """`gateway.clock.Clock`; `at` may be moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def random(self, size_bytes: int) -> bytes:
        return secrets.token_bytes(size_bytes)
