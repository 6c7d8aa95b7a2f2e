"""What may go to whom: one message, what is in force, and the day, to a decision for each recipient. Pure.

The uncut message is never handed on: a `Release` holds a tree of its own, cut and validated again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.agency import AgencyId
from gateway.document.parse import Document
from gateway.exchange.configured import Configured, PastGrant
from gateway.exchange.past import Past
from gateway.finding import errors
from gateway.iepd.facts import Facts, evaluate
from gateway.iepd.header import naming
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.message import Action, MessageId
from gateway.policy.consent import Consents, counting, lacking, reference, used
from gateway.policy.deadline import Term, terms
from gateway.policy.grant import Grant
from gateway.policy.law_bind import NOTHING_ASKED, Handed
from gateway.policy.redact import Cut, NotReleasable, cut
from gateway.policy.rules import SharingRules
from gateway.policy.special import special_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one recipient may have. `withdrawal`: only that the earlier message is void.

    handed  what law asks of the recipient: it travels in the Cover
    urgent  it goes ahead of the queue, whatever the message's action
    terms   by when it must arrive
    special per label of which each disclosure is accounted for, how many places went
    consents  ids of the consents by which those may go
    earlier  what is named to it as the earlier message; None = the one that the sender names
    """

    grant: Grant
    cut: Cut
    withdrawal: bool = False
    handed: Handed = NOTHING_ASKED
    urgent: bool = False
    terms: tuple[Term, ...] = ()
    special: Mapping[str, int] = field(default_factory=dict)
    consents: tuple[str, ...] = ()
    earlier: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """One recipient gets nothing; `code` says why."""

    recipient: AgencyId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be decided: a valid message of a known exchange. `consents`: what was found for the persons in it."""

    document: Document
    iepd: Iepd
    sender: AgencyId
    action: Action
    only: frozenset[AgencyId]
    past: tuple[Past, ...] = ()
    consents: Consents = ()


def decide(case: Case, configured: Configured, *, now: datetime) -> tuple[Release | Denied, ...]:
    """One decision for each recipient, by name. One recipient's refusal never stops another's.

    A cancellation goes to every past recipient and to nobody else; a correction to every past recipient and to
    whoever the agreements name for it now. Past recipients get it by the clause that decided the earlier message, or
    else, also when nothing that is a message is left of it, as a withdrawal; one that is suspended gets it when it is
    let in again.
    """
    facts = evaluate(case.document, case.iepd)
    grants: dict[AgencyId, Grant | Denied] = {}
    if case.action is not Action.CANCEL:
        found, refusals = configured.decide_recipients(
            sender=case.sender, exchange=case.iepd.id, facts=facts, on=now, only=case.only
        )
        grants = {grant.recipient: grant for grant in found}
        grants |= {each.recipient: Denied(recipient=each.recipient, code=each.error.code) for each in refusals}
    decisions = {
        agency: decide_one(case, configured, facts, grant, now=now)
        for agency, grant in grants.items()
        if agency not in {past.recipient for past in case.past}
    }
    decisions |= {past.recipient: _decide_past(case, configured, facts, past, now) for past in case.past}
    return tuple(decisions[agency] for agency in sorted(decisions))


def _decide_past(case: Case, configured: Configured, facts: Facts, past: Past, now: datetime) -> Release | Denied:
    canceling = case.action is Action.CANCEL
    found = configured.grant_of(
        past, sender=case.sender, exchange=case.iepd.id, facts=facts, canceling=canceling, on=now
    )
    if found is None:
        return Denied(recipient=past.recipient, code="policy.no-mou-in-force")
    if past.had is None:
        return _told(case, configured, facts, found, now)
    # Whoever never got the message that the sender names could not know what is taken back.
    case = replace(case, document=naming(case.document, case.iepd, past.had.name))
    made = _told(case, configured, evaluate(case.document, case.iepd), found, now)
    return replace(made, earlier=past.had.message) if isinstance(made, Release) else made


def _told(case: Case, configured: Configured, facts: Facts, found: PastGrant, now: datetime) -> Release | Denied:
    if not found.withdrawal:
        released = release_of(case, configured, facts, found.grant, now)
        if isinstance(released, Release):
            return released
    # Whoever has the earlier message learns at least that it is void.
    return withdrawal_of(case, configured, facts, found.grant)


def decide_one(
    case: Case, configured: Configured, facts: Facts, grant: Grant | Denied, *, now: datetime
) -> Release | Denied:
    """Cut for one recipient, and validate what is left."""
    if isinstance(grant, Denied):
        return grant
    if configured.agencies[grant.recipient].suspended:
        return Denied(recipient=grant.recipient, code="agency.suspended")
    return release_of(case, configured, facts, grant, now)


def withdrawal_of(case: Case, configured: Configured, facts: Facts, grant: Grant) -> Release | Denied:
    """Only that the earlier message is void."""
    kept = _cut(case, configured.rules(grant, case.iepd, withdrawal=True), facts)
    if kept is None:
        return Denied(recipient=grant.recipient, code=NotReleasable.code)
    return Release(grant=grant, cut=kept, withdrawal=True)


def release_of(case: Case, configured: Configured, facts: Facts, grant: Grant, now: datetime) -> Release | Denied:
    """What agreement and law let through. Consents are looked at for this recipient and purpose only."""
    bound = configured.bound(grant)
    holding = _NOTHING_HOLDS
    consents: Consents = ()
    if bound.consents:
        # The days of a consent are days here: in UTC one would begin the evening before.
        here = now.astimezone(configured.zone)
        consents = counting(
            case.consents, sender=case.sender, recipient=grant.recipient, purpose=grant.clause.purpose, now=here
        )
        holding = lacking(bound.consents, consents)
    kept = _cut(case, configured.rules(grant, case.iepd), facts, holding)
    if kept is None:
        return Denied(recipient=grant.recipient, code=NotReleasable.code)
    handed = bound.handed(case.document.root, facts, holding)
    by = used(bound.consents, consents)
    if handed is not NOTHING_ASKED and by:
        handed = replace(handed, notices=handed.notices + tuple(reference(each) for each in by))
    went = special_counts(kept.document, case.iepd) if bound.special else {}
    opens = case.action is Action.NEW
    return Release(
        grant=grant,
        cut=kept,
        handed=handed,
        terms=terms(grant.clause, bound.dues, facts, received=now, zone=configured.zone, opens=opens),
        special=went,
        consents=tuple(each.id for each in by) if went else (),
    )


_NOTHING_HOLDS: frozenset[str] = frozenset()


def _cut(case: Case, rules: SharingRules, facts: Facts, holding: frozenset[str] = _NOTHING_HOLDS) -> Cut | None:
    """What is left, valid; None when nothing that is can be."""
    try:
        kept = cut(case.document, rules, facts, case.iepd, holding=holding)
    except NotReleasable:
        return None
    return None if errors(validate(kept.document, case.iepd)) else kept


def releases(decisions: Iterable[Release | Denied]) -> tuple[Release, ...]:
    """Those who get something."""
    return tuple(decision for decision in decisions if isinstance(decision, Release))
