"""When there is something to see to: each condition a function of what the store and the process say. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from gateway.alert.alert import Alert, Code, Severity
from gateway.delivery.delivery import State

LAG_MAX: Final = timedelta(seconds=10)
"""A receipt promises its entry in the log within 10 s."""

BACKLOG_MAX: Final = timedelta(minutes=15)
CLOCK_STEP_MAX: Final = timedelta(seconds=5)
CLOCK_BEHIND_MAX: Final = timedelta(minutes=1)
"""Nodes' clocks differ by less when they are synchronized at all."""

REVIEW_EVERY: Final = timedelta(days=7)
"""CJIS Security Policy AU-6: at least weekly."""

REVIEW_GRACE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long before something ends it is told."""

    mou: timedelta = timedelta(days=60)
    certificate: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """An agreement in force, on trial or suspended: "JAIL-PD-2026-01@2" and its days."""

    mou: str
    until: date
    review_by: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """A certificate, key, token or revocation list, and its end.

    own    the gateway's, by name; else an agency's, by its id
    ahead  how long before it is told; None = as of certificates
    """

    name: str
    at: datetime
    own: bool
    ahead: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTerm:
    """A revocation list of an authority of an agency, from its day until the next one is due."""

    agency: str
    since: datetime
    until: datetime

    @property
    def urgent_from(self) -> datetime:
        """When three quarters of its time are over: authorities issue the next one well before."""
        return self.until - (self.until - self.since) / 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was looked at, at one moment. None = not known this time: what was found before stays as it is.

    deliveries     by recipient and state, as `Counts` has them
    replies        answers to registered addresses, by agency and state
    oldest         when the oldest waiting delivery fell due
    not_written    since when audit entries cannot be written
    altered        whether the sequencer refused to sign on top of the stored log
    verify_faults  findings of the last reading of the log
    partner_logs   agencies whose log does not go on from what was countersigned
    clock_step     by how much the clock was set since the last look
    newest_entry   time of the newest entry
    late           deliveries past their deadline, by recipient
    reviewed       until when the log was reviewed; where never, when it began
    emergencies    releases since the last review
    unsent         notices that several tries could not send, by way
    """

    now: datetime
    today: date
    limits: Limits = Limits()
    deliveries: tuple[tuple[str, State, int], ...] = ()
    replies: tuple[tuple[str, State, int], ...] = ()
    oldest: datetime | None = None
    unsequenced_since: datetime | None = None
    not_written: datetime | None = None
    altered: bool | None = False
    verify_faults: int | None = 0
    partner_logs: tuple[str, ...] = ()
    clock_step: timedelta = timedelta()
    newest_entry: datetime | None = None
    late: tuple[tuple[str, int], ...] = ()
    terms: tuple[Term, ...] = ()
    expiries: tuple[Expiry, ...] = ()
    lists: tuple[ListTerm, ...] = ()
    intelligence_due: int | None = 0
    retention_due: int | None = 0
    unattested: int | None = 0
    reviewed: datetime | None = None
    emergencies: int = 0
    unsent: tuple[tuple[str, int], ...] = field(default=())


Condition = Callable[[Seen], Iterator[Alert]]


def log_not_written(seen: Seen) -> Iterator[Alert]:
    """No log, no release: told at once."""
    if seen.not_written is not None:
        yield Alert(code=Code.LOG_NOT_WRITTEN)


def log_behind(seen: Seen) -> Iterator[Alert]:
    """The sequencer is stuck, or no worker runs."""
    if seen.unsequenced_since is not None and seen.now - seen.unsequenced_since > LAG_MAX:
        yield Alert(code=Code.LOG_BEHIND)


def log_wrong(seen: Seen) -> Iterator[Alert]:
    """The log is not what was signed."""
    if seen.altered:
        yield Alert(code=Code.LOG_ALTERED)
    if seen.verify_faults:
        yield Alert(code=Code.LOG_VERIFY_FAILED, count=seen.verify_faults)
    for partner in seen.partner_logs:
        yield Alert(code=Code.PARTNER_LOG, subject=partner)


def clock_trouble(seen: Seen) -> Iterator[Alert]:
    """The clock jumped, or is behind what is written."""
    if abs(seen.clock_step) > CLOCK_STEP_MAX:
        yield Alert(code=Code.CLOCK_STEPPED, count=int(abs(seen.clock_step).total_seconds()))
    if seen.newest_entry is not None and seen.newest_entry - seen.now > CLOCK_BEHIND_MAX:
        yield Alert(code=Code.CLOCK_BEHIND, count=int((seen.newest_entry - seen.now).total_seconds()))


def late_deadlines(seen: Seen) -> Iterator[Alert]:
    """What an agreement sets a deadline for has not arrived by then."""
    for recipient, count in seen.late:
        yield Alert(code=Code.DEADLINE_MISSED, subject=recipient, count=count)


def stuck_deliveries(seen: Seen) -> Iterator[Alert]:
    """Given up, or gone by."""
    codes = {State.UNDELIVERABLE: Code.UNDELIVERABLE, State.EXPIRED: Code.EXPIRED}
    for recipient, state, count in seen.deliveries:
        if state in codes and count:
            yield Alert(code=codes[state], subject=recipient, count=count)


