"""A run of destruction: plan, people, intent, keys, rows, residue, certificate, notices. Finished whatever stops it.

Point of no return is the intent: one transaction that writes the run down and marks what it destroys, and fails when a
hold was placed since it was planned. What a crash leaves before it is nothing; after it, the next run, or the next
start of a worker, goes on where it stopped, for every step may be done twice. A hold that came in between saves what
still has its key.

Buckets that go whole are closed first: from then on nothing is sealed in them. What was sealed in one before and is not
stored yet is found by the intent, which then fails, or is refused when it is to be stored, because the intent raises
the version of the configuration; sealed again, it goes into another bucket.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Refused, Unavailable
from gateway.exchange.acting import OPERATOR, Acting, allowed, fingerprint, sign_entry
from gateway.exchange.carry_out import Progress, Ran, Steps, carry_out, finish_one
from gateway.exchange.gateway import Gateway
from gateway.exchange.planning import Planned, look_at_clock, plan_run, shorten
from gateway.exchange.remains import take_needles
from gateway.message import MessageId
from gateway.retention.certificate import Person, of_plan
from gateway.retention.plan import Asks, Plan, Why, classes
from gateway.retention.seen import confirmed
from gateway.store.retention import Intent, Run
from gateway.user import User, UserRole

FIRST: Final = (UserRole.OPERATOR, UserRole.COMPLIANCE_OFFICER, UserRole.PRIVACY_OFFICER)
SECOND: Final = (UserRole.COMPLIANCE_OFFICER, UserRole.PRIVACY_OFFICER, UserRole.SUPERVISOR)

TRIES_MAX: Final = 5


class TwoPeopleNeeded(Refused):
    """The run takes two people, each with an account and a key of their own."""

    code = "retention.second-person"

    def __init__(self, asked: Sequence[Asks], plan: Plan) -> None:
        words = {
            Asks.SHARE: f"{plan.due} of {plan.kept} payloads would go at once",
            Asks.CLOCK: "the clock jumped by more than a day since it was last looked at",
            Asks.EARLY: "it is before its time",
        }
        why = "; ".join(words[each] for each in asked)
        super().__init__(
            f"two people have to stand for this, with --as and --second: {why or 'each with their own key'}"
        )
        self.asked = tuple(asked)


class RunUnsettled(Unavailable):
    """Holds, or what is kept, changed again and again while the run was planned."""

    code = "retention.changing"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who stands for a run. program: what acts when nobody does."""

    first: Acting | None = None
    second: Acting | None = None
    program: str = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of asking for a run: the new one, None when nothing was due, and others that were finished with it."""

    plan: Plan
    ran: Ran | None
    finished: tuple[Ran, ...] = ()
    moved: int = 0


async def run_purge(gateway: Gateway, people: People, *, on_progress: Progress | None = None) -> Outcome:
    """Finish what was begun, then destroy what is due. Durable, and certified, when this returns.

    Raises `TwoPeopleNeeded`, `RunUnsettled`, what `allowed` raises, "key.busy" when another run is under way, and what
    the store and the key directory raise: then the next run finishes this one.
    """
    with gateway.payloads.alone():
        finished = await _finish_all(gateway)
        moved = await shorten(gateway)
        plan, ran = await _run(gateway, people, Why.TIME_IS_UP, (), on_progress)
        return Outcome(plan=plan, ran=ran, finished=finished, moved=moved)


async def run_early(
    gateway: Gateway, people: People, why: Why, messages: Sequence[MessageId], *, on_progress: Progress | None = None
) -> Outcome:
    """As `run_purge`, for all that is kept of these messages, before its time. Holds are for the caller to look at."""
    with gateway.payloads.alone():
        finished = await _finish_all(gateway)
        plan, ran = await _run(gateway, people, why, messages, on_progress)
        for _ in range(TRIES_MAX if ran is not None else 0):
            # What an emergency gave out of them while the run was under way.
            _, later = await _run(gateway, people, why, messages, on_progress)
            if later is None:
                break
            finished = (*finished, later)
        return Outcome(plan=plan, ran=ran, finished=finished)


async def finish_runs(gateway: Gateway) -> tuple[Ran, ...]:
    """Finish what processes that ended left. Raises "key.busy" when somebody is at it."""
    if not await gateway.store.unfinished():
        return ()
    with gateway.payloads.alone():
        return await _finish_all(gateway)


async def _finish_all(gateway: Gateway) -> tuple[Ran, ...]:
    return tuple([await finish_one(gateway, run) for run in await gateway.store.unfinished()])


async def _run(
    gateway: Gateway, people: People, why: Why, messages: Sequence[MessageId], on_progress: Progress | None
) -> tuple[Plan, Ran | None]:
    await gateway.refresh()
    seen = await look_at_clock(gateway)
    for _ in range(TRIES_MAX):
        planned = await plan_run(gateway, seen=seen, why=why, messages=messages)
        plan = planned.plan
        if not plan.items and not plan.whole:
            return plan, None
        one, other = _standing_for(gateway, people, plan)
        needles = await take_needles(gateway, plan.items)
        for bucket in plan.whole:
            await asyncio.to_thread(gateway.payloads.close, bucket)
        run = await _intend(gateway, planned, people, one, other)
        if run is None:
            continue
        if other is not None and why is Why.TIME_IS_UP:  # who stands for one message has not looked at the clock
            await gateway.store.see(confirmed(seen))
        steps = Steps(2 * len(plan.items) + 1, on_progress)
        return plan, await carry_out(gateway, run, needles, steps, plan=plan)
    raise RunUnsettled("holds, or what is kept, are being changed; try again")


def _standing_for(gateway: Gateway, people: People, plan: Plan) -> tuple[User | None, User | None]:
    """The accounts, when they may. For what is before its time, people of its one owner may stand too."""
    owners = {each.sender for each in plan.items}
    owner = next(iter(owners)) if plan.why is not Why.TIME_IS_UP and len(owners) == 1 else OPERATOR
    one = allowed(gateway, people.first, FIRST, OPERATOR, owner) if people.first else None
    other = allowed(gateway, people.second, SECOND, OPERATOR, owner) if people.second else None
    if plan.asks and (one is None or other is None):
        raise TwoPeopleNeeded(plan.asks, plan)
    if one and other and (one.id == other.id or one.public_key == other.public_key):
        raise TwoPeopleNeeded((), plan)
    return one, other


def person_of(user: User | None, program: str = "") -> Person | None:
    """How a run names who stood for it."""
    if user is None:
        return Person(name=program) if program else None
    return Person(name=user.id, agency=user.agency, fingerprint=fingerprint(user.public_key))


async def _intend(
    gateway: Gateway, planned: Planned, people: People, one: User | None, other: User | None
) -> Run | None:
    """Write it down; None when it has to be planned anew."""
    plan, now = planned.plan, gateway.clock.now()
    id = gateway.new_id(now)
    entry = _intent_entry(gateway, id, plan, people, one, other)
    operator = person_of(one, people.program)
    if operator is None:
        raise ValueError("a run has a person or a program that acts")
    run = Run(
        id=id,
        why=plan.why,
        at=now,
        operator=operator,
        second=person_of(other),
        entry=entry.id,
        whole=plan.whole,
        plan=json.dumps(of_plan(plan)),
        count=len(plan.items),
    )
    items = tuple(each.id for each in plan.items)
    intent = Intent(run=run, items=items, hold_acts=planned.hold_acts, entries=(entry,))
    return run if await gateway.store.intend(intent) else None


def _intent_entry(
    gateway: Gateway, run: str, plan: Plan, people: People, one: User | None, other: User | None
) -> AuditEntry:
    now = gateway.clock.now()
    counted: dict[str, int] = {}
    for each, count in classes(plan.items).items():
        counted[each.kind.value] = counted.get(each.kind.value, 0) + count
    if one is None or people.first is None:
        return make(
            EntryType.DESTROY,
            id=gateway.new_id(now),
            at=now,
            kind="intent",
            run=run,
            reason=plan.why.value,
            count=len(plan.items),
            counts=counted,
            digest=plan.digest,
            actor=people.program,
        )
    owners: tuple[AgencyId, ...] = () if plan.why is Why.TIME_IS_UP else tuple(sorted({x.sender for x in plan.items}))
    return sign_entry(
        gateway,
        EntryType.DESTROY,
        people.first,
        one,
        digest=plan.digest,
        at=now,
        parties=owners,
        kind="intent",
        run=run,
        reason=plan.why.value,
        count=len(plan.items),
        counts=counted,
        second=(people.second, other) if people.second is not None and other is not None else None,
    )
