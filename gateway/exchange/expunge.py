"""Expunging a person from the disclosure index: the keys are destroyed, and nobody can tell any more that the person
was in it - not from the database, its write-ahead log or a backup, not with the key directory as it is afterwards.

In this order, so that a machine that stops anywhere leaves it undone or finished by the next look (`finish_expunging`):

1. next generations are begun: whatever is written from now on is under other keys
2. one transaction: the person's rows are deleted; rows of others that share a leaf with them - the same sound of a
   name, a number written down wrongly - are written anew under the next generation; what is to be destroyed is noted;
   and the entry with both signatures, which names the order's digest and the number of rows, and not the person
3. the leaves are punctured, in each generation in which the person was, and in the current one
4. the note goes, with an entry that says it is done

The log is not changed: it never knew the person. What stays is that a punctured file shows *which* leaves are gone:
whoever has the key directory and already knows a number can tell that rows of this number were destroyed once. So do
consents, which the log names by a blind index; see docs/decisions/0024.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.exchange.accept import TRIES_MAX, ConfigurationUnsettled
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.disclosed import Hit, find
from gateway.exchange.emergency import SecondPersonNeeded
from gateway.exchange.gateway import Gateway, SubjectSafe
from gateway.exchange.who_saw import NobodyFound
from gateway.keys.blind import blind
from gateway.keys.subject import quarter, quarter_of
from gateway.message import Filed, MessageId
from gateway.policy.disclosure import Disclosure, read
from gateway.policy.match import Certainty
from gateway.policy.person import Person
from gateway.store.disclosures import Expunging
from gateway.user import User, UserRole

SECOND = (*OFFICERS, UserRole.SUPERVISOR)

PLAN = "expunge-plan"
"""Kind of the entry that says that somebody looked."""

SETTLE_SECONDS = 2.0
"""What was made ready under the old keys is stored by then: far longer than an acceptance takes."""

FORGOTTEN = "disclosed-person"
"""Kind of the entry that says that it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would go.

    hits      the person's rows
    possible  rows that may be the person's and stay: they need a person's judgment, and a number
    consents  consents of the person, which the gateway knows by a blind index
    """

    hits: tuple[Hit, ...]
    possible: tuple[Hit, ...]
    consents: int

    @property
    def messages(self) -> tuple[MessageId, ...]:
        """Messages that the rows speak of, oldest first."""
        return tuple(dict.fromkeys(hit.said.message for hit in self.hits if isinstance(hit.said, Disclosure)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """document: digest of the court's order, "sha-256:<hex>". by_name: rows go, too, that have no number and the same
    name and birth date, when the person is named so."""

    person: Person
    document: str
    by_name: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expunged:
    """What went. moved: rows of others that were written anew. entry: of the order; id: of the run."""

    id: str
    entry: str
    rows: int
    moved: int


async def plan_expunging(gateway: Gateway, order: Order) -> Plan:
    """What the order would destroy. Nothing is changed."""
    hits = await find(gateway, order.person)
    own = [hit for hit in hits if _is_own(hit, order)]
    numbers = {hit.number for hit in own}
    terms = {term for person in (order.person, *(hit.said.person for hit in own)) for term in _consent_terms(person)}
    consents = await gateway.store.consents([blind(gateway.keys.digest_key, term) for term in sorted(terms)])
    possible = tuple(hit for hit in hits if hit.number not in numbers)
    return Plan(hits=tuple(own), possible=possible, consents=len(consents))


async def read_plan(gateway: Gateway, order: Order, *, first: Acting, second: Acting) -> Plan:
    """The plan, for the two who will sign. That it was read is an entry, written before.

    Raises `SecondPersonNeeded` and what `allowed` raises.
    """
    await gateway.refresh()
    one, _ = two_people(gateway, first, second)
    plan = await plan_expunging(gateway, order)
    entry = sign_entry(
        gateway,
        EntryType.READ,
        first,
        one,
        at=gateway.clock.now(),
        kind=PLAN,
        count=len(plan.hits),
    )
    await gateway.store.record([entry])
    return plan


def _is_own(hit: Hit, order: Order) -> bool:
    if hit.match.certainty is Certainty.SAME:
        return True
    said = hit.said.person
    return order.by_name and not order.person.numbers and not said.numbers and said.key == order.person.key


def _consent_terms(person: Person) -> Iterable[str]:
    """As consents are filed: `policy.subject.terms`."""
    yield from (number for number in person.numbers if not number.startswith("booking:"))
    if person.born:
        yield from (f"name:{name}|{person.born}" for name in person.names)


async def expunge(
    gateway: Gateway, order: Order, *, first: Acting, second: Acting, settle: float = SETTLE_SECONDS
) -> Expunged:
    """Do it. The keys are destroyed when this returns.

    Raises `NobodyFound`, `SecondPersonNeeded`, what `allowed` raises, and leaves of `Misconfigured` when the key
    directory cannot be written: then it is finished by the worker's next look.
    """
    await gateway.refresh()
    people = two_people(gateway, first, second)
    subjects = _index(gateway)
    known = await plan_expunging(gateway, order)
    if not known.hits:
        raise NobodyFound("the disclosure index has no row that is certainly of this person")
    _begin_current(gateway, subjects)
    _begin_next(subjects, known.hits)
    await asyncio.sleep(settle)
    for _ in range(TRIES_MAX):
        plan = await plan_expunging(gateway, order)
        if not plan.hits:
            raise NobodyFound("somebody else has expunged this person just now")
        _begin_next(subjects, plan.hits)  # for what came in while we waited
        points = _points(gateway, subjects, plan.hits)
        moved = await _shared(gateway, subjects, plan.hits, points)
        now = gateway.clock.now()
        expunging = Expunging(
            id=gateway.new_id(now),
            points=tuple((generation, tuple(sorted(own))) for generation, own in sorted(points.items())),
            count=len(plan.hits),
        )
        entry = _entry(gateway, expunging, order, people, first, second)
        gone = {hit.number for hit in plan.hits} | set(moved)
        if await gateway.store.expunge(expunging, gone, list(moved.values()), [entry]):
            await _finish(gateway, subjects, expunging)
            return Expunged(id=expunging.id, entry=entry.id, rows=len(plan.hits), moved=len(moved))
    raise ConfigurationUnsettled("the person's rows are being changed; try again")


async def finish_expunging(gateway: Gateway) -> int:
    """Destroy what an expunging that was stopped has noted; how many there were."""
    found = await gateway.store.expungings()
    for each in found:
        await _finish(gateway, _index(gateway), each)
    return len(found)


def _index(gateway: Gateway) -> SubjectSafe:
    if gateway.subjects is None:
        raise NobodyFound("this gateway keeps no disclosure index")
    return gateway.subjects


def two_people(gateway: Gateway, first: Acting, second: Acting) -> tuple[User, User]:
    """Two of the operator's: the index holds what every agency sent. Raises `SecondPersonNeeded`, what `allowed`
    raises."""
    one = allowed(gateway, first, OFFICERS, OPERATOR)
    other = allowed(gateway, second, SECOND, OPERATOR)
    if one.id == other.id or one.public_key == other.public_key:
        raise SecondPersonNeeded("expunging takes two people, each with an account and a key of their own")
    return one, other


def _begin_next(subjects: SubjectSafe, hits: Iterable[Hit]) -> None:
    """The next generation of each quarter whose newest one the person is in."""
    newest = {quarter_of(name): name for name in subjects.generations()}
    for generation in sorted({hit.filed.generation for hit in hits}):
        if newest.get(quarter_of(generation)) == generation:
            subjects.renew(generation)


def _begin_current(gateway: Gateway, subjects: SubjectSafe) -> None:
    """The next generation of the current quarter, when the person is not in it but may be on the way."""
    own = [name for name in subjects.generations() if quarter_of(name) == quarter(gateway.clock.now())]
    if own:
        subjects.renew(own[-1])


def _points(gateway: Gateway, subjects: SubjectSafe, hits: Iterable[Hit]) -> Mapping[str, frozenset[int]]:
    """The leaves to destroy, per generation. In the current quarter all of the person's, for what was on its way."""
    terms: dict[str, set[str]] = defaultdict(set)
    for hit in hits:
        terms[hit.filed.generation] |= {*hit.said.person.terms, hit.said.person.key}
    everything = set[str]().union(*terms.values())
    current = [name for name in subjects.generations() if quarter_of(name) == quarter(gateway.clock.now())]
    for generation in current[:-1]:
        terms[generation] |= everything
    return {generation: subjects.points(generation, own) for generation, own in terms.items()}


