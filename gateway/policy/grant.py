"""Grant: one recipient may have this message, under this clause. Who gets a message, and who does not.

Recipients are decided by the agreements in force alone. A sender may name fewer of them, never more; one it
names in vain gets a refusal of its own, and the others get theirs all the same. A clause whose role and purpose the
access rules of its own agreement deny gives nobody anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.iepd.facts import Facts
from gateway.policy.access import Access, Cell, Cells, Request, Verdict, decide
from gateway.policy.duties import duties_in
from gateway.policy.mou import Clause, Condition, Mou


class NoMouInForce(Refused):
    """No agreement in force lets this sender give this exchange to this recipient."""

    code = "policy.no-mou-in-force"

    def __init__(self, *, sender: AgencyId, exchange: str, on: date, recipient: AgencyId | None = None) -> None:
        to = f" to {recipient}" if recipient else ""
        super().__init__(f"no MOU in force on {on} lets {sender} send {exchange}{to}")
        self.sender, self.exchange, self.on, self.recipient = sender, exchange, on, recipient


class NotRouted(NoMouInForce):
    """There is an agreement, but its conditions on the message do not hold."""

    code = "policy.not-routed"


class PurposeNotAllowed(Refused):
    """There is an agreement with this recipient, for another purpose or role."""

    code = "policy.purpose-not-allowed"

    def __init__(self, *, recipient: AgencyId, exchange: str) -> None:
        super().__init__(f"no clause gives {exchange} to {recipient} for that purpose and role")
        self.recipient, self.exchange = recipient, exchange


class AccessDenied(Refused):
    """The access rules of the agreement deny what its clause would give."""

    code = "policy.access-denied"

    def __init__(self, *, grant: "Grant", denials: tuple[str, ...]) -> None:
        mou, clause, recipient = grant.mou, grant.clause, grant.recipient
        why = f"denied by {' and '.join(denials)}" if denials else "permitted by no access rule"
        super().__init__(
            f"clause {clause.id} of {mou.id} gives {recipient} nothing: {clause.role} for {clause.purpose} is {why}"
        )
        self.recipient, self.mou, self.clause, self.rules = recipient, mou.id, clause.id, denials


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One recipient of one message, and the clause it gets it under.

    duties  what the recipient takes on for its people, because access rules demand it; sentences for the Cover
    """

    mou: Mou
    clause: Clause
    recipient: AgencyId
    duties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A recipient that was asked for and does not get the message."""

    recipient: AgencyId
    error: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What the agreements say, on one day, of what one sender sends of one exchange.

    grants  what each recipient may get, if the route fits: agreements by id, clauses as they stand in them
    denied  what it would get if the agreement's own access rules did not deny it
    cells   of each recipient and purpose, what every agreement says of roles
    """

    on: date
    grants: Mapping[AgencyId, tuple[Grant, ...]]
    denied: Mapping[AgencyId, tuple[tuple[Grant, Cell], ...]]
    cells: Mapping[tuple[AgencyId, str], tuple[Cells, ...]]


_Key = tuple[AgencyId, str]
"""Sender and exchange."""


class InForce:
    """Agreements by who sends what to whom: a decision looks at the clauses that may matter and at no others."""

    def __init__(self, mous: Iterable[Mou]) -> None:
        self.mous = tuple(sorted(mous, key=lambda mou: (mou.id, -mou.version)))
        self.digests = frozenset(mou.digest for mou in self.mous)
        found: dict[_Key, list[tuple[Access, Clause]]] = defaultdict(list)
        self._versions: dict[str, list[Mou]] = defaultdict(list)
        for mou in self.mous:
            access = Access(mou)
            self._versions[mou.id].append(mou)
            for clause in mou.exchanges:
                found[clause.sender, clause.exchange].append((access, clause))
        self._clauses: Mapping[_Key, tuple[tuple[Access, Clause], ...]] = {
            key: tuple(each) for key, each in found.items()
        }
        # What speaks on a day is found once a day, not once a message.
        self._spoken: dict[_Key, Spoken] = {}

    def spoken(self, sender: AgencyId, exchange: str, on: date) -> Spoken:
        """What is said of this on this day. Of two versions of one agreement in force, the later one speaks."""
        known = self._spoken.get((sender, exchange))
        if known is not None and known.on == on:
            return known
        clauses = self._clauses.get((sender, exchange), ())
        spoken = _speak([each for each in clauses if self._speaks(each[0].mou, on)], on)
        if clauses:  # whoever has no agreement takes no room
            self._spoken[sender, exchange] = spoken
        return spoken

    def senders(self, exchange: str) -> tuple[AgencyId, ...]:
        """Who sends this exchange under any agreement, by id."""
        return tuple(sorted(sender for sender, each in self._clauses if each == exchange))

    def access(self, request: Request) -> Verdict:
        """Whether this person may see what this sender gives for this purpose: any agreement may permit it."""
        spoken = self.spoken(request.sender, request.exchange, request.on)
        cells = spoken.cells.get((request.recipient, request.purpose), ())
        return decide(cells, request, given=request.recipient in spoken.grants or request.recipient in spoken.denied)

    def _speaks(self, mou: Mou, on: date) -> bool:
        return mou.in_force(on) and not any(
            other.version > mou.version and other.in_force(on) for other in self._versions[mou.id]
        )


