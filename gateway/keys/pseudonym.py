"""Keys of pseudonyms: one for each agreement and period, derived from the key directory and stored nowhere.

The period is a calendar year, in UTC: within it a partner can tell that two messages speak of the same value, and a
database that is stolen later links nothing across the years. Who has one agreement's key learns nothing of another's.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from gateway.policy.pseudonym import NO_KEY, PseudonymKey

_TAG = b"gateway/pseudonym-agreement/1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonyms:
    """The keys of one period. seed: 32 bytes of the key directory; b"" = none, and nothing becomes a token."""

    seed: bytes = field(repr=False)
    period: str

    def key(self, agreement: str) -> PseudonymKey:
        """The key of one agreement, all its versions alike: a new version does not break what partners have linked."""
        if not self.seed:
            return NO_KEY
        secret = hmac.digest(self.seed, _TAG + f"{agreement}\0{self.period}".encode(), "sha256")
        return PseudonymKey(agreement=agreement, period=self.period, secret=secret)

    def at(self, now: datetime) -> "Pseudonyms":
        """Those of the period that this moment is in."""
        return (
            self
            if not self.seed or self.period == period_of(now)
            else Pseudonyms(seed=self.seed, period=period_of(now))
        )


def period_of(now: datetime) -> str:
    """ "2026"."""
    return str(now.year)


NO_PSEUDONYMS = Pseudonyms(seed=b"", period="")
