"""What may go to whom: one message, what is in force, and the day, to a decision for each recipient. Pure.

The uncut message is never handed on: a `Release` holds a tree of its own, cut and validated again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.agency import AgencyId
from gateway.document.parse import Document
from gateway.exchange.configured import Configured
from gateway.exchange.past import Past
from gateway.finding import errors
from gateway.iepd.facts import Facts, evaluate
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.message import Action
from gateway.policy.grant import Grant
from gateway.policy.redact import Cut, NotReleasable, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one recipient may have. `withdrawal`: only that the earlier message is void."""

    grant: Grant
    cut: Cut
    withdrawal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """One recipient gets nothing; `code` says why."""

    recipient: AgencyId
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be decided: a valid message of a known exchange."""

    document: Document
    iepd: Iepd
    sender: AgencyId
    action: Action
    only: frozenset[AgencyId]
    past: tuple[Past, ...] = ()


def decide(case: Case, configured: Configured, *, now: datetime) -> tuple[Release | Denied, ...]:
    """One decision for each recipient, by name. One recipient's refusal never stops another's.

    A cancellation goes to every past recipient and to nobody else; a correction to every past recipient and to
    whoever the agreements name for it now. Past recipients get it by the clause that decided the earlier message, or
    else as a withdrawal; one that is suspended gets it when it is let in again.
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
        agency: decide_one(case, configured, facts, grant)
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
    return _cut(case, configured, facts, found.grant, withdrawal=found.withdrawal)


def decide_one(case: Case, configured: Configured, facts: Facts, grant: Grant | Denied) -> Release | Denied:
    """Cut for one recipient, and validate what is left."""
    if isinstance(grant, Denied):
        return grant
    if configured.agencies[grant.recipient].suspended:
        return Denied(recipient=grant.recipient, code="agency.suspended")
    return _cut(case, configured, facts, grant, withdrawal=False)


def _cut(case: Case, configured: Configured, facts: Facts, grant: Grant, *, withdrawal: bool) -> Release | Denied:
    try:
        kept = cut(case.document, configured.rules(grant, case.iepd, withdrawal=withdrawal), facts, case.iepd)
    except NotReleasable as refused:
        return Denied(recipient=grant.recipient, code=refused.code)
    if errors(validate(kept.document, case.iepd)):
        return Denied(recipient=grant.recipient, code=NotReleasable.code)
    return Release(grant=grant, cut=kept, withdrawal=withdrawal)


def releases(decisions: Iterable[Release | Denied]) -> tuple[Release, ...]:
    """Those who get something."""
    return tuple(decision for decision in decisions if isinstance(decision, Release))
