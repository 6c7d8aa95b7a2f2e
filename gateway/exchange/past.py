"""Past: somebody who got, or was to get, an earlier message of a chain."""

from dataclasses import dataclass

from gateway.agency import AgencyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A past recipient, and the agreement version that decided the newest message it was to get."""

    recipient: AgencyId
    mou: str
    mou_version: int
