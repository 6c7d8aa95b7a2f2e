"""Simulate: decide messages again as if a draft were in force instead of the version that is, and say what changes.

Nothing is stored but that somebody read, and nothing leaves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.document.parse import Document, parse
from gateway.errors import Refused
from gateway.exchange.configured import Configured
from gateway.exchange.consenting import consents_of
from gateway.exchange.decide import Case, decide
from gateway.exchange.difference import Change, Effect, Side, changes, effects
from gateway.exchange.gateway import Gateway
from gateway.exchange.stored import open_stored
from gateway.finding import errors
from gateway.iepd.header import read as read_header
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.keys.payload import KeyGone
from gateway.message import Action, MessageId
from gateway.policy.consent import Consents
from gateway.policy.mou import Mou
from gateway.store.configuration import AgreementState

MESSAGES_MAX = 100_000
PAGE = 500

Told = Callable[[int, int], None]
"""How many are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Which stored messages: the last so many, or those since a moment. Only those that the draft, or the version it
    would replace, speaks of."""

    last: int = MESSAGES_MAX
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a draft would change.

    instead_of   version whose place it takes in this simulation; None = a first one
    as_if_today  its own days do not hold today, and were not asked
    messages     how many were decided twice
    destroyed    how many are gone, because their time was up
    unreadable   files, or stored messages, that are not valid messages of a registered exchange
    withdrawals  cancellations: they go to those who had the first, whatever is agreed now
    """

    mou: Mou
    instead_of: int | None
    as_if_today: bool
    messages: int
    destroyed: int = 0
    unreadable: int = 0
    withdrawals: int = 0
    effects: tuple[Effect, ...]


def instead(configured: Configured, mou: Mou, *, now: datetime) -> Configured:
    """What would be in force if this text took the place of its agreement's version in force today."""
    today = configured.day(now)
    held = replace(mou, since=min(mou.since, today), until=max(mou.until, today))
    stays = [
        (configured.mou(one), one.changed_at)
        for one in configured.agreements
        if one.state is AgreementState.IN_FORCE and one.mou != mou.id
    ]
    return configured.deciding_only([*stays, (held, now)])


class Simulation:
    """One draft beside what is in force. `decide` is pure; both sides decide the same message at the same moment."""

    def __init__(self, configured: Configured, mou: Mou, *, now: datetime) -> None:
        today = configured.day(now)
        self.mou, self.now = mou, now
        self.before, self.after = configured, instead(configured, mou, now=now)
        self._sides = (Side(self.before), Side(self.after))
        replaced = [each for each in configured.in_force.mous if each.id == mou.id and each.in_force(today)]
        self.instead_of = max((each.version for each in replaced), default=None)
        self.as_if_today = not mou.in_force(today)
        self.concerned = frozenset(
            (clause.sender, clause.exchange) for each in (mou, *replaced) for clause in each.exchanges
        )

    def senders(self, exchange: str) -> tuple[AgencyId, ...]:
        """Who could have sent a message of this exchange that the draft changes anything about."""
        return tuple(sorted(sender for sender, each in self.concerned if each == exchange))

    def asks_consent(self, sender: AgencyId, exchange: str) -> bool:
        """Whether consents could open anything, before or after."""
        return any(each.asks_consent(sender, exchange) for each in (self.before, self.after))

    def decide(self, document: Document, iepd: Iepd, sender: AgencyId, consents: Consents = ()) -> tuple[Change, ...]:
        """What changes about one message. Corrections are decided as for those who have nothing yet."""
        action = read_header(document, iepd).action
        case = Case(
            document=document, iepd=iepd, sender=sender, action=action, only=frozenset(), past=(), consents=consents
        )
        before, after = (decide(case, side, now=self.now) for side in (self.before, self.after))
        return changes(before, after, self._sides, iepd.catalog)

    def result(self, found: Iterable[Change], *, messages: int, **skipped: int) -> Simulated:
        """Counted."""
        return Simulated(
            mou=self.mou,
            instead_of=self.instead_of,
            as_if_today=self.as_if_today,
            messages=messages,
            effects=effects(found),
            **skipped,
        )


def since_days(now: datetime, days: int) -> Replay:
    """Stored messages of the last days."""
    return Replay(since=now - timedelta(days=days))


async def simulate_stored(
    gateway: Gateway, mou: Mou, replay: Replay, *, actor: str, told: Told = lambda _done, _of: None
) -> Simulated:
    """Decide stored messages again. That their content is read is an audit entry, written before it is."""
    await gateway.refresh()
    simulation = Simulation(gateway.current, mou, now=gateway.clock.now())
    ids = await _asked(gateway, simulation, replay)
    now = gateway.clock.now()
    if ids:
        entry = make(
            EntryType.READ, id=gateway.new_id(now), at=now, parties=(), kind="simulate", actor=actor, count=len(ids)
        )
        await gateway.store.record([entry])
    found: list[Change] = []
    messages = destroyed = unreadable = withdrawals = 0
    for done, id in enumerate(ids):
        told(done, len(ids))
        record = await gateway.store.message(id)
        if record is None:
            continue
        if record.message.action is Action.CANCEL:
            withdrawals += 1
            continue
        try:
            document = open_stored(gateway, record)
        except KeyGone:
            destroyed += 1
            continue
        iepd = simulation.before.iepds[record.message.exchange]
        if errors(validate(document, iepd)):  # the exchange was registered anew since
            unreadable += 1
            continue
        sender = record.message.sender
        asks = simulation.asks_consent(sender, iepd.id)
        consents = await consents_of(gateway, document, iepd) if asks else ()
        found += simulation.decide(document, iepd, sender, consents)
        messages += 1
    told(len(ids), len(ids))
    return simulation.result(
        found, messages=messages, destroyed=destroyed, unreadable=unreadable, withdrawals=withdrawals
    )


async def _asked(gateway: Gateway, simulation: Simulation, replay: Replay) -> list[MessageId]:
    found: list[MessageId] = []
    before: MessageId | None = None
    wanted = min(replay.last, MESSAGES_MAX)
    while len(found) < wanted and (page := await gateway.store.messages(None, before, PAGE)):
        for each in page:
            if replay.since is not None and each.received_at < replay.since:
                return found
            if (each.sender, each.exchange) in simulation.concerned and len(found) < wanted:
                found.append(each.id)
        before = page[-1].id
    return found


def simulate_files(
    configured: Configured,
    mou: Mou,
    bodies: Iterable[bytes],
    *,
    now: datetime,
    told: Callable[[int], None] = lambda _done: None,
) -> Simulated:
    """Decide files, each as if every agency that may send it had sent it. No consents: files are nobody's. Pure."""
    simulation = Simulation(configured, mou, now=now)
    found: list[Change] = []
    messages = unreadable = withdrawals = 0
    for done, body in enumerate(bodies, start=1):
        told(done)
        try:
            document = parse(body)
            iepd = configured.registry.find(document)
        except Refused:
            unreadable += 1
            continue
        if errors(validate(document, iepd)):
            unreadable += 1
            continue
        if read_header(document, iepd).action is Action.CANCEL:
            withdrawals += 1
            continue
        messages += 1
        for sender in simulation.senders(iepd.id):
            found += simulation.decide(document, iepd, sender)
    return simulation.result(found, messages=messages, unreadable=unreadable, withdrawals=withdrawals)
