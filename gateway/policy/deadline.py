"""Deadlines: by when a message must have reached a recipient, by its clause and by law."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from itertools import chain

from gateway.iepd.facts import Facts
from gateway.policy.law_bind import Due
from gateway.policy.mou import Clause, Deadline
from gateway.policy.section import code_of

WITHIN = "within"
"""Rule of a clause: so long after the message came."""

AHEAD = "send-at-least"
"""Rule of a clause: so long before a moment that the message names."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One rule's last moment to arrive in time. rule: `WITHIN`, `AHEAD`, or the code of a section of law."""

    rule: str
    until: datetime


def terms(
    clause: Clause, dues: Iterable[Due], facts: Facts, *, received: datetime, zone: tzinfo, opens: bool
) -> tuple[Term, ...]:
    """Every deadline of one dissemination.

    zone   whose days the message's dates are
    opens  whether the message opens its chain: what corrects or repeats a notice is owed soon, but the law's days were
           kept or missed by the first one
    """
    found = list(_of_clause(clause, received))
    if opens:
        own = ((AHEAD, clause.deadline),) if clause.deadline is not None else ()
        for rule, deadline in chain(own, ((code_of(due.law), due.deadline) for due in dues)):
            until = _before(deadline, facts, zone)
            if until is not None:
                found.append(Term(rule=rule, until=until))
    return tuple(found)


def _of_clause(clause: Clause, received: datetime) -> Iterator[Term]:
    if clause.within is not None:
        yield Term(rule=WITHIN, until=received + clause.within)


def _before(deadline: Deadline, facts: Facts, zone: tzinfo) -> datetime | None:
    """Counted from the first moment of the day: a message that names a day may mean any hour of it. None when the
    message names none."""
    try:
        day = date.fromisoformat(str(facts.message(deadline.before)))
        moment = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC) - deadline.at_least
    except (KeyError, ValueError, OverflowError):  # another exchange, no such day, or before the year 1
        return None
    return max(moment, _EPOCH)