def stuck_replies(seen: Seen) -> Iterator[Alert]:
    """Answers that were given up, or whose time is over."""
    stuck = Counter[str]()
    for agency, state, count in seen.replies:
        if state in (State.UNDELIVERABLE, State.EXPIRED):
            stuck[agency] += count
    for agency, count in sorted(stuck.items()):
        yield Alert(code=Code.REPLY_STUCK, subject=agency, count=count)


def backlog(seen: Seen) -> Iterator[Alert]:
    """Partners are away, or the worker is."""
    if seen.oldest is not None and seen.now - seen.oldest > BACKLOG_MAX:
        waiting = sum(count for _, state, count in seen.deliveries if state is State.WAITING)
        yield Alert(code=Code.BACKLOG, count=waiting)


def agreements(seen: Seen) -> Iterator[Alert]:
    """An agreement ends, has ended without anybody ending it, or was not reviewed."""
    for term in seen.terms:
        if term.until < seen.today:
            yield Alert(code=Code.MOU_OVER, subject=term.mou)
        elif term.until <= seen.today + seen.limits.mou:
            yield Alert(code=Code.MOU_ENDS, subject=term.mou, count=(term.until - seen.today).days)
        if term.review_by is not None and term.review_by < seen.today:
            yield Alert(code=Code.MOU_REVIEW, subject=term.mou, count=(seen.today - term.review_by).days)


def expiries(seen: Seen) -> Iterator[Alert]:
    """Certificates and tokens: of the gateway by key, of agencies by agency. What has ended already is critical."""
    ending = [each for each in seen.expiries if each.at - seen.now <= (each.ahead or seen.limits.certificate)]
    for own, code in ((True, Code.KEY_EXPIRES), (False, Code.CREDENTIAL_EXPIRES)):
        of = [each for each in ending if each.own is own]
        for name, count in sorted(Counter(each.name for each in of).items()):
            over = any(each.at <= seen.now for each in of if each.name == name)
            yield Alert(code=code, subject=name, count=count, severity=Severity.CRITICAL if over else None)


def revocation_lists(seen: Seen) -> Iterator[Alert]:
    """What authorities revoke is not known here soon, or is not any more: then it is critical."""
    ending = [each for each in seen.lists if each.urgent_from <= seen.now]
    for agency, count in sorted(Counter(each.agency for each in ending).items()):
        over = any(each.until <= seen.now for each in ending if each.agency == agency)
        severity = Severity.CRITICAL if over else None
        yield Alert(code=Code.CRL_EXPIRES, subject=agency, count=count, severity=severity)


def destruction(seen: Seen) -> Iterator[Alert]:
    """Due and not done, or not attested; intelligence to be reviewed."""
    rows = (
        (Code.INTELLIGENCE_REVIEW, seen.intelligence_due),
        (Code.RETENTION_OVERDUE, seen.retention_due),
        (Code.RETENTION_UNATTESTED, seen.unattested),
    )
    for code, count in rows:
        if count:
            yield Alert(code=code, count=count)


def log_review(seen: Seen) -> Iterator[Alert]:
    """Nobody looked through the log for more than a week, with a day's grace."""
    if seen.reviewed is not None and seen.now - seen.reviewed > REVIEW_EVERY + REVIEW_GRACE:
        yield Alert(code=Code.LOG_REVIEW, count=(seen.now - seen.reviewed).days)


def emergencies(seen: Seen) -> Iterator[Alert]:
    """Released in an emergency, until somebody has reviewed the week it was in."""
    if seen.emergencies:
        yield Alert(code=Code.EMERGENCY, count=seen.emergencies)


def not_sent(seen: Seen) -> Iterator[Alert]:
    """One way is closed; the other tells of it."""
    for way, count in seen.unsent:
        yield Alert(code=Code.NOT_SENT, subject=way, count=count)


CONDITIONS: tuple[Condition, ...] = (
    log_not_written,
    log_behind,
    log_wrong,
    clock_trouble,
    late_deadlines,
    stuck_deliveries,
    stuck_replies,
    backlog,
    agreements,
    expiries,
    revocation_lists,
    destruction,
    log_review,
    emergencies,
    not_sent,
)

_UNKNOWN: tuple[tuple[Code, Callable[[Seen], object]], ...] = (
    (Code.LOG_ALTERED, lambda seen: seen.altered),
    (Code.LOG_VERIFY_FAILED, lambda seen: seen.verify_faults),
    (Code.INTELLIGENCE_REVIEW, lambda seen: seen.intelligence_due),
    (Code.RETENTION_OVERDUE, lambda seen: seen.retention_due),
    (Code.RETENTION_UNATTESTED, lambda seen: seen.unattested),
)


def found(seen: Seen) -> tuple[Alert, ...]:
    """Everything there is to see to."""
    return tuple(alert for condition in CONDITIONS for alert in condition(seen))


def unknown(seen: Seen) -> frozenset[Code]:
    """Codes that could not be judged this time."""
    return frozenset(code for code, value in _UNKNOWN if value(seen) is None)
