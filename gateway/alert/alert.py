"""Alert: something that somebody must see to. A code, whom or what it is about, and how many; never content.

Codes are a contract: monitors and ticket systems ask for them. Each has its severity, a sentence, and the command that
shows more.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@/_-]{0,119}|")
"""Ids and names of ours: an agency, "JAIL-PD-2026-01@2", a key, a way; "" = the gateway as a whole."""


class Severity(StrEnum):
    """How soon."""

    CRITICAL = "critical"  # now, at night too: nothing may be released, or proof is at stake
    WARNING = "warning"  # on the next working day
    NOTE = "note"  # somebody should have seen it


class Code(StrEnum):
    """What there is to see to."""

    LOG_NOT_WRITTEN = "log.not-written"
    LOG_BEHIND = "log.behind"
    LOG_ALTERED = "log.altered"
    LOG_VERIFY_FAILED = "log.verify-failed"
    PARTNER_LOG = "log.partner-altered"
    CLOCK_STEPPED = "clock.stepped"
    CLOCK_BEHIND = "clock.behind"
    DEADLINE_MISSED = "delivery.deadline-missed"
    UNDELIVERABLE = "delivery.undeliverable"
    EXPIRED = "delivery.expired"
    BACKLOG = "delivery.backlog"
    REPLY_STUCK = "reply.undeliverable"
    MOU_ENDS = "mou.ends-soon"
    MOU_OVER = "mou.over"
    MOU_REVIEW = "mou.review-overdue"
    KEY_EXPIRES = "key.expires"
    CREDENTIAL_EXPIRES = "credential.expires"
    CRL_EXPIRES = "crl.expires"
    INTELLIGENCE_REVIEW = "cfr23.review-due"
    RETENTION_OVERDUE = "retention.overdue"
    RETENTION_UNATTESTED = "retention.unattested"
    LOG_REVIEW = "audit.review-overdue"
    EMERGENCY = "emergency.released"
    NOT_SENT = "alerts.not-sent"
    TEST = "alerts.test"


@dataclass(frozen=True, slots=True)
class Means:
    """What a code means to people. do: the command that shows more, or mends it."""

    severity: Severity
    says: str
    do: str


MEANS: dict[Code, Means] = {
    Code.LOG_NOT_WRITTEN: Means(
        Severity.CRITICAL,
        "Audit entries cannot be written. Nothing is accepted, released, read or changed until they can.",
        "gateway doctor",
    ),
    Code.LOG_BEHIND: Means(
        Severity.CRITICAL,
        "Entries wait longer than 10 seconds for their place in the signed log: receipts promise it.",
        "gateway doctor",
    ),
    Code.LOG_ALTERED: Means(
        Severity.CRITICAL,
        "The stored log is not the one that was signed last. Nothing is signed on top of it.",
        "gateway audit verify",
    ),
    Code.LOG_VERIFY_FAILED: Means(
        Severity.CRITICAL, "Reading the log again found that it differs from what was signed.", "gateway audit verify"
    ),
    Code.PARTNER_LOG: Means(
        Severity.CRITICAL,
        "A partner's log does not go on from a head that was countersigned here: put back, or rewritten.",
        "gateway audit troubles",
    ),
    Code.CLOCK_STEPPED: Means(
        Severity.WARNING, "The clock was set by more than it may; times around then are doubtful.", "gateway doctor"
    ),
    Code.CLOCK_BEHIND: Means(
        Severity.CRITICAL, "The clock is behind entries that are already in the log.", "gateway doctor"
    ),
    Code.DEADLINE_MISSED: Means(
        Severity.CRITICAL,
        "Notices are past the deadline that their agreement sets and have not arrived.",
        "gateway deliveries list --state waiting",
    ),
    Code.UNDELIVERABLE: Means(
        Severity.WARNING, "Deliveries were given up after all their tries.", "gateway deliveries list"
    ),
    Code.EXPIRED: Means(Severity.WARNING, "Deliveries were not fetched or taken in time.", "gateway deliveries list"),
    Code.REPLY_STUCK: Means(
        Severity.WARNING,
        "Answers to an agency's registered address were given up: its system is left without them.",
        "gateway replies list",
    ),
    Code.BACKLOG: Means(
        Severity.WARNING,
        "Deliveries have been due for more than 15 minutes.",
        "gateway deliveries list --state waiting",
    ),
    Code.MOU_ENDS: Means(Severity.WARNING, "An agreement's last day is near.", "gateway mou status"),
    Code.MOU_OVER: Means(
        Severity.WARNING,
        "An agreement's last day is past: nothing goes under it, and nobody ended it.",
        "gateway mou status",
    ),
    Code.MOU_REVIEW: Means(Severity.WARNING, "An agreement's review date is past.", "gateway mou status"),
    Code.KEY_EXPIRES: Means(
        Severity.WARNING, "A certificate of the gateway, or its revocation list, ends soon.", "gateway doctor"
    ),
    Code.CREDENTIAL_EXPIRES: Means(
        Severity.WARNING, "An agency's certificate or token ends soon.", "gateway agency show AGENCY"
    ),
    Code.CRL_EXPIRES: Means(
        Severity.WARNING,
        "A revocation list of an agency's authority is about to be out of date, or is.",
        "gateway agency show AGENCY",
    ),
    Code.INTELLIGENCE_REVIEW: Means(
        Severity.WARNING,
        "Criminal intelligence is due for the review that 28 CFR 23.20(h) asks for.",
        "gateway report cfr23-review",
    ),
    Code.RETENTION_OVERDUE: Means(
        Severity.WARNING, "Records are past their day of destruction.", "gateway retention due"
    ),
    Code.RETENTION_UNATTESTED: Means(
        Severity.WARNING, "Partners have not said that they destroyed their copies.", "gateway retention due"
    ),
    Code.LOG_REVIEW: Means(
        Severity.WARNING, "The weekly review of the log is overdue (CJIS AU-6).", "gateway audit review"
    ),
    Code.EMERGENCY: Means(
        Severity.WARNING, "Messages were released in an emergency since the last review.", "gateway emergency list"
    ),
    Code.NOT_SENT: Means(Severity.WARNING, "Alerts cannot be sent by one of their ways.", "gateway alerts test"),
    Code.TEST: Means(Severity.NOTE, "This is a test of the way by which alerts come.", "gateway alerts list"),
}
"""A row for each code; a test compares them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something found now. One with the same code and subject is the same thing, whenever it is found."""

    code: Code
    subject: str = ""
    count: int = 1
    severity: Severity | None = None

    def __post_init__(self) -> None:
        if not SUBJECT.fullmatch(self.subject):
            raise ValueError("an alert is about an id of ours")
        if self.count < 0:
            raise ValueError("an alert counts from 0")

    @property
    def weight(self) -> Severity:
        """Its severity: the code's, unless this one is graver or lighter."""
        return self.severity or MEANS[self.code].severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An alert as it is kept. told_at: when it was last told or reminded of; cleared_at: None while it stands."""

    code: Code
    subject: str
    severity: Severity
    count: int
    raised_at: datetime
    told_at: datetime
    cleared_at: datetime | None = None
    silenced_until: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.code.value, self.subject

    def is_silent(self, now: datetime) -> bool:
        """Whether somebody asked not to be told of it for a time."""
        return self.silenced_until is not None and now < self.silenced_until


class News(StrEnum):
    """What is told of an alert."""

    RAISED = "raised"
    REMINDER = "reminder"
    CLEARED = "cleared"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One piece of news on its way out.

    way       by which it goes: webhook, mail
    attempts  tries so far; due_at: of the next one
    """

    id: str
    way: str
    news: News
    code: Code
    subject: str
    severity: Severity
    count: int
    raised_at: datetime
    made_at: datetime
    due_at: datetime
    attempts: int = 0
    last_error: str = ""
