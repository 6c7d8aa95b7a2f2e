"""Destruction notice: what a past recipient is told when our copies are gone, as a small XML document of its own.

    <DestructionNotice xmlns="urn:gateway:destruction-notice:1.0" id="019a…">
      <Reason>expunged</Reason>
      <DestroyedAt>2026-03-02T12:00:00.00Z</DestroyedAt>
      <Owner>harlan-county-jail</Owner>
      <Agreement>JAIL-PD-2026-01@1</Agreement>
      <Message>019a…</Message>                     of an early destruction
      <Count>2</Count>
      <Dissemination>019a…</Dissemination>         as the Covers name them, at most 1,000
      <Duty>destroy-and-attest</Duty>              or: keep-until
      <AttestBy>2026-03-12</AttestBy>
    </DestructionNotice>

Its schema is `xsd/destruction-notice/1.0.xsd`. It holds ids, dates and codes only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr

from gateway.agency import AgencyId
from gateway.clock import timestamp
from gateway.message import MessageId
from gateway.retention.plan import Why

EXCHANGE = "destruction-notice/1.0"
NAMESPACE = "urn:gateway:destruction-notice:1.0"
PURPOSE = "destruction-notice"
LISTED_MAX = 1000


class Duty(StrEnum):
    """What the recipient is to do."""

    KEEP_UNTIL = "keep-until"  # destroy its own copies by the dates on their Covers
    DESTROY_AND_ATTEST = "destroy-and-attest"  # destroy them now, and say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """message: of an early destruction; None = time was up. attest_by: None when nothing is to be attested."""

    id: str
    why: Why
    at: datetime
    owner: AgencyId
    mou: str
    disseminations: Sequence[str]
    message: MessageId | None = None
    attest_by: date | None = None

    @property
    def duty(self) -> Duty:
        """What the recipient is to do."""
        return Duty.DESTROY_AND_ATTEST if self.attest_by else Duty.KEEP_UNTIL


def notice_xml(notice: Notice) -> bytes:
    """The document, UTF-8."""
    lines = [
        f"<DestructionNotice xmlns={quoteattr(NAMESPACE)} id={quoteattr(notice.id)}>",
        _element("Reason", notice.why.value),
        _element("DestroyedAt", timestamp(notice.at)),
        _element("Owner", notice.owner),
        _element("Agreement", notice.mou),
        *([_element("Message", notice.message)] if notice.message else []),
        _element("Count", str(len(notice.disseminations))),
        *(_element("Dissemination", each) for each in notice.disseminations[:LISTED_MAX]),
        _element("Duty", notice.duty.value),
        *([_element("AttestBy", notice.attest_by.isoformat())] if notice.attest_by else []),
        "</DestructionNotice>",
    ]
    return "\n".join(lines).encode()


def told(notice: Notice) -> str:
    """The same for people: it stands on the Cover."""
    count = len(notice.disseminations)
    what = f"{count} copies" if count > 1 else "the copy"
    if notice.attest_by is None:
        return (
            f"Destruction notice: the time of {what} that the gateway kept of what you got is up; what it kept is "
            "destroyed. Destroy yours by the dates on their Covers."
        )
    return (
        f"Destruction notice ({notice.why.value}): the gateway has destroyed {what} that it kept of what you got. "
        f"Destroy yours now, with all copies of them, and attest it by {notice.attest_by.isoformat()}."
    )


def _element(name: str, text: str) -> str:
    return f"  <{name}>{escape(text)}</{name}>"
