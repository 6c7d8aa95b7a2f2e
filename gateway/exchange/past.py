"""Past: somebody who got, or was to get, an earlier message of a chain."""

from dataclasses import dataclass

from gateway.agency import AgencyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A past recipient, and what decided the newest message it was to get: an agreement's version and its clause."""

    recipient: AgencyId
    mou: str
    mou_version: int
    clause: str
