"""Period: the days a report covers, in UTC, as people write them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.errors import Refused

_FORMS = re.compile(r"(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?))?")


class PeriodUnreadable(Refused):
    """The text says no period of days."""

    code = "report.bad-period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From one moment up to, not including, another.

    text  as it was asked for, such as "2026-Q3"
    """

    since: datetime
    until: datetime
    text: str

    def __post_init__(self) -> None:
        if not self.since < self.until:
            raise ValueError("a period lasts some time")

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    @property
    def words(self) -> str:
        """With its bounds: "2026-Q3: 2026-07-01 to 2026-09-30, both days included, UTC"."""
        last = (self.until - timedelta(microseconds=1)).date()
        return f"{self.text}: {self.since.date()} to {last}, both days included, UTC"


def read_period(text: str) -> Period:
    """The period: a year 2026, a quarter 2026-Q3, a month 2026-11, a day 2026-11-25, or FROM/TO of any two of these,
    the whole of TO included. Raises `PeriodUnreadable`."""
    first, slash, last = text.partition("/")
    since, until = _days(first, text)
    if slash:
        until = _days(last, text)[1]
    if until <= since:
        raise PeriodUnreadable(f"{text!r} ends before it begins")
    return Period(since=_midnight(since), until=_midnight(until), text=text)


def _days(text: str, whole: str) -> tuple[date, date]:
    """First day, and the day after the last."""
    form = _FORMS.fullmatch(text)
    try:
        days = _bounds(form) if form else None
    except (ValueError, OverflowError):  # a month 13, a day 30 of February, a year 0
        days = None
    if days is None:
        raise PeriodUnreadable(
            f"{whole!r} is no period: write 2026, 2026-Q3, 2026-11, 2026-11-25, or FROM/TO of two of these"
        )
    return days


def _bounds(form: re.Match[str]) -> tuple[date, date]:
    year = int(form["year"])
    if form["day"]:
        first = date(year, int(form["month"]), int(form["day"]))
        return first, first + timedelta(days=1)
    if form["month"]:
        month = int(form["month"])
        return date(year, month, 1), _month_after(year, month)
    if form["quarter"]:
        last = 3 * int(form["quarter"])
        return date(year, last - 2, 1), _month_after(year, last)
    return date(year, 1, 1), _month_after(year, 12)


def _month_after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
