"""Durations as agreements write them: "30 days", "48 hours", "1 year", or ISO 8601 ("P1Y", "PT48H").

A year counts 365 days and a month 30: what is kept "1 year" is due after 365 days, on every day of the calendar.
"""

import re
from datetime import timedelta

DAYS_MAX = 36_500
"""A century; anything longer is a slip of the pen."""

_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_WORDS = re.compile(r"([0-9]{1,5}) (minute|hour|day|week|month|year)s?")
_ISO = re.compile(
    r"P(?=.)(?:(?P<year>[0-9]{1,5})Y)?(?:(?P<month>[0-9]{1,5})M)?(?:(?P<week>[0-9]{1,5})W)?(?:(?P<day>[0-9]{1,5})D)?"
    r"(?:T(?=.)(?:(?P<hour>[0-9]{1,5})H)?(?:(?P<minute>[0-9]{1,5})M)?)?"
)

DURATION = rf"{_WORDS.pattern}|{re.sub('[?]P<[a-z]+>', '', _ISO.pattern)}"
"""Both forms as one pattern without names, for JSON Schema."""

NOTHING = "^(?:0+ |P[0YMWDTH]*$)"
"""What has the form of a duration and lasts no time at all, likewise."""


def parse_duration(text: str) -> timedelta | None:
    """The duration, more than nothing and at most a century; None when the text is not one."""
    words = _WORDS.fullmatch(text)
    if words:
        total = int(words[1]) * _UNITS[words[2]]
    else:
        iso = _ISO.fullmatch(text)
        if iso is None:
            return None
        total = sum((int(iso[unit] or 0) * length for unit, length in _UNITS.items()), timedelta())
    return total if timedelta() < total <= timedelta(days=DAYS_MAX) else None


def in_words(length: timedelta, *, months: bool = False) -> str:
    """The duration as agreements write it: "48 hours", "30 days", "7 years"; in hours up to three days, as in law.

    months  say months where it is some, as of what happens every month
    """
    for unit in ("year", *(["month"] if months else []), "day", "hour"):
        count, rest = divmod(length, _UNITS[unit])
        if count and not rest and (unit != "day" or count > 3):
            return f"{count} {unit}{'s' if count != 1 else ''}"
    minutes = max(1, round(length / _UNITS["minute"]))
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
