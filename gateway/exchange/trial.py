"""Trial: what agreements on trial would share of a message, decided like any other and counted. Pure.

Nothing leaves by it but to test endpoints: there the decision is one like those in force, under the version on trial.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Case, Denied, Release, decide, decide_one
from gateway.iepd.facts import Facts, evaluate
from gateway.message import Action, MessageId
from gateway.policy.grant import Grant, matches
from gateway.policy.journal import counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What one agreement on trial would share with one recipient, or why nothing."""

    grant: Grant
    decision: Release | Denied


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """decisions: of what is in force, and of what is on trial for test endpoints; `tried`: of all that is on trial."""

    decisions: tuple[Release | Denied, ...]
    tried: tuple[Tried, ...] = ()


def decide_all(case: Case, configured: Configured, *, now: datetime) -> Decided:
    """What is in force decides; what is on trial is decided besides, where it speaks of this sender and exchange."""
    decisions = decide(case, configured, now=now)
    tried = tuple(_tried(case, configured, now=now))
    if not tried:
        return Decided(decisions=decisions)
    past = {each.recipient for each in case.past}
    found = {_recipient(each): each for each in decisions}
    for each in tried:
        recipient = each.grant.recipient
        # What somebody had before is corrected by the clause it came by: `decide` has seen to that.
        if recipient in past or isinstance(found.get(recipient), Release):
            continue
        if isinstance(each.decision, Release) and configured.tests(recipient):
            found[recipient] = each.decision
    return Decided(decisions=tuple(found[each] for each in sorted(found)), tried=tried)


def _recipient(decision: Release | Denied) -> AgencyId:
    return decision.grant.recipient if isinstance(decision, Release) else decision.recipient


def _tried(case: Case, configured: Configured, *, now: datetime) -> Iterator[Tried]:
    if case.action is Action.CANCEL or not configured.trial.mous:
        return
    spoken = configured.trial.spoken(case.sender, case.iepd.id, configured.day(now)).grants
    asked = [recipient for recipient in spoken if not case.only or recipient in case.only]
    if not asked:
        return
    facts = evaluate(case.document, case.iepd)
    for recipient in asked:
        for grant in _first_of_each(spoken[recipient], facts):
            yield Tried(grant=grant, decision=decide_one(case, configured, facts, grant, now=now))


def _first_of_each(grants: Iterable[Grant], facts: Facts) -> Iterator[Grant]:
    """Of each agreement the first clause that gives the message: several trials are counted each for itself."""
    seen: set[str] = set()
    for grant in grants:
        if grant.mou.id not in seen and matches(grant.clause.route, facts):
            seen.add(grant.mou.id)
            yield grant


def trial_entry(
    tried: Tried,
    *,
    id: str,
    now: datetime,
    message: MessageId,
    sender: AgencyId,
    configured: Configured,
) -> AuditEntry:
    """The entry of one decision on trial. The sender may read it, nobody else: nobody else has anything of it."""
    grant, decision = tried.grant, tried.decision
    released = decision if isinstance(decision, Release) else None
    withheld, reduced = counts(released.cut.redactions) if released is not None else (None, None)
    return make(
        EntryType.TRIAL,
        id=id,
        at=now,
        parties=(sender,),
        message=message,
        sender=sender,
        recipient=grant.recipient,
        exchange=grant.clause.exchange,
        mou=f"{grant.mou.id}@{grant.mou.version}",
        mou_digest=grant.mou.digest,
        clauses=(grant.clause.id,),
        purpose=grant.clause.purpose,
        role=grant.clause.role,
        shared=released.cut.shared if released is not None else None,
        withheld=withheld,
        reduced=reduced,
        code=decision.code if isinstance(decision, Denied) else None,
        configuration=configured.version,
        laws=configured.laws.digest,
    )
