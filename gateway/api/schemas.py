"""The JSON that REST answers with, as models: the OpenAPI schemas are made of them. Names are a contract."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.agency import AGENCY_ID

Id = Annotated[str, Field(examples=["019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d"])]
Agency = Annotated[str, Field(examples=["millbrook-police"])]
Digest = Annotated[str, Field(examples=["sha-256:" + "5f" * 32], pattern="^sha-256:[0-9a-f]{64}$")]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Recipient(_Answer):
    """What becomes of the message for one recipient."""

    agency: Agency
    outcome: Literal["accepted", "refused"]
    code: Annotated[str, Field(description="why it is refused; empty otherwise")]
    delivery: Annotated[str | None, Field(description="id of the delivery, when there is one")]


class Accepted(_Answer):
    """The message is stored; this is the sender's proof."""

    id: Id
    sender_id: Annotated[str, Field(description="your Idempotency-Key, or the one the gateway made")]
    received_at: datetime
    digest: Digest
    recipients: list[Recipient]
    entry: Annotated[str, Field(description="id of the audit entry")]
    receipt: Annotated[str, Field(description="signed note (C2SP); names the entry's leaf hash in the audit log")]


class WouldReceive(_Answer):
    """What one partner would receive of a message that is tried, or why nothing."""

    agency: Agency
    outcome: Literal["would-receive", "refused"]
    code: Annotated[str, Field(description="why it would receive nothing; empty otherwise, and then so is the rest")]
    mou: Annotated[str, Field(examples=["JAIL-PD-2026-01@1"])]
    clauses: list[str]
    purpose: str
    role: str
    shared: Annotated[int, Field(description="places that would go as they are")]
    withheld: Annotated[dict[str, int], Field(description="per label, places that would not go")]
    reduced: Annotated[dict[str, int], Field(description="per label, places that would go in a lesser form")]
    withdrawal: Annotated[bool, Field(description="only that the earlier message is void")]
    consent_decides: Annotated[
        bool, Field(description="law lets more go where the person consented; the sandbox asks for no consents")
    ]
    payload: Annotated[str | None, Field(description="the message as this partner would get it, without signature")]
    omitted: Annotated[Literal["", "pseudonyms", "size"], Field(description="why `payload` is null")]


class Rehearsed(_Answer):
    """What would become of the message. Nothing of it was kept, shared or delivered, and there is no receipt."""

    exchange: Annotated[str, Field(examples=["custody-release/1.0"])]
    tried_at: datetime
    recipients: list[WouldReceive]
    entry: Annotated[str, Field(description="id of the audit entry that says it was tried")]


class DeliveryState(_Answer):
    """How one delivery stands."""

    delivery: Id
    recipient: Agency
    state: Annotated[str, Field(examples=["waiting", "delivered"])]
    attempts: int
    delivered_at: datetime | None
    code: Annotated[str, Field(description="of the last failure; empty when there was none")]


class EmergencyState(DeliveryState):
    """An emergency release of the message, under no agreement: when, why, and how it stands."""

    at: datetime
    reason: Annotated[str, Field(examples=["imminent-danger"])]


class MessageState(_Answer):
    """How a message and its deliveries stand."""

    id: Id
    sender_id: str
    exchange: Annotated[str, Field(examples=["custody-release/1.0"])]
    action: Literal["new", "update", "correct", "cancel"]
    earlier: str | None
    received_at: datetime
    as_of: datetime | None
    digest: Digest
    deliveries: list[DeliveryState]
    emergency: Annotated[list[EmergencyState], Field(description="releases of your data in an emergency")]


class InboxItem(_Answer):
    """One delivery that waits for you."""

    delivery: Id
    message: Id
    sender: Agency
    exchange: Annotated[str, Field(examples=["custody-release/1.0"])]
    mou: Annotated[str, Field(examples=["JAIL-PD-2026-01@1"])]
    received_at: datetime
    urgent: Annotated[bool, Field(description="a correction, cancellation or emergency release: read it first")]
    payload_url: Annotated[str, Field(description="relative to this address")]
    cover_url: Annotated[str, Field(description="relative to this address")]
    notice_url: Annotated[str, Field(description="handling notice for people; relative to this address")]


class InboxPage(_Answer):
    """What waits, oldest first."""

    items: list[InboxItem]
    next: Annotated[int, Field(description="`after` of the next page; the same as asked when nothing waits")]


class Acknowledged(_Answer):
    """The delivery is done."""

    delivery: Id
    state: Literal["delivered"]
    delivered_at: datetime | None


class FindingOut(_Answer):
    """One thing that is wrong with your message. The text never holds a value of it."""

    code: Annotated[str, Field(examples=["schema.missing-element"])]
    severity: Literal["error", "warning"]
    path: Annotated[str, Field(examples=["/cr:CustodyRelease/cr:Subject[1]"])]
    line: int | None
    text: str


class ProblemOut(_Answer):
    """RFC 9457 problem. Programs go by `code`; `detail` is for people and may change."""

    type: Annotated[str, Field(examples=["urn:justice-gateway:problem:message.invalid"])]
    title: Annotated[str, Field(examples=["The message is not acceptable"])]
    status: Annotated[int, Field(examples=[422])]
    detail: str
    code: Annotated[str, Field(examples=["message.invalid"])]
    correlation: Annotated[str, Field(description="name it to the operator: it is in the gateway's log")]
    findings: list[FindingOut]
    recipients: Annotated[
        list[Recipient], Field(description="when nobody may have the message: each one's outcome")
    ] = []


class Person(BaseModel):
    """Who signed: numbers that agencies gave, or first and last name and birth date. Hashed, and kept nowhere."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sid: Annotated[str | None, Field(description="state ID number", max_length=64)] = None
    fbi: Annotated[str | None, Field(description="FBI number", max_length=64)] = None
    doc: Annotated[str | None, Field(description="corrections number", max_length=64)] = None
    given: Annotated[str | None, Field(max_length=100)] = None
    last: Annotated[str | None, Field(max_length=100)] = None
    born: Annotated[str | None, Field(description="YYYY-MM-DD", pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = None


class ConsentRequest(BaseModel):
    """A signed consent. Its paper stays with you; its digest says which one it is."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    person: Person
    labels: Annotated[list[str], Field(min_length=1, max_length=40, examples=[["sud.*"]])]
    # Of its form here already: an error about an agency that is not known names it.
    recipient: Annotated[Agency, Field(pattern=f"^{AGENCY_ID.pattern}$", max_length=63)]
    purpose: Annotated[str, Field(examples=["supervision"], max_length=64)]
    since: Annotated[date, Field(alias="from", description="first day")]
    until: Annotated[date, Field(description="last day, that day included")]
    document: Digest


class ConsentState(_Answer):
    """A consent as it stands."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: Id
    holder: Agency
    recipient: Agency
    purpose: str
    labels: list[str]
    since: Annotated[date, Field(alias="from")]
    until: date
    document: Digest
    revoked: datetime | None


class ConsentList(_Answer):
    """Consents, newest first."""

    items: list[ConsentState]
    next: Annotated[str | None, Field(description="give it as `before` for the next page; null at the end")]