async def _shared(
    gateway: Gateway, subjects: SubjectSafe, hits: Iterable[Hit], points: Mapping[str, frozenset[int]]
) -> dict[int, Filed]:
    """Rows of others that lose a leaf, by their numbers, as they are written anew: in the same quarter, so that they
    are kept no longer than before."""
    own = {hit.number for hit in hits}
    terms = set[str]().union(*({*hit.said.person.terms, hit.said.person.key} for hit in hits))
    moved: dict[int, Filed] = {}
    for row in await gateway.store.disclosures(subjects.tokens(terms)):
        if row.number in own or row.filed.generation not in points:
            continue
        plaintext = subjects.open(row.filed)
        who = read(plaintext).person
        if points[row.filed.generation].isdisjoint(subjects.points(row.filed.generation, (*who.terms, who.key))):
            continue
        (filed,) = subjects.file_in(quarter_of(row.filed.generation), who.terms, key=who.key, plaintexts=[plaintext])
        moved[row.number] = filed
    return moved


def _entry(
    gateway: Gateway,
    expunging: Expunging,
    order: Order,
    people: tuple[User, User],
    first: Acting,
    second: Acting,
) -> AuditEntry:
    one, other = people
    now = gateway.clock.now()
    return sign_entry(
        gateway,
        EntryType.EXPUNGE,
        first,
        one,
        at=now,
        run=expunging.id,
        document=order.document,
        count=expunging.count,
        second=(second, other),
    )


async def _finish(gateway: Gateway, subjects: SubjectSafe, expunging: Expunging) -> None:
    """Again is as good as once."""
    for generation, points in expunging.points:
        subjects.forget(generation, points)
    now = gateway.clock.now()
    entry = make(
        EntryType.DESTROY,
        id=gateway.new_id(now),
        at=now,
        kind=FORGOTTEN,
        run=expunging.id,
        count=expunging.count,
    )
    await gateway.store.expunged(expunging.id, [entry])
