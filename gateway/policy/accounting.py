"""Accounting of disclosures of health information: what of them a person is told (45 CFR 164.528). Pure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from gateway.agency import AgencyId, AgencyKind
from gateway.errors import Refused
from gateway.policy.disclosure import Suspension

YEARS = 6
"""How far back an account goes: 164.528(a)(1)."""

ORAL_DAYS_MAX = 30
"""A suspension that was only asked for in words: 164.528(a)(2)(ii)(C)."""

CUSTODY = "45 CFR 164.528(a)(1)(vii)"
"""What goes to correctional institutions and law enforcement in custody, 164.512(k)(5), need not be in an account."""

_CUSTODIANS = frozenset({AgencyKind.JAIL, AgencyKind.PRISON, AgencyKind.POLICE, AgencyKind.SHERIFF})
_CUSTODY_PURPOSES = frozenset(
    {"health-care", "custody-safety", "transport-safety", "facility-law-enforcement", "facility-order"}
)


class OralTooLong(Refused):
    """A suspension that was only said is good for 30 days at most; a longer one needs a written statement."""

    code = "accounting.oral-too-long"


class SuspensionOver(Refused):
    """Its last day lies before its first."""

    code = "accounting.over"


def exempt(purpose: str, kind: AgencyKind | None) -> str:
    """The section that leaves a disclosure out of accounts; "" when it has to be in."""
    return CUSTODY if purpose in _CUSTODY_PURPOSES and kind in _CUSTODIANS else ""


def suspended(suspensions: Iterable[Suspension], recipient: AgencyId, on: date) -> Suspension | None:
    """The suspension that leaves out what this agency was given, on this day: the one that holds longest."""
    found = [each for each in suspensions if each.agency == recipient and each.holds(on)]
    return max(found, key=lambda each: each.until, default=None)


def check_suspension(since: date, until: date, *, written: bool) -> None:
    """Raises `SuspensionOver`, `OralTooLong`."""
    if until < since:
        raise SuspensionOver("the last day of the suspension lies in the past")
    if not written and until > since + timedelta(days=ORAL_DAYS_MAX):
        raise OralTooLong(
            f"a suspension asked for in words ends after {ORAL_DAYS_MAX} days at the latest, on "
            f"{since + timedelta(days=ORAL_DAYS_MAX)}; for longer give the agency's written statement"
        )


def reaches_back_to(now: datetime) -> datetime:
    """From when on an account made now has to tell."""
    try:
        return now.replace(year=now.year - YEARS)
    except ValueError:  # the 29th of February
        return now.replace(year=now.year - YEARS, day=28)


def described(labels: Iterable[str]) -> str:
    """A brief description of what went, in words: "medical: need, medication; substance use: need"."""
    words: dict[str, list[str]] = {}
    for label in labels:
        stem, _, rest = label.partition(".")
        words.setdefault(stem, []).append(rest.replace("-", " ").replace(".", ": ") or "record")
    return "; ".join(f"{_STEMS.get(stem, stem)}: {', '.join(rests)}" for stem, rests in words.items())


_STEMS = {"sud": "substance use disorder", "medical": "medical"}
