"""Header: what a message says of itself - action, earlier message, reason, as-of time."""

import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from lxml import etree

from gateway.document.parse import Document, text
from gateway.document.path import Locator, line_of
from gateway.finding import Finding
from gateway.message import Action

if TYPE_CHECKING:
    from gateway.iepd.package import Iepd

_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6})\d*)?)?(?:(Z)|([+-])(\d{2}):(\d{2}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The head of one message.

    earlier  id of the message that `action` speaks of, as the sender writes it
    as_of    in UTC; a time without zone is taken as UTC, a date as its midnight
    """

    action: Action = Action.NEW
    earlier: str | None = None
    reason: str | None = None
    as_of: datetime | None = None


def read(document: Document, iepd: "Iepd") -> Header:
    """The head of a valid message. An exchange without an action path has only new messages."""
    values = {key: _value(document, path) for key, path in iepd.message_paths.items()}
    action = values.get("action")
    return Header(
        action=Action(action) if action else Action.NEW,
        earlier=values.get("earlier"),
        reason=values.get("reason"),
        as_of=moment(values.get("as_of") or ""),
    )


def naming(document: Document, iepd: "Iepd", earlier: str) -> Document:
    """A copy that names this earlier message; where the message names none, neither does the copy."""
    twin = Document(deepcopy(document.root))
    element = _element(twin, iepd.message_paths.get("earlier", ()))
    if element is not None and element is not twin.root and text(element).strip():
        del element[:]
        element.text = earlier
    return twin


AHEAD_MAX = timedelta(days=1)
"""How far a sender's clock and its idea of time zones may be off. Ages are counted up to the as-of time, so one that
lies far ahead would make adults of juveniles."""


def find_impossible(document: Document, iepd: "Iepd", header: Header, *, now: datetime) -> tuple[Finding, ...]:
    """A finding when the as-of time of a valid message cannot be: no moment at all, or far ahead of its reception."""
    if header.as_of is not None and header.as_of <= now + AHEAD_MAX:
        return ()
    element = _element(document, iepd.message_paths.get("as_of", ()))
    if element is None or element is document.root or not text(element).strip():
        return ()
    if header.as_of is None:
        code, words = "message.as-of-impossible", "this is not a moment that can be: a year has four digits"
    else:
        code, words = "message.as-of-ahead", "this is more than a day ahead of the reception of the message"
    path = Locator(iepd.prefixes).locate(element)
    return (Finding(code=code, text=words, path=path, line=line_of(element)),)


def _value(document: Document, path: tuple[str, ...]) -> str | None:
    element = _element(document, path)
    return None if element is None else text(element).strip() or None


def _element(document: Document, path: tuple[str, ...]) -> etree._Element | None:
    element: etree._Element | None = document.root
    for step in path:
        element = next(element.iterchildren(step), None) if element is not None else None
    return element


def moment(value: str) -> datetime | None:
    """An xs:dateTime or xs:date as a moment in UTC; None when it is neither, or beyond what Python can hold."""
    match = _MOMENT.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6))
    fraction = int((match[7] or "").ljust(6, "0"))
    try:
        zone = UTC if match[9] is None else timezone(_offset(match[9], match[10], match[11]))
        # xs:dateTime allows 24:00:00 for the midnight that ends the day.
        start = datetime(year, month, day, 0 if hour == 24 else hour, minute, second, fraction, tzinfo=zone)
        return (start + timedelta(days=1) if hour == 24 else start).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(sign: str, hours: str, minutes: str) -> timedelta:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if sign == "-" else offset
