"""The wsse:Security header block as a value: which of its parts are there, each once and in its place.

Source: OASIS WS-Security 1.1, sections 5 and 10; BSP 1.1, R5227 and R3227 (one Timestamp, one header for each actor).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from gateway.document.names import DS, WSSE, WSU
from gateway.errors import Refused
from gateway.signing.shape import SignatureShape

SECURITY = f"{{{WSSE}}}Security"
TIMESTAMP = f"{{{WSU}}}Timestamp"
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
USERNAME_TOKEN = f"{{{WSSE}}}UsernameToken"
SIGNATURE = f"{{{DS}}}Signature"

LEEWAY = timedelta(minutes=5)
"""How far two clocks may differ, and how old a signature may be, unless the settings say otherwise."""


class SignatureStale(Refused):
    """Signed too long ago, not yet, or past its end."""

    code = "signature.stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """A wsu:Timestamp read; `expires` None = it names no end."""

    created: datetime
    expires: datetime | None = None

    def until(self, leeway: timedelta) -> datetime:
        """From then on it is stale."""
        end = self.created + leeway
        return end if self.expires is None else min(end, self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """A wsse:Security header block taken apart; None for what is not in it."""

    element: etree._Element
    timestamp: etree._Element | None
    token: etree._Element | None
    signature: etree._Element | None
    username: etree._Element | None


def read_security(blocks: Iterable[etree._Element], soap: str) -> Security | None:
    """The only wsse:Security among the header blocks of an envelope of this namespace; None when there is none.

    Raises `SignatureShape`.
    """
    found = [block for block in blocks if block.tag == SECURITY]
    if not found:
        return None
    if len(found) > 1:
        raise SignatureShape("the envelope has more than one WS-Security header")
    security = found[0]
    if security.get(f"{{{soap}}}actor") or security.get(f"{{{soap}}}role"):
        raise SignatureShape("the WS-Security header is addressed to somebody on the way")
    parts: dict[str, etree._Element] = {}
    for child in security.iterchildren(etree.Element):
        if child.tag in parts or child.tag not in _PARTS:
            raise SignatureShape(
                "a WS-Security header holds one Timestamp, one Signature, one BinarySecurityToken and one UsernameToken"
                " at most, and nothing else"
            )
        parts[str(child.tag)] = child
    return Security(
        element=security,
        timestamp=parts.get(TIMESTAMP),
        token=parts.get(TOKEN),
        signature=parts.get(SIGNATURE),
        username=parts.get(USERNAME_TOKEN),
    )


_PARTS = frozenset({TIMESTAMP, TOKEN, SIGNATURE, USERNAME_TOKEN})


def read_timestamp(element: etree._Element) -> Timestamp:
    """Raises `SignatureShape`."""
    parts = list(element.iterchildren(etree.Element))
    if [part.tag for part in parts] not in ([_CREATED], [_CREATED, _EXPIRES]):
        raise SignatureShape("a Timestamp has Created and Expires")
    moments = [moment(part) for part in parts]
    return Timestamp(created=moments[0], expires=moments[1] if len(moments) == 2 else None)


_CREATED, _EXPIRES = f"{{{WSU}}}Created", f"{{{WSU}}}Expires"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def moment(element: etree._Element) -> datetime:
    """A wsu:Created or wsu:Expires. In UTC, as the profile asks; or, as zeep writes it, with an offset from UTC.

    Raises `SignatureShape`.
    """
    text = (element.text or "").strip()
    if not _MOMENT.fullmatch(text):
        raise SignatureShape("a Timestamp is written in UTC, such as 2026-01-31T08:15:00.25Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise SignatureShape("a Timestamp names no such moment") from error


def check_fresh(timestamp: Timestamp, now: datetime, leeway: timedelta) -> None:
    """Raises `SignatureStale`."""
    if not now - leeway <= timestamp.created <= now + leeway:
        raise SignatureStale(f"Created must be within {leeway} of the gateway's clock: is the sender's clock right?")
    if timestamp.expires is not None and timestamp.expires <= now:
        raise SignatureStale("the Timestamp's Expires has passed")
