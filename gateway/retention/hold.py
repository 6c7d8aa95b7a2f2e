"""Hold: an order that stops destruction. What it covers, and while it stands. It wins over everything else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.message import MessageId
from gateway.retention.kept import Kept
from gateway.user import UserId

AUTHORITY_LENGTH_MAX = 200


class Cause(StrEnum):
    """Why destruction is stopped: the code that stands in the log."""

    LITIGATION = "litigation"  # pending or expected before a court
    INVESTIGATION = "investigation"
    RECORDS_REQUEST = "records-request"  # somebody asked for it by law, and has not been answered
    AUDIT = "audit"
    OTHER = "other"


class HoldScopeEmpty(Refused):
    """A hold names what it covers."""

    code = "hold.scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which messages: those that fit everything that is named. A hold covers all that is kept of them.

    mou           an agreement's id, or one version of it, id@version
    agency        who sent it, or gets something of it
    since, until  when it was received: from one moment up to, not including, another
    """

    message: MessageId | None = None
    mou: str | None = None
    agency: AgencyId | None = None
    exchange: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if not any((self.message, self.mou, self.agency, self.exchange, self.since, self.until)):
            raise HoldScopeEmpty(
                "a hold names what it covers: a message, an agreement, an agency, a record type, a time"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One legal hold. A released one stays, for the record.

    authority  who ordered it and under which number, as the officer wrote it down
    by         account of the officer; agency: for whom they speak, "" = the gateway's operator
    until      when it ends by itself; None = when it is released
    """

    id: str
    scope: Scope
    cause: Cause
    authority: str
    by: UserId
    agency: AgencyId
    at: datetime
    until: datetime | None = None
    released_at: datetime | None = None
    released_by: UserId | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it stops anything now."""
        return self.released_at is None and (self.until is None or now < self.until)


def covers(scope: Scope, message: Iterable[Kept]) -> bool:
    """Whether a hold with this scope covers a message, of which everything that is or was kept is given."""
    parts = tuple(message)
    return all(
        (
            scope.message is None or any(each.message == scope.message for each in parts),
            scope.mou is None or any(_is_under(each.mou, scope.mou) for each in parts),
            scope.agency is None or any(scope.agency in {each.sender, each.recipient} for each in parts),
            scope.exchange is None or any(each.exchange == scope.exchange for each in parts),
            scope.since is None or any(each.at >= scope.since for each in parts),
            scope.until is None or any(each.at < scope.until for each in parts),
        )
    )


def _is_under(mou: str, wanted: str) -> bool:
    return wanted in {mou, mou.rpartition("@")[0]}
