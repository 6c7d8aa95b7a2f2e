"""Outcome: what one try to deliver came to, in the gateway's own words whatever the transport."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class OutcomeKind(StrEnum):
    """What the try tells us."""

    ACKNOWLEDGED = "acknowledged"  # the recipient has it and said so
    DUPLICATE = "duplicate"  # the recipient says it has it already; see `earlier`
    REFUSED = "refused"  # the recipient will never take this message as it is
    FAILED = "failed"  # it did not arrive
    UNKNOWN = "unknown"  # no whole answer: it may have arrived
    RETRY_LATER = "retry-later"  # the recipient asks for time


MAY_HAVE_ARRIVED: Final = frozenset(
    {
        "delivery.no-answer",
        "delivery.time-out",
        "delivery.answer-not-soap",
        "delivery.answer-malformed",
        "delivery.answer-unrelated",
        "delivery.http-502",
        "delivery.http-504",
        "agency.suspended",  # broken off on its way, because the recipient was shut out
    }
)
"""The codes of UNKNOWN outcomes, whether or not time is asked for: the log's word for a try tells whether it may have
arrived."""


class Evidence(StrEnum):
    """What proves a delivery."""

    TRANSPORT = "transport"  # a 2xx, a SOAP answer without Fault, an inbox acknowledgement
    SIGNED = "signed"  # a receipt with the recipient's signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one try.

    code         what went wrong, "" when nothing did; ours, never text from the partner
    retry_after  the time the recipient asks for, as it was asked: bounds are the schedule's
    """

    kind: OutcomeKind
    code: str = ""
    evidence: Evidence | None = None
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        delivered = self.kind in (OutcomeKind.ACKNOWLEDGED, OutcomeKind.DUPLICATE)
        if delivered != (self.evidence is not None):
            raise ValueError("an outcome has evidence exactly when the recipient says that it has the message")
        if self.kind is not OutcomeKind.ACKNOWLEDGED and not self.code:
            raise ValueError("an outcome that is not an acknowledgement has a code")
        may_have_arrived = self.kind in (OutcomeKind.UNKNOWN, OutcomeKind.RETRY_LATER)
        if self.kind is OutcomeKind.UNKNOWN and self.code not in MAY_HAVE_ARRIVED:
            raise ValueError("the code of an unknown outcome says that it may have arrived")
        if self.code in MAY_HAVE_ARRIVED and not may_have_arrived:
            raise ValueError("a code that says that it may have arrived is that of an unknown outcome")

    @property
    def answered(self) -> bool:
        """The endpoint works: it took the message or judged it. Its circuit breaker asks."""
        return self.kind in (OutcomeKind.ACKNOWLEDGED, OutcomeKind.DUPLICATE, OutcomeKind.REFUSED)


def acknowledged(evidence: Evidence = Evidence.TRANSPORT) -> Outcome:
    """The recipient has it."""
    return Outcome(kind=OutcomeKind.ACKNOWLEDGED, evidence=evidence)


def duplicate(code: str) -> Outcome:
    """The recipient says it has it already."""
    return Outcome(kind=OutcomeKind.DUPLICATE, code=code, evidence=Evidence.TRANSPORT)


def refused(code: str) -> Outcome:
    """The recipient will not take it."""
    return Outcome(kind=OutcomeKind.REFUSED, code=code)


def failed(code: str) -> Outcome:
    """It did not arrive."""
    return Outcome(kind=OutcomeKind.FAILED, code=code)


def unknown(code: str) -> Outcome:
    """It may have arrived."""
    return Outcome(kind=OutcomeKind.UNKNOWN, code=code)


def retry_later(code: str, wait: timedelta) -> Outcome:
    """The recipient asks for time."""
    return Outcome(kind=OutcomeKind.RETRY_LATER, code=code, retry_after=wait)
