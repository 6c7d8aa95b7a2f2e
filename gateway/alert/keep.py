"""What becomes of alerts from one look to the next: raised once, reminded of daily, cleared when over. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.alert.alert import Alert, Code, News, Notice, Severity, Standing

REMIND_EVERY: Final = timedelta(days=1)

STEADY: Final = frozenset({Code.CLOCK_STEPPED})
"""What happened at one moment is over at the next look; it stands for a day, so that whoever looks sees it."""

STANDS: Final = timedelta(days=1)

WAIT_FIRST: Final = timedelta(seconds=30)
WAIT_MAX: Final = timedelta(hours=1)
GIVE_UP: Final = timedelta(days=3)
"""A reminder comes each day; what is three days old is no news."""

UNSENT_AFTER: Final = 3
"""Tries after which the way itself is trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is to be stored, and what is to be told: each a standing alert with its news."""

    changed: tuple[Standing, ...]
    news: tuple[tuple[News, Standing], ...]


def after(
    standing: Iterable[Standing],
    alerts: Iterable[Alert],
    *,
    now: datetime,
    unknown: Collection[Code] = (),
    remind_every: timedelta = REMIND_EVERY,
) -> Kept:
    """How alerts stand after a look that found these."""
    before = {each.key: each for each in standing}
    present = {(alert.code.value, alert.subject): alert for alert in alerts}
    changed: list[Standing] = []
    news: list[tuple[News, Standing]] = []
    for key, alert in present.items():
        held = before.get(key)
        stands, tell = _found(held, alert, now, remind_every)
        if stands != held:
            changed.append(stands)
        if tell is not None and not stands.is_silent(now):
            news.append((tell, stands))
    for key, held in before.items():
        if key not in present and held.cleared_at is None and held.code not in unknown and _is_over(held, now):
            over = replace(held, cleared_at=now)
            changed.append(over)
            if not held.is_silent(now):
                news.append((News.CLEARED, over))
    return Kept(changed=tuple(changed), news=tuple(news))


def _found(held: Standing | None, alert: Alert, now: datetime, remind_every: timedelta) -> tuple[Standing, News | None]:
    if held is None or held.cleared_at is not None:
        stands = Standing(
            code=alert.code,
            subject=alert.subject,
            severity=alert.weight,
            count=alert.count,
            raised_at=now,
            told_at=now,
            silenced_until=held.silenced_until if held is not None else None,
        )
        return stands, News.RAISED
    stands = replace(held, count=alert.count, severity=alert.weight)
    if _graver(alert.weight, held.severity):
        return replace(stands, told_at=now), News.RAISED
    if now - held.told_at >= remind_every:
        return replace(stands, told_at=now), News.REMINDER
    return stands, None


def _graver(one: Severity, other: Severity) -> bool:
    order = list(Severity)
    return order.index(one) < order.index(other)


def _is_over(held: Standing, now: datetime) -> bool:
    return held.code not in STEADY or now - held.raised_at >= STANDS


def after_try(notice: Notice, error: str, *, now: datetime) -> Notice | None:
    """The notice after a try that failed; None when it is given up."""
    if now - notice.made_at >= GIVE_UP:
        return None
    wait = min(WAIT_FIRST * 2 ** min(notice.attempts, 16), WAIT_MAX)
    return replace(notice, attempts=notice.attempts + 1, due_at=now + wait, last_error=error)


def unsent(notices: Iterable[Notice]) -> tuple[tuple[str, int], ...]:
    """By way, how many notices several tries could not send."""
    counts: dict[str, int] = {}
    for each in notices:
        if each.attempts >= UNSENT_AFTER:
            counts[each.way] = counts.get(each.way, 0) + 1
    return tuple(sorted(counts.items()))
