"""An alert is raised once, reminded of daily, cleared when it is over; silenced ones are kept and not told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.alert.alert import Alert, Code, News, Notice, Severity, Standing
from gateway.alert.keep import GIVE_UP, WAIT_MAX, Kept, after, after_try, unsent

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STUCK = Alert(code=Code.UNDELIVERABLE, subject="jail", count=2)


def told(kept: Kept) -> list[News]:
    return [news for news, _ in kept.news]


def raised(alert: Alert = STUCK, at: datetime = NOW) -> Standing:
    (standing,) = after((), [alert], now=at).changed
    return standing


def test_it_is_raised_once() -> None:
    kept = after((), [STUCK], now=NOW)
    assert told(kept) == [News.RAISED]
    (standing,) = kept.changed
    assert (standing.code, standing.subject, standing.count, standing.raised_at) == (STUCK.code, "jail", 2, NOW)
    again = after([standing], [STUCK], now=NOW + timedelta(hours=23))
    assert again == Kept(changed=(), news=())


def test_it_is_reminded_of_each_day() -> None:
    standing = raised()
    for day in (1, 2, 3):
        now = NOW + day * DAY
        kept = after([standing], [STUCK], now=now)
        assert told(kept) == [News.REMINDER]
        (standing,) = kept.changed
        assert (standing.raised_at, standing.told_at) == (NOW, now)


def test_another_number_is_kept_and_not_told() -> None:
    kept = after([raised()], [replace(STUCK, count=5)], now=NOW + timedelta(minutes=1))
    assert [each.count for each in kept.changed] == [5]
    assert kept.news == ()


def test_it_is_told_again_when_it_becomes_graver_and_not_when_it_becomes_lighter() -> None:
    graver = replace(STUCK, severity=Severity.CRITICAL)
    kept = after([raised()], [graver], now=NOW + timedelta(minutes=1))
    assert told(kept) == [News.RAISED]
    assert told(after(kept.changed, [STUCK], now=NOW + timedelta(minutes=2))) == []


def test_it_is_cleared_when_it_is_over_and_raised_anew_when_it_comes_back() -> None:
    later = NOW + timedelta(hours=1)
    kept = after([raised()], [], now=later)
    assert told(kept) == [News.CLEARED]
    (over,) = kept.changed
    assert over.cleared_at == later
    assert after([over], [], now=later + DAY) == Kept(changed=(), news=())
    back = after([over], [STUCK], now=later + DAY)
    assert told(back) == [News.RAISED]
    assert back.changed[0].raised_at == later + DAY
    assert back.changed[0].cleared_at is None


def test_the_same_of_another_agency_is_another_alert() -> None:
    other = replace(STUCK, subject="police")
    kept = after([raised()], [STUCK, other], now=NOW)
    assert [(news, each.subject) for news, each in kept.news] == [(News.RAISED, "police")]


def test_what_could_not_be_judged_stays_as_it_is() -> None:
    wrong = raised(Alert(code=Code.LOG_VERIFY_FAILED))
    assert after([wrong], [], now=NOW + DAY, unknown={Code.LOG_VERIFY_FAILED}) == Kept(changed=(), news=())


def test_a_silenced_one_is_kept_and_not_told_until_its_time_is_over() -> None:
    silent = replace(raised(), silenced_until=NOW + 3 * DAY)
    for day in (1, 2):
        kept = after([silent], [STUCK], now=NOW + day * DAY)
        assert kept.news == ()
        (silent,) = kept.changed
        assert silent.silenced_until == NOW + 3 * DAY
    assert told(after([silent], [STUCK], now=NOW + 3 * DAY)) == [News.REMINDER]
    assert after([replace(silent, silenced_until=NOW + 9 * DAY)], [], now=NOW + 4 * DAY).news == ()


def test_a_step_of_the_clock_stands_for_a_day() -> None:
    step = raised(Alert(code=Code.CLOCK_STEPPED, count=90))
    assert after([step], [], now=NOW + timedelta(hours=23)) == Kept(changed=(), news=())
    assert told(after([step], [], now=NOW + DAY)) == [News.CLEARED]


def notice(**changes: object) -> Notice:
    made = Notice(
        id="n-1",
        way="mail",
        news=News.RAISED,
        code=Code.BACKLOG,
        subject="",
        severity=Severity.WARNING,
        count=1,
        raised_at=NOW,
        made_at=NOW,
        due_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_try_that_failed_is_done_again_later_and_later() -> None:
    each, waits = notice(), []
    for _ in range(10):
        later = after_try(each, "alerts.refused", now=NOW)
        assert later is not None
        waits.append(later.due_at - NOW)
        each = later
    assert waits[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert waits == sorted(waits)
    assert waits[-1] == WAIT_MAX
    assert (each.attempts, each.last_error) == (10, "alerts.refused")


@pytest.mark.parametrize(("age", "given_up"), [(GIVE_UP - timedelta(seconds=1), False), (GIVE_UP, True)])
def test_what_is_three_days_old_is_no_news(age: timedelta, given_up: bool) -> None:
    assert (after_try(notice(), "x", now=NOW + age) is None) is given_up


def test_a_way_is_trouble_after_three_tries() -> None:
    assert unsent([notice(attempts=2), notice(attempts=2, way="webhook")]) == ()
    assert unsent([notice(attempts=3), notice(attempts=9), notice(way="webhook")]) == (("mail", 2),)
