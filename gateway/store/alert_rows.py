"""Rows of alerts and notices, for both databases."""

from gateway.alert.alert import Code, News, Notice, Severity, Standing
from gateway.store.rows import Row, micros, micros_or_none, moment, moment_or_none


def standing_row(standing: Standing) -> Row:
    """code, subject, severity, count, raised_at, told_at, cleared_at, silenced_until"""
    return (
        standing.code.value,
        standing.subject,
        standing.severity.value,
        standing.count,
        micros(standing.raised_at),
        micros(standing.told_at),
        micros_or_none(standing.cleared_at),
        micros_or_none(standing.silenced_until),
    )


def standing_of(row: Row) -> Standing:
    """The alert of `standing_row`."""
    code, subject, severity, count, raised_at, told_at, cleared_at, silenced_until = row
    return Standing(
        code=Code(code),
        subject=subject,
        severity=Severity(severity),
        count=count,
        raised_at=moment(raised_at),
        told_at=moment(told_at),
        cleared_at=moment_or_none(cleared_at),
        silenced_until=moment_or_none(silenced_until),
    )


def notice_row(notice: Notice) -> Row:
    """id, way, news, code, subject, severity, count, raised_at, made_at, due_at, attempts, last_error"""
    return (
        notice.id,
        notice.way,
        notice.news.value,
        notice.code.value,
        notice.subject,
        notice.severity.value,
        notice.count,
        micros(notice.raised_at),
        micros(notice.made_at),
        micros(notice.due_at),
        notice.attempts,
        notice.last_error,
    )


def notice_of(row: Row) -> Notice:
    """The notice of `notice_row`."""
    key, way, news, code, subject, severity, count, raised_at, made_at, due_at, attempts, last_error = row
    return Notice(
        id=key,
        way=way,
        news=News(news),
        code=Code(code),
        subject=subject,
        severity=Severity(severity),
        count=count,
        raised_at=moment(raised_at),
        made_at=moment(made_at),
        due_at=moment(due_at),
        attempts=attempts,
        last_error=last_error,
    )
