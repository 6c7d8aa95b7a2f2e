"""Personal data in an answer: only for a person with a key and a reason; each record opened is an entry."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry
from gateway.document.parse import Document
from gateway.document.parse import text as text_of
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.exchange.requeue import REASON, REASON_LENGTH_MAX, BadReason
from gateway.exchange.stored import open_stored
from gateway.iepd.catalog import Steps
from gateway.iepd.package import Iepd
from gateway.message import MessageId
from gateway.store.messages import MessageRecord

RECORDS_MAX = 200
"""Records that one answer opens: who needs more names of persons asks for a shorter period."""

NAME = "person.name"
DESTROYED = "(destroyed)"
NAME_LENGTH_MAX = 200


class TooMuchRevealed(Refused):
    """More records would be opened than one question may open."""

    code = "report.too-much-revealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """Who wants to see persons, and why. reason: lower case words joined by hyphens; it stands in the log."""

    by: Acting
    reason: str


async def revealed(gateway: Gateway, messages: Iterable[str], reveal: Reveal | None) -> dict[str, str]:
    """Per message, the names of persons in it; `DESTROYED` when its time is over. {} when nobody asked.

    One signed entry for each record, written before any is opened. Raises `TooMuchRevealed`, `BadReason`, and what
    `allowed` raises: an officer of the operator, or of the agency whose record it is.
    """
    if reveal is None:
        return {}
    check_reason(reveal.reason)
    asked = list(dict.fromkeys(messages))
    if len(asked) > RECORDS_MAX:
        raise TooMuchRevealed(f"{len(asked)} records would be opened; {RECORDS_MAX} at most: narrow the question")
    records = {id: await gateway.store.message(MessageId(id)) for id in asked}
    await gateway.store.record([_entry(gateway, record, reveal) for record in records.values() if record is not None])
    return {id: DESTROYED if record is None else _names(gateway, record) for id, record in records.items()}


def check_reason(reason: str) -> None:
    """Raises `BadReason`."""
    if len(reason) > REASON_LENGTH_MAX or not REASON.fullmatch(reason):
        raise BadReason(f"a reason is lower case words joined by hyphens, at most {REASON_LENGTH_MAX} characters")


def _entry(gateway: Gateway, record: MessageRecord, reveal: Reveal) -> AuditEntry:
    message, now = record.message, gateway.clock.now()
    person = allowed(gateway, reveal.by, OFFICERS, OPERATOR, message.sender)
    return sign_entry(
        gateway,
        EntryType.READ,
        reveal.by,
        person,
        at=now,
        parties=(message.sender,),
        message=message.id,
        kind="report",
        reason=reveal.reason,
    )


def _names(gateway: Gateway, record: MessageRecord) -> str:
    try:
        document = open_stored(gateway, record)
    except Refused:  # its key is destroyed; the row stands for a while yet
        return DESTROYED
    return names_in(document, gateway.current.iepds[record.message.exchange])


def names_in(document: Document, iepd: Iepd) -> str:
    """The names of persons that a message holds, each once, in document order."""
    paths = {field.path for field in iepd.catalog.select(NAME)}
    named: dict[etree._Element | None, list[str]] = {}
    for element, path in _places(document.root, ()):
        if path in paths and (part := text_of(element).strip()):
            named.setdefault(element.getparent(), []).append(part)
    return "; ".join(dict.fromkeys(" ".join(parts) for parts in named.values()))[:NAME_LENGTH_MAX]


def _places(element: etree._Element, path: Steps) -> Iterator[tuple[etree._Element, Steps]]:
    yield element, path
    for child in element.iterchildren("*"):
        yield from _places(child, (*path, str(child.tag)))