def _speak(clauses: Iterable[tuple[Access, Clause]], on: date) -> Spoken:
    grants: dict[AgencyId, list[Grant]] = defaultdict(list)
    denied: dict[AgencyId, list[tuple[Grant, Cell]]] = defaultdict(list)
    cells: dict[tuple[AgencyId, str], list[Cells]] = defaultdict(list)
    for access, clause in clauses:
        cell = access.cell(clause)
        told = duties_in(cell)
        for recipient in clause.recipients:
            grant = Grant(mou=access.mou, clause=clause, recipient=recipient, duties=told)
            if cell.open:
                grants[recipient].append(grant)
            else:
                denied[recipient].append((grant, cell))
            roles = access.ways[clause.sender, recipient, clause.exchange, clause.purpose]
            known = cells[recipient, clause.purpose]
            if not any(roles is each for each in known):
                known.append(roles)
    return Spoken(
        on=on,
        grants={recipient: tuple(each) for recipient, each in grants.items()},
        denied={recipient: tuple(each) for recipient, each in denied.items()},
        cells={key: tuple(each) for key, each in cells.items()},
    )


def grants(
    mous: InForce | Iterable[Mou],
    *,
    sender: AgencyId,
    exchange: str,
    facts: Facts,
    on: date,
    only: frozenset[AgencyId] | None = None,
    purpose: str | None = None,
    role: str | None = None,
) -> tuple[Grant, ...]:
    """Who gets a message, in the order in which agreements and their clauses first name them.

    A recipient gets a message once: under the first clause that gives it, agreements in order of their ids. `only`,
    `purpose` and `role` narrow. Give an `InForce` where many messages are decided.
    """
    index = mous if isinstance(mous, InForce) else InForce(mous)
    spoken = index.spoken(sender, exchange, on).grants
    found = []
    for recipient in spoken if only is None else sorted(only):
        for grant in spoken.get(recipient, ()):
            if _asked(grant.clause, purpose, role) and matches(grant.clause.route, facts):
                found.append(grant)
                break
    return tuple(found)


def refusals(
    mous: InForce | Iterable[Mou],
    granted: Iterable[Grant],
    *,
    sender: AgencyId,
    exchange: str,
    on: date,
    only: frozenset[AgencyId],
    purpose: str | None = None,
    role: str | None = None,
) -> tuple[Refusal, ...]:
    """A refusal for each recipient that was asked for and not granted, by id."""
    index = mous if isinstance(mous, InForce) else InForce(mous)
    spoken = index.spoken(sender, exchange, on)
    refused = sorted(only - {grant.recipient for grant in granted})
    return tuple(
        Refusal(recipient=each, error=_refusal(spoken, each, sender, exchange, purpose=purpose, role=role))
        for each in refused
    )


def _refusal(
    spoken: Spoken, recipient: AgencyId, sender: AgencyId, exchange: str, *, purpose: str | None, role: str | None
) -> Refused:
    """Why this recipient gets nothing: what is nearest to getting it says."""
    given, denied = spoken.grants.get(recipient, ()), spoken.denied.get(recipient, ())
    if any(_asked(grant.clause, purpose, role) for grant in given):
        return NotRouted(sender=sender, exchange=exchange, on=spoken.on, recipient=recipient)
    closed = next((each for each in denied if _asked(each[0].clause, purpose, role)), None)
    if closed is not None:
        return AccessDenied(grant=closed[0], denials=closed[1].denials)
    if given or denied:
        return PurposeNotAllowed(recipient=recipient, exchange=exchange)
    return NoMouInForce(sender=sender, exchange=exchange, on=spoken.on, recipient=recipient)


def _asked(clause: Clause, purpose: str | None, role: str | None) -> bool:
    return (purpose is None or purpose == clause.purpose) and (role is None or role == clause.role)


def matches(route: tuple[Condition, ...], facts: Facts) -> bool:
    """Whether all conditions hold. A fact the message does not show gives the strict answer, which is its own."""
    for condition in route:  # noqa: SIM110 - asked of every message, and all() takes 1.6 times as long
        if facts.message(condition.fact) not in condition.values:
            return False
    return True
