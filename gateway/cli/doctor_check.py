"""Check: one thing that the doctor looked at."""

from dataclasses import dataclass
from datetime import timedelta

EXPIRY_WARNING = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. `state` is ok, warning or error."""

    name: str
    state: str
    text: str
