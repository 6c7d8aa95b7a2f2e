"""Grant: one recipient may have this message, under this clause. Who gets a message, and who does not.

Recipients are decided by the agreements in force alone. A sender may name fewer of them, never more; one it
names in vain gets a refusal of its own, and the others get theirs all the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.iepd.facts import Facts
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One recipient of one message, and the clause it gets it under."""

    mou: Mou
    clause: Clause
    recipient: AgencyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A recipient that was asked for and does not get the message."""

    recipient: AgencyId
    error: Refused


class InForce:
    """Agreements by who sends what: a decision looks at the clauses that may matter and at no others."""

    def __init__(self, mous: Iterable[Mou]) -> None:
        self.mous = tuple(sorted(mous, key=lambda mou: (mou.id, -mou.version)))
        found: dict[tuple[AgencyId, str], list[tuple[Mou, Clause]]] = defaultdict(list)
        for mou in self.mous:
            for clause in mou.exchanges:
                found[clause.sender, clause.exchange].append((mou, clause))
        self._clauses: Mapping[tuple[AgencyId, str], tuple[tuple[Mou, Clause], ...]] = {
            key: tuple(pairs) for key, pairs in found.items()
        }
        # What speaks on a day is found once a day, not once a message.
        self._speaking: dict[tuple[AgencyId, str], tuple[date, tuple[tuple[Mou, Clause], ...]]] = {}
        self._versions: dict[str, list[Mou]] = defaultdict(list)
        for mou in self.mous:
            self._versions[mou.id].append(mou)

    def clauses(self, sender: AgencyId, exchange: str, on: date) -> tuple[tuple[Mou, Clause], ...]:
        """The clauses that speak of this on this day: agreements by id, clauses as they stand in them.

        Of two versions of one agreement in force on the same day, the later one speaks.
        """
        pairs = self._clauses.get((sender, exchange), ())
        known = self._speaking.get((sender, exchange))
        if known is not None and known[0] == on:
            return known[1]
        speaking = tuple((mou, clause) for mou, clause in pairs if mou.in_force(on) and not self._superseded(mou, on))
        if pairs:  # whoever has no agreement takes no room
            self._speaking[sender, exchange] = (on, speaking)
        return speaking

    def _superseded(self, mou: Mou, on: date) -> bool:
        versions = self._versions[mou.id]
        return len(versions) > 1 and any(other.version > mou.version and other.in_force(on) for other in versions)


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
    """Who gets a message, in order of agreement and clause.

    A recipient gets a message once: under the first clause that gives it, agreements in order of their ids. `only`,
    `purpose` and `role` narrow. Give an `InForce` where many messages are decided.
    """
    index = mous if isinstance(mous, InForce) else InForce(mous)
    found: dict[AgencyId, Grant] = {}
    for mou, clause in index.clauses(sender, exchange, on):
        if purpose not in {None, clause.purpose} or role not in {None, clause.role}:
            continue
        wanted = [each for each in clause.recipients if each not in found and (only is None or each in only)]
        if wanted and matches(clause.route, facts):
            found.update((each, Grant(mou=mou, clause=clause, recipient=each)) for each in wanted)
    return tuple(found.values())


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
    clauses = [clause for _, clause in index.clauses(sender, exchange, on)]
    got = {grant.recipient for grant in granted}
    found = []
    for recipient in sorted(only - got):
        theirs = [clause for clause in clauses if recipient in clause.recipients]
        error: Refused
        if not theirs:
            error = NoMouInForce(sender=sender, exchange=exchange, on=on, recipient=recipient)
        elif not any(purpose in {None, each.purpose} and role in {None, each.role} for each in theirs):
            error = PurposeNotAllowed(recipient=recipient, exchange=exchange)
        else:
            error = NotRouted(sender=sender, exchange=exchange, on=on, recipient=recipient)
        found.append(Refusal(recipient=recipient, error=error))
    return tuple(found)


def matches(route: tuple[Condition, ...], facts: Facts) -> bool:
    """Whether all conditions hold. A fact the message does not show gives the strict answer, which is its own."""
    return all(facts.message(condition.fact) in condition.values for condition in route)
