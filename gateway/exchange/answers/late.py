"""Question 9: which notices were late, by how much, and why. A clause's and a law's deadlines, each by itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.audit.catalog import EntryType
from gateway.delivery.delivery import Delivery
from gateway.exchange.answers.asked import Asked, answer, body_of, sections_of, stories_of
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.policy.deadline import AHEAD, WITHIN
from gateway.policy.duration import in_words
from gateway.report.table import Cell, Table, columns
from gateway.store.log import StoredEntry

COLUMNS = columns(
    received="Received",
    sender="From",
    recipient="To",
    mou="Agreement",
    clauses="Clause",
    rule="Rule",
    deadline="Deadline",
    state="State",
    arrived="Arrived",
    late_seconds="Late, seconds",
    late="Late",
    why="Why",
    attempts="Tries",
    error="Last error",
    message="Message",
    delivery="Delivery",
    entry="Log entry",
)

ENDS = {
    EntryType.DELIVER: "arrived",
    EntryType.UNDELIVERABLE: "undeliverable",
    EntryType.EXPIRE: "expired",
    EntryType.RECALL: "recalled",
    EntryType.DISCARD: "given up",
}
"""What entries say of how a delivery stands."""

UNDER_WAY = "under way"

RECEIVED_LATE = "it came to us after the deadline"
NOT_FETCHED = "the recipient did not fetch it in time"
GIVEN_UP = "a person gave it up"
RECALLED = "it was withdrawn after the deadline"
SLOW = "it went out, or was answered, too late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One delivery as the log tells it.

    ended     the entry that says how it stands; None = it is under way
    attempts  tries, error: code of the last that failed, "" = none did
    """

    made: StoredEntry
    says: dict[str, Any]
    ended: StoredEntry | None
    attempts: int
    error: str
    reason: str

    @property
    def state(self) -> str:
        """How it stands, in words."""
        return ENDS[EntryType(self.ended.entry.type)] if self.ended is not None else UNDER_WAY

    @property
    def arrived(self) -> datetime | None:
        """When it arrived."""
        return self.ended.entry.at if self.ended is not None and self.state == "arrived" else None

    @property
    def deadlines(self) -> dict[str, datetime]:
        """Per rule, to the second."""
        found: dict[str, int] = self.says.get("deadlines", {})
        return {rule: datetime.fromtimestamp(seconds, UTC) for rule, seconds in found.items()}


async def late_notices(gateway: Gateway, asked: Asked) -> Table:
    """Every deadline that was missed: what arrived after it, and what has not arrived though it is past. A delivery has
    a row for each rule it missed. The period is that of its first deadline."""
    await gateway.refresh()
    now = gateway.clock.now()
    page, after = asked.cut(await gateway.store.late(asked.page))
    open_ = () if after else await _overdue(gateway, asked, now)
    told = await stories_of(
        gateway, [*(str(each.entry.message) for each in page), *(str(one.message) for one in open_)]
    )
    rows = _rows(page, open_, told, rules_of(gateway.current, sections_of(gateway)), now)
    return await answer(
        gateway,
        asked,
        name="report late-notices",
        title="Late notices",
        question="Which notices were late, by how much, and why?",
        columns=COLUMNS,
        rows=rows,
        note="A deadline before an event is counted from the first moment of its day, in the gateway's time zone.",
        next=after,
    )


async def _overdue(gateway: Gateway, asked: Asked, now: datetime) -> tuple[Delivery, ...]:
    return await gateway.store.overdue(now, since=asked.since, until=asked.until, limit=asked.limit)


Rules = Callable[[Story, str], str]
"""The words for a rule of which the log has the code."""


def rules_of(configured: Configured, sections: Mapping[str, str]) -> Rules:
    """Words out of the agreements and law packs that are here; codes where one is gone."""

    def words(story: Story, rule: str) -> str:
        id, _, version = story.says["mou"].rpartition("@")
        mou = configured.mous.get((id, int(version)))
        clause = mou.clause(story.says["clauses"][0]) if mou is not None else None
        if clause is not None and rule == WITHIN and clause.within is not None:
            return f"within {in_words(clause.within)}"
        if clause is not None and rule == AHEAD and clause.deadline is not None:
            return f"{in_words(clause.deadline.at_least)} before {clause.deadline.before}"
        return sections.get(rule, rule)

    return words


Told = dict[str, list[tuple[StoredEntry, dict[str, Any]]]]


def _rows(
    ended: Iterable[StoredEntry], open_: Iterable[Delivery], told: Told, rules: Rules, now: datetime
) -> Iterator[tuple[Cell, ...]]:
    """Those that ended, in the order in which they did, then those under way."""
    for each in ended:
        story = story_of(told[str(each.entry.message)], body_of(each)["delivery"])
        # One that was requeued is told by its last end, or among those under way.
        if story is not None and story.ended is not None and story.ended.entry.id == each.entry.id:
            yield from missed(story, rules, now)
    for delivery in open_:
        story = story_of(told.get(str(delivery.message), []), delivery.id)
        if story is not None and story.ended is None:
            yield from missed(story, rules, now)


def story_of(entries: Iterable[tuple[StoredEntry, dict[str, Any]]], delivery: str) -> Story | None:
    """What a message's entries tell of one of its deliveries; None when nothing does. Pure."""
    made: tuple[StoredEntry, dict[str, Any]] | None = None
    ended: StoredEntry | None = None
    attempts, error, reason = 0, "", ""
    for stored, body in entries:
        if body.get("delivery") != delivery:
            continue
        kind = EntryType(body["type"])
        if kind is EntryType.DISSEMINATE:
            made = stored, body
        elif kind is EntryType.REQUEUE:
            ended = None
        elif kind in ENDS:
            ended, reason = stored, body.get("reason", "")
        attempts = body.get("attempts", attempts)
        error = body.get("code", error)
    if made is None:
        return None
    return Story(made=made[0], says=made[1], ended=ended, attempts=attempts, error=error, reason=reason)


def missed(story: Story, rules: Rules, now: datetime) -> Iterator[tuple[Cell, ...]]:
    """A row for each deadline that a delivery missed. Pure."""
    until = story.arrived or now
    for rule, deadline in sorted(story.deadlines.items(), key=lambda each: (each[1], each[0])):
        late = until - deadline
        if late <= timedelta(seconds=1):  # deadlines are kept to the second
            continue
        yield (
            story.made.entry.at,
            story.says["sender"],
            story.says["recipient"],
            story.says["mou"],
            ", ".join(story.says["clauses"]),
            rules(story, rule),
            deadline,
            story.state,
            story.arrived,
            int(late.total_seconds()),
            span(late),
            why(story, deadline),
            story.attempts,
            story.error or None,
            story.says["message"],
            story.says["delivery"],
            (story.ended or story.made).entry.id,
        )


def span(late: timedelta) -> str:
    """How late, to the minute: "1 day 12 h 50 min"."""
    days, rest = divmod(late, timedelta(days=1))
    hours, minutes = divmod(rest // timedelta(minutes=1), 60)
    parts = ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "under 1 min"


def why(story: Story, deadline: datetime) -> str:
    """What made it late, in a few words."""
    if story.made.entry.at > deadline:
        return RECEIVED_LATE
    if story.state == "given up":
        return f"{GIVEN_UP} ({story.reason})"
    if story.error:
        return f"tries failed ({story.error})"
    if story.state == "recalled":
        return RECALLED
    return NOT_FETCHED if not story.attempts else SLOW
